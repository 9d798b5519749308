/* client_request_test.c - what of a caller's request goes to the wire, and what is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "peer.h"

static void
headers_of_the_connection_are_ours(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, NULL);
    const struct weir_header headers[] = {
        { TEXT("Connection"), TEXT("close") },
        { TEXT("content-LENGTH"), TEXT("999") },
        { TEXT("Transfer-Encoding"), TEXT("chunked") },
        { TEXT("Keep-Alive"), TEXT("timeout=5") },
        { TEXT("TE"), TEXT("trailers") },
        { TEXT("Expect"), TEXT("100-continue") },
        { TEXT("Upgrade"), TEXT("h2c") },
        { TEXT("Host"), TEXT("other.example") },
        { TEXT("host"), TEXT("twice.example") },
        { TEXT("User-Agent"), TEXT("mine/1") },
        { TEXT("X-Empty"), { NULL, 0 } },
        { TEXT("Accept"), TEXT("text/*") },
    };
    const struct weir_value *body = value_text("abc");
    struct weir_http_request http = side_request("PATCH", peer_url(p, "/a%20b?x=%0A"));
    http.headers = headers;
    http.n_headers = sizeof headers / sizeof *headers;
    http.body = body;
    struct outcome o = { .done = false };
    side_call(s, &http, &o);
    assert_body(&o, "ok");
    assert_string_equal(p->last, "PATCH /a%20b?x=%0A HTTP/1.1\r\nHost: other.example\r\n"
                                 "User-Agent: mine/1\r\nX-Empty: \r\nAccept: text/*\r\n"
                                 "content-length: 3\r\n\r\nabc");
    value_unref(&body);
    outcome_free(&o);
    peer_stop(p);
}

static void
a_post_without_body_has_length_0_and_a_get_none(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, NULL);
    struct weir_http_request http = side_request("POST", peer_url(p, "/"));
    struct outcome o = { .done = false };
    side_call(s, &http, &o);
    assert_non_null(strstr(p->last, "content-length: 0\r\n"));
    outcome_free(&o);
    http.method = TEXT("DELETE");
    side_call(s, &http, &o);
    assert_null(strstr(p->last, "content-length"));
    outcome_free(&o);
    peer_stop(p);
}

static void
nothing_of_a_caller_begins_a_line(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, NULL);
    const struct weir_header bad[] = {
        { TEXT("x"), TEXT("a\r\ny: b") }, { TEXT("x"), TEXT("a\nb") },
        { TEXT("x"), TEXT("a\rb") },      { TEXT("x"), TEXT("a\0b") },
        { TEXT("x y"), TEXT("a") },       { TEXT("x:"), TEXT("a") },
        { TEXT(""), TEXT("a") },          { TEXT("x\r\n"), TEXT("a") },
    };
    struct outcome o = { .done = false };
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    http.n_headers = 1;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        http.headers = &bad[i];
        side_call(s, &http, &o);
        assert_failed(&o, WEIR_INVALID, "request header");
        assert_int_equal(o.err.sent, 0);
        outcome_free(&o);
    }
    http.n_headers = 0;
    const struct weir_text methods[] = { TEXT(""), TEXT("GET /x HTTP/1.1\r\nA: b\r\n\r\n"),
                                         TEXT("G T"), TEXT("CONNECT"),
                                         TEXT("THISMETHODISLONGERTHANANYTHATISKNOWN") };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        http.method = methods[i];
        side_call(s, &http, &o);
        assert_failed(&o, WEIR_INVALID, "no method");
        outcome_free(&o);
    }
    http.method = TEXT("GET");
    const struct weir_text urls[] = { TEXT(""),
                                      TEXT("ftp://a/"),
                                      TEXT("http://"),
                                      TEXT("http://a b/"),
                                      TEXT("http://a/\r\nx"),
                                      TEXT("http://u:p@a/"),
                                      TEXT("http://a:99999/"),
                                      TEXT("/relative") };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        http.url = urls[i];
        side_call(s, &http, &o);
        assert_int_equal(o.err.code, WEIR_INVALID);
        outcome_free(&o);
    }
    assert_int_equal(p->accepted, 0);
    peer_stop(p);
}

static void
a_body_must_be_bytes(void **state)
{
    struct side *s = *state;
    struct weir_http_request http = side_request("POST", "http://127.0.0.1:1/");
    http.body = &value_empty_map;
    struct outcome o = { .done = false };
    side_call(s, &http, &o);
    assert_failed(&o, WEIR_INVALID, "not a map");
}

static void
a_head_has_a_bound(void **state)
{
    struct side *s = *state;
    size_t len = 300000;
    char *bytes = malloc(len);
    memset(bytes, 'a', len);
    struct weir_header h = { TEXT("x"), { bytes, len } };
    struct weir_http_request http = side_request("POST", "http://127.0.0.1:1/");
    http.headers = &h;
    http.n_headers = 1;
    struct outcome o = { .done = false };
    side_call(s, &http, &o);
    assert_failed(&o, WEIR_TOO_LARGE, "url and headers");
    free(bytes);
}

/* URL, in which %u is PORT, is not called, for it is WHY. */
static void
assert_forbidden(struct side *s, struct weir_http_request *http, const char *url, unsigned port, const char *why)
{
    struct outcome o = { .done = false };
    char text[64];
    snprintf(text, sizeof text, url, port);
    http->url = text_of(text);
    side_call(s, http, &o);
    assert_failed(&o, WEIR_FORBIDDEN, why);
    assert_int_equal(o.err.sent, 0);
    outcome_free(&o);
}

