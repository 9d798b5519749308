/* breaker/tests/breaker_state_test.c - the state machine alone, with a clock by hand.
 *
 * The plugin is a shared object that exports nothing but its entry, so the file is included.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <stdatomic.h>

#include "../breaker_state.c"

static const struct breaker_settings usual = {
    .threshold = 500000,
    .volume = 5,
    .buckets = 10,
    .window_ms = 10000,
    .reset_ms = 30000,
};

static struct breaker b;
static struct breaker_change change;
static uint64_t now;

static void
begin(struct breaker_settings s)
{
    now = 1000000;
    breaker_init(&b, &s, now);
}

static struct breaker_ticket
enter(void)
{
    struct breaker_ticket t = { 0 };
    uint64_t wait;
    assert_int_equal(breaker_enter(&b, now, &t, &wait, &change), BREAKER_PASS);
    return t;
}

static enum breaker_answer
refused(uint64_t *wait)
{
    struct breaker_ticket t;
    return breaker_enter(&b, now, &t, wait, &change);
}

static void
leave(struct breaker_ticket t, enum breaker_result result)
{
    breaker_leave(&b, &t, result, now, &change);
}

static void
call(enum breaker_result result)
{
    leave(enter(), result);
}

static struct breaker_view
look(void)
{
    struct breaker_view v;
    breaker_look(&b, now, &v);
    return v;
}

static void
open_it(void)
{
    for (unsigned i = 0; i < 5; i++)
        call(BREAKER_FAILURE);
    assert_true(change.made);
    assert_int_equal(b.state, BREAKER_OPEN);
}

static void
it_opens_strictly_above_the_threshold(void **state)
{
    (void)state;
    begin(usual);
    for (unsigned i = 0; i < 5; i++)
        call(BREAKER_SUCCESS);
    for (unsigned i = 0; i < 5; i++)
        call(BREAKER_FAILURE); /* 5 of 10 are 50 % */
    assert_int_equal(b.state, BREAKER_CLOSED);
    call(BREAKER_FAILURE);
    assert_int_equal(b.state, BREAKER_OPEN);
    assert_int_equal(change.calls, 11);
    assert_int_equal(change.failures, 6);
}

static void
each_percentage_is_exact(void **state)
{
    (void)state;
    for (uint32_t percent = 0; percent <= 100; percent++) {
        struct breaker_settings s = usual;
        s.threshold = percent * 10000;
        s.volume = 100;
        begin(s);
        for (uint32_t i = 0; i < 100; i++)
            call(i < 100 - percent ? BREAKER_SUCCESS : BREAKER_FAILURE);
        assert_int_equal(b.state, BREAKER_CLOSED);
        call(BREAKER_FAILURE);
        assert_int_equal(b.state, percent < 100 ? BREAKER_OPEN : BREAKER_CLOSED);
    }
}

static void
fewer_calls_than_the_volume_do_not_open_it(void **state)
{
    (void)state;
    begin(usual);
    for (unsigned i = 0; i < 4; i++)
        call(BREAKER_FAILURE);
    assert_int_equal(b.state, BREAKER_CLOSED);
    call(BREAKER_TIMEOUT);
    assert_int_equal(b.state, BREAKER_OPEN);
}

static void
calls_under_way_count_as_calls(void **state)
{
    (void)state;
    begin(usual);
    struct breaker_ticket slow[6];
    for (unsigned i = 0; i < 6; i++)
        slow[i] = enter();
    for (unsigned i = 0; i < 5; i++)
        call(BREAKER_FAILURE); /* 5 of 11 */
    assert_int_equal(b.state, BREAKER_CLOSED);
    leave(slow[0], BREAKER_FAILURE); /* 6 of 11 */
    assert_int_equal(b.state, BREAKER_OPEN);
}

