/* unit/engine/gate_pace_test.c - when a line before a gate is too long to join.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "engine/gate_pace.h"

#define MAX_MS 2000u
#define LONG_AGO GATE_LOOK_MS

static void
let_in(struct gate_pace *p, unsigned limit, uint64_t *now_ms, unsigned times, unsigned each_ms)
{
    for (unsigned i = 0; i < times; i++)
        gate_pace_let_in(p, limit, *now_ms += each_ms);
}

static void
without_a_pace_the_length_decides_once_its_first_has_waited(void **state)
{
    (void)state;
    struct gate_pace p = { 0 };
    gate_pace_begin(&p, 1000);
    assert_false(gate_pace_is_known(&p, 4));
    assert_false(gate_pace_is_too_slow(&p, 10000, 4, LONG_AGO - 1, MAX_MS));
    assert_false(gate_pace_is_too_slow(&p, 31, 4, LONG_AGO, MAX_MS));
    assert_true(gate_pace_is_too_slow(&p, 32, 4, LONG_AGO, MAX_MS));
    assert_false(gate_pace_is_too_slow(&p, 10000, UINT32_MAX, LONG_AGO, MAX_MS));
}

static void
runs_that_end_together_are_a_round(void **state)
{
    (void)state;
    struct gate_pace p = { 0 };
    uint64_t now_ms = 0;
    gate_pace_begin(&p, now_ms);
    let_in(&p, 8, &now_ms, 1, 800);
    assert_false(gate_pace_is_too_slow(&p, 15, 8, 0, MAX_MS)); /* the others of the round may come at once */
    let_in(&p, 8, &now_ms, 7, 0);
    assert_false(gate_pace_is_known(&p, 8));
    assert_false(gate_pace_is_too_slow(&p, 19, 8, 0, MAX_MS)); /* eight in 800 ms: twenty in the 2 s, and hardly more */
    assert_true(gate_pace_is_too_slow(&p, 20, 8, 0, MAX_MS));
    let_in(&p, 8, &now_ms, 1, 800);
    assert_true(gate_pace_is_known(&p, 8));
}

static void
what_was_left_of_a_run_says_little(void **state)
{
    (void)state;
    struct gate_pace p = { 0 };
    uint64_t now_ms = 0;
    gate_pace_begin(&p, now_ms);
    let_in(&p, 1, &now_ms, 1, 5);
    assert_false(gate_pace_is_known(&p, 1));
    assert_true(gate_pace_is_too_slow(&p, 8, 1, LONG_AGO, MAX_MS));
    let_in(&p, 1, &now_ms, 1, 5);
    assert_true(gate_pace_is_known(&p, 1));
    assert_false(gate_pace_is_too_slow(&p, 399, 1, LONG_AGO, MAX_MS));
    assert_true(gate_pace_is_too_slow(&p, 401, 1, LONG_AGO, MAX_MS));
}

static void
the_mean_forgets(void **state)
{
    (void)state;
    for (unsigned limit = 1; limit <= 1000; limit *= 1000) {
        struct gate_pace p = { 0 };
        uint64_t now_ms = 0;
        gate_pace_begin(&p, now_ms);
        let_in(&p, limit, &now_ms, limit + 100, 1);
        assert_false(gate_pace_is_too_slow(&p, 1999, limit, 0, MAX_MS));
        assert_true(gate_pace_is_too_slow(&p, 2001, limit, 0, MAX_MS));
        let_in(&p, limit, &now_ms, 10000, 10);
        assert_false(gate_pace_is_too_slow(&p, 190, limit, 0, MAX_MS));
        assert_true(gate_pace_is_too_slow(&p, 210, limit, 0, MAX_MS));
    }
}

static void
a_guess_may_refuse_and_is_no_pace(void **state)
{
    (void)state;
    struct gate_pace p = { 0 };
    gate_pace_guess(&p, 100);
    assert_false(gate_pace_is_known(&p, 10));
    assert_false(gate_pace_is_too_slow(&p, 19, 10, 0, MAX_MS));
    assert_true(gate_pace_is_too_slow(&p, 20, 10, 0, MAX_MS));
    gate_pace_guess(&p, 1);
    assert_true(gate_pace_is_too_slow(&p, 80, 10, LONG_AGO, MAX_MS));
    uint64_t now_ms = 0;
    gate_pace_begin(&p, now_ms);
    let_in(&p, 1, &now_ms, 2, 100);
    assert_true(gate_pace_is_too_slow(&p, 20, 1, 0, MAX_MS));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_pace_the_length_decides_once_its_first_has_waited),
        cmocka_unit_test(runs_that_end_together_are_a_round),
        cmocka_unit_test(what_was_left_of_a_run_says_little),
        cmocka_unit_test(the_mean_forgets),
        cmocka_unit_test(a_guess_may_refuse_and_is_no_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
