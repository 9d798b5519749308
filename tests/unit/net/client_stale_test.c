/* client_stale_test.c - connections that the other side has given up, and early answers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "peer.h"

#define HEAD "HTTP/1.1 200 OK\r\n"

/* -- stale connections -- */

static void
close_when_told(struct peer *p, int fd, unsigned n)
{
    if (!peer_read(p, fd))
        return;
    peer_say(fd, HEAD "content-length: 2\r\n\r\nok");
    if (n > 0) {
        while (peer_read(p, fd))
            peer_say(fd, HEAD "content-length: 2\r\n\r\nok");
        return;
    }
    if (p->arg != NULL)
        (void)peer_read(p, fd); /* the second request is swallowed */
    else
        peer_wait(p);
}

static void
an_idle_connection_that_was_closed_is_not_used(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(close_when_told, NULL);
    struct outcome o = { .done = false };
    shard_set_clock(s->shard, 1000);
    side_get(s, p, &o);
    outcome_free(&o);
    p->go = true;
    peer_pause(20);
    shard_set_clock(s->shard, 1020); /* the loop does not turn: only a look can tell */
    const struct weir_value *body = value_text("x");
    struct weir_http_request http = side_request("POST", peer_url(p, "/"));
    http.body = body;
    side_call(s, &http, &o);
    assert_body(&o, "ok");
    assert_int_equal(p->accepted, 2);
    assert_int_equal(p->requests, 2);
    value_unref(&body);
    outcome_free(&o);
    peer_stop(p);
}

static void
a_repeatable_request_is_sent_again_once(void **state)
{
    struct side *s = *state;
    static const char *const methods[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST" };
    for (size_t i = 0; i < 6; i++) {
        struct peer *p = peer_start(close_when_told, "swallow");
        struct outcome o = { .done = false };
        side_get(s, p, &o);
        outcome_free(&o);
        struct weir_http_request http = side_request(methods[i], peer_url(p, "/"));
        if (i == 5)
            http.flags = WEIR_HTTP_REPEATABLE;
        side_call(s, &http, &o);
        assert_int_equal(o.status, 200);
        assert_int_equal(p->accepted, 2);
        assert_int_equal(p->requests, 3);
        outcome_free(&o);
        client_trim(s->client);
        peer_stop(p);
    }
}

static void
an_unrepeatable_request_is_not(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(close_when_told, "swallow");
    struct outcome o = { .done = false };
    side_get(s, p, &o);
    outcome_free(&o);
    struct weir_http_request http = side_request("POST", peer_url(p, "/"));
    side_call(s, &http, &o);
    assert_failed(&o, WEIR_UPSTREAM, "closed the connection before it answered");
    assert_int_equal(o.err.sent, 1);
    assert_int_equal(p->accepted, 1);
    assert_int_equal(p->requests, 2);
    peer_stop(p);
}

static void
always_swallow(struct peer *p, int fd, unsigned n)
{
    if (!peer_read(p, fd))
        return;
    if (n == 0) {
        peer_say(fd, HEAD "content-length: 2\r\n\r\nok");
        (void)peer_read(p, fd);
    }
}

static void
the_second_try_is_the_last(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(always_swallow, NULL);
    struct outcome o = { .done = false };
    side_get(s, p, &o);
    outcome_free(&o);
    side_get(s, p, &o);
    assert_failed(&o, WEIR_UPSTREAM, "before it answered");
    assert_int_equal(p->accepted, 2);
    assert_int_equal(p->requests, 3);
    peer_stop(p);
}

/* -- answers that come before the request is sent -- */

static void
refuse_early(struct peer *p, int fd, unsigned n)
{
    (void)n;
    char byte;
    if (recv(fd, &byte, 1, 0) <= 0)
        return;
    peer_say(fd, "HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig");
    if (p->arg != NULL)
        shutdown(fd, SHUT_WR);
    peer_wait(p);
}

static void
an_early_answer_is_an_answer(void **state)
{
    struct side *s = *state;
    size_t len = 20u << 20;
    const struct weir_value *body = value_take(WEIR_BYTES, calloc(1, len), len);
    for (unsigned i = 0; i < 2; i++) {
        struct peer *p = peer_start(refuse_early, i == 0 ? NULL : "closes");
        struct weir_http_request http = side_request("POST", peer_url(p, "/"));
        http.body = body;
        struct outcome o = { .done = false };
        side_call(s, &http, &o);
        assert_int_equal(o.status, 413);
        assert_body(&o, "big");
        assert_channels(s, 0, 0);
        outcome_free(&o);
        peer_stop(p);
    }
    value_unref(&body);
}

static void
take_nothing(struct peer *p, int fd, unsigned n)
{
    (void)n;
    (void)fd;
    p->moved = 1;
    peer_wait(p);
}

static void
a_request_that_is_not_taken_ends_with_a_deadline(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(take_nothing, NULL);
    size_t len = 20u << 20;
    const struct weir_value *body = value_take(WEIR_BYTES, calloc(1, len), len);
    struct weir_http_request http = side_request("POST", peer_url(p, "/"));
    http.body = body;
    struct outcome o = { .done = false };
    shard_set_clock(s->shard, 1000);
    side_send(s, &http, &o);
    while (p->moved == 0)
        side_turns(s, 1);
    side_turns(s, 20);
    assert_false(o.done);
    shard_set_clock(s->shard, 31001);
    side_turns(s, 2);
    assert_failed(&o, WEIR_TIMEOUT, "took nothing of the request for 30s");
    assert_int_equal(o.err.sent, 1);
    value_unref(&body);
    peer_stop(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SIDE_TEST(an_idle_connection_that_was_closed_is_not_used),
        SIDE_TEST(a_repeatable_request_is_sent_again_once),
        SIDE_TEST(an_unrepeatable_request_is_not),
        SIDE_TEST(the_second_try_is_the_last),
        SIDE_TEST(an_early_answer_is_an_answer),
        SIDE_TEST(a_request_that_is_not_taken_ends_with_a_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
