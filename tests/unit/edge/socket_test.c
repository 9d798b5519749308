/* unit/edge/socket_test.c - sockets of triggers: bodies that go on, and what waits for slow readers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include "engine/socket.h"

#define MAX_QUEUE 100000u

/* The owner of a socket, and what it has heard. */
static struct {
    struct weir_socket *socket;
    uint32_t kind;
    bool late; /* the event is answered by the test */
    unsigned opened;
    unsigned closed;
    unsigned drained;
    unsigned code;
    char first[64]; /* the body of the reply */
} owner;

static void
on_opened(void *arg, const struct weir_value *body)
{
    (void)arg;
    owner.opened++;
    if (body != NULL)
        snprintf(owner.first, sizeof(owner.first), "%.*s", (int)body->len, body->bytes);
}

static void
on_message(void *arg, const struct weir_value *message)
{
    (void)arg;
    (void)message;
    fail_msg("nothing was sent");
}

static void
on_closed(void *arg, uint32_t code, struct weir_text reason)
{
    (void)arg;
    (void)reason;
    owner.closed++;
    owner.code = code;
    owner.socket = NULL;
}

static void
on_drained(void *arg)
{
    (void)arg;
    owner.drained++;
}

/* Makes the socket, and answers at once. */
static void
offer(struct weir_event *e)
{
    static const struct weir_socket_owner functions = {
        .size = sizeof(functions), .opened = on_opened, .message = on_message, .closed = on_closed, .drained = on_drained
    };
    struct weir_socket_config config = { .size = sizeof(config),
                                         .kind = owner.kind,
                                         .content_type = TEXT("text/event-stream"),
                                         .max_message = 1000,
                                         .max_queue = MAX_QUEUE };
    struct weir_error err = { 0 };
    owner.socket = e->ops->offer_socket(e, &config, &functions, NULL, &err);
    if (owner.socket == NULL) {
        (void)event_answer_error(e, &err);
        e->ops->release(e);
    } else if (!owner.late) {
        answer_text(e, 200, "welcome");
        e->ops->release(e);
    }
}

static int
setup_socket(void **state)
{
    setup_started(state);
    memset(&owner, 0, sizeof(owner));
    owner.kind = WEIR_SOCKET_BODY;
    h.on_offer = offer;
    return 0;
}

static bool
say(const char *text)
{
    const struct weir_value *v = value_text(text);
    bool sent = owner.socket->ops->send(owner.socket, v);
    value_unref(&v);
    return sent;
}

static void
say_and_turn(const char *text)
{
    assert_true(say(text));
    turn();
}

