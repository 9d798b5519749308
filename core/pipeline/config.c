/* pipeline/config.c - the steps from YAML to a configuration, and small things that they share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/config.h"

#include <stdio.h>
#include <string.h>

#include "expr/template.h"
#include "pipeline/named.h"
#include "pipeline/owned.h"
#include "pipeline/resources.h"

struct yaml_node *
config_made(struct loading *l, enum yaml_kind kind, const struct yaml_node *at, unsigned n)
{
    struct yaml_node *m = own_alloc(l->p, sizeof *m);
    m->kind = kind;
    m->style = YAML_MADE;
    m->mark = at->mark;
    m->n = n;
    if (n > 0)
        m->items = own_alloc(l->p, n * sizeof *m->items);
    if (n > 0 && kind == YAML_MAP)
        m->keys = own_alloc(l->p, n * sizeof *m->keys);
    return m;
}

struct yaml_node *
config_made_text(struct loading *l, struct weir_text text, const struct yaml_node *at)
{
    struct yaml_node *m = config_made(l, YAML_SCALAR, at, 0);
    m->text = (struct weir_text){ own_text(l->p, text), text.len };
    m->value = (struct weir_value){ .type = WEIR_STRING,
                                    .len = (uint32_t)text.len,
                                    .bytes = m->text.bytes };
    return m;
}

struct yaml_node *
config_made_value(struct loading *l, const struct weir_value *v, const struct yaml_node *at)
{
    enum weir_type type = value_type(v);
    if (type == WEIR_STRING)
        return config_made_text(l, value_as_text(v), at);
    if (type != WEIR_LIST && type != WEIR_MAP) {
        struct yaml_node *m = config_made(l, YAML_SCALAR, at, 0);
        m->value = *v;
        m->value.block = NULL;
        m->value.flags = 0;
        m->text = TEXT("");
        return m;
    }
    struct yaml_node *m = config_made(l, type == WEIR_MAP ? YAML_MAP : YAML_LIST, at, v->len);
    for (unsigned i = 0; i < v->len; i++) {
        struct weir_text key = { NULL, 0 };
        const struct weir_value *item = value_at(v, i);
        if (type == WEIR_MAP && value_member(v, i, &key, &item))
            m->keys[i] = config_made_text(l, key, at);
        m->items[i] = config_made_value(l, item, at);
    }
    return m;
}

const struct yaml_node *
config_written_out(struct loading *l, const struct config_type *t, const struct yaml_node *key,
                   const struct yaml_node *n)
{
    if (yaml_is_null(n) && n->style == YAML_PLAIN)
        return config_made(l, YAML_MAP, key, 0);
    if (t->shorthand == NULL || n->kind == YAML_MAP)
        return n;
    struct yaml_node *m = config_made(l, YAML_MAP, key, 1);
    m->keys[0] = config_made_text(l, text_of(t->shorthand), key);
    m->items[0] = (struct yaml_node *)n;
    return m;
}

/* How many properties with a default N lacks. */
static unsigned
count_missing(const struct yaml_node *n, struct spec s, const struct weir_value *properties)
{
    unsigned missing = 0;
    struct weir_text key;
    const struct weir_value *at;
    for (size_t i = 0; properties != NULL && value_member(properties, i, &key, &at); i++)
        missing += yaml_find(n, key) == NULL &&
                   spec_word((struct spec){ s.root, at }, "default") != NULL;
    return missing;
}

/* Adds the defaults that N, a map, lacks, to the end of M, which has room for them. */
static void
add_missing(struct loading *l, struct yaml_node *m, const struct yaml_node *n, struct spec s,
            const struct weir_value *properties)
{
    struct weir_text key;
    const struct weir_value *at;
    for (size_t i = 0; properties != NULL && value_member(properties, i, &key, &at); i++) {
        const struct weir_value *v = spec_word((struct spec){ s.root, at }, "default");
        if (v == NULL || yaml_find(n, key) != NULL)
            continue;
        m->keys[m->n] = config_made_text(l, key, n);
        m->items[m->n++] = config_made_value(l, v, n);
    }
}

