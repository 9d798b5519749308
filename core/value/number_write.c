/* value/number_write.c - from numbers to the shortest decimal text.
 *
 * Of all decimals that are nearer to a double than to its neighbours the one with the fewest
 * digits is wanted, and of these the nearest. It is found as in Ryu (Adams, 2018): the bounds
 * are scaled to some 17 digits before the point, and digits are dropped as long as they stay
 * apart. Ryu takes the scale from a table of rounded powers; for doubles of the usual sizes
 * 128 bits hold the products exactly and no table is needed. Others, which are rare, are
 * printed by the library with more and more digits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value/number.h"

__extension__ typedef unsigned __int128 wide;

/* DIGITS times 10^POWER. */
struct decimal {
    uint64_t digits;
    int power;
};

/* The decimals that read back as one double lie between LOW and HIGH. Each is cut to a whole
 * number; the flags say whether something was cut off. */
struct bounds {
    uint64_t low;
    uint64_t mid; /* the double itself */
    uint64_t high;
    bool low_exact;
    bool mid_exact;
    bool inclusive; /* the bounds themselves read back as the double */
};

static char *
write_uint(char *at, uint64_t u)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char text[20];
    char *first = text + sizeof text;
    while (u >= 100) {
        first -= 2;
        memcpy(first, pairs + u % 100 * 2, 2);
        u /= 100;
    }
    if (u >= 10) {
        first -= 2;
        memcpy(first, pairs + u * 2, 2);
    } else {
        *--first = (char)('0' + u);
    }
    size_t len = (size_t)(text + sizeof text - first);
    memcpy(at, first, len);
    return at + len;
}

size_t
number_write_int(char ret[NUMBER_TEXT], int64_t i)
{
    char *at = ret;
    if (i < 0)
        *at++ = '-';
    at = write_uint(at, i < 0 ? 0 - (uint64_t)i : (uint64_t)i);
    return (size_t)(at - ret);
}

/* X / 2^SHIFT; *ret_exact: nothing is cut off. */
static uint64_t
scaled(wide x, int shift, bool *ret_exact)
{
    if (shift <= 0) {
        *ret_exact = true;
        return (uint64_t)(x << -shift);
    }
    *ret_exact = (x & (((wide)1 << shift) - 1)) == 0;
    return (uint64_t)(x >> shift);
}

/* Drops as many digits as the bounds allow, and rounds. */
static struct decimal
shortest_between(struct bounds b, int power)
{
    unsigned last = 0;      /* the digit that was dropped last              */
    bool tie = b.mid_exact; /* those before it were zeros, so LAST 5 is a tie */
    bool low_zeros = b.low_exact;
    while (b.high / 10 > b.low / 10) {
        low_zeros = low_zeros && b.low % 10 == 0;
        tie = tie && last == 0;
        last = (unsigned)(b.mid % 10);
        b.low /= 10;
        b.mid /= 10;
        b.high /= 10;
        power++;
    }
    bool low_good = low_zeros && b.inclusive;
    while (low_good && b.low % 10 == 0) {
        tie = tie && last == 0;
        last = (unsigned)(b.mid % 10);
        b.low /= 10;
        b.mid /= 10;
        power++;
    }
    bool up = last > 5 || (last == 5 && !(tie && b.mid % 2 == 0));
    if (b.mid == b.low && !low_good)
        up = true; /* what is left of the double itself is below the bound */
    return (struct decimal){ b.mid + up, power };
}

/* For C times 2^E, C of 53 bits, from 1e-10 to 1e16. */
static struct decimal
shortest_exact(uint64_t c, int e)
{
    int magnitude = (e + 52) * 78913 >> 18; /* log10(2) is 78913 / 2^18; may be 1 too low */
    int power = 16 - magnitude;
    assert(power >= 0 && power <= NUMBER_FIVES);
    wide five = number_fives[power];
    int shift = -(e - 2 + power);
    bool high_exact;
    struct bounds b;
    bool narrow = c == (uint64_t)1 << 52; /* the neighbour below is only half as far */
    b.inclusive = c % 2 == 0;
    b.low = scaled((4 * c - 2 + narrow) * five, shift, &b.low_exact);
    b.mid = scaled(4 * c * five, shift, &b.mid_exact);
    b.high = scaled((4 * c + 2) * five, shift, &high_exact);
    if (high_exact && !b.inclusive)
        b.high--;
    return shortest_between(b, -power);
}