static void
what_leaves_the_window_is_forgotten(void **state)
{
    (void)state;
    begin(usual);
    for (unsigned i = 0; i < 4; i++)
        call(BREAKER_FAILURE);
    now += 9000; /* nine buckets on: still inside */
    assert_int_equal(look().window.calls, 4);
    now += 1000;
    assert_int_equal(look().window.calls, 0);
    call(BREAKER_FAILURE);
    assert_int_equal(b.state, BREAKER_CLOSED);
    now += 1000000;
    assert_int_equal(look().window.calls, 0);
}

static void
the_window_rolls_bucket_by_bucket(void **state)
{
    (void)state;
    struct breaker_settings s = usual;
    s.threshold = 1000000;
    begin(s);
    for (unsigned i = 0; i < 100; i++) {
        call(BREAKER_SUCCESS);
        uint32_t calls = look().window.calls;
        assert_int_equal(calls, i < 10 ? i + 1 : 10);
        now += 1000;
    }
}

static void
a_call_that_outlives_the_window_counts_at_its_end(void **state)
{
    (void)state;
    begin(usual);
    struct breaker_ticket slow[6];
    for (unsigned i = 0; i < 6; i++)
        slow[i] = enter();
    now += 30000;
    for (unsigned i = 0; i < 5; i++)
        leave(slow[i], BREAKER_TIMEOUT);
    assert_int_equal(b.state, BREAKER_OPEN);
    assert_int_equal(change.failures, 5);
    assert_int_equal(change.calls, 5);
}

static void
an_open_one_rejects_and_says_how_long(void **state)
{
    (void)state;
    uint64_t wait;
    begin(usual);
    open_it();
    assert_int_equal(refused(&wait), BREAKER_IS_OPEN);
    assert_int_equal(wait, 30000);
    now += 29999;
    assert_int_equal(refused(&wait), BREAKER_IS_OPEN);
    assert_int_equal(wait, 1);
    assert_int_equal(look().totals[BREAKER_REJECTED], 2);
    now += 1;
    assert_int_equal(look().state, BREAKER_HALF_OPEN);
    assert_int_equal(b.state, BREAKER_OPEN); /* looking changes nothing */
    struct breaker_ticket t = enter();
    assert_true(change.made && change.to == BREAKER_HALF_OPEN && t.probe);
}

static void
a_half_open_one_lets_one_call_through(void **state)
{
    (void)state;
    uint64_t wait;
    begin(usual);
    open_it();
    now += 30000;
    struct breaker_ticket probe = enter();
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(refused(&wait), BREAKER_IS_PROBING);
    leave(probe, BREAKER_SUCCESS);
    assert_true(change.made && change.to == BREAKER_CLOSED);
    assert_int_equal(look().window.calls, 0);
    for (unsigned i = 0; i < 4; i++)
        call(BREAKER_FAILURE); /* the former failures are gone */
    assert_int_equal(b.state, BREAKER_CLOSED);
}

static void
a_probe_that_fails_opens_it_at_once_for_the_whole_time(void **state)
{
    (void)state;
    uint64_t wait;
    begin(usual);
    open_it();
    for (unsigned round = 0; round < 3; round++) {
        now += 30000;
        struct breaker_ticket probe = enter();
        now += 20000; /* the window is empty, and one call is fewer than the volume */
        leave(probe, BREAKER_FAILURE);
        assert_true(change.made && change.from == BREAKER_HALF_OPEN &&
                    change.to == BREAKER_OPEN);
        assert_int_equal(refused(&wait), BREAKER_IS_OPEN);
        assert_int_equal(wait, 30000);
    }
    assert_int_equal(look().transitions[BREAKER_OPEN], 4);
}

static void
a_probe_that_is_ignored_closes_it(void **state)
{
    (void)state;
    begin(usual);
    open_it();
    now += 30000;
    call(BREAKER_IGNORED);
    assert_int_equal(b.state, BREAKER_CLOSED);
}

