/* unit/edge/request_test.c - requests and answers on the wire.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

static void
a_request_is_offered_and_answered(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(status_of(ask(fd, "GET /get?a=b HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    assert_string_equal(body_of(h.got), "GET /get");
    assert_true(has("\r\nContent-Length: 8\r\n"));
    assert_true(has("\r\nContent-Type: text/plain\r\n"));
    assert_true(has("\r\nDate: "));
    assert_true(has("\r\nX-Request-ID: "));
    assert_false(has("Connection:"));
    assert_false(h.closed);
    close(fd);
}

static void
a_connection_is_kept(void **state)
{
    (void)state;
    int fd = dial();
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(status_of(ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    assert_int_equal(edge_connections(h.edge), 1);
    close(fd);
}

static void
a_caller_may_ask_for_the_end(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(
        status_of(ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")), 200);
    assert_true(has("\r\nConnection: close\r\n"));
    assert_true(h.closed);
    close(fd);
}

static void
http_1_0_is_closed_unless_it_asks_otherwise(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(status_of(ask(fd, "GET /get HTTP/1.0\r\nHost: x\r\n\r\n")), 200);
    assert_true(h.closed);
    close(fd);
    fd = dial();
    ask(fd, "GET /get HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
    assert_true(has("\r\nConnection: keep-alive\r\n"));
    assert_false(h.closed);
    close(fd);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    int fd = dial();
    char text[8192] = "";
    for (unsigned i = 0; i < 100; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text),
                 "GET /any/%u HTTP/1.1\r\nHost: x\r\n\r\n", i);
    ask(fd, text);
    assert_int_equal(times("HTTP/1.1 200"), 100);
    const char *at = h.got;
    for (unsigned i = 0; i < 100; i++) {
        char path[32];
        snprintf(path, sizeof(path), "GET /any/%u", i);
        at = strstr(at, path);
        assert_non_null(at);
    }
    close(fd);
}

static void
the_next_request_waits_for_the_answer_before_it(void **state)
{
    (void)state;
    h.on_offer = hold;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\nGET /any/2 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(h.got_len, 0);
    assert_int_equal(h.offers, 1);
    struct weir_event *first = h.event;
    h.on_offer = echo;
    answer_text(first, 200, "first");
    take(fd);
    assert_int_equal(h.offers, 2);
    assert_true(strstr(h.got, "first") < strstr(h.got, "GET /any/2"));
    first->ops->release(first); /* its run went on meanwhile */
    close(fd);
}

static void
a_release_after_the_connection_was_closed_is_fine(void **state)
{
    (void)state;
    h.on_offer = hold;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    answer_text(h.event, 200, "here");
    assert_int_equal(status_of(take(fd)), 200);
    close(fd);
    turn();
    turn();
    assert_int_equal(edge_connections(h.edge), 0);
    assert_true(text_is(h.event->path, "/get"));
    h.event->ops->release(h.event);
}

static void
what_is_not_served_is_404_and_the_connection_goes_on(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(
        status_of(ask(fd, "GET /nope HTTP/1.1\r\nHost: x\r\nX-Request-ID: abc.1\r\n\r\n")),
        404);
    assert_true(has("\r\nContent-Type: application/problem+json\r\n"));
    assert_true(has("\r\nX-Request-ID: abc.1\r\n"));
    assert_string_equal(
        body_of(h.got),
        "{\"type\":\"urn:weir:problem:not_found\",\"title\":\"no such thing\",\"status\":404,"
        "\"detail\":\"nothing is served at this path\",\"instance\":\"abc.1\"}");
    assert_int_equal(
        status_of(ask(fd, "POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
                          "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")),
        404);
    assert_true(has("GET /get"));
    assert_int_equal(h.offers, 1);
    close(fd);
}

static void
a_large_body_for_nobody_ends_the_connection(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(
        status_of(
            ask(fd, "POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\nxxx")),
        404);
    assert_true(has("\r\nConnection: close\r\n"));
    assert_true(h.closed);
    close(fd);
}

