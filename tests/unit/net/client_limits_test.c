/* client_limits_test.c - deadlines, idle times, budgets, bounds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/resource.h>

#include "peer.h"

#define HELLO "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"

static void
silence_ends_with_the_first_byte_deadline(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_listens, NULL);
    shard_set_clock(s->shard, 1000);
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    struct outcome o = { .done = false };
    side_send(s, &http, &o);
    side_until_count(s, &p->requests, 1);
    shard_set_clock(s->shard, 30999);
    side_turns(s, 3);
    assert_false(o.done);
    shard_set_clock(s->shard, 31000);
    side_turns(s, 2);
    assert_true(o.done);
    assert_failed(&o, WEIR_TIMEOUT, "no answer within 30s");
    assert_int_equal(o.err.sent, 1);
    assert_channels(s, 0, 0);
    peer_stop(p);
}

static void
the_absolute_deadline_wins(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_listens, NULL);
    shard_set_clock(s->shard, 1000);
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    http.pool = 1;
    struct outcome o[2] = { { .done = false } };
    const struct client_request r = { .http = &http, .deadline_ms = 1500, .attempt = 1 };
    client_send(s->client, &r, outcome_take, &o[0]);
    client_send(s->client, &r, outcome_take, &o[1]);
    side_until_count(s, &p->requests, 1);
    shard_set_clock(s->shard, 1499);
    side_turns(s, 3);
    assert_false(o[0].done);
    shard_set_clock(s->shard, 1500);
    side_turns(s, 2);
    assert_true(o[0].done && o[1].done);
    assert_failed(&o[0], WEIR_TIMEOUT, "no answer within the deadline");
    assert_failed(&o[1], WEIR_TIMEOUT, "no connection was free within the deadline");
    assert_int_equal(o[1].err.sent, 0);
    /* one that has passed before it begins */
    struct outcome late = { .done = false };
    client_send(s->client, &r, outcome_take, &late);
    side_turns(s, 2);
    assert_failed(&late, WEIR_TIMEOUT, "has passed before it began");
    assert_int_equal(late.err.sent, 0);
    peer_stop(p);
}

static void
a_connection_that_is_not_accepted_ends_with_the_connect_deadline(void **state)
{
    struct side *s = *state;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(listener, 0), 0);
    getsockname(listener, (struct sockaddr *)&a, &len);
    int fill[3];
    for (unsigned i = 0; i < 3; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(fill[i], (struct sockaddr *)&a, sizeof a);
    }
    shard_set_clock(s->shard, 1000);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(a.sin_port));
    struct weir_http_request http = side_request("GET", url);
    struct outcome o = { .done = false };
    side_send(s, &http, &o);
    side_turns(s, 20);
    assert_false(o.done);
    shard_set_clock(s->shard, 6000);
    side_turns(s, 2);
    assert_failed(&o, WEIR_TIMEOUT, "no connection within 5s");
    assert_int_equal(o.err.sent, 0);
    for (unsigned i = 0; i < 3; i++)
        close(fill[i]);
    close(listener);
}

static void
the_next_address_is_tried_when_one_does_not_answer(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, HELLO);
    int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 a = { .sin6_family = AF_INET6,
                              .sin6_addr = in6addr_loopback,
                              .sin6_port = htons((uint16_t)p->port) };
    if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof a) != 0)
        skip(); /* no IPv6 here */
    assert_int_equal(listen(listener, 0), 0);
    int fill[3];
    for (unsigned i = 0; i < 3; i++) {
        fill[i] = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(fill[i], (struct sockaddr *)&a, sizeof a);
    }
    char url[64];
    snprintf(url, sizeof url, "http://localhost:%u/", p->port);
    struct weir_http_request http = side_request("GET", url);
    http.connect_ms = 2000; /* each of two addresses has the half of it */
    struct outcome o = { .done = false };
    side_call(s, &http, &o);
    assert_body(&o, "hello");
    outcome_free(&o);
    for (unsigned i = 0; i < 3; i++)
        close(fill[i]);
    close(listener);
    peer_stop(p);
}

static void
idle_connections_are_closed_after_four_seconds(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, HELLO);
    shard_set_clock(s->shard, 1000);
    struct outcome o = { .done = false };
    side_get(s, p, &o);
    outcome_free(&o);
    shard_set_clock(s->shard, 3000);
    side_turns(s, 2);
    side_get(s, p, &o);
    outcome_free(&o);
    shard_set_clock(s->shard, 6999);
    side_turns(s, 2);
    assert_channels(s, 0, 1);
    shard_set_clock(s->shard, 7000);
    side_turns(s, 2);
    assert_channels(s, 0, 0);
    assert_int_equal(p->accepted, 1);
    peer_stop(p);
}

