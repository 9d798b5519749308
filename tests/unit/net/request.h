/* Requests for the tests of http1.h: messages that may hold NUL, parsed or refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNIT_NET_REQUEST_H
#define UNIT_NET_REQUEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http1.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct weir_error err;
static struct http_head head;

struct message {
    const char *bytes;
    size_t len;
};
/* A message that may hold NUL. */
#define M(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }
#define GET "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define POST "POST / HTTP/1.1\r\n" HOST

/* Parses a copy of just the right size, so that the sanitizer sees each byte too many. Returns
 * 0, or the status of the refusal. */
static inline unsigned
parse(const char *bytes, size_t len)
{
    char *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    size_t head_len = 0;
    memset(&err, 0, sizeof(err));
    enum http_progress p = http_head_find(copy, len, 0, &http_request_limits, &head_len, &err);
    enum weir_code code = WEIR_OK;
    if (p == HTTP_DONE)
        code = http_request_parse(copy, head_len, &http_request_limits, &head, &err);
    free(copy);
    if (p == HTTP_MORE)
        return 1;
    if (p == HTTP_DONE && code == WEIR_OK)
        return 0;
    assert_int_equal(err.code, WEIR_INVALID);
    assert_true(err.text[0] != '\0');
    return err.status;
}

static inline void
expect_all(const struct message *messages, size_t n, unsigned status)
{
    for (size_t i = 0; i < n; i++) {
        unsigned got = parse(messages[i].bytes, messages[i].len);
        if (got != status)
            fail_msg("%.*s: expected %u, got %u (%s)", (int)messages[i].len, messages[i].bytes,
                     status, got, err.text);
    }
}

#endif
