/* net/http1_write.h - heads, written into memory that was reserved for all of it before. Any thread.
 *
 * Each function writes at AT, where the caller has made room, and returns the place behind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_HTTP1_WRITE_H
#define NET_HTTP1_WRITE_H

#include <string.h>

#include "base/err.h"

/* Digits of the longest number. */
#define HTTP_NUMBER_MAX 20u

/* Writes TEXT, which may be empty. */
static inline char *
http_put(char *at, struct weir_text text)
{
    if (text.len > 0)
        memcpy(at, text.bytes, text.len);
    return at + text.len;
}

#define HTTP_PUT(at, literal) http_put((at), TEXT(literal))

/* Writes N in decimal: at most HTTP_NUMBER_MAX bytes. */
static inline char *
http_put_number(char *at, uint64_t n)
{
    char digits[HTTP_NUMBER_MAX];
    size_t len = 0;
    do
        digits[sizeof digits - ++len] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    return http_put(at, (struct weir_text){ digits + sizeof digits - len, len });
}

#endif
