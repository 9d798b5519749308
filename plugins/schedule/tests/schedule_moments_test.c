/* schedule/tests/schedule_moments_test.c - what fires when: intervals, jitter, what was missed,
 * a clock that leaps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "../schedule_cron.c"
#include "../schedule_moments.c"
#include "../schedule_rule.c"
#include "../schedule_zone.c"
#include "engine/generation.h"

#define NOON UINT64_C(1767268800000) /* 2026-01-01T12:00:00Z */
#define MINUTE_MS UINT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)

static struct schedule
every(uint64_t ms)
{
    return (struct schedule){ .every_ms = ms,
                              .name = (char *)(uintptr_t) "schedule p: x",
                              .catch_up = CATCH_UP_LAST };
}

static void
an_interval_is_aligned_to_the_epoch_or_its_start(void **state)
{
    (void)state;
    struct schedule s = every(5 * MINUTE_MS);
    assert_int_equal(schedule_next(&s, NOON), NOON + 5 * MINUTE_MS);
    assert_int_equal(schedule_next(&s, NOON - 1), NOON);
    assert_int_equal(schedule_next(&s, NOON + 299999), NOON + 5 * MINUTE_MS);
    s.start_ms = NOON + 7000;
    assert_int_equal(schedule_next(&s, 1), NOON + 7000);
    assert_int_equal(schedule_next(&s, NOON + 7000), NOON + 307000);
    assert_int_equal(schedule_next(&s, NOON + HOUR_MS), NOON + HOUR_MS + 7000);
}

static void
nothing_is_due_before_its_time(void **state)
{
    (void)state;
    struct schedule s = every(HOUR_MS);
    struct schedule_plan p = schedule_plan(&s, NOON, NOON + HOUR_MS - 1, NOON);
    assert_int_equal(p.moment, 0);
    assert_int_equal(p.wait_ms, 1);
    p = schedule_plan(&s, NOON, NOON + 1, NOON);
    assert_int_equal(p.wait_ms, SCHEDULE_LOOK_MS);
    p = schedule_plan(&s, NOON, NOON + HOUR_MS, NOON);
    assert_int_equal(p.moment, NOON + HOUR_MS);
    assert_true(p.fires && !p.missed);
}

/* A process that begins at 16:30, when the mark is 12:00. */
static struct schedule_plan
after_four_hours(enum catch_up how)
{
    struct schedule s = every(HOUR_MS);
    s.catch_up = how;
    uint64_t now = NOON + 4 * HOUR_MS + HOUR_MS / 2;
    return schedule_plan(&s, NOON, now, now);
}

static void
what_was_missed_is_caught_up_as_configured(void **state)
{
    (void)state;
    struct schedule_plan p = after_four_hours(CATCH_UP_NONE);
    assert_int_equal(p.moment, NOON + 4 * HOUR_MS);
    assert_false(p.fires);
    p = after_four_hours(CATCH_UP_LAST);
    assert_int_equal(p.moment, NOON + 4 * HOUR_MS);
    assert_true(p.fires && p.missed);
    p = after_four_hours(CATCH_UP_ALL);
    assert_int_equal(p.moment, NOON + HOUR_MS);
    assert_true(p.fires && p.missed);
}

static void
all_are_one_after_another_and_at_most_a_hundred(void **state)
{
    (void)state;
    struct schedule s = every(1000);
    s.catch_up = CATCH_UP_ALL;
    uint64_t now = NOON + HOUR_MS, mark = NOON;
    for (unsigned i = 0; i < 100; i++) {
        struct schedule_plan p = schedule_plan(&s, mark, now, NOON);
        assert_int_equal(p.moment, now - 99000 + i * 1000);
        assert_true(p.fires);
        assert_int_equal(p.missed, i < 99);
        mark = p.moment;
    }
    assert_int_equal(schedule_plan(&s, mark, now, NOON).moment, 0);
}

static void
what_was_missed_a_day_ago_stays_so(void **state)
{
    (void)state;
    struct schedule s = every(30 * 24 * HOUR_MS);
    s.start_ms = NOON;
    assert_int_equal(schedule_plan(&s, NOON - 1, NOON + 24 * HOUR_MS - 1, NOON).moment, NOON);
    assert_int_equal(schedule_plan(&s, NOON - 1, NOON + 24 * HOUR_MS, NOON).moment, 0);
}

static void
a_little_late_is_not_missed(void **state)
{
    (void)state;
    struct schedule s = every(HOUR_MS);
    s.catch_up = CATCH_UP_NONE;
    uint64_t due = NOON + HOUR_MS;
    assert_true(schedule_plan(&s, NOON, due + SCHEDULE_LATE_MS, NOON).fires);
    assert_false(schedule_plan(&s, NOON, due + SCHEDULE_LATE_MS + 1, NOON).fires);
    assert_false(schedule_plan(&s, NOON, due + 10, due + 5).fires); /* nobody was there */
}

static void
a_clock_that_goes_back_fires_nothing_twice(void **state)
{
    (void)state;
    struct schedule s = every(HOUR_MS);
    for (uint64_t back = 1; back < 48 * HOUR_MS; back += 7 * MINUTE_MS)
        assert_int_equal(schedule_plan(&s, NOON, NOON - back, NOON - back).moment, 0);
    assert_int_equal(schedule_plan(&s, NOON, NOON + HOUR_MS, NOON - HOUR_MS).moment,
                     NOON + HOUR_MS);
}

static void
jitter_is_the_same_each_time_and_ends_before_the_next(void **state)
{
    (void)state;
    struct schedule s = every(MINUTE_MS);
    uint64_t low = UINT64_MAX, high = 0;
    s.jitter_ms = 10 * MINUTE_MS; /* more than there is */
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t moment = NOON + i * MINUTE_MS;
        uint64_t late = due_at(&s, moment, moment + MINUTE_MS) - moment;
        assert_int_equal(late, due_at(&s, moment, moment + MINUTE_MS) - moment);
        assert_true(late < MINUTE_MS);
        low = late < low ? late : low;
        high = late > high ? late : high;
        struct schedule_plan p = schedule_plan(&s, moment - 1, moment + late, NOON - HOUR_MS);
        assert_int_equal(p.moment, moment);
        if (late > 0)
            assert_int_equal(schedule_plan(&s, moment - 1, moment + late - 1, NOON).moment, 0);
    }
    assert_true(low < 2000 && high > 58000);
    s.jitter_ms = 5000;
    for (unsigned i = 0; i < 1000; i++)
        assert_true(due_at(&s, NOON + i * MINUTE_MS, NOON + (i + 1) * MINUTE_MS) <=
                    NOON + i * MINUTE_MS + 5000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interval_is_aligned_to_the_epoch_or_its_start),
        cmocka_unit_test(nothing_is_due_before_its_time),
        cmocka_unit_test(what_was_missed_is_caught_up_as_configured),
        cmocka_unit_test(all_are_one_after_another_and_at_most_a_hundred),
        cmocka_unit_test(what_was_missed_a_day_ago_stays_so),
        cmocka_unit_test(a_little_late_is_not_missed),
        cmocka_unit_test(a_clock_that_goes_back_fires_nothing_twice),
        cmocka_unit_test(jitter_is_the_same_each_time_and_ends_before_the_next),
    };
    host = host_table();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
