/* fuzz/http_check.h - what must hold of every head that the parser took.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FUZZ_HTTP_CHECK_H
#define FUZZ_HTTP_CHECK_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "net/http1_parse.h"

/* What was refused before its end was there must be refused in the whole. */
static inline void
http_check_refused(const char *bytes, size_t len, const struct http_limits *limits)
{
    static struct http_head head;
    struct weir_error err;
    char *copy = malloc(len);
    assert(copy != NULL);
    memcpy(copy, bytes, len);
    enum weir_code code = limits->target > 0
                              ? http_request_parse(copy, len, limits, &head, &err)
                              : http_answer_parse(copy, len, limits, &head, &err);
    assert(code != WEIR_OK);
    free(copy);
}

/* Finds the end of a head in bytes that come in pieces of STEP; the outcome must be that of
 * the whole, though it may be refused earlier. Returns the length of the head, 0 if there is
 * none. */
static inline size_t
http_check_find(const char *bytes, size_t len, size_t step, const struct http_limits *limits)
{
    struct weir_error err;
    size_t whole_len = 0, len_here = 0, seen = 0;
    enum http_progress whole = http_head_find(bytes, len, 0, limits, &whole_len, &err);
    enum http_progress p = HTTP_MORE;
    while (p == HTTP_MORE && seen < len) {
        size_t now = len - seen > step ? seen + step : len;
        p = http_head_find(bytes, now, seen, limits, &len_here, &err);
        seen = now;
    }
    if (whole == HTTP_DONE && p == HTTP_BAD) {
        http_check_refused(bytes, whole_len, limits);
        return 0;
    }
    assert(p == whole);
    assert(p != HTTP_DONE || len_here == whole_len);
    return p == HTTP_DONE ? whole_len : 0;
}

/* Whether TEXT lies in the bytes that were parsed, or is a constant of the parser. */
static inline bool
http_check_inside(struct weir_text text, const char *bytes, size_t len)
{
    uintptr_t at = (uintptr_t)text.bytes, from = (uintptr_t)bytes;
    return text.len == 0 || text_is(text, "/") || (at >= from && at + text.len <= from + len);
}

/* What the quick second opinion found good llhttp has to find good. */
static inline void
http_check_opinions(struct http_head *h, const char *bytes, size_t len, bool answer)
{
    struct weir_error err;
    const struct http_parse p = { .head = h, .err = &err, .answer = answer };
    assert(!http_plain_opinion(bytes, len, &p) || http_llhttp_opinion(bytes, len, &p) == WEIR_OK);
}

/* Checks the fields and what follows from them. */
static inline void
http_check_fields(const struct http_head *h, const char *bytes, size_t len)
{
    assert(h->n_fields <= HTTP_FIELDS_MAX && h->minor <= 1);
    unsigned lengths = 0, codings = 0;
    for (unsigned i = 0; i < h->n_fields; i++) {
        struct weir_text name = h->fields[i].name, value = h->fields[i].value;
        assert(http_is_token(name) && http_is_field_value(value));
        assert(http_check_inside(name, bytes, len) && http_check_inside(value, bytes, len));
        for (size_t k = 0; k < name.len; k++)
            assert(name.bytes[k] < 'A' || name.bytes[k] > 'Z');
        assert(value.len == 0 || (value.bytes[0] != ' ' && value.bytes[value.len - 1] != ' '));
        lengths += text_is(name, "content-length");
        codings += text_is(name, "transfer-encoding");
    }
    assert(lengths + codings <= 1);
    assert(h->has_length == (lengths == 1) && h->chunked == (codings == 1));
    assert(h->length <= INT64_MAX);
}

#endif
