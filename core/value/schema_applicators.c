/* value/schema_applicators.c - reads the keywords that lead to other schemas.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>

#include "value/schema_make.h"

/* The node of V, which the scan has made. */
static uint32_t
node_of(const struct schema_maker *m, const struct draft *d, const struct weir_value *v)
{
    uint32_t node = schema_node_of(m, v, d->resource);
    assert(node != NODE_NONE);
    return node;
}

enum weir_code
schema_read_ref(struct schema_maker *m, struct draft *d, const struct keyword *k,
                const struct weir_value *v)
{
    struct spot spot = SPOT(d->node, k->name);
    if (v->type != WEIR_STRING)
        return schema_refuse(m, spot, "must be a string");
    struct target target;
    enum weir_code code = schema_resolve(m, &spot, d->resource, value_as_text(v), &target);
    if (code != WEIR_OK)
        return code;
    struct schema_rule *rule = schema_rule_add(d, k->op);
    rule->node = target.node;
    rule->n = target.name; /* UINT32_MAX: to the node, wherever it stands */
    return WEIR_OK;
}

enum weir_code
schema_read_node(struct schema_maker *m, struct draft *d, const struct keyword *k,
                 const struct weir_value *v)
{
    if (k->op == OP_UNEVALUATED_ITEMS || k->op == OP_UNEVALUATED_PROPERTIES)
        m->schema->tracks = true;
    schema_rule_add(d, k->op)->node = node_of(m, d, v);
    return WEIR_OK;
}

/* The nodes of the list V. */
static enum weir_code
get_nodes(struct schema_maker *m, struct draft *d, const struct keyword *k,
          const struct weir_value *v, const uint32_t **ret)
{
    if (v->type != WEIR_LIST || v->len == 0)
        return schema_refuse(m, SPOT(d->node, k->name),
                             "must be an array of schemas, not empty");
    uint32_t *nodes = schema_alloc(m, v->len * sizeof(*nodes));
    for (uint32_t i = 0; i < v->len; i++)
        nodes[i] = node_of(m, d, value_at(v, i));
    *ret = nodes;
    return WEIR_OK;
}

enum weir_code
schema_read_nodes(struct schema_maker *m, struct draft *d, const struct keyword *k,
                  const struct weir_value *v)
{
    const uint32_t *nodes;
    enum weir_code code = get_nodes(m, d, k, v, &nodes);
    if (code != WEIR_OK)
        return code;
    struct schema_rule *rule = schema_rule_add(d, k->op);
    rule->n = v->len;
    rule->nodes = nodes;
    return WEIR_OK;
}

static struct schema_properties *
properties_of(struct schema_maker *m, struct draft *d)
{
    if (d->properties == NULL) {
        d->properties = schema_alloc(m, sizeof(*d->properties));
        d->properties->rest = NODE_NONE;
    }
    return d->properties;
}

static enum weir_code
refuse_no_map(struct schema_maker *m, const struct draft *d, const struct keyword *k)
{
    return schema_refuse(m, SPOT(d->node, k->name), "must be an object of schemas");
}

/* The names of the map V, with their nodes. */
static void
get_names(struct schema_maker *m, const struct draft *d, const struct weir_value *v,
          struct schema_names *ret)
{
    struct weir_text *texts = schema_alloc(m, v->len * sizeof(*texts));
    uint32_t *nodes = schema_alloc(m, v->len * sizeof(*nodes));
    const struct weir_value *child;
    for (size_t i = 0; value_member(v, i, &texts[i], &child); i++)
        nodes[i] = node_of(m, d, child);
    ret->n = v->len;
    ret->texts = texts;
    ret->nodes = nodes;
}

enum weir_code
schema_read_properties(struct schema_maker *m, struct draft *d, const struct keyword *k,
                       const struct weir_value *v)
{
    if (v->type != WEIR_MAP)
        return refuse_no_map(m, d, k);
    get_names(m, d, v, &properties_of(m, d)->names);
    return WEIR_OK;
}

