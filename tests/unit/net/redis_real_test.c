/* redis_real_test.c - the Redis client against a real redis-server, also frozen, killed and started
 * again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "redis_side.h"

static struct redis_own own;

static int
begin(void **state)
{
    (void)state;
    redis_own_start(&own);
    redis_own_ready(&own);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    redis_own_stop(&own);
    return 0;
}

static void
replies_become_values(void **state)
{
    struct redis_side *s = *state;
    redis_use(s, own.url);
    redis_ask(s, "FLUSHALL", "\"OK\"");
    redis_ask(s, "SET a 1", "\"OK\"");
    redis_ask(s, "GET a", "\"1\"");
    redis_ask(s, "GET nothing", "null");
    redis_ask(s, "INCR a", "2");
    redis_ask(s, "LRANGE none 0 -1", "[]");
    redis_ask(s, "RPUSH list x y z", "3");
    redis_ask(s, "LRANGE list 0 -1", "[\"x\",\"y\",\"z\"]");
    redis_ask(s, "MGET a b", "[\"2\",null]");

    struct redis_outcome_of o = { .done = false };
    redis_say(s, "LPUSH a 1", &o);
    redis_expect_error(s, &o, WEIR_SCRIPT, "WRONGTYPE");
    assert_int_equal(o.err.sent, 1);
}

static void
commands_of_one_turn_are_answered_in_order(void **state)
{
    struct redis_side *s = *state;
    redis_use(s, own.url);
    redis_ask(s, "DEL n", "0");
    enum { N = 5000 };
    struct redis_outcome_of *o = calloc(N, sizeof *o);
    for (unsigned i = 0; i < N; i++)
        redis_say(s, "INCR n", &o[i]);
    for (unsigned i = 0; i < N; i++) {
        char number[16];
        snprintf(number, sizeof number, "%u", i + 1);
        redis_expect(s, &o[i], number);
    }
    free(o);
}

static void
a_script_is_sent_whole_once_and_again_when_it_is_forgotten(void **state)
{
    struct redis_side *s = *state;
    static const char script[] = "return { KEYS[1], ARGV[1], redis.call('INCR', KEYS[1]) }";
    struct redis_outcome_of o[3] = { { .done = false } };
    redis_use(s, own.url);
    redis_ask(s, "DEL k", "0");
    redis_ask(s, "CONFIG RESETSTAT", "\"OK\"");
    for (unsigned i = 0; i < 3; i++)
        redis_eval(s, script, "k v", 1, &o[i]);
    redis_expect(s, &o[0], "[\"k\",\"v\",1]");
    redis_expect(s, &o[1], "[\"k\",\"v\",2]");
    redis_expect(s, &o[2], "[\"k\",\"v\",3]");

    redis_ask(s, "SCRIPT FLUSH", "\"OK\"");
    redis_eval(s, script, "k v", 1, &o[0]);
    redis_eval(s, script, "k v", 1, &o[1]);
    redis_expect(s, &o[0], "[\"k\",\"v\",4]");
    redis_expect(s, &o[1], "[\"k\",\"v\",5]");

    redis_say(s, "INFO commandstats", &o[2]);
    redis_until(s, &o[2].done);
    struct weir_text info = value_as_text(o[2].reply);
    assert_non_null(memmem(info.bytes, info.len, "cmdstat_eval:calls=3,", 21));
    redis_clear(&o[2]);

    redis_eval(s, "return redis.error_reply('MINE is mine')", "", 0, &o[0]);
    redis_expect_error(s, &o[0], WEIR_SCRIPT, "MINE is mine");
}

static void
a_transaction_of_one_turn_is_carried_out(void **state)
{
    struct redis_side *s = *state;
    struct redis_outcome_of o[4] = { { .done = false } };
    redis_use(s, own.url);
    redis_ask(s, "DEL t", "0");
    redis_say(s, "MULTI", &o[0]);
    redis_say(s, "INCR t", &o[1]);
    redis_say(s, "LPUSH t x", &o[2]);
    redis_say(s, "EXEC", &o[3]);
    redis_expect(s, &o[0], "\"OK\"");
    redis_expect(s, &o[1], "\"QUEUED\"");
    redis_expect(s, &o[2], "\"QUEUED\"");
    redis_expect(s, &o[3],
                 "[1,{\"error\":\"WRONGTYPE Operation against a key holding the wrong kind of "
                 "value\"}]");
}

static void
a_transaction_that_is_left_open_is_discarded(void **state)
{
    struct redis_side *s = *state;
    struct redis_outcome_of o[2] = { { .done = false } };
    redis_use(s, own.url);
    redis_ask(s, "DEL u", "0");
    redis_say(s, "MULTI", &o[0]);
    redis_say(s, "INCR u", &o[1]);
    redis_expect(s, &o[0], "\"OK\"");
    redis_expect(s, &o[1], "\"QUEUED\"");
    redis_ask(s, "GET u", "null");
    redis_say(s, "EXEC", &o[0]);
    redis_expect_error(s, &o[0], WEIR_SCRIPT, "EXEC without MULTI");
}

static void
a_transaction_with_a_refused_command_is_not_carried_out(void **state)
{
    struct redis_side *s = *state;
    struct redis_outcome_of o[5] = { { .done = false } };
    redis_use(s, own.url);
    redis_ask(s, "DEL v", "0");
    redis_say(s, "MULTI", &o[0]);
    redis_say(s, "INCR v", &o[1]);
    redis_say(s, "SELECT 3", &o[2]);
    redis_say(s, "EXEC", &o[3]);
    redis_say(s, "PING", &o[4]); /* of somebody else, in the same turn */
    redis_expect(s, &o[0], "\"OK\"");
    redis_expect_error(s, &o[2], WEIR_INVALID, "the database is chosen in the URL");
    redis_expect_error(s, &o[3], WEIR_UNAVAILABLE, "none is carried out");
    redis_expect(s, &o[4], "\"PONG\"");
    redis_ask(s, "GET v", "null");
    redis_clear(&o[1]);
}

