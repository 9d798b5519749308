/* The quick second opinion: which heads it takes for plain ones, and what it leaves to llhttp.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "request.h"

#include "net/http1_parse.h"

#define OK "HTTP/1.1 200 OK\r\n"

/* The opinion of a head that the parser finds good, and llhttp's. */
static bool
opinion(const struct message *m, bool answer, enum weir_code *ret_llhttp)
{
    char *copy = malloc(m->len);
    assert_non_null(copy);
    memcpy(copy, m->bytes, m->len);
    enum weir_code code = answer ? http_answer_parse(copy, m->len, &http_answer_limits, &head, &err)
                                 : http_request_parse(copy, m->len, &http_request_limits, &head, &err);
    if (code != WEIR_OK)
        fail_msg("refused: %s: %s", m->bytes, err.text);
    const struct http_parse p = { .head = &head, .err = &err, .answer = answer };
    bool plain = http_plain_opinion(copy, m->len, &p);
    *ret_llhttp = http_llhttp_opinion(copy, m->len, &p);
    free(copy);
    return plain;
}

static void
expect(const struct message *messages, size_t n, bool answer, bool plain)
{
    for (size_t i = 0; i < n; i++) {
        enum weir_code llhttp;
        if (opinion(&messages[i], answer, &llhttp) != plain)
            fail_msg("%s plain: %s", plain ? "not" : "", messages[i].bytes);
        assert_int_equal(llhttp, WEIR_OK);
    }
}

static void
what_most_callers_and_upstreams_send_is_plain(void **state)
{
    (void)state;
    static const struct message requests[] = {
        M(GET HOST "\r\n"),
        M(POST "Content-Length: 0\r\n\r\n"),
        M(POST "content-length: 123456789012345\r\n\r\n"),
        M(POST "Content-Type: application/json\r\nCookie: a=b; c=d\r\nContent-Length: 17\r\n"
               "Connection: keep-alive\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\nTE: trailers\r\n\r\n"),
        M("PUT /a/b?c=d%20e HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"),
        M("GET /a HTTP/1.1\r\n" HOST "A: b\r\n\r\n"),
        M("DELETE / HTTP/1.1\r\n" HOST "X-Empty:\r\n\r\n"),
        M("PATCH /a HTTP/1.1\r\n" HOST "\r\n"),
        M("HEAD /a HTTP/1.1\r\n" HOST "\r\n"),
    };
    static const struct message answers[] = {
        M(OK "\r\n"),
        M("HTTP/1.1 404\r\nContent-Length: 9\r\n\r\n"),
        M(OK "Server: nginx\r\nDate: Mon, 30 Nov 2026 18:00:00 GMT\r\nContent-Length: 2\r\n"
             "Connection: Keep-Alive\r\n\r\n"),
    };
    expect(requests, COUNT(requests), false, true);
    expect(answers, COUNT(answers), true, true);
}

static void
what_may_frame_a_message_otherwise_is_left_to_llhttp(void **state)
{
    (void)state;
    static const struct message requests[] = {
        M("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"),
        M("PROPFIND / HTTP/1.1\r\n" HOST "\r\n"),
        M("GET http://a/ HTTP/1.1\r\n" HOST "\r\n"),
        M("GET / HTTP/1.0\r\n\r\n"),
        M(POST "Transfer-Encoding: chunked\r\n\r\n"),
        M(POST "Content-Length:5\r\n\r\n"),
        M(POST "Content-Length:  5\r\n\r\n"),
        M(POST "Content-Length: 5 \r\n\r\n"),
        M(POST "Content-Length: 1234567890123456\r\n\r\n"),
        M(GET HOST "Content-Length-Of-It: 5\r\n\r\n"),
        M(GET HOST "Connection: te, close\r\n\r\n"),
        M(GET HOST "Connection: close\r\nConnection: te\r\n\r\n"),
        M(GET HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
        M(GET HOST "Upgrade-Insecure-Requests: 1\r\n\r\n"),
        M(GET HOST "Proxy-Connection: close\r\n\r\n"),
        M(GET HOST "X-Name: \xc3\xa9\r\n\r\n"),
        M(GET HOST "X-Tab: a\tb\r\n\r\n"),
    };
    static const struct message answers[] = {
        M("HTTP/1.0 200 OK\r\n\r\n"),
        M("HTTP/1.1 100 Continue\r\n\r\n"),
        M("HTTP/1.1 600 Odd\r\n\r\n"),
        M(OK "Transfer-Encoding: chunked\r\n\r\n"),
    };
    expect(requests, COUNT(requests), false, false);
    expect(answers, COUNT(answers), true, false);
}

/* What the parser did not see, the scan does: it is given the bytes, and what another head says. */
static void
it_sees_by_itself(void **state)
{
    (void)state;
    static const struct message seen[] = {
        M(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
        M(POST "Content-Length: 6\r\n\r\n"),
        M(POST "Content-Length : 5\r\n\r\n"),
        M(POST "Content-Length: 5\n\r\n\r\n"),
        M(POST "Content-Length: 5\r\n Folded: 1\r\n\r\n"),
        M(POST "Content-Length: 5\r\n: 1\r\n\r\n"),
        M(POST "Content-Length: 5\r\nA: b\rc\r\n\r\n"),
        M(POST "Content-Length: 5\r\nA: b\nc: d\r\n\r\n"),
        M(POST "Content-Length: 5\r\nA: \0\r\n\r\n"),
        M(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
        M(POST "Content-Length: 5\r\ntransfer-encoding : chunked\r\n\r\n"),
        M(POST "Content-Length: 5\r\n\r\nA: b\r\n\r\n"),
        M(POST "Content-Length: 5\r\n"),
        M(POST "Content-Length: 5\r\n\r"),
        M(POST "\r\n"),
        M(POST "Content-Length: 5\r\nUpgrade : a\r\n\r\n"),
        M(POST "Content-Length: 5\r\nConnection : close\r\n\r\n"),
        M(POST "Content-Length: 5\r\nConnection: keep-alivf\r\n\r\n"),
        M("POST / x HTTP/1.1\r\nContent-Length: 5\r\n\r\n"),
        M("POST /HTTP/1.1\r\nContent-Length: 5\r\n\r\n"),
        M("\r\nPOST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n"),
        M("\r\n"),
    };
    const struct message five = M(POST "Content-Length: 5\r\n\r\n");
    enum weir_code llhttp;
    assert_true(opinion(&five, false, &llhttp));
    const struct http_parse p = { .head = &head, .err = &err };
    for (size_t i = 0; i < COUNT(seen); i++) {
        char *copy = malloc(seen[i].len); /* so that reading past the end is seen */
        assert_non_null(copy);
        memcpy(copy, seen[i].bytes, seen[i].len);
        if (http_plain_opinion(copy, seen[i].len, &p))
            fail_msg("plain: %s", seen[i].bytes);
        free(copy);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_most_callers_and_upstreams_send_is_plain),
        cmocka_unit_test(what_may_frame_a_message_otherwise_is_left_to_llhttp),
        cmocka_unit_test(it_sees_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
