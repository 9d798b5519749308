/* fuzz/http_request_fuzz.c - any bytes are refused, or are a request that can be read in one
 * way.
 *
 * room: net
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct http_head *h, const char *bytes, size_t len)
{
    http_check_fields(h, bytes, len);
    assert(http_is_token(h->method) && h->method.len <= 32);
    assert(h->target.len > 0 && h->target.len <= http_request_limits.target);
    assert(h->origin.bytes[0] == '/' || h->origin.bytes[0] == '?' || text_is(h->origin, "*"));
    assert(h->minor == 0 || h->authority.len > 0);
    assert(http_check_inside(h->method, bytes, len) &&
           http_check_inside(h->target, bytes, len));
    assert(http_check_inside(h->origin, bytes, len));
    assert(http_check_inside(h->authority, bytes, len));
    for (size_t i = 0; i < h->target.len; i++)
        assert(h->target.bytes[i] > ' ' && h->target.bytes[i] < 0x7f);
}

/* The first byte tells in which steps the others come, and whether the parser gets what the
 * finder has found or all of it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_head head;
    struct weir_error err;
    if (size < 2)
        return 0;
    size_t step = 1 + (data[0] & 0x7f), len = size - 1;
    char *exact = malloc(len); /* so that reading past the end is seen */
    assert(exact != NULL);
    memcpy(exact, data + 1, len);
    size_t head_len = http_check_find(exact, len, step, &http_request_limits);
    if (data[0] & 0x80)
        head_len = len;
    if (head_len > 0) {
        exact = realloc(exact, head_len);
        assert(exact != NULL);
        if (http_request_parse(exact, head_len, &http_request_limits, &head, &err) == WEIR_OK) {
            check(&head, exact, head_len);
            http_check_opinions(&head, exact, head_len, false);
        } else {
            assert(err.code == WEIR_INVALID && err.status >= 400 && err.status <= 505);
        }
    }
    free(exact);
    return 0;
}
