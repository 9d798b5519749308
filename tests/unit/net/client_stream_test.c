/* client_stream_test.c - bodies that are read as they are pulled, both ways.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/buf.h"
#include "loop/stream.h"
#include "peer.h"
#include "source.h"

#define HEAD "HTTP/1.1 200 OK\r\n"

/* Reads a stream: by itself, or when told. */
struct reader {
    struct stream *stream;
    struct buf bytes;
    size_t total;
    unsigned pieces;
    bool by_hand;    /* does not pull by itself */
    bool drop_first; /* gives up at the first piece */
    bool begun;
    bool done;
    unsigned status;
    struct weir_error err;
};

static void
on_piece(void *arg, const char *bytes, size_t len, const struct weir_error *err)
{
    struct reader *r = arg;
    assert_false(r->done);
    if (len == 0) {
        r->done = true;
        if (err != NULL)
            r->err = *err;
        return;
    }
    r->pieces++;
    r->total += len;
    if (r->total < 100000)
        buf_add(&r->bytes, bytes, len, NULL);
    if (r->drop_first) {
        stream_drop(&r->stream);
        return;
    }
    if (!r->by_hand)
        stream_pull(r->stream);
}

static void
on_answer(void *arg, const struct weir_http_answer *answer, const struct weir_error *err)
{
    struct reader *r = arg;
    assert_false(r->begun);
    r->begun = true;
    buf_init(&r->bytes, 1 << 20);
    if (answer == NULL) {
        r->done = true;
        r->err = *err;
        return;
    }
    r->status = answer->status;
    assert_int_equal(answer->body->type, WEIR_STREAM);
    assert_true(stream_take(answer->body, on_piece, r, &r->stream));
    if (!r->by_hand)
        stream_pull(r->stream);
}

static void
reader_free(struct reader *r)
{
    stream_drop(&r->stream);
    buf_fini(&r->bytes);
    *r = (struct reader){ .begun = false };
}

static struct client_call *
send_stream(struct side *s, struct weir_http_request *http, struct reader *r)
{
    http->flags |= WEIR_HTTP_STREAM;
    const struct client_request request = { .http = http,
                                            .deadline_ms = UINT64_MAX,
                                            .attempt = 1 };
    return client_send(s->client, &request, on_answer, r);
}

static void
tell(struct peer *p, int fd, unsigned n)
{
    (void)n;
    while (peer_read(p, fd)) {
        peer_say(fd, p->arg);
        if (strstr(p->arg, "content-length") == NULL && strstr(p->arg, "chunked") == NULL)
            return;
    }
}

