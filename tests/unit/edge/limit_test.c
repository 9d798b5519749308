/* unit/edge/limit_test.c - sizes at the limit, connections, descriptors, memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>

#include "harness.h"

#include "edge/memory.h"
#include "engine/metrics.h"

static unsigned
get_with(const char *format, size_t len)
{
    size_t room = len + 256;
    char *filler = malloc(len + 1);
    char *text = malloc(room);
    memset(filler, 'x', len);
    filler[len] = '\0';
    snprintf(text, room, format, filler);
    int fd = dial();
    unsigned status = status_of(ask(fd, text));
    close(fd);
    free(filler);
    free(text);
    return status;
}

static void
a_target_has_8_kib(void **state)
{
    (void)state;
    const char *format = "GET /any/%s HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_int_equal(get_with(format, 8192 - 6), 200);
    assert_int_equal(get_with(format, 8192 - 5), 200);
    assert_int_equal(get_with(format, 8192 - 4), 414);
}

static void
a_line_has_8_kib(void **state)
{
    (void)state;
    const char *format = "GET /get HTTP/1.1\r\nHost: x\r\nA: %s\r\n\r\n";
    unsigned last = 0;
    size_t at = 8192 - 16;
    for (; at < 8192 + 16; at++) {
        unsigned status = get_with(format, at);
        assert_true(status == 200 || status == 431);
        assert_false(last == 431 && status == 200);
        last = status;
    }
    assert_int_equal(last, 431);
}

/* The status that is answered to TEXT, on a connection of its own. */
static unsigned
status_to(const char *text)
{
    int fd = dial();
    put(fd, text);
    turns(20);
    unsigned status = status_of(take(fd));
    close(fd);
    return status;
}

static unsigned
get_with_fields(unsigned n, size_t len)
{
    static char text[1 << 17];
    size_t at = (size_t)snprintf(text, sizeof(text), "GET /get HTTP/1.1\r\nHost: x\r\n");
    for (unsigned i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "a%u: %0*u\r\n", i, (int)len, i);
    snprintf(text + at, sizeof(text) - at, "\r\n");
    return status_to(text);
}

static void
a_head_has_a_hundred_fields(void **state)
{
    (void)state;
    assert_int_equal(get_with_fields(98, 1), 200);
    assert_int_equal(get_with_fields(99, 1), 200);
    assert_int_equal(get_with_fields(100, 1), 431);
}

/* A head of exactly LEN bytes, in four long fields and a last one. */
static unsigned
get_with_head(size_t len)
{
    static char text[40000];
    size_t at = (size_t)snprintf(text, sizeof(text), "GET /get HTTP/1.1\r\nHost: x\r\n");
    for (unsigned i = 0; i < 4; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "a%u: %07500u\r\n", i, i);
    size_t left = len - at - strlen("z: \r\n\r\n");
    at += (size_t)snprintf(text + at, sizeof(text) - at, "z: %0*u\r\n\r\n", (int)left, 1u);
    assert_int_equal(at, len);
    return status_to(text);
}

static void
a_head_has_32_kib(void **state)
{
    (void)state;
    assert_int_equal(get_with_head(32767), 200);
    assert_int_equal(get_with_head(32768), 200);
    assert_int_equal(get_with_head(32769), 431);
}

static void
connections_over_the_limit_wait(void **state)
{
    (void)state;
    h.config.max_connections = 4;
    start_edge();
    int fds[10];
    for (unsigned i = 0; i < 10; i++)
        fds[i] = dial();
    turns(3);
    assert_int_equal(edge_connections(h.edge), 4);
    for (unsigned i = 0; i < 10; i++)
        put(fds[i], "GET /get HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    turns(20);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(status_of(take(fds[i])), 200);
        close(fds[i]);
    }
    turns(5);
    assert_int_equal(edge_connections(h.edge), 0);
}

