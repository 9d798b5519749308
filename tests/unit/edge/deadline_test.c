/* unit/edge/deadline_test.c - who is slow is cut off on time; the clock is ours.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include "edge/impl.h"
#include "edge/listener.h"

static void
a_head_has_ten_seconds_in_all(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "GET /get");
    turn();
    for (unsigned i = 0; i < 9; i++) {
        pass(1000);
        put(fd, "/");
        turn();
    }
    pass(999);
    assert_string_equal(take(fd), "");
    assert_false(h.closed);
    pass(1);
    assert_int_equal(status_of(take(fd)), 408);
    assert_true(has("urn:weir:problem:timeout"));
    assert_true(h.closed);
    close(fd);
}

static void
the_next_head_has_ten_seconds_as_well(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(status_of(ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    pass(50000);
    put(fd, "GET /g");
    turn();
    pass(9999);
    assert_string_equal(take(fd), "");
    pass(1);
    assert_int_equal(status_of(take(fd)), 408);
    close(fd);
}

static void
a_fresh_connection_is_closed_without_a_word(void **state)
{
    (void)state;
    int fd = dial();
    pass(9999);
    assert_string_equal(take(fd), "");
    assert_false(h.closed);
    pass(1);
    assert_string_equal(take(fd), "");
    assert_true(h.closed);
    close(fd);
}

static void
an_idle_connection_has_a_minute(void **state)
{
    (void)state;
    int fd = dial();
    for (unsigned i = 0; i < 3; i++) {
        pass(i > 0 ? 59999 : 0);
        assert_int_equal(status_of(ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    }
    pass(59999);
    take(fd);
    assert_false(h.closed);
    pass(1);
    assert_string_equal(take(fd), "");
    assert_true(h.closed);
    close(fd);
}

static void
a_body_has_a_minute(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "POST /any/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    turn();
    char piece[1024];
    memset(piece, 'x', sizeof(piece));
    for (unsigned i = 0; i < 59; i++) {
        put_bytes(fd, piece, sizeof(piece));
        pass(1000);
    }
    pass(999);
    assert_string_equal(take(fd), "");
    pass(1);
    assert_int_equal(status_of(take(fd)), 408);
    assert_true(h.closed);
    close(fd);
}

static void
a_body_comes_with_500_bytes_a_second_after_ten_seconds(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "POST /any/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    char piece[6000];
    memset(piece, 'x', sizeof(piece));
    put_bytes(fd, piece, sizeof(piece)); /* enough for twelve seconds */
    turn();
    pass(11999);
    assert_string_equal(take(fd), "");
    pass(1);
    assert_int_equal(status_of(take(fd)), 408);
    close(fd);
}

static void
a_silent_body_has_ten_seconds(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "POST /any/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    turn();
    pass(9999);
    assert_string_equal(take(fd), "");
    pass(1);
    assert_int_equal(status_of(take(fd)), 408);
    close(fd);
}