static void
streams_end_well_and_connections_are_kept(void **state)
{
    struct side *s = *state;
    static const struct {
        const char *answer;
        unsigned idle;
    } cases[] = {
        { HEAD "content-length: 11\r\n\r\nhello world", 1 },
        { HEAD
          "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n",
          1 },
        { HEAD "\r\nhello world", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct peer *p = peer_start(tell, cases[i].answer);
        struct weir_http_request http = side_request("GET", peer_url(p, "/"));
        struct reader r = { .begun = false };
        send_stream(s, &http, &r);
        side_until(s, &r.done);
        assert_int_equal(r.err.code, 0);
        assert_string_equal(r.bytes.bytes, "hello world");
        assert_channels(s, 0, cases[i].idle);
        assert_int_equal(s->reports, i);
        reader_free(&r);
        assert_int_equal(s->reports, i + 1);
        assert_int_equal(s->report.code, 0);
        client_trim(s->client);
        peer_stop(p);
    }
}

static void
a_stream_without_a_body_is_empty_bytes(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(tell, HEAD "content-length: 0\r\n\r\n");
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    http.flags = WEIR_HTTP_STREAM;
    struct outcome o = { .done = false };
    side_call(s, &http, &o);
    assert_body(&o, "");
    outcome_free(&o);
    peer_stop(p);
}

#define FLOOD (64u << 20)

static void
flood(struct peer *p, int fd, unsigned n)
{
    (void)n;
    char bytes[8192];
    memset(bytes, 'z', sizeof bytes);
    if (!peer_read(p, fd))
        return;
    peer_say(fd, HEAD "content-length: 67108864\r\n\r\n");
    while (p->moved < FLOOD) {
        ssize_t len = send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        if (len <= 0)
            return;
        p->moved += (unsigned long)len;
    }
    peer_wait(p);
}

static void
what_is_not_pulled_stays_with_the_server(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(flood, NULL);
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    struct reader r = { .by_hand = true };
    send_stream(s, &http, &r);
    side_until(s, &r.begun);
    unsigned long before;
    do {
        before = p->moved;
        for (unsigned i = 0; i < 20; i++)
            shard_turn(s->shard, 2);
    } while (p->moved != before);
    print_message("%lu bytes of 64 MiB are in flight while nobody pulls\n", before);
    assert_int_equal(r.total, 0);
    assert_true(before < 16u << 20); /* the kernel's buffers, and one read */
    for (unsigned i = 1; i <= 20; i++) {
        stream_pull(r.stream);
        side_turns(s, 5);
        assert_int_equal(r.pieces, i);
    }
    assert_true(r.total <= 20 * 65536);
    r.by_hand = false;
    stream_pull(r.stream);
    side_until(s, &r.done);
    assert_int_equal(r.total, FLOOD);
    assert_int_equal(r.err.code, 0);
    reader_free(&r);
    peer_stop(p);
}

static void
many_small_chunks_make_few_pieces(void **state)
{
    struct side *s = *state;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_puts(&text, HEAD "transfer-encoding: chunked\r\n\r\n");
    for (unsigned i = 0; i < 5000; i++)
        buf_puts(&text, "1\r\nx\r\n");
    buf_puts(&text, "0\r\n\r\n");
    struct peer *p = peer_start(tell, text.bytes);
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    struct reader r = { .begun = false };
    send_stream(s, &http, &r);
    side_until(s, &r.done);
    assert_int_equal(r.total, 5000);
    assert_true(r.pieces < 100);
    reader_free(&r);
    peer_stop(p);
    buf_fini(&text);
}

static void
a_stream_that_is_dropped_ends_the_connection(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(flood, NULL);
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    struct reader r = { .drop_first = true };
    send_stream(s, &http, &r);
    while (r.pieces == 0)
        side_turns(s, 1);
    assert_channels(s, 0, 0);
    assert_int_equal(s->report.code, WEIR_CANCELLED);
    assert_int_equal(s->report.status, 200);
    reader_free(&r);

    struct outcome o = { .done = false }; /* nobody takes it */
    http.flags = WEIR_HTTP_STREAM;
    side_call(s, &http, &o);
    assert_channels(s, 1, 0);
    outcome_free(&o);
    assert_channels(s, 0, 0);
    peer_stop(p);
}

static void
cut(struct peer *p, int fd, unsigned n)
{
    (void)n;
    if (!peer_read(p, fd))
        return;
    peer_say(fd, p->arg);
}

static void
a_stream_that_is_cut_ends_with_an_error(void **state)
{
    struct side *s = *state;
    static const char *const answers[] = {
        HEAD "content-length: 10\r\n\r\n12345",
        HEAD "transfer-encoding: chunked\r\n\r\n5\r\n12345\r\n",
        HEAD "transfer-encoding: chunked\r\n\r\n5\r\n12345\r\nzz\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct peer *p = peer_start(cut, answers[i]);
        struct weir_http_request http = side_request("GET", peer_url(p, "/"));
        struct reader r = { .begun = false };
        send_stream(s, &http, &r);
        side_until(s, &r.done);
        assert_int_equal(r.status, 200);
        assert_int_equal(r.err.code, WEIR_UPSTREAM);
        assert_int_equal(r.err.sent, 1);
        assert_string_equal(r.bytes.bytes, "12345");
        assert_channels(s, 0, 0);
        reader_free(&r);
        peer_stop(p);
    }
}

static void
stall(struct peer *p, int fd, unsigned n)
{
    (void)n;
    if (!peer_read(p, fd))
        return;
    peer_say(fd, HEAD "content-length: 10\r\n\r\n12345");
    peer_wait(p);
}

static void
a_stream_that_stalls_ends_with_a_timeout(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(stall, NULL);
    shard_set_clock(s->shard, 1000);
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    struct reader r = { .by_hand = true };
    send_stream(s, &http, &r);
    side_until(s, &r.begun);
    shard_set_clock(s->shard, 200000); /* who does not pull may take his time */
    side_turns(s, 3);
    assert_false(r.done);
    stream_pull(r.stream);
    side_turns(s, 10);
    assert_int_equal(r.total, 5);
    stream_pull(r.stream);
    shard_set_clock(s->shard, 229999);
    side_turns(s, 3);
    assert_false(r.done);
    shard_set_clock(s->shard, 230000);
    side_turns(s, 3);
    assert_true(r.done);
    assert_int_equal(r.err.code, WEIR_TIMEOUT);
    reader_free(&r);

    r = (struct reader){ .by_hand = true }; /* a deadline that was asked for holds */
    http.whole_ms = 5000;
    send_stream(s, &http, &r);
    side_until(s, &r.begun);
    shard_set_clock(s->shard, 235000);
    side_turns(s, 3);
    assert_true(r.done);
    assert_int_equal(r.err.code, WEIR_TIMEOUT);
    reader_free(&r);
    peer_stop(p);
}

static void
a_client_that_goes_ends_its_streams(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(stall, NULL);
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    struct reader r[2] = { { .by_hand = true }, { .by_hand = true } };
    for (unsigned i = 0; i < 2; i++)
        send_stream(s, &http, &r[i]);
    side_until(s, &r[0].begun);
    side_until(s, &r[1].begun);
    stream_pull(r[0].stream);
    client_free(&s->client);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(r[i].done);
        assert_int_equal(r[i].err.code, WEIR_UNAVAILABLE);
        stream_pull(r[i].stream);
        reader_free(&r[i]);
    }
    peer_stop(p);
}

