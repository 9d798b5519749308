/* The shard: its clock, timers, the queue of things to do soon, descriptors, posts, stopping.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/shard.h"
#include "loop/worker.h"

static struct weir_shard *shard;
static char letters[] = "abcdefghijklmnopqrstuvwxyz";
static char told[256]; /* letters that the callbacks leave */
static size_t n_told;

static int
set_up(void **state)
{
    (void)state;
    struct weir_error err;
    n_told = 0;
    return shard_new(7, &shard, &err) == WEIR_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    shard_free(&shard);
    return 0;
}

static void
tell(void *arg)
{
    if (n_told < sizeof(told) - 1)
        told[n_told++] = *(const char *)arg;
    told[n_told] = '\0';
}

static void
expect(const char *what)
{
    told[n_told] = '\0';
    assert_string_equal(told, what);
    n_told = 0;
}

static void
due_timers_fire_in_order_and_once(void **state)
{
    (void)state;
    struct timer a, b, c;
    timer_init(&a, tell, &letters['a' - 'a']);
    timer_init(&b, tell, &letters['b' - 'a']);
    timer_init(&c, tell, &letters['c' - 'a']);
    shard_set_clock(shard, 1000);
    timer_set(shard, &a, 1020);
    timer_set(shard, &b, 1010);
    timer_set(shard, &c, 1030);
    assert_true(shard_turn(shard, 0));
    expect("");
    shard_set_clock(shard, 1020);
    assert_true(shard_turn(shard, 0));
    expect("ba");
    assert_false(timer_armed(&a));
    assert_true(timer_armed(&c));
    assert_true(shard_turn(shard, 0));
    expect("");
    timer_unset(shard, &c);
    timer_unset(shard, &c);
    shard_set_clock(shard, 9999);
    assert_true(shard_turn(shard, 0));
    expect("");
}

static void
a_moved_timer_fires_at_its_new_time(void **state)
{
    (void)state;
    struct timer a;
    timer_init(&a, tell, &letters['a' - 'a']);
    shard_set_clock(shard, 1000);
    timer_set(shard, &a, 1010);
    timer_set(shard, &a, 1500);
    shard_set_clock(shard, 1100);
    shard_turn(shard, 0);
    expect("");
    shard_set_clock(shard, 1500);
    shard_turn(shard, 0);
    expect("a");
}

static void
a_real_timer_waits_its_time_and_no_longer(void **state)
{
    (void)state;
    struct timer a, b;
    timer_init(&a, tell, &letters['a' - 'a']);
    timer_init(&b, tell, &letters['b' - 'a']);
    uint64_t began = clock_mono_ms();
    timer_set(shard, &a, shard_now(shard) + 30);
    timer_set(shard, &b, shard_now(shard) + 60);
    while (timer_armed(&a))
        shard_turn(shard, 1000);
    uint64_t took = clock_mono_ms() - began;
    assert_in_range(took, 29, 200);
    timer_set(shard, &b, shard_now(shard) + 20); /* moved before what libevent waits for */
    while (timer_armed(&b))
        shard_turn(shard, 1000);
    assert_in_range(clock_mono_ms() - began, took + 19, 500);
    expect("ab");
}

static void
a_turn_waits_no_longer_than_it_is_told(void **state)
{
    (void)state;
    struct timer far;
    timer_init(&far, tell, &letters['f' - 'a']);
    timer_set(shard, &far, shard_now(shard) + 60000);
    uint64_t began = clock_mono_ms();
    shard_turn(shard, 20);
    assert_in_range(clock_mono_ms() - began, 0, 500);
    timer_unset(shard, &far);
    expect("");
}

static void
rearm_in_the_past(void *arg)
{
    struct timer *t = arg;
    tell(&letters['r' - 'a']);
    timer_set(shard, t, 1);
}

