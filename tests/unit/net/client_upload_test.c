/* client_upload_test.c - bodies of requests that are read from streams while they are sent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "peer.h"
#include "source.h"

#define HEAD "HTTP/1.1 200 OK\r\n"

static void
a_stream_is_sent_as_chunks_or_with_its_length(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, NULL);
    for (unsigned i = 0; i < 4; i++) {
        struct source f = { .left = 3, .size = 5, .later = i & 1 };
        const struct weir_value *body = source_new(&f, s, i < 2 ? UINT64_MAX : 15);
        struct weir_http_request http = side_request("POST", peer_url(p, "/"));
        http.body = body;
        struct outcome o = { .done = false };
        side_send(s, &http, &o);
        value_unref(&body);
        side_until(s, &o.done);
        assert_body(&o, "ok");
        const char *end = strstr(p->last, "\r\n\r\n") + 4;
        assert_string_equal(end, i < 2 ? "5\r\npiece\r\n5\r\npiece\r\n5\r\npiece\r\n0\r\n\r\n"
                                       : "piecepiecepiece");
        assert_true(f.closed);
        assert_channels(s, 0, 1);
        outcome_free(&o);
    }
    assert_int_equal(p->accepted, 1);
    peer_stop(p);
}

static void
a_stream_with_a_wrong_length_or_an_error_fails_the_call(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, NULL);
    for (unsigned i = 0; i < 6; i++) {
        struct source f = { .left = 3, .size = 5, .later = i & 1, .fails = i < 2 };
        const struct weir_value *body = source_new(&f, s, i < 2 ? UINT64_MAX : i < 4 ? 14 : 16);
        struct weir_http_request http = side_request("POST", peer_url(p, "/"));
        http.body = body;
        struct outcome o = { .done = false };
        side_send(s, &http, &o);
        value_unref(&body);
        side_until(s, &o.done);
        assert_failed(&o, i < 2 ? WEIR_UPSTREAM : WEIR_INVALID,
                      i < 2   ? "the source is dry"
                      : i < 4 ? "longer than its length"
                              : "before its length");
        assert_int_equal(o.err.sent, 1);
        assert_true(f.closed);
        assert_channels(s, 0, 0);
    }
    struct source f = { .left = 1, .size = 5 };
    const struct weir_value *body = source_new(&f, s, UINT64_MAX);
    struct weir_http_request http = side_request("POST", peer_url(p, "/"));
    http.body = body;
    struct outcome o = { .done = false };
    side_call(s, &http, &o);
    outcome_free(&o);
    side_call(s, &http, &o);
    assert_failed(&o, WEIR_INVALID, "was read before");
    value_unref(&body);
    peer_stop(p);
}

static void
a_slow_source_is_not_the_upstreams_fault(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_answers, NULL);
    struct source f = { .left = 1, .size = 5 };
    soon_init(&f.soon, source_give, &f);
    static const struct stream_source how = { source_hold, source_close };
    const struct weir_value *body = stream_new(&how, &f, UINT64_MAX, &f.stream);
    f.shard = s->shard;
    shard_set_clock(s->shard, 1000);
    struct weir_http_request http = side_request("POST", peer_url(p, "/"));
    http.body = body;
    http.whole_ms = 100000;
    struct outcome o = { .done = false };
    side_send(s, &http, &o);
    value_unref(&body);
    while (f.pulls == 0)
        side_turns(s, 1);
    shard_set_clock(s->shard, 50000); /* the source takes its time */
    side_turns(s, 3);
    assert_false(o.done);
    source_give(&f);
    assert_int_equal(f.pulls, 2);
    shard_set_clock(s->shard, 90000);
    side_turns(s, 3);
    assert_false(o.done);
    source_give(&f); /* the end */
    side_until(s, &o.done);
    assert_body(&o, "ok");
    outcome_free(&o);
    peer_stop(p);
}

static void
silence_behind_a_stream_ends_with_a_deadline(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(peer_listens, NULL);
    for (unsigned i = 0; i < 2; i++) {
        struct source f = { .left = 3, .size = 5, .later = true };
        const struct weir_value *body = source_new(&f, s, i == 0 ? UINT64_MAX : 15);
        shard_set_clock(s->shard, 1000);
        struct weir_http_request http = side_request("POST", peer_url(p, "/"));
        http.body = body;
        struct outcome o = { .done = false };
        side_send(s, &http, &o);
        value_unref(&body);
        side_until_count(s, &p->requests, i + 1);
        side_turns(s, 5);
        shard_set_clock(s->shard, 31000);
        side_turns(s, 3);
        assert_true(o.done);
        assert_failed(&o, WEIR_TIMEOUT, "no answer within 30s");
    }
    peer_stop(p);
}

static void
read_slowly(struct peer *p, int fd, unsigned n)
{
    (void)n;
    p->moved = 1;
    peer_wait(p);
    char bytes[65536];
    for (;;) {
        ssize_t len = recv(fd, bytes, sizeof bytes, 0);
        if (len <= 0)
            return;
        if (len >= 5 && memcmp(bytes + len - 5, "0\r\n\r\n", 5) == 0)
            break;
    }
    peer_say(fd, HEAD "content-length: 2\r\n\r\nok");
}

static void
a_source_is_not_pulled_faster_than_it_is_read(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(read_slowly, NULL);
    for (unsigned i = 0; i < 2; i++) {
        p->go = false;
        struct source f = { .left = 1000, .size = 65536, .later = i == 1 };
        const struct weir_value *body = source_new(&f, s, UINT64_MAX);
        struct weir_http_request http = side_request("POST", peer_url(p, "/"));
        http.body = body;
        struct outcome o = { .done = false };
        side_send(s, &http, &o);
        value_unref(&body);
        side_turns(s, 100);
        unsigned pulls = f.pulls;
        assert_true(pulls > 0);
        assert_true(pulls < 200);
        side_turns(s, 20);
        assert_int_equal(f.pulls, pulls);
        p->go = true;
        side_until(s, &o.done);
        assert_body(&o, "ok");
        outcome_free(&o);
        client_trim(s->client);
    }
    peer_stop(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SIDE_TEST(a_stream_is_sent_as_chunks_or_with_its_length),
        SIDE_TEST(a_stream_with_a_wrong_length_or_an_error_fails_the_call),
        SIDE_TEST(a_slow_source_is_not_the_upstreams_fault),
        SIDE_TEST(silence_behind_a_stream_ends_with_a_deadline),
        SIDE_TEST(a_source_is_not_pulled_faster_than_it_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
