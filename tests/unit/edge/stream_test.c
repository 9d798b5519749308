/* unit/edge/stream_test.c - answers whose bodies are streams, and slow readers of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

/* A source that gives when the test says so, or at once. */
static struct {
    struct stream *stream;
    uint64_t left; /* bytes that it gives at once, in pieces of PIECE */
    size_t piece;
    unsigned pulls;
    unsigned closed;
    bool by_hand;
} source;

static char filler[65536];

static void
on_pull(void *arg)
{
    (void)arg;
    source.pulls++;
    if (source.by_hand)
        return;
    size_t len = source.left < source.piece ? (size_t)source.left : source.piece;
    source.left -= len;
    stream_give(source.stream, filler, len, NULL);
}

static void
on_close(void *arg)
{
    (void)arg;
    source.closed++;
}

static const struct weir_value *
stream_of(uint64_t length)
{
    static const struct stream_source how = { on_pull, on_close };
    return stream_new(&how, &source, length, &source.stream);
}

static uint64_t length_said;

static void
answer_stream(struct weir_event *e)
{
    const struct weir_value *body = stream_of(length_said);
    struct event_reply r = { .status = 200,
                             .content_type = TEXT("text/event-stream"),
                             .body = body };
    (void)event_answer(e, &r);
    value_unref(&body);
}

static int
setup_stream(void **state)
{
    setup_started(state);
    memset(&source, 0, sizeof(source));
    memset(filler, 'f', sizeof(filler));
    source.by_hand = true;
    length_said = UINT64_MAX;
    h.on_offer = answer_stream;
    return 0;
}

static void
give(const char *text)
{
    stream_give(source.stream, text, strlen(text), NULL);
}

