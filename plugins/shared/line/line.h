/* shared/line/line.h - a short text in the making, on the stack: keys, arguments, values of headers.
 *
 * A limit of rates writes some fifteen numbers for each request; printf would take a tenth of what all of
 * it costs. What does not fit is left out: rooms are made for the longest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SHARED_LINE_LINE_H
#define SHARED_LINE_LINE_H

#include <string.h>
#include <weir.h>

struct line {
    char *bytes; /* lent */
    size_t len;
    size_t room;
};

/* Appends LEN bytes. */
static inline void
line_add(struct line *l, const char *bytes, size_t len)
{
    if (len > l->room - l->len)
        return;
    memcpy(l->bytes + l->len, bytes, len);
    l->len += len;
}

/* Appends a C string. */
static inline void
line_text(struct line *l, const char *text)
{
    line_add(l, text, strlen(text));
}

/* Appends N in decimal, with zeros in front up to DIGITS (at most 20). */
static inline void
line_number(struct line *l, uint64_t n, unsigned digits)
{
    char text[20];
    unsigned at = sizeof text;
    do {
        text[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0 || sizeof text - at < digits);
    line_add(l, text + at, sizeof text - at);
}

/* Appends N bytes in hexadecimal. */
static inline void
line_hex(struct line *l, const uint8_t *bytes, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    if (2 * n > l->room - l->len)
        return;
    char *at = l->bytes + l->len;
    for (size_t i = 0; i < n; i++) {
        *at++ = hex[bytes[i] >> 4];
        *at++ = hex[bytes[i] & 15];
    }
    l->len += 2 * n;
}

/* What is written so far. */
static inline struct weir_text
line_done(const struct line *l)
{
    return (struct weir_text){ l->bytes, l->len };
}

#endif
