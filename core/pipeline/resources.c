/* pipeline/resources.c - see resources.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/resources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "pipeline/schema_build.h"

#define KEY_MAX 256

/* Where something was described first. */
struct use {
    const struct weir_value *value; /* owned */
    char *file;                     /* owned */
    unsigned line;
};

struct resource_uses {
    struct map first; /* "breaker/payment" to struct use, owned */
};

struct resource_uses *
resource_uses_new(void)
{
    struct resource_uses *u = calloc(1, sizeof *u);
    if (u == NULL)
        abort();
    map_init(&u->first);
    return u;
}

void
resource_uses_free(struct resource_uses **u)
{
    if (*u == NULL)
        return;
    uint32_t at = 0;
    for (const struct map_entry *e; (e = map_next(&(*u)->first, &at)) != NULL;) {
        struct use *first = e->value;
        value_unref(&first->value);
        free(first->file);
        free(first);
    }
    map_fini(&(*u)->first);
    free(*u);
    *u = NULL;
}

/* The resource of a type, and what N names; NULL if it shares nothing, or N has no plain name. */
static const struct type_resource *
named(const struct config_type *t, const struct yaml_node *n, const struct yaml_node **ret)
{
    if (t->node == NULL || t->node->resource.kind.bytes == NULL || n->kind != YAML_MAP)
        return NULL;
    const struct type_resource *r = &t->node->resource;
    *ret = yaml_find(n, r->name);
    bool plain = *ret != NULL && (*ret)->kind == YAML_SCALAR && yaml_is_string(*ret) &&
                 config_text((*ret)->text) == TEXT_PLAIN;
    return plain ? r : NULL;
}

static bool
is_own(const struct type_resource *r, struct weir_text key)
{
    for (size_t i = 0; value_at(r->own, i) != NULL; i++)
        if (text_equal(value_as_text(value_at(r->own, i)), key))
            return true;
    return false;
}

/* "breaker" of the kind "breakers", as a length. */
static int
singular(struct weir_text kind)
{
    bool plural = kind.len > 1 && kind.bytes[kind.len - 1] == 's';
    return (int)(kind.len - plural);
}

static void
say_undefined(struct loading *l, const struct type_resource *r, const struct yaml_node *name,
              const struct weir_value *all)
{
    struct weir_text names[64];
    char hint[192];
    size_t n = 0;
    const struct weir_value *at;
    while (n < 64 && all != NULL && value_member(all, n, &names[n], &at))
        n++;
    hint_nearest(name->text, names, n, hint, sizeof hint);
    if (hint[0] == '\0')
        (void)snprintf(hint, sizeof hint, "describe it in weir.yaml: resources.%.*s.%.*s", CLIP(r->kind),
                       CLIP(name->text));
    load_say(l, name, DIAG_RESOURCE_UNKNOWN, hint, "there is no %.*s '%.*s'", singular(r->kind),
             r->kind.bytes, CLIP(name->text));
}

/* The map N with those members of V that it lacks; of PROPERTIES, if that is not NULL. */
static struct yaml_node *
joined(struct loading *l, const struct yaml_node *n, const struct weir_value *v,
       const struct weir_value *properties, const struct yaml_node *at)
{
    struct yaml_node *m = config_made(l, YAML_MAP, n, n->n + v->len);
    m->n = n->n;
    for (unsigned i = 0; i < n->n; i++) {
        m->keys[i] = n->keys[i];
        m->items[i] = n->items[i];
    }
    struct weir_text key;
    const struct weir_value *member;
    for (size_t i = 0; value_member(v, i, &key, &member); i++) {
        if (yaml_find(n, key) != NULL ||
            (properties != NULL && value_get(properties, key.bytes, key.len) == NULL))
            continue;
        m->keys[m->n] = config_made_text(l, key, at);
        m->items[m->n++] = config_made_value(l, member, at);
    }
    return m;
}

/* Both the node and the resource have that property. */
static void
meet(struct loading *l, const struct type_resource *r, const struct yaml_node *name,
     struct yaml_node *m, unsigned i, const struct weir_value *v)
{
    if (!is_own(r, m->keys[i]->text))
        load_say(l, m->keys[i], DIAG_RESOURCE_TWICE, "leave it out here, or there",
                 "'%.*s' of the %.*s '%.*s' is set in weir.yaml (resources.%.*s.%.*s)",
                 CLIP(m->keys[i]->text), singular(r->kind), r->kind.bytes, CLIP(name->text), CLIP(r->kind),
                 CLIP(name->text));
    else if (m->items[i]->kind == YAML_MAP && value_type(v) == WEIR_MAP)
        m->items[i] = joined(l, m->items[i], v, NULL, name);
}

