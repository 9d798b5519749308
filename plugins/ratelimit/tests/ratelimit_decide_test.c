/* ratelimit/tests/ratelimit_decide_test.c - the decision as a function of entry and time: the
 * log against a naive model, and all three algorithms against the script on a real Redis.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../decide.c"
#include "../decide_bucket.c"
#undef until_fits
#define until_fits windows_until_fits
#include "../decide_windows.c"
#undef until_fits
#define until_fits log_until_fits
#include "../decide_log.c"
#include "../script.c"

/* -- memory and chance -- */

static size_t taken; /* bytes that entries have */
static size_t most;  /* and may have */

static void *
resize(void *arg, void *memory, size_t old_len, size_t new_len)
{
    (void)arg;
    if (taken - old_len + new_len > most)
        return NULL;
    taken = taken - old_len + new_len;
    if (new_len > 0)
        return realloc(memory, new_len);
    free(memory);
    return NULL;
}

static const struct memory memory = { resize, NULL };
static uint64_t seed;

static uint64_t
chance(uint64_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % n;
}

static int
begin(void **state)
{
    (void)state;
    taken = 0;
    most = 1u << 30;
    seed = 42;
    return 0;
}

static struct ask
ask_for(enum algorithm algorithm, uint64_t limit, uint64_t window, uint64_t capacity)
{
    struct ask a = { .algorithm = algorithm, .cost = 1, .now_ms = UINT64_C(1) << 40 };
    assert_true(rate_make(limit, window, capacity, &a.rate));
    return a;
}

/* -- the log -- */

/* What a person would write: all stamps, looked through each time. */
struct model {
    uint64_t stamps[100000];
    size_t n;
};

static uint64_t
model_count(const struct model *m, const struct ask *a, uint64_t now)
{
    uint64_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += m->stamps[i] + a->rate.window_ms > now;
    return n;
}

/* Plays ROUNDS arrivals, up to GAP ms apart, of costs up to COST. */
static void
play_log(struct ask a, unsigned rounds, uint64_t gap, uint64_t cost)
{
    struct model *m = calloc(1, sizeof *m);
    struct entry e = { 0 };
    struct verdict v;
    assert_non_null(m);
    for (unsigned i = 0; i < rounds && m->n + cost < 100000; i++) {
        a.now_ms += chance(20) == 0 ? a.rate.window_ms * chance(3) : chance(gap);
        a.cost = chance(cost + 1);
        uint64_t used = model_count(m, &a, a.now_ms);
        bool allowed = used + a.cost <= a.rate.limit;
        decide(&e, &a, &memory, &v);
        assert_false(v.full);
        assert_int_equal(v.allowed, allowed);
        for (uint64_t k = 0; allowed && k < a.cost; k++)
            m->stamps[m->n++] = a.now_ms;
        used += allowed ? a.cost : 0;
        assert_int_equal(v.used, used);
        assert_int_equal(v.remaining, a.rate.limit - used);
        if (v.retry_ms > 0) { /* not a millisecond too early, nor too late */
            assert_true(model_count(m, &a, a.now_ms + v.retry_ms) + a.cost <= a.rate.limit);
            assert_true(model_count(m, &a, a.now_ms + v.retry_ms - 1) + a.cost > a.rate.limit);
        }
        if (v.reset_ms > 0)
            assert_true(model_count(m, &a, a.now_ms + v.reset_ms) < used);
    }
    a.now_ms += 2 * a.rate.window_ms + 1000;
    assert_true(entry_is_over(&e, a.now_ms));
    entry_clear(&e, &memory);
    assert_int_equal(taken, 0);
    free(m);
}

static void
the_log_is_that_of_a_naive_model(void **state)
{
    (void)state;
    play_log(ask_for(SLIDING_LOG, 10, 1000, 0), 5000, 200, 1);
    play_log(ask_for(SLIDING_LOG, 100, 60000, 0), 5000, 1000, 3);
    play_log(ask_for(SLIDING_LOG, 1, 50, 0), 5000, 30, 1);
    play_log(ask_for(SLIDING_LOG, 50, 100, 0), 5000, 3, 60);
    play_log(ask_for(SLIDING_LOG, 8192, 5000, 0), 5000, 3, 9);
    play_log(ask_for(SLIDING_LOG, 5, WINDOW_MAX_MS, 0), 2000, WINDOW_MAX_MS / 3, 1);
    play_log(ask_for(SLIDING_LOG, 0, 1000, 0), 100, 10, 1);
}

