/* pipeline/settings.c - see settings.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/settings.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "pipeline/settings_impl.h"

const struct setting setting_table[] = {
#define X(key_, type_, fallback_, range_, summary_) \
    { key_, SETTING_##type_, fallback_, range_, summary_ },
    SETTINGS(X)
#undef X
};
const unsigned n_settings = sizeof setting_table / sizeof *setting_table;

struct settings {
    struct setting_value values[sizeof setting_table / sizeof *setting_table];
    const struct weir_value *resources; /* owned */
    struct yaml *yaml;                  /* the file that they stand in; owned */
    const struct yaml_node *resources_yaml;
    struct require *require; /* owned */
};

static void
value_put(struct setting_value *to, const struct setting_value *from)
{
    free(to->text);
    *to = *from;
}

struct settings *
settings_new(void)
{
    struct settings *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    for (unsigned i = 0; i < n_settings; i++) {
        struct weir_error err;
        struct setting_value v;
        enum weir_code code =
            setting_parse(&setting_table[i], setting_table[i].fallback, &v, &err);
        assert(code == WEIR_OK);
        value_put(&s->values[i], &v);
    }
    return s;
}

void
settings_free(struct settings **s)
{
    if (*s == NULL)
        return;
    for (unsigned i = 0; i < n_settings; i++)
        free((*s)->values[i].text);
    value_unref(&(*s)->resources);
    yaml_free(&(*s)->yaml);
    require_free(&(*s)->require);
    free(*s);
    *s = NULL;
}

int
setting_find(struct weir_text key)
{
    for (unsigned i = 0; i < n_settings; i++)
        if (text_is(key, setting_table[i].key))
            return (int)i;
    return -1;
}

void
setting_nearest(struct weir_text key, char *ret, size_t room)
{
    struct weir_text names[sizeof setting_table / sizeof *setting_table];
    for (unsigned i = 0; i < n_settings; i++)
        names[i] = text_of(setting_table[i].key);
    int i = nearest(key, names, n_settings);
    ret[0] = '\0';
    if (i >= 0)
        (void)snprintf(ret, room, "did you mean '%s'?", setting_table[i].key);
}

enum weir_code
settings_set(struct settings *s, const char *key, const char *text, struct weir_error *err)
{
    int i = setting_find(text_of(key));
    if (i < 0) {
        char hint[96];
        setting_nearest(text_of(key), hint, sizeof hint);
        return err_set(err, WEIR_INVALID, "unknown setting '%.100s'%s%s", key,
                       hint[0] != '\0' ? "; " : "", hint);
    }
    struct setting_value v;
    enum weir_code code = setting_parse(&setting_table[i], text, &v, err);
    if (code != WEIR_OK)
        return err_in(err, "%s", key);
    value_put(&s->values[i], &v);
    return WEIR_OK;
}

void
settings_take_resources(struct settings *s, struct yaml *take_y, const struct yaml_node *n)
{
    value_unref(&s->resources);
    yaml_free(&s->yaml);
    s->yaml = take_y;
    s->resources_yaml = n;
    s->resources = yaml_value(n);
}

void
settings_take_require(struct settings *s, struct require *take_r)
{
    require_free(&s->require);
    s->require = take_r;
}

const struct require *
settings_require(const struct settings *s)
{
    return s->require;
}

void
settings_move_resources(struct settings *to, struct settings *from)
{
    value_unref(&to->resources);
    yaml_free(&to->yaml);
    to->resources = from->resources;
    to->yaml = from->yaml;
    to->resources_yaml = from->resources_yaml;
    from->resources = NULL;
    from->yaml = NULL;
    from->resources_yaml = NULL;
    settings_take_require(to, from->require);
    from->require = NULL;
}

struct yaml *
settings_yaml(const struct settings *s, const struct yaml_node **ret_resources)
{
    *ret_resources = s->resources_yaml;
    return s->yaml;
}

static const struct setting_value *
get(const struct settings *s, const char *key, unsigned types)
{
    int i = setting_find(text_of(key));
    assert(i >= 0);
    assert(types & 1u << setting_table[i].type);
    return &s->values[i];
}

const char *
settings_text(const struct settings *s, const char *key)
{
    return get(s, key,
               1u << SETTING_TEXT | 1u << SETTING_SECRET | 1u << SETTING_ADDRESSES |
                   1u << SETTING_RANGES | 1u << SETTING_FILES | 1u << SETTING_CHOICE)
        ->text;
}

uint64_t
settings_number(const struct settings *s, const char *key)
{
    return get(s, key, 1u << SETTING_COUNT | 1u << SETTING_BYTES | 1u << SETTING_DURATION)
        ->number;
}

bool
settings_bool(const struct settings *s, const char *key)
{
    return get(s, key, 1u << SETTING_BOOL)->number != 0;
}

double
settings_fraction(const struct settings *s, const char *key)
{
    return get(s, key, 1u << SETTING_PERCENT)->fraction;
}

bool
settings_item(const char *list, unsigned index, struct weir_text *ret)
{
    for (;;) {
        list += strspn(list, " ,");
        size_t len = strcspn(list, ",");
        if (len == 0)
            return false;
        size_t trimmed = len;
        while (trimmed > 0 && list[trimmed - 1] == ' ')
            trimmed--;
        *ret = (struct weir_text){ list, trimmed };
        if (index-- == 0)
            return true;
        list += len;
    }
}

const struct weir_value *
settings_resources(const struct settings *s)
{
    return s->resources;
}

void
setting_environment(const struct setting *t, char *ret, size_t room)
{
    size_t len = (size_t)snprintf(ret, room, "WEIR_%s", t->key);
    for (size_t i = 5; i < len && i + 1 < room; i++)
        ret[i] = ret[i] == '.'
                     ? '_'
                     : (char)(ret[i] >= 'a' && ret[i] <= 'z' ? ret[i] - 'a' + 'A' : ret[i]);
}

const char *
setting_type_name(enum setting_type type)
{
    static const char *const names[] = {
        [SETTING_TEXT] = "text",           [SETTING_SECRET] = "secret",
        [SETTING_ADDRESSES] = "addresses", [SETTING_RANGES] = "ranges",
        [SETTING_COUNT] = "number",        [SETTING_BYTES] = "size",
        [SETTING_DURATION] = "duration",   [SETTING_PERCENT] = "percentage",
        [SETTING_BOOL] = "true or false",  [SETTING_CHOICE] = "word",
        [SETTING_FILES] = "files",
    };
    return names[type];
}

bool
setting_is_list(enum setting_type type)
{
    return type == SETTING_ADDRESSES || type == SETTING_RANGES || type == SETTING_FILES;
}

bool
settings_info(unsigned index, struct setting_info *ret)
{
    static char environments[sizeof setting_table / sizeof *setting_table][64];
    if (index >= n_settings)
        return false;
    const struct setting *t = &setting_table[index];
    setting_environment(t, environments[index], sizeof environments[index]);
    *ret = (struct setting_info){
        .key = t->key,
        .environment = environments[index],
        .type = t->type == SETTING_CHOICE ? t->range : setting_type_name(t->type),
        .fallback = t->fallback,
        .summary = t->summary,
    };
    return true;
}

const char *
settings_changed(const struct settings *a, const struct settings *b)
{
    for (unsigned i = 0; i < n_settings; i++)
        if (strcmp(a->values[i].text, b->values[i].text) != 0)
            return setting_table[i].key;
    return NULL;
}
