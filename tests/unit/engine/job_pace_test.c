/* The pause between claims of jobs, by what the kernel says of this thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>
#include <poll.h>

#include "base/clock.h"
#include "engine/job.h"

/* Runs for as long as is judged. */
static void
work(void)
{
    uint64_t until = clock_mono_ns() + 2000000;
    while (clock_mono_ns() < until)
        continue;
}

static void
who_works_all_the_time_pauses_ever_longer_up_to_a_bound(void **state)
{
    (void)state;
    struct job_pace p = { 0 };
    assert_int_equal(job_pace_ms(&p, 1), 0);
    uint64_t before = 0;
    for (int i = 0; i < 20; i++) {
        work();
        uint64_t pause = job_pace_ms(&p, 1);
        assert_true(pause > before || pause == 32);
        before = pause;
    }
    assert_int_equal(before, 32);
    job_pace_end(&p);
}

static void
who_is_idle_again_pauses_less(void **state)
{
    (void)state;
    struct job_pace p = { 0 };
    (void)job_pace_ms(&p, 1);
    work();
    uint64_t begun = job_pace_ms(&p, 1);
    assert_true(begun > 0);
    while (job_pace_ms(&p, 0.01) >= begun)
        (void)poll(NULL, 0, 5);
    job_pace_end(&p);
}

static void
without_a_share_there_is_no_pause(void **state)
{
    (void)state;
    struct job_pace p = { 0 };
    (void)job_pace_ms(&p, 1);
    work();
    assert_true(job_pace_ms(&p, 1) > 0);
    work();
    assert_int_equal(job_pace_ms(&p, 0), 0);
    work();
    assert_int_equal(job_pace_ms(&p, 0), 0);
    job_pace_end(&p);
}

static void
callers_are_expected_for_a_while(void **state)
{
    (void)state;
    assert_false(job_pace_called(5000));
    job_pace_call(5000);
    assert_true(job_pace_called(5000));
    assert_true(job_pace_called(5090));
    job_pace_call(5001); /* too soon to be noted */
    assert_false(job_pace_called(5100));
    job_pace_call(5100);
    assert_true(job_pace_called(5190));
}

static void
in_a_millisecond_few_jobs_begin_while_there_are_callers(void **state)
{
    (void)state;
    struct job_pace p = { 0 };
    assert_true(job_pace_may_begin(&p, 9000)); /* nobody has called for long */
    job_pace_began(&p, 9000, 400000);
    assert_true(job_pace_may_begin(&p, 9000));
    job_pace_began(&p, 9000, 200000);
    assert_false(job_pace_may_begin(&p, 9000));
    assert_true(job_pace_may_begin(&p, 9001));
    job_pace_call(9001);
    assert_true(job_pace_may_begin(&p, 9001));
    job_pace_began(&p, 9001, 15000);
    job_pace_began(&p, 9001, 15000);
    assert_false(job_pace_may_begin(&p, 9001));
    assert_true(job_pace_may_begin(&p, 9002));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_works_all_the_time_pauses_ever_longer_up_to_a_bound),
        cmocka_unit_test(who_is_idle_again_pauses_less),
        cmocka_unit_test(without_a_share_there_is_no_pause),
        cmocka_unit_test(callers_are_expected_for_a_while),
        cmocka_unit_test(in_a_millisecond_few_jobs_begin_while_there_are_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
