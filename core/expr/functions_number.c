/* expr/functions_number.c - size, min, max.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/encode.h"
#include "expr/function.h"

enum weir_code
function_size(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    const struct weir_value *v = a->at[0];
    enum weir_code code = WEIR_OK;
    switch (value_type(v)) {
    case WEIR_STRING:
        code = eval_spend(a->eval, a->term, eval_reading(v->len));
        return code == WEIR_OK ? give_int((int64_t)utf8_count(value_as_text(v)), room, ret)
                               : code;
    case WEIR_BYTES:
    case WEIR_LIST:
    case WEIR_MAP:
        return give_int(v->len, room, ret);
    default:
        return eval_fail(a->eval, a->term, "%s has no size", eval_a(v));
    }
}

/* Takes V as *best if it is the first number, or beyond the best so far. SIGN: 1 for the
 * greatest, -1 for the least. */
static enum weir_code
choose(const struct args *a, const struct weir_value *v, int sign,
       const struct weir_value **best)
{
    if (v->type != WEIR_INT && v->type != WEIR_DOUBLE)
        return eval_fail(a->eval, a->term, "numbers are needed, and one is %s", eval_a(v));
    if (*best == NULL || value_compare_numbers(v, *best) * sign > 0)
        *best = v;
    return eval_spend(a->eval, a->term, 1);
}

/* The greatest (SIGN 1) or least (-1) of the arguments, or of the items of the only one. */
static enum weir_code
extreme(const struct args *a, int sign, const struct weir_value **ret)
{
    const struct weir_value *best = NULL;
    bool list = a->n == 1 && a->at[0]->type == WEIR_LIST;
    size_t n = list ? a->at[0]->len : a->n;
    if (n == 0)
        return eval_fail(a->eval, a->term, "the list is empty");
    for (size_t i = 0; i < n; i++) {
        const struct weir_value *v = list ? value_at(a->at[0], i) : a->at[i];
        enum weir_code code = choose(a, v, sign, &best);
        if (code != WEIR_OK)
            return code;
    }
    *ret = best;
    return WEIR_OK;
}

enum weir_code
function_min(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    (void)room;
    return extreme(a, -1, ret);
}

enum weir_code
function_max(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    (void)room;
    return extreme(a, 1, ret);
}