const struct yaml_node *
resource_merged(struct loading *l, const struct config_type *t, const struct yaml_node *n)
{
    const struct yaml_node *name;
    const struct type_resource *r = named(t, n, &name);
    if (r == NULL)
        return n;
    const struct weir_value *all = value_get(l->options->resources, r->kind.bytes, r->kind.len);
    const struct weir_value *v = value_get(all, name->text.bytes, name->text.len);
    if (v == NULL && r->defined)
        say_undefined(l, r, name, all);
    if (v == NULL || value_type(v) != WEIR_MAP)
        return n;
    /* A resource has the properties of the first type of its kind; others know a part of them. */
    const struct weir_value *known =
        t->node == resource_type(l->options->registry, r->kind) ? NULL : value_field(t->doc, "properties");
    struct yaml_node *m = joined(l, n, v, known, name);
    for (unsigned i = 0; i < n->n; i++) {
        const struct weir_value *there = value_get(v, m->keys[i]->text.bytes, m->keys[i]->text.len);
        if (there != NULL && !text_equal(m->keys[i]->text, r->name))
            meet(l, r, name, m, i, there);
    }
    return m;
}

/* The first shared property of A that B has not, or has otherwise; bytes NULL: none. */
static struct weir_text
difference(const struct type_resource *r, const struct weir_value *a, const struct weir_value *b)
{
    struct weir_text key;
    const struct weir_value *v;
    for (size_t i = 0; value_member(a, i, &key, &v); i++) {
        if (is_own(r, key) || text_equal(key, r->name))
            continue;
        const struct weir_value *other = value_get(b, key.bytes, key.len);
        if (other == NULL || !value_equal(v, other))
            return key;
    }
    return (struct weir_text){ NULL, 0 };
}

static void
compare(struct loading *l, const struct type_resource *r, const struct yaml_node *n,
        const struct yaml_node *name, const struct weir_value *value, const struct use *first)
{
    struct weir_text key = difference(r, value, first->value);
    if (key.bytes == NULL)
        key = difference(r, first->value, value);
    if (key.bytes == NULL)
        return;
    const struct yaml_node *at = name;
    for (unsigned i = 0; i < n->n; i++)
        if (text_equal(n->keys[i]->text, key) && n->keys[i]->style != YAML_MADE)
            at = n->keys[i];
    char hint[256];
    (void)snprintf(hint, sizeof hint, "describe it once, in weir.yaml: resources.%.*s.%.*s", CLIP(r->kind),
                   CLIP(name->text));
    load_say(l, at, DIAG_RESOURCE_TWICE, hint, "'%.*s' of the %.*s '%.*s' is not as in %.200s:%u", CLIP(key),
             singular(r->kind), r->kind.bytes, CLIP(name->text), first->file, first->line);
}

void
resource_note(struct loading *l, const struct config_type *t, const struct yaml_node *n,
              const struct weir_value *value)
{
    const struct yaml_node *name;
    const struct type_resource *r = named(t, n, &name);
    char key[KEY_MAX];
    if (r == NULL || !r->shared || value_type(value) != WEIR_MAP)
        return;
    int len = snprintf(key, sizeof key, "%s/%.*s", t->name, (int)name->text.len, name->text.bytes);
    if (len < 0 || len >= KEY_MAX)
        return; /* no type takes such a name */
    const struct use *first = map_get(&l->uses->first, key, (size_t)len);
    if (first != NULL) {
        compare(l, r, n, name, value, first);
        return;
    }
    struct use *use = calloc(1, sizeof *use);
    if (use == NULL)
        abort();
    *use = (struct use){ value_ref(value), strdup(l->yaml->file), name->mark.line };
    (void)map_set(&l->uses->first, key, (size_t)len, use);
}

const struct weir_value *
resource_doc(const struct node_type *t)
{
    struct weir_builder *properties = builder_map();
    struct weir_text key;
    const struct weir_value *v;
    for (size_t i = 0; value_member(value_field(t->schema_doc, "properties"), i, &key, &v); i++) {
        if (text_equal(key, t->resource.name))
            continue;
        const struct weir_value *copy = value_ref(v);
        builder_set(properties, key.bytes, key.len, &copy);
    }
    struct weir_builder *b = builder_map();
    put_text(b, "type", "object");
    builder_put(b, "additionalProperties", &value_false);
    put_value(b, "properties", builder_end(&properties));
    const struct weir_value *defs = value_field(t->schema_doc, "$defs");
    if (defs != NULL)
        builder_put(b, "$defs", defs);
    return builder_end(&b);
}

const struct node_type *
resource_type(const struct registry *r, struct weir_text kind)
{
    const struct node_type *const *types;
    unsigned n = registry_nodes(r, &types);
    for (unsigned i = 0; i < n; i++)
        if (types[i]->resource.kind.bytes != NULL && text_equal(types[i]->resource.kind, kind))
            return types[i];
    return NULL;
}

unsigned
resource_kinds(const struct registry *r, struct weir_text *ret, unsigned room)
{
    const struct node_type *const *types;
    unsigned n = registry_nodes(r, &types), found = 0;
    for (unsigned i = 0; i < n && found < room; i++)
        if (types[i]->resource.kind.bytes != NULL && resource_type(r, types[i]->resource.kind) == types[i])
            ret[found++] = types[i]->resource.kind;
    return found;
}
