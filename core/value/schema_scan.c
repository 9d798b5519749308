/* value/schema_scan.c - finds what is a schema in a document, and who is called what.
 *
 * A place is known by the address of its value and by its resource: a value that stands in two
 * places of a document (an alias) is then one node, unless the places have different $ids.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "value/schema_make.h"

struct place_key {
    const struct weir_value *value;
    uint64_t resource;
};

static void
number_set(struct map *map, const void *key, size_t len, uint32_t number)
{
    (void)map_set(map, key, len, (void *)((uintptr_t)number + 1)); /* the old one is the same */
}

static uint32_t
number_get(const struct map *map, const void *key, size_t len)
{
    uintptr_t number = (uintptr_t)map_get(map, key, len);
    return number == 0 ? UINT32_MAX : (uint32_t)(number - 1);
}

uint32_t
schema_node_of(const struct schema_maker *m, const struct weir_value *v, uint32_t resource)
{
    struct place_key key = { v, resource };
    return number_get(&m->places, &key, sizeof(key));
}

static void
set_node_of(struct schema_maker *m, const struct weir_value *v, uint32_t resource,
            uint32_t node)
{
    struct place_key key = { v, resource };
    number_set(&m->places, &key, sizeof(key), node);
}

uint32_t
schema_uri_set(struct schema_maker *m, struct weir_text uri, uint32_t resource)
{
    uint32_t old = number_get(&m->uris, uri.bytes, uri.len);
    if (old != UINT32_MAX)
        return old;
    number_set(&m->uris, uri.bytes, uri.len, resource);
    return resource;
}

uint32_t
schema_uri_get(const struct schema_maker *m, struct weir_text uri)
{
    return number_get(&m->uris, uri.bytes, uri.len);
}

uint32_t
schema_anchor_get(const struct schema_maker *m, uint32_t resource, struct weir_text name)
{
    return number_get(&m->resources[resource].anchors, name.bytes, name.len);
}

uint32_t
schema_name_get(const struct schema_maker *m, struct weir_text name)
{
    return number_get(&m->names, name.bytes, name.len);
}

/* Both ARRAYs grow together; *room is how many they hold. */
static void
grow(void **a, size_t a_size, void **b, size_t b_size, uint32_t *room)
{
    uint32_t more = *room > 0 ? 2 * *room : 16;
    *a = realloc(*a, more * a_size);
    *b = realloc(*b, more * b_size);
    if (*a == NULL || *b == NULL)
        abort();
    *room = more;
}

enum weir_code
schema_resource_add(struct schema_maker *m, struct weir_text uri, const struct weir_value *root,
                    uint32_t doc, uint32_t *ret)
{
    struct schema *s = m->schema;
    if (s->n_resources == MAX_RESOURCES)
        return err_set(m->err, WEIR_TOO_LARGE, "more than %d places with $id", MAX_RESOURCES);
    if (s->n_resources == m->resources_room)
        grow((void **)&s->resources, sizeof(*s->resources), (void **)&m->resources,
             sizeof(*m->resources), &m->resources_room);
    *ret = s->n_resources++;
    s->resources[*ret] = (struct schema_resource){ 0 };
    m->resources[*ret] = (struct resource){ .uri = uri,
                                            .root = root,
                                            .doc = doc != UINT32_MAX ? doc : *ret,
                                            .vocabularies = VOCABULARY_ALL };
    map_init(&m->resources[*ret].anchors);
    return WEIR_OK;
}

static enum weir_code
add_node(struct schema_maker *m, const struct weir_value *v, const struct spot *spot,
         uint32_t *ret)
{
    struct schema *s = m->schema;
    if (v->type != WEIR_BOOL && v->type != WEIR_MAP) {
        bool listed = v->type == WEIR_LIST && spot->keyword != NULL &&
                      text_is(text_of(spot->keyword), "items");
        return schema_refuse(m, *spot, "must be a schema (an object, true or false)%s",
                             listed ? "; a list of them is called prefixItems" : "");
    }
    if (s->n_nodes == MAX_NODES)
        return err_set(m->err, WEIR_TOO_LARGE, "more than %d schemas in one", MAX_NODES);
    if (s->n_nodes == m->nodes_room)
        grow((void **)&s->nodes, sizeof(*s->nodes), (void **)&m->origins, sizeof(*m->origins),
             &m->nodes_room);
    *ret = s->n_nodes++;
    enum schema_kind kind = v->type == WEIR_MAP ? NODE_RULES
                            : v->boolean        ? NODE_TRUE
                                                : NODE_FALSE;
    s->nodes[*ret] = (struct schema_node){ .kind = kind };
    m->origins[*ret] = (struct origin){ v, *spot };
    return WEIR_OK;
}

/* The string that V has under KEY; false if there is none. */
static bool
string_at(const struct weir_value *v, const char *key, struct weir_text *ret)
{
    const struct weir_value *s = value_field(v, key);
    if (s == NULL || s->type != WEIR_STRING)
        return false;
    *ret = value_as_text(s);
    return true;
}

/* V, at NODE, has an $id: it begins a resource of its own in that of *resource. */
static enum weir_code
begin_resource(struct schema_maker *m, uint32_t node, const struct weir_value *v,
               struct weir_text uri, uint32_t *resource)
{
    uint32_t vocabularies = m->resources[*resource].vocabularies;
    uint32_t doc = m->resources[*resource].doc;
    struct spot spot = SPOT(node, "$schema");
    enum weir_code code = schema_dialect(m, v, &spot, &vocabularies);
    if (code == WEIR_OK)
        code = schema_resource_add(m, uri, v, doc, resource);
    if (code != WEIR_OK)
        return code;
    m->resources[*resource].vocabularies = vocabularies;
    set_node_of(m, v, *resource, node);

