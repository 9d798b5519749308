/* set/tests/set_test.c - what set/README.md promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
constants_and_expressions_make_one_value(void **state)
{
    (void)state;
    stage_load("trigger: { webhook: /x }\n"
               "steps:\n"
               "  - id: a\n"
               "    set: { n: 1, list: [1, \"${ request.body.x }\"], text: \"a${ "
               "request.body.x }\" }\n",
               NULL);
    stage_expect("POST /x", "{\"x\":7}", 200, "{\"n\":1,\"list\":[1,7],\"text\":\"a7\"}");
}

static void
anything_can_be_set(void **state)
{
    (void)state;
    stage_load("trigger: { webhook: /x }\nsteps:\n  - set: [1, 2]\n  - set: ${ size(input) }\n",
               NULL);
    stage_expect("POST /x", NULL, 200, "2");
    stage_load("trigger: { webhook: /x }\nsteps:\n  - set: hello\n", NULL);
    stage_expect("POST /x", NULL, 200, "\"hello\"");
    stage_load("trigger: { webhook: /x }\nsteps:\n  - set: {}\n", NULL);
    stage_expect("POST /x", NULL, 200, "{}");
    stage_load("trigger: { webhook: /x }\nsteps:\n  - set: 1.0\n", NULL);
    stage_expect("POST /x", NULL, 200, "1.0");
}

static void
an_absent_member_is_left_out(void **state)
{
    (void)state;
    stage_load("trigger: { webhook: /x }\n"
               "steps:\n"
               "  - set: { a: \"${ request.body?.a }\", b: 1 }\n",
               NULL);
    stage_expect("POST /x", "{\"c\":1}", 200, "{\"b\":1}");
}

static void
a_failing_expression_is_the_nodes_error(void **state)
{
    (void)state;
    stage_load("trigger: { webhook: /x }\nsteps:\n  - set: { a: \"${ request.body.nope }\" }\n",
               NULL);
    struct play *p = stage_play("POST /x", "{}");
    assert_int_equal(p->status, 500);
    assert_non_null(strstr(p->body, "urn:weir:problem:script"));
    stage_end(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_and_expressions_make_one_value),
        cmocka_unit_test(anything_can_be_set),
        cmocka_unit_test(an_absent_member_is_left_out),
        cmocka_unit_test(a_failing_expression_is_the_nodes_error),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
