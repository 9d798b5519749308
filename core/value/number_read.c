/* value/number_read.c - from decimal text to numbers, exactly rounded.
 *
 * The first 19 digits are a number of 64 bits; the product with the first 128 bits of a power
 * of ten leaves the true value between two numbers that hardly differ. If both are nearest to
 * the same double, and they nearly always are, that one is it (after Eisel and Lemire, 2021).
 * Otherwise strtod decides.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value/number.h"
#include "value/power.h"

enum {
    DIGITS_EXACT = 19, /* so many fit in 64 bits                                    */
    DIGITS_MAX = 800,  /* so many decide about the nearest double; 767 are known to */
    EXPONENT_MAX = 100000,
    SHORT_MAX = 15,    /* so many digits fit in 53 bits                             */
};

/* Powers of ten that are doubles themselves. */
static const double exact_tens[] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

struct decimal {
    uint64_t digits; /* the first ones, without leading zeros             */
    int n;           /* how many                                          */
    bool more;       /* others than zeros follow                          */
    bool whole;      /* neither a point nor an exponent                   */
    int64_t power;   /* of ten, by which DIGITS has to be multiplied      */
};

static inline bool
is_digit(const char *p, const char *end)
{
    return p < end && (uint8_t)(*p - '0') <= 9;
}

/* The number that the eight digits at P make, in three steps that each join neighbours; false
 * if one is no digit. */
static inline bool
eight_digits(const char *p, uint64_t *ret)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    v = le64toh(v);
    const uint64_t highs = 0xf0f0f0f0f0f0f0f0u;
    if ((v & highs) != 0x3030303030303030u ||
        ((v + 0x0606060606060606u) & highs) != 0x3030303030303030u)
        return false;
    v &= 0x0f0f0f0f0f0f0f0fu;
    v = (v * 10 + (v >> 8)) & 0x00ff00ff00ff00ffu;
    v = (v * 100 + (v >> 16)) & 0x0000ffff0000ffffu;
    *ret = (v * 10000 + (v >> 32)) & 0xffffffffu;
    return true;
}

