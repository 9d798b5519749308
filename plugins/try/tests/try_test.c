/* try/tests/try_test.c - what try/README.md promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
load(const char *steps)
{
    char yaml[2048];
    snprintf(yaml, sizeof yaml, "trigger: { webhook: /x }\nsteps:\n%s", steps);
    stage_load(yaml, NULL);
}

static void
the_last_output_of_do_is_the_nodes(void **state)
{
    (void)state;
    load("  - id: t\n    try:\n    do: [{ set: 1 }, { log: hi }, { set: 2 }]\n    catch: [{ "
         "set: 3 }]\n"
         "  - reply: { json: \"${ steps.t }\" }\n");
    stage_expect("POST /x", NULL, 200, "2");
}

static void
an_error_ends_the_block_and_goes_to_catch(void **state)
{
    (void)state;
    load("  - try:\n"
         "    do:\n"
         "      - id: bad\n"
         "        set: ${ request.body.nope }\n"
         "      - reply: { status: 500 }\n"
         "    catch:\n"
         "      - set: { code: \"${ error.code }\", node: \"${ error.node }\" }\n");
    stage_expect("POST /x", "{}", 200, "{\"code\":\"script\",\"node\":\"bad\"}");
}

static void
without_a_catch_the_error_is_the_nodes(void **state)
{
    (void)state;
    load("  - try:\n    do: [{ set: \"${ request.body.nope }\" }]\n");
    stage_expect("POST /x", "{}", 500, NULL);
}

static void
an_empty_block_lets_the_input_flow_on(void **state)
{
    (void)state;
    load("  - try:\n    do: []\n");
    stage_expect("POST /x", "{\"a\":1}", 200, "{\"a\":1}");
}

static void
its_timeout_covers_the_whole_block(void **state)
{
    (void)state;
    load("  - try:\n"
         "    timeout: 20ms\n"
         "    do: [{ delay: 10ms }, { delay: 1h }]\n"
         "    catch: [{ set: \"${ error.code }\" }]\n");
    stage_expect("POST /x", NULL, 200, "\"timeout\"");
}

static void
a_try_without_do_is_refused_at_load(void **state)
{
    (void)state;
    stage_refuses("do", "trigger: { webhook: /x }\nsteps:\n  - try:\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_output_of_do_is_the_nodes),
        cmocka_unit_test(an_error_ends_the_block_and_goes_to_catch),
        cmocka_unit_test(without_a_catch_the_error_is_the_nodes),
        cmocka_unit_test(an_empty_block_lets_the_input_flow_on),
        cmocka_unit_test(its_timeout_covers_the_whole_block),
        cmocka_unit_test(a_try_without_do_is_refused_at_load),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
