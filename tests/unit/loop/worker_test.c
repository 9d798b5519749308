/* Workers: jobs run elsewhere and end on their shard, the queue is bounded, stopping drops.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>
#include <semaphore.h>

#include "loop/worker.h"

static struct weir_shard *shard;
static struct weir_error err;
static sem_t gate;
static unsigned worked; /* atomic */
static unsigned done_well, done_dropped;

static int
set_up(void **state)
{
    (void)state;
    worked = done_well = done_dropped = 0;
    sem_init(&gate, 0, 0);
    return shard_new(0, &shard, &err) == WEIR_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    shard_free(&shard);
    sem_destroy(&gate);
    return 0;
}

static void
work(void *arg)
{
    pthread_t *where = arg;
    if (where != NULL)
        *where = pthread_self();
    __atomic_add_fetch(&worked, 1, __ATOMIC_ACQ_REL);
}

static void
wait_for_gate(void *arg)
{
    while (sem_wait(&gate) != 0)
        continue;
    work(arg);
}

static void
done(void *arg, bool dropped)
{
    (void)arg;
    assert_true(pthread_equal(pthread_self(), shard->thread));
    if (dropped)
        done_dropped++;
    else
        done_well++;
}

static void
work_is_done_elsewhere_and_ends_on_the_shard(void **state)
{
    (void)state;
    struct workers *w = workers_start(3, 10000);
    pthread_t where;
    assert_int_equal(workers_do(w, shard, work, done, &where, &err), WEIR_OK);
    while (done_well < 1)
        shard_turn(shard, 10000);
    assert_false(pthread_equal(where, pthread_self()));
    for (int i = 0; i < 5000; i++)
        assert_int_equal(workers_do(w, shard, work, done, NULL, &err), WEIR_OK);
    while (done_well < 5001)
        shard_turn(shard, 10000);
    assert_int_equal(worked, 5001);
    workers_stop(&w);
    workers_stop(&w);
    assert_int_equal(done_dropped, 0);
}

static void
jobs_run_side_by_side(void **state)
{
    (void)state;
    struct workers *w = workers_start(2, 10);
    assert_int_equal(workers_do(w, shard, wait_for_gate, done, NULL, &err), WEIR_OK);
    assert_int_equal(workers_do(w, shard, work, done, NULL, &err), WEIR_OK);
    while (done_well < 1)
        shard_turn(shard, 10000);
    sem_post(&gate);
    while (done_well < 2)
        shard_turn(shard, 10000);
    workers_stop(&w);
}

static void
a_full_queue_refuses_and_stopping_drops_it(void **state)
{
    (void)state;
    struct workers *w = workers_start(1, 3);
    unsigned taken = 0;
    while (workers_do(w, shard, wait_for_gate, done, NULL, &err) == WEIR_OK)
        taken++;
    assert_in_range(taken, 3, 4); /* one may run already */
    assert_string_equal(err.text, "the workers' queue of 3 jobs is full");
    sem_post(&gate);
    while (done_well < 1)
        shard_turn(shard, 10000);
    for (unsigned i = 0; i < taken; i++)
        sem_post(&gate);
    workers_stop(&w);
    shard_turn(shard, 0);
    assert_int_equal(done_well + done_dropped, taken);
    assert_int_equal(done_well, worked);
}

static void
the_end_of_a_job_is_not_lost_when_the_shard_goes(void **state)
{
    (void)state;
    struct workers *w = workers_start(1, 3);
    assert_int_equal(workers_do(w, shard, work, done, NULL, &err), WEIR_OK);
    workers_stop(&w);
    shard_free(&shard);
    assert_int_equal(done_well + done_dropped, 1);
}

static void
count_post(void *arg)
{
    ++*(unsigned *)arg;
}

static void
a_post_that_may_be_lost_is_refused_by_a_shard_that_has_too_much_to_do(void **state)
{
    (void)state;
    unsigned n = 0;
    unsigned taken = 0;
    while (taken < 10000000 && shard_try_post(shard, count_post, &n))
        taken++;
    assert_in_range(taken, 1000, 1000000);
    shard_turn(shard, 0);
    assert_int_equal(n, taken);
    assert_true(shard_try_post(shard, count_post, &n));
    shard_turn(shard, 0);
    assert_int_equal(n, taken + 1);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(work_is_done_elsewhere_and_ends_on_the_shard),
        T(jobs_run_side_by_side),
        T(a_full_queue_refuses_and_stopping_drops_it),
        T(the_end_of_a_job_is_not_lost_when_the_shard_goes),
        T(a_post_that_may_be_lost_is_refused_by_a_shard_that_has_too_much_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
