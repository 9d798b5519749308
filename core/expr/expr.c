/* expr/expr.c - see expr.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/expr.h"

#include <assert.h>
#include <stdlib.h>

#include "base/encode.h"
#include "expr/eval.h"
#include "expr/parse.h"

enum { QUOTED_MAX = 60 };

struct weir_text
term_text_between(const struct expr *e, size_t offset, size_t end)
{
    assert(offset >= e->base && offset <= end && end - e->base <= e->source.len);
    struct weir_text all = { e->source.bytes + (offset - e->base), end - offset };
    size_t len = all.len < QUOTED_MAX ? all.len : QUOTED_MAX;
    while (len < all.len && len > 0 && (all.bytes[len] & 0xc0) == 0x80)
        len--;
    return (struct weir_text){ all.bytes, len };
}

struct weir_text
term_text(const struct expr *e, const struct term *t)
{
    return term_text_between(e, t->place.offset, t->place.offset + t->place.len);
}

enum weir_code
expr_parse(struct weir_text text, struct expr **ret, struct expr_place *ret_place,
           struct weir_error *err)
{
    struct parser p;
    if (text.len > EXPR_TEXT_MAX || !utf8_valid(text)) {
        if (ret_place != NULL)
            *ret_place = (struct expr_place){ 0, 0 };
        if (text.len > EXPR_TEXT_MAX)
            return err_set(err, WEIR_INVALID, "an expression may have at most %d KiB",
                           EXPR_TEXT_MAX / 1024);
        return err_set(err, WEIR_INVALID, "an expression must be UTF-8");
    }
    parser_init(&p, text, 0);
    return parser_run(&p, ret, ret_place, err);
}

void
expr_free(struct expr **e)
{
    struct expr *old = *e;
    if (old == NULL)
        return;
    *e = NULL;
    for (struct owned *o = old->owned; o != NULL; o = o->next) {
        value_unref(&o->value);
        regex_free(&o->regex);
    }
    arena_fini(&old->arena);
    free(old);
}

void
expr_each_memory(const struct expr *e, void (*fn)(void *arg, const void *at, size_t len), void *arg)
{
    size_t len;
    const void *terms = arena_newest(&e->arena, &len);
    fn(arg, e, sizeof(*e));
    fn(arg, terms, len);
    for (const struct owned *o = e->owned; o != NULL; o = o->next)
        fn(arg, o->value, o->value != NULL ? sizeof(*o->value) : 0);
}

enum weir_code
expr_eval(const struct expr *e, struct expr_env *env, const struct weir_value **ret,
          struct weir_error *err)
{
    struct eval ev;
    struct weir_value room;
    const struct weir_value *v;
    eval_begin(&ev, e, env, err);
    enum weir_code code = eval_term(&ev, e->root, &room, &v);
    if (code == WEIR_OK)
        *ret = value_box(v);
    else if (code == WEIR_NOT_FOUND)
        (void)err_set(err, WEIR_NOT_FOUND, "%.*s: nothing is there",
                      (int)term_text(e, e->root).len, term_text(e, e->root).bytes);
    eval_end(&ev);
    return code;
}

enum weir_code
expr_eval_bool(const struct expr *e, struct expr_env *env, bool *ret, struct weir_error *err)
{
    struct eval ev;
    unsigned taint;
    eval_begin(&ev, e, env, err);
    enum weir_code code = eval_bool(&ev, e->root, ret, &taint);
    eval_end(&ev);
    return code;
}
