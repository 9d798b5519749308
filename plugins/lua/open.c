/* lua/open.c - see script.h: from a configuration to a script that is known to load.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "types.h"

void
script_free(struct script *s)
{
    if (s == NULL)
        return;
    for (struct module *m = s->modules, *next; m != NULL; m = next) {
        next = m->next;
        free(m->name);
        free(m->shown);
        free(m->source);
        free(m);
    }
    for (unsigned i = 0; i < s->n_lends; i++)
        free(s->lends[i].name);
    for (unsigned i = 0; i < 3; i++)
        free(s->folders[i]);
    host->unref(&s->config_constant);
    host->unref(&s->config_schema);
    if (s->config_check != NULL)
        host->schema_free(&s->config_check);
    free(s->lends);
    free(s->source);
    free(s->name);
    free(s);
}

void
script_close(void *conf)
{
    script_free(conf);
}

static void
take_lends(struct weir_open *open, struct script *s)
{
    uint32_t n = host->blocks(open);
    s->lends = zeroed(n + 1, sizeof *s->lends);
    for (uint32_t i = 0; i < n; i++) {
        struct weir_text path = host->block_path(open, i);
        if (path.len < 5 || memcmp(path.bytes, "uses/", 5) != 0)
            continue;
        struct weir_text name = { path.bytes + 5, path.len - 5 };
        s->lends[s->n_lends++] = (struct lend){ text_copied(name), i };
    }
}

/* The ranges of limits: those of the schema in lua.c, which checks what a pipeline says. */
static const struct range {
    const char *name;
    size_t at; /* in struct limits */
    uint64_t min, max;
} ranges[] = {
    { "max_instructions", offsetof(struct limits, instructions), 1000, 100000000000 },
    { "max_memory", offsetof(struct limits, memory), 262144, 4294967296 },
    { "max_time", offsetof(struct limits, time_ms), 1, 3600000 },
    { "max_steps", offsetof(struct limits, steps), 1000, 1000000000 },
    { "max_keys", offsetof(struct limits, keys), 64, 1048576 },
    { "max_items", offsetof(struct limits, items), 1024, 16777216 },
    { "max_log_lines", offsetof(struct limits, log_lines), 1, 100000 },
};

#define N_RANGES (sizeof ranges / sizeof *ranges)

static uint32_t
take_limit(const struct range *r, const struct weir_value *v, struct limits *l,
           struct weir_error *err)
{
    int64_t n;
    if (v == NULL)
        return WEIR_OK;
    if (!host->get_int(v, &n))
        return refuse(err, WEIR_INVALID, "the limit %s is no whole number", r->name);
    if (n < 0 || (uint64_t)n < r->min || (uint64_t)n > r->max)
        return refuse(err, WEIR_INVALID, "the limit %s is %lld, not %llu to %llu", r->name,
                      (long long)n, (unsigned long long)r->min, (unsigned long long)r->max);
    *(uint64_t *)(void *)((char *)l + r->at) = (uint64_t)n;
    return WEIR_OK;
}

/* Takes what CONFIG, the options (OPTIONS) or a file's limits, has of limits. NULL: nothing. */
static uint32_t
take_limits(const struct weir_value *config, bool options, struct limits *l, struct weir_error *err)
{
    char pointer[40];
    uint32_t code = WEIR_OK;
    if (config == NULL)
        return code;
    for (size_t i = 0; code == WEIR_OK && i < N_RANGES; i++) {
        struct weir_text name = { ranges[i].name, strlen(ranges[i].name) };
        code = take_limit(&ranges[i], host->get(config, name), l, err);
        snprintf(pointer, sizeof pointer, "/%s", ranges[i].name);
        if (code != WEIR_OK && options)
            fault_at(err, pointer, 0);
    }
    return code;
}

