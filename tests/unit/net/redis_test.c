/* redis_test.c - the Redis client against a peer that plays Redis, in good times and bad.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "redis_side.h"

#include "base/fault.h"
#include "net/redis_parts.h"

/* What the peer says to each command after the greeting: P.arg is the text; "" nothing. */
static void
say_the_same(struct peer *p, int fd, unsigned n)
{
    (void)n;
    char line[256];
    if (!redis_peer_greet(fd))
        return;
    while (redis_peer_read(fd, line, sizeof line)) {
        p->requests++;
        peer_say(fd, p->arg);
    }
}

/* Says back what each command was. */
static void
echo(struct peer *p, int fd, unsigned n)
{
    (void)n;
    char line[256];
    if (!redis_peer_greet(fd))
        return;
    while (redis_peer_read(fd, line, sizeof line)) {
        char text[300];
        p->requests++;
        snprintf(text, sizeof text, "+%s\r\n", line);
        peer_say(fd, text);
    }
}

/* A connection that is up, to a peer that plays FN. */
static struct peer *
meet(struct redis_side *s, peer_fn *fn, const void *arg)
{
    struct peer *p = peer_start(fn, arg);
    redis_use(s, redis_peer_url(p));
    return p;
}

#ifdef WEIR_FAULTS
static void
replies_that_come_byte_by_byte_are_whole(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = meet(s, echo, NULL);
    struct redis_outcome_of o[20] = { { .done = false } };
    fault_set("READ_ONE_BYTE", UINT32_MAX);
    fault_set("WRITE_ONE_BYTE", UINT32_MAX);
    for (unsigned i = 0; i < 20; i++)
        redis_say(s, i % 2 ? "ONE a b" : "TWO cc", &o[i]);
    for (unsigned i = 0; i < 20; i++)
        redis_expect(s, &o[i], i % 2 ? "\"ONE a b\"" : "\"TWO cc\"");
    fault_set("READ_ONE_BYTE", 0);
    fault_set("WRITE_ONE_BYTE", 0);
    peer_stop(p);
}
#endif

/* Plays a connection that wants its greeting to be just so. */
static void
check_greeting(struct peer *p, int fd, unsigned n)
{
    static const char *const expected[] = { "AUTH joe se cret", "SELECT 7",
                                            "CLIENT SETNAME weir", "PING", "GET x" };
    char line[256];
    for (unsigned i = n * 0; i < 5 && redis_peer_read(fd, line, sizeof line); i++) {
        if (strcmp(line, expected[i]) != 0)
            return;
        p->requests++;
        peer_say(fd, i == 2 ? "-ERR no names\r\n" : i == 3 ? "+PONG\r\n" : "+OK\r\n");
    }
}

static void
a_connection_introduces_itself(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = peer_start(check_greeting, NULL);
    char url[100];
    snprintf(url, sizeof url, "redis://joe:se%%20cret@127.0.0.1:%u/7", p->port);
    redis_use(s, url);
    redis_ask(s, "GET x", "\"OK\"");
    assert_int_equal(p->requests, 5);
    peer_stop(p);
}

