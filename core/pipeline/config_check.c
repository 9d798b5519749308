/* pipeline/config_check.c - a configuration against its schema, with marks and hints.
 *
 * Unknown keys and formats are looked at first, since more can be said about them than a
 * schema does; what was said is not said again for the same place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "pipeline/config.h"

#define POINTER_MAX 512

struct checking {
    struct loading *l;
    const struct config_type *t;
    const struct yaml_node *key; /* of the type */
    const struct yaml_node *root;
    struct map said; /* pointers that have their diagnostic */
};

static void
note_said(struct checking *c, const struct config_spot *spot)
{
    char pointer[POINTER_MAX];
    config_pointer(spot, pointer, sizeof pointer);
    (void)map_set(&c->said, pointer, strlen(pointer), c);
}

/* "http.limits.default", cut to what fits. */
static void
spot_name(const struct checking *c, const char *pointer, size_t len, char *ret, size_t room)
{
    size_t used = (size_t)snprintf(ret, room, "%s", c->t->name);
    for (size_t i = 0; i < len && used + 1 < room; i++) {
        char ch = pointer[i];
        if (ch == '~' && i + 1 < len)
            ch = pointer[++i] == '0' ? '~' : '/';
        else if (ch == '/')
            ch = '.';
        ret[used++] = ch;
    }
    if (used < room)
        ret[used] = '\0';
    struct weir_text whole = { ret, strlen(ret) };
    ret[clip_len(whole)] = '\0';
}

/* Whether KEY stands beside the node's type: a common key, or one of its blocks. */
static bool
is_beside(const struct checking *c, struct weir_text key)
{
    return c->t->node != NULL && (is_common_key(key) || is_block_key(c->t->node, key));
}

static size_t
property_names(const struct weir_value *properties, struct weir_text *ret, size_t room)
{
    size_t n = 0;
    const struct weir_value *at;
    while (n < room && properties != NULL && value_member(properties, n, &ret[n], &at))
        n++;
    return n;
}

/* A property that was misspelt is not reported as missing too. */
static void
note_meant(struct checking *c, struct weir_text key, const struct weir_value *properties,
           const struct config_spot *spot)
{
    struct weir_text names[64];
    int i = nearest(key, names, property_names(properties, names, 64));
    if (i < 0)
        return;
    struct config_spot meant = { spot, names[i], 0, false };
    note_said(c, &meant);
}

static void
hint_property(const struct checking *c, struct weir_text key,
              const struct weir_value *properties, char *ret, size_t room)
{
    struct weir_text names[64];
    if (is_beside(c, key))
        (void)snprintf(ret, room, "'%.*s' belongs beside '%s', not under it", CLIP(key),
                       c->t->name);
    else
        hint_nearest(key, names, property_names(properties, names, 64), ret, room);
}

static void
check_keys(struct checking *c, const struct yaml_node *n, struct spec spec,
           const struct config_spot *spot)
{
    if (n->kind != YAML_MAP || !spec_is_closed(spec))
        return;
    const struct weir_value *properties = spec_properties(spec);
    char place[POINTER_MAX];
    char pointer[POINTER_MAX];
    for (unsigned i = 0; i < n->n; i++) {
        struct weir_text key = n->keys[i]->text;
        if (value_get(properties, key.bytes, key.len) != NULL)
            continue;
        struct config_spot member = { spot, key, 0, false };
        char hint[160];
        hint_property(c, key, properties, hint, sizeof hint);
        config_pointer(spot, pointer, sizeof pointer);
        spot_name(c, pointer, strlen(pointer), place, sizeof place);
        note_meant(c, key, properties, spot);
        load_say(c->l, n->keys[i], DIAG_KEY_UNKNOWN, hint[0] != '\0' ? hint : NULL,
                 "unknown key '%.*s' in '%s'", CLIP(key), place);
        note_said(c, &member);
    }
}

/* Whether the subschema's type: names TYPE. */
static bool
type_allows(struct spec spec, const char *type)
{
    const struct weir_value *v = spec_word(spec, "type");
    if (v == NULL)
        return true;
    if (value_type(v) != WEIR_LIST)
        return text_is(value_as_text(v), type);
    for (size_t i = 0; i < v->len; i++)
        if (text_is(value_as_text(value_at(v, i)), type))
            return true;
    return false;
}

static void
check_format(struct checking *c, const struct yaml_node *n, struct spec spec,
             const struct config_spot *spot)
{
    const char *format = n->kind == YAML_SCALAR ? format_find(spec_text(spec, "format")) : NULL;
    if (format == NULL || (yaml_is_string(n) && config_text(n->text) == TEXT_DYNAMIC))
        return;
    char pointer[POINTER_MAX];
    char place[POINTER_MAX];
    config_pointer(spot, pointer, sizeof pointer);
    spot_name(c, pointer, strlen(pointer), place, sizeof place);
    struct weir_error err;
    if (yaml_is_string(n)) {
        const struct weir_value *v = format_value(format, n->text, &err);
        if (v == NULL) {
            load_say(c->l, n, DIAG_BAD_VALUE, NULL, "%s: %s", place, err.text);
            note_said(c, spot);
        }
        value_unref(&v);
        return;
    }
    bool number = n->value.type == WEIR_INT || n->value.type == WEIR_DOUBLE;
    if (!number || type_allows(spec, "integer") || type_allows(spec, "number"))
        return;
    char hint[96];
    (void)snprintf(hint, sizeof hint, "write '%.*s%s'", CLIP(n->text),
                   strcmp(format, "duration") == 0  ? "s"
                   : strcmp(format, "rate") == 0    ? "/s"
                   : strcmp(format, "percent") == 0 ? "%"
                                                    : "KiB");
    load_say(c->l, n, DIAG_BAD_VALUE, hint, "%s must be %s", place, format_example(format));
    note_said(c, spot);
}

