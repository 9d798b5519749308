/* engine/host_load.c - the host table inside open: values and files as they are at load. See
 * host.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/lru.h"
#include "pipeline/file.h"

/* Only what is the same for every event is there at load. */
static enum weir_code
find_at_load(struct expr_env *env, const struct expr_path *path, struct weir_value *ret, unsigned *used,
             struct weir_error *err)
{
    const struct weir_text *keys = path->keys;
    const struct weir_open *o = env->arg;
    const struct generation *g = o->generation;
    const struct weir_value *v = NULL;
    *used = path->n > 1 ? 2 : 1;
    if (text_is(keys[0], "vars")) {
        *used = 1;
        v = o->flow->pipeline->vars ? o->flow->pipeline->vars : &value_empty_map;
    } else if (path->n > 1 && text_is(keys[0], "env")) {
        v = map_get(&g->env, keys[1].bytes, keys[1].len);
    } else if (path->n > 1 && text_is(keys[0], "secrets")) {
        v = secrets_get(g->secrets, keys[1]);
    } else {
        return err_set(err, WEIR_INVALID, "this is read when the pipeline is loaded: only env, vars and secrets "
                       "are there then, not '%.*s'", (int)keys[0].len, keys[0].bytes);
    }
    if (v == NULL)
        return WEIR_NOT_FOUND;
    *ret = *v;
    return WEIR_OK;
}

enum weir_code
host_at_load(const struct weir_open *o, const struct part *p, const struct weir_value **ret, struct weir_error *err)
{
    if (p->kind == PART_CONSTANT) {
        *ret = value_ref(p->constant);
        return WEIR_OK;
    }
    struct expr_env env = { .find = find_at_load, .now_ms = expr_now_ms, .uuid = expr_uuid, .arg = (void *)(uintptr_t)o };
    enum weir_code code = part_eval(p, &env, ret, err);
    if (code == WEIR_NOT_FOUND)
        return err_set(err, WEIR_NOT_FOUND, "%s is not set", p->pointer ? p->pointer : "the value");
    if (code != WEIR_OK)
        return err_in(err, "%s", p->pointer ? p->pointer : "");
    return WEIR_OK;
}

static uint32_t
constant(struct weir_open *o, uint32_t handle, const struct weir_value **ret, struct weir_error *err)
{
    if (handle == 0 || handle > o->slots->n)
        return err_set(err, WEIR_NOT_FOUND, "there is no such part of the configuration");
    return host_at_load(o, o->slots->parts[handle - 1], ret, err);
}

/* PATH as seen from the folder of the pipeline's file. False if that is too long. */
static bool
beside(const char *file, struct weir_text path, char ret[PATH_MAX])
{
    const char *slash = strrchr(file, '/');
    bool whole = slash == NULL || (path.len > 0 && path.bytes[0] == '/');
    int folder = whole ? 0 : (int)(slash - file + 1);
    int len = snprintf(ret, PATH_MAX, "%.*s%.*s", folder, file, (int)path.len, path.bytes);
    return len >= 0 && len < PATH_MAX && memchr(path.bytes, '\0', path.len) == NULL;
}

static uint32_t
file(struct weir_open *o, struct weir_text path, uint64_t max_bytes, const struct weir_value **ret,
     struct weir_error *err)
{
    char name[PATH_MAX];
    if (!beside(o->flow->pipeline->file, path, name))
        return err_set(err, WEIR_INVALID, "'%.*s' is no name of a file", (int)path.len, path.bytes);
    struct buf bytes;
    buf_init(&bytes, max_bytes < SIZE_MAX / 2 ? (size_t)max_bytes : SIZE_MAX / 2);
    enum weir_code code = file_read(name, &bytes, err);
    if (code == WEIR_OK)
        *ret = value_bytes(bytes.bytes, bytes.len);
    buf_fini(&bytes);
    if (code != WEIR_OK)
        return err_in(err, "%s", name);
    return WEIR_OK;
}

static struct weir_text
pipeline_name(struct weir_open *o)
{
    return text_of(o->flow->pipeline->name);
}

static struct weir_text
node_id(struct weir_open *o)
{
    return text_of(o->unit ? o->unit->node->id : "");
}

static struct weir_text
type_name(struct weir_open *o)
{
    return text_of(o->unit ? o->unit->type->name : o->trigger->type->name);
}

static struct {
    const char *(*get)(void *arg, const char *key);
    void *arg;
} settings;

void
host_use_settings(const char *(*get)(void *arg, const char *key), void *arg)
{
    settings.get = get;
    settings.arg = arg;
}

static struct weir_text
setting(const char *key)
{
    const char *text = settings.get ? settings.get(settings.arg, key) : NULL;
    return text_of(text ? text : "");
}

static struct weir_lru *
lru(struct weir_open *o, const char *name, uint64_t max_bytes)
{
    (void)o;
    return lru_open(name, max_bytes);
}

void
host_fill_load(struct weir_host *h)
{
    h->constant = constant;
    h->file = file;
    h->pipeline_name = pipeline_name;
    h->node_id = node_id;
    h->lru = lru;
    h->type_name = type_name;
    h->setting = setting;
}