static void
what_is_no_redis_is_not_taken_for_it(void **state)
{
    struct redis_side *s = *state;
    static const struct {
        const char *said, *expected;
    } cases[] = {
        { "HTTP/1.1 400 Bad Request\r\n\r\n", "sent what is no reply of Redis" },
        { "+OK\r\n+HELLO\r\n", "does not answer as Redis does" },
        { "-ERR max number of clients reached\r\n-ERR max number of clients reached\r\n",
          "says: ERR max number of clients reached" },
        { "", "closed the connection" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct redis_outcome_of o = { .done = false };
        int listener = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof a;
        char url[64];
        bind(listener, (struct sockaddr *)&a, sizeof a);
        listen(listener, 1);
        getsockname(listener, (struct sockaddr *)&a, &len);
        snprintf(url, sizeof url, "redis://127.0.0.1:%u", ntohs(a.sin_port));
        redis_use(s, url);
        redis_say(s, "GET x", &o);
        shard_turn(s->shard, 10);
        int fd = accept(listener, NULL, NULL);
        redis_pass(s, 5);
        char dropped[512];
        (void)!recv(fd, dropped, sizeof dropped, MSG_DONTWAIT);
        peer_say(fd, cases[i].said);
        shutdown(fd, SHUT_WR);
        redis_expect_error(s, &o, WEIR_UNAVAILABLE, cases[i].expected);
        assert_int_equal(o.err.sent, 0);
        close(fd);
        close(listener);
    }
}

static void
a_script_that_the_server_forgot_is_sent_again(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = meet(s, say_the_same, "-NOSCRIPT No matching script.\r\n");
    struct redis_outcome_of o[3] = { { .done = false } };
    redis_eval(s, "return 1", "", 0, &o[0]); /* whole: then NOSCRIPT is the script's own word */
    redis_expect_error(s, &o[0], WEIR_SCRIPT, "NOSCRIPT");
    assert_int_equal(p->requests, 1);
    redis_clear(&o[0]);
    redis_eval(s, "return 1", "", 0, &o[0]); /* whole again, as it was not loaded */
    redis_eval(s, "return 1", "", 0, &o[1]); /* by digest, then whole */
    redis_expect_error(s, &o[0], WEIR_SCRIPT, "NOSCRIPT");
    redis_expect_error(s, &o[1], WEIR_SCRIPT, "NOSCRIPT");
    assert_int_equal(p->requests, 4);
    peer_stop(p);
}

/* Sends 70 scripts, of which the connection remembers 64. */
static void
more_scripts_than_are_remembered_work(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = meet(s, say_the_same, ":1\r\n");
    enum { N = 70 };
    struct redis_outcome_of o[N] = { { .done = false } };
    char script[32];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < N; i++) {
            snprintf(script, sizeof script, "return %u", i);
            redis_eval(s, script, "", 0, &o[i]);
        }
        for (unsigned i = 0; i < N; i++)
            redis_expect(s, &o[i], "1");
    }
    peer_stop(p);
}

static void
garbage_closes_the_connection_and_fails_what_was_sent(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = meet(s, say_the_same, "garbage\r\n");
    struct redis_outcome_of o[2] = { { .done = false } };
    redis_say(s, "GET a", &o[0]);
    redis_say(s, "GET b", &o[1]);
    redis_expect_error(s, &o[0], WEIR_UNAVAILABLE, "sent what is no reply of Redis");
    redis_expect_error(s, &o[1], WEIR_UNAVAILABLE, "sent what is no reply of Redis");
    assert_int_equal(o[0].err.sent, 1);
    redis_clear(&o[0]);
    redis_say(s, "GET a", &o[0]); /* it came up only just now: it is not tried again at once */
    redis_expect_error(s, &o[0], WEIR_UNAVAILABLE, "sent what is no reply of Redis");
    assert_int_equal(o[0].err.sent, 0);
    side_until_count((struct side *)s, &p->accepted, 2);
    peer_stop(p);
}

static void
a_reply_too_many_closes_the_connection(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = meet(s, say_the_same, "+OK\r\n+OK\r\n");
    redis_ask(s, "GET a", "\"OK\"");
    side_until_count((struct side *)s, &p->accepted, 2);
    peer_stop(p);
}

/* Is silent until it may go, then answers all. */
static void
wait_then_echo(struct peer *p, int fd, unsigned n)
{
    (void)n;
    char line[64][64];
    unsigned lines = 0;
    if (!redis_peer_greet(fd))
        return;
    while (!p->go) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        if (poll(&poll_fd, 1, 1) > 0) {
            if (!redis_peer_read(fd, line[lines % 64], 64))
                return;
            lines++;
            p->requests++;
        }
    }
    for (unsigned i = 0; i < lines; i++) {
        char text[128];
        snprintf(text, sizeof text, "+%.100s\r\n", line[i]);
        peer_say(fd, text);
    }
    while (redis_peer_read(fd, line[0], 64)) {
        char text[128];
        snprintf(text, sizeof text, "+%s\r\n", line[0]);
        peer_say(fd, text);
    }
}