enum weir_code
schema_read_patterns(struct schema_maker *m, struct draft *d, const struct keyword *k,
                     const struct weir_value *v)
{
    if (v->type != WEIR_MAP)
        return refuse_no_map(m, d, k);
    struct schema_pattern *patterns = schema_alloc(m, v->len * sizeof(*patterns));
    struct weir_text text;
    const struct weir_value *child;
    for (size_t i = 0; value_member(v, i, &text, &child); i++) {
        struct spot spot = SPOT_KEY(d->node, k->name, text);
        enum weir_code code = schema_pattern_add(m, &spot, text, &patterns[i]);
        if (code != WEIR_OK)
            return code;
        patterns[i].node = node_of(m, d, child);
    }
    struct schema_properties *p = properties_of(m, d);
    p->patterns = patterns;
    p->n_patterns = v->len;
    return WEIR_OK;
}

enum weir_code
schema_read_rest(struct schema_maker *m, struct draft *d, const struct keyword *k,
                 const struct weir_value *v)
{
    (void)k;
    properties_of(m, d)->rest = node_of(m, d, v);
    return WEIR_OK;
}

static struct schema_items *
items_of(struct schema_maker *m, struct draft *d)
{
    if (d->items == NULL) {
        d->items = schema_alloc(m, sizeof(*d->items));
        d->items->rest = NODE_NONE;
    }
    return d->items;
}

enum weir_code
schema_read_prefix(struct schema_maker *m, struct draft *d, const struct keyword *k,
                   const struct weir_value *v)
{
    struct schema_items *items = items_of(m, d);
    items->n_prefix = v->len;
    return get_nodes(m, d, k, v, &items->prefix);
}

enum weir_code
schema_read_items(struct schema_maker *m, struct draft *d, const struct keyword *k,
                  const struct weir_value *v)
{
    (void)k;
    items_of(m, d)->rest = node_of(m, d, v);
    return WEIR_OK;
}

struct schema_contains *
schema_contains_of(struct schema_maker *m, struct draft *d)
{
    if (d->contains == NULL) {
        d->contains = schema_alloc(m, sizeof(*d->contains));
        *d->contains = (struct schema_contains){ 1, UINT64_MAX, NODE_NONE };
    }
    return d->contains;
}

enum weir_code
schema_read_contains(struct schema_maker *m, struct draft *d, const struct keyword *k,
                     const struct weir_value *v)
{
    (void)k;
    schema_contains_of(m, d)->node = node_of(m, d, v);
    return WEIR_OK;
}

enum weir_code
schema_read_if(struct schema_maker *m, struct draft *d, const struct keyword *k,
               const struct weir_value *v)
{
    if (d->condition == NULL) {
        d->condition = schema_alloc(m, IF_COUNT * sizeof(*d->condition));
        for (int i = 0; i < IF_COUNT; i++)
            d->condition[i] = NODE_NONE;
    }
    int part = text_is(text_of(k->name), "if")     ? IF_TEST
               : text_is(text_of(k->name), "then") ? IF_THEN
                                                   : IF_ELSE;
    d->condition[part] = node_of(m, d, v);
    return WEIR_OK;
}

enum weir_code
schema_read_dependent_schemas(struct schema_maker *m, struct draft *d, const struct keyword *k,
                              const struct weir_value *v)
{
    if (v->type != WEIR_MAP)
        return refuse_no_map(m, d, k);
    struct schema_names *names = schema_alloc(m, sizeof(*names));
    get_names(m, d, v, names);
    schema_rule_add(d, k->op)->names = names;
    return WEIR_OK;
}

enum weir_code
schema_read_defs(struct schema_maker *m, struct draft *d, const struct keyword *k,
                 const struct weir_value *v)
{
    return v->type == WEIR_MAP ? WEIR_OK : refuse_no_map(m, d, k);
}
