/* expr/operators.c - arithmetic and comparisons, see eval.h.
 *
 * An int and a double mix in arithmetic and give a double, which CEL refuses: JSON does not
 * tell 1 from 1.0 by the author's will. Nothing wraps around, and no result is infinite or
 * not a number.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/digest.h"
#include "expr/eval.h"

static const char *
symbol(const struct term *t)
{
    static const char *const symbols[] = {
#define X(name, text) text,
        TERMS(X)
#undef X
    };
    return symbols[t->kind];
}

static inline bool
is_number(const struct weir_value *v)
{
    return v->type == WEIR_INT || v->type == WEIR_DOUBLE;
}

static inline bool
is_text(const struct weir_value *v)
{
    return v->type == WEIR_STRING || v->type == WEIR_BYTES;
}

enum weir_code
eval_negate(struct eval *ev, const struct term *t, struct weir_value *room,
            const struct weir_value **ret)
{
    const struct term *operand = t->operands[0];
    if (t->kind == TERM_NOT) {
        bool b;
        unsigned taint;
        enum weir_code code = eval_bool(ev, operand, &b, &taint);
        if (code != WEIR_OK)
            return code;
        (void)give_bool(!b, ret);
        eval_taint(ev, taint, room, ret);
        return WEIR_OK;
    }

    const struct weir_value *v;
    enum weir_code code = eval_present(ev, operand, room, &v);
    if (code != WEIR_OK)
        return code;
    if (!is_number(v))
        return eval_fail(ev, t, "only a number can be negative, and this is %s", eval_a(v));
    if (v->type == WEIR_INT && v->integer == INT64_MIN)
        return eval_fail(ev, t, "the result is too large for an int");
    unsigned taint = v->flags;
    if (v->type == WEIR_INT)
        (void)give_int(-v->integer, room, ret);
    else
        (void)give_double(-v->number, room, ret);
    eval_taint(ev, taint, room, ret);
    return WEIR_OK;
}

/* -- arithmetic -- */

/* An operation on two values. */
struct operation {
    struct eval *ev;
    const struct term *term;
    const struct weir_value *a;
    const struct weir_value *b;
};

static enum weir_code
divide_ints(const struct operation *o, struct weir_value *room, const struct weir_value **ret)
{
    int64_t a = o->a->integer;
    int64_t b = o->b->integer;
    if (b == 0)
        return eval_fail(o->ev, o->term, "division by zero");
    if (a == INT64_MIN && b == -1)
        return eval_fail(o->ev, o->term, "the result is too large for an int");
    return give_int(o->term->kind == TERM_DIVIDE ? a / b : a % b, room, ret);
}

static enum weir_code
with_ints(const struct operation *o, struct weir_value *room, const struct weir_value **ret)
{
    int64_t a = o->a->integer;
    int64_t b = o->b->integer;
    int64_t result;
    bool large;
    switch (o->term->kind) {
    case TERM_ADD:
        large = __builtin_add_overflow(a, b, &result);
        break;
    case TERM_SUBTRACT:
        large = __builtin_sub_overflow(a, b, &result);
        break;
    case TERM_MULTIPLY:
        large = __builtin_mul_overflow(a, b, &result);
        break;
    default:
        return divide_ints(o, room, ret);
    }
    if (large)
        return eval_fail(o->ev, o->term, "the result is too large for an int");
    return give_int(result, room, ret);
}

static inline double
as_double(const struct weir_value *v)
{
    return v->type == WEIR_INT ? (double)v->integer : v->number;
}

static enum weir_code
with_doubles(const struct operation *o, struct weir_value *room, const struct weir_value **ret)
{
    double a = as_double(o->a);
    double b = as_double(o->b);
    double result;
    switch (o->term->kind) {
    case TERM_ADD:
        result = a + b;
        break;
    case TERM_SUBTRACT:
        result = a - b;
        break;
    case TERM_MULTIPLY:
        result = a * b;
        break;
    case TERM_DIVIDE:
        if (b == 0)
            return eval_fail(o->ev, o->term, "division by zero");
        result = a / b;
        break;
    default:
        return eval_fail(o->ev, o->term, "%% works on ints only; int(x) makes one");
    }
    if (!isfinite(result))
        return eval_fail(o->ev, o->term, "the result is too large for a double");
    return give_double(result, room, ret);
}

static enum weir_code
join_texts(const struct operation *o, struct weir_value *room, const struct weir_value **ret)
{
    size_t len = (size_t)o->a->len + o->b->len;
    char *bytes = eval_new_text(o->ev, o->term, value_type(o->a), len, room, ret);
    if (bytes == NULL)
        return WEIR_SCRIPT;
    if (o->a->len > 0)
        memcpy(bytes, o->a->bytes, o->a->len);
    if (o->b->len > 0)
        memcpy(bytes + o->a->len, o->b->bytes, o->b->len);
    return WEIR_OK;
}