static void
what_is_sent_goes_out_as_chunks_behind_the_head(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(status_of(ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    assert_true(has("\r\nContent-Type: text/event-stream\r\n"));
    assert_true(has("\r\nTransfer-Encoding: chunked\r\n"));
    assert_string_equal(body_of(h.got), "");
    assert_int_equal(owner.opened, 1);
    assert_string_equal(owner.first, "welcome");
    assert_true(say("one"));
    assert_string_equal(take(fd), "3\r\none\r\n");
    assert_true(say("two") && say("") && say("three"));
    assert_string_equal(take(fd), "8\r\ntwothree\r\n");
    assert_int_equal(owner.socket->ops->queued(owner.socket), 0);
    assert_true(say("last"));
    owner.socket->ops->close(owner.socket, 1000, TEXT("enough"));
    assert_false(say("behind the end"));
    assert_int_equal(owner.closed, 0);
    assert_string_equal(take(fd), "4\r\nlast\r\n0\r\n\r\n");
    assert_int_equal(owner.closed, 1);
    assert_int_equal(owner.code, 1000);
    h.on_offer = echo;
    assert_int_equal(status_of(ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    close(fd);
}

static void
what_is_sent_before_the_answer_waits_for_it(void **state)
{
    (void)state;
    owner.late = true;
    int fd = dial();
    assert_string_equal(ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n"), "");
    assert_true(say("early"));
    turns(3);
    assert_int_equal(owner.opened, 0);
    answer_text(h.event, 204, "welcome");
    h.event->ops->release(h.event);
    assert_int_equal(status_of(take(fd)), 200);
    assert_string_equal(body_of(h.got), "5\r\nearly\r\n");
    close(fd);
    turns(5);
    assert_int_equal(owner.closed, 1);
    assert_int_equal(owner.code, 1006);
}

static void
another_answer_is_sent_as_it_is(void **state)
{
    (void)state;
    owner.late = true;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(say("early"));
    answer_text(h.event, 403, "no");
    h.event->ops->release(h.event);
    assert_int_equal(status_of(take(fd)), 403);
    assert_string_equal(body_of(h.got), "no");
    assert_int_equal(owner.opened, 0);
    assert_int_equal(owner.closed, 1);
    close(fd);
}

static void
a_caller_that_goes_before_the_answer_ends_it(void **state)
{
    (void)state;
    owner.late = true;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    struct linger hard = { 1, 0 };
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
    close(fd);
    turns(5);
    assert_int_equal(owner.closed, 1);
    answer_text(h.event, 200, "late");
    h.event->ops->release(h.event);
    turns(3);
    assert_int_equal(owner.opened, 0);
}

static void
a_caller_that_sends_nothing_more_is_gone(void **state)
{
    (void)state;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    take(fd);
    assert_true(h.closed);
    assert_int_equal(owner.closed, 1);
    assert_int_equal(owner.code, 1006);
    close(fd);
}

static void
only_get_opens_one(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(status_of(ask(fd, "POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")), 405);
    assert_null(owner.socket);
    assert_int_equal(status_of(ask(fd, "HEAD /get HTTP/1.1\r\nHost: x\r\n\r\n")), 405);
    assert_null(owner.socket);
    close(fd);
}

static void
one_that_ends_with_its_http_1_0_connection(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(status_of(ask(fd, "GET /get HTTP/1.0\r\nHost: x\r\n\r\n")), 200);
    assert_false(has("chunked"));
    assert_true(say("one"));
    assert_string_equal(take(fd), "one");
    owner.socket->ops->close(owner.socket, 1000, TEXT(""));
    take(fd);
    assert_true(h.closed);
    close(fd);
}

static void
an_edge_that_drains_ends_it(void **state)
{
    (void)state;
    int fd = dial();
    ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    edge_drain(h.edge);
    assert_string_equal(take(fd), "0\r\n\r\n");
    assert_true(h.closed);
    assert_int_equal(owner.code, 1001);
    assert_int_equal(edge_answers(h.edge), 0);
    close(fd);
}

/* Sends messages of LEN bytes to a caller that does not read until one is refused; how many were taken. */
static unsigned
fill(size_t len)
{
    char *text = malloc(len + 1);
    unsigned n = 0;
    assert_non_null(text);
    memset(text, 'x', len);
    text[len] = '\0';
    while (say(text)) {
        n++;
        turn();
        assert_true(n < 10000000 / (len + 1) + 100000);
    }
    free(text);
    return n;
}

/* A caller whose kernel takes little, and that does not read. */
static int
dial_sleeper(const char *request)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int small = 4096;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&h.addresses.items[0].address, h.addresses.items[0].len), 0);
    put(fd, request);
    turns(5);
    assert_int_equal(owner.opened, 1);
    return fd;
}

static void
what_waits_for_one_that_does_not_read_is_bounded(void **state)
{
    (void)state;
    int fd = dial_sleeper("GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    (void)fill(20000);
    assert_true(owner.socket->ops->queued(owner.socket) <= MAX_QUEUE + 20000 + 100);
    assert_false(say("more"));
    assert_int_equal(owner.closed, 0); /* not while the owner is at work */
    turns(3);
    assert_int_equal(owner.closed, 1);
    assert_int_equal(owner.code, 1008);
    close(fd);
}

static void
one_that_reads_again_is_told_to_its_owner(void **state)
{
    (void)state;
    int fd = dial_sleeper("GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    char text[20001];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    while (owner.socket->ops->queued(owner.socket) <= MAX_QUEUE)
        say_and_turn(text);
    assert_int_equal(owner.drained, 0);
    for (unsigned i = 0; i < 1000 && owner.drained == 0; i++)
        take(fd);
    assert_int_equal(owner.drained, 1);
    assert_int_equal(owner.closed, 0);
    close(fd);
}

/* With nothing but their bytes counted, a hundred times as many of them could wait. */
static void
small_messages_count_what_they_take(void **state)
{
    (void)state;
    static const char *const requests[] = {
        [WEIR_SOCKET_WEBSOCKET] = "GET /get HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        [WEIR_SOCKET_BODY] = "GET /get HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    for (unsigned kind = 0; kind < 2; kind++) {
        memset(&owner, 0, sizeof(owner));
        owner.kind = kind;
        int fd = dial_sleeper(requests[kind]);
        char text[20001];
        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        while (owner.socket->ops->queued(owner.socket) < MAX_QUEUE / 2) /* the kernel takes no more */
            say_and_turn(text);
        assert_true(fill(1) <= MAX_QUEUE / 2 / (sizeof(void *) * 2));
        turns(3);
        assert_int_equal(owner.code, 1008);
        close(fd);
        turns(3);
    }
}

static void
on_pull(void *arg)
{
    (void)arg;
}

static void
on_close(void *arg)
{
    unsigned *n = arg;
    ++*n;
}

static void
a_socket_takes_a_few_streams_and_no_more(void **state)
{
    (void)state;
    static const struct stream_source how = { on_pull, on_close };
    unsigned closed = 0, taken = 0;
    owner.kind = WEIR_SOCKET_WEBSOCKET;
    int fd = dial_sleeper("GET /get HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    for (bool sent = true; sent;) {
        struct stream *s;
        const struct weir_value *v = stream_new(&how, &closed, UINT64_MAX, &s);
        sent = owner.socket->ops->send(owner.socket, v);
        taken += sent;
        value_unref(&v);
        assert_true(taken < 1000);
    }
    assert_int_equal(taken, 16);
    turns(3);
    assert_int_equal(owner.code, 1008);
    assert_int_equal(closed, 17);
    close(fd);
}

static void
the_edge_may_go_while_one_is_open(void **state)
{
    (void)state;
    int fds[] = { dial(), dial() };
    ask(fds[0], "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(say("waits"));
    owner.late = true;
    ask(fds[1], "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    edge_free(&h.edge);
    assert_int_equal(owner.closed, 2);
    h.event->ops->release(h.event);
    turns(3);
    close(fds[0]);
    close(fds[1]);
}

#ifdef WEIR_FAULTS
static void
everything_goes_byte_by_byte(void **state)
{
    (void)state;
    assert_true(fault_set("WRITE_ONE_BYTE", UINT32_MAX));
    int fd = dial();
    put(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    turns(600);
    assert_true(say("hello") && say("world"));
    turns(60);
    owner.socket->ops->close(owner.socket, 1000, TEXT(""));
    turns(60);
    take(fd);
    assert_true(has("\r\n\r\na\r\nhelloworld\r\n0\r\n\r\n"));
    assert_int_equal(owner.closed, 1);
    fault_set("WRITE_ONE_BYTE", 0);
    close(fd);
}
#endif

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup_socket, teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_sent_goes_out_as_chunks_behind_the_head),
        T(what_is_sent_before_the_answer_waits_for_it),
        T(another_answer_is_sent_as_it_is),
        T(a_caller_that_goes_before_the_answer_ends_it),
        T(a_caller_that_sends_nothing_more_is_gone),
        T(only_get_opens_one),
        T(one_that_ends_with_its_http_1_0_connection),
        T(an_edge_that_drains_ends_it),
        T(what_waits_for_one_that_does_not_read_is_bounded),
        T(one_that_reads_again_is_told_to_its_owner),
        T(small_messages_count_what_they_take),
        T(a_socket_takes_a_few_streams_and_no_more),
        T(the_edge_may_go_while_one_is_open),
#ifdef WEIR_FAULTS
        T(everything_goes_byte_by_byte),
#endif
    };
#undef T
    return cmocka_run_group_tests_name("edge/socket", tests, NULL, NULL);
}