static void
late_replies_are_dropped_in_order(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = meet(s, wait_then_echo, NULL);
    struct redis_outcome_of o[5] = { { .done = false } };
    struct weir_command *c;
    redis_say_in(s, "A", 40, &o[0]);
    c = redis_say_in(s, "B", 2000, &o[1]);
    redis_say_in(s, "C", 2000, &o[2]);
    redis_say_in(s, "D", 40, &o[3]);
    side_until_count((struct side *)s, &p->requests, 4);
    redis_forget(&c);
    assert_null(c);
    redis_expect_error(s, &o[0], WEIR_TIMEOUT, "gave no reply within 40ms");
    redis_expect_error(s, &o[3], WEIR_TIMEOUT, "gave no reply within 40ms");
    p->go = true;
    redis_expect(s, &o[2], "\"C\"");
    redis_ask(s, "E", "\"E\"");
    assert_false(o[1].done);
    peer_stop(p);
}

static void
a_stalled_server_is_fine_again_with_its_first_byte(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = meet(s, wait_then_echo, NULL);
    struct redis_outcome_of o[3] = { { .done = false } };
    redis_say_in(s, "A", 50, &o[0]);
    redis_expect_error(s, &o[0], WEIR_TIMEOUT, "no reply");
    redis_say_in(s, "B", 50, &o[1]);
    redis_expect_error(s, &o[1], WEIR_UNAVAILABLE, "does not answer");
    assert_int_equal(o[1].err.sent, 0);
    assert_in_range(o[1].ms, 0, 10);
    p->go = true;
    redis_pass(s, 30);
    redis_ask(s, "C", "\"C\"");
    redis_pass(s, 400);
    assert_int_equal(p->accepted, 1);
    peer_stop(p);
}

/* The first connection says nothing after its greeting. */
static void
first_is_silent(struct peer *p, int fd, unsigned n)
{
    if (n > 0) {
        echo(p, fd, n);
        return;
    }
    if (redis_peer_greet(fd))
        peer_wait(p);
}

static void
a_stalled_connection_is_made_anew(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = meet(s, first_is_silent, NULL);
    struct redis_outcome_of o[2] = { { .done = false } };
    redis_say_in(s, "A", 50, &o[0]);
    redis_say_in(s, "B", 2000, &o[1]);
    redis_expect_error(s, &o[0], WEIR_TIMEOUT, "no reply");
    redis_expect_error(s, &o[1], WEIR_UNAVAILABLE, "does not answer");
    assert_int_equal(o[1].err.sent, 1);
    assert_in_range(o[1].ms, 330, 400);
    redis_pass(s, 50);
    redis_ask(s, "C", "\"C\"");
    struct redis_figures f;
    assert_true(redis_figures(0, &f));
    assert_int_equal(f.reconnects, 1);
    assert_int_equal(f.up, 1);
    assert_int_equal(f.commands[REDIS_DID_OK], 1);
    assert_int_equal(f.commands[REDIS_DID_TIMEOUT], 1);
    assert_int_equal(f.commands[REDIS_DID_UNAVAILABLE], 1);
    peer_stop(p);
}

/* Accepts, and never greets. */
static void
be_silent(struct peer *p, int fd, unsigned n)
{
    (void)fd;
    (void)n;
    peer_wait(p);
}

static void
who_waits_for_the_first_connection_has_its_own_time(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = meet(s, be_silent, NULL);
    struct redis_outcome_of o[3] = { { .done = false } };
    redis_say_in(s, "A", 50, &o[0]);
    redis_say_in(s, "B", 5000, &o[1]);
    redis_expect_error(s, &o[0], WEIR_TIMEOUT, "no connection to Redis at 127.0.0.1");
    assert_int_equal(o[0].err.sent, 0);
    assert_in_range(o[0].ms, 49, 70);
    redis_say_in(s, "C", 50, &o[2]);
    redis_expect_error(s, &o[2], WEIR_UNAVAILABLE, "does not answer the connection");
    assert_in_range(o[2].ms, 0, 10);
    redis_expect_error(s, &o[1], WEIR_UNAVAILABLE, "does not answer");
    assert_in_range(o[1].ms, 900, 1200);
    peer_stop(p);
}

