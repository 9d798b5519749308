/* Heads of answers, and what body they announce.
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

#include "net/http1.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct weir_error err;
static struct http_head head;
static char kept[70000]; /* what the texts of the head point into */

struct message {
    const char *bytes;
    size_t len;
};
#define M(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }
#define OK "HTTP/1.1 200 OK\r\n"

static bool
parse(const char *bytes, size_t len)
{
    char *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    size_t n = 0;
    memset(&err, 0, sizeof(err));
    enum http_progress p = http_head_find(copy, len, 0, &http_answer_limits, &n, &err);
    bool good = p == HTTP_DONE &&
                http_answer_parse(copy, n, &http_answer_limits, &head, &err) == WEIR_OK;
    free(copy);
    if (good) {
        memcpy(kept, bytes, len);
        assert_int_equal(http_answer_parse(kept, n, &http_answer_limits, &head, &err), WEIR_OK);
        return true;
    }
    if (p != HTTP_MORE) {
        assert_int_equal(err.code, WEIR_UPSTREAM);
        assert_int_equal(err.status, 0);
        assert_true(err.text[0] != '\0');
    }
    return false;
}

static void
good_answers_are_taken(void **state)
{
    (void)state;
    static const struct message good[] = {
        M(OK "\r\n"),
        M("HTTP/1.0 200 OK\r\n\r\n"),
        M("HTTP/1.1 200\r\n\r\n"),
        M("HTTP/1.1 200 \r\n\r\n"),
        M("HTTP/1.1 200  two blanks\r\n\r\n"),
        M("HTTP/1.1 404 Not Found at \xc3\xa9\tall\r\n\r\n"),
        M("HTTP/1.1 100 Continue\r\n\r\n"),
        M("HTTP/1.1 999 Odd\r\n\r\n"),
        M(OK "Content-Length: 5\r\n\r\nhello"),
        M(OK "Transfer-Encoding: chunked\r\n\r\n"),
        M(OK "x_cache: hit\r\n\r\n"),
        M(OK "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n"),
        M(OK "Host: anything at all/\r\n\r\n"),
        M(OK "Connection: close\r\nExpect: x\r\n\r\n"),
        M("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
        M("HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n"),
        M("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
    };
    for (size_t i = 0; i < COUNT(good); i++)
        if (!parse(good[i].bytes, good[i].len))
            fail_msg("%s: %s", good[i].bytes, err.text);
}

static void
bad_answers_are_refused(void **state)
{
    (void)state;
    static const struct message bad[] = {
        M("\r\n"),
        M("hello\r\n\r\n"),
        M(" HTTP/1.1 200 OK\r\n\r\n"),
        M("HTTP/1.1\r\n\r\n"),
        M("HTTP/1.1 \r\n\r\n"),
        M("HTTP/1.1 20\r\n\r\n"),
        M("HTTP/1.1 2000 OK\r\n\r\n"),
        M("HTTP/1.1 099 OK\r\n\r\n"),
        M("HTTP/1.1 -20 OK\r\n\r\n"),
        M("HTTP/1.1 2x0 OK\r\n\r\n"),
        M("HTTP/1.1  200 OK\r\n\r\n"),
        M("HTTP/1.1\t200 OK\r\n\r\n"),
        M("HTTP/1.1 200\tOK\r\n\r\n"),
        M("HTTP/1.1 200OK\r\n\r\n"),
        M("HTTP/1.1 OK\r\n\r\n"),
        M("HTTP/1.2 200 OK\r\n\r\n"),
        M("HTTP/2.0 200 OK\r\n\r\n"),
        M("HTTP/2 200 OK\r\n\r\n"),
        M("http/1.1 200 OK\r\n\r\n"),
        M("ICY 200 OK\r\n\r\n"),
        M("HTTP/1.1 200 OK\n\r\n"),
        M("HTTP/1.1 200 OK\n\n"),
        M("HTTP/1.1 200 O\0K\r\n\r\n"),
        M("HTTP/1.1 200 O\rK\r\n\r\n"),
        M("HTTP/1.1 200 O\x1bK\r\n\r\n"),
        M(OK " X: a\r\n\r\n"),
        M(OK "X: a\r\n b\r\n\r\n"),
        M(OK "X : a\r\n\r\n"),
        M(OK ": a\r\n\r\n"),
        M(OK "X\r\n\r\n"),
        M(OK "X: a\rb\r\n\r\n"),
        M(OK "X: a\nb: c\r\n\r\n"),
        M(OK "X: a\0b\r\n\r\n"),
        M(OK "Content-Length: x\r\n\r\n"),
        M(OK "Content-Length: -1\r\n\r\n"),
        M(OK "Content-Length: 5, 5\r\n\r\n"),
        M(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
        M(OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
        M(OK "Content-Length: 18446744073709551616\r\n\r\n"),
        M(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
        M(OK "Transfer-Encoding: gzip, chunked\r\n\r\n"),
        M(OK "Transfer-Encoding: identity\r\n\r\n"),
        M(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
        M("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        M("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("SSH-2.0-OpenSSH_9.2\r\n"),
        M("220 smtp ready\r\n"),
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        if (parse(bad[i].bytes, bad[i].len) || err.code == 0)
            fail_msg("%s: taken", bad[i].bytes);
}

static void
what_is_no_answer_is_refused_at_its_first_bytes(void **state)
{
    (void)state;
    size_t n;
    assert_int_equal(http_head_find("X", 1, 0, &http_answer_limits, &n, &err), HTTP_BAD);
    assert_int_equal(http_head_find("HTTX", 4, 3, &http_answer_limits, &n, &err), HTTP_BAD);
    assert_int_equal(http_head_find("HTTP/1", 6, 0, &http_answer_limits, &n, &err), HTTP_MORE);
    assert_int_equal(http_head_find("HTTP/2", 6, 0, &http_answer_limits, &n, &err), HTTP_BAD);
    assert_int_equal(http_head_find("", 0, 0, &http_answer_limits, &n, &err), HTTP_MORE);
}

static void
the_head_is_taken_apart(void **state)
{
    (void)state;
    static const char answer[] = "HTTP/1.0 503 Try later\r\nRETRY-After: 5\r\n"
                                 "Content-Length: 9\r\nConnection: keep-alive\r\n\r\n";
    assert_true(parse(answer, sizeof(answer) - 1));
    assert_int_equal(head.status, 503);
    assert_int_equal(head.minor, 0);
    assert_true(text_is(head.reason, "Try later"));
    assert_true(text_is(http_field(&head, "retry-after"), "5"));
    assert_int_equal(head.length, 9);
    assert_true(head.has_length && head.keep_alive);
    assert_true(parse("HTTP/1.1 200\r\n\r\n", 16));
    assert_true(text_is(head.reason, ""));
    assert_true(head.keep_alive);
    assert_false(head.has_length);
}

static enum http_body_kind
kind_of(const char *answer, const char *method)
{
    struct http_body b;
    assert_true(parse(answer, strlen(answer)));
    http_body_of_answer(&b, &head, text_of(method));
    return b.kind;
}

static void
the_head_tells_the_body(void **state)
{
    (void)state;
#define LENGTH OK "Content-Length: 5\r\n\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
    assert_int_equal(kind_of(LENGTH, "GET"), HTTP_BODY_LENGTH);
    assert_int_equal(kind_of(CHUNKED, "GET"), HTTP_BODY_CHUNKED);
    assert_int_equal(kind_of(OK "\r\n", "GET"), HTTP_BODY_UNTIL_CLOSE);
    assert_int_equal(kind_of(OK "Content-Length: 0\r\n\r\n", "GET"), HTTP_BODY_NONE);
    assert_int_equal(kind_of(LENGTH, "HEAD"), HTTP_BODY_NONE);
    assert_int_equal(kind_of(CHUNKED, "HEAD"), HTTP_BODY_NONE);
    assert_int_equal(kind_of(OK "\r\n", "HEAD"), HTTP_BODY_NONE);
    assert_int_equal(kind_of("HTTP/1.1 204 x\r\n\r\n", "GET"), HTTP_BODY_NONE);
    assert_int_equal(kind_of("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", "GET"),
                     HTTP_BODY_NONE);
    assert_int_equal(kind_of("HTTP/1.1 100 x\r\n\r\n", "GET"), HTTP_BODY_NONE);
    assert_int_equal(kind_of("HTTP/1.1 199 x\r\nContent-Length: 5\r\n\r\n", "GET"),
                     HTTP_BODY_NONE);
    assert_int_equal(kind_of("HTTP/1.1 205 x\r\n\r\n", "GET"), HTTP_BODY_UNTIL_CLOSE);
}

/* An answer of TOTAL bytes with FIELDS lines besides. */
static bool
fits(size_t total, unsigned fields)
{
    static char answer[70000];
    size_t n = (size_t)sprintf(answer, OK);
    for (unsigned i = 0; i < fields; i++)
        n += (size_t)sprintf(answer + n, "Y: c\r\n");
    if (total > 0) {
        memcpy(answer + n, "Z: ", 3);
        memset(answer + n + 3, 'z', total - n - 7);
        memcpy(answer + total - 4, "\r\n", 2);
        n = total - 2;
    }
    memcpy(answer + n, "\r\n", 2);
    return parse(answer, n + 2);
}

static void
limits_hold_to_the_byte(void **state)
{
    (void)state;
    assert_true(fits(65535, 0));
    assert_true(fits(65536, 0));
    assert_false(fits(65537, 0));
    assert_true(fits(0, 127));
    assert_true(fits(0, 128));
    assert_false(fits(0, 129));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_answers_are_taken),
        cmocka_unit_test(bad_answers_are_refused),
        cmocka_unit_test(what_is_no_answer_is_refused_at_its_first_bytes),
        cmocka_unit_test(the_head_is_taken_apart),
        cmocka_unit_test(the_head_tells_the_body),
        cmocka_unit_test(limits_hold_to_the_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