static void
a_timer_that_rearms_itself_in_the_past_lets_the_loop_turn(void **state)
{
    (void)state;
    struct timer t, idle[20];
    timer_init(&t, rearm_in_the_past, &t);
    for (unsigned i = 0; i < 20; i++) { /* how many stand beside it does not matter */
        timer_init(&idle[i], tell, &letters[0]);
        timer_set(shard, &idle[i], 100000000 + i);
    }
    timer_set(shard, &t, 1);
    for (unsigned i = 0; i < 5; i++) { /* also within one ms */
        shard_turn(shard, 1000);
        expect("r");
    }
    timer_unset(shard, &t);
    for (unsigned i = 0; i < 20; i++)
        timer_unset(shard, &idle[i]);
}

static struct timer other;

static void
unset_other(void *arg)
{
    tell(arg);
    timer_unset(shard, &other);
}

static void
a_timer_that_another_takes_out_does_not_fire(void **state)
{
    (void)state;
    struct timer a;
    timer_init(&a, unset_other, &letters['a' - 'a']);
    timer_init(&other, tell, &letters['o' - 'a']);
    shard_set_clock(shard, 50);
    timer_set(shard, &a, 10);
    timer_set(shard, &other, 20);
    shard_turn(shard, 0);
    expect("a");
    assert_false(timer_armed(&other));
}

static struct soon again;

static void
add_again(void *arg)
{
    tell(arg);
    soon_add(shard, &again);
}

static void
soon_runs_in_order_and_what_it_adds_runs_before_the_wait(void **state)
{
    (void)state;
    struct soon a, b;
    soon_init(&a, add_again, &letters['a' - 'a']);
    soon_init(&b, tell, &letters['b' - 'a']);
    soon_init(&again, tell, &letters['c' - 'a']);
    soon_add(shard, &a);
    soon_add(shard, &b);
    soon_add(shard, &b);
    shard_turn(shard, 10000);
    expect("abc");
    soon_add(shard, &b);
    soon_remove(&b);
    soon_remove(&b);
    shard_turn(shard, 0);
    expect("");
}

static void
remove_again(void *arg)
{
    tell(arg);
    soon_remove(&again);
}

static void
late_ones_run_before_all_others_and_once(void **state)
{
    (void)state;
    struct soon a, b, c;
    soon_init(&a, tell, &letters['a' - 'a']);
    soon_init(&b, tell, &letters['b' - 'a']);
    soon_init(&c, add_again, &letters['c' - 'a']);
    soon_init(&again, tell, &letters['d' - 'a']);
    soon_add(shard, &a);
    soon_add(shard, &b);
    soon_add_late(shard, &b); /* it moves */
    soon_add(shard, &b);
    soon_add_late(shard, &c);
    shard_turn(shard, 10000);
    expect("bcad");
    soon_add_late(shard, &a);
    soon_remove(&a);
    shard_turn(shard, 0);
    expect("");
}

static void
soon_may_take_out_one_that_is_about_to_run(void **state)
{
    (void)state;
    struct soon a;
    soon_init(&a, remove_again, &letters['a' - 'a']);
    soon_init(&again, tell, &letters['x' - 'a']);
    soon_add(shard, &a);
    soon_add(shard, &again);
    shard_turn(shard, 0);
    expect("a");
}

static unsigned spins;

static void
spin(void *arg)
{
    spins++;
    soon_add(shard, arg);
}

static void
soon_that_never_ends_does_not_starve_timers(void **state)
{
    (void)state;
    struct soon a;
    struct timer t;
    spins = 0;
    soon_init(&a, spin, &a);
    timer_init(&t, tell, &letters['t' - 'a']);
    soon_add(shard, &a);
    shard_turn(shard, 1000);
    assert_in_range(spins, 1, 1000);
    timer_set(shard, &t, 1);
    shard_turn(shard, 1000);
    expect("t");
    soon_remove(&a);
}

/* Takes longer than all of soon may in one turn, and comes back. */
static void
work_on(void *arg)
{
    spins++;
    usleep(30000);
    soon_add(shard, arg);
}

