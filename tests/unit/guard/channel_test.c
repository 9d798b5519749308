/* What a supervisor and its worker say to each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guard/channel.h"
#include "guard/impl.h"
#include "guard/worker.h"

static struct channel_message m;

static void
words_arrive_in_order_with_what_belongs_to_them(void **state)
{
    (void)state;
    int ends[2];
    assert_true(channel_open(ends));
    struct channel_alive alive = { .silent_ms = 7, .tid = 42, .name = "shard-1" };
    assert_true(channel_send(ends[0], CHANNEL_READY, NULL, 0));
    assert_true(channel_send(ends[0], CHANNEL_ALIVE, &alive, sizeof alive));
    assert_int_equal(channel_receive(ends[1], &m), CHANNEL_READY);
    assert_int_equal(channel_receive(ends[1], &m), CHANNEL_ALIVE);
    assert_int_equal(m.alive.silent_ms, 7);
    assert_string_equal(m.alive.name, "shard-1");
    assert_int_equal(channel_receive(ends[1], &m), CHANNEL_NONE);
    close(ends[0]);
    assert_int_equal(channel_receive(ends[1], &m), CHANNEL_GONE);
    assert_false(channel_send(ends[1], CHANNEL_DRAIN, NULL, 0));
    close(ends[1]);
}

static void
what_is_no_message_is_the_end_of_the_talk(void **state)
{
    (void)state;
    uint32_t bad[][2] = { { 0, 0 }, { 99, 0 }, { CHANNEL_ALIVE, 0 }, { CHANNEL_READY, 1 } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int ends[2];
        assert_true(channel_open(ends));
        assert_int_equal(send(ends[0], bad[i], i < 2 ? 4 : 8, 0), i < 2 ? 4 : 8);
        assert_int_equal(channel_receive(ends[1], &m), CHANNEL_GONE);
        close(ends[0]);
        close(ends[1]);
    }
}

static void
a_full_channel_refuses_and_does_not_wait(void **state)
{
    (void)state;
    int ends[2];
    assert_true(channel_open(ends));
    unsigned n = 0;
    while (n < 1000000 && channel_send(ends[0], CHANNEL_READY, NULL, 0))
        n++;
    assert_in_range(n, 1, 999999);
    close(ends[0]);
    close(ends[1]);
}

static void
a_process_that_nobody_supervises_has_nothing_to_say(void **state)
{
    (void)state;
    unsetenv(HANDOVER_VARIABLE);
    assert_false(worker_begin());
    assert_false(worker_supervised());
    assert_null(worker_handover());
    assert_false(worker_tell(CHANNEL_READY));
    assert_int_equal(worker_receive(), CHANNEL_NONE);
}

static void
a_worker_takes_what_is_handed_over_and_leaves_no_trace(void **state)
{
    (void)state;
    int ends[2];
    char number[12];
    static struct handover h;
    assert_true(channel_open(ends));
    h.n_shards = 3;
    h.n_fds = 2;
    h.fds[0] = dup(0);
    h.fds[1] = -1;
    h.restarts[DEATH_SEGV] = 5;
    assert_true(channel_send(ends[0], CHANNEL_HANDOVER, &h, sizeof h));
    snprintf(number, sizeof number, "%d", ends[1]);
    setenv(HANDOVER_VARIABLE, number, 1);
    setenv("NOTIFY_SOCKET", "/nowhere", 1);
    setenv("LISTEN_FDS", "1", 1);
    assert_true(worker_begin());
    assert_null(getenv(HANDOVER_VARIABLE));
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_null(getenv("LISTEN_FDS"));
    assert_true(worker_supervised());
    assert_int_equal(worker_handover()->n_shards, 3);
    assert_int_equal(worker_handover()->restarts[DEATH_SEGV], 5);
    assert_int_equal(fcntl(h.fds[0], F_GETFD), FD_CLOEXEC);
    assert_true(worker_tell(CHANNEL_STOPPING));
    assert_int_equal(channel_receive(ends[0], &m), CHANNEL_STOPPING);
    worker_close_sockets();
    assert_int_equal(fcntl(h.fds[0], F_GETFD), -1);
    close(ends[0]);
    assert_int_equal(worker_receive(), CHANNEL_GONE);
}

static void
each_death_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DEATH_COUNT; i++)
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(death_name((enum death)i), death_name((enum death)k));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_arrive_in_order_with_what_belongs_to_them),
        cmocka_unit_test(what_is_no_message_is_the_end_of_the_talk),
        cmocka_unit_test(a_full_channel_refuses_and_does_not_wait),
        cmocka_unit_test(a_process_that_nobody_supervises_has_nothing_to_say),
        cmocka_unit_test(a_worker_takes_what_is_handed_over_and_leaves_no_trace),
        cmocka_unit_test(each_death_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