static void
a_probe_that_is_cancelled_makes_room_for_the_next(void **state)
{
    (void)state;
    begin(usual);
    open_it();
    now += 30000;
    for (unsigned i = 0; i < 3; i++) {
        struct breaker_ticket probe = enter();
        assert_true(probe.probe);
        leave(probe, BREAKER_NOTHING);
        assert_int_equal(b.state, BREAKER_HALF_OPEN);
    }
    call(BREAKER_SUCCESS);
    assert_int_equal(b.state, BREAKER_CLOSED);
}

static void
late_answers_change_nothing(void **state)
{
    (void)state;
    begin(usual);
    struct breaker_ticket late[6];
    for (unsigned i = 0; i < 4; i++)
        late[i] = enter();
    for (unsigned i = 0; i < 5; i++)
        call(BREAKER_FAILURE);
    assert_int_equal(b.state, BREAKER_OPEN);
    leave(late[0], BREAKER_SUCCESS);
    assert_int_equal(b.state, BREAKER_OPEN);
    now += 30000;
    struct breaker_ticket probe = enter();
    leave(late[1], BREAKER_SUCCESS);
    assert_int_equal(b.state, BREAKER_HALF_OPEN);
    leave(late[2], BREAKER_FAILURE);
    assert_int_equal(b.state, BREAKER_HALF_OPEN);
    leave(late[3], BREAKER_NOTHING);
    assert_true(b.probing);
    leave(probe, BREAKER_SUCCESS);
    assert_int_equal(b.state, BREAKER_CLOSED);
    assert_int_equal(b.in_flight, 0);
    assert_int_equal(look().window.calls, 0);
    assert_int_equal(look().totals[BREAKER_FAILURE], 6); /* but all were counted */
}

static void
a_cancelled_call_counts_as_nothing(void **state)
{
    (void)state;
    begin(usual);
    for (unsigned i = 0; i < 4; i++)
        call(BREAKER_FAILURE);
    for (unsigned i = 0; i < 100; i++)
        call(BREAKER_NOTHING);
    assert_int_equal(look().window.calls, 4);
    struct breaker_ticket t = enter();
    now += 60000;
    leave(t, BREAKER_NOTHING); /* it has left the window already */
    assert_int_equal(look().window.calls, 0);
}

static void
the_capacity_is_counted_apart(void **state)
{
    (void)state;
    uint64_t wait;
    struct breaker_settings s = usual;
    s.capacity = 2;
    begin(s);
    struct breaker_ticket one = enter();
    struct breaker_ticket two = enter();
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(refused(&wait), BREAKER_IS_FULL);
    leave(one, BREAKER_SUCCESS);
    one = enter();
    leave(one, BREAKER_SUCCESS);
    leave(two, BREAKER_SUCCESS);
    assert_int_equal(b.state, BREAKER_CLOSED);
    assert_int_equal(look().window.calls, 3);
    assert_int_equal(look().totals[BREAKER_FULL], 10);
}

static void
a_full_one_does_not_use_up_its_probe(void **state)
{
    (void)state;
    uint64_t wait;
    struct breaker_settings s = usual;
    s.capacity = 1;
    s.volume = 1;
    begin(s);
    call(BREAKER_FAILURE);
    assert_int_equal(b.state, BREAKER_OPEN);
    breaker_force(&b, BREAKER_FORCED_CLOSED, now, &change);
    struct breaker_ticket hangs = enter();
    breaker_force(&b, BREAKER_FORCED_OPEN, now, &change);
    breaker_force(&b, BREAKER_AUTO, now, &change);
    assert_int_equal(b.state, BREAKER_HALF_OPEN);
    assert_int_equal(refused(&wait), BREAKER_IS_FULL);
    leave(hangs, BREAKER_SUCCESS);
    assert_int_equal(b.state, BREAKER_HALF_OPEN); /* it began before */
    call(BREAKER_SUCCESS);
    assert_int_equal(b.state, BREAKER_CLOSED);
}

