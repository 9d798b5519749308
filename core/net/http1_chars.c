/* net/http1_chars.c - classes of bytes in HTTP/1.1; see http1_parse.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/http1_parse.h"

#include <string.h>
#include <strings.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What a byte is; the table reads like the rows of ASCII, 16 bytes a row. */
#define C HTTP_CONTROL
#define U HTTP_TARGET
#define T HTTP_TOKEN
#define P (HTTP_TOKEN | HTTP_TARGET)
#define H (HTTP_TOKEN | HTTP_TARGET | HTTP_HOST)
#define X (HTTP_TOKEN | HTTP_TARGET | HTTP_HOST | HTTP_HEX)
#define D (HTTP_TOKEN | HTTP_TARGET | HTTP_HOST | HTTP_HEX | HTTP_DIGIT)

/* clang-format off */
const uint8_t http_chars[256] = {
    C, C, C, C, C, C, C, C, C, 0, C, C, C, C, C, C,
    C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C,
    0, P, U, T, P, T, P, P, U, U, P, P, U, H, H, U,
    D, D, D, D, D, D, D, D, D, D, U, U, U, U, U, U,
    U, X, X, X, X, X, X, H, H, H, H, H, H, H, H, H,
    H, H, H, H, H, H, H, H, H, H, H, U, 0, U, P, H,
    P, X, X, X, X, X, X, H, H, H, H, H, H, H, H, H,
    H, H, H, H, H, H, H, H, H, H, H, U, P, U, H, C,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};
const char http_names[256] = {
    ['!'] = '!', ['#'] = '#', '$', '%', '&', '\'', ['*'] = '*', '+', ['-'] = '-', '.',
    ['0'] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
    ['A'] = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm',
            'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
    ['^'] = '^', '_', '`',
    ['a'] = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm',
            'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
    ['|'] = '|', ['~'] = '~',
};
/* clang-format on */

#ifdef __SSE2__
/* Which of 16 bytes are control bytes, a bit for each. */
static inline unsigned
controls(__m128i some)
{
    /* In signed comparison bytes of 0x80 and more are below 0: they are put above by the
     * second condition, since they are texts. */
    __m128i low = _mm_andnot_si128(_mm_cmplt_epi8(some, _mm_setzero_si128()),
                                   _mm_cmplt_epi8(some, _mm_set1_epi8(0x20)));
    low = _mm_andnot_si128(_mm_cmpeq_epi8(some, _mm_set1_epi8('\t')), low);
    low = _mm_or_si128(low, _mm_cmpeq_epi8(some, _mm_set1_epi8(0x7f)));
    return (unsigned)_mm_movemask_epi8(low);
}

/* Which of 16 bytes are neither a letter nor a digit nor a hyphen. */
static inline unsigned
odd(__m128i some)
{
    __m128i lower = _mm_or_si128(some, _mm_set1_epi8(0x20));
    __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
                                   _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
    __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(some, _mm_set1_epi8('0' - 1)),
                                  _mm_cmplt_epi8(some, _mm_set1_epi8('9' + 1)));
    __m128i plain = _mm_or_si128(_mm_or_si128(letter, digit), _mm_cmpeq_epi8(some, _mm_set1_epi8('-')));
    return ~(unsigned)_mm_movemask_epi8(plain) & 0xffff;
}

/* Whether any byte of TEXT, which has 8 or more, is one of WHICH. The last ones are looked at together with
 * some that were already, so that none is left to be looked at alone. */
static inline __attribute__((always_inline)) bool
has(struct weir_text text, unsigned (*which)(__m128i))
{
    const char *at = text.bytes, *end = at + text.len;
    if (text.len < 16) {
        __m128i first = _mm_loadl_epi64((const __m128i *)(const void *)at);
        __m128i last = _mm_loadl_epi64((const __m128i *)(const void *)(end - 8));
        return which(_mm_unpacklo_epi64(first, last)) != 0;
    }
    unsigned found = which(_mm_loadu_si128((const __m128i *)(const void *)(end - 16)));
    for (; found == 0 && end - at > 16; at += 16)
        found = which(_mm_loadu_si128((const __m128i *)(const void *)at));
    return found != 0;
}
#endif

char *
http_lower_name(char *at, const char *end)
{
#ifdef __SSE2__
    for (unsigned len = 16; len == 16 && end - at >= 16; at += len) {
        const __m128i count = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        __m128i some = _mm_loadu_si128((const __m128i *)(const void *)at);
        len = (unsigned)__builtin_ctz(odd(some) | 1u << 16);
        /* Digits and the hyphen have the bit that makes a letter small. */
        __m128i small = _mm_and_si128(_mm_cmplt_epi8(count, _mm_set1_epi8((char)len)), _mm_set1_epi8(0x20));
        _mm_storeu_si128((__m128i *)(void *)at, _mm_or_si128(some, small));
    }
#else
    (void)end;
#endif
    return at;
}

char *
http_scan_text(char *at, const char *end)
{
#ifdef __SSE2__
    unsigned found = 0;
    for (; found == 0 && end - at >= 16; at += 16)
        found = controls(_mm_loadu_si128((const __m128i *)(const void *)at));
    if (found != 0)
        return at - 16 + __builtin_ctz(found);
    if (end - at >= 8) {
        found = controls(_mm_loadl_epi64((const __m128i *)(const void *)at)) & 0xff;
        if (found != 0)
            return at + __builtin_ctz(found);
        at += 8;
    }
#endif
    while (at < end && !http_is(*at, HTTP_CONTROL))
        at++;
    return at;
}

bool
http_is_token(struct weir_text text)
{
#ifdef __SSE2__
    if (text.len >= 8 && !has(text, odd)) /* as nearly all names */
        return true;
#endif
    return text.len > 0 && http_all(text, HTTP_TOKEN);
}

bool
http_is_field_value(struct weir_text text)
{
#ifdef __SSE2__
    if (text.len >= 8)
        return !has(text, controls);
#endif
    for (size_t i = 0; i < text.len; i++)
        if (http_is(text.bytes[i], HTTP_CONTROL))
            return false;
    return true;
}

bool
http_text_is(struct weir_text a, const char *b)
{
    size_t len = strlen(b);
    return a.len == len && strncasecmp(a.bytes, b, len) == 0;
}