static void
at_the_limit_nothing_spins(void **state)
{
    (void)state;
    h.config.max_connections = 4;
    start_edge();
    int fds[20];
    for (unsigned i = 0; i < 20; i++)
        fds[i] = dial();
    turns(5);
    struct timespec before;
    struct timespec after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    (void)shard_turn(h.shard, 300);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    long used_us =
        (after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
    assert_true(used_us < 30000);
    for (unsigned i = 0; i < 20; i++)
        close(fds[i]);
    turns(20);
    assert_int_equal(edge_connections(h.edge), 0);
}

static void
who_waits_gets_the_place_of_who_is_idle(void **state)
{
    (void)state;
    h.config.max_connections = 4;
    start_edge();
    int fds[5];
    for (unsigned i = 0; i < 4; i++) {
        fds[i] = dial();
        assert_int_equal(status_of(ask(fds[i], "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    }
    fds[4] = dial();
    put(fds[4], "GET /any/last HTTP/1.1\r\nHost: x\r\n\r\n");
    pass(250);
    assert_string_equal(take(fds[4]), "");
    pass(1750);
    pass(250);
    assert_int_equal(status_of(take(fds[4])), 200);
    take(fds[0]);
    assert_true(h.closed);
    for (unsigned i = 0; i < 5; i++)
        close(fds[i]);
}

/* Takes all places with connections that send TEXT and no more. True: who comes then is served,
 * once MS have passed and not before. */
static bool
is_served_after(const char *text, uint64_t ms)
{
    int fds[5];
    for (unsigned i = 0; i < 4; i++) {
        fds[i] = dial();
        put(fds[i], text);
        turns(3);
    }
    fds[4] = dial();
    put(fds[4], "GET /any/last HTTP/1.1\r\nHost: x\r\n\r\n");
    pass(ms / 2);
    bool waits = take(fds[4])[0] == '\0';
    pass(ms - ms / 2);
    pass(60);
    bool served = status_of(take(fds[4])) == 200;
    for (unsigned i = 0; i < 5; i++)
        close(fds[i]);
    turns(20);
    return waits && served;
}

static void
who_waits_gets_the_place_of_who_stands_still(void **state)
{
    (void)state;
    h.config.max_connections = 4;
    start_edge();
    assert_true(is_served_after("", 500));
    assert_true(is_served_after("GET /get HTTP/1.1\r\nHost", 500));
    assert_true(
        is_served_after("POST /any/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe", 500));
}

static void
without_descriptors_new_connections_wait(void **state)
{
    (void)state;
    int first = dial();
    int second = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(next);
    struct rlimit none = { (rlim_t)next, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(connect(second, (struct sockaddr *)&h.addresses.items[0].address,
                             h.addresses.items[0].len),
                     0);
    put(second, "GET /any/2 HTTP/1.1\r\nHost: x\r\n\r\n");
    turns(3);
    assert_int_equal(edge_connections(h.edge), 1);
    assert_int_equal(status_of(ask(first, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(edge_connections(h.edge), 1);
    pass(250);
    turns(3);
    assert_int_equal(status_of(take(second)), 200);
    close(first);
    close(second);
}

static double
refused(const char *reason)
{
    struct weir_metric m = { .size = sizeof(m),
                             .kind = WEIR_COUNTER,
                             .name = "weir_edge_refused_total",
                             .help =
                                 "Requests and connections that a limit of the edge refused",
                             .labels = "reason" };
    struct weir_error err;
    struct weir_text label = text_of(reason);
    return metric_read(metric_series(metric_family(&m, &err), &label));
}

static void
refusals_are_counted_by_reason(void **state)
{
    (void)state;
    double malformed = refused("malformed");
    double target = refused("target");
    double size = refused("body_size");
    int fd = dial();
    ask(fd, "bad\r\n\r\n");
    close(fd);
    get_with("GET /any/%s HTTP/1.1\r\nHost: x\r\n\r\n", 8192);
    fd = dial();
    ask(fd, "POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
    close(fd);
    assert_true(refused("malformed") == malformed + 1);
    assert_true(refused("target") == target + 1);
    assert_true(refused("body_size") == size + 1);
}

static void
random_paths_make_no_series(void **state)
{
    (void)state;
    int fd = dial();
    ask(fd, "GET /nope HTTP/1.1\r\nHost: x\r\n\r\n");
    unsigned before;
    unsigned after;
    metrics_count(&before);
    for (unsigned i = 0; i < 300; i++) {
        char text[100];
        snprintf(text, sizeof(text), "%s /r%u HTTP/1.1\r\nHost: x\r\n\r\n",
                 i % 2 ? "GET" : "PURGE", i);
        put(fd, text);
    }
    take(fd);
    metrics_count(&after);
    assert_true(after - before <= 2);
    close(fd);
}

static void
memory_is_watched_in_three_steps(void **state)
{
    (void)state;
    struct memory_watch w;
    memory_watch_init(&w, 1000);
    assert_int_equal(w.limit, 1000);
    memory_watch_init(&w, 0); /* the control group's, or the machine's: there is always one */
    assert_true(w.limit > 0);
    memory_watch_look(&w);
    assert_true(w.used > 0 && w.used < w.limit);
    assert_int_equal(memory_step_of(1000, 0), MEMORY_GOOD);
    assert_int_equal(memory_step_of(849, 1000), MEMORY_GOOD);
    assert_int_equal(memory_step_of(850, 1000), MEMORY_CLOSE_IDLE);
    assert_int_equal(memory_step_of(899, 1000), MEMORY_CLOSE_IDLE);
    assert_int_equal(memory_step_of(900, 1000), MEMORY_REFUSE_NEW);
    assert_int_equal(memory_step_of(950, 1000), MEMORY_REFUSE_ALL);
}

static void
short_of_memory_everything_is_refused_with_503(void **state)
{
    (void)state;
    int idle = dial();
    h.config.memory = 1;
    edge_free(&h.edge);
    start_edge();
    close(idle);
    int fd = dial();
    assert_int_equal(status_of(ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    pass(500);
    take(fd);
    assert_true(h.closed);
    close(fd);
    fd = dial();
    assert_int_equal(status_of(ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")), 503);
    assert_true(has("\r\nRetry-After: 1\r\n"));
    assert_true(h.closed);
    close(fd);
}

static void
an_address_that_is_taken_is_refused(void **state)
{
    (void)state;
    struct edge_addresses again = h.addresses;
    struct weir_error err;
    edge_free(&h.edge);
    start_edge();
    assert_int_equal(edge_addresses_reserve(&again, &err), WEIR_CONFLICT);
    assert_non_null(strstr(err.text, "127.0.0.1 port "));
    assert_int_equal(edge_addresses_parse(TEXT("1.2.3.4:5,[::1]:6 :7"), &again, &err), WEIR_OK);
    assert_int_equal(again.n, 3);
    assert_int_equal(edge_addresses_port(&again, 0), 5);
    assert_int_equal(edge_addresses_port(&again, 1), 6);
    assert_int_equal(edge_addresses_port(&again, 2), 7);
    assert_int_equal(edge_addresses_port(&again, 3), 0);
    assert_int_equal(edge_addresses_parse(TEXT("nonsense"), &again, &err), WEIR_INVALID);
}

static void
two_edges_share_a_port(void **state)
{
    (void)state;
    struct edge *other;
    struct weir_error err;
    assert_int_equal(edge_new(h.shard, &h.config, &other, &err), WEIR_OK);
    int fds[40];
    for (unsigned i = 0; i < 40; i++) {
        fds[i] = dial();
        assert_int_equal(status_of(ask(fds[i], "GET /get HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    }
    assert_int_equal(edge_connections(h.edge) + edge_connections(other), 40);
    assert_true(edge_connections(other) > 0);
    edge_free(&other);
    for (unsigned i = 0; i < 40; i++)
        close(fds[i]);
}

static void
half_the_descriptors_are_for_connections(void **state)
{
    (void)state;
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit small = { 128, before.rlim_max };
    setrlimit(RLIMIT_NOFILE, &small);
    assert_int_equal(edge_connections_max(1), 64);
    assert_int_equal(edge_connections_max(2), 32);
    assert_int_equal(edge_connections_max(1000), 1);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_true(edge_connections_max(1) <= 10000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup_started, teardown)
#define T_LATER(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(a_target_has_8_kib),
        T(a_line_has_8_kib),
        T(a_head_has_a_hundred_fields),
        T(a_head_has_32_kib),
        T_LATER(connections_over_the_limit_wait),
        T_LATER(at_the_limit_nothing_spins),
        T_LATER(who_waits_gets_the_place_of_who_is_idle),
        T_LATER(who_waits_gets_the_place_of_who_stands_still),
        T(without_descriptors_new_connections_wait),
        T(refusals_are_counted_by_reason),
        T(random_paths_make_no_series),
        cmocka_unit_test(memory_is_watched_in_three_steps),
        T(short_of_memory_everything_is_refused_with_503),
        T(an_address_that_is_taken_is_refused),
        T(two_edges_share_a_port),
        cmocka_unit_test(half_the_descriptors_are_for_connections),
    };
    return cmocka_run_group_tests_name("edge/limit", tests, NULL, NULL);
}