/* Adds the digits at P, which stand before or behind the point. */
static const char *
take_digits(const char *p, const char *end, struct decimal *d, bool behind)
{
    const char *from = p;
    for (; d->n == 0 && p < end && *p == '0'; p++)
        continue;
    d->power -= behind ? p - from : 0;

    uint64_t eight;
    uint64_t digits = d->digits;
    int n = d->n;
    for (from = p; n <= DIGITS_EXACT - 8 && end - p >= 8 && eight_digits(p, &eight); p += 8) {
        digits = digits * 100000000 + eight;
        n += 8;
    }
    for (; n < DIGITS_EXACT && is_digit(p, end); p++) {
        digits = digits * 10 + (unsigned)(*p - '0');
        n++;
    }
    d->digits = digits;
    d->n = n;
    d->power -= behind ? p - from : 0;

    for (; is_digit(p, end); p++) {
        d->more = d->more || *p != '0';
        d->power += !behind;
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

/* The bits of the double nearest to P times 2^E, ties to even; P has 127 or 128 bits. */
static uint64_t
rounded(wide p, int e)
{
    int bits = 128 - __builtin_clzll((uint64_t)(p >> 64));
    int magnitude = e + bits - 1;
    bool small = magnitude < -1022; /* such doubles have fewer bits */
    int kept_bits = small ? 53 + 1022 + magnitude : 53;
    if (kept_bits < 0)
        return 0;
    int cut = bits - kept_bits;
    uint64_t kept = cut < 128 ? (uint64_t)(p >> cut) : 0;
    wide rest = cut < 128 ? p - ((wide)kept << cut) : p;
    wide half = (wide)1 << (cut - 1);
    kept += rest > half || (rest == half && kept & 1);
    if (small)
        return kept;
    /* The top bit of KEPT, which a double leaves out, adds the 1 that the exponent lacks. */
    uint64_t d = ((uint64_t)(magnitude + 1022) << 52) + kept;
    return d < (uint64_t)0x7ff << 52 ? d : (uint64_t)0x7ff << 52;
}

/* The double nearest to DIGITS times 10^POWER. False: it is too near to the middle of two. */
static bool
nearest(uint64_t digits, int64_t power, double *ret)
{
    *ret = 0;
    if (power < POWER_MIN)
        return true;
    *ret = INFINITY;
    if (power > 308)
        return true;

    int q = (int)power;
    int shift = __builtin_clzll(digits);
    const struct power *ten = power_of_10(q);
    wide high = (wide)(digits << shift) * ten->high;
    wide low = (wide)(digits << shift) * ten->low;
    wide product = high + (low >> 64);
    bool exact = power_is_exact(q) && (uint64_t)low == 0;
    int e = power_log2(q) - 63 - shift;
    uint64_t bits = rounded(product, e);
    memcpy(ret, &bits, sizeof bits);
    /* What is cut off of the power is less than 1, and so is what is cut off of LOW. */
    return exact || rounded(product + 2, e) == bits;
}

/* The double nearest to D, for D's of up to 53 bits and powers that are doubles themselves:
 * one operation on doubles, which rounds once (Clinger, 1990). */
static bool
nearest_at_once(const struct decimal *d, double *ret)
{
    if (d->more || d->digits > (uint64_t)1 << 53 || d->power > 22 || d->power < -22)
        return false;
    if (d->power < 0)
        *ret = (double)d->digits / exact_tens[-d->power];
    else
        *ret = (double)d->digits * exact_tens[d->power];
    return true;
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
    double above;
    if (d->digits == 0)
        x = 0;
    else if (!nearest_at_once(d, &x) &&
             !(nearest(d->digits, d->power, &x) &&
               (!d->more || (nearest(d->digits + 1, d->power, &above) && x == above))))
        x = by_library(p, end, d);
    v->type = WEIR_DOUBLE;
    v->number = minus ? -x : x;
    return isfinite(x);
}

/* Any number. */
static __attribute__((noinline)) const char *
long_number(const char *p, const char *end, struct weir_value *v, const char **ret_at,
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

/* Adds the digits at P, SHORT_MAX at most, to *DIGITS. */
static inline const char *
add_digits(const char *p, const char *end, uint64_t *digits)
{
    uint64_t sum = *digits;
    if (end - p > SHORT_MAX)
        end = p + SHORT_MAX;
    for (unsigned digit; p < end && (digit = (unsigned)(uint8_t)*p - '0') <= 9; p++)
        sum = sum * 10 + digit;
    *digits = sum;
    return p;
}

/* Reads what most numbers are: up to SHORT_MAX digits, maybe with a point between, and no exponent. NULL: it is
 * something else, or not right. */
static inline const char *
short_number(const char *p, const char *end, struct weir_value *v)
{
    bool minus = *p == '-';
    uint64_t digits = 0;
    const char *first = p + minus, *point = add_digits(first, end, &digits), *at = point;
    if (point == first || (point - first > 1 && *first == '0'))
        return NULL;
    bool whole = at == end || *at != '.';
    if (!whole)
        at = add_digits(point + 1, end, &digits);
    ptrdiff_t behind = whole ? 0 : at - point - 1, n = point - first + behind;
    if ((behind == 0) != whole || n > SHORT_MAX || (minus && digits == 0))
        return NULL;
    if (at < end && (*at == '.' || (*at | 0x20) == 'e' || (uint8_t)(*at - '0') <= 9))
        return NULL;
    v->type = whole ? WEIR_INT : WEIR_DOUBLE;
    if (whole) {
        v->integer = minus ? -(int64_t)digits : (int64_t)digits;
        return at;
    }
    double x = (double)digits / exact_tens[behind];
    v->number = minus ? -x : x;
    return at;
}

const char *
number_read(const char *p, const char *end, struct weir_value *v, const char **ret_at,
            const char **ret_why)
{
    const char *behind = short_number(p, end, v);
    return behind != NULL ? behind : long_number(p, end, v, ret_at, ret_why);
}