static void
a_stamp_leaves_when_it_is_as_old_as_the_window_and_no_sooner(void **state)
{
    (void)state;
    struct ask a = ask_for(SLIDING_LOG, 1, 1000, 0);
    struct entry e = { 0 };
    struct verdict v;
    decide(&e, &a, &memory, &v);
    assert_true(v.allowed && v.reset_ms == 1000 && v.retry_ms == 0);
    a.now_ms += 999;
    decide(&e, &a, &memory, &v);
    assert_true(!v.allowed && v.retry_ms == 1);
    a.now_ms += 1;
    decide(&e, &a, &memory, &v);
    assert_true(v.allowed);
}

static void
a_high_limit_is_never_exceeded_and_at_most_a_hundredth_too_low(void **state)
{
    (void)state;
    struct ask a = ask_for(SLIDING_LOG, 20000, 60000, 0);
    struct entry e = { 0 };
    struct verdict v;
    struct model *m = calloc(1, sizeof *m);
    uint64_t refused_early = 0, asked = 0;
    assert_int_equal(a.rate.step_ms, 8);
    for (; asked < 90000; asked++) {
        a.now_ms += chance(5); /* 30,000 in a window */
        decide(&e, &a, &memory, &v);
        uint64_t used = asked % 50 == 0 || !v.allowed ? model_count(m, &a, a.now_ms) : 0;
        assert_true(used + v.allowed <= a.rate.limit);
        refused_early += !v.allowed && used < a.rate.limit;
        if (v.allowed)
            m->stamps[m->n++] = a.now_ms;
    }
    assert_true(refused_early * 100 <= asked);
    assert_true(taken <= (RUNS_MAX * 2 + 8) * 8);
    entry_clear(&e, &memory);
    free(m);
}

static void
a_log_without_memory_is_full_and_counts_nothing(void **state)
{
    (void)state;
    struct ask a = ask_for(SLIDING_LOG, 10, 1000, 0);
    struct entry e = { 0 };
    struct verdict v;
    most = 0;
    decide(&e, &a, &memory, &v);
    assert_true(v.allowed && !v.full);
    a.now_ms++;
    decide(&e, &a, &memory, &v);
    assert_true(v.full);
    a.cost = 0;
    decide(&e, &a, &memory, &v);
    assert_int_equal(v.used, 1);
}

static void
an_entry_has_16_bytes(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct entry), 16);
}

static void
a_clock_that_is_a_moment_behind_counts_all_the_same(void **state)
{
    (void)state;
    for (enum algorithm k = SLIDING_LOG; k <= TOKEN_BUCKET; k++) {
        struct ask a = ask_for(k, 3, 1000, 0);
        struct entry e = { 0 };
        struct verdict v;
        a.now_ms = a.now_ms / 1000 * 1000; /* where a window begins */
        for (unsigned i = 0; i < 3; i++, a.now_ms--) {
            decide(&e, &a, &memory, &v);
            assert_true(v.allowed);
        }
        decide(&e, &a, &memory, &v);
        assert_false(v.allowed);
        entry_clear(&e, &memory);
    }
}

static void
a_bucket_allows_its_burst_and_then_an_even_flow(void **state)
{
    (void)state;
    struct ask a = ask_for(TOKEN_BUCKET, 100, 60000, 20);
    struct entry e = { 0 };
    struct verdict v;
    for (unsigned i = 0; i < 20; i++) {
        decide(&e, &a, &memory, &v);
        assert_true(v.allowed);
        assert_int_equal(v.remaining, 19 - i);
    }
    decide(&e, &a, &memory, &v);
    assert_true(!v.allowed && v.retry_ms == 600);
    unsigned allowed = 0;
    for (unsigned i = 0; i < 60000; i++) { /* asked each millisecond: no rounding adds up */
        a.now_ms++;
        decide(&e, &a, &memory, &v);
        allowed += v.allowed;
    }
    assert_in_range(allowed, 99, 100);
}

