/* value/schema_number.c - multipleOf, exactly.
 *
 * What an author means by 0.01 is a decimal, so both numbers are taken as the shortest decimals
 * that read as them, and divided as integers: 0.07 is a multiple of 0.01, although the quotient
 * of the doubles is 7.000000000000001.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>

#include "value/number.h"
#include "value/schema_form.h"

static struct decimal
without_zeros(struct decimal d)
{
    while (d.digits != 0 && d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    return d;
}

/* Reads the digits of a number in JSON, of which the first 17 may be other than 0; its sign
 * does not matter. */
static struct decimal
read_digits(const char *text, size_t len)
{
    struct decimal d = { 0, 0 };
    bool fraction = false;
    int zeros = 0; /* that may be the last ones */
    size_t i = 0;
    for (; i < len && text[i] != 'e' && text[i] != 'E'; i++) {
        if (text[i] == '.')
            fraction = true;
        if (text[i] < '0' || text[i] > '9')
            continue;
        d.exponent -= fraction;
        if (text[i] == '0') {
            zeros++;
            continue;
        }
        for (; zeros > 0; zeros--)
            d.digits *= 10;
        d.digits = d.digits * 10 + (uint64_t)(text[i] - '0');
    }
    int exponent = 0;
    bool negative = i + 1 < len && text[i + 1] == '-';
    for (i++; i < len; i++)
        if (text[i] >= '0' && text[i] <= '9')
            exponent = exponent * 10 + (text[i] - '0');
    d.exponent += zeros + (negative ? -exponent : exponent);
    return d;
}

struct decimal
decimal_of(const struct weir_value *v)
{
    if (v->type == WEIR_INT) {
        uint64_t size = v->integer < 0 ? 0 - (uint64_t)v->integer : (uint64_t)v->integer;
        return without_zeros((struct decimal){ size, 0 });
    }
    assert(v->type == WEIR_DOUBLE);
    char text[NUMBER_TEXT];
    return read_digits(text, number_write_double(text, v->number));
}

static uint64_t
times(uint64_t a, uint64_t b, uint64_t modulus)
{
    return (uint64_t)(__extension__(unsigned __int128) a * b % modulus);
}

static uint64_t
power_of_ten(unsigned exponent, uint64_t modulus)
{
    uint64_t result = 1 % modulus;
    uint64_t base = 10 % modulus;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result = times(result, base, modulus);
        base = times(base, base, modulus);
    }
    return result;
}

bool
decimal_is_multiple(struct decimal a, struct decimal b)
{
    assert(b.digits != 0);
    if (a.digits == 0)
        return true;
    if (a.exponent >= b.exponent) {
        uint64_t scale = power_of_ten((unsigned)(a.exponent - b.exponent), b.digits);
        return times(a.digits % b.digits, scale, b.digits) == 0;
    }
    /* A has no trailing zero, and a multiple of B would have one. */
    return false;
}
