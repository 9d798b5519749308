/* expr/macros.c - the loops of the language: all, exists, exists_one, map, filter; see eval.h.
 *
 * What an item's turn kept is dropped after it, so that a long list costs no memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/errors.h"

/* A loop over a list, or over the keys of a map. */
struct loop {
    struct eval *ev;
    const struct term *term;
    const struct weir_value *over;
    size_t next;
    struct weir_value key; /* of a map */
    struct eval_mark mark;
};

/* Evaluates what is looped over. WEIR_NOT_FOUND: it is absent, and so is the result. */
static enum weir_code
start(struct loop *l, struct weir_value *room)
{
    enum weir_code code = eval_term(l->ev, l->term->operands[0], room, &l->over);
    if (code != WEIR_OK)
        return code;
    if (l->over->type == WEIR_NULL && l->term->flags & TERM_OPTIONAL)
        return WEIR_NOT_FOUND;
    if (l->over->type != WEIR_LIST && l->over->type != WEIR_MAP)
        return eval_fail(l->ev, l->term->operands[0], "must be a list or a map, and is %s",
                         eval_a(l->over));
    l->mark = eval_mark(l->ev);
    return WEIR_OK;
}

/* Makes the next item the macro's variable; *ret is NULL at the end. */
static enum weir_code
next(struct loop *l, const struct weir_value **ret)
{
    eval_release(l->ev, l->mark);
    *ret = NULL;
    if (l->next == l->over->len)
        return WEIR_OK;
    enum weir_code code = eval_spend(l->ev, l->term, EVAL_STEP);
    if (code != WEIR_OK)
        return code;
    const struct weir_value *item;
    if (l->over->type == WEIR_LIST) {
        item = value_at(l->over, l->next);
    } else {
        struct weir_text key;
        (void)value_member(l->over, l->next, &key, &item); /* it is there */
        l->key = (struct weir_value){ .type = WEIR_STRING,
                                      .len = (uint32_t)key.len,
                                      .bytes = key.bytes,
                                      .block = l->over->block };
        item = &l->key;
    }
    l->next++;
    l->ev->variables[l->term->variable] = item;
    *ret = item;
    return WEIR_OK;
}

/* all and exists: one item may decide, and then errors of others are of no account. */
enum weir_code
eval_all_or_exists(struct eval *ev, const struct term *t, struct weir_value *room,
                   const struct weir_value **ret)
{
    struct loop l = { .ev = ev, .term = t };
    enum weir_code code = start(&l, room);
    if (code != WEIR_OK)
        return code;

    bool decides = t->kind == TERM_EXISTS;
    bool decided = false;
    unsigned taint = 0;
    struct weir_error *first = NULL;
    enum weir_code failure = WEIR_OK;
    const struct weir_value *item;
    while (!decided && !ev->spent && (code = next(&l, &item)) == WEIR_OK && item != NULL) {
        bool holds;
        unsigned more = 0;
        code = eval_bool(ev, t->operands[1], &holds, &more);
        taint |= more;
        decided = code == WEIR_OK && holds == decides;
        if (code == WEIR_OK)
            continue;
        struct weir_error *earlier = errors_ignore(ev);
        if (failure == WEIR_OK) { /* the first one counts */
            failure = code;
            first = earlier;
        }
    }
    if (failure != WEIR_OK)
        code = errors_restore(ev, first, failure, decided);
    eval_release(ev, l.mark);
    if (code != WEIR_OK)
        return code;
    (void)give_bool(decided == decides, ret);
    eval_taint(ev, taint, room, ret);
    return WEIR_OK;
}

enum weir_code
eval_exists_one(struct eval *ev, const struct term *t, struct weir_value *room,
                const struct weir_value **ret)
{
    struct loop l = { .ev = ev, .term = t };
    enum weir_code code = start(&l, room);
    if (code != WEIR_OK)
        return code;
    size_t found = 0;
    unsigned taint = 0;
    const struct weir_value *item;
    while ((code = next(&l, &item)) == WEIR_OK && item != NULL) {
        bool holds;
        unsigned more;
        code = eval_bool(ev, t->operands[1], &holds, &more);
        if (code != WEIR_OK)
            return code;
        found += holds;
        taint |= more;
    }
    if (code != WEIR_OK)
        return code;
    (void)give_bool(found == 1, ret);
    eval_taint(ev, taint, room, ret);
    return WEIR_OK;
}

/* Adds what the ITEM gives to B, if it gives anything. */
static enum weir_code
add(const struct loop *l, const struct weir_value *item, struct weir_builder *b)
{
    const struct term *t = l->term;
    const struct term *condition = t->kind == TERM_FILTER || t->n == 3 ? t->operands[1] : NULL;
    enum weir_code code;
    if (condition != NULL) {
        bool holds;
        unsigned taint;
        code = eval_bool(l->ev, condition, &holds, &taint);
        if (code != WEIR_OK || !holds)
            return code;
    }
    struct weir_value room;
    const struct weir_value *result = item;
    if (t->kind == TERM_EACH) {
        code = eval_present(l->ev, t->operands[t->n - 1], &room, &result);
        if (code != WEIR_OK)
            return code;
    }
    builder_add_lent(b, result);
    return WEIR_OK;
}

/* filter of few items, of which those that hold are put into ITEMS. */
static enum weir_code
filter_few(struct loop *l, struct weir_value *items, struct weir_value *room,
           const struct weir_value **ret)
{
    size_t n = 0;
    enum weir_code code;
    const struct weir_value *item;
    l->mark = eval_mark(l->ev); /* ITEMS stay */
    while ((code = next(l, &item)) == WEIR_OK && item != NULL) {
        bool holds;
        unsigned taint;
        code = eval_bool(l->ev, l->term->operands[1], &holds, &taint);
        if (code != WEIR_OK)
            return code;
        if (holds)
            items[n++] = *item;
    }
    return code == WEIR_OK ? give_items(items, n, room, ret) : code;
}

/* map and filter. */
enum weir_code
eval_each(struct eval *ev, const struct term *t, struct weir_value *room,
          const struct weir_value **ret)
{
    struct loop l = { .ev = ev, .term = t };
    enum weir_code code = start(&l, room);
    if (code != WEIR_OK)
        return code;
    struct weir_value *items = t->kind == TERM_FILTER ? eval_items(ev, l.over->len) : NULL;
    if (items != NULL)
        return filter_few(&l, items, room, ret);
    struct weir_builder *b = builder_list();
    const struct weir_value *item;
    while ((code = next(&l, &item)) == WEIR_OK && item != NULL) {
        code = add(&l, item, b);
        if (code != WEIR_OK)
            break;
    }
    if (code != WEIR_OK) {
        builder_free(&b);
        return code;
    }
    const struct weir_value *list = builder_end(&b);
    *ret = eval_keep(ev, &list);
    return WEIR_OK;
}
