/* net/redis_encode.c - commands as Redis reads them (RESP2); see redis_parts.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "net/redis_parts.h"

#define AROUND 24u /* bytes around a text: $, its length, two line ends */

/* SIGN, the number, and the end of the line. */
static char *
put_number(char *at, char sign, uint64_t n)
{
    char digits[20];
    unsigned len = 0;
    *at++ = sign;
    if (n < 10) { /* as most are */
        *at++ = (char)('0' + n);
        *at++ = '\r';
        *at++ = '\n';
        return at;
    }
    do
        digits[len++] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    while (len > 0)
        *at++ = digits[--len];
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

static char *
put_text(char *at, struct weir_text text)
{
    at = put_number(at, '$', text.len);
    if (text.len > 0)
        memcpy(at, text.bytes, text.len);
    at += text.len;
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

size_t
redis_encode_size(const struct weir_redis_request *r)
{
    size_t size = 5 * (size_t)AROUND;
    if (r->script.len > REDIS_BYTES_MAX)
        return SIZE_MAX;
    size += r->script.len;
    for (uint32_t i = 0; i < r->n_args; i++) {
        if (r->args[i].len > REDIS_BYTES_MAX)
            return SIZE_MAX;
        size += r->args[i].len + AROUND;
        if (size > REDIS_BYTES_MAX)
            return SIZE_MAX;
    }
    return size;
}

/* The number of keys as an argument. */
static char *
put_keys(char *at, uint32_t n)
{
    char digits[16];
    char *end = put_number(digits, '$', n); /* the sign and the line's end are cut off */
    return put_text(at, (struct weir_text){ digits + 1, (size_t)(end - digits) - 3 });
}

char *
redis_encode(char *at, const struct weir_redis_request *r, bool script)
{
    bool eval = r->script.len > 0;
    if (!eval || script)
        at = put_number(at, '*', (uint64_t)r->n_args + (eval ? 3 : 0));
    if (eval && script)
        at = put_text(put_text(at, TEXT("EVAL")), r->script);
    if (eval)
        at = put_keys(at, r->n_keys);
    for (uint32_t i = 0; i < r->n_args; i++)
        at = put_text(at, r->args[i]);
    return at;
}

void
redis_encode_script(struct buf *out, const struct redis_script *s, uint32_t n_parts, bool whole)
{
    char *begin = buf_reserve(out, 4 * (size_t)AROUND + (whole ? s->len : sizeof s->sha));
    char *at = put_number(begin, '*', n_parts);
    if (whole)
        at = put_text(put_text(at, TEXT("EVAL")), (struct weir_text){ s->text, s->len });
    else
        at = put_text(put_text(at, TEXT("EVALSHA")), (struct weir_text){ s->sha, sizeof s->sha });
    buf_seal(out, (size_t)(at - begin));
}
