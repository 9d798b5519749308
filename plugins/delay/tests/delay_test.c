/* delay/tests/delay_test.c - what delay/README.md promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop/shard.h"

#define SERIES "weir_delay_waiting{pipeline=\"waits\",node=\"pause\"}"

static void
load(const char *duration)
{
    char yaml[512];
    snprintf(yaml, sizeof yaml,
             "name: waits\ntrigger: { webhook: /x }\n"
             "steps:\n  - id: pause\n    delay: %s\n  - reply: 204\n",
             duration);
    stage_load(yaml, NULL);
}

static void
it_waits_as_long_as_it_says_and_not_less(void **state)
{
    (void)state;
    load("5s");
    shard_set_clock(stage_shard(), 1000000);
    struct play *p = stage_begin("POST /x", NULL, NULL);
    assert_true(stage_metric(SERIES) == 1);
    shard_set_clock(stage_shard(), 1004999);
    stage_turn(0);
    assert_int_equal(p->replies, 0);
    shard_set_clock(stage_shard(), 1005000);
    stage_turn(0);
    assert_int_equal(p->status, 204);
    shard_set_clock(stage_shard(), 0);
    stage_finish(p);
    stage_end(&p);
    assert_true(stage_metric(SERIES) == 0);
}

static void
an_expression_can_say_how_long(void **state)
{
    (void)state;
    load("${ request.body }ms");
    stage_expect("POST /x", "3", 204, NULL);
    stage_expect("POST /x", "0", 204, NULL);
    stage_expect("POST /x", "\"a\"", 400, NULL);
    stage_expect("POST /x", "86400001", 400, NULL);
}

static void
what_is_no_duration_up_to_a_day_is_refused_at_load(void **state)
{
    (void)state;
    stage_refuses("must be from 0s to 24h", "trigger: { webhook: /x }\nsteps:\n  - delay: 25h\n");
    stage_refuses("delay.duration", "trigger: { webhook: /x }\nsteps:\n  - delay: soon\n");
}

static void
a_caller_that_goes_away_ends_the_wait(void **state)
{
    (void)state;
    load("1h");
    stage_leave("POST /x", NULL);
    assert_true(stage_metric(SERIES) == 0);
}

static void
a_deadline_ends_the_wait(void **state)
{
    (void)state;
    stage_load("trigger: { webhook: /x }\nsteps:\n  - delay: 1h\n    timeout: 20ms\n", NULL);
    stage_expect("POST /x", NULL, 504, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_waits_as_long_as_it_says_and_not_less),
        cmocka_unit_test(an_expression_can_say_how_long),
        cmocka_unit_test(what_is_no_duration_up_to_a_day_is_refused_at_load),
        cmocka_unit_test(a_caller_that_goes_away_ends_the_wait),
        cmocka_unit_test(a_deadline_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
