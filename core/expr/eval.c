/* expr/eval.c - evaluating terms, see eval.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/eval.h"

#include <assert.h>

#include "expr/errors.h"
#include "expr/function.h"

/* && and ||: one side may decide, and then what the other side does is of no account. */
static enum weir_code
eval_logic(struct eval *ev, const struct term *t, struct weir_value *room,
           const struct weir_value **ret)
{
    bool decides = t->kind == TERM_OR;
    bool left = false;
    bool right = false;
    unsigned taint_left = 0;
    unsigned taint_right = 0;
    enum weir_code code = eval_bool(ev, t->operands[0], &left, &taint_left);
    if (code == WEIR_OK && left == decides) {
        (void)give_bool(left, ret);
        eval_taint(ev, taint_left, room, ret);
        return WEIR_OK;
    }
    if (code != WEIR_OK) {
        if (ev->spent)
            return code;
        struct weir_error *first = errors_ignore(ev);
        enum weir_code second = eval_bool(ev, t->operands[1], &right, &taint_right);
        bool decided = second == WEIR_OK && right == decides;
        code = errors_restore(ev, first, code, decided);
    } else {
        code = eval_bool(ev, t->operands[1], &right, &taint_right);
    }
    if (code != WEIR_OK)
        return code;
    (void)give_bool(right, ret);
    eval_taint(ev, taint_left | taint_right, room, ret);
    return WEIR_OK;
}

static enum weir_code
eval_coalesce(struct eval *ev, const struct term *t, struct weir_value *room,
              const struct weir_value **ret)
{
    enum weir_code code = eval_term(ev, t->operands[0], room, ret);
    if (code == WEIR_NOT_FOUND || (code == WEIR_OK && (*ret)->type == WEIR_NULL))
        return eval_term(ev, t->operands[1], room, ret);
    return code;
}

static enum weir_code
eval_choose(struct eval *ev, const struct term *t, struct weir_value *room,
            const struct weir_value **ret)
{
    bool yes = false;
    unsigned taint;
    enum weir_code code = eval_bool(ev, t->operands[0], &yes, &taint);
    return code == WEIR_OK ? eval_term(ev, t->operands[yes ? 1 : 2], room, ret) : code;
}

/* A list of few items, which have their places already. */
static enum weir_code
eval_short_list(struct eval *ev, const struct term *t, struct weir_value *items,
                struct weir_value *room, const struct weir_value **ret)
{
    for (unsigned i = 0; i < t->n; i++) {
        const struct weir_value *item;
        enum weir_code code = eval_present(ev, t->operands[i], &items[i], &item);
        if (code != WEIR_OK)
            return code;
        if (item != &items[i])
            items[i] = *item;
    }
    return give_items(items, t->n, room, ret);
}

static enum weir_code
eval_list(struct eval *ev, const struct term *t, struct weir_value *room,
          const struct weir_value **ret)
{
    enum weir_code code = eval_spend(ev, t, (uint64_t)t->n * EVAL_STEP);
    if (code != WEIR_OK)
        return code;
    struct weir_value *items = eval_items(ev, t->n);
    if (items != NULL)
        return eval_short_list(ev, t, items, room, ret);
    struct weir_builder *b = builder_list();
    for (unsigned i = 0; i < t->n; i++) {
        const struct weir_value *item;
        code = eval_present(ev, t->operands[i], room, &item);
        if (code != WEIR_OK) {
            builder_free(&b);
            return code;
        }
        builder_add_lent(b, item);
    }
    const struct weir_value *list = builder_end(&b);
    *ret = eval_keep(ev, &list);
    return WEIR_OK;
}

/* Adds operands I and I + 1 of the map T to B; an absent value is left out. */
static enum weir_code
eval_entry(struct eval *ev, const struct term *t, unsigned i, struct weir_builder *b)
{
    const struct term *at = t->operands[i];
    struct weir_value key_room;
    struct weir_value room;
    const struct weir_value *key;
    const struct weir_value *v;
    enum weir_code code = eval_present(ev, at, &key_room, &key);
    if (code != WEIR_OK)
        return code;
    if (key->type != WEIR_STRING)
        return eval_fail(ev, at, "a key must be a string, this is %s", eval_a(key));
    if (value_is_secret(key))
        return eval_fail(ev, at, "a key can't be made from a secret");

    code = eval_term(ev, t->operands[i + 1], &room, &v);
    if (code == WEIR_NOT_FOUND)
        return WEIR_OK;
    if (code != WEIR_OK)
        return code;
    builder_set_lent(b, key->bytes, key->len, v);
    return WEIR_OK;
}