/* Fails for a name among the LIMITS of a file that is none. */
static uint32_t
check_names(const struct weir_value *limits, struct weir_error *err)
{
    struct weir_text key;
    const struct weir_value *v;
    if (host->type(limits) != WEIR_MAP)
        return refuse(err, WEIR_INVALID, "limits must be a table, { max_time = 200 }");
    char hint[64];
    const char *names[N_RANGES + 1] = { NULL };
    for (size_t i = 0; i < N_RANGES; i++)
        names[i] = ranges[i].name;
    for (size_t i = 0; host->member(limits, i, &key, &v); i++)
        if (!names_has(names, key))
            return refuse(err, WEIR_INVALID, "there is no limit '%.*s'%s",
                          (int)(key.len < 64 ? key.len : 64), key.bytes,
                          names_hint(names, key, hint, sizeof hint));
    return WEIR_OK;
}

static uint32_t
make_metric(struct weir_open *open, struct script *s, struct weir_error *err)
{
    struct weir_metric m = { .size = sizeof m,
                             .kind = WEIR_COUNTER,
                             .name = "weir_lua_aborts_total",
                             .help = "Calls of scripts that reached a limit, by the limit.",
                             .labels = "reason" };
    s->metric = host->metric(open, &m, err);
    return s->metric == 0 && err->code != WEIR_OK ? err->code : WEIR_OK;
}

/* -- configurations -- */

/* V with the defaults of the properties that it lacks; owned by the caller. */
static const struct weir_value *
with_defaults(const struct weir_value *schema, const struct weir_value *v, unsigned depth)
{
    const struct weir_value *properties = host->get(schema, WEIR_TEXT("properties"));
    if (properties == NULL || host->type(v) != WEIR_MAP || depth > VALUE_DEPTH)
        return host->ref(v);
    struct weir_builder *b = host->map_new();
    struct weir_text key;
    const struct weir_value *item;
    for (size_t i = 0; host->member(v, i, &key, &item); i++) {
        const struct weir_value *p = host->get(properties, key);
        map_take(b, key, p ? with_defaults(p, item, depth + 1) : host->ref(item));
    }
    for (size_t i = 0; host->member(properties, i, &key, &item); i++) {
        const struct weir_value *usual = host->get(item, WEIR_TEXT("default"));
        if (usual == NULL || host->get(v, key) != NULL)
            continue;
        map_take(b, key, host->ref(usual));
    }
    return host->build(&b);
}

uint32_t
script_complete(const struct script *s, const struct weir_value **config,
                const struct weir_value **ret, struct weir_error *err)
{
    if (s->config_schema == NULL) {
        *ret = *config;
        *config = NULL;
        return WEIR_OK;
    }
    const struct weir_value *full = with_defaults(s->config_schema, *config, 0);
    host->unref(config);
    uint32_t code = host->schema_check(s->config_check, full, err);
    if (code == WEIR_OK)
        *ret = full;
    else
        host->unref(&full);
    return code;
}

/* The engine checks the options of a type by the schema that it had when the plugin was loaded.
 */
static uint32_t
check_options(struct script *s, struct weir_error *err)
{
    char type[80];
    const char *slash = strrchr(s->name, '/');
    snprintf(type, sizeof type, "%s", slash ? slash + 1 : s->name + 1);
    type[strlen(type) - strlen(".lua")] = '\0';
    bool same = err->code == WEIR_OK && types_has_options(type, s->config_schema);
    host->unref(&s->config_schema);
    if (err->code == WEIR_OK && !same)
        refuse(err, WEIR_CONFLICT,
               "%s has other options than when weir was started: start it anew to take them",
               s->name + 1);
    return err->code;
}

/* Takes what the script's file says of its node: the schema of its configuration, and limits,
 * as far as the pipeline says nothing else. */