static void
hosts_from_outside_must_be_allowed_and_public(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, NULL);
    struct weir_builder *b = builder_list();
    static const char *const names[] = { "localhost",  "127.0.0.1",       "*.example.com",
                                         "0x7f000001", "2130706433",      "[::1]",
                                         "::1",        "169.254.169.254", "::ffff:127.0.0.1" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct weir_value *v = value_text(names[i]);
        builder_add(b, &v);
    }
    const struct weir_value *allowed = builder_end(&b);
    struct outcome o = { .done = false };
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));

    side_call(s, &http, &o); /* plain text may be private */
    assert_body(&o, "ok");
    outcome_free(&o);

    http.flags = WEIR_HTTP_UNTRUSTED;
    side_call(s, &http, &o);
    assert_failed(&o, WEIR_FORBIDDEN, "not among those that may be called");
    outcome_free(&o);

    /* allowed by name, but not public: the idle connection is no way around it */
    assert_channels(s, 0, 1);
    http.allow_hosts = allowed;
    static const char *const private[] = { "http://127.0.0.1:%u/", "http://localhost:%u/",
                                           "http://[::1]:%u/", "http://169.254.169.254:%u/",
                                           "http://[::ffff:127.0.0.1]:%u/" };
    for (size_t i = 0; i < sizeof private / sizeof *private; i++)
        assert_forbidden(s, &http, private[i], p->port, "not a public one");
    static const char *const spelled[] = { "http://0x7f000001:%u/", "http://2130706433:%u/" };
    for (size_t i = 0; i < 2; i++) {
        char url[64];
        snprintf(url, sizeof url, spelled[i], p->port);
        http.url = text_of(url);
        side_call(s, &http, &o);
        assert_int_not_equal(o.err.code, WEIR_OK);
        outcome_free(&o);
    }
    static const char *const others[] = { "http://example.com/", "http://evilexample.com/",
                                          "http://a.example.com.evil/",
                                          "http://localhost.evil/" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_forbidden(s, &http, others[i], 0, "not among those that may be called");
    assert_int_equal(p->requests, 1);
    value_unref(&allowed);
    peer_stop(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SIDE_TEST(headers_of_the_connection_are_ours),
        SIDE_TEST(a_post_without_body_has_length_0_and_a_get_none),
        SIDE_TEST(nothing_of_a_caller_begins_a_line),
        SIDE_TEST(a_body_must_be_bytes),
        SIDE_TEST(a_head_has_a_bound),
        SIDE_TEST(hosts_from_outside_must_be_allowed_and_public),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
