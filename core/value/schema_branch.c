/* value/schema_branch.c - of several forms that a value may have, and has none of, finds the
 * one that was meant.
 *
 * The branches are evaluated once more and their violations are weighed. A branch whose type or
 * choice the value itself does not meet is out of question; if all are, what they ask for is
 * told together: "must be an integer, or one of: 'auto', 'none'".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "value/schema_eval.h"

enum {
    MAX_DETAIL = 400,
    MAX_LISTED = 300,
    MAX_WEIGHED = 64, /* branches */
    REFS = 8,         /* that lead to the rules of a branch */
};

struct asked {
    unsigned types;
    unsigned choices;
    struct buf text; /* of the choices */
};

/* Evaluates a branch to weigh it; UINT32_MAX: the value is of another kind. */
static unsigned
weigh_branch(struct check *c, uint32_t node, const struct weir_value *v)
{
    enum check_mode mode = c->mode;
    c->mode = MODE_COUNT;
    c->base = c->level;
    c->weight = 0;
    c->mismatch = false;
    (void)schema_eval(c, node, v, NULL); /* it does not conform, as was found */
    c->mode = mode;
    return c->mismatch ? UINT32_MAX : c->weight;
}

static void
add_choice(struct asked *a, const struct weir_value *v)
{
    if (a->text.len > MAX_LISTED) {
        if (a->text.bytes[a->text.len - 1] != '.')
            (void)buf_puts(&a->text, ", ..."); /* there is room */
        return;
    }
    if (a->choices++ > 0)
        (void)buf_puts(&a->text, ", ");
    schema_put_value(&a->text, v);
}

/* Adds the types or choices that a branch asks for; false if it asks in another way. */
static bool
add_asked(const struct schema *s, uint32_t number, struct asked *a)
{
    for (int refs = 0; refs < REFS; refs++) {
        const struct schema_node *node = &s->nodes[number];
        const struct schema_rule *ref = NULL;
        unsigned types = 0;
        for (unsigned i = 0; i < node->n_rules; i++) {
            const struct schema_rule *r = &node->rules[i];
            if (r->op == OP_CONST)
                return add_choice(a, r->value), true;
            for (uint32_t j = 0; r->op == OP_ENUM && j < r->list->list->len; j++)
                add_choice(a, value_at(r->list->list, j));
            if (r->op == OP_ENUM)
                return true;
            types |= r->op == OP_TYPE ? r->n : 0;
            ref = r->op == OP_REF ? r : ref;
        }
        a->types |= types;
        if (types != 0 || ref == NULL)
            return types != 0;
        number = ref->node;
    }
    return false;
}

/* The value is of no branch's kind: tells all kinds. */
static void
tell_kinds(struct check *c, const struct schema_rule *r)
{
    struct asked a = { 0, 0, { 0 } };
    struct buf text;
    buf_init(&a.text, MAX_DETAIL);
    buf_init(&text, 2 * MAX_DETAIL);
    bool all = true;
    for (uint32_t i = 0; i < r->n; i++)
        all = add_asked(c->schema, r->nodes[i], &a) && all;

    (void)buf_puts(&text, "must be "); /* there is room, here and below */
    schema_put_types(&text, a.types);
    if (a.choices > 0)
        (void)buf_printf(&text, "%s%s%s", a.types != 0 ? ", or " : "",
                         a.choices > 1 ? "one of: " : "", a.text.bytes);
    (void)schema_fail(c, VIOLATION_OTHER, "%s",
                      all ? text.bytes : "is of none of the allowed forms");
    buf_fini(&text);
    buf_fini(&a.text);
}

bool
schema_fail_branches(struct check *c, const struct schema_rule *r, const struct weir_value *v)
{
    if (c->mode != MODE_TELL)
        return schema_fail(c, VIOLATION_OTHER, "branches");

    uint32_t best = 0;
    unsigned least = UINT32_MAX;
    for (uint32_t i = 0; i < r->n && i < MAX_WEIGHED && !c->stopped; i++) {
        unsigned weight = weigh_branch(c, r->nodes[i], v);
        if (weight < least) {
            least = weight;
            best = i;
        }
    }
    if (c->stopped)
        return false;
    unsigned told = c->told;
    if (least == UINT32_MAX)
        tell_kinds(c, r);
    else
        (void)schema_eval(c, r->nodes[best], v, NULL); /* tells */
    if (c->told == told)
        return schema_fail(c, VIOLATION_OTHER, "is of none of the allowed forms");
    return false;
}