static void
a_refused_connection_fails_commands_at_once(void **state)
{
    struct redis_side *s = *state;
    struct redis_outcome_of o = { .done = false };
    struct peer *p = peer_start(echo, NULL);
    redis_use(s, redis_peer_url(p));
    peer_stop(p);
    for (unsigned i = 0; i < 5; i++) {
        redis_say(s, "GET a", &o);
        redis_expect_error(s, &o, WEIR_UNAVAILABLE, "refused the connection");
        assert_int_equal(o.err.sent, 0);
        assert_in_range(o.ms, 0, 50);
        redis_clear(&o);
    }
    redis_use(s, "unix:///nowhere/redis.sock");
    redis_say(s, "GET a", &o);
    redis_expect_error(s, &o, WEIR_UNAVAILABLE, "unix:/nowhere/redis.sock has no socket there");
    redis_clear(&o);
    redis_use(s, "redis://no-such-host.invalid");
    redis_say_in(s, "GET a", 5000, &o);
    redis_expect_error(s, &o, WEIR_UNAVAILABLE, "there is no such name");
}

static unsigned changes[2];

static void
on_change(struct weir_text server, const char *reason)
{
    (void)server;
    changes[reason == NULL]++;
}

static void
a_change_is_told_once(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = meet(s, first_is_silent, NULL);
    struct redis_outcome_of o = { .done = false };
    changes[0] = changes[1] = 0;
    redis_on_change(on_change);
    redis_say_in(s, "A", 50, &o);
    redis_expect_error(s, &o, WEIR_TIMEOUT, "no reply");
    redis_pass(s, 500);
    assert_int_equal(changes[0], 1);
    assert_int_equal(changes[1], 1);
    redis_on_change(NULL);
    peer_stop(p);
}

static void
too_many_commands_are_refused_later(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = meet(s, wait_then_echo, NULL);
    enum { N = REDIS_COMMANDS_MAX + 2 };
    struct redis_outcome_of *o = calloc(N, sizeof *o);
    struct weir_command **c = calloc(N, sizeof *c);
    for (unsigned i = 0; i < N; i++)
        c[i] = redis_say(s, "A", &o[i]);
    for (unsigned i = 0; i < 2; i++)
        redis_expect_error(s, &o[REDIS_COMMANDS_MAX + i], WEIR_UNAVAILABLE, "too many commands");
    assert_false(o[0].done);
    for (unsigned i = 0; i < N - 2; i++)
        redis_forget(&c[i]);
    peer_stop(p);
    free(o);
    free(c);
}

static void
too_many_bytes_are_refused_later(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = meet(s, be_silent, NULL);
    struct redis_outcome_of o[4] = { { .done = false } };
    char *bytes = calloc(1, REDIS_BYTES_MAX + 1);
    struct weir_text args[2] = { TEXT("ECHO"), { bytes, REDIS_BYTES_MAX + 1 } };
    struct weir_redis_request r = { .size = sizeof r, .args = args, .n_args = 2 };
    redis_send(s->shard, s->server, &r, redis_take, &o[0]);
    args[1].len = 9u << 20;
    redis_send(s->shard, s->server, &r, redis_take, &o[1]);
    redis_send(s->shard, s->server, &r, redis_take, &o[2]);
    redis_expect_error(s, &o[0], WEIR_TOO_LARGE, "at most 16 MiB");
    redis_expect_error(s, &o[2], WEIR_UNAVAILABLE, "too many commands");
    redis_expect_error(s, &o[1], WEIR_TIMEOUT, "no connection");
    free(bytes);
    peer_stop(p);
}

/* What a callback does: it sends again, and forgets another that ends in the same turn. */
struct busy {
    struct redis_side *side;
    struct weir_command *other;
    struct redis_outcome_of inner;
    unsigned calls;
};

static void
send_inside(void *arg, const struct weir_value *reply, const struct weir_error *err)
{
    struct busy *b = arg;
    (void)reply;
    (void)err;
    b->calls++;
    redis_forget(&b->other);
    redis_say(b->side, "INNER", &b->inner);
}

static void
never_told(void *arg, const struct weir_value *reply, const struct weir_error *err)
{
    (void)arg;
    (void)reply;
    (void)err;
    fail_msg("it was forgotten");
}

