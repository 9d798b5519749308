/* value/number_write.c - from numbers to the shortest decimal text.
 *
 * Of all decimals that are nearer to a double than to its neighbours the one with the fewest
 * digits is wanted, and of these the nearest. As in Schubfach (Giulietti, 2020) the double and
 * the ends of its interval are scaled by such a power of ten that the interval holds at least
 * one whole number, and at most one multiple of ten: few candidates are left to be looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "value/number.h"
#include "value/power.h"

/* DIGITS times 10^POWER. */
struct decimal {
    uint64_t digits;
    int power;
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

/* C times POWER / 2^128, of which the last bit says whether something was cut off behind it:
 * comparing such numbers with even ones is then the same as without a cut. */
static uint64_t
scaled(uint64_t c, wide power)
{
    wide low = (wide)c * (uint64_t)power;
    wide product = (wide)c * (uint64_t)(power >> 64) + (uint64_t)(low >> 64);
    return (uint64_t)(product >> 64) | ((uint64_t)product > 1);
}

/* For C times 2^E; NARROW: the double below is only half as far away as the one above. */
static struct decimal
shortest_of(uint64_t c, int e, bool narrow)
{
    int power = narrow ? (e * 1262611 - 524031) >> 22 : power_log10(e); /* of 3/4 2^E, of 2^E */
    const struct power *cut = power_of_10(-power);
    wide ten = (wide)cut->high << 64 | cut->low;
    if (!power_is_exact(-power))
        ten++; /* not below the true one */
    int shift = e + power_log2(-power) + 1;
    uint64_t mid = scaled(4 * c << shift, ten); /* four times the digits, here and below */
    uint64_t low = scaled((4 * c - 2 + narrow) << shift, ten);
    uint64_t high = scaled((4 * c + 2) << shift, ten);
    low += c % 2; /* what lies in the middle of two doubles reads back as the even one */
    high -= c % 2;

    uint64_t down = mid / 40; /* a digit less, if just one of two such lies inside */
    bool down_in = low <= 40 * down;
    bool up_in = 40 * down + 40 <= high;
    if (down > 0 && down_in != up_in)
        return (struct decimal){ down + up_in, power + 1 };

    down = mid / 4;
    down_in = low <= 4 * down;
    up_in = 4 * down + 4 <= high;
    if (down_in != up_in)
        return (struct decimal){ down + up_in, power };
    bool up = mid > 4 * down + 2 || (mid == 4 * down + 2 && down % 2 == 1);
    return (struct decimal){ down + up, power };
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

/* D must be above 0. */
static struct decimal
shortest(double d)
{
    struct decimal r;
    if (!has_few_places(d, &r)) {
        uint64_t bits;
        memcpy(&bits, &d, sizeof bits);
        uint64_t c = bits & (((uint64_t)1 << 52) - 1);
        int e = (int)(bits >> 52);
        if (e == 0)
            r = shortest_of(c, -1074, false);
        else
            r = shortest_of(c | (uint64_t)1 << 52, e - 1075, c == 0 && e > 1);
    }
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