const struct yaml_node *
config_filled(struct loading *l, const struct yaml_node *n, struct spec spec)
{
    if (n->kind == YAML_SCALAR || spec.at == NULL)
        return n;
    bool map = n->kind == YAML_MAP;
    const struct weir_value *properties = map ? spec_properties(spec) : NULL;
    unsigned missing = count_missing(n, spec, properties);
    struct yaml_node *m = config_made(l, n->kind, n, n->n + missing);
    m->n = n->n;
    for (unsigned i = 0; i < n->n; i++) {
        struct spec below = map ? spec_member(spec, n->keys[i]->text) : spec_item(spec, i);
        if (map)
            m->keys[i] = n->keys[i];
        m->items[i] = (struct yaml_node *)config_filled(l, n->items[i], below);
    }
    add_missing(l, m, n, spec, properties);
    return m;
}

/* Writes the segment of SPOT, with ~ and / escaped; 0 if it does not fit. */
static size_t
pointer_segment(const struct config_spot *spot, char *ret, size_t room)
{
    if (spot->list) {
        int len = snprintf(ret, room, "/%u", spot->index);
        return len < (int)room ? (size_t)len : 0;
    }
    size_t len = 0;
    if (spot->key.len + 1 >= room)
        return 0;
    ret[len++] = '/';
    for (size_t i = 0; i < spot->key.len; i++) {
        char c = spot->key.bytes[i];
        if (len + 3 > room)
            return 0;
        if (c == '~' || c == '/')
            ret[len++] = '~';
        ret[len++] = (char)(c == '~' ? '0' : c == '/' ? '1' : c);
    }
    return len;
}

/* How much of RET the pointer takes; *fits becomes false where it is cut. */
static size_t
pointer_len(const struct config_spot *spot, char *ret, size_t room, bool *fits)
{
    if (spot == NULL || spot->up == NULL)
        return 0;
    size_t used = pointer_len(spot->up, ret, room, fits);
    size_t len = *fits ? pointer_segment(spot, ret + used, room - used) : 0;
    *fits = len > 0;
    return used + len;
}

void
config_pointer(const struct config_spot *spot, char *ret, size_t room)
{
    bool fits = true;
    ret[pointer_len(spot, ret, room, &fits)] = '\0';
}

enum config_text
config_text(struct weir_text text)
{
    enum config_text kind = TEXT_PLAIN;
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.bytes[i] != '$')
            continue;
        if (text.bytes[i + 1] == '{')
            return TEXT_DYNAMIC;
        if (i + 2 < text.len && text.bytes[i + 1] == '$' && text.bytes[i + 2] == '{') {
            kind = TEXT_ESCAPED;
            i += 2;
        }
    }
    return kind;
}

const struct weir_value *
config_constant(const struct yaml_node *n)
{
    if (n->kind != YAML_SCALAR || !yaml_is_string(n) || config_text(n->text) != TEXT_ESCAPED)
        return yaml_value(n);
    struct buf b;
    buf_init(&b, n->text.len);
    for (size_t i = 0; i < n->text.len; i++) {
        bool escape = n->text.len - i > 2 && memcmp(n->text.bytes + i, "$${", 3) == 0;
        if (!escape)
            buf_putc(&b, n->text.bytes[i]);
    }
    const struct weir_value *v = value_string(b.bytes, b.len);
    buf_fini(&b);
    return v;
}

void
config_load(struct loading *l, const struct config_type *t, const struct yaml_node *key,
            const struct yaml_node *n, struct part **ret_part,
            const struct weir_value **ret_value)
{
    struct spec spec = spec_of(t->doc);
    unsigned errors = l->d->errors;
    const struct yaml_node *whole = resource_merged(l, t, config_written_out(l, t, key, n));
    whole = named_filled(l, whole, spec);
    config_check(l, t, key, whole);
    whole = config_filled(l, whole, spec);
    const struct weir_value *value = NULL;
    *ret_part = config_compile(l, whole, spec, &value);
    *ret_value = own_value(l->p, value);
    if (l->d->errors == errors)
        resource_note(l, t, whole, *ret_value);
}
