/* base/utf8.c - UTF-8, see encode.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/encode.h"

#define HIGH_BITS 0x8080808080808080u

/* The length of the well-formed sequence at P, which has more than ASCII and ends before END
 * (Unicode 15, table 3-7); 0 if there is none. */
static inline size_t
sequence(const unsigned char *p, const unsigned char *end)
{
    unsigned lead = p[0];
    size_t left = (size_t)(end - p);
    if (lead < 0xc2 || lead > 0xf4 || left < 2)
        return 0;
    if (lead < 0xe0)
        return (p[1] & 0xc0) == 0x80 ? 2 : 0;

    unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high || left < 3 || (p[2] & 0xc0) != 0x80)
        return 0;
    if (lead < 0xf0)
        return 3;
    return left >= 4 && (p[3] & 0xc0) == 0x80 ? 4 : 0;
}

bool
utf8_valid(struct weir_text text)
{
    if (text.len == 0)
        return true;
    const unsigned char *p = (const unsigned char *)text.bytes;
    const unsigned char *end = p + text.len;
    uint64_t eight;
    if (text.len >= 8) { /* mostly that is all: what is left is among the last eight */
        while (end - p >= 8 && (memcpy(&eight, p, 8), (eight & HIGH_BITS) == 0))
            p += 8;
        if (end - p < 8 && (memcpy(&eight, end - 8, 8), (eight & HIGH_BITS) == 0))
            return true;
    }
    while (p < end) {
        if (end - p >= 8 && (memcpy(&eight, p, 8), (eight & HIGH_BITS) == 0)) {
            p += 8;
            continue;
        }
        if (*p < 0x80) {
            p++;
            continue;
        }
        do {
            size_t n = sequence(p, end);
            if (n == 0)
                return false;
            p += n;
        } while (p < end && *p >= 0x80);
    }
    return true;
}

size_t
utf8_count(struct weir_text text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += (text.bytes[i] & 0xc0) != 0x80;
    return n;
}

size_t
utf8_prefix(struct weir_text text, size_t n)
{
    if (n >= text.len)
        return text.len;
    size_t i = 0;
    for (; i < text.len; i++)
        if ((text.bytes[i] & 0xc0) != 0x80 && n-- == 0)
            break;
    return i;
}

uint32_t
utf8_next(struct weir_text text, size_t *at)
{
    const unsigned char *p = (const unsigned char *)text.bytes + *at;
    const unsigned char *end = (const unsigned char *)text.bytes + text.len;
    if (*p < 0x80) {
        (*at)++;
        return *p;
    }
    size_t n = sequence(p, end);
    if (n == 0) {
        (*at)++;
        return UINT32_MAX;
    }
    *at += n;
    uint32_t code_point = *p & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++)
        code_point = code_point << 6 | (p[i] & 0x3f);
    return code_point;
}

size_t
utf8_write(char ret[4], uint32_t code_point)
{
    if (code_point < 0x80) {
        ret[0] = (char)code_point;
        return 1;
    }
    if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff))
        return 0;

    size_t n = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        ret[i] = (char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    ret[0] = (char)(0xf00u >> n | code_point);
    return n;
}