static void
a_callback_may_send_and_forget(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = meet(s, echo, NULL);
    const struct weir_text arg = TEXT("OUTER");
    const struct weir_redis_request r = { .size = sizeof r, .args = &arg, .n_args = 1 };
    struct busy b = { .side = s };
    redis_send(s->shard, s->server, &r, send_inside, &b);
    b.other = redis_send(s->shard, s->server, &r, never_told, NULL);
    redis_expect(s, &b.inner, "\"INNER\"");
    assert_int_equal(b.calls, 1);

    const struct weir_redis_request none = { .size = sizeof none };
    redis_send(s->shard, s->server, &none, send_inside, &b); /* both are refused */
    b.other = redis_send(s->shard, s->server, &none, never_told, NULL);
    redis_expect(s, &b.inner, "\"INNER\"");
    assert_int_equal(b.calls, 2);
    peer_stop(p);
    peer_pause(1);
}

static void
the_end_of_the_shard_is_told(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = meet(s, wait_then_echo, NULL);
    struct redis_outcome_of o[3] = { { .done = false } };
    struct busy b = { .side = s };
    const struct weir_text arg = TEXT("OUTER");
    const struct weir_redis_request r = { .size = sizeof r, .args = &arg, .n_args = 1 };
    redis_say(s, "A", &o[0]);
    side_until_count((struct side *)s, &p->requests, 1);
    redis_say(s, "B", &o[1]); /* not written yet */
    redis_send(s->shard, s->server, &r, send_inside, &b);
    redis_stop(s->shard);
    assert_int_equal(o[0].err.code, WEIR_UNAVAILABLE);
    assert_int_equal(o[0].err.sent, 1);
    assert_int_equal(o[1].err.code, WEIR_UNAVAILABLE);
    assert_int_equal(o[1].err.sent, 0);
    assert_int_equal(b.calls, 1);
    assert_false(b.inner.done);
    redis_free(s->shard);
    assert_false(b.inner.done);
    peer_stop(p);
}

static void
a_shard_may_end_while_it_dials_and_pauses(void **state)
{
    struct redis_side *s = *state;
    static const char *const urls[] = { "redis://127.0.0.1:1", "unix:///none", "redis://localhost:1",
                                        "redis://no-such-host.invalid", "rediss://127.0.0.1:1" };
    for (unsigned turns = 0; turns < 5; turns++) {
        struct redis_outcome_of o[5] = { { .done = false } };
        for (unsigned i = 0; i < 5; i++) {
            redis_use(s, urls[i]);
            redis_say(s, "A", &o[i]);
        }
        for (unsigned i = 0; i < turns; i++)
            shard_turn(s->shard, 1);
        redis_free(s->shard);
    }
}

/* Closes the first connection as soon as it is up. */
static void
closes_often(struct peer *p, int fd, unsigned n)
{
    if (redis_peer_greet(fd) && n >= 3)
        echo(p, fd, n);
}

static void
a_server_that_hangs_up_is_not_dialled_without_pause(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = meet(s, closes_often, NULL);
    struct redis_outcome_of o = { .done = false };
    redis_say(s, "A", &o);
    redis_until(s, &o.done);
    redis_pass(s, 300);
    assert_in_range(p->accepted, 2, 12);
    redis_clear(&o);
    peer_stop(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef WEIR_FAULTS
        REDIS_TEST(replies_that_come_byte_by_byte_are_whole),
#endif
        REDIS_TEST(a_connection_introduces_itself),
        REDIS_TEST(what_is_no_redis_is_not_taken_for_it),
        REDIS_TEST(a_script_that_the_server_forgot_is_sent_again),
        REDIS_TEST(more_scripts_than_are_remembered_work),
        REDIS_TEST(garbage_closes_the_connection_and_fails_what_was_sent),
        REDIS_TEST(a_reply_too_many_closes_the_connection),
        REDIS_TEST(late_replies_are_dropped_in_order),
        REDIS_TEST(a_stalled_server_is_fine_again_with_its_first_byte),
        REDIS_TEST(a_stalled_connection_is_made_anew),
        REDIS_TEST(who_waits_for_the_first_connection_has_its_own_time),
        REDIS_TEST(a_refused_connection_fails_commands_at_once),
        REDIS_TEST(a_change_is_told_once),
        REDIS_TEST(too_many_commands_are_refused_later),
        REDIS_TEST(too_many_bytes_are_refused_later),
        REDIS_TEST(a_callback_may_send_and_forget),
        REDIS_TEST(the_end_of_the_shard_is_told),
        REDIS_TEST(a_shard_may_end_while_it_dials_and_pauses),
        REDIS_TEST(a_server_that_hangs_up_is_not_dialled_without_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
