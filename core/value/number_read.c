/* value/number_read.c - from decimal text to numbers, exactly rounded.
 *
 * Nearly all doubles in documents have at most 19 digits and a power of ten of at most 27.
 * Then the digits and the power of five are whole numbers of 64 bits, their product or
 * quotient is had exactly in 128, and is rounded once. strtod does the rest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "value/number.h"

__extension__ typedef unsigned __int128 wide;

enum {
    DIGITS_EXACT = 19, /* so many fit in 64 bits                                    */
    DIGITS_MAX = 800,  /* so many decide about the nearest double; 767 are known to */
    EXPONENT_MAX = 100000,
};

struct decimal {
    uint64_t digits; /* the first ones, without leading zeros             */
    int n;           /* how many                                          */
    bool more;       /* others than zeros follow                          */
    bool whole;      /* neither a point nor an exponent                   */
    int64_t power;   /* of ten, by which DIGITS has to be multiplied      */
};

/* clang-format off */
const uint64_t number_fives[NUMBER_FIVES + 1] = {
    1u, 5u, 25u, 125u, 625u, 3125u, 15625u, 78125u, 390625u, 1953125u, 9765625u, 48828125u,
    244140625u, 1220703125u, 6103515625u, 30517578125u, 152587890625u, 762939453125u,
    3814697265625u, 19073486328125u, 95367431640625u, 476837158203125u, 2384185791015625u,
    11920928955078125u, 59604644775390625u, 298023223876953125u, 1490116119384765625u,
    7450580596923828125u,
};
/* clang-format on */

static inline bool
is_digit(const char *p, const char *end)
{
    return p < end && (uint8_t)(*p - '0') <= 9;
}

/* Adds the digits at P, which stand before or behind the point. */
static const char *
take_digits(const char *p, const char *end, struct decimal *d, bool behind)
{
    for (; is_digit(p, end); p++) {
        unsigned digit = (unsigned)(*p - '0');
        if (d->n < DIGITS_EXACT) {
            d->digits = d->digits * 10 + digit;
            d->n += d->digits != 0;
            d->power -= behind;
        } else {
            d->more = d->more || digit != 0;
            d->power += !behind;
        }
    }
    return p;
}

/* Adds the exponent at P, behind its e. NULL if it has no digit. */
static const char *
take_exponent(const char *p, const char *end, struct decimal *d)
{
    bool minus = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (!is_digit(p, end))
        return NULL;

    int64_t e = 0;
    for (; is_digit(p, end); p++)
        e = e < EXPONENT_MAX ? e * 10 + (*p - '0') : e;
    d->power += minus ? -e : e;
    return p;
}

/* P, rounded half to even, times 2^POWER; far from the ends of the range. */
static double
rounded(wide p, int power)
{
    uint64_t top = (uint64_t)(p >> 64);
    uint64_t low = (uint64_t)p;
    int bits = top != 0 ? 128 - __builtin_clzll(top) : 64 - __builtin_clzll(low);
    int cut = bits - 53;
    if (cut <= 0)
        return ldexp((double)low, power);

    uint64_t kept = (uint64_t)(p >> cut);
    wide rest = p & (((wide)1 << cut) - 1);
    wide half = (wide)1 << (cut - 1);
    if (rest > half || (rest == half && kept & 1))
        kept++;
    return ldexp((double)kept, power + cut);
}

/* DIGITS times 10^POWER, for powers of at most NUMBER_FIVES. */
static double
exact(uint64_t digits, int power)
{
    static const double tens[] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    };
    if (digits <= (uint64_t)1 << 53 && power <= 22 && power >= -22)
        return power < 0 ? (double)digits / tens[-power] : (double)digits * tens[power];
    if (power >= 0)
        return rounded((wide)digits * number_fives[power], power);

    int shift = 63 + __builtin_clzll(digits); /* the quotient has 63 bits or more */
    wide dividend = (wide)digits << shift;
    wide quotient = dividend / number_fives[-power];
    /* What is left over only breaks ties. */
    quotient |= quotient * number_fives[-power] != dividend;
    return rounded(quotient, power - shift);
}

/* The number whose digits, perhaps with a point, are at P, by strtod; without the point, whose
 * form depends on the locale. */
static double
by_library(const char *p, const char *end, const struct decimal *d)
{
    char text[DIGITS_MAX + 32];
    int n = 0;
    for (; p < end; p++) {
        if (*p == '.' || (n == 0 && *p == '0'))
            continue;
        if (n < DIGITS_MAX)
            text[n++] = *p;
        else if (*p != '0' && text[n - 1] == '0')
            text[n - 1] = '1';
    }
    long long power = (long long)d->power - (n - d->n);
    (void)snprintf(text + n, sizeof text - (size_t)n, "e%lld", power);
    return strtod(text, NULL);
}

/* Sets V to the number D, whose digits are at P. False: it is out of range. */
static bool
convert(struct weir_value *v, const struct decimal *d, bool minus, const char *p,
        const char *end)
{
    if (d->whole && !d->more && d->power == 0 && d->digits <= (uint64_t)INT64_MAX + minus &&
        !(minus && d->digits == 0)) {
        v->type = WEIR_INT;
        v->integer = minus ? (int64_t)(0 - d->digits) : (int64_t)d->digits;
        return true;
    }

    double x;
    if (d->digits == 0)
        x = 0;
    else if (!d->more && d->power >= -NUMBER_FIVES && d->power <= NUMBER_FIVES)
        x = exact(d->digits, (int)d->power);
    else
        x = by_library(p, end, d);
    v->type = WEIR_DOUBLE;
    v->number = minus ? -x : x;
    return isfinite(x);
}

const char *
number_read(const char *p, const char *end, struct weir_value *v, const char **ret_at,
            const char **ret_why)
{
    const char *start = p;
    bool minus = *p == '-';
    p += minus;
    const char *digits = p;
    struct decimal d = { .whole = true };
    p = take_digits(p, end, &d, false);
    *ret_why = "expected a digit";
    *ret_at = p;
    if (p == digits)
        return NULL;
    if (*digits == '0' && p - digits > 1) {
        *ret_why = "a number must not begin with a zero";
        *ret_at = digits;
        return NULL;
    }

    if (p < end && *p == '.') {
        d.whole = false;
        *ret_at = p + 1;
        if (!is_digit(p + 1, end))
            return NULL;
        p = take_digits(p + 1, end, &d, true);
    }
    const char *behind = p;
    if (p < end && (*p == 'e' || *p == 'E')) {
        d.whole = false;
        *ret_at = p + 1;
        p = take_exponent(p + 1, end, &d);
        if (p == NULL)
            return NULL;
    }
    if (convert(v, &d, minus, digits, behind))
        return p;
    *ret_at = start;
    *ret_why = "a number out of the range of a double";
    return NULL;
}
