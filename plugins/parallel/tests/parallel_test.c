/* parallel/tests/parallel_test.c - what parallel/README.md promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOAD(branches, rest)                                                                 \
    stage_load("name: side\ntrigger: { webhook: /x }\nsteps:\n  - id: both\n    parallel:\n" \
               "    branches:\n" branches rest,                                              \
               NULL)

static void
outputs_stand_under_their_branches(void **state)
{
    (void)state;
    LOAD("      slow: [{ delay: 5ms }, { set: 1 }]\n      quick: [{ set: 2 }]\n", "");
    stage_expect("POST /x", NULL, 200, "{\"slow\":1,\"quick\":2}");
}

static void
each_branch_is_entered_with_the_input(void **state)
{
    (void)state;
    LOAD("      a: [{ set: \"${ input.n + 1 }\" }]\n      b: [{ log: hi }]\n", "");
    stage_expect("POST /x", "{\"n\":1}", 200, "{\"a\":2,\"b\":{\"n\":1}}");
}

static void
branches_run_side_by_side(void **state)
{
    (void)state;
    LOAD("      a: [{ id: p, delay: 5ms }]\n      b: [{ id: q, delay: 5ms }]\n", "");
    struct play *p = stage_begin("POST /x", NULL, NULL);
    assert_true(stage_metric("weir_delay_waiting{pipeline=\"side\",node=\"p\"}") == 1);
    assert_true(stage_metric("weir_delay_waiting{pipeline=\"side\",node=\"q\"}") == 1);
    stage_finish(p);
    stage_end(&p);
}

static void
steps_of_all_branches_are_visible_behind_it(void **state)
{
    (void)state;
    LOAD("      a: [{ id: x, set: 1 }, { set: 2 }]\n      b: [{ id: y, set: 3 }]\n",
         "  - set: ${ [steps.x, steps.y] }\n");
    stage_expect("POST /x", NULL, 200, "[1,3]");
}

static void
an_error_of_one_cancels_the_others(void **state)
{
    (void)state;
    LOAD("      slow: [{ id: p, delay: 1h }]\n      bad: [{ set: \"${ request.body.nope }\" "
         "}]\n",
         "    catch: [{ set: \"${ error.code }\" }]\n");
    stage_expect("POST /x", "{}", 200, "\"script\"");
    assert_true(stage_metric("weir_delay_waiting{pipeline=\"side\",node=\"p\"}") == 0);
}

static void
branches_can_be_a_list(void **state)
{
    (void)state;
    LOAD("      - set: 1\n      - [{ set: 2 }, { set: 3 }]\n", "");
    stage_expect("POST /x", NULL, 200, "{\"0\":1,\"1\":3}");
}

static void
a_caller_that_goes_away_ends_all_branches(void **state)
{
    (void)state;
    LOAD("      a: [{ set: 1 }]\n      b: [{ delay: 1h }]\n      c: [{ delay: 1h }]\n", "");
    stage_leave("POST /x", NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_stand_under_their_branches),
        cmocka_unit_test(each_branch_is_entered_with_the_input),
        cmocka_unit_test(branches_run_side_by_side),
        cmocka_unit_test(steps_of_all_branches_are_visible_behind_it),
        cmocka_unit_test(an_error_of_one_cancels_the_others),
        cmocka_unit_test(branches_can_be_a_list),
        cmocka_unit_test(a_caller_that_goes_away_ends_all_branches),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
