/* expr/accesses.c - what an expression reads; see expr_each_access.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/accesses.h"

#include "expr/function.h"

static void
visit_chain(const struct term *t, struct use use, const struct listener *l)
{
    struct chain *c = t->chain;
    struct use inside = { .washed = use.washed };
    if (c->base != NULL)
        term_each_access(c->base, inside, l);
    if (!c->bound) {
        bool whole = use.whole && c->path.n == c->n_parts + 1;
        l->fn(l->arg, &(struct expr_access){ .path = c->path.keys,
                                             .places = c->places,
                                             .n = c->path.n,
                                             .optional_from = c->optional_from,
                                             .absent_ok = c->absent_ok,
                                             .whole = whole,
                                             .washed = use.washed,
                                             .result = use.result && whole,
                                             .known = &c->path.known });
    }
    inside.whole = true; /* an index is an expression of its own */
    for (unsigned i = 0; i < c->n_parts; i++)
        if (c->parts[i].index != NULL)
            term_each_access(c->parts[i].index, inside, l);
}

/* What becomes of operand I of T, of which USE is made. */
static struct use
use_of(const struct term *t, unsigned i, struct use use)
{
    bool compared = t->kind >= TERM_EQ && t->kind <= TERM_IN;
    bool digested = t->kind == TERM_CALL && t->function->about.styles & EXPR_WASHING;
    bool receiver = i == 0 && (t->flags & TERM_METHOD || t->kind >= TERM_ALL);
    bool passed = t->kind == TERM_COALESCE || (t->kind == TERM_CHOOSE && i > 0);
    return (struct use){ .washed = use.washed || compared || digested || t->kind == TERM_HAS,
                         .result = use.result && passed,
                         .whole = !receiver };
}

void
term_each_access(const struct term *t, struct use use, const struct listener *l)
{
    if (t->kind == TERM_CHAIN) {
        visit_chain(t, use, l);
        return;
    }
    for (unsigned i = 0; i < t->n; i++)
        term_each_access(t->operands[i], use_of(t, i, use), l);
}

void
expr_each_access(const struct expr *e, void (*fn)(void *arg, const struct expr_access *),
                 void *arg)
{
    term_each_access(e->root, USE_RESULT, &(struct listener){ fn, arg });
}
