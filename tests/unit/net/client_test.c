/* client_test.c - requests, answers, connections kept and shared, ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fault.h"
#include "peer.h"

#define HELLO \
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX-A: 1\r\nx-b: 2\r\nX-a:  3 \r\n\r\nhello"

static void
an_answer_has_its_status_headers_and_body(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, HELLO);
    struct outcome o = { .done = false };
    side_get(s, p, &o);
    assert_int_equal(o.status, 200);
    assert_body(&o, "hello");
    assert_header(&o, "x-a", "1, 3");
    assert_header(&o, "x-b", "2");
    assert_header(&o, "content-length", "5");
    char expected[200];
    snprintf(expected, sizeof expected,
             "GET / HTTP/1.1\r\nhost: 127.0.0.1:%u\r\nuser-agent: weir\r\n\r\n", p->port);
    assert_string_equal(p->last, expected);
    outcome_free(&o);
    peer_stop(p);
}

static void
set_cookie_is_joined_and_latin_1_becomes_utf_8(void **state)
{
    struct side *s = *state;
    struct peer *p =
        peer_start(peer_answers, "HTTP/1.1 204 Nothing\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n"
                              "x-name: J\xfcrgen\r\n\r\n");
    struct outcome o = { .done = false };
    side_get(s, p, &o);
    assert_int_equal(o.status, 204);
    assert_body(&o, "");
    assert_header(&o, "set-cookie", "a=1, b=2");
    assert_header(&o, "x-name", "J\xc3\xbcrgen");
    assert_channels(s, 0, 1);
    outcome_free(&o);
    peer_stop(p);
}

static void
a_connection_is_used_again(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, HELLO);
    for (unsigned i = 0; i < 20; i++) {
        struct outcome o = { .done = false };
        side_get(s, p, &o);
        assert_body(&o, "hello");
        outcome_free(&o);
        assert_channels(s, 0, 1);
    }
    assert_int_equal(p->accepted, 1);
    assert_int_equal(s->reports, 20);
    peer_stop(p);
}

static void a_request_may_follow_in_the_callback(void **state);

struct chain {
    struct side *side;
    struct peer *peer;
    unsigned left;
    bool done;
};

static void
on_link(void *arg, const struct weir_http_answer *answer, const struct weir_error *err)
{
    struct chain *c = arg;
    assert_non_null(answer);
    assert_null(err);
    if (c->left-- == 0) {
        c->done = true;
        return;
    }
    struct weir_http_request http = side_request("GET", peer_url(c->peer, "/"));
    const struct client_request r = { .http = &http, .deadline_ms = UINT64_MAX, .attempt = 1 };
    client_send(c->side->client, &r, on_link, c);
}

static void
a_request_may_follow_in_the_callback(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, HELLO);
    struct chain c = { s, p, 50, false };
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    const struct client_request r = { .http = &http, .deadline_ms = UINT64_MAX, .attempt = 1 };
    client_send(s->client, &r, on_link, &c);
    side_until(s, &c.done);
    assert_int_equal(p->accepted, 1);
    assert_int_equal(p->requests, 51);
    peer_stop(p);
}

static void
short_and_long_bodies_arrive_whole(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, HELLO);
    static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 60000 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *bytes = malloc(sizes[i] + 1);
        memset(bytes, 'x', sizes[i] + 1);
        const struct weir_value *body = value_take(WEIR_BYTES, bytes, sizes[i]);
        struct weir_http_request http = side_request("POST", peer_url(p, "/in?q=1"));
        http.body = body;
        struct outcome o = { .done = false };
        side_call(s, &http, &o);
        value_unref(&body);
        assert_body(&o, "hello");
        char line[64];
        snprintf(line, sizeof line, "\r\ncontent-length: %zu\r\n", sizes[i]);
        assert_non_null(strstr(p->last, line));
        assert_non_null(strstr(p->last, "POST /in?q=1 HTTP/1.1\r\n"));
        const char *end = strstr(p->last, "\r\n\r\n") + 4;
        assert_int_equal(strlen(end), sizes[i]);
        assert_int_equal(strspn(end, "x"), sizes[i]);
        outcome_free(&o);
    }
    peer_stop(p);
}

#define LARGE (6u << 20)

static void
read_large(struct peer *p, int fd, unsigned n)
{
    (void)n;
    char bytes[10000];
    while (p->moved < LARGE) {
        ssize_t len = recv(fd, bytes, sizeof bytes, 0);
        if (len <= 0)
            return;
        p->moved += (unsigned long)len;
        if (p->moved < 300000)
            peer_pause(1);
    }
    char *answer = malloc(LARGE);
    memset(answer, 'y', LARGE);
    peer_say(fd, "HTTP/1.1 200 OK\r\ncontent-length: 6291456\r\n\r\n");
    peer_say_bytes(fd, answer, LARGE);
    free(answer);
    peer_wait(p);
}

static void
six_mebibytes_go_both_ways(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(read_large, NULL);
    char *bytes = malloc(LARGE);
    memset(bytes, 'x', LARGE);
    const struct weir_value *body = value_take(WEIR_STRING, bytes, LARGE);
    struct weir_http_request http = side_request("PUT", peer_url(p, "/"));
    http.body = body;
    struct outcome o = { .done = false };
    side_call(s, &http, &o);
    value_unref(&body);
    assert_int_equal(o.status, 200);
    assert_int_equal(o.body->len, LARGE);
    for (size_t i = 0; i < LARGE; i++)
        assert_true(o.body->bytes[i] == 'y');
    outcome_free(&o);
    peer_stop(p);
}

static void
answer_when_told(struct peer *p, int fd, unsigned n)
{
    (void)n;
    while (peer_read(p, fd)) {
        peer_wait(p);
        peer_say(fd, HELLO);
    }
}

static void
a_pool_is_bounded_and_the_others_wait_their_turn(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(answer_when_told, NULL);
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    http.pool = 3;
    struct outcome o[10] = { { .done = false } };
    for (unsigned i = 0; i < 10; i++)
        side_send(s, &http, &o[i]);
    side_until_count(s, &p->requests, 3);
    side_turns(s, 20);
    assert_int_equal(p->accepted, 3);
    assert_channels(s, 3, 0);
    p->go = true;
    for (unsigned i = 0; i < 10; i++) {
        side_until(s, &o[i].done);
        assert_body(&o[i], "hello");
        outcome_free(&o[i]);
    }
    assert_int_equal(p->accepted, 3);
    assert_channels(s, 0, 3);
    client_trim(s->client);
    assert_channels(s, 0, 0);
    peer_stop(p);
}

static void
too_many_that_wait_are_refused(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(answer_when_told, NULL);
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    http.pool = 1;
    struct outcome *o = calloc(1100, sizeof *o);
    for (unsigned i = 0; i < 1100; i++)
        side_send(s, &http, &o[i]);
    side_turns(s, 10);
    for (unsigned i = 1025; i < 1100; i++) {
        assert_true(o[i].done);
        assert_failed(&o[i], WEIR_UNAVAILABLE, "1024 requests wait");
        assert_int_equal(o[i].err.sent, 0);
    }
    assert_false(o[1024].done);
    p->go = true;
    side_until(s, &o[1024].done);
    for (unsigned i = 0; i < 1025; i++)
        outcome_free(&o[i]);
    free(o);
    peer_stop(p);
}

static void
a_cancelled_call_is_never_answered(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(answer_when_told, NULL);
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    http.pool = 1;
    struct outcome o[4] = { { .done = false } };
    struct client_call *sent = side_send(s, &http, &o[0]);
    struct client_call *waits = side_send(s, &http, &o[1]);
    side_until_count(s, &p->requests, 1);
    client_cancel(&waits);
    client_cancel(&sent);
    assert_null(sent);
    assert_channels(s, 0, 0);
    assert_int_equal(s->report.code, WEIR_CANCELLED);
    assert_int_equal(s->reports, 2);
    struct client_call *dials = side_send(s, &http, &o[2]);
    client_cancel(&dials);
    http.url = TEXT("http:///");
    struct client_call *fails = side_send(s, &http, &o[3]);
    client_cancel(&fails);
    client_cancel(&fails);
    p->go = true;
    side_turns(s, 20);
    for (unsigned i = 0; i < 4; i++)
        assert_false(o[i].done);
    peer_stop(p);
}

static void
a_client_that_goes_drops_its_calls(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(answer_when_told, NULL);
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    http.pool = 1;
    struct outcome o[3] = { { .done = false } };
    for (unsigned i = 0; i < 3; i++)
        side_send(s, &http, &o[i]);
    side_until_count(s, &p->requests, 1);
    client_free(&s->client);
    assert_null(s->client);
    side_turns(s, 5);
    assert_false(o[0].done || o[1].done || o[2].done);
    peer_stop(p);
}

static void
each_end_is_reported(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, "HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n");
    struct outcome o = { .done = false };
    side_get(s, p, &o);
    assert_int_equal(s->report.status, 404);
    assert_int_equal(s->report.code, WEIR_OK);
    assert_true(s->report.duration_ns > 1000);
    char server[64];
    snprintf(server, sizeof server, "127.0.0.1:%u", p->port);
    assert_string_equal(s->server, server);
    outcome_free(&o);
    peer_stop(p);
}

static void
a_port_where_nobody_listens_is_an_upstream_error(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, HELLO);
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    peer_stop(p);
    struct outcome o = { .done = false };
    side_call(s, &http, &o);
    assert_failed(&o, WEIR_UPSTREAM, "refused the connection");
    assert_int_equal(o.err.sent, 0);
    assert_int_equal(s->report.status, 0);
    assert_int_equal(s->report.code, WEIR_UPSTREAM);
}

static void
hosts_may_be_names_and_ipv6(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, HELLO);
    char url[64];
    snprintf(url, sizeof url, "http://LocalHost:%u", p->port);
    struct weir_http_request http = side_request("GET", url);
    struct outcome o = { .done = false };
    side_call(s, &http, &o);
    assert_body(&o, "hello");
    outcome_free(&o);
    snprintf(url, sizeof url, "http://localhost:%u?a=b", p->port);
    http.url = text_of(url);
    side_call(s, &http, &o);
    assert_body(&o, "hello");
    outcome_free(&o);
    assert_int_equal(p->accepted, 1);
    assert_non_null(strstr(p->last, "GET /?a=b HTTP/1.1\r\nhost: localhost:"));
    http.url = TEXT("http://[::1]:1/");
    side_call(s, &http, &o);
    assert_int_equal(o.err.code, WEIR_UPSTREAM);
    assert_non_null(strstr(o.err.text, "[::1]:1: "));
    http.url = TEXT("http://no-such-host.invalid/");
    outcome_free(&o);
    side_call(s, &http, &o);
    assert_failed(&o, WEIR_UPSTREAM, "no-such-host.invalid");
    peer_stop(p);
}

#ifdef WEIR_FAULTS
static void
all_works_byte_by_byte(void **state)
{
    struct side *s = *state;
    fault_set("READ_ONE_BYTE", UINT32_MAX);
    fault_set("WRITE_ONE_BYTE", UINT32_MAX);
    struct peer *p = peer_start(peer_answers, HELLO);
    const struct weir_value *body = value_take(WEIR_BYTES, calloc(1, 5000), 5000);
    for (unsigned i = 0; i < 3; i++) {
        struct weir_http_request http = side_request("POST", peer_url(p, "/"));
        http.body = body;
        struct outcome o = { .done = false };
        side_call(s, &http, &o);
        assert_body(&o, "hello");
        outcome_free(&o);
    }
    assert_int_equal(p->accepted, 1);
    value_unref(&body);
    fault_set("READ_ONE_BYTE", 0);
    fault_set("WRITE_ONE_BYTE", 0);
    peer_stop(p);
}

static void
a_fault_of_connecting_is_an_upstream_error(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, HELLO);
    struct outcome o = { .done = false };
    fault_set("POOL_CONNECT", 1);
    side_get(s, p, &o);
    assert_failed(&o, WEIR_UPSTREAM, "refused the connection");
    outcome_free(&o);
    side_get(s, p, &o);
    assert_body(&o, "hello");
    outcome_free(&o);
    peer_stop(p);
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SIDE_TEST(an_answer_has_its_status_headers_and_body),
        SIDE_TEST(set_cookie_is_joined_and_latin_1_becomes_utf_8),
        SIDE_TEST(a_connection_is_used_again),
        SIDE_TEST(a_request_may_follow_in_the_callback),
        SIDE_TEST(short_and_long_bodies_arrive_whole),
        SIDE_TEST(six_mebibytes_go_both_ways),
        SIDE_TEST(a_pool_is_bounded_and_the_others_wait_their_turn),
        SIDE_TEST(too_many_that_wait_are_refused),
        SIDE_TEST(a_cancelled_call_is_never_answered),
        SIDE_TEST(a_client_that_goes_drops_its_calls),
        SIDE_TEST(each_end_is_reported),
        SIDE_TEST(a_port_where_nobody_listens_is_an_upstream_error),
        SIDE_TEST(hosts_may_be_names_and_ipv6),
#ifdef WEIR_FAULTS
        SIDE_TEST(all_works_byte_by_byte),
        SIDE_TEST(a_fault_of_connecting_is_an_upstream_error),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
