/* pipeline/settings_read.c - settings from weir.yaml and from the environment.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "pipeline/file.h"
#include "pipeline/model.h"
#include "pipeline/settings_impl.h"
#include "pipeline/yaml.h"

#define KEY_MAX 128
#define VALUE_MAX 65536
#define STRAYS_MAX 128 /* settings that a stray name is compared with */

extern char **environ;

struct reading {
    struct settings *s;
    struct yaml *y;
    struct diags *d;
    const struct yaml_node *resources; /* NULL: none */
};

static void
say(struct reading *r, const struct yaml_node *n, enum diag_code code, const char *hint,
    const char *text)
{
    diags_add(r->d, r->y->file, n->mark, yaml_line(r->y, n->mark.line), code,
              hint != NULL && hint[0] != '\0' ? hint : NULL, "%s", text);
}

/* The text that a flag would have for N: a list becomes one with commas. */
static bool
text_of_node(const struct yaml_node *n, bool list, struct buf *out)
{
    if (n->kind == YAML_SCALAR)
        return buf_text(out, n->text);
    for (unsigned i = 0; list && n->kind == YAML_LIST && i < n->n; i++) {
        if (n->items[i]->kind != YAML_SCALAR)
            return false;
        buf_puts(out, i > 0 ? "," : "");
        buf_text(out, n->items[i]->text);
    }
    return list && n->kind == YAML_LIST;
}

static void
read_value(struct reading *r, const struct setting *t, const struct yaml_node *key,
           const struct yaml_node *n)
{
    struct buf text;
    struct weir_error err;
    buf_init(&text, VALUE_MAX);
    bool list = setting_is_list(t->type);
    if (!text_of_node(n, list, &text)) {
        (void)err_set(&err, WEIR_INVALID, "%s: must be a %s", t->key,
                      setting_type_name(t->type));
        say(r, key, DIAG_SETTING_VALUE, NULL, err.text);
    } else if (memchr(text.bytes, '\0', text.len) != NULL) {
        say(r, n, DIAG_SETTING_VALUE, NULL, "a NUL can't stand in a setting");
    } else if (settings_set(r->s, t->key, text.bytes, &err) != WEIR_OK) {
        char hint[64] = "";
        bool bare = t->type == SETTING_DURATION && n->value.type == WEIR_INT && text.len < 12;
        if (bare)
            (void)snprintf(hint, sizeof hint, "write '%ss'", text.bytes);
        say(r, n->kind == YAML_SCALAR ? n : key, DIAG_SETTING_VALUE, hint, err.text);
    }
    buf_fini(&text);
}

static void
read_resource(struct reading *r, const struct yaml_node *kind, const struct yaml_node *n)
{
    if (n->kind != YAML_MAP) {
        say(r, kind, DIAG_RESOURCE_FORM, NULL,
            "a kind of resources must be a map from names to maps");
        return;
    }
    for (unsigned i = 0; i < n->n; i++) {
        if (!pipeline_name_valid(n->keys[i]->text))
            say(r, n->keys[i], DIAG_RESOURCE_FORM, NULL,
                "a resource's name is a lower-case letter, then letters, digits, _ and -");
        if (n->items[i]->kind != YAML_MAP && n->items[i]->kind != YAML_LIST)
            say(r, n->keys[i], DIAG_RESOURCE_FORM, NULL, "a resource must be a map, or a list if its kind is one of lists");
    }
}

static void
read_resources(struct reading *r, const struct yaml_node *key, const struct yaml_node *n)
{
    if (n->kind != YAML_MAP) {
        say(r, key, DIAG_RESOURCE_FORM, NULL, "'resources' must be a map");
        return;
    }
    for (unsigned i = 0; i < n->n; i++)
        read_resource(r, n->keys[i], n->items[i]);
    r->resources = n;
}

/* Whether any key of the table starts with GROUP and a point. */
static bool
is_group(const char *group)
{
    size_t len = strlen(group);
    for (unsigned i = 0; i < n_settings; i++)
        if (strncmp(setting_table[i].key, group, len) == 0 && setting_table[i].key[len] == '.')
            return true;
    return false;
}

/* The keys of a map whose names start with PREFIX. */
static void
read_keys(struct reading *r, const struct yaml_node *map, const char *prefix, unsigned depth)
{
    for (unsigned i = 0; i < map->n; i++) {
        const struct yaml_node *key = map->keys[i];
        const struct yaml_node *n = map->items[i];
        char name[KEY_MAX];
        bool cut = snprintf(name, sizeof name, "%s%.*s", prefix, (int)key->text.len,
                            key->text.bytes) >= KEY_MAX;
        int at = cut ? -1 : setting_find(text_of(name));
        if (depth == 0 && text_is(key->text, "resources")) {
            read_resources(r, key, n);
            continue;
        }
        if (depth == 0 && text_is(key->text, "require")) {
            settings_take_require(r->s, require_read(r->y, n, r->d));
            continue;
        }
        if (at >= 0) {
            read_value(r, &setting_table[at], key, n);
            continue;
        }
        if (!cut && depth < 4 && n->kind == YAML_MAP && is_group(name)) {
            char inner[KEY_MAX + 2];
            (void)snprintf(inner, sizeof inner, "%s.", name);
            read_keys(r, n, inner, depth + 1);
            continue;
        }
        char hint[96];
        struct weir_error err;
        setting_nearest(text_of(name), hint, sizeof hint);
        (void)err_set(&err, WEIR_INVALID, "unknown setting '%.60s'", name);
        say(r, key, DIAG_SETTING_UNKNOWN, hint, err.text);
    }
}