static void
held_open_it_rejects_whatever_the_time(void **state)
{
    (void)state;
    uint64_t wait;
    begin(usual);
    breaker_force(&b, BREAKER_FORCED_OPEN, now, &change);
    assert_true(change.made && change.forced == BREAKER_FORCED_OPEN);
    now += 1000000;
    assert_int_equal(refused(&wait), BREAKER_IS_OPEN);
    assert_int_equal(look().state, BREAKER_OPEN);
    assert_int_equal(breaker_tick(&b, now, &change), 0);
    assert_false(change.made);
    breaker_force(&b, BREAKER_FORCED_OPEN, now, &change);
    assert_false(change.made);
    breaker_force(&b, BREAKER_AUTO, now, &change);
    assert_true(change.made && change.to == BREAKER_HALF_OPEN);
    call(BREAKER_SUCCESS);
    assert_int_equal(b.state, BREAKER_CLOSED);
}

static void
held_closed_it_counts_and_does_not_open(void **state)
{
    (void)state;
    begin(usual);
    open_it();
    breaker_force(&b, BREAKER_FORCED_CLOSED, now, &change);
    assert_true(change.made && change.to == BREAKER_CLOSED);
    for (unsigned i = 0; i < 50; i++)
        call(BREAKER_FAILURE);
    assert_int_equal(b.state, BREAKER_CLOSED);
    assert_int_equal(look().window.calls, 50);
    breaker_force(&b, BREAKER_AUTO, now, &change);
    assert_false(change.made);
    call(BREAKER_FAILURE);
    assert_int_equal(b.state, BREAKER_OPEN);
}

static void
the_time_makes_it_half_open_once(void **state)
{
    (void)state;
    begin(usual);
    open_it();
    assert_int_equal(breaker_tick(&b, now, &change), 30000);
    now += 30000;
    assert_int_equal(breaker_tick(&b, now, &change), 0);
    assert_true(change.made);
    assert_int_equal(breaker_tick(&b, now, &change), 0);
    assert_false(change.made);
}

static void
new_settings_hold_for_the_state_as_it_is(void **state)
{
    (void)state;
    begin(usual);
    for (unsigned i = 0; i < 4; i++)
        call(BREAKER_FAILURE);
    struct breaker_settings s = usual;
    s.window_ms = 60000;
    s.buckets = 6;
    s.reset_ms = 1000;
    breaker_configure(&b, &s, now);
    assert_int_equal(look().window.calls, 4);
    now += 40000;
    call(BREAKER_FAILURE);
    assert_int_equal(b.state, BREAKER_OPEN);
    now += 1000;
    assert_int_equal(look().state, BREAKER_HALF_OPEN);
    s.buckets = BREAKER_BUCKETS_MAX;
    breaker_configure(&b, &s, now);
    call(BREAKER_SUCCESS);
    assert_int_equal(b.state, BREAKER_CLOSED);
}

static void
a_call_over_a_change_of_the_window_does_no_harm(void **state)
{
    (void)state;
    begin(usual);
    struct breaker_ticket t = enter();
    struct breaker_settings s = usual;
    s.buckets = 1;
    breaker_configure(&b, &s, now);
    now += 20000;
    breaker_configure(&b, &usual, now);
    leave(t, BREAKER_NOTHING);
    assert_int_equal(look().window.calls, 0);
}

static void
the_time_of_another_thread_may_be_behind(void **state)
{
    (void)state;
    begin(usual);
    open_it();
    now -= 5000;
    assert_int_equal(breaker_tick(&b, now, &change), 30000);
    assert_int_equal(look().window.calls, 5);
}

/* -- many threads -- */

#define THREADS 8

static atomic_uint probes;
static pthread_barrier_t start;

static void *
rush(void *arg)
{
    struct breaker_ticket t;
    struct breaker_change c;
    uint64_t wait;
    pthread_barrier_wait(&start);
    if (breaker_enter(&b, *(uint64_t *)arg, &t, &wait, &c) == BREAKER_PASS)
        atomic_fetch_add(&probes, 1);
    return NULL;
}

