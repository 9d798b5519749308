/* net/http1_chars.c - classes of bytes in HTTP/1.1; see http1_parse.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/http1_parse.h"

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

bool
http_all(struct weir_text text, unsigned class)
{
    const char *at = text.bytes, *end = at + text.len;
    for (; end - at >= 4; at += 4)
        if (!http_is(at[0], class) || !http_is(at[1], class) || !http_is(at[2], class) ||
            !http_is(at[3], class))
            return false;
    for (; at < end; at++)
        if (!http_is(*at, class))
            return false;
    return true;
}

char *
http_scan_text(char *at, const char *end)
{
#ifdef __SSE2__
    /* In signed comparison bytes of 0x80 and more are below 0: they are put above by the
     * second condition, since they are texts. */
    const __m128i blank = _mm_set1_epi8(0x20), zero = _mm_setzero_si128();
    const __m128i tab = _mm_set1_epi8('\t'), del = _mm_set1_epi8(0x7f);
    while (end - at >= 16) {
        __m128i some = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i low = _mm_andnot_si128(_mm_cmplt_epi8(some, zero), _mm_cmplt_epi8(some, blank));
        low = _mm_andnot_si128(_mm_cmpeq_epi8(some, tab), low);
        low = _mm_or_si128(low, _mm_cmpeq_epi8(some, del));
        unsigned found = (unsigned)_mm_movemask_epi8(low);
        if (found != 0)
            return at + __builtin_ctz(found);
        at += 16;
    }
#endif
    while (at < end && !http_is(*at, HTTP_CONTROL))
        at++;
    return at;
}

bool
http_is_token(struct weir_text text)
{
    return text.len > 0 && http_all(text, HTTP_TOKEN);
}

bool
http_is_field_value(struct weir_text text)
{
    if (text.len == 0)
        return true;
    const char *end = text.bytes + text.len;
    return http_scan_text((char *)text.bytes, end) == end;
}

bool
http_text_is(struct weir_text a, const char *b)
{
    size_t i = 0;
    while (i < a.len && b[i] != '\0' && http_lower(a.bytes[i]) == b[i])
        i++;
    return i == a.len && b[i] == '\0';
}