/* -- both at once: what is read from one upstream is sent to another -- */

static void
an_answer_can_be_the_body_of_a_request(void **state)
{
    struct side *s = *state;
    struct peer *from = peer_start(
        tell, HEAD "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
    struct peer *to = peer_start(peer_answers, NULL);
    struct weir_http_request http = side_request("GET", peer_url(from, "/"));
    http.flags = WEIR_HTTP_STREAM;
    struct outcome o = { .done = false };
    side_call(s, &http, &o);
    struct weir_http_request on = side_request("POST", peer_url(to, "/"));
    on.body = o.body;
    struct outcome sent = { .done = false };
    side_call(s, &on, &sent);
    assert_body(&sent, "ok");
    assert_string_equal(strstr(to->last, "\r\n\r\n") + 4, "b\r\nhello world\r\n0\r\n\r\n");
    outcome_free(&sent);
    outcome_free(&o);
    assert_channels(s, 0, 2);
    peer_stop(from);
    peer_stop(to);
}

static void
echo(struct peer *p, int fd, unsigned n)
{
    (void)n;
    (void)p;
    char bytes[65536];
    bool headed = false;
    for (;;) {
        ssize_t len = recv(fd, bytes, sizeof bytes, 0);
        if (len <= 0)
            return;
        if (!headed)
            peer_say(fd, HEAD "transfer-encoding: chunked\r\n\r\n4\r\nhead\r\n");
        headed = true;
        if (len >= 5 && memcmp(bytes + len - 5, "0\r\n\r\n", 5) == 0)
            break;
        peer_say(fd, "1\r\n.\r\n");
    }
    peer_say(fd, "3\r\nend\r\n0\r\n\r\n");
    peer_wait(p);
}

static void
a_server_may_answer_while_it_reads(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(echo, NULL);
    struct source f = { .left = 2000, .size = 65536, .later = true };
    const struct weir_value *body = source_new(&f, s, UINT64_MAX);
    struct weir_http_request http = side_request("POST", peer_url(p, "/"));
    http.body = body;
    struct reader r = { .begun = false };
    send_stream(s, &http, &r);
    value_unref(&body);
    side_until(s, &r.done);
    assert_int_equal(r.err.code, 0);
    assert_memory_equal(r.bytes.bytes, "head", 4);
    assert_string_equal(r.bytes.bytes + r.bytes.len - 3, "end");
    assert_true(f.closed);
    assert_channels(s, 0, 1);
    reader_free(&r);
    peer_stop(p);
}

static void
a_body_that_fails_while_the_answer_streams_ends_both(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(echo, NULL);
    struct source f = { .left = 20, .size = 1000, .later = true, .fails = true };
    const struct weir_value *body = source_new(&f, s, UINT64_MAX);
    struct weir_http_request http = side_request("POST", peer_url(p, "/"));
    http.body = body;
    struct reader r = { .begun = false };
    send_stream(s, &http, &r);
    value_unref(&body);
    side_until(s, &r.done);
    assert_int_equal(r.err.code, WEIR_UPSTREAM);
    assert_true(f.closed);
    assert_channels(s, 0, 0);
    reader_free(&r);
    peer_stop(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SIDE_TEST(streams_end_well_and_connections_are_kept),
        SIDE_TEST(a_stream_without_a_body_is_empty_bytes),
        SIDE_TEST(what_is_not_pulled_stays_with_the_server),
        SIDE_TEST(many_small_chunks_make_few_pieces),
        SIDE_TEST(a_stream_that_is_dropped_ends_the_connection),
        SIDE_TEST(a_stream_that_is_cut_ends_with_an_error),
        SIDE_TEST(a_stream_that_stalls_ends_with_a_timeout),
        SIDE_TEST(a_client_that_goes_ends_its_streams),
        SIDE_TEST(an_answer_can_be_the_body_of_a_request),
        SIDE_TEST(a_server_may_answer_while_it_reads),
        SIDE_TEST(a_body_that_fails_while_the_answer_streams_ends_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