static void
figures_out_of_range_are_no_rate(void **state)
{
    (void)state;
    struct rate r;
    assert_false(rate_make(LIMIT_MAX + 1ull, 1000, 0, &r));
    assert_false(rate_make(1, WINDOW_MAX_MS + 1, 0, &r));
    assert_false(rate_make(1, 0, 0, &r));
    assert_false(rate_make(1, WINDOW_MAX_MS, 2, &r)); /* it takes two months to fill */
    assert_false(rate_make(0, 1000, 5, &r));
    assert_true(rate_make(0, 1000, 0, &r));
}

/* -- a real Redis -- */

static struct {
    char folder[64];
    pid_t pid;
    int fd;
    char scripts[TOKEN_BUCKET + 1][4096]; /* with the time as an argument */
} redis;

static bool
redis_connect(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    redis.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(redis.fd, (const struct sockaddr *)&a, sizeof a) == 0)
        return true;
    close(redis.fd);
    return false;
}

/* False: there is no redis-server here. */
static bool
redis_start(void)
{
    char path[96];
    strcpy(redis.folder, "/tmp/weir-redis-XXXXXX");
    assert_non_null(mkdtemp(redis.folder));
    snprintf(path, sizeof path, "%s/s", redis.folder);
    redis.pid = fork();
    if (redis.pid == 0) {
        if (freopen("/dev/null", "w", stdout) == NULL)
            _exit(1);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--save",
               "", "--appendonly", "no", "--dir", redis.folder, (char *)NULL);
        _exit(127);
    }
    for (unsigned i = 0; i < 1000; i++) {
        if (redis_connect(path))
            return true;
        if (waitpid(redis.pid, NULL, WNOHANG) == redis.pid)
            return false;
        usleep(10000);
    }
    return false;
}

static void
redis_stop(void)
{
    char path[96];
    close(redis.fd);
    kill(redis.pid, SIGKILL);
    waitpid(redis.pid, NULL, 0);
    snprintf(path, sizeof path, "%s/s", redis.folder);
    unlink(path);
    rmdir(redis.folder);
}

/* The scripts, but for their clock, which is ARGV[6] in milliseconds. */
static void
make_scripts(void)
{
    static const char clock[] = "call('TIME')";
    for (enum algorithm k = SLIDING_LOG; k <= TOKEN_BUCKET; k++) {
        const char *script = limit_scripts[k].bytes, *at = strstr(script, clock);
        assert_non_null(at);
        size_t len = (size_t)snprintf(redis.scripts[k], sizeof redis.scripts[k], "%.*s%s%s", (int)(at - script),
                                      script, "{ math.floor(ARGV[6] / 1000), ARGV[6] % 1000 * 1000 }",
                                      at + sizeof clock - 1);
        assert_true(len < sizeof redis.scripts[k]);
    }
}

static void
say(const char *text)
{
    size_t len = strlen(text);
    assert_int_equal(write(redis.fd, text, len), len);
}

static void
say_words(unsigned n, const char *const *words)
{
    char text[12000];
    size_t len = (size_t)snprintf(text, sizeof text, "*%u\r\n", n);
    for (unsigned i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "$%zu\r\n%s\r\n",
                                strlen(words[i]), words[i]);
    say(text);
}

/* Reads a text of N whole numbers. */
static void
hear(unsigned n, uint64_t *ret)
{
    char text[1024];
    size_t len = 0;
    for (unsigned lines = 0; lines < 2;) {
        ssize_t got = read(redis.fd, text + len, sizeof text - 1 - len);
        assert_true(got > 0);
        len += (size_t)got;
        text[len] = '\0';
        if (text[0] != '$')
            fail_msg("%s", text);
        lines = 0;
        for (size_t i = 0; i < len; i++)
            lines += text[i] == '\n';
    }
    char *at = strchr(text, '\n') + 1;
    for (unsigned i = 0; i < n; i++) {
        ret[i] = strtoull(at, &at, 10);
        assert_int_equal(*at, i + 1 < n ? ' ' : '\r');
    }
}