static void
keep_alive_says_how_long(void **state)
{
    struct side *s = *state;
    static const struct {
        const char *field;
        uint64_t kept_ms;
    } cases[] = {
        { "timeout=10", 9000 },
        { "max=5, Timeout=2", 1000 },
        { "timeout=1", 0 },
        { "timeout=0", 0 },
        { "timeout=3600", 60000 },
        { "max=100", 4000 },
        { "timeout=99999999999", 60000 },
    };
    uint64_t now = 1000;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char answer[200];
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nkeep-alive: %s\r\n\r\n",
                 cases[i].field);
        struct peer *p = peer_start(peer_answers, answer);
        shard_set_clock(s->shard, now);
        struct outcome o = { .done = false };
        side_get(s, p, &o);
        outcome_free(&o);
        if (cases[i].kept_ms > 0) {
            shard_set_clock(s->shard, now + cases[i].kept_ms - 1);
            side_turns(s, 2);
            assert_channels(s, 0, 1);
        }
        shard_set_clock(s->shard, now + cases[i].kept_ms);
        side_turns(s, 2);
        assert_channels(s, 0, 0);
        now += 100000;
        peer_stop(p);
    }
}

static void
retries_have_a_budget(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, HELLO);
    shard_set_clock(s->shard, 5000);
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    struct client_request r = { .http = &http, .deadline_ms = UINT64_MAX, .attempt = 2 };
    struct outcome o = { .done = false };
    for (unsigned i = 0; i < 11; i++) {
        outcome_free(&o);
        client_send(s->client, &r, outcome_take, &o);
        side_until(s, &o.done);
        assert_int_equal(o.err.code, i < 10 ? WEIR_OK : WEIR_UNAVAILABLE);
    }
    assert_failed(&o, WEIR_UNAVAILABLE, "retry budget");
    assert_int_equal(o.err.sent, 0);
    outcome_free(&o);
    side_get(s, p, &o); /* a first attempt needs none */
    assert_body(&o, "hello");
    outcome_free(&o);
    peer_stop(p);
}

static void
a_thousand_servers_are_remembered_and_no_more(void **state)
{
    struct side *s = *state;
    struct outcome o = { .done = false };
    for (unsigned i = 0; i < 1100; i++) {
        char url[64];
        snprintf(url, sizeof url, "http://127.1.%u.%u:1/", i / 250, 1 + i % 250);
        struct weir_http_request http = side_request("GET", url);
        side_call(s, &http, &o);
        assert_int_equal(o.err.code, WEIR_UPSTREAM);
        outcome_free(&o);
    }
}

static void
idle_connections_give_their_descriptors_to_others(void **state)
{
    struct side *s = *state;
    struct peer *a = peer_start(peer_answers, HELLO);
    struct peer *b = peer_start(peer_answers, HELLO);
    struct outcome o = { .done = false };
    side_get(s, a, &o);
    outcome_free(&o);
    assert_channels(s, 0, 1);

    /* no descriptor is left */
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    int free_one = dup(0);
    close(free_one);
    struct rlimit none = { (rlim_t)free_one, before.rlim_max };
    setrlimit(RLIMIT_NOFILE, &none);
    struct weir_http_request http = side_request("GET", peer_url(b, "/"));
    side_send(s, &http, &o);
    side_turns(s, 5);
    setrlimit(RLIMIT_NOFILE, &before);
    side_until(s, &o.done);
    assert_body(&o, "hello");
    assert_channels(s, 0, 1);
    outcome_free(&o);
    client_trim(s->client);
    peer_stop(a);
    peer_stop(b);
}

static void
those_who_wait_are_not_forgotten_when_connections_fail(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_listens, NULL);
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    peer_stop(p);
    http.pool = 2;
    struct outcome o[20] = { { .done = false } };
    for (unsigned i = 0; i < 20; i++)
        side_send(s, &http, &o[i]);
    for (unsigned i = 0; i < 20; i++) {
        side_until(s, &o[i].done);
        assert_failed(&o[i], WEIR_UPSTREAM, "refused the connection");
    }
    assert_channels(s, 0, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SIDE_TEST(silence_ends_with_the_first_byte_deadline),
        SIDE_TEST(the_absolute_deadline_wins),
        SIDE_TEST(a_connection_that_is_not_accepted_ends_with_the_connect_deadline),
        SIDE_TEST(the_next_address_is_tried_when_one_does_not_answer),
        SIDE_TEST(idle_connections_are_closed_after_four_seconds),
        SIDE_TEST(keep_alive_says_how_long),
        SIDE_TEST(retries_have_a_budget),
        SIDE_TEST(a_thousand_servers_are_remembered_and_no_more),
        SIDE_TEST(idle_connections_give_their_descriptors_to_others),
        SIDE_TEST(those_who_wait_are_not_forgotten_when_connections_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
