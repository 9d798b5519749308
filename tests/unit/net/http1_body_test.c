/* Bodies of HTTP/1.1, fed whole, byte by byte, and in random cuts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "net/http1.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct weir_error err;

struct message {
    const char *bytes;
    size_t len;
    const char *body; /* what must come out */
    size_t rest;      /* bytes that belong to the next message */
};
#define M(literal, body, rest)                   \
    {                                            \
        literal, sizeof(literal) - 1, body, rest \
    }

/* The outcome of feeding a body. */
struct fed {
    enum http_progress progress;
    size_t used;
    char body[70000];
    size_t body_len;
};
static struct fed fed;

/* Feeds N bytes in a block of just that size. */
static void
feed(struct http_body *b, const char *bytes, size_t n)
{
    char *copy = malloc(n > 0 ? n : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    size_t at = 0;
    do {
        size_t used = 0;
        struct weir_text piece;
        fed.progress = http_body_read(b, copy + at, n - at, &used, &piece, &err);
        if (fed.progress == HTTP_BAD)
            break;
        assert_true(used <= n - at && piece.len <= used);
        assert_true(used > 0 || n == at || fed.progress == HTTP_DONE);
        memcpy(fed.body + fed.body_len, piece.bytes, piece.len);
        fed.body_len += piece.len;
        at += used;
    } while (fed.progress == HTTP_MORE && at < n);
    fed.used += at;
    free(copy);
}

/* Feeds it in steps of STEP bytes; 0: of random ones. */
static struct http_body
feed_in_steps(struct http_body b, const char *bytes, size_t len, size_t step)
{
    fed.progress = HTTP_MORE;
    fed.used = fed.body_len = 0;
    size_t at = 0;
    while (at < len && fed.progress == HTTP_MORE) {
        size_t n = step > 0 ? step : 1 + random_below(9);
        if (n > len - at)
            n = len - at;
        feed(&b, bytes + at, n);
        at += n;
    }
    return b;
}

static const size_t steps[] = { 1, 2, 3, 5, 16, 0, 0, 0, 0, 0, 1000000 };

static void
good_chunked_bodies_are_decoded(void **state)
{
    (void)state;
    static const struct message good[] = {
        M("0\r\n\r\n", "", 0),
        M("5\r\nhello\r\n0\r\n\r\n", "hello", 0),
        M("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET / ", "hello world", 6),
        M("a\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0),
        M("A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0),
        M("00a\r\n0123456789\r\n000\r\n\r\n", "0123456789", 0),
        M("0000000000000005\r\nhello\r\n0\r\n\r\n", "hello", 0),
        M("1\r\n\r\r\n1\r\n\n\r\n0\r\n\r\n", "\r\n", 0),
        M("5;x\r\nhello\r\n0;y\r\n\r\n", "hello", 0),
        M("5;a=b;c=\"d;\\\"e\"\r\nhello\r\n0\r\n\r\n", "hello", 0),
        M("5; a = b\t;c;d=\"\" ; e\r\nhello\r\n0\r\n\r\n", "hello", 0),
        M("5;a=\"\xc3\xa9\\\xc3; =\"\r\nhello\r\n0\r\n\r\n", "hello", 0),
        M("0\r\nX: y\r\n\r\n", "", 0),
        M("5\r\nhello\r\n0\r\nDigest: abc\r\nX-Y:\tz \xc3\xa9\r\n\r\nrest", "hello", 4),
        M("0\r\nX:\r\n\r\n", "", 0),
    };
    for (size_t i = 0; i < COUNT(good); i++)
        for (size_t k = 0; k < COUNT(steps); k++) {
            struct http_body b = { .kind = HTTP_BODY_CHUNKED };
            b = feed_in_steps(b, good[i].bytes, good[i].len, steps[k]);
            if (fed.progress != HTTP_DONE)
                fail_msg("%s: %s", good[i].bytes, err.text);
            assert_int_equal(fed.used, good[i].len - good[i].rest);
            assert_int_equal(fed.body_len, strlen(good[i].body));
            assert_memory_equal(fed.body, good[i].body, fed.body_len);
            assert_int_equal(http_body_end(&b, &err), HTTP_DONE);
        }
}

static void
bad_chunked_bodies_are_refused(void **state)
{
    (void)state;
    static const struct message bad[] = {
        M("\r\n", "", 0),
        M("\n", "", 0),
        M(" 5\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5 \r\nhello\r\n0\r\n\r\n", "", 0),
        M("5 ;x\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5\t\r\nhello\r\n0\r\n\r\n", "", 0),
        M("+5\r\nhello\r\n0\r\n\r\n", "", 0),
        M("-5\r\nhello\r\n0\r\n\r\n", "", 0),
        M("0x5\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5h\r\nhello\r\n0\r\n\r\n", "", 0),
        M("g\r\n", "", 0),
        M("5_0\r\n", "", 0),
        M("5,\r\n", "", 0),
        M("5\nhello\r\n0\r\n\r\n", "", 0),
        M("5\rhello\r\n0\r\n\r\n", "", 0),
        M("5\r\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5\0\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5\x0b\r\nhello\r\n0\r\n\r\n", "", 0),
        M("\xd9\xa5\r\nhello\r\n0\r\n\r\n", "", 0),
        M(";x\r\n", "", 0),
        M("5\r\nhello0\r\n\r\n", "", 0),
        M("5\r\nhello\n0\r\n\r\n", "", 0),
        M("5\r\nhello\r0\r\n\r\n", "", 0),
        M("5\r\nhello!\r\n0\r\n\r\n", "", 0),
        M("5\r\nhello\r\n\r\n0\r\n\r\n", "", 0),
        M("5\r\nhello\r\n0\n\r\n", "", 0),
        M("5\r\nhello\r\n0\r\n\n", "", 0),
        M("5\r\nhello\r\n0\r\n\rX", "", 0),
        M("8000000000000000\r\n", "", 0),
        M("fffffffffffffffff\r\n", "", 0),
        M("ffffffffffffffff\r\n", "", 0),
        M("10000000000000005\r\n", "", 0),
        M("00000000000000005\r\n", "", 0),
        M("100000000000000000000000000000005\r\n", "", 0),
        M("5;x\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x\ry\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x\0\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x\x01\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x=\"y\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x=\"\n\"\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5; \r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;;x\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x;\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x \r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x y\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;=y\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x=\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x==y\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x=y=z\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x=y z\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x=y,z\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x=\"y\"z\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x=y\"z\"\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x=\"y\"=z\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;\"x\"\r\nhello\r\n0\r\n\r\n", "", 0),
        M("5;x\x80\r\nhello\r\n0\r\n\r\n", "", 0),
        M("0\r\nX\r\n\r\n", "", 0),
        M("0\r\n X: y\r\n\r\n", "", 0),
        M("0\r\nX : y\r\n\r\n", "", 0),
        M("0\r\n: y\r\n\r\n", "", 0),
        M("0\r\nX: y\n\r\n", "", 0),
        M("0\r\nX: y\rz\r\n\r\n", "", 0),
        M("0\r\nX: y\0\r\n\r\n", "", 0),
        M("0\r\nX: y\x7f\r\n\r\n", "", 0),
        M("0\r\nX: y\r\n z\r\n\r\n", "", 0),
        M("0\r\nX_Y: z\r\n\r\n", "", 0),
        M("0\r\nX\xc3: z\r\n\r\n", "", 0),
        M("0\r\nContent-Length: 5\r\n\r\n", "", 0),
        M("0\r\nX: y\r\nTRANSFER-ENCODING: chunked\r\n\r\n", "", 0),
        M("0\r\nhost: b\r\n\r\n", "", 0),
        M("0\r\nAuthorization: x\r\n\r\n", "", 0),
        M("0\r\nTrailer: x\r\n\r\n", "", 0),
        M("0\r\nconnection: close\r\n\r\n", "", 0),
        M("0\r\nContent-Type: text/html\r\n\r\n", "", 0),
        M("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "", 0),
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        for (size_t k = 0; k < COUNT(steps); k++) {
            struct http_body b = { .kind = HTTP_BODY_CHUNKED };
            memset(&err, 0, sizeof(err));
            (void)feed_in_steps(b, bad[i].bytes, bad[i].len, steps[k]);
            if (fed.progress != HTTP_BAD)
                fail_msg("%s: taken", bad[i].bytes);
            assert_int_equal(err.code, WEIR_INVALID);
            assert_int_equal(err.status, 400);
        }
}

static void
what_is_announced_is_known_before_it_comes(void **state)
{
    (void)state;
    struct http_body b = { .kind = HTTP_BODY_CHUNKED };
    assert_int_equal(http_body_ahead(&b), 0);
    b = feed_in_steps(b, "7fffffff", 8, 1);
    assert_int_equal(http_body_ahead(&b), 0);
    b = feed_in_steps(b, "\r\n", 2, 1);
    assert_int_equal(http_body_ahead(&b), 0x7fffffff);
    b = feed_in_steps(b, "abc", 3, 1);
    assert_int_equal(http_body_ahead(&b), 0x7ffffffc);
    b = (struct http_body){ .kind = HTTP_BODY_CHUNKED };
    b = feed_in_steps(b, "0\r\nX-Hash-In-Left: y", 20, 1);
    assert_int_equal(http_body_ahead(&b), 0);
    b = (struct http_body){ .kind = HTTP_BODY_LENGTH, .left = 5 };
    assert_int_equal(http_body_ahead(&b), 5);
    b = (struct http_body){ .kind = HTTP_BODY_UNTIL_CLOSE };
    assert_int_equal(http_body_ahead(&b), 0);
}

static void
a_body_that_breaks_off_is_not_complete(void **state)
{
    (void)state;
    static const char body[] = "5;x\r\nhello\r\n0\r\nX: y\r\n\r\n";
    for (size_t len = 0; len < sizeof(body) - 1; len++) {
        struct http_body b = { .kind = HTTP_BODY_CHUNKED };
        b = feed_in_steps(b, body, len, 1000);
        assert_int_equal(fed.progress, HTTP_MORE);
        assert_int_equal(http_body_end(&b, &err), HTTP_BAD);
        assert_int_equal(err.status, 400);
    }
}

/* A body with LEN bytes of extension (or of trailers) in pieces of at most 1000. */
static enum http_progress
with_overhead(size_t len, bool trailers)
{
    char *bytes = malloc(200000);
    assert_non_null(bytes);
    size_t n = 0;
    if (trailers)
        n += (size_t)sprintf(bytes, "0\r\n");
    while (len > 0) {
        size_t take = len < 1010 ? len : 1000;
        if (trailers) {
            /* a trailer counts without its LF */
            n += (size_t)sprintf(bytes + n, "X:");
            memset(bytes + n, 'x', take - 3);
            n += take - 3;
        } else {
            /* an extension counts from behind the semicolon to the CR */
            n += (size_t)sprintf(bytes + n, "1;");
            memset(bytes + n, 'x', take - 1);
            n += take - 1;
        }
        n += (size_t)sprintf(bytes + n, trailers ? "\r\n" : "\r\nz\r\n");
        len -= take;
    }
    n += (size_t)sprintf(bytes + n, trailers ? "\r\n" : "0\r\n\r\n");
    struct http_body b = { .kind = HTTP_BODY_CHUNKED };
    (void)feed_in_steps(b, bytes, n, 777);
    free(bytes);
    return fed.progress;
}

static void
extensions_and_trailers_are_bounded(void **state)
{
    (void)state;
    /* the CR of the empty line counts as well */
    assert_int_equal(with_overhead(16383, false), HTTP_DONE);
    assert_int_equal(with_overhead(16384, false), HTTP_BAD);
    assert_int_equal(with_overhead(16385, false), HTTP_BAD);
    assert_int_equal(with_overhead(16383, true), HTTP_DONE);
    assert_int_equal(with_overhead(16384, true), HTTP_BAD);
    assert_int_equal(with_overhead(100000, true), HTTP_BAD);
    assert_string_equal(err.text, "the chunk extensions and trailers are too large");
}

/* The same text, with limits of 100 bytes in all, 40 a line and 3 fields, of which a head has taken 30 and one. */
static enum http_progress
limited(const char *text)
{
    static const struct http_limits limits = { .head = 100, .line = 40, .fields = 3 };
    struct http_body b = { .kind = HTTP_BODY_CHUNKED };
    http_body_limit(&b, &limits, 30, 1);
    err.status = 0;
    (void)feed_in_steps(b, text, strlen(text), 7);
    return fed.progress;
}

static void
they_count_with_the_head(void **state)
{
    (void)state;
    assert_int_equal(limited("0\r\na: b\r\na: b\r\n\r\n"), HTTP_DONE);
    assert_int_equal(limited("0\r\na: b\r\na: b\r\na: b\r\n\r\n"), HTTP_BAD);
    assert_int_equal(err.status, 431);
    assert_int_equal(limited("0\r\na: 3456789012345678901234567890123456789\r\n\r\n"), HTTP_DONE);
    assert_int_equal(limited("0\r\na: 34567890123456789012345678901234567890\r\n\r\n"), HTTP_BAD);
    assert_int_equal(err.status, 431);
    assert_int_equal(limited("1;34567890123456789012345678901234567890123\r\nx\r\n0\r\n\r\n"), HTTP_BAD);
    assert_int_equal(err.status, 431);
    static const char chunk[] = "1;345678901234567890\r\nx\r\n";
    char text[200];
    snprintf(text, sizeof(text), "%s%s%s0\r\n\r\n", chunk, chunk, chunk);
    assert_int_equal(limited(text), HTTP_DONE);
    snprintf(text, sizeof(text), "%s%s%s%s0\r\n\r\n", chunk, chunk, chunk, chunk);
    assert_int_equal(limited(text), HTTP_BAD);
    assert_int_equal(err.status, 431);
}

static void
plain_chunk_lines_are_no_overhead(void **state)
{
    (void)state;
    struct http_body b = { .kind = HTTP_BODY_CHUNKED };
    for (int i = 0; i < 60000; i++) {
        fed.body_len = 0;
        feed(&b, "1\r\nx\r\n", 6);
        assert_int_equal(fed.progress, HTTP_MORE);
        assert_int_equal(fed.body_len, 1);
    }
    feed(&b, "0\r\n\r\n", 5);
    assert_int_equal(fed.progress, HTTP_DONE);
    assert_int_equal(b.overhead, 1);
}

static void
a_length_is_counted_down(void **state)
{
    (void)state;
    struct http_head h = { .has_length = true, .length = 5 };
    for (size_t k = 0; k < COUNT(steps); k++) {
        struct http_body b;
        http_body_of_request(&b, &h);
        assert_int_equal(b.kind, HTTP_BODY_LENGTH);
        assert_int_equal(http_body_end(&b, &err), HTTP_BAD);
        b = feed_in_steps(b, "hello, next", 11, steps[k]);
        assert_int_equal(fed.progress, HTTP_DONE);
        assert_int_equal(fed.used, 5);
        assert_memory_equal(fed.body, "hello", 5);
        assert_int_equal(http_body_end(&b, &err), HTTP_DONE);
    }
}

static void
no_body_is_complete_at_once(void **state)
{
    (void)state;
    struct http_head h = { .has_length = true, .length = 0 };
    struct http_body b;
    size_t used = 1;
    struct weir_text piece;
    http_body_of_request(&b, &h);
    assert_int_equal(http_body_read(&b, "x", 1, &used, &piece, &err), HTTP_DONE);
    assert_int_equal(used, 0);
    assert_int_equal(piece.len, 0);
    assert_int_equal(http_body_end(&b, &err), HTTP_DONE);
}

static void
a_body_without_length_ends_with_the_connection(void **state)
{
    (void)state;
    struct http_head h = { .status = 200 };
    struct http_body b;
    http_body_of_answer(&b, &h, TEXT("GET"));
    b = feed_in_steps(b, "hello", 5, 2);
    assert_int_equal(fed.progress, HTTP_MORE);
    assert_memory_equal(fed.body, "hello", 5);
    assert_int_equal(http_body_end(&b, &err), HTTP_DONE);
}

static void
random_bodies_come_out_as_they_went_in(void **state)
{
    (void)state;
    random_seed(7);
    static char wire[70000], body[20000];
    for (int round = 0; round < 300; round++) {
        size_t n = 0, len = 0;
        for (uint64_t chunks = random_below(20); chunks > 0; chunks--) {
            size_t size = 1 + random_below(chunks % 3 ? 20 : 900);
            n += (size_t)sprintf(wire + n, random_below(2) ? "%zx\r\n" : "%04zX;e=\"\\;\"\r\n",
                                 size);
            for (size_t i = 0; i < size; i++)
                wire[n++] = body[len++] = (char)random_below(256);
            n += (size_t)sprintf(wire + n, "\r\n");
        }
        n += (size_t)sprintf(wire + n, "0\r\n%s\r\nnext", random_below(2) ? "A: b\r\n" : "");
        struct http_body b = { .kind = HTTP_BODY_CHUNKED };
        (void)feed_in_steps(b, wire, n, random_below(4));
        assert_int_equal(fed.progress, HTTP_DONE);
        assert_int_equal(fed.used, n - 4);
        assert_int_equal(fed.body_len, len);
        assert_memory_equal(fed.body, body, len);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_chunked_bodies_are_decoded),
        cmocka_unit_test(bad_chunked_bodies_are_refused),
        cmocka_unit_test(what_is_announced_is_known_before_it_comes),
        cmocka_unit_test(a_body_that_breaks_off_is_not_complete),
        cmocka_unit_test(extensions_and_trailers_are_bounded),
        cmocka_unit_test(they_count_with_the_head),
        cmocka_unit_test(plain_chunk_lines_are_no_overhead),
        cmocka_unit_test(a_length_is_counted_down),
        cmocka_unit_test(no_body_is_complete_at_once),
        cmocka_unit_test(a_body_without_length_ends_with_the_connection),
        cmocka_unit_test(random_bodies_come_out_as_they_went_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
