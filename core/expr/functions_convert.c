/* expr/functions_convert.c - from one type to another: type, string, int, double, bool, bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "expr/function.h"
#include "value/json.h"

enum weir_code
function_type(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    const char *name = value_type_name(value_type(a->at[0]));
    *room = (struct weir_value){ .type = WEIR_STRING,
                                 .len = (uint32_t)strlen(name),
                                 .bytes = name };
    *ret = room;
    return WEIR_OK;
}

/* Fails because there is no way from argument 0 to what the function gives. */
static enum weir_code
no_way(const struct args *a, const char *advice)
{
    return eval_fail(a->eval, a->term, "can't be made of %s%s", eval_a(a->at[0]), advice);
}

/* -- numbers from text -- */

static size_t
skip_digits(struct weir_text s, size_t at)
{
    while (at < s.len && s.bytes[at] >= '0' && s.bytes[at] <= '9')
        at++;
    return at;
}

static bool
read_int(struct weir_text s, int64_t *ret)
{
    size_t at = s.len > 0 && (s.bytes[0] == '-' || s.bytes[0] == '+') ? 1 : 0;
    if (at == s.len || skip_digits(s, at) != s.len)
        return false;
    int64_t n = 0;
    bool negative = s.bytes[0] == '-';
    for (; at < s.len; at++) {
        int64_t digit = s.bytes[at] - '0';
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, negative ? -digit : digit, &n))
            return false;
    }
    *ret = n;
    return true;
}

enum weir_code
function_int(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    const struct weir_value *v = a->at[0];
    int64_t i;
    *ret = v;
    switch (value_type(v)) {
    case WEIR_INT:
        return WEIR_OK;
    case WEIR_DOUBLE:
        if (v->number >= 0x1p63 || v->number < -0x1p63)
            return eval_fail(a->eval, a->term, "the number is too large for an int");
        return give_int((int64_t)v->number, room, ret);
    case WEIR_STRING:
        if (!read_int(value_as_text(v), &i))
            return eval_fail(a->eval, a->term, "the text is no whole number of 64 bits");
        return give_int(i, room, ret);
    default:
        return no_way(a, v->type == WEIR_BOOL ? "; write x ? 1 : 0" : "");
    }
}

enum { DOUBLE_TEXT_MAX = 400 };

/* Reads 1, -1.5, 1.5e-3, .5 and nothing else. */
static bool
read_double(struct weir_text s, double *ret)
{
    if (s.len == 0 || s.len > DOUBLE_TEXT_MAX)
        return false;
    size_t start = s.bytes[0] == '-' || s.bytes[0] == '+' ? 1 : 0;
    size_t at = skip_digits(s, start);
    size_t digits = at - start;
    if (at < s.len && s.bytes[at] == '.') {
        size_t end = skip_digits(s, at + 1);
        digits += end - at - 1;
        at = end;
    }
    if (digits > 0 && at < s.len && (s.bytes[at] | 0x20) == 'e') {
        at++;
        at += at < s.len && (s.bytes[at] == '-' || s.bytes[at] == '+') ? 1 : 0;
        size_t end = skip_digits(s, at);
        digits = end - at;
        at = end;
    }
    if (digits == 0 || at != s.len)
        return false;

    char copy[DOUBLE_TEXT_MAX + 1];
    memcpy(copy, s.bytes, s.len);
    copy[s.len] = '\0';
    *ret = strtod(copy, NULL); /* the process keeps the locale "C" */
    return isfinite(*ret);
}

enum weir_code
function_double(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    const struct weir_value *v = a->at[0];
    double d;
    *ret = v;
    switch (value_type(v)) {
    case WEIR_DOUBLE:
        return WEIR_OK;
    case WEIR_INT:
        return give_double((double)v->integer, room, ret);
    case WEIR_STRING:
        if (!read_double(value_as_text(v), &d))
            return eval_fail(a->eval, a->term, "the text is no number");
        return give_double(d, room, ret);
    default:
        return no_way(a, "");
    }
}

enum weir_code
function_bool(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    static const char *const yes[] = { "true", "True", "TRUE", "t", "1" };
    static const char *const no[] = { "false", "False", "FALSE", "f", "0" };
    (void)room;
    *ret = a->at[0];
    if (a->at[0]->type == WEIR_BOOL)
        return WEIR_OK;
    if (a->at[0]->type != WEIR_STRING)
        return no_way(a, "; compare it with something");
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (text_is(value_as_text(a->at[0]), yes[i]))
            return give_bool(true, ret);
        if (text_is(value_as_text(a->at[0]), no[i]))
            return give_bool(false, ret);
    }
    return eval_fail(a->eval, a->term, "the text is neither 'true' nor 'false'");
}

/* A copy of the text of argument 0 with another type. */
static enum weir_code
retyped(const struct args *a, enum weir_type type, struct weir_value *room,
        const struct weir_value **ret)
{
    *room = *a->at[0]; /* the bytes are shared, nothing is copied */
    room->type = (uint8_t)type;
    room->flags &= VALUE_SECRET;
    *ret = room;
    return WEIR_OK;
}

enum weir_code
function_string(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    const struct weir_value *v = a->at[0];
    struct weir_text text = value_as_text(v);
    struct buf b;
    switch (value_type(v)) {
    case WEIR_STRING:
        *ret = v;
        return WEIR_OK;
    case WEIR_BYTES:
        if (!utf8_valid(text))
            return eval_fail(a->eval, a->term, "the bytes are no UTF-8");
        return retyped(a, WEIR_STRING, room, ret);
    case WEIR_BOOL:
    case WEIR_INT:
    case WEIR_DOUBLE:
        eval_buf(a->eval, &b);
        bool good = json_write(&b, v, NULL) == WEIR_OK;
        return eval_buf_text(a->eval, a->term, WEIR_STRING, &b, good, ret);
    case WEIR_LIST:
    case WEIR_MAP:
        return no_way(a, "; json.encode(x) writes it as JSON");
    default:
        return no_way(a, "");
    }
}

enum weir_code
function_bytes(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    *ret = a->at[0];
    if (a->at[0]->type == WEIR_BYTES)
        return WEIR_OK;
    if (a->at[0]->type != WEIR_STRING)
        return no_way(a, "");
    return retyped(a, WEIR_BYTES, room, ret);
}