void
settings_read_text(struct settings *s, const char *file, struct weir_text text, struct diags *d)
{
    struct yaml *y = yaml_read(file, text, d);
    if (y == NULL)
        return;
    struct reading r = { s, y, d, NULL };
    if (y->root != NULL && y->root->kind == YAML_MAP)
        read_keys(&r, y->root, "", 0);
    else if (y->root != NULL && !yaml_is_null(y->root))
        say(&r, y->root, DIAG_WRONG_TYPE, NULL, "the settings must be a map");
    if (r.resources != NULL)
        settings_take_resources(s, y, r.resources);
    else
        yaml_free(&y);
}

void
settings_read(struct settings *s, const char *file, struct diags *d)
{
    struct buf text;
    struct weir_error err;
    buf_init(&text, YAML_MAX + 16);
    enum weir_code code = file_read(file, &text, &err);
    if (code == WEIR_OK)
        settings_read_text(s, file, buf_content(&text), d);
    else
        diags_add(d, file, (struct mark){ 0 }, NULL,
                  code == WEIR_TOO_LARGE ? DIAG_FILE_SIZE : DIAG_FILE_UNREADABLE, NULL, "%s",
                  err.text);
    buf_fini(&text);
}

static void
say_environment(struct diags *d, enum diag_code code, const char *hint, const char *name,
                const char *text)
{
    diags_add(d, "environment", (struct mark){ 0 }, NULL, code, hint, "%s: %s", name, text);
}

/* The content of the file PATH as the value of T. */
static void
read_from_file(struct settings *s, const struct setting *t, const char *name, const char *path,
               struct diags *d)
{
    struct buf text;
    struct weir_error err;
    buf_init(&text, VALUE_MAX);
    enum weir_code code = file_read(path, &text, &err);
    while (text.len > 0 &&
           (text.bytes[text.len - 1] == '\n' || text.bytes[text.len - 1] == '\r'))
        text.bytes[--text.len] = '\0';
    if (code == WEIR_OK && memchr(text.bytes, '\0', text.len) != NULL)
        code = err_set(&err, WEIR_INVALID, "a NUL can't stand in a setting");
    if (code == WEIR_OK)
        code = settings_set(s, t->key, text.bytes, &err);
    if (code != WEIR_OK)
        say_environment(d, DIAG_SETTING_VALUE, NULL, name, err.text);
    buf_fini(&text);
}

/* A name that starts with WEIR_, is none of ours, and is near to one of ours. */
static void
check_stray(const char *name, size_t len, struct diags *d)
{
    char names[STRAYS_MAX][64];
    struct weir_text texts[STRAYS_MAX];
    unsigned n = n_settings < STRAYS_MAX ? n_settings : STRAYS_MAX;
    for (unsigned i = 0; i < n; i++) {
        setting_environment(&setting_table[i], names[i], sizeof names[i]);
        texts[i] = text_of(names[i]);
    }
    int near = nearest((struct weir_text){ name, len }, texts, n);
    char hint[96];
    char copy[96];
    if (near < 0)
        return;
    (void)snprintf(hint, sizeof hint, "did you mean '%s'?", names[near]);
    (void)snprintf(copy, sizeof copy, "%.*s", (int)len, name);
    say_environment(d, DIAG_SETTING_STRAY, hint, copy, "is no setting");
}

static bool
is_setting_name(const char *name, size_t len)
{
    char own[64];
    for (unsigned i = 0; i < n_settings; i++) {
        setting_environment(&setting_table[i], own, sizeof own);
        size_t n = strlen(own);
        bool same = len >= n && memcmp(name, own, n) == 0;
        if (same && (len == n || (len == n + 5 && memcmp(name + n, "_FILE", 5) == 0)))
            return true;
    }
    return false;
}

void
settings_environment(struct settings *s, struct diags *d)
{
    for (unsigned i = 0; i < n_settings; i++) {
        const struct setting *t = &setting_table[i];
        char name[80];
        struct weir_error err;
        setting_environment(t, name, sizeof name - 5);
        const char *text = getenv(name);
        if (text != NULL && settings_set(s, t->key, text, &err) != WEIR_OK)
            say_environment(d, DIAG_SETTING_VALUE, NULL, name, err.text);
        memcpy(name + strlen(name), "_FILE", sizeof "_FILE");
        const char *path = text == NULL ? getenv(name) : NULL;
        if (path != NULL)
            read_from_file(s, t, name, path, d);
    }
    for (char **e = environ; e != NULL && *e != NULL; e++) {
        size_t len = strcspn(*e, "=");
        bool ours = strncmp(*e, "WEIR_", 5) == 0 && strncmp(*e, "WEIR_SECRET_", 12) != 0;
        if (ours && !is_setting_name(*e, len))
            check_stray(*e, len, d);
    }
}