static void
ask_redis(const char *key, const struct ask *a, struct verdict *ret)
{
    static unsigned unique;
    char n[6][24];
    uint64_t said[6];
    const uint64_t figures[] = { a->rate.limit, a->rate.window_ms, a->cost,
                                 a->algorithm == SLIDING_LOG ? a->rate.step_ms : a->rate.capacity,
                                 unique++, a->now_ms };
    for (unsigned i = 0; i < 6; i++)
        snprintf(n[i], sizeof n[i], "%llu", (unsigned long long)figures[i]);
    const char *const words[] = { "EVAL", redis.scripts[a->algorithm], "1", key, n[0], n[1], n[2], n[3], n[4], n[5] };
    say_words(10, words);
    hear(6, said);
    *ret = (struct verdict){ .allowed = said[0] == 1,
                             .used = said[1],
                             .remaining = said[2],
                             .reset_ms = said[3],
                             .retry_ms = said[4] };
    assert_int_equal(said[5], a->now_ms);
}

/* The same arrivals for the entry and for Redis. */
static void
play_both(const char *key, struct entry *e, struct ask a, uint64_t gap, uint64_t cost)
{
    struct verdict here, there;
    for (unsigned i = 0; i < 1500; i++) {
        a.now_ms += chance(20) == 0 ? a.rate.window_ms * chance(3) : chance(gap);
        a.cost = chance(cost + 1);
        decide(e, &a, &memory, &here);
        ask_redis(key, &a, &there);
        if (here.allowed != there.allowed || here.used != there.used ||
            here.remaining != there.remaining || here.reset_ms != there.reset_ms ||
            here.retry_ms != there.retry_ms)
            fail_msg("%s, round %u, cost %llu: here %d %llu %llu %llu %llu, there %d %llu %llu "
                     "%llu %llu",
                     key, i, (unsigned long long)a.cost, here.allowed,
                     (unsigned long long)here.used, (unsigned long long)here.remaining,
                     (unsigned long long)here.reset_ms, (unsigned long long)here.retry_ms,
                     there.allowed, (unsigned long long)there.used,
                     (unsigned long long)there.remaining, (unsigned long long)there.reset_ms,
                     (unsigned long long)there.retry_ms);
    }
}

static void
both_stores_say_the_same(void **state)
{
    (void)state;
    static const struct {
        uint64_t limit, window, capacity, gap, cost;
    } plays[] = {
        { 10, 60000, 0, 12000, 1 }, { 100, 60000, 0, 1000, 3 },
        { 7, 1000, 0, 200, 9 },     { 1000, 3600000, 0, 9000, 5 },
        { 20000, 60000, 0, 8, 40 }, { 3, 86400000, 0, 40000000, 1 },
    };
    if (!redis_start())
        skip();
    make_scripts();
    for (enum algorithm k = SLIDING_LOG; k <= TOKEN_BUCKET; k++)
        for (unsigned i = 0; i < sizeof plays / sizeof *plays; i++) {
            char key[32];
            struct entry e = { 0 };
            uint64_t capacity = k == TOKEN_BUCKET && i % 2 ? plays[i].limit / 2 + 1 : 0;
            struct ask a = ask_for(k, plays[i].limit, plays[i].window, capacity);
            snprintf(key, sizeof key, "%d:%u", (int)k, i);
            play_both(key, &e, a, plays[i].gap, plays[i].cost);
            entry_clear(&e, &memory);
        }
    /* what another algorithm left under the key is no obstacle */
    struct entry e = { 0 };
    struct ask a = ask_for(TOKEN_BUCKET, 10, 60000, 0);
    ask_redis("0:0", &a, &(struct verdict){ 0 });
    a.algorithm = SLIDING_LOG;
    play_both("0:0", &e, a, 9000, 1);
    entry_clear(&e, &memory);
    redis_stop();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_log_is_that_of_a_naive_model, begin),
        cmocka_unit_test_setup(a_stamp_leaves_when_it_is_as_old_as_the_window_and_no_sooner,
                               begin),
        cmocka_unit_test_setup(a_high_limit_is_never_exceeded_and_at_most_a_hundredth_too_low,
                               begin),
        cmocka_unit_test_setup(a_log_without_memory_is_full_and_counts_nothing, begin),
        cmocka_unit_test_setup(an_entry_has_16_bytes, begin),
        cmocka_unit_test_setup(a_clock_that_is_a_moment_behind_counts_all_the_same, begin),
        cmocka_unit_test_setup(a_bucket_allows_its_burst_and_then_an_even_flow, begin),
        cmocka_unit_test_setup(figures_out_of_range_are_no_rate, begin),
        cmocka_unit_test_setup(both_stores_say_the_same, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
