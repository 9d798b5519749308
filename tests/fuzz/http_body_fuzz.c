/* fuzz/http_body_fuzz.c - a body comes out the same in whatever pieces it comes in.
 *
 * room: net
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "net/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum http_progress progress;
    enum http_progress end;
    size_t used;
    size_t len;
    char *body; /* owned */
};

static struct outcome
feed(struct http_body b, const uint8_t *bytes, size_t size, size_t step)
{
    struct outcome o = { .progress = HTTP_MORE, .body = malloc(size + 1) };
    assert(o.body != NULL);
    while (o.progress == HTTP_MORE && o.used < size) {
        size_t n = size - o.used < step ? size - o.used : step;
        char *exact = malloc(n); /* so that reading past the end is seen */
        assert(exact != NULL);
        memcpy(exact, bytes + o.used, n);
        size_t at = 0;
        while (o.progress == HTTP_MORE && at < n) {
            struct weir_text piece;
            struct weir_error err;
            size_t used = 0;
            o.progress = http_body_read(&b, exact + at, n - at, &used, &piece, &err);
            if (o.progress == HTTP_BAD)
                break;
            assert(used <= n - at && piece.len <= used);
            assert(used > 0 || o.progress == HTTP_DONE);
            memcpy(o.body + o.len, piece.bytes, piece.len);
            o.len += piece.len;
            at += used;
        }
        o.used += at;
        free(exact);
        if (o.progress == HTTP_BAD)
            break;
    }
    assert(b.overhead <= 16384 || o.progress == HTTP_BAD);
    o.end = o.progress == HTTP_BAD ? HTTP_BAD : http_body_end(&b, NULL);
    return o;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    static const enum http_body_kind kinds[] = { HTTP_BODY_CHUNKED, HTTP_BODY_CHUNKED,
                                                 HTTP_BODY_LENGTH, HTTP_BODY_UNTIL_CLOSE };
    struct http_body b = { .kind = kinds[data[0] >> 6] };
    if (b.kind == HTTP_BODY_LENGTH)
        b.left = data[1];
    struct outcome whole = feed(b, data + 1, size - 1, size);
    struct outcome pieces = feed(b, data + 1, size - 1, 1 + (data[0] & 0x3f));
    assert(whole.progress == pieces.progress && whole.end == pieces.end);
    if (whole.progress != HTTP_BAD) {
        assert(whole.used == pieces.used && whole.len == pieces.len);
        assert(memcmp(whole.body, pieces.body, whole.len) == 0);
    }
    free(whole.body);
    free(pieces.body);
    return 0;
}