static uint32_t
take_node(struct vm *vm, struct script *s, const struct weir_value *config,
          struct weir_error *err)
{
    const struct weir_value *limits = NULL;
    lua_State *L = vm->L;
    if (s->body)
        return WEIR_OK;
    if (node_check(L, err) != WEIR_OK)
        return err->code;
    if (node_field(L, "limits")) {
        if (value_make(L, -1, &limits, err) == WEIR_OK)
            (void)check_names(limits, err);
        lua_pop(L, 1);
    }
    uint32_t code = err->code == WEIR_OK ? take_limits(limits, false, &s->limits, err) : err->code;
    host->unref(&limits);
    if (code != WEIR_OK)
        return code;
    (void)node_schema(L, &s->config_schema, err);
    if (s->typed)
        return check_options(s, err);
    if (err->code == WEIR_OK)
        (void)take_limits(config, true, &s->limits, err);
    if (err->code == WEIR_OK && s->config_schema != NULL &&
        (s->config_check = host->schema_new(s->config_schema, err)) == NULL)
        return err->code;
    return err->code;
}

uint32_t
script_try(struct script *s, const struct weir_value *config, struct weir_error *err)
{
    struct vm *vm = vm_new(s, LOAD_MS, err);
    if (vm == NULL)
        return err->code;
    uint32_t code = take_node(vm, s, config, err);
    vm_free(&vm);
    s->sealed = true;
    return code;
}

static uint32_t
take_config(struct weir_open *open, const struct weir_value *config, struct script *s,
            struct weir_error *err)
{
    const struct weir_value *given = s->typed ? config : host->get(config, WEIR_TEXT("config"));
    s->config_slot = s->typed ? host->slot(open, "") : given ? host->slot(open, "/config") : 0;
    if (s->config_slot != 0 && !(host->slot_flags(open, s->config_slot) & WEIR_SLOT_CONSTANT))
        return WEIR_OK;
    struct weir_builder *b = host->map_new();
    const struct weir_value *empty = host->build(&b);
    const struct weir_value *copy = host->ref(given ? given : empty);
    host->unref(&empty);
    uint32_t code = script_complete(s, &copy, &s->config_constant, err);
    if (code != WEIR_OK) {
        char pointer[200];
        struct weir_text first = { "", 0 }; /* of what the schema finds */
        (void)host->get_text(host->get(host->at(err->detail, 0), WEIR_TEXT("pointer")), &first);
        snprintf(pointer, sizeof pointer, "/config%.*s", (int)first.len, first.bytes);
        (void)err_before(err, "config");
        err->code = WEIR_INVALID;
        fault_at(err, pointer, 0);
    }
    return err->code;
}

/* -- where the source comes from -- */

static struct script *
from_body(struct weir_open *open, struct weir_text text)
{
    /* On the first line, so that the numbers of lines are those of the author. */
    static const char head[] = "local ctx, input, config = ... ";
    struct weir_text pipeline = host->pipeline_name(open);
    struct weir_text node = host->node_id(open);
    char name[200];
    struct script *s = calloc(1, sizeof *s);
    char *source = malloc(sizeof head + text.len);
    snprintf(name, sizeof name, "=%.*s/%.*s", (int)pipeline.len, pipeline.bytes, (int)node.len,
             node.bytes);
    if (s == NULL || source == NULL || (s->name = strdup(name)) == NULL)
        abort();
    memcpy(source, head, sizeof head - 1);
    memcpy(source + sizeof head - 1, text.bytes, text.len);
    s->body = true;
    s->source = source;
    s->len = sizeof head - 1 + text.len;
    s->limits = script_default_limits;
    return s;
}

/* Whether a path leads down from where it begins: it is no script of this project else, and an error would
 * show what stands in it. */
static bool
is_below(struct weir_text path)
{
    for (size_t i = 0; i < path.len; i++) {
        bool begins = i == 0 || path.bytes[i - 1] == '/';
        bool up = begins && path.len - i >= 2 && path.bytes[i] == '.' && path.bytes[i + 1] == '.' &&
                  (path.len - i == 2 || path.bytes[i + 2] == '/');
        if (up || (i == 0 && path.bytes[i] == '/'))
            return false;
    }
    return true;
}