static void
a_body_for_nobody_that_comes_later_is_skipped(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(
        status_of(ask(fd, "POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n")),
        404);
    char *body = calloc(1, 60001);
    memset(body, 'x', 60000);
    put(fd, body);
    free(body);
    turns(20);
    assert_int_equal(status_of(ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    close(fd);
}

static void
another_method_is_405_with_allow(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(status_of(ask(fd, "DELETE /post HTTP/1.1\r\nHost: x\r\n\r\n")), 405);
    assert_true(has("\r\nAllow: POST, PUT\r\n"));
    ask(fd, "POST /get HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(has("\r\nAllow: GET, HEAD\r\n"));
    close(fd);
}

static void
head_is_served_by_get_without_the_body(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(status_of(ask(fd, "HEAD /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    assert_true(has("\r\nContent-Length: 9\r\n"));
    assert_string_equal(body_of(h.got), "");
    assert_int_equal(status_of(ask(fd, "HEAD /nope HTTP/1.1\r\nHost: x\r\n\r\n")), 404);
    assert_string_equal(body_of(h.got), "");
    close(fd);
}

static void
options_of_the_server_is_answered(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(status_of(ask(fd, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")), 204);
    assert_int_equal(status_of(ask(fd, "GET * HTTP/1.1\r\nHost: x\r\n\r\n")), 400);
    close(fd);
}

static void
empty_lines_before_a_request_are_forgiven(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(status_of(ask(fd, "\r\nGET /get HTTP/1.1\r\nHost: x\r\n\r\n\r\n")), 200);
    assert_int_equal(status_of(ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    close(fd);
}

static void
what_is_no_http_is_400_and_the_end(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "hello\r\n\r\n",
        "GET /get HTTP/1.1\r\n\r\n",
        "GET /get HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET /get HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n",
        "POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: "
        "chunked\r\n\r\nabc",
        "GET /a/../get HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /any/%2fget HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int fd = dial();
        assert_int_equal(status_of(ask(fd, bad[i])), 400);
        assert_true(has("urn:weir:problem:invalid"));
        assert_true(h.closed);
        close(fd);
    }
    assert_int_equal(h.offers, 0);
}

static void
the_end_is_heard_though_input_is_unread(void **state)
{
    (void)state;
    int fd = dial();
    char *junk = malloc(100001);
    memset(junk, 'x', 100000);
    junk[100000] = '\0';
    put(fd, "GET /get HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n");
    put(fd, junk);
    free(junk);
    assert_int_equal(status_of(take(fd)), 400);
    assert_true(h.closed);
    assert_int_equal(edge_connections(h.edge), 1); /* it lingers */
    close(fd);
    turn();
    turn();
    assert_int_equal(edge_connections(h.edge), 0);
}

static void
headers_reach_the_event(void **state)
{
    (void)state;
    h.on_offer = hold;
    int fd = dial();
    ask(fd, "POST /any/a%20b/c?x=1&y HTTP/1.1\r\nHost: x\r\nX-A: one\r\nx-a:  two \r\n"
            "Content-Length: 2\r\n\r\nhi");
    const struct weir_event *e = h.event;
    assert_true(text_is(e->method, "POST"));
    assert_true(text_is(e->path, "/any/a%20b/c"));
    assert_true(text_is(e->query, "x=1&y"));
    assert_true(text_is(e->client_ip, "127.0.0.1"));
    assert_true(text_is(e->route, "/any/{rest*}"));
    assert_int_equal(e->n_params, 1);
    assert_true(text_is(e->params[0].name, "rest"));
    assert_true(text_is(e->params[0].value, "a b/c"));
    assert_true(text_is(event_header(e, TEXT("x-a")), "one"));
    assert_true(text_is(value_as_text(e->raw), "hi"));
    assert_int_equal(strlen(e->trace_id), 32);
    assert_int_equal(strlen(e->span_id), 16);
    answer_text(h.event, 200, "");
    h.event->ops->release(h.event);
    close(fd);
}

static void
a_client_that_goes_away_is_told_of(void **state)
{
    (void)state;
    h.on_offer = hold;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    close(fd);
    turn();
    turn();
    assert_int_equal(h.gone, 1);
    answer_text(h.event, 499, "");
    h.event->ops->release(h.event);
    turn();
    assert_int_equal(edge_connections(h.edge), 0);
}

static void
one_who_only_stops_sending_gets_the_answer(void **state)
{
    (void)state;
    h.on_offer = hold;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(fd, SHUT_WR);
    turn();
    turn();
    answer_text(h.event, 200, "here");
    h.event->ops->release(h.event);
    assert_int_equal(status_of(take(fd)), 200);
    assert_true(h.closed);
    close(fd);
}

static void
an_event_that_the_engine_forgets_ends_the_connection(void **state)
{
    (void)state;
    h.on_offer = hold;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(fd, SHUT_WR);
    turn();
    turn();
    h.event->ops->release(h.event);
    turn();
    assert_int_equal(edge_connections(h.edge), 0);
    close(fd);
}

static void
the_engine_may_hold_events_longer_than_the_edge_lives(void **state)
{
    (void)state;
    h.on_offer = hold;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    edge_free(&h.edge);
    assert_int_equal(h.gone, 1);
    assert_true(text_is(h.event->path, "/get"));
    answer_text(h.event, 200, "late");
    h.event->ops->release(h.event);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup_started, teardown)
        T(a_request_is_offered_and_answered),
        T(a_connection_is_kept),
        T(a_caller_may_ask_for_the_end),
        T(http_1_0_is_closed_unless_it_asks_otherwise),
        T(pipelined_requests_are_answered_in_order),
        T(the_next_request_waits_for_the_answer_before_it),
        T(a_release_after_the_connection_was_closed_is_fine),
        T(what_is_not_served_is_404_and_the_connection_goes_on),
        T(a_large_body_for_nobody_ends_the_connection),
        T(a_body_for_nobody_that_comes_later_is_skipped),
        T(another_method_is_405_with_allow),
        T(head_is_served_by_get_without_the_body),
        T(options_of_the_server_is_answered),
        T(empty_lines_before_a_request_are_forgiven),
        T(what_is_no_http_is_400_and_the_end),
        T(the_end_is_heard_though_input_is_unread),
        T(headers_reach_the_event),
        T(a_client_that_goes_away_is_told_of),
        T(one_who_only_stops_sending_gets_the_answer),
        T(an_event_that_the_engine_forgets_ends_the_connection),
        T(the_engine_may_hold_events_longer_than_the_edge_lives),
    };
    return cmocka_run_group_tests_name("edge/request", tests, NULL, NULL);
}