static enum weir_code
eval_map(struct eval *ev, const struct term *t, struct weir_value *room,
         const struct weir_value **ret)
{
    (void)room;
    enum weir_code code = eval_spend(ev, t, (uint64_t)t->n * EVAL_STEP);
    if (code != WEIR_OK)
        return code;
    struct weir_builder *b = builder_map();
    for (unsigned i = 0; i < t->n; i += 2) {
        code = eval_entry(ev, t, i, b);
        if (code != WEIR_OK) {
            builder_free(&b);
            return code;
        }
    }
    const struct weir_value *map = builder_end(&b);
    *ret = eval_keep(ev, &map);
    return WEIR_OK;
}

/* Evaluates the arguments of T. WEIR_NOT_FOUND: it is x?.f(), and x is absent. */
static enum weir_code
eval_args(struct args *a, struct weir_value rooms[EXPR_ARGS_MAX])
{
    const struct term *t = a->term;
    for (a->n = 0; a->n < t->n; a->n++) {
        unsigned i = a->n;
        bool receiver = i == 0 && t->flags & TERM_METHOD;
        enum weir_code code = receiver
                                  ? eval_term(a->eval, t->operands[i], &rooms[i], &a->at[i])
                                  : eval_present(a->eval, t->operands[i], &rooms[i], &a->at[i]);
        if (code != WEIR_OK)
            return code;
        if (receiver && t->flags & TERM_OPTIONAL && a->at[i]->type == WEIR_NULL)
            return WEIR_NOT_FOUND;
    }
    return WEIR_OK;
}

static enum weir_code
eval_call(struct eval *ev, const struct term *t, struct weir_value *room,
          const struct weir_value **ret)
{
    struct weir_value rooms[EXPR_ARGS_MAX];
    struct args a;
    a.eval = ev;
    a.term = t;
    enum weir_code code = eval_args(&a, rooms);
    if (code != WEIR_OK)
        return code;
    code = t->function->fn(&a, room, ret);
    if (code != WEIR_OK || t->function->about.styles & EXPR_WASHING)
        return code;

    unsigned taint = 0;
    for (unsigned i = 0; i < a.n; i++) {
        taint |= a.at[i]->flags & VALUE_SECRET;
        if (*ret == &rooms[i]) { /* which ends with this call */
            *room = rooms[i];
            *ret = room;
        }
    }
    eval_taint(ev, taint, room, ret);
    return WEIR_OK;
}

enum weir_code
eval_term(struct eval *ev, const struct term *t, struct weir_value *room,
          const struct weir_value **ret)
{
    static eval_fn *const by_kind[] = {
        [TERM_LIST] = eval_list,
        [TERM_MAP] = eval_map,
        [TERM_CHAIN] = eval_chain,
        [TERM_CALL] = eval_call,
        [TERM_NOT] = eval_negate,
        [TERM_MINUS] = eval_negate,
        [TERM_ADD] = eval_arithmetic,
        [TERM_SUBTRACT] = eval_arithmetic,
        [TERM_MULTIPLY] = eval_arithmetic,
        [TERM_DIVIDE] = eval_arithmetic,
        [TERM_REMAINDER] = eval_arithmetic,
        [TERM_EQ] = eval_equality,
        [TERM_NE] = eval_equality,
        [TERM_LT] = eval_order,
        [TERM_LE] = eval_order,
        [TERM_GT] = eval_order,
        [TERM_GE] = eval_order,
        [TERM_IN] = eval_in,
        [TERM_AND] = eval_logic,
        [TERM_OR] = eval_logic,
        [TERM_COALESCE] = eval_coalesce,
        [TERM_CHOOSE] = eval_choose,
        [TERM_HAS] = eval_has,
        [TERM_ALL] = eval_all_or_exists,
        [TERM_EXISTS] = eval_all_or_exists,
        [TERM_EXISTS_ONE] = eval_exists_one,
        [TERM_EACH] = eval_each,
        [TERM_FILTER] = eval_each,
    };
    if (t->kind == TERM_CONST) {
        *ret = t->constant;
        return WEIR_OK;
    }
    enum weir_code code = eval_spend(ev, t, EVAL_STEP);
    return code == WEIR_OK ? by_kind[t->kind](ev, t, room, ret) : code;
}

enum weir_code
eval_present(struct eval *ev, const struct term *t, struct weir_value *room,
             const struct weir_value **ret)
{
    enum weir_code code = eval_term(ev, t, room, ret);
    if (code == WEIR_NOT_FOUND)
        return eval_fail(ev, t, "nothing is there; give it a default with ??");
    return code;
}

enum weir_code
eval_bool(struct eval *ev, const struct term *t, bool *ret, unsigned *ret_taint)
{
    struct weir_value room;
    const struct weir_value *v;
    enum weir_code code = eval_present(ev, t, &room, &v);
    if (code != WEIR_OK)
        return code;
    if (v->type != WEIR_BOOL)
        return eval_fail(ev, t, "must be a bool, and is %s", eval_a(v));
    *ret = v->boolean;
    *ret_taint = v->flags & VALUE_SECRET;
    return WEIR_OK;
}
