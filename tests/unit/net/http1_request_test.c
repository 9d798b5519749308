/* Heads of requests: what is taken, what is found in it, and limits to the byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "request.h"

/* The same for a message that lives on, so that the head's texts can be looked at. */
static void
parse_good(char *bytes)
{
    size_t len = 0;
    assert_int_equal(http_head_find(bytes, strlen(bytes), 0, &http_request_limits, &len, &err),
                     HTTP_DONE);
    assert_int_equal(http_request_parse(bytes, len, &http_request_limits, &head, &err),
                     WEIR_OK);
}

static void
good_requests_are_taken(void **state)
{
    (void)state;
    static const struct message good[] = {
        M(GET HOST "\r\n"),
        M("GET / HTTP/1.0\r\n\r\n"),
        M("GET / HTTP/1.0\r\n" HOST "\r\n"),
        M("GET /a/b?c=d&e HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /%41%2f%00?%5A%5a=1 HTTP/1.0\r\n\r\n"),
        M("DELETE /x HTTP/1.1\r\n" HOST "\r\n"),
        M("PATCH /x HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"),
        M("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"),
        M("OPTIONS /x HTTP/1.1\r\n" HOST "\r\n"),
        M("PROPFIND /x HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /?a=\"<b>\"|{c}^`[] HTTP/1.1\r\n" HOST "\r\n"),
        M("GET //a//b/../c HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /:@!$&'()*+,;=~-._ HTTP/1.1\r\n" HOST "\r\n"),
        M("GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("GET HTTP://A:80/x HTTP/1.1\r\nHost: a:80\r\n\r\n"),
        M("GET https://[::1]:8/x HTTP/1.1\r\nHost: [::1]:8\r\n\r\n"),
        M("GET http://a/x HTTP/1.0\r\n\r\n"),
        M(GET "Host:a\r\n\r\n"),
        M(GET "Host: a \r\n\r\n"),
        M(GET "Host:    a   \r\n\r\n"),
        M(GET "host: a\r\n\r\n"),
        M(GET "HOST: a\r\n\r\n"),
        M(GET "Host: a.b-c_d~e:8080\r\n\r\n"),
        M(GET "Host: 127.0.0.1:65535\r\n\r\n"),
        M(GET "Host: [2001:db8::1]\r\n\r\n"),
        M(GET "Host: [::ffff:1.2.3.4]:80\r\n\r\n"),
        M(GET HOST "X:\r\n\r\n"),
        M(GET HOST "X: \r\n\r\n"),
        M(GET HOST "X: a\tb\r\n\r\n"),
        M(GET HOST "X:\ta\t\r\n\r\n"),
        M(GET HOST "X: \x80\xff\xc3\xa9\r\n\r\n"),
        M(GET HOST "X: a:b:c\r\nX: d\r\n\r\n"),
        M(GET HOST "!#$%&'*+-.^`|~09AZaz: x\r\n\r\n"),
        M("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello"),
        M("POST / HTTP/1.1\r\n" HOST "Content-Length: 007\r\n\r\n"),
        M("POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807\r\n\r\n"),
        M("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"),
        M("POST / HTTP/1.1\r\n" HOST "transfer-encoding:CHUNKED \r\n\r\n"),
        M("POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"),
        M("POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n"),
        M(GET HOST "Connection: close\r\n\r\n"),
        M(GET HOST "Connection: keep-alive, Upgrade, HTTP2-Settings\r\n"
                   "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"),
        M(GET HOST "Connection: , close ,, x\r\n\r\n"),
        M(GET HOST "Connection:\r\n\r\n"),
        M(GET HOST "Connection: TE\r\nTE: trailers\r\n\r\n"),
        M(GET HOST "Trailer: x\r\n\r\n"),
        M(GET HOST "\r\nGET /next HTTP/1.1\r\n"),
    };
    expect_all(good, COUNT(good), 0);
}

static void
the_head_is_taken_apart(void **state)
{
    (void)state;
    char request[] = "POST /a/b?c=d HTTP/1.1\r\nHOST: Example.com:8080\r\nX-One:  1 \r\n"
                     "x-two:\r\nX-ONE: again\r\nContent-Length: 42\r\n"
                     "Connection: Keep-Alive\r\n\r\n";
    parse_good(request);
    assert_true(text_is(head.method, "POST"));
    assert_true(text_is(head.target, "/a/b?c=d"));
    assert_true(text_is(head.origin, "/a/b?c=d"));
    assert_true(text_is(head.authority, "Example.com:8080"));
    assert_int_equal(head.minor, 1);
    assert_int_equal(head.n_fields, 6);
    assert_true(text_is(head.fields[0].name, "host"));
    assert_true(text_is(head.fields[1].name, "x-one"));
    assert_true(text_is(head.fields[1].value, "1"));
    assert_true(text_is(http_field(&head, "x-one"), "1"));
    assert_true(text_is(http_field(&head, "x-two"), ""));
    assert_non_null(http_field(&head, "x-two").bytes);
    assert_null(http_field(&head, "x-three").bytes);
    assert_true(head.has_length && !head.chunked && head.keep_alive);
    assert_false(head.expect_continue || head.upgrade);
    assert_int_equal(head.length, 42);
}

static void
absolute_targets_name_host_and_path(void **state)
{
    (void)state;
    char with_path[] = "GET http://A.com:80/x/y?z HTTP/1.1\r\nHost: a.com:80\r\n\r\n";
    parse_good(with_path);
    assert_true(text_is(head.authority, "A.com:80"));
    assert_true(text_is(head.origin, "/x/y?z"));
    assert_true(text_is(head.target, "http://A.com:80/x/y?z"));
    char without[] = "GET https://a HTTP/1.1\r\nHost: a\r\n\r\n";
    parse_good(without);
    assert_true(text_is(head.origin, "/"));
    char query_alone[] = "GET http://a?z HTTP/1.1\r\nHost: a\r\n\r\n";
    parse_good(query_alone);
    assert_true(text_is(head.authority, "a"));
    assert_true(text_is(head.origin, "?z"));
    char asterisk[] = "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n";
    parse_good(asterisk);
    assert_true(text_is(head.origin, "*"));
}

static bool
keeps_alive(const char *version, const char *connection)
{
    char request[256];
    snprintf(request, sizeof(request), "GET / HTTP/1.%s\r\nHost: a\r\n%s\r\n", version,
             connection);
    parse_good(request);
    return head.keep_alive;
}

static void
the_connection_is_kept_as_version_and_options_say(void **state)
{
    (void)state;
    assert_true(keeps_alive("1", ""));
    assert_false(keeps_alive("0", ""));
    assert_true(keeps_alive("0", "Connection: keep-alive\r\n"));
    assert_true(keeps_alive("0", "Connection: x, Keep-Alive\r\n"));
    assert_false(keeps_alive("1", "Connection: close\r\n"));
    assert_false(keeps_alive("1", "Connection: CLOSE\r\n"));
    assert_false(keeps_alive("1", "Connection: keep-alive,close\r\n"));
    assert_false(keeps_alive("0", "Connection: keep-alive,close\r\n"));
    assert_false(keeps_alive("1", "Connection: x\r\nConnection: close\r\n"));
    assert_true(keeps_alive("1", "Connection: closed\r\n"));
    assert_true(keeps_alive("1", "X-Connection: close\r\n"));
}

static void
expectations_and_upgrades_are_seen(void **state)
{
    (void)state;
    char expect[] = POST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    parse_good(expect);
    assert_true(head.expect_continue);
    char old[] = "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    parse_good(old);
    assert_false(head.expect_continue);
    char upgrade[] = GET HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    parse_good(upgrade);
    assert_true(head.upgrade);
    char alone[] = GET HOST "Upgrade: websocket\r\n\r\n";
    parse_good(alone);
    assert_false(head.upgrade);
    char nothing[] = GET HOST "Connection: upgrade\r\n\r\n";
    parse_good(nothing);
    assert_false(head.upgrade);
}

/* What was found in the whole is found at each cut, and never read beyond. */
static void
a_head_is_found_however_it_is_cut(void **state)
{
    (void)state;
    static const char request[] = GET HOST "X: y\r\n\r\nGET /next HTTP/1.1\r\n";
    size_t end = (size_t)(strstr(request, "\r\n\r\n") + 4 - request);
    size_t len = 0;
    for (size_t cut = 0; cut < end; cut++) {
        char *copy = malloc(cut + 1);
        assert_non_null(copy);
        memcpy(copy, request, cut);
        assert_int_equal(http_head_find(copy, cut, 0, &http_request_limits, &len, &err),
                         HTTP_MORE);
        free(copy);
        assert_int_equal(
            http_head_find(request, sizeof(request) - 1, cut, &http_request_limits, &len, &err),
            HTTP_DONE);
        assert_int_equal(len, end);
    }
    for (size_t n = 1; n < end; n++)
        assert_int_equal(http_head_find(request, n, n - 1, &http_request_limits, &len, &err),
                         HTTP_MORE);
}

/* A request with a target and a header line of the given lengths, and fillers. */
static char *
build(size_t target, size_t line, unsigned fields, size_t total, size_t *ret_len)
{
    char *r = malloc(200000);
    assert_non_null(r);
    size_t n = 0;
    memcpy(r, "GET /", 5);
    memset(r + 5, 'a', target - 1);
    n = 4 + target;
    n += (size_t)sprintf(r + n, " HTTP/1.1\r\nHost: a\r\n");
    unsigned have = 1;
    if (line > 0) {
        memcpy(r + n, "X: ", 3);
        memset(r + n + 3, 'b', line - 3);
        memcpy(r + n + line, "\r\n", 2);
        n += line + 2;
        have++;
    }
    for (; have < fields; have++)
        n += (size_t)sprintf(r + n, "Y: c\r\n");
    while (total > 0 && n + 2 < total) {
        size_t take = total - n - 2;
        if (take > 4000)
            take = take - 4000 < 10 ? 3000 : 4000;
        memcpy(r + n, "Z: ", 3);
        memset(r + n + 3, 'd', take - 5);
        memcpy(r + n + take - 2, "\r\n", 2);
        n += take;
    }
    memcpy(r + n, "\r\n", 2);
    *ret_len = n + 2;
    return r;
}

/* Feeds it in one piece and in pieces of N bytes: the outcome must be the same. */
static unsigned
outcome(size_t target, size_t line, unsigned fields, size_t total)
{
    size_t len;
    char *r = build(target, line, fields, total, &len);
    unsigned whole = parse(r, len);
    static const size_t steps[] = { 1, 7, 1000 };
    for (size_t i = 0; i < COUNT(steps); i++) {
        size_t head_len = 0, seen = 0, now = 0;
        enum http_progress p = HTTP_MORE;
        while (p == HTTP_MORE && seen < len) {
            now = seen + steps[i] < len ? seen + steps[i] : len;
            p = http_head_find(r, now, seen, &http_request_limits, &head_len, &err);
            seen = now;
        }
        unsigned pieces = p == HTTP_BAD ? err.status : 0;
        if (p == HTTP_DONE) {
            assert_int_equal(head_len, len);
            char *copy = malloc(len);
            assert_non_null(copy);
            memcpy(copy, r, len);
            if (http_request_parse(copy, len, &http_request_limits, &head, &err) != WEIR_OK)
                pieces = err.status;
            free(copy);
        }
        assert_int_equal(pieces, whole);
    }
    free(r);
    return whole;
}

static void
limits_hold_to_the_byte(void **state)
{
    (void)state;
    assert_int_equal(outcome(8191, 0, 0, 0), 0);
    assert_int_equal(outcome(8192, 0, 0, 0), 0);
    assert_int_equal(outcome(8193, 0, 0, 0), 414);
    assert_int_equal(outcome(9000, 0, 0, 0), 414);
    assert_int_equal(outcome(40000, 0, 0, 0), 414);
    assert_int_equal(outcome(1, 8191, 0, 0), 0);
    assert_int_equal(outcome(1, 8192, 0, 0), 0);
    assert_int_equal(outcome(1, 8193, 0, 0), 431);
    assert_int_equal(outcome(1, 60000, 0, 0), 431);
    assert_int_equal(outcome(1, 0, 99, 0), 0);
    assert_int_equal(outcome(1, 0, 100, 0), 0);
    assert_int_equal(outcome(1, 0, 101, 0), 431);
    assert_int_equal(outcome(1, 0, 129, 0), 431);
    assert_int_equal(outcome(1, 0, 5000, 0), 431);
    assert_int_equal(outcome(1, 0, 0, 32767), 0);
    assert_int_equal(outcome(1, 0, 0, 32768), 0);
    assert_int_equal(outcome(1, 0, 0, 32769), 431);
    assert_int_equal(outcome(1, 0, 0, 100000), 431);
}

static void
a_method_without_end_is_refused_before_its_line_ends(void **state)
{
    (void)state;
    char *long_method = malloc(9000);
    assert_non_null(long_method);
    memset(long_method, 'A', 9000);
    assert_int_equal(parse(long_method, 9000), 400);
    memcpy(long_method, "GET /", 5);
    assert_int_equal(parse(long_method, 9000), 414);
    free(long_method);
}

static void
tokens_and_values_are_told_apart(void **state)
{
    (void)state;
    assert_true(http_is_token(TEXT("abc-DEF_1")));
    assert_false(http_is_token(TEXT("")));
    assert_false(http_is_token(TEXT("a b")));
    assert_false(http_is_token(TEXT("a\0b")));
    assert_true(http_is_field_value(TEXT("")));
    assert_true(http_is_field_value(TEXT("a b\tc \xc3\xa9")));
    assert_false(http_is_field_value(TEXT("a\r\nb")));
    assert_false(http_is_field_value(TEXT("a\nb")));
    assert_false(http_is_field_value(TEXT("a\0b")));
    assert_false(http_is_field_value(TEXT("\x7f")));
    assert_string_equal(http_reason(200), "OK");
    assert_string_equal(http_reason(431), "Request Header Fields Too Large");
    assert_string_equal(http_reason(299), "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_requests_are_taken),
        cmocka_unit_test(the_head_is_taken_apart),
        cmocka_unit_test(absolute_targets_name_host_and_path),
        cmocka_unit_test(the_connection_is_kept_as_version_and_options_say),
        cmocka_unit_test(expectations_and_upgrades_are_seen),
        cmocka_unit_test(a_head_is_found_however_it_is_cut),
        cmocka_unit_test(limits_hold_to_the_byte),
        cmocka_unit_test(a_method_without_end_is_refused_before_its_line_ends),
        cmocka_unit_test(tokens_and_values_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
