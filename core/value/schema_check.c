/* value/schema_check.c - the evaluation of nodes; see schema_eval.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>

#include "value/schema_eval.h"

/* The budgets: enough for any small value, and in proportion for large ones, where a number has
 * some 32 bytes and a text its own. */
enum {
    STEPS = 250 * 1000,
    STEPS_PER_BYTE = 1,
    MATCH_STEPS = 25 * 1000, /* each takes some 40 ns: a hundred bytes must not cost milliseconds */
    MATCH_STEPS_PER_BYTE = 2
};

static check_fn *const functions[] = {
#define X(name, function, types) [OP_##name] = schema_rule_##function,
    SCHEMA_RULES(X)
#undef X
};

bool
schema_spend(struct check *c, uint64_t n)
{
    if (c->work < n) {
        c->work = 0;
        return schema_stop(c, "takes too many steps to check");
    }
    c->work -= n;
    return true;
}

/* Evaluates the rules of the node at hand that concern the type of V. */
static bool
run(struct check *c, const struct schema_node *node, const struct weir_value *v,
    struct seen *seen)
{
    bool ok = true;
    for (unsigned i = 0; i < node->n_rules; i++) {
        const struct schema_rule *r = &node->rules[i];
        if (!(r->types & TYPE_BIT(v->type)) || functions[r->op](c, r, v, seen))
            continue;
        ok = false;
        if (!schema_goes_on(c))
            return false;
    }
    return ok;
}

/* The same with notes of its own: unevaluated... sees nothing of what stands beside the node.
 */
static bool
run_tracking(struct check *c, const struct schema_node *node, const struct weir_value *v,
             struct seen *seen)
{
    struct seen own;
    if (!seen_open(c, &own, v))
        return false;
    bool ok = run(c, node, v, &own);
    seen_close(c, &own);
    if (seen != NULL)
        seen->all = true; /* by unevaluated... itself; if it failed nobody asks */
    return ok;
}

bool
schema_eval(struct check *c, uint32_t number, const struct weir_value *v, struct seen *seen)
{
    const struct schema_node *node = &c->schema->nodes[number];
    if (node->kind == NODE_FALSE)
        return schema_fail(c, VIOLATION_OTHER, "is not allowed");
    if (node->kind == NODE_TRUE)
        return true;
    if (v->flags & VALUE_DYNAMIC) {
        c->maybe++;
        return true;
    }
    if (c->stopped || !schema_spend(c, 1u + node->n_rules))
        return false;
    if (c->depth == SCHEMA_DEPTH)
        return schema_stop(c, "is nested too deeply to be checked");

    const struct schema_node *outer = c->node;
    struct scope scope = { c->scope, node->resource };
    if (scope.up == NULL || scope.up->resource != node->resource)
        c->scope = &scope;
    c->node = node;
    c->depth++;
    bool ok = node->tracks & TYPE_BIT(v->type) ? run_tracking(c, node, v, seen)
                                               : run(c, node, v, seen);
    c->depth--;
    c->node = outer;
    c->scope = scope.up;
    return ok;
}

/* Evaluates V, which stands at P in the value at hand. */
static bool
eval_at(struct check *c, struct place *p, uint32_t node, const struct weir_value *v)
{
    p->up = c->place;
    c->place = p;
    c->level++;
    bool ok = schema_eval(c, node, v, NULL);
    c->level--;
    c->place = p->up;
    return ok;
}

bool
schema_eval_member(struct check *c, uint32_t node, const struct value_member *m)
{
    struct place p = { .key = { m->key, m->key_len } };
    return eval_at(c, &p, node, &m->value);
}

bool
schema_eval_item(struct check *c, uint32_t node, const struct weir_value *list, uint32_t index)
{
    struct place p = { .index = index };
    return eval_at(c, &p, node, &list->items[index]);
}

bool
schema_rule_property_names(struct check *c, const struct schema_rule *r,
                           const struct weir_value *v, struct seen *seen)
{
    (void)seen;
    bool ok = true;
    for (uint32_t i = 0; i < v->len; i++) {
        const struct value_member *m = &v->members->at[i];
        struct place p = { .key = { m->key, m->key_len }, .name = true };
        struct weir_value name = { .type = WEIR_STRING, .len = m->key_len, .bytes = m->key };
        if (eval_at(c, &p, r->node, &name))
            continue;
        ok = false;
        if (!schema_goes_on(c))
            break;
    }
    return ok;
}

static void
give_budget(struct check *c, const struct weir_value *v, unsigned times)
{
    uint64_t weight = value_weight(v);
    c->work = times * (STEPS + STEPS_PER_BYTE * weight);
    c->matching = times * (MATCH_STEPS + MATCH_STEPS_PER_BYTE * weight);
}

static bool
check_whole(const struct schema *s, const struct weir_value *v, schema_report_fn *report,
            void *arg)
{
    uint64_t scratch[SCRATCH_WORDS]; /* zeroed where it is used */
    struct check c = { .schema = s, .scratch = scratch, .report = report, .report_arg = arg };
    give_budget(&c, v, 1);
    bool ok = schema_eval(&c, s->root, v, NULL) && !c.stopped;
    if (!ok && report != NULL && !c.stopped) {
        c.mode = MODE_TELL;
        give_budget(&c, v, 4); /* finding the branch that says most evaluates some more */
        (void)schema_eval(&c, s->root, v, NULL); /* it does not conform, as was found */
    }
    assert(c.scratch_used == 0 && c.heap_used == 0 && c.place == NULL);
    return ok;
}

bool
schema_check(const struct schema *s, const struct weir_value *v, schema_report_fn *report,
             void *arg)
{
    if (s->plain & TYPE_BIT(v->type))
        return true;
    return check_whole(s, v, report, arg);
}