/* Walks down the schema and the configuration side by side. */
static void
check_places(struct checking *c, const struct yaml_node *n, struct spec spec,
             const struct config_spot *spot)
{
    if (spec.at == NULL)
        return;
    check_format(c, n, spec, spot);
    check_keys(c, n, spec, spot);
    for (unsigned i = 0; i < n->n; i++) {
        bool map = n->kind == YAML_MAP;
        struct weir_text key = map ? n->keys[i]->text : (struct weir_text){ NULL, 0 };
        struct config_spot member = { spot, key, i, !map };
        struct spec below = map ? spec_member(spec, key) : spec_item(spec, i);
        check_places(c, n->items[i], below, &member);
    }
}

/* N as the schema sees it: expressions carry VALUE_DYNAMIC. Owned. */
static const struct weir_value *
draft_value(const struct yaml_node *n, struct spec spec, bool literal)
{
    literal |= spec_flag(spec, "x-weir-literal");
    if (n->kind == YAML_SCALAR) {
        if (!yaml_is_string(n) || literal)
            return yaml_value(n);
        const struct weir_value *v = config_constant(n);
        if (config_text(n->text) == TEXT_DYNAMIC)
            v = value_flagged(&v, VALUE_DYNAMIC);
        return v;
    }
    bool map = n->kind == YAML_MAP;
    struct weir_builder *b = map ? builder_map() : builder_list();
    for (unsigned i = 0; i < n->n; i++) {
        struct spec below = map ? spec_member(spec, n->keys[i]->text) : spec_item(spec, i);
        const struct weir_value *v = draft_value(n->items[i], below, literal);
        if (map)
            builder_set(b, n->keys[i]->text.bytes, n->keys[i]->text.len, &v);
        else
            builder_add(b, &v);
    }
    return builder_end(&b);
}

/* Goes one segment of a JSON pointer down; NULL if there is no such member. */
static const struct yaml_node *
step_down(const struct yaml_node *n, const char *segment, size_t len,
          const struct yaml_node **ret_key)
{
    char key[POINTER_MAX] = "";
    size_t used = 0;
    for (size_t i = 0; i < len && used < sizeof key; i++) {
        char ch = segment[i];
        if (ch == '~' && i + 1 < len)
            ch = segment[++i] == '0' ? '~' : '/';
        key[used++] = ch;
    }
    struct weir_text name = { key, used };
    for (unsigned i = 0; n->kind == YAML_MAP && i < n->n; i++)
        if (text_equal(n->keys[i]->text, name)) {
            *ret_key = n->keys[i];
            return n->items[i];
        }
    unsigned index = 0;
    for (size_t i = 0; i < used && index < YAML_MAX_NODES; i++)
        index = index * 10 + (unsigned)(unsigned char)(key[i] - '0');
    return n->kind == YAML_LIST && index < n->n ? n->items[index] : NULL;
}

/* The place of a violation: of a scalar itself, of a map or list the key it stands under. */
static const struct yaml_node *
find_place(const struct checking *c, const char *pointer, size_t len)
{
    const struct yaml_node *n = c->root;
    const struct yaml_node *key = c->key;
    for (size_t at = 0; at < len;) {
        const char *end = memchr(pointer + at + 1, '/', len - at - 1);
        size_t next = end != NULL ? (size_t)(end - pointer) : len;
        const struct yaml_node *below = step_down(n, pointer + at + 1, next - at - 1, &key);
        if (below == NULL)
            return key;
        if (n->kind == YAML_LIST)
            key = below;
        n = below;
        at = next;
    }
    return n->kind == YAML_SCALAR && n->style != YAML_MADE && n->end > n->start ? n : key;
}

static void
report(void *arg, const char *pointer, size_t len, const char *detail)
{
    struct checking *c = arg;
    if (map_get(&c->said, pointer, len) != NULL)
        return;
    char place[POINTER_MAX];
    spot_name(c, pointer, len, place, sizeof place);
    load_say(c->l, find_place(c, pointer, len), DIAG_CONFIG_INVALID, NULL, "%s %s", place,
             detail);
}

void
config_check(struct loading *l, const struct config_type *t, const struct yaml_node *key,
             const struct yaml_node *n)
{
    struct checking c = { .l = l, .t = t, .key = key, .root = n };
    map_init(&c.said);
    struct spec spec = spec_of(t->doc);
    struct config_spot root = { 0 };
    check_places(&c, n, spec, &root);
    const struct weir_value *v = draft_value(n, spec, false);
    (void)schema_check(t->schema, v, report, &c);
    value_unref(&v);
    map_fini(&c.said);
}