static void
bytes_come_as_they_are(void **state)
{
    struct redis_side *s = *state;
    redis_use(s, own.url);
    const struct weir_text args[] = { TEXT("SET"), TEXT("b"), TEXT("\xff\0\r\n$") };
    struct weir_redis_request r = { .size = sizeof r, .args = args, .n_args = 3 };
    struct redis_outcome_of o = { .done = false };
    redis_send(s->shard, s->server, &r, redis_take, &o);
    redis_expect(s, &o, "\"OK\"");
    redis_say(s, "GET b", &o);
    redis_until(s, &o.done);
    assert_int_equal(value_type(o.reply), WEIR_BYTES);
    assert_true(text_equal(value_as_text(o.reply), args[2]));
    redis_clear(&o);
}

static void
a_large_value_goes_and_comes_whole(void **state)
{
    struct redis_side *s = *state;
    redis_use(s, own.url);
    size_t len = 12u << 20;
    char *bytes = malloc(len);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)('a' + i % 23);
    const struct weir_text args[] = { TEXT("SET"), TEXT("large"), { bytes, len } };
    struct weir_redis_request r = { .size = sizeof r, .args = args, .n_args = 3, .timeout_ms = 9000 };
    struct redis_outcome_of o = { .done = false };
    redis_send(s->shard, s->server, &r, redis_take, &o);
    redis_expect(s, &o, "\"OK\"");
    redis_say_in(s, "GET large", 9000, &o);
    redis_until(s, &o.done);
    assert_non_null(o.reply);
    assert_true(text_equal(value_as_text(o.reply), args[2]));
    redis_clear(&o);
    free(bytes);
    redis_ask(s, "DEL large", "1");
}

static void
the_database_of_the_url_is_used(void **state)
{
    struct redis_side *s = *state;
    char url[200];
    redis_use(s, own.url);
    redis_ask(s, "SET d zero", "\"OK\"");
    snprintf(url, sizeof url, "%s?db=5", own.url);
    redis_use(s, url);
    redis_ask(s, "GET d", "null");
    redis_ask(s, "SET d five", "\"OK\"");
    redis_use(s, own.url);
    redis_ask(s, "GET d", "\"zero\"");
    snprintf(url, sizeof url, "%s?db=99", own.url);
    redis_use(s, url);
    struct redis_outcome_of o = { .done = false };
    redis_say(s, "GET d", &o);
    redis_expect_error(s, &o, WEIR_UNAVAILABLE, "DB index is out of range");
}

/* How long it takes until commands succeed again, at most 3 s. */
static uint64_t
recovery(struct redis_side *s)
{
    uint64_t begin = clock_mono_ms();
    while (clock_mono_ms() - begin < 3000) {
        struct redis_outcome_of o = { .done = false };
        redis_say_in(s, "SET r 1", 50, &o);
        redis_until(s, &o.done);
        if (o.reply != NULL) {
            redis_clear(&o);
            break;
        }
        redis_pass(s, 5);
    }
    return clock_mono_ms() - begin;
}

