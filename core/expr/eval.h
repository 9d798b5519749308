/* expr/eval.h - inside the room: one evaluation.
 *
 * Results are lent: they stand in the caller's ROOM, in a constant, in the environment, or are
 * kept by the evaluation until it ends (or, inside a macro, until the item is done with).
 * Scalars and short texts need no allocation. WEIR_NOT_FOUND is no error: the result is absent.
 *
 * The cost is bounded twice: by units of time, and by the bytes of all texts and lists that
 * are made. Both are deterministic.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPR_EVAL_H
#define EXPR_EVAL_H

#include "expr/term.h"

enum {
    EVAL_STEPS = 100000,   /* terms that one evaluation may go through           */
    EVAL_STEP = 16,        /* units a term; comparing an item or byte costs less */
    EVAL_BYTES = 16 << 20, /* bytes that one evaluation may make                 */
    EVAL_SCRATCH = 512,    /* bytes of short texts that need no allocation       */
    EVAL_ITEMS = 16,       /* items of lists that need no allocation             */
    EVAL_KEPT = 8          /* values that are kept without an allocation         */
};

struct eval {
    const struct expr *expr;
    struct expr_env *env; /* NULL while folding */
    struct weir_error *err;
    uint64_t units; /* left */
    size_t bytes;   /* left */
    bool spent;     /* the cost was too high: nothing may catch that */
    unsigned n_kept;
    unsigned room_kept;
    unsigned n_scratch;
    unsigned n_items;
    unsigned comparing;             /* levels of lists and maps that are being compared */
    const struct weir_value **kept; /* owned values */
    const struct weir_value *variables[EXPR_VARIABLES_MAX];
    const struct weir_value *first_kept[EVAL_KEPT];
    struct weir_error ignored; /* what goes wrong where that does not matter */
    struct weir_value items[EVAL_ITEMS];
    char scratch[EVAL_SCRATCH];
};

/* Begins an evaluation. */
static inline void
eval_begin(struct eval *ev, const struct expr *e, struct expr_env *env, struct weir_error *err)
{
    /* The rest is large, and needs no first value. */
    ev->expr = e;
    ev->env = env;
    ev->err = err;
    ev->units = (uint64_t)EVAL_STEPS * EVAL_STEP;
    ev->bytes = EVAL_BYTES;
    ev->spent = false;
    ev->n_kept = 0;
    ev->room_kept = EVAL_KEPT;
    ev->n_scratch = 0;
    ev->n_items = 0;
    ev->comparing = 0;
    ev->kept = ev->first_kept;
    ev->ignored.detail = NULL;
}

/* Drops all that an evaluation has kept. */
void eval_drop(struct eval *ev);

/* Ends an evaluation. */
static inline void
eval_end(struct eval *ev)
{
    if (ev->n_kept > 0 || ev->kept != ev->first_kept)
        eval_drop(ev);
}

/* Evaluates T. WEIR_NOT_FOUND: absent. */
enum weir_code eval_term(struct eval *ev, const struct term *t, struct weir_value *room,
                         const struct weir_value **ret) MUST_USE;

/* The same where an absent result is an error. */
enum weir_code eval_present(struct eval *ev, const struct term *t, struct weir_value *room,
                            const struct weir_value **ret) MUST_USE;

/* The same where only a bool will do; *ret_taint: VALUE_SECRET or 0. */
enum weir_code eval_bool(struct eval *ev, const struct term *t, bool *ret,
                         unsigned *ret_taint) MUST_USE;

/* Sets the error, WEIR_SCRIPT, with the text of T in front; returns it. */
enum weir_code eval_fail(struct eval *ev, const struct term *t, const char *fmt, ...)
    PRINTF(3, 4) COLD;

/* -- cost -- */

/* Fails because the cost of the evaluation is too high, for good. */
enum weir_code eval_too_costly(struct eval *ev, const struct term *t);

/* Takes units (bytes) from what is left, or fails. */
static inline MUST_USE enum weir_code
eval_spend(struct eval *ev, const struct term *t, uint64_t units)
{
    if (ev->units < units || ev->spent)
        return eval_too_costly(ev, t);
    ev->units -= units;
    return WEIR_OK;
}
enum weir_code eval_spend_bytes(struct eval *ev, const struct term *t, size_t bytes) MUST_USE;
/* What reading LEN bytes costs. */
static inline uint64_t
eval_reading(size_t len)
{
    return len / 64;
}

/* -- results -- */

/* Keeps V till the end; takes the reference. Returns it, lent. */
const struct weir_value *eval_keep(struct eval *ev, const struct weir_value **take_v);

/* What was kept so far; eval_release drops what came later. */
struct eval_mark {
    unsigned n_kept;
    unsigned n_scratch;
    unsigned n_items;
};
struct eval_mark eval_mark(const struct eval *ev);
void eval_release(struct eval *ev, struct eval_mark mark);

/* A new string or bytes of LEN bytes, to be filled by the caller at once where the result
 * points to. NULL: too costly, and the error is set. */
char *eval_new_text(struct eval *ev, const struct term *t, enum weir_type type, size_t len,
                    struct weir_value *room, const struct weir_value **ret) MUST_USE;

/* Room for N items of a list that is not made a value of its own; NULL: a builder has to make it.
 * give_items gives the list: the items are lent values, as results are. */
struct weir_value *eval_items(struct eval *ev, size_t n);
enum weir_code give_items(struct weir_value *items, size_t n, struct weir_value *room,
                          const struct weir_value **ret);

/* A buffer for a text whose length is not known beforehand, and the text of it. GOOD: all of
 * it did fit; if not it is too costly. The buffer is finished in any case. */
void eval_buf(const struct eval *ev, struct buf *b);
enum weir_code eval_buf_text(struct eval *ev, const struct term *t, enum weir_type type,
                             struct buf *b, bool good, const struct weir_value **ret) MUST_USE;

static inline enum weir_code
give_int(int64_t i, struct weir_value *room, const struct weir_value **ret)
{
    *room = (struct weir_value){ .type = WEIR_INT, .integer = i };
    *ret = room;
    return WEIR_OK;
}

static inline enum weir_code
give_double(double d, struct weir_value *room, const struct weir_value **ret)
{
    *room = (struct weir_value){ .type = WEIR_DOUBLE, .number = d };
    *ret = room;
    return WEIR_OK;
}

static inline enum weir_code
give_bool(bool b, const struct weir_value **ret)
{
    *ret = b ? &value_true : &value_false;
    return WEIR_OK;
}

/* Marks *ret as secret if TAINT has VALUE_SECRET, lists and maps in every part of them. */
void eval_taint(struct eval *ev, unsigned taint, struct weir_value *room,
                const struct weir_value **ret);

/* "a string", "an int", for messages. */
const char *eval_a(const struct weir_value *v);

/* -- kinds of terms; each evaluates T, which is of that kind -- */

typedef enum weir_code eval_fn(struct eval *ev, const struct term *t, struct weir_value *room,
                               const struct weir_value **ret);
/* eval_access.c */
eval_fn eval_chain, eval_has;
/* operators.c */
eval_fn eval_negate, eval_arithmetic, eval_equality, eval_order, eval_in;
/* macros.c */
eval_fn eval_all_or_exists, eval_exists_one, eval_each;

/* Whether A and B are equal, as value_equal has it, at a cost that is counted. */
enum weir_code eval_equal(struct eval *ev, const struct term *t, const struct weir_value *a,
                          const struct weir_value *b, bool *ret) MUST_USE;

#endif