static void
note_spins(void *arg, int fd, unsigned ready)
{
    (void)fd;
    (void)ready;
    *(unsigned *)arg = spins;
}

static void
soon_that_takes_long_does_not_starve_descriptors(void **state)
{
    (void)state;
    struct soon a;
    unsigned heard = 0;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct watch *watch = watch_new(shard, fds[0], WEIR_READ, note_spins, &heard);
    spins = 0;
    soon_init(&a, work_on, &a);
    soon_add(shard, &a);
    shard_turn(shard, 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    shard_turn(shard, 0);
    assert_int_equal(heard, 1); /* it was the turn of all others behind the first round */
    soon_remove(&a);
    watch_free(&watch);
    close(fds[0]);
    close(fds[1]);
}

/* Does not read what is there, a thousand times. */
static void
leave_unread(void *arg, int fd, unsigned ready)
{
    (void)fd;
    (void)ready;
    if (++spins == 1000)
        watch_want(*(struct watch **)arg, 0);
}

static void
a_descriptor_that_is_always_ready_does_not_starve_soon_and_timers(void **state)
{
    (void)state;
    struct soon a;
    struct timer t;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    struct watch *watch = NULL;
    watch = watch_new(shard, fds[0], WEIR_READ, leave_unread, &watch);
    spins = 0;
    soon_init(&a, tell, &letters['s' - 'a']);
    timer_init(&t, tell, &letters['t' - 'a']);
    soon_add(shard, &a);
    timer_set(shard, &t, 1);
    shard_turn(shard, 1000);
    expect("ts");
    assert_int_equal(spins, 1);
    watch_free(&watch);
    close(fds[0]);
    close(fds[1]);
}

struct pipe_end {
    struct watch *watch;
    unsigned ready;
    bool free_inside;
};

static void
on_pipe(void *arg, int fd, unsigned ready)
{
    (void)fd;
    struct pipe_end *p = arg;
    p->ready |= ready;
    if (p->free_inside)
        watch_free(&p->watch);
}

static void
a_descriptor_is_watched_for_what_is_wanted(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    struct pipe_end in = { 0 }, out = { 0 };
    in.watch = watch_new(shard, fds[0], WEIR_READ, on_pipe, &in);
    out.watch = watch_new(shard, fds[1], 0, on_pipe, &out);
    shard_turn(shard, 0);
    assert_int_equal(in.ready | out.ready, 0);

    watch_want(out.watch, WEIR_WRITE);
    shard_turn(shard, 1000);
    assert_int_equal(out.ready, WEIR_WRITE);
    watch_want(out.watch, 0);
    out.ready = 0;
    assert_int_equal(write(fds[1], "x", 1), 1);
    shard_turn(shard, 1000);
    assert_int_equal(in.ready, WEIR_READ);
    assert_int_equal(out.ready, 0);

    in.ready = 0; /* level-triggered: what was not read is told again */
    in.free_inside = true;
    shard_turn(shard, 1000);
    assert_int_equal(in.ready, WEIR_READ);
    assert_null(in.watch);
    watch_free(&out.watch);
    watch_free(&out.watch);
    close(fds[0]);
    close(fds[1]);
}

static void
a_descriptor_number_that_is_used_again_is_watched_again(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        int fds[2];
        assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
        struct pipe_end in = { 0 };
        in.watch = watch_new(shard, fds[0], WEIR_READ, on_pipe, &in);
        if (i % 2)
            shard_turn(shard, 0);
        assert_int_equal(write(fds[1], "x", 1), 1);
        shard_turn(shard, 1000);
        assert_int_equal(in.ready, WEIR_READ);
        watch_free(&in.watch);
        close(fds[0]);
        close(fds[1]);
    }
}

static struct pipe_end *victim;
static struct pipe_end first_end, second_end;

static void
free_victim(void *arg, int fd, unsigned ready)
{
    (void)fd;
    (void)ready;
    struct pipe_end *me = arg;
    me->ready++;
    victim = me == &first_end ? &second_end : &first_end;
    watch_free(&victim->watch);
}

