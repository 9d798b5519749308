/* fuzz/http_answer_fuzz.c - any bytes are refused, or are an answer that can be read in one
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
    assert(h->status >= 100 && h->status <= 999);
    assert(http_is_field_value(h->reason) && http_check_inside(h->reason, bytes, len));
    struct http_body b;
    http_body_of_answer(&b, h, TEXT("GET"));
    bool without = h->status < 200 || h->status == 204 || h->status == 304;
    assert(!without || b.kind == HTTP_BODY_NONE);
    http_body_of_answer(&b, h, TEXT("HEAD"));
    assert(b.kind == HTTP_BODY_NONE);
}

/* As in http_request_fuzz.c. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_head head;
    struct weir_error err;
    if (size < 2)
        return 0;
    size_t step = 1 + (data[0] & 0x7f), len = size - 1;
    char *exact = malloc(len);
    assert(exact != NULL);
    memcpy(exact, data + 1, len);
    size_t head_len = http_check_find(exact, len, step, &http_answer_limits);
    if (data[0] & 0x80)
        head_len = len;
    if (head_len > 0) {
        exact = realloc(exact, head_len);
        assert(exact != NULL);
        if (http_answer_parse(exact, head_len, &http_answer_limits, &head, &err) == WEIR_OK) {
            check(&head, exact, head_len);
            http_check_opinions(&head, exact, head_len, true);
        } else {
            assert(err.code == WEIR_UPSTREAM);
        }
    }
    free(exact);
    return 0;
}