    const struct resource *known = &m->resources[schema_uri_set(m, uri, *resource)];
    if (known->root != v && known->doc == doc)
        return schema_refuse(m, SPOT(node, "$id"), "is the $id of another place, too");
    return WEIR_OK;
}

/* The $id of V, at NODE: a new resource, or another URI of the document whose root V is. */
static enum weir_code
read_id(struct schema_maker *m, uint32_t node, const struct weir_value *v, uint32_t *resource)
{
    struct weir_text id;
    struct weir_text uri;
    struct weir_text fragment;
    if (!string_at(v, "$id", &id))
        return WEIR_OK;
    struct resource *outer = &m->resources[*resource];
    if (!schema_absolute(m, outer->uri, id, &uri, &fragment) || fragment.len > 0)
        return schema_refuse(m, SPOT(node, "$id"), "must be a URI without a fragment");
    if (outer->root != v)
        return begin_resource(m, node, v, uri, resource);
    outer->uri = uri;
    (void)schema_uri_set(m, uri, *resource); /* the first document of that name counts */
    return WEIR_OK;
}

/* The number of a dynamic anchor's name. */
static uint32_t
name_number(struct schema_maker *m, struct weir_text name)
{
    uint32_t number = number_get(&m->names, name.bytes, name.len);
    if (number == UINT32_MAX) {
        number = m->names.count;
        number_set(&m->names, name.bytes, name.len, number);
    }
    return number;
}

static void
add_dynamic_anchor(struct schema_maker *m, uint32_t resource, struct weir_text name,
                   uint32_t node)
{
    struct schema_resource *r = &m->schema->resources[resource];
    r->anchors = realloc(r->anchors, (r->n_anchors + 1) * sizeof(*r->anchors));
    if (r->anchors == NULL)
        abort();
    r->anchors[r->n_anchors++] = (struct schema_anchor){ name_number(m, name), node };
}

static enum weir_code
read_anchors(struct schema_maker *m, uint32_t node, const struct weir_value *v,
             uint32_t resource)
{
    static const char *const keywords[] = { "$anchor", "$dynamicAnchor" };
    for (int i = 0; i < 2; i++) {
        struct weir_text name;
        if (!string_at(v, keywords[i], &name))
            continue;
        uint32_t old = schema_anchor_get(m, resource, name);
        if (old != UINT32_MAX && old != node)
            return schema_refuse(m, SPOT(node, keywords[i]),
                                 "is the anchor of another place, too");
        number_set(&m->resources[resource].anchors, name.bytes, name.len, node);
        if (i == 1)
            add_dynamic_anchor(m, resource, name, node);
    }
    return WEIR_OK;
}

/* Scans what stands under a keyword, which is a schema, a list or a map of them. */
static enum weir_code
scan_keyword(struct schema_maker *m, const struct keyword *k, const struct weir_value *v,
             struct spot spot, unsigned depth)
{
    uint32_t resource = m->schema->nodes[spot.node].resource;
    if (k->shape == SHAPE_SCHEMA)
        return schema_scan(m, v, resource, &spot, depth);
    if (k->shape == SHAPE_LIST && v->type != WEIR_LIST)
        return WEIR_OK; /* refused when it is read */
    if (k->shape == SHAPE_MAP && v->type != WEIR_MAP)
        return WEIR_OK;

    enum weir_code code = WEIR_OK;
    for (uint32_t i = 0; code == WEIR_OK && i < v->len; i++) {
        const struct weir_value *child = value_at(v, i);
        spot.index = i;
        if (k->shape == SHAPE_MAP)
            (void)value_member(v, i, &spot.key, &child); /* I is below the length */
        code = schema_scan(m, child, resource, &spot, depth);
    }
    return code;
}

enum weir_code
schema_scan(struct schema_maker *m, const struct weir_value *v, uint32_t resource,
            const struct spot *spot, unsigned depth)
{
    if (schema_node_of(m, v, resource) != NODE_NONE)
        return WEIR_OK;
    if (depth == MAX_NESTING)
        return schema_refuse(m, *spot, "schemas are nested more than %d deep", MAX_NESTING);
    uint32_t node = NODE_NONE;
    enum weir_code code = add_node(m, v, spot, &node);
    if (code != WEIR_OK)
        return code;
    set_node_of(m, v, resource, node);
    if (v->type == WEIR_MAP && m->resources[resource].vocabularies & VOCABULARY_CORE) {
        code = read_id(m, node, v, &resource);
        if (code == WEIR_OK)
            code = read_anchors(m, node, v, resource);
    }
    m->schema->nodes[node].resource = resource;

    struct weir_text name;
    const struct weir_value *child;
    for (size_t i = 0; code == WEIR_OK && value_member(v, i, &name, &child); i++) {
        const struct keyword *k = schema_keyword(name);
        if (k != NULL && k->shape != SHAPE_OTHER &&
            k->vocabulary & m->resources[resource].vocabularies)
            code = scan_keyword(m, k, child, SPOT(node, k->name), depth + 1);
    }
    return code;
}
