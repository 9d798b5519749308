/* expr/args.c - what functions make of their arguments, see function.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>

#include "expr/function.h"

/* Fails because argument I is not WANTED. */
static enum weir_code
wrong_type(const struct args *a, unsigned i, const char *wanted)
{
    struct weir_text source = term_text(a->eval->expr, a->term->operands[i]);
    return eval_fail(a->eval, a->term, "'%.*s' must be %s, and is %s", (int)source.len,
                     source.bytes, wanted, eval_a(a->at[i]));
}

enum weir_code
arg_string(const struct args *a, unsigned i, struct weir_text *ret)
{
    *ret = value_as_text(a->at[i]);
    return a->at[i]->type == WEIR_STRING ? WEIR_OK : wrong_type(a, i, "a string");
}

enum weir_code
arg_text(const struct args *a, unsigned i, struct weir_text *ret)
{
    *ret = value_as_text(a->at[i]);
    bool good = a->at[i]->type == WEIR_STRING || a->at[i]->type == WEIR_BYTES;
    return good ? WEIR_OK : wrong_type(a, i, "a string or bytes");
}

enum weir_code
arg_int(const struct args *a, unsigned i, int64_t *ret)
{
    const struct weir_value *v = a->at[i];
    if (v->type == WEIR_INT) {
        *ret = v->integer;
        return WEIR_OK;
    }
    if (v->type != WEIR_DOUBLE || v->number != rint(v->number) || fabs(v->number) >= 0x1p63)
        return wrong_type(a, i, "a whole number");
    *ret = (int64_t)v->number;
    return WEIR_OK;
}

enum weir_code
arg_read(const struct args *a, size_t len)
{
    return eval_spend(a->eval, a->term, eval_reading(len));
}

void
arg_slice(const struct args *a, struct weir_text part, struct weir_value *room,
          const struct weir_value **ret)
{
    *room = *a->at[0];
    room->flags &= VALUE_SECRET;
    room->bytes = part.bytes;
    room->len = (uint32_t)part.len;
    *ret = room;
}
