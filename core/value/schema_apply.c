/* value/schema_apply.c - rules that apply other nodes to the same value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "value/schema_eval.h"

bool
schema_rule_ref(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                struct seen *seen)
{
    return schema_eval(c, r->node, v, seen);
}

/* The node that has the dynamic anchor NAME in a resource; NODE_NONE if none has. */
static uint32_t
anchored(const struct schema *s, uint32_t resource, uint32_t name)
{
    const struct schema_resource *r = &s->resources[resource];
    for (uint32_t i = 0; i < r->n_anchors; i++)
        if (r->anchors[i].name == name)
            return r->anchors[i].node;
    return NODE_NONE;
}

bool
schema_rule_dynamic_ref(struct check *c, const struct schema_rule *r,
                        const struct weir_value *v, struct seen *seen)
{
    uint32_t node = r->node;
    if (r->n == UINT32_MAX)
        return schema_eval(c, node, v, seen);
    uint64_t steps = 0;
    for (const struct scope *s = c->scope; s != NULL; s = s->up) {
        steps += 1 + c->schema->resources[s->resource].n_anchors;
        uint32_t found = anchored(c->schema, s->resource, r->n);
        node = found != NODE_NONE ? found : node; /* the outermost comes last */
    }
    return schema_spend(c, steps) && schema_eval(c, node, v, seen);
}

bool
schema_rule_all_of(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                   struct seen *seen)
{
    bool ok = true;
    for (uint32_t i = 0; i < r->n; i++) {
        if (schema_eval(c, r->nodes[i], v, seen))
            continue;
        ok = false;
        if (!schema_goes_on(c))
            break;
    }
    return ok;
}

enum branch { BRANCH_NO, BRANCH_MAYBE, BRANCH_YES };

/* Tries a node in silence. Notes are kept only of what conforms. */
static enum branch
try(struct check *c, uint32_t node, const struct weir_value *v, struct seen *seen)
{
    struct seen own;
    if (seen != NULL && !seen_open(c, &own, v))
        return BRANCH_NO;
    enum check_mode mode = c->mode;
    uint64_t maybe = c->maybe;
    c->mode = MODE_QUIET;
    bool ok = schema_eval(c, node, v, seen != NULL ? &own : NULL);
    c->mode = mode;

    if (seen != NULL && ok)
        seen_merge(seen, &own);
    if (seen != NULL)
        seen_close(c, &own);
    if (ok)
        return c->maybe == maybe ? BRANCH_YES : BRANCH_MAYBE;
    c->maybe = maybe;
    return BRANCH_NO;
}

/* None of the branches conforms. */
static bool
fail_all(struct check *c, const struct schema_rule *r, const struct weir_value *v,
         struct seen *seen)
{
    if (seen != NULL)
        seen->blurred = true;
    return schema_fail_branches(c, r, v);
}

bool
schema_rule_any_of(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                   struct seen *seen)
{
    bool ok = false;
    for (uint32_t i = 0; i < r->n && !c->stopped && !(ok && seen == NULL); i++)
        if (try(c, r->nodes[i], v, seen) != BRANCH_NO)
            ok = true;
    if (c->stopped)
        return false;
    return ok || fail_all(c, r, v, seen);
}

bool
schema_rule_one_of(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                   struct seen *seen)
{
    uint32_t found = 0;
    uint32_t surely = 0;
    uint32_t first = 0;
    for (uint32_t i = 0; i < r->n && !c->stopped; i++) {
        enum branch branch = try(c, r->nodes[i], v, seen);
        found += branch != BRANCH_NO;
        surely += branch == BRANCH_YES;
        if (branch == BRANCH_YES && surely == 1)
            first = i;
        if (surely == 2)
            return schema_fail(c, VIOLATION_OTHER,
                               "must be of one form only: it is of form %u and of form %u",
                               first + 1, i + 1);
    }
    if (c->stopped)
        return false;
    return found > 0 || fail_all(c, r, v, seen);
}

bool
schema_rule_not(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                struct seen *seen)
{
    (void)seen; /* what is found out in here counts for nothing outside */
    enum branch branch = try(c, r->node, v, NULL);
    if (c->stopped)
        return false;
    return branch != BRANCH_YES ||
           schema_fail(c, VIOLATION_OTHER, "is of a form that is not allowed");
}

/* The part of "if" that follows; true if there is none. */
static bool
follow(struct check *c, uint32_t node, const struct weir_value *v, struct seen *seen)
{
    return node == NODE_NONE || schema_eval(c, node, v, seen);
}

bool
schema_rule_if(struct check *c, const struct schema_rule *r, const struct weir_value *v,
               struct seen *seen)
{
    enum branch branch = try(c, r->nodes[IF_TEST], v, seen);
    if (c->stopped)
        return false;
    uint32_t then = r->nodes[IF_THEN];
    if (branch == BRANCH_MAYBE && (then == NODE_NONE || try(c, then, v, seen) != BRANCH_NO))
        return true;
    return follow(c, branch == BRANCH_YES ? then : r->nodes[IF_ELSE], v, seen);
}

bool
schema_rule_dependent_schemas(struct check *c, const struct schema_rule *r,
                              const struct weir_value *v, struct seen *seen)
{
    bool ok = true;
    for (uint32_t i = 0; i < r->names->n; i++) {
        struct weir_text name = r->names->texts[i];
        if (value_get(v, name.bytes, name.len) == NULL ||
            schema_eval(c, r->names->nodes[i], v, seen))
            continue;
        ok = false;
        if (!schema_goes_on(c))
            break;
    }
    return ok;
}
