/* value/schema_loop.c - finds schemas that would be applied to one value without end.
 *
 * A chain of $ref, allOf and the like that comes back to where it was never goes into the
 * value: whoever reaches it never leaves. $dynamicRef to a dynamic anchor, whose target only
 * the evaluation knows, is left to the limit of depth.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "value/schema_make.h"

enum mark { MARK_NEW, MARK_OPEN, MARK_DONE };

uint32_t
schema_in_place(const struct schema_rule *r, const uint32_t **ret)
{
    switch (r->op) {
    case OP_REF:
    case OP_NOT:
        *ret = &r->node;
        return 1;
    case OP_DYNAMIC_REF:
        *ret = &r->node;
        return r->n == UINT32_MAX; /* else who knows */
    case OP_ALL_OF:
    case OP_ANY_OF:
    case OP_ONE_OF:
        *ret = r->nodes;
        return r->n;
    case OP_IF:
        *ret = r->nodes;
        return 3;
    case OP_DEPENDENT_SCHEMAS:
        *ret = r->names->nodes;
        return r->names->n;
    default:
        return 0;
    }
}

/* Visits a node and all that it is replaced by or joined with; DEPTH of them are open. */
static enum weir_code
visit(struct schema_maker *m, uint8_t *marks, uint32_t number, unsigned depth)
{
    if (number == NODE_NONE || marks[number] == MARK_DONE)
        return WEIR_OK;
    struct spot spot = SPOT(number, NULL);
    if (marks[number] == MARK_OPEN)
        return schema_refuse(m, spot, "leads back to itself without going into the value");
    if (depth == SCHEMA_DEPTH)
        return schema_refuse(m, spot, "stands behind more than %d others", SCHEMA_DEPTH);

    marks[number] = MARK_OPEN;
    const struct schema_node *node = &m->schema->nodes[number];
    enum weir_code code = WEIR_OK;
    for (unsigned i = 0; i < node->n_rules; i++) {
        const uint32_t *children;
        uint32_t n = schema_in_place(&node->rules[i], &children);
        for (uint32_t j = 0; code == WEIR_OK && j < n; j++)
            code = visit(m, marks, children[j], depth + 1);
    }
    marks[number] = MARK_DONE;
    return code;
}

enum weir_code
schema_refuse_loops(struct schema_maker *m)
{
    uint8_t *marks = calloc(m->schema->n_nodes, 1);
    if (marks == NULL)
        abort();
    enum weir_code code = WEIR_OK;
    for (uint32_t i = 0; code == WEIR_OK && i < m->schema->n_nodes; i++)
        code = visit(m, marks, i, 0);
    free(marks);
    return code;
}