static enum weir_code
join_lists(const struct operation *o, const struct weir_value **ret)
{
    size_t n = (size_t)o->a->len + o->b->len;
    enum weir_code code = eval_spend(o->ev, o->term, n);
    if (code == WEIR_OK)
        code = eval_spend_bytes(o->ev, o->term, n * sizeof(struct weir_value));
    if (code != WEIR_OK)
        return code;
    struct weir_builder *b = builder_list();
    for (size_t i = 0; i < n; i++) {
        bool first = i < o->a->len;
        builder_add_lent(b, value_at(first ? o->a : o->b, first ? i : i - o->a->len));
    }
    const struct weir_value *list = builder_end(&b);
    *ret = eval_keep(o->ev, &list);
    return WEIR_OK;
}

static enum weir_code
mismatch(const struct operation *o)
{
    const char *advice = "";
    bool string = o->a->type == WEIR_STRING || o->b->type == WEIR_STRING;
    if (o->term->kind == TERM_ADD && string && (is_number(o->a) || is_number(o->b)))
        advice = "; string(x) makes text of a number";
    else if (string && (is_number(o->a) || is_number(o->b)))
        advice = "; int(x) and double(x) make numbers of text";
    return eval_fail(o->ev, o->term, "there is no '%s' for %s and %s%s", symbol(o->term),
                     eval_a(o->a), eval_a(o->b), advice);
}

static enum weir_code
operate(const struct operation *o, struct weir_value *room, const struct weir_value **ret)
{
    if (o->a->type == WEIR_INT && o->b->type == WEIR_INT)
        return with_ints(o, room, ret);
    if (is_number(o->a) && is_number(o->b))
        return with_doubles(o, room, ret);
    if (o->term->kind != TERM_ADD || o->a->type != o->b->type)
        return mismatch(o);
    if (is_text(o->a))
        return join_texts(o, room, ret);
    if (o->a->type == WEIR_LIST)
        return join_lists(o, ret);
    return mismatch(o);
}

/* Evaluates both operands into ROOMS. */
static enum weir_code
operands(struct operation *o, struct weir_value rooms[2])
{
    enum weir_code code = eval_present(o->ev, o->term->operands[0], &rooms[0], &o->a);
    if (code != WEIR_OK)
        return code;
    return eval_present(o->ev, o->term->operands[1], &rooms[1], &o->b);
}

enum weir_code
eval_arithmetic(struct eval *ev, const struct term *t, struct weir_value *room,
                const struct weir_value **ret)
{
    struct weir_value rooms[2];
    struct operation o = { .ev = ev, .term = t };
    enum weir_code code = operands(&o, rooms);
    if (code != WEIR_OK)
        return code;
    code = operate(&o, room, ret);
    /* A list that holds a secret is marked by its builder, and its other items are not. */
    if (code == WEIR_OK && (*ret)->type != WEIR_LIST)
        eval_taint(ev, o.a->flags | o.b->flags, room, ret);
    return code;
}

/* -- comparisons -- */

/* Texts of the same type. In constant time if one is a secret: the other may be a guess. */
static enum weir_code
equal_texts(const struct operation *o, bool *ret)
{
    *ret = false;
    if (o->a->len != o->b->len)
        return WEIR_OK;
    enum weir_code code = eval_spend(o->ev, o->term, eval_reading(o->a->len));
    if (code != WEIR_OK)
        return code;
    if ((o->a->flags | o->b->flags) & VALUE_SECRET)
        *ret = digest_equal(value_as_text(o->a), value_as_text(o->b));
    else
        *ret = o->a->len == 0 || memcmp(o->a->bytes, o->b->bytes, o->a->len) == 0;
    return WEIR_OK;
}

static enum weir_code
equal_lists(const struct operation *o, bool *ret)
{
    *ret = o->a->len == o->b->len;
    for (size_t i = 0; *ret && i < o->a->len; i++) {
        enum weir_code code =
            eval_equal(o->ev, o->term, value_at(o->a, i), value_at(o->b, i), ret);
        if (code != WEIR_OK)
            return code;
    }
    return WEIR_OK;
}

static enum weir_code
equal_maps(const struct operation *o, bool *ret)
{
    struct weir_text key;
    const struct weir_value *a;
    *ret = o->a->len == o->b->len;
    for (size_t i = 0; *ret && value_member(o->a, i, &key, &a); i++) {
        const struct weir_value *b = value_get(o->b, key.bytes, key.len);
        *ret = b != NULL;
        enum weir_code code = *ret ? eval_equal(o->ev, o->term, a, b, ret) : WEIR_OK;
        if (code != WEIR_OK)
            return code;
    }
    return WEIR_OK;
}

