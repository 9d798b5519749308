/* call/tests/call_test.c - what call/README.md promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OTHER(steps) "name: other\ntrigger: { webhook: /other }\nsteps:\n" steps
#define CALLER(config) \
    "name: caller\ntrigger: { webhook: /x }\nsteps:\n  - id: told\n    call: " config "\n"

static void
the_reply_of_the_other_is_the_output_as_a_value(void **state)
{
    (void)state;
    stage_load(CALLER("{ pipeline: other, with: { n: 5 } }") "  - reply: { json: { told: \"${ "
                                                             "steps.told.n }\" } }\n",
               OTHER("  - reply: { json: { n: \"${ request.body.n + 1 }\" } }\n"), NULL);
    stage_expect("POST /x", NULL, 200, "{\"told\":6}");
}

static void
a_constant_reply_is_a_value_too(void **state)
{
    (void)state;
    stage_load(CALLER("other") "  - set: ${ steps.told.a }\n",
               OTHER("  - reply: { json: { a: 1 } }\n"), NULL);
    stage_expect("POST /x", NULL, 200, "1");
}

static void
without_a_reply_it_is_the_last_output(void **state)
{
    (void)state;
    stage_load(CALLER("other"), OTHER("  - set: ${ request.body.a }\n  - log: hi\n"), NULL);
    stage_expect("POST /x", "{\"a\":\"b\"}", 200, "\"b\"");
}

static void
left_out_with_is_what_flows_in(void **state)
{
    (void)state;
    stage_load("name: caller\ntrigger: { webhook: /x }\nsteps:\n  - set: 4\n  - call: other\n",
               OTHER("  - set: ${ request.body * 2 }\n"), NULL);
    stage_expect("POST /x", NULL, 200, "8");
}

static void
an_error_of_the_other_is_the_nodes(void **state)
{
    (void)state;
    stage_load(CALLER("other") "    catch: [{ set: \"${ error.code }\" }]\n",
               OTHER("  - set: ${ request.body.nope }\n"), NULL);
    stage_expect("POST /x", "{}", 200, "\"script\"");
    stage_load(CALLER("{ pipeline: other, with: \"${ request.body.nope }\" }"),
               OTHER("  - set: 1\n"), NULL);
    stage_expect("POST /x", "{}", 500, NULL);
}

static void
an_unknown_name_is_refused_at_load(void **state)
{
    (void)state;
    stage_refuses("there is no pipeline 'nobody'", CALLER("nobody"));
}

static void
calls_are_at_most_8_deep(void **state)
{
    (void)state;
    stage_load("name: deep\ntrigger: { webhook: /x }\nsteps:\n"
               "  - switch:\n"
               "    cases:\n"
               "      - when: ${ request.body > 0 }\n"
               "        do: [{ call: { pipeline: deep, with: \"${ request.body - 1 }\" } }]\n"
               "    default: [{ set: end }]\n",
               NULL);
    stage_expect("POST /x", "8", 200, "\"end\"");
    stage_expect("POST /x", "9", 400, NULL);
}

static void
the_callers_deadline_holds_for_the_other(void **state)
{
    (void)state;
    stage_load(CALLER("other") "    timeout: 20ms\n", OTHER("  - delay: 1h\n"), NULL);
    stage_expect("POST /x", NULL, 504, NULL);
}

static void
a_caller_that_goes_away_ends_both(void **state)
{
    (void)state;
    stage_load(CALLER("other"), OTHER("  - delay: 1h\n"), NULL);
    stage_leave("POST /x", NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reply_of_the_other_is_the_output_as_a_value),
        cmocka_unit_test(a_constant_reply_is_a_value_too),
        cmocka_unit_test(without_a_reply_it_is_the_last_output),
        cmocka_unit_test(left_out_with_is_what_flows_in),
        cmocka_unit_test(an_error_of_the_other_is_the_nodes),
        cmocka_unit_test(an_unknown_name_is_refused_at_load),
        cmocka_unit_test(calls_are_at_most_8_deep),
        cmocka_unit_test(the_callers_deadline_holds_for_the_other),
        cmocka_unit_test(a_caller_that_goes_away_ends_both),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