/* DIGITS digits of D, as the library rounds them. */
static struct decimal
by_library(double d, int digits)
{
    char text[48];
    (void)snprintf(text, sizeof text, "%.*e", digits - 1, d);
    struct decimal r = { 0, 0 };
    const char *p = text;
    for (; *p != 'e'; p++)
        if (*p >= '0' && *p <= '9')
            r.digits = r.digits * 10 + (unsigned)(*p - '0');
    r.power = atoi(p + 1) - (digits - 1);
    return r;
}

static bool
reads_back(struct decimal r, double d)
{
    char text[48];
    (void)snprintf(text, sizeof text, "%llue%d", (unsigned long long)r.digits, r.power);
    return strtod(text, NULL) == d;
}

static struct decimal
shortest_by_library(double d)
{
    struct decimal r = { 0, 0 };
    for (int digits = d < 0x1p-1000 ? 1 : 15; digits <= 17; digits++) {
        r = by_library(d, digits);
        if (reads_back(r, d))
            return r;
        r.digits++; /* a power of two has more room above it than below */
        if (digits < 17 && reads_back(r, d))
            return r;
    }
    return r;
}

/* D as a decimal of at most six places, if it is one: prices, percentages, seconds. With at
 * most 15 digits a decimal is the only one so short that reads back as its double. */
static bool
has_few_places(double d, struct decimal *ret)
{
    if (d >= 1e9)
        return false;
    uint64_t millionths = (uint64_t)(d * 1e6 + 0.5);
    *ret = (struct decimal){ millionths, -6 };
    return millionths > 0 && (double)millionths / 1e6 == d;
}

static struct decimal
shortest(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    uint64_t c = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52;
    int e = (int)(bits >> 52) - 1075;
    struct decimal r;
    if (has_few_places(d, &r))
        ; /* found */
    else if (d >= 1e-10 && d < 1e16)
        r = shortest_exact(c, e);
    else
        r = shortest_by_library(d);
    while (r.digits % 10 == 0) {
        r.digits /= 10;
        r.power++;
    }
    return r;
}

/* 1.5e-7; DIGITS stand at TEXT, of which there are N. */
static char *
write_exponent(char *at, const char *text, int n, int exponent)
{
    *at++ = text[0];
    if (n > 1) {
        *at++ = '.';
        memcpy(at, text + 1, (size_t)n - 1);
        at += n - 1;
    }
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    return write_uint(at, (uint64_t)abs(exponent));
}

/* 0.00015, 1.5, 1500.0; the point comes behind POINT digits. */
static char *
write_plain(char *at, const char *text, int n, int point)
{
    if (point <= 0) {
        memcpy(at, "0.", 2);
        memset(at + 2, '0', (size_t)-point);
        at += 2 - point;
        memcpy(at, text, (size_t)n);
        return at + n;
    }
    int before = n < point ? n : point;
    memcpy(at, text, (size_t)before);
    memset(at + before, '0', (size_t)(point - before));
    at += point;
    *at++ = '.';
    if (n <= point)
        *at++ = '0';
    else
        memcpy(at, text + point, (size_t)(n - point));
    return at + (n <= point ? 0 : n - point);
}

size_t
number_write_double(char ret[NUMBER_TEXT], double d)
{
    char *at = ret;
    if (signbit(d))
        *at++ = '-';
    d = fabs(d);
    if (d < 0x1p53 && d == (double)(uint64_t)d) {
        at = write_uint(at, (uint64_t)d);
        memcpy(at, ".0", 2);
        return (size_t)(at + 2 - ret);
    }

    struct decimal r = shortest(d);
    char text[20];
    int n = (int)(write_uint(text, r.digits) - text);
    int point = n + r.power;
    if (point > -6 && point <= 21)
        at = write_plain(at, text, n, point);
    else
        at = write_exponent(at, text, n, point - 1);
    return (size_t)(at - ret);
}