static void
a_watch_that_another_callback_frees_is_not_called(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    int twin[2];
    assert_int_equal(pipe2(twin, O_NONBLOCK | O_CLOEXEC), 0);
    first_end = second_end = (struct pipe_end){ 0 };
    first_end.watch = watch_new(shard, fds[1], WEIR_WRITE, free_victim, &first_end);
    second_end.watch = watch_new(shard, twin[1], WEIR_WRITE, free_victim, &second_end);
    shard_turn(shard, 1000);
    assert_int_equal(first_end.ready + second_end.ready, 1);
    watch_free(&first_end.watch);
    watch_free(&second_end.watch);
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
        close(twin[i]);
    }
}

static unsigned posts;

static void
count_post(void *arg)
{
    (void)arg;
    if (++posts == 4 * 20000)
        shard_stop(shard);
}

static void *
post_many(void *arg)
{
    for (int i = 0; i < 20000; i++)
        shard_post(shard, count_post, arg);
    return NULL;
}

static void
posts_of_many_threads_all_arrive(void **state)
{
    (void)state;
    pthread_t threads[4];
    posts = 0;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, NULL), 0);
    shard_run(shard);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(posts, 4 * 20000);
}

static void
post_from_inside(void *arg)
{
    tell(&letters['p' - 'a']);
    shard_post(shard, tell, arg);
}

static void
a_shard_may_post_to_itself_and_nothing_is_lost_at_the_end(void **state)
{
    (void)state;
    shard_post(shard, post_from_inside, &letters['q' - 'a']);
    shard_turn(shard, 1000);
    expect("p");
    shard_turn(shard, 1000);
    expect("q");
    shard_post(shard, post_from_inside, &letters['z' - 'a']);
    shard_free(&shard);
    expect("pz");
}

static void *
stop_later(void *arg)
{
    usleep(20000);
    shard_stop(arg);
    return NULL;
}

static void
another_thread_stops_a_loop_that_waits(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop_later, shard), 0);
    shard_run(shard);
    pthread_join(thread, NULL);
    assert_false(shard_turn(shard, 1000));
}

static void
be_slow(void *arg)
{
    (void)arg;
    usleep(50000);
}

static void
a_slow_callback_shows_as_lag_and_is_forgotten(void **state)
{
    (void)state;
    struct soon slow;
    soon_init(&slow, be_slow, NULL);
    soon_add(shard, &slow);
    shard_turn(shard, 0);
    shard_turn(shard, 0);
    assert_in_range(shard->lag_ms, 49, 500);
    uint64_t before = shard->lag_ms;
    shard_turn(shard, 150);
    shard_turn(shard, 150);
    assert_in_range(shard->lag_ms, 0, before / 2);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(due_timers_fire_in_order_and_once),
        T(a_moved_timer_fires_at_its_new_time),
        T(a_real_timer_waits_its_time_and_no_longer),
        T(a_turn_waits_no_longer_than_it_is_told),
        T(a_timer_that_rearms_itself_in_the_past_lets_the_loop_turn),
        T(a_timer_that_another_takes_out_does_not_fire),
        T(soon_runs_in_order_and_what_it_adds_runs_before_the_wait),
        T(late_ones_run_before_all_others_and_once),
        T(soon_may_take_out_one_that_is_about_to_run),
        T(soon_that_never_ends_does_not_starve_timers),
        T(soon_that_takes_long_does_not_starve_descriptors),
        T(a_descriptor_that_is_always_ready_does_not_starve_soon_and_timers),
        T(a_descriptor_is_watched_for_what_is_wanted),
        T(a_descriptor_number_that_is_used_again_is_watched_again),
        T(a_watch_that_another_callback_frees_is_not_called),
        T(posts_of_many_threads_all_arrive),
        T(a_shard_may_post_to_itself_and_nothing_is_lost_at_the_end),
        T(another_thread_stops_a_loop_that_waits),
        T(a_slow_callback_shows_as_lag_and_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
