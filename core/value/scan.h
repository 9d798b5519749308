/* value/scan.h - inside the room: going over the bytes of strings in large steps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_SCAN_H
#define VALUE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Whether JSON needs C escaped in a string. */
static inline bool
scan_is_special(uint8_t c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

/* Nonzero if one of the 8 bytes of V is special; HIGH: or not ASCII. */
static inline uint64_t
scan_8(uint64_t v, bool high)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t tops = 0x8080808080808080u;
    uint64_t quote = v ^ ones * '"';
    uint64_t slash = v ^ ones * '\\';
    uint64_t zero = ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
    uint64_t low = (v - ones * 0x20) & ~v;
    return (zero | low | (high ? v : 0)) & tops;
}

#ifdef __SSE2__

enum { SCAN_STEP = 16 };

/* A bit for each of 16 bytes that is special; HIGH: or not ASCII. */
static inline unsigned
scan_16(const char *p, bool high)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    __m128i low; /* signed, what is not ASCII is below 0x20 too */
    if (high)
        low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
    else
        low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, slash)));
}

/* How many of the first bytes of the step at P are not special; SCAN_STEP if none is. */
static inline unsigned
scan_step(const char *p, bool high)
{
    return (unsigned)__builtin_ctz(scan_16(p, high) | 1u << SCAN_STEP);
}

#else

enum { SCAN_STEP = 8 };

static inline unsigned
scan_step(const char *p, bool high)
{
    uint64_t v;
    memcpy(&v, p, 8);
    if (scan_8(v, high) == 0)
        return SCAN_STEP;
    unsigned n = 0;
    while (!scan_is_special((uint8_t)p[n]) && !(high && p[n] & 0x80))
        n++;
    return n;
}

#endif

/* Whether none of the 4 to 16 bytes from P to END is special. */
static inline bool
scan_is_clean(const char *p, const char *end, bool high)
{
    uint64_t v[2] = { 0, 0 };
    if (end - p >= 8) {
        memcpy(&v[0], p, 8);
        memcpy(&v[1], end - 8, 8);
        return (scan_8(v[0], high) | scan_8(v[1], high)) == 0;
    }
    memcpy(&v[0], p, 4);
    memcpy((char *)&v[0] + 4, end - 4, 4);
    return scan_8(v[0], high) == 0;
}

/* The first byte from P that is special (HIGH: or not ASCII), or END. */
static inline const char *
scan(const char *p, const char *end, bool high)
{
    while (end - p >= SCAN_STEP) {
        unsigned n = scan_step(p, high);
        p += n;
        if (n < SCAN_STEP)
            return p;
    }
    if (end - p >= 4 && scan_is_clean(p, end, high))
        return end;
    while (p < end && !scan_is_special((uint8_t)*p) && !(high && *p & 0x80))
        p++;
    return p;
}

/* The first byte that a JSON string cannot hold as it is, or that is not ASCII; or END. */
static inline const char *
scan_plain(const char *p, const char *end)
{
    return scan(p, end, true);
}

/* The first byte that has to be escaped in a JSON string, or END. */
static inline const char *
scan_unescaped(const char *p, const char *end)
{
    return scan(p, end, false);
}

/* Whether all bytes are ASCII. */
static inline bool
scan_is_ascii(const char *p, const char *end)
{
    const uint64_t tops = 0x8080808080808080u;
    uint64_t v = 0;
    uint64_t all = 0;
    bool long_enough = end - p >= 8;
    for (; end - p >= 8; p += 8) {
        memcpy(&v, p, 8);
        all |= v;
    }
    if (long_enough) {
        memcpy(&v, end - 8, 8); /* some of it for the second time */
        return ((all | v) & tops) == 0;
    }
    for (; p < end; p++)
        all |= (uint8_t)*p;
    return (all & tops) == 0;
}

static inline bool
scan_is_tail(char c)
{
    return (c & 0xc0) == 0x80;
}

/* Behind the well-formed character of several bytes at P (Unicode 15, table 3-7); NULL if it
 * is none. */
static inline const char *
scan_character(const char *p, const char *end)
{
    uint8_t a = (uint8_t)p[0];
    ptrdiff_t left = end - p;
    if (a < 0xc2 || left < 2 || !scan_is_tail(p[1]))
        return NULL;
    uint8_t b = (uint8_t)p[1];
    if (a < 0xe0)
        return p + 2;
    if (left < 3 || !scan_is_tail(p[2]))
        return NULL;
    if (a < 0xf0)
        return (a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f) ? NULL : p + 3;
    if (left < 4 || !scan_is_tail(p[3]) || a > 0xf4)
        return NULL;
    return (a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f) ? NULL : p + 4;
}

#endif