static void
pieces_are_sent_as_chunks_as_they_come(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(status_of(ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    assert_true(has("\r\nTransfer-Encoding: chunked\r\n"));
    assert_false(has("Content-Length"));
    assert_string_equal(body_of(h.got), "");
    give("hello");
    assert_string_equal(take(fd), "5\r\nhello\r\n");
    give("sixteen or more bytes");
    assert_string_equal(take(fd), "15\r\nsixteen or more bytes\r\n");
    assert_int_equal(h.sent, 0);
    stream_give(source.stream, "", 0, NULL);
    assert_string_equal(take(fd), "0\r\n\r\n");
    assert_int_equal(h.sent, 1);
    assert_false(h.sent_failed);
    assert_int_equal(source.closed, 1);
    h.on_offer = echo;
    assert_int_equal(status_of(ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    close(fd);
}

static void
a_known_length_is_told(void **state)
{
    (void)state;
    length_said = 10;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(has("\r\nContent-Length: 10\r\n"));
    give("hello");
    assert_string_equal(take(fd), "hello");
    give("world");
    assert_string_equal(take(fd), "world");
    assert_int_equal(h.sent, 1);
    assert_false(h.sent_failed);
    assert_false(h.closed);
    close(fd);
}

static void
more_than_was_promised_is_cut(void **state)
{
    (void)state;
    length_said = 3;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    give("hello");
    assert_string_equal(take(fd), "hel");
    assert_false(h.closed);
    assert_int_equal(h.sent, 1);
    assert_int_equal(source.closed, 1);
    close(fd);
}

static void
less_than_was_promised_ends_the_connection(void **state)
{
    (void)state;
    length_said = 10;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    give("hello");
    stream_give(source.stream, "", 0, NULL);
    take(fd);
    assert_true(h.closed);
    assert_int_equal(h.sent, 1);
    assert_true(h.sent_failed);
    close(fd);
}

static void
a_source_that_fails_ends_the_connection_without_the_last_chunk(void **state)
{
    (void)state;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    give("hello");
    struct weir_error err;
    err_set(&err, WEIR_UPSTREAM, "it broke");
    stream_give(source.stream, "", 0, &err);
    take(fd);
    assert_true(has("hello"));
    assert_false(has("0\r\n\r\n"));
    assert_true(h.closed);
    assert_true(h.sent_failed);
    close(fd);
}

static void
http_1_0_reads_up_to_the_end_of_the_connection(void **state)
{
    (void)state;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
    assert_false(has("chunked"));
    assert_true(has("\r\nConnection: close\r\n"));
    give("hello");
    assert_string_equal(take(fd), "hello");
    stream_give(source.stream, "", 0, NULL);
    take(fd);
    assert_true(h.closed);
    assert_false(h.sent_failed);
    close(fd);
}

static void
head_does_not_touch_the_stream(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(status_of(ask(fd, "HEAD /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    assert_string_equal(body_of(h.got), "");
    assert_int_equal(source.pulls, 0);
    assert_int_equal(source.closed, 1);
    assert_int_equal(h.sent, 1);
    assert_false(h.sent_failed);
    h.on_offer = echo;
    assert_int_equal(status_of(ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    close(fd);
}

static void
a_slow_reader_holds_the_source_back(void **state)
{
    (void)state;
    source.by_hand = false;
    source.left = 1u << 30;
    source.piece = 65536;
    int fd = dial();
    put(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    turns(50);
    unsigned pulls = source.pulls;
    turns(50);
    assert_int_equal(source.pulls, pulls);
    assert_true(pulls < 1000);
    for (unsigned i = 0; i < 10; i++) {
        (void)!recv(fd, h.got, sizeof(h.got), MSG_DONTWAIT);
        turns(2);
    }
    assert_true(source.pulls > pulls);
    pass(30000);
    assert_int_equal(edge_connections(h.edge), 0);
    assert_int_equal(h.sent, 1);
    assert_true(h.sent_failed);
    assert_int_equal(source.closed, 1);
    close(fd);
}

static void
a_long_stream_arrives_whole(void **state)
{
    (void)state;
    source.by_hand = false;
    source.left = 20u << 20;
    source.piece = 50000;
    length_said = source.left;
    int fd = dial();
    put(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    uint64_t got = 0;
    for (unsigned quiet = 0; quiet < 10;) {
        turn();
        ssize_t n = recv(fd, h.got, sizeof(h.got), MSG_DONTWAIT);
        got += n > 0 ? (uint64_t)n : 0;
        quiet = n > 0 ? 0 : quiet + 1;
    }
    assert_true(got > 20u << 20);
    assert_true(got < (20u << 20) + 300);
    assert_int_equal(h.sent, 1);
    assert_false(h.sent_failed);
    close(fd);
}

static void
a_quiet_source_is_waited_for(void **state)
{
    (void)state;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    give("a");
    take(fd);
    pass(1000000);
    assert_int_equal(edge_connections(h.edge), 1);
    give("b");
    assert_string_equal(take(fd), "1\r\nb\r\n");
    close(fd);
}

static void
a_reader_that_leaves_ends_the_stream(void **state)
{
    (void)state;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    give("a");
    close(fd);
    turns(3);
    assert_int_equal(source.closed, 1);
    assert_int_equal(h.sent, 1);
    assert_true(h.sent_failed);
    assert_int_equal(edge_connections(h.edge), 0);
}

static void
a_stream_that_answers_nobody_is_closed_and_told(void **state)
{
    (void)state;
    h.on_offer = hold;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    struct linger hard = { 1, 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd);
    turns(3);
    assert_int_equal(h.gone, 1);
    answer_stream(h.event);
    turn();
    assert_int_equal(source.closed, 1);
    assert_int_equal(h.sent, 1);
    assert_true(h.sent_failed);
}

static void
a_stream_that_somebody_else_reads_is_an_error(void **state)
{
    (void)state;
    h.on_offer = hold;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    const struct weir_value *body = stream_of(UINT64_MAX);
    struct stream *taken;
    assert_true(stream_take(body, NULL, NULL, &taken));
    struct event_reply r = { .status = 200, .body = body };
    (void)event_answer(h.event, &r);
    assert_int_equal(status_of(take(fd)), 500);
    assert_int_equal(h.sent, 1);
    assert_true(h.sent_failed);
    stream_drop(&taken);
    value_unref(&body);
    close(fd);
}

static void
the_edge_may_go_in_the_middle_of_a_stream(void **state)
{
    (void)state;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    give("a");
    edge_free(&h.edge);
    turn();
    assert_int_equal(source.closed, 1);
    assert_int_equal(h.sent, 1);
    close(fd);
}

#ifdef WEIR_FAULTS
static void
everything_goes_byte_by_byte(void **state)
{
    (void)state;
    assert_true(fault_set("WRITE_ONE_BYTE", UINT32_MAX));
    assert_true(fault_set("READ_ONE_BYTE", UINT32_MAX));
    int fd = dial();
    put(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    turns(600);
    give("hello");
    turns(30);
    stream_give(source.stream, "", 0, NULL);
    turns(30);
    take(fd);
    assert_true(has("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
    h.on_offer = echo;
    put(fd, "POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
            "POST /post HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
            "chunked\r\n\r\n3\r\ndef\r\n0\r\n\r\n");
    turns(1000);
    take(fd);
    assert_true(has("abcHTTP/1.1"));
    assert_true(has("\r\n\r\ndef"));
    fault_set("WRITE_ONE_BYTE", 0);
    fault_set("READ_ONE_BYTE", 0);
    close(fd);
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup_stream, teardown)
        T(pieces_are_sent_as_chunks_as_they_come),
        T(a_known_length_is_told),
        T(more_than_was_promised_is_cut),
        T(less_than_was_promised_ends_the_connection),
        T(a_source_that_fails_ends_the_connection_without_the_last_chunk),
        T(http_1_0_reads_up_to_the_end_of_the_connection),
        T(head_does_not_touch_the_stream),
        T(a_slow_reader_holds_the_source_back),
        T(a_long_stream_arrives_whole),
        T(a_quiet_source_is_waited_for),
        T(a_reader_that_leaves_ends_the_stream),
        T(a_stream_that_answers_nobody_is_closed_and_told),
        T(a_stream_that_somebody_else_reads_is_an_error),
        T(the_edge_may_go_in_the_middle_of_a_stream),
#ifdef WEIR_FAULTS
        T(everything_goes_byte_by_byte),
#endif
    };
    return cmocka_run_group_tests_name("edge/stream", tests, NULL, NULL);
}