static void
of_eight_threads_one_is_the_probe(void **state)
{
    (void)state;
    pthread_barrier_init(&start, NULL, THREADS);
    for (unsigned round = 0; round < 200; round++) {
        pthread_t threads[THREADS];
        begin(usual);
        open_it();
        now += 30000;
        atomic_store(&probes, 0);
        for (unsigned i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, rush, &now), 0);
        for (unsigned i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(atomic_load(&probes), 1);
    }
    pthread_barrier_destroy(&start);
}

static void *
hammer(void *arg)
{
    uint64_t seed = (uintptr_t)arg + 1;
    uint64_t changes = 0;
    for (unsigned i = 0; i < 20000; i++) {
        struct breaker_ticket t;
        struct breaker_change c;
        uint64_t wait;
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t at = 1000000 + i;
        if (breaker_enter(&b, at, &t, &wait, &c) == BREAKER_PASS) {
            changes += c.made;
            breaker_leave(&b, &t, seed >> 60 < 9 ? BREAKER_FAILURE : BREAKER_SUCCESS, at, &c);
        }
        changes += c.made;
    }
    return (void *)(uintptr_t)changes;
}

static void
each_change_is_told_to_exactly_one_thread(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct breaker_settings s = usual;
    s.reset_ms = 3;
    s.window_ms = 100;
    begin(s);
    uint64_t told = 0;
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, (void *)i), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *changes;
        pthread_join(threads[i], &changes);
        told += (uintptr_t)changes;
    }
    struct breaker_view v = look();
    assert_int_equal(told, v.transitions[0] + v.transitions[1] + v.transitions[2]);
    assert_true(v.transitions[BREAKER_OPEN] > 0);
    assert_int_equal(v.in_flight, 0);
    uint64_t all = 0;
    for (unsigned i = 0; i < BREAKER_RESULTS; i++)
        all += v.totals[i];
    assert_int_equal(all, THREADS * 20000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_opens_strictly_above_the_threshold),
        cmocka_unit_test(each_percentage_is_exact),
        cmocka_unit_test(fewer_calls_than_the_volume_do_not_open_it),
        cmocka_unit_test(calls_under_way_count_as_calls),
        cmocka_unit_test(what_leaves_the_window_is_forgotten),
        cmocka_unit_test(the_window_rolls_bucket_by_bucket),
        cmocka_unit_test(a_call_that_outlives_the_window_counts_at_its_end),
        cmocka_unit_test(an_open_one_rejects_and_says_how_long),
        cmocka_unit_test(a_half_open_one_lets_one_call_through),
        cmocka_unit_test(a_probe_that_fails_opens_it_at_once_for_the_whole_time),
        cmocka_unit_test(a_probe_that_is_ignored_closes_it),
        cmocka_unit_test(a_probe_that_is_cancelled_makes_room_for_the_next),
        cmocka_unit_test(late_answers_change_nothing),
        cmocka_unit_test(a_cancelled_call_counts_as_nothing),
        cmocka_unit_test(the_capacity_is_counted_apart),
        cmocka_unit_test(a_full_one_does_not_use_up_its_probe),
        cmocka_unit_test(held_open_it_rejects_whatever_the_time),
        cmocka_unit_test(held_closed_it_counts_and_does_not_open),
        cmocka_unit_test(the_time_makes_it_half_open_once),
        cmocka_unit_test(new_settings_hold_for_the_state_as_it_is),
        cmocka_unit_test(a_call_over_a_change_of_the_window_does_no_harm),
        cmocka_unit_test(the_time_of_another_thread_may_be_behind),
        cmocka_unit_test(of_eight_threads_one_is_the_probe),
        cmocka_unit_test(each_change_is_told_to_exactly_one_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
