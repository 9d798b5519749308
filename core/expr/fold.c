/* expr/fold.c - making terms, and evaluating at once what is constant; see parse.h.
 *
 * A term that reads nothing from outside is closed. If it can be evaluated it becomes a
 * constant; if that fails, it is remembered: 'a' + 1 is a mistake of the author. Such a term
 * may still disappear (true || 1 / 0 > 0), so it is reported only at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <string.h>

#include "expr/parse.h"

/* Enough for any constant that somebody writes; what is larger is left for later. */
enum { FOLD_BYTES_MAX = 64 * 1024, FOLD_STEPS_MAX = 2000 };

void *
parser_alloc(struct parser *p, size_t size)
{
    void *memory = arena_alloc(&p->expr->arena, size);
    assert(memory != NULL); /* EXPR_TEXT_MAX bounds it */
    return memory;
}

void
terms_add(struct parser *p, struct terms *ts, struct term *t)
{
    if (ts->n == ts->room) {
        unsigned room = ts->room > 0 ? 2 * ts->room : 2;
        struct term **at = parser_alloc(p, room * sizeof(struct term *));
        if (ts->n > 0)
            memcpy(at, ts->at, ts->n * sizeof(struct term *));
        ts->at = at;
        ts->room = room;
    }
    ts->at[ts->n++] = t;
}

struct term *
term_new(struct parser *p, enum term_kind kind, size_t start, struct terms ts)
{
    struct term *t = parser_alloc(p, sizeof(*t));
    t->kind = (uint8_t)kind;
    t->depth = 1;
    t->place = (struct expr_place){ start, p->end - start };
    t->operands = ts.at;
    t->n = ts.n;
    return t;
}

/* Makes the expression keep V till it is freed; takes the reference. */
static const struct weir_value *
keep(struct parser *p, const struct weir_value **take_v)
{
    struct owned *o = parser_alloc(p, sizeof(*o));
    *o = (struct owned){ .next = p->expr->owned, .value = *take_v };
    p->expr->owned = o;
    *take_v = NULL;
    return o->value;
}

struct term *
term_constant(struct parser *p, size_t start, const struct weir_value **take_v)
{
    struct term *t = term_new(p, TERM_CONST, start, (struct terms){ 0 });
    t->flags = TERM_CLOSED;
    t->constant = keep(p, take_v);
    return t;
}

/* Whether T reads nothing from outside, given that its operands don't. */
static bool
closed(const struct term *t)
{
    if (t->kind == TERM_CALL) /* and a template must be able to see url.raw() */
        return !(t->function->about.styles & EXPR_CHANGING) &&
               t->function->fn != function_url_raw;
    if (t->kind == TERM_CHAIN)
        return t->chain->base != NULL;
    return t->kind < TERM_ALL; /* a macro's expressions read its variable */
}

/* Whether it is worth while to evaluate a closed T. */
static bool
foldable(const struct term *t)
{
    if (t->kind == TERM_AND || t->kind == TERM_OR || t->kind == TERM_CHOOSE ||
        t->kind == TERM_COALESCE || t->kind == TERM_HAS)
        return true; /* may have a result although an operand fails */
    for (unsigned i = 0; i < t->n; i++)
        if (t->operands[i]->kind != TERM_CONST)
            return false;
    return true;
}

static void
fold(struct parser *p, struct term *t)
{
    struct weir_error err = { 0 };
    struct eval ev;
    eval_begin(&ev, p->expr, NULL, &err);
    ev.units = FOLD_STEPS_MAX * EVAL_STEP;
    ev.bytes = FOLD_BYTES_MAX;

    struct weir_value room;
    const struct weir_value *v;
    enum weir_code code = eval_term(&ev, t, &room, &v);
    if (code == WEIR_OK) {
        const struct weir_value *constant = value_box(v);
        t->kind = TERM_CONST;
        t->depth = 1;
        t->n = 0;
        t->flags &= (uint8_t)~TERM_FAILS;
        t->constant = keep(p, &constant);
    } else if (code != WEIR_NOT_FOUND && !ev.spent) {
        t->flags |= TERM_FAILS;
    }
    value_unref(&err.detail);
    eval_end(&ev);
}

struct term *
term_done(struct parser *p, struct term *t)
{
    bool all_closed = true;
    for (unsigned i = 0; i < t->n; i++) {
        const struct term *operand = t->operands[i];
        if (operand->depth >= t->depth)
            t->depth = (uint16_t)(operand->depth + 1);
        all_closed &= (operand->flags & TERM_CLOSED) != 0;
    }
    if (t->depth > EXPR_DEPTH_MAX) {
        (void)lex_fail(&p->lexer, t->place, "too many operators in a row: more than %d",
                       EXPR_DEPTH_MAX);
        return NULL;
    }
    if (all_closed && closed(t)) {
        t->flags |= TERM_CLOSED;
        if (foldable(t))
            fold(p, t);
    }
    return t;
}

void
term_allow_absent(struct term *t)
{
    if (t->kind == TERM_CHAIN) {
        t->chain->absent_ok = true;
        t->flags &= (uint8_t)~TERM_FAILS; /* it was thought to fail by what is allowed now */
        if (t->chain->base != NULL && t->chain->base->kind == TERM_CHAIN)
            term_allow_absent(t->chain->base);
    } else if (t->kind == TERM_COALESCE) {
        term_allow_absent(t->operands[1]);
    }
}

/* Reports why T fails. */
static bool
report(struct parser *p, const struct term *t)
{
    struct weir_error err = { 0 };
    struct eval ev;
    eval_begin(&ev, p->expr, NULL, &err);
    struct weir_value room;
    const struct weir_value *v;
    enum weir_code code = eval_term(&ev, t, &room, &v);
    assert(code != WEIR_OK); /* it failed before */
    eval_end(&ev);
    value_unref(&err.detail);
    return lex_fail(&p->lexer, t->place, "%s", err.text);
}

bool
term_check(struct parser *p, const struct term *root)
{
    for (unsigned i = 0; i < root->n; i++) {
        const struct term *t = root->operands[i];
        if (t->kind == TERM_CALL && t->function->fn == function_url_raw)
            return lex_fail(&p->lexer, t->place,
                            "url.raw() stands only for the whole of a ${ } in a url");
        if (!term_check(p, t))
            return false;
    }
    return !(root->flags & TERM_FAILS) || report(p, root);
}