static enum weir_code
equal_containers(const struct operation *o, bool *ret)
{
    struct eval *ev = o->ev;
    if (ev->comparing == VALUE_DEPTH)
        return eval_fail(ev, o->term, "nested too deeply to be compared");
    ev->comparing++;
    enum weir_code code = o->a->type == WEIR_LIST ? equal_lists(o, ret) : equal_maps(o, ret);
    ev->comparing--;
    return code;
}

enum weir_code
eval_equal(struct eval *ev, const struct term *t, const struct weir_value *a,
           const struct weir_value *b, bool *ret)
{
    enum weir_code code = eval_spend(ev, t, 1);
    if (code != WEIR_OK)
        return code;
    if (is_number(a) && is_number(b)) {
        *ret = value_compare_numbers(a, b) == 0;
        return WEIR_OK;
    }
    struct operation o = { ev, t, a, b };
    *ret = false;
    if (a->type != b->type)
        return WEIR_OK;
    if (is_text(a))
        return equal_texts(&o, ret);
    if (a->type == WEIR_LIST || a->type == WEIR_MAP)
        return equal_containers(&o, ret);
    *ret = a->type == WEIR_NULL || (a->type == WEIR_BOOL && a->boolean == b->boolean) ||
           (a->type == WEIR_STREAM && a->stream == b->stream);
    return WEIR_OK;
}

/* == and !=, for which what is absent is null. */
enum weir_code
eval_equality(struct eval *ev, const struct term *t, struct weir_value *room,
              const struct weir_value **ret)
{
    (void)room;
    struct weir_value rooms[2];
    const struct weir_value *v[2];
    for (unsigned i = 0; i < 2; i++) {
        enum weir_code code = eval_term(ev, t->operands[i], &rooms[i], &v[i]);
        if (code == WEIR_NOT_FOUND)
            v[i] = &value_null;
        else if (code != WEIR_OK)
            return code;
    }
    bool equal;
    enum weir_code code = eval_equal(ev, t, v[0], v[1], &equal);
    return code == WEIR_OK ? give_bool(equal == (t->kind == TERM_EQ), ret) : code;
}

/* < 0, 0, > 0 in *ret. Code points sort as their UTF-8 does. */
static enum weir_code
compare(const struct operation *o, int *ret)
{
    if (is_number(o->a) && is_number(o->b)) {
        *ret = value_compare_numbers(o->a, o->b);
        return WEIR_OK;
    }
    if (o->a->type == o->b->type && o->a->type == WEIR_BOOL) {
        *ret = o->a->boolean - o->b->boolean;
        return WEIR_OK;
    }
    if (o->a->type != o->b->type || !is_text(o->a))
        return mismatch(o);
    size_t len = o->a->len < o->b->len ? o->a->len : o->b->len;
    int order = len > 0 ? memcmp(o->a->bytes, o->b->bytes, len) : 0;
    *ret = order != 0 ? order : (o->a->len > o->b->len) - (o->a->len < o->b->len);
    return eval_spend(o->ev, o->term, eval_reading(len));
}

enum weir_code
eval_order(struct eval *ev, const struct term *t, struct weir_value *room,
           const struct weir_value **ret)
{
    (void)room;
    struct weir_value rooms[2];
    struct operation o = { .ev = ev, .term = t };
    int order = 0;
    enum weir_code code = operands(&o, rooms);
    if (code == WEIR_OK)
        code = compare(&o, &order);
    if (code != WEIR_OK)
        return code;
    bool holds = t->kind == TERM_LT   ? order < 0
                 : t->kind == TERM_LE ? order <= 0
                 : t->kind == TERM_GT ? order > 0
                                      : order >= 0;
    return give_bool(holds, ret);
}

enum weir_code
eval_in(struct eval *ev, const struct term *t, struct weir_value *room,
        const struct weir_value **ret)
{
    (void)room;
    struct weir_value rooms[2];
    struct operation o = { .ev = ev, .term = t };
    enum weir_code code = operands(&o, rooms);
    if (code != WEIR_OK)
        return code;
    if (o.b->type == WEIR_MAP) {
        struct weir_text key = value_as_text(o.a);
        bool found = o.a->type == WEIR_STRING && value_get(o.b, key.bytes, key.len) != NULL;
        return give_bool(found, ret);
    }
    if (o.b->type != WEIR_LIST)
        return eval_fail(ev, t, "'in' looks into a list or a map, and this is %s%s",
                         eval_a(o.b), is_text(o.b) ? "; write text.contains(part)" : "");
    bool found = false;
    for (size_t i = 0; !found && i < o.b->len; i++) {
        code = eval_equal(ev, t, o.a, value_at(o.b, i), &found);
        if (code != WEIR_OK)
            return code;
    }
    return give_bool(found, ret);
}