static void
a_frozen_server_costs_little_and_is_back_within_a_second(void **state)
{
    struct redis_side *s = *state;
    struct redis_outcome_of o = { .done = false };
    redis_use(s, own.url);
    redis_ask(s, "SET f 1", "\"OK\"");
    for (unsigned frozen_ms = 100; frozen_ms <= 2500; frozen_ms = frozen_ms * 5) {
        kill(own.pid, SIGSTOP);
        redis_say_in(s, "GET f", 50, &o);
        redis_expect_error(s, &o, WEIR_TIMEOUT, "no reply within 50ms");
        assert_int_equal(o.err.sent, 1);
        assert_in_range(o.ms, 49, 90);
        redis_clear(&o);
        unsigned slow = 0;
        uint64_t begin = clock_mono_ms();
        while (clock_mono_ms() - begin < frozen_ms) {
            redis_say_in(s, "GET f", 50, &o);
            redis_until(s, &o.done);
            assert_int_equal(o.err.code, WEIR_UNAVAILABLE);
            assert_int_equal(o.err.sent, 0);
            slow += o.ms > 10;
            redis_clear(&o);
            redis_pass(s, 5);
        }
        assert_true(slow <= 1);
        kill(own.pid, SIGCONT);
        assert_in_range(recovery(s), 0, 999);
        redis_ask(s, "GET f", "\"1\"");
    }
}

static void
a_killed_server_fails_at_once_and_is_back_within_a_second(void **state)
{
    struct redis_side *s = *state;
    struct redis_outcome_of o = { .done = false };
    redis_use(s, own.url);
    redis_ask(s, "SET f 1", "\"OK\"");
    for (unsigned round = 0; round < 3; round++) {
        redis_pass(s, round * 700);
        kill(own.pid, SIGSTOP);
        redis_say(s, "GET f", &o);
        redis_pass(s, 5);
        redis_own_kill(&own);
        redis_expect_error(s, &o, WEIR_UNAVAILABLE, "the connection");
        assert_int_equal(o.err.sent, 1);
        redis_clear(&o);
        redis_pass(s, 20);
        for (unsigned i = 0; i < 50; i++) {
            redis_say(s, "GET f", &o);
            redis_until(s, &o.done);
            assert_int_equal(o.err.code, WEIR_UNAVAILABLE);
            assert_in_range(o.ms, 0, 30);
            redis_clear(&o);
        }
        redis_pass(s, 600 * round);
        redis_own_start(&own);
        redis_own_ready(&own);
        assert_in_range(recovery(s), 0, 999);
    }
    struct redis_figures f;
    assert_true(redis_figures(0, &f));
    assert_int_equal(f.up, 1);
    assert_int_equal(f.reconnects, 3);
}

static void
a_wrong_password_is_told_and_tried_again(void **state)
{
    struct redis_side *s = *state;
    char url[200];
    struct redis_outcome_of o = { .done = false };
    struct redis_own with = { .pid = 0 };
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    bind(listener, (struct sockaddr *)&a, sizeof a);
    getsockname(listener, (struct sockaddr *)&a, &len);
    close(listener);
    unsigned port = ntohs(a.sin_port);
    snprintf(with.more, sizeof with.more, "--requirepass p@ss%%word --port %u", port);
    redis_own_start(&with);
    redis_own_ready(&with);

    snprintf(url, sizeof url, "redis://:wrong@127.0.0.1:%u", port);
    redis_use(s, url);
    redis_say(s, "PING", &o);
    redis_expect_error(s, &o, WEIR_UNAVAILABLE, "WRONGPASS");
    assert_null(strstr(o.err.text, "wrong@"));
    redis_clear(&o);
    snprintf(url, sizeof url, "redis://localhost:%u", port);
    redis_use(s, url);
    redis_say(s, "PING", &o);
    redis_expect_error(s, &o, WEIR_UNAVAILABLE, "NOAUTH");
    redis_clear(&o);
    snprintf(url, sizeof url, "redis://default:p%%40ss%%25word@127.0.0.1:%u/2", port);
    redis_use(s, url);
    redis_ask(s, "PING", "\"PONG\"");
    redis_own_stop(&with);
}

int
main(void)
{
    if (!redis_installed()) {
        printf("skipped: redis-server is not installed\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        REDIS_TEST(replies_become_values),
        REDIS_TEST(commands_of_one_turn_are_answered_in_order),
        REDIS_TEST(a_script_is_sent_whole_once_and_again_when_it_is_forgotten),
        REDIS_TEST(a_transaction_of_one_turn_is_carried_out),
        REDIS_TEST(a_transaction_that_is_left_open_is_discarded),
        REDIS_TEST(a_transaction_with_a_refused_command_is_not_carried_out),
        REDIS_TEST(bytes_come_as_they_are),
        REDIS_TEST(a_large_value_goes_and_comes_whole),
        REDIS_TEST(the_database_of_the_url_is_used),
        REDIS_TEST(a_frozen_server_costs_little_and_is_back_within_a_second),
        REDIS_TEST(a_killed_server_fails_at_once_and_is_back_within_a_second),
        REDIS_TEST(a_wrong_password_is_told_and_tried_again),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
