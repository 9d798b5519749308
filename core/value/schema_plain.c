/* value/schema_plain.c - the types of which every value conforms, so that the usual ones need
 * no check.
 *
 * Most places of a configuration say no more than "string" or "number or string". Worked out
 * once, when the schema is compiled, for values without parts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "value/schema_make.h"

enum { DEPTH_MAX = 8 }; /* what stands behind more branches is checked in the usual way */

static bool is_plain(const struct schema *s, uint32_t number, unsigned type, unsigned depth);

static bool
any_plain(const struct schema *s, const struct schema_rule *r, unsigned type, unsigned depth)
{
    for (uint32_t i = 0; i < r->n; i++)
        if (is_plain(s, r->nodes[i], type, depth))
            return true;
    return false;
}

static bool
all_plain(const struct schema *s, const struct schema_rule *r, unsigned type, unsigned depth)
{
    for (uint32_t i = 0; i < r->n; i++)
        if (!is_plain(s, r->nodes[i], type, depth))
            return false;
    return true;
}

/* Whether a rule lets every value of a type pass. */
static bool
passes(const struct schema *s, const struct schema_rule *r, unsigned type, unsigned depth)
{
    struct weir_value any = { .type = (uint8_t)type, .number = 0.5 };
    switch (r->op) {
    case OP_TYPE:
        return (schema_types_of(&any) & r->n) != 0;
    case OP_REF:
        return is_plain(s, r->node, type, depth);
    case OP_ANY_OF:
        return any_plain(s, r, type, depth);
    case OP_ALL_OF:
        return all_plain(s, r, type, depth);
    default:
        return false;
    }
}

static bool
is_plain(const struct schema *s, uint32_t number, unsigned type, unsigned depth)
{
    const struct schema_node *node = &s->nodes[number];
    if (node->kind != NODE_RULES)
        return node->kind == NODE_TRUE;
    if (depth == DEPTH_MAX)
        return false;
    for (unsigned i = 0; i < node->n_rules; i++)
        if (node->rules[i].types & TYPE_BIT(type) &&
            !passes(s, &node->rules[i], type, depth + 1))
            return false;
    return true;
}

uint16_t
schema_plain_types(const struct schema *s)
{
    static const uint8_t scalars[] = { WEIR_NULL, WEIR_BOOL, WEIR_INT, WEIR_DOUBLE,
                                       WEIR_STRING };
    unsigned plain = 0;
    for (unsigned i = 0; i < sizeof scalars; i++)
        if (is_plain(s, s->root, scalars[i], 0))
            plain |= TYPE_BIT(scalars[i]);
    return (uint16_t)plain;
}
