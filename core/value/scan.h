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

#ifdef __SSE2__

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

static inline const char *
scan_steps(const char *p, const char *end, bool high)
{
    for (; end - p >= 16; p += 16) {
        unsigned found = scan_16(p, high);
        if (found != 0)
            return p + __builtin_ctz(found);
    }
    return p;
}

#else

/* Steps of 8 bytes, up to the first 8 of which one is special; HIGH: or not ASCII. */
static inline const char *
scan_steps(const char *p, const char *end, bool high)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t tops = 0x8080808080808080u;
    for (; end - p >= 8; p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        uint64_t quote = v ^ ones * '"';
        uint64_t slash = v ^ ones * '\\';
        uint64_t zero = ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
        uint64_t low = (v - ones * 0x20) & ~v;
        if (((zero | low | (high ? v : 0)) & tops) != 0)
            break;
    }
    return p;
}

#endif

/* The first byte that a JSON string cannot hold as it is, or that is not ASCII; or END. */
static inline const char *
scan_plain(const char *p, const char *end)
{
    p = scan_steps(p, end, true);
    while (p < end && !scan_is_special((uint8_t)*p) && (*p & 0x80) == 0)
        p++;
    return p;
}

/* The first byte that has to be escaped in a JSON string, or END. */
static inline const char *
scan_unescaped(const char *p, const char *end)
{
    p = scan_steps(p, end, false);
    while (p < end && !scan_is_special((uint8_t)*p))
        p++;
    return p;
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