static void
who_works_on_an_answer_is_not_cut_off(void **state)
{
    (void)state;
    h.on_offer = hold;
    int fd = dial();
    put(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    turn();
    pass(1000000);
    answer_text(h.event, 200, "at last");
    h.event->ops->release(h.event);
    assert_int_equal(status_of(take(fd)), 200);
    assert_false(h.closed);
    pass(60000);
    take(fd);
    assert_true(h.closed);
    close(fd);
}

static void
a_connection_lives_for_an_hour(void **state)
{
    (void)state;
    h.config.idle_ms = 7200000;
    start_edge();
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    pass(3599999);
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_false(has("Connection: close"));
    pass(1);
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(has("Connection: close"));
    assert_true(h.closed);
    close(fd);
}

static void
a_connection_serves_so_many_requests(void **state)
{
    (void)state;
    h.config.max_requests = 3;
    start_edge();
    int fd = dial();
    ask(fd, "GET /any/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /any/2 HTTP/1.1\r\nHost: x\r\n\r\n"
            "GET /any/3 HTTP/1.1\r\nHost: x\r\n\r\nGET /any/4 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(times("HTTP/1.1 200"), 3);
    assert_int_equal(times("Connection: close"), 1);
    assert_true(h.closed);
    close(fd);
}

static const struct weir_value *large;

static void
answer_large(struct weir_event *e)
{
    struct event_reply r = { .status = 200, .body = large };
    (void)event_answer(e, &r);
    e->ops->release(e);
}

static void
a_reader_without_progress_has_thirty_seconds(void **state)
{
    (void)state;
    size_t len = 32u << 20;
    large = value_take(WEIR_BYTES, calloc(1, len), len);
    h.on_offer = answer_large;
    int fd = dial();
    put(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    turns(5);
    pass(29999);
    assert_int_equal(edge_connections(h.edge), 1);
    /* It reads a little: that is progress, and the time begins anew. */
    for (unsigned i = 0; i < 20; i++) {
        (void)!recv(fd, h.got, 256 * 1024, MSG_DONTWAIT);
        turn();
    }
    turns(20); /* the kernel takes what it has room for by then */
    pass(29999);
    assert_int_equal(edge_connections(h.edge), 1);
    pass(1);
    assert_int_equal(edge_connections(h.edge), 0);
    close(fd);
    value_unref(&large);
}

static void
lingering_ends(void **state)
{
    (void)state;
    int fd = dial();
    ask(fd, "bad\r\n\r\n");
    assert_int_equal(edge_connections(h.edge), 1);
    for (unsigned i = 0; i < 9; i++) {
        put(fd, "more");
        pass(1000);
        assert_int_equal(edge_connections(h.edge), 1);
    }
    put(fd, "more");
    pass(1000);
    assert_int_equal(edge_connections(h.edge), 0);
    close(fd);

    fd = dial();
    ask(fd, "bad\r\n\r\n");
    pass(2000);
    assert_int_equal(edge_connections(h.edge), 0);
    close(fd);
}

static void
a_drain_ends_what_is_idle_and_lets_the_rest_finish(void **state)
{
    (void)state;
    int idle = dial();
    ask(idle, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    h.on_offer = hold;
    int busy = dial();
    ask(busy, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    int half = dial();
    put(half, "GET /get HT");
    int fresh = dial();
    edge_drain(h.edge);
    take(idle);
    assert_true(h.closed);
    answer_text(h.event, 200, "done");
    h.event->ops->release(h.event);
    assert_int_equal(status_of(take(busy)), 200);
    assert_true(has("Connection: close"));
    h.on_offer = echo;
    assert_int_equal(status_of(ask(half, "TP/1.1\r\nHost: x\r\n\r\n")), 200);
    assert_true(has("Connection: close"));
    assert_int_equal(status_of(ask(fresh, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    close(idle);
    close(busy);
    close(half);
    close(fresh);
    turns(3);
    assert_int_equal(edge_connections(h.edge), 0);
    int late = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(late, (struct sockaddr *)&h.addresses.items[0].address,
                             h.addresses.items[0].len),
                     -1);
    close(late);
}

/* Sends a head and 100,000 bytes of a body of 200,000. */
static int
half_a_body(void)
{
    static char bytes[100000];
    memset(bytes, 'x', sizeof(bytes));
    int fd = dial();
    put(fd, "POST /any/x HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n");
    put_bytes(fd, bytes, sizeof(bytes));
    turns(5);
    return fd;
}

static void
a_body_that_stands_still_goes_when_memory_is_short(void **state)
{
    (void)state;
    int still = half_a_body();
    int drips = half_a_body();
    int moves = half_a_body();
    static char much[5000];
    memset(much, 'y', sizeof(much));
    for (unsigned i = 0; i < 3; i++) {
        pass(400);
        put_bytes(drips, much, 100);
        put_bytes(moves, much, sizeof(much));
        turns(3);
    }
    h.edge->memory.step = MEMORY_GOOD; /* nobody has to go */
    take(still);
    assert_false(h.closed);
    h.edge->memory.step = MEMORY_CLOSE_IDLE;
    edge_make_memory(h.edge);
    take(still);
    assert_true(h.closed);
    take(drips);
    assert_true(h.closed);
    take(moves);
    assert_false(h.closed);
    pass(600);
    edge_make_memory(h.edge);
    take(moves);
    assert_false(h.closed); /* a second is forgiven ... */
    h.edge->memory.step = MEMORY_REFUSE_NEW;
    edge_make_memory(h.edge);
    take(moves);
    assert_true(h.closed); /* ... as long as there is some memory */
    close(still);
    close(drips);
    close(moves);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup_started, teardown)
        T(a_head_has_ten_seconds_in_all),
        T(the_next_head_has_ten_seconds_as_well),
        T(a_fresh_connection_is_closed_without_a_word),
        T(an_idle_connection_has_a_minute),
        T(a_body_has_a_minute),
        T(a_body_comes_with_500_bytes_a_second_after_ten_seconds),
        T(a_silent_body_has_ten_seconds),
        T(who_works_on_an_answer_is_not_cut_off),
        cmocka_unit_test_setup_teardown(a_connection_lives_for_an_hour, setup, teardown),
        cmocka_unit_test_setup_teardown(a_connection_serves_so_many_requests, setup, teardown),
        T(a_reader_without_progress_has_thirty_seconds),
        T(a_body_that_stands_still_goes_when_memory_is_short),
        T(lingering_ends),
        T(a_drain_ends_what_is_idle_and_lets_the_rest_finish),
    };
    return cmocka_run_group_tests_name("edge/deadline", tests, NULL, NULL);
}