/* A file of the Lua folder, else one beside the pipeline. */
static struct script *
from_file(struct weir_open *open, struct weir_text file, struct weir_error *err)
{
    char path[4200], name[256];
    const struct weir_value *bytes = NULL;
    if (!is_below(file)) {
        refuse(err, WEIR_INVALID,
               "file: %.*s: a script lies in nodes/ of the Lua folder or beside the pipeline, or below these",
               (int)(file.len < 100 ? file.len : 100), file.bytes);
        return NULL;
    }
    snprintf(name, sizeof name, "%.*s", (int)file.len, file.bytes);
    snprintf(path, sizeof path, "%s/nodes/%s", lua_folder(), name);
    if (lua_folder()[0] != '\0' && access(path, R_OK) == 0)
        return script_from_file(path, err);
    if (host->file(open, file, SOURCE_MAX, &bytes, err) != WEIR_OK) {
        fault_at(err, "/file", 0);
        return NULL;
    }
    struct script *s = from_body(open, (struct weir_text){ "", 0 });
    struct weir_text text = { "", 0 };
    (void)host->get_text(bytes, &text);
    s->body = false;
    free(s->source);
    s->source = text_copied(text);
    s->len = text.len;
    snprintf(path, sizeof path, "@%s", name);
    free(s->name);
    s->name = strdup(path);
    host->unref(&bytes);
    return s;
}

/* The script of the node; NULL and ERR. */
static struct script *
find_script(struct weir_open *open, const struct weir_value *config, struct weir_error *err)
{
    struct weir_text text, type = host->type_name(open);
    if (type.len != 3 || memcmp(type.bytes, "lua", 3) != 0) {
        char path[4200], name[80];
        snprintf(name, sizeof name, "%.*s.lua", (int)type.len, type.bytes);
        snprintf(path, sizeof path, "%s/nodes/%s", lua_folder(), name);
        struct script *s = script_from_file(path, err);
        if (s != NULL)
            s->typed = true;
        return s;
    }
    struct weir_text file = { NULL, 0 };
    (void)host->get_text(host->get(config, WEIR_TEXT("file")), &file);
    bool body = host->get_text(host->get(config, WEIR_TEXT("script")), &text);
    if (body == (file.bytes != NULL)) {
        refuse(err, WEIR_INVALID, "one of 'script' and 'file' must say what to run");
        return NULL;
    }
    struct script *s = body ? from_body(open, text) : from_file(open, file, err);
    if (s != NULL && take_limits(config, true, &s->limits, err) != WEIR_OK) {
        script_free(s);
        return NULL;
    }
    return s;
}

/* script_try, whose error says where the author finds it. */
static uint32_t
try_here(struct script *s, const struct weir_value *config, struct weir_error *err)
{
    size_t len = strlen(s->name + 1);
    if (script_try(s, config, err) == WEIR_OK || err->detail != NULL)
        return err->code;
    if (!s->body)
        fault_at(err, "/file", 0);
    else if (strncmp(err->text, s->name + 1, len) == 0 && err->text[len] == ':')
        fault_at(err, "/script", strtol(err->text + len + 1, NULL, 10));
    return err->code;
}

/* No name that ctx has itself is lent: it would never be reached. */
static uint32_t
check_lends(const struct script *s, struct weir_error *err)
{
    char list[100];
    for (unsigned i = 0; i < s->n_lends; i++)
        if (names_has(ctx_names, (struct weir_text){ s->lends[i].name, strlen(s->lends[i].name) }))
            return refuse(err, WEIR_CONFLICT,
                          "'%s' under 'uses' can't be lent by that name: ctx has %s itself",
                          s->lends[i].name, names_list(ctx_names, list, sizeof list));
    return WEIR_OK;
}

uint32_t
script_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
            struct weir_error *err)
{
    struct script *s = find_script(open, config, err);
    if (s == NULL)
        return err->code;
    take_lends(open, s);
    if (check_lends(s, err) == WEIR_OK && make_metric(open, s, err) == WEIR_OK &&
        try_here(s, config, err) == WEIR_OK && take_config(open, config, s, err) == WEIR_OK) {
        *ret_conf = s;
        return WEIR_OK;
    }
    script_free(s);
    return err->code;
}
