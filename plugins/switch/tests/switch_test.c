/* switch/tests/switch_test.c - what switch/README.md promises.
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
the_case_whose_key_is_the_value_runs(void **state)
{
    (void)state;
    load("  - switch: ${ request.body }\n"
         "    cases:\n"
         "      a: [{ set: first }]\n"
         "      bb: [{ set: second }]\n"
         "      ab: [{ set: third }]\n"
         "      1: [{ set: one }]\n"
         "      true: [{ set: yes }]\n"
         "      null: [{ set: nothing }]\n"
         "      \"\": [{ set: empty }]\n"
         "    default: [{ set: other }]\n");
    stage_expect("POST /x", "\"a\"", 200, "\"first\"");
    stage_expect("POST /x", "\"bb\"", 200, "\"second\"");
    stage_expect("POST /x", "\"ab\"", 200, "\"third\"");
    stage_expect("POST /x", "1", 200, "\"one\"");
    stage_expect("POST /x", "1.0", 200, "\"one\"");
    stage_expect("POST /x", "\"1\"", 200, "\"one\"");
    stage_expect("POST /x", "true", 200, "\"yes\"");
    stage_expect("POST /x", "null", 200, "\"nothing\"");
    stage_expect("POST /x", "\"\"", 200, "\"empty\"");
    stage_expect("POST /x", "\"b\"", 200, "\"other\"");
    stage_expect("POST /x", "1.5", 200, "\"other\"");
    stage_expect("POST /x", "[1]", 200, "\"other\"");
    stage_expect("POST /x", "{}", 200, "\"other\"");
}

static void
without_a_default_what_flows_in_flows_on(void **state)
{
    (void)state;
    load("  - switch: ${ request.body.kind }\n    cases:\n      a: [{ set: first }]\n");
    stage_expect("POST /x", "{\"kind\":\"b\"}", 200, "{\"kind\":\"b\"}");
}

static void
the_first_condition_of_a_list_that_is_true_decides(void **state)
{
    (void)state;
    load("  - switch:\n"
         "    cases:\n"
         "      - { when: \"${ request.body > 10 }\", do: [{ set: large }] }\n"
         "      - { when: \"${ request.body > 5 }\", do: [{ set: middling }] }\n"
         "    default: [{ set: small }]\n");
    stage_expect("POST /x", "11", 200, "\"large\"");
    stage_expect("POST /x", "6", 200, "\"middling\"");
    stage_expect("POST /x", "5", 200, "\"small\"");
}

static void
a_condition_that_is_neither_true_nor_false_is_an_error(void **state)
{
    (void)state;
    load("  - switch:\n"
         "    cases:\n"
         "      - { when: \"${ request.body }\", do: [{ set: large }] }\n");
    struct play *p = stage_play("POST /x", "1");
    assert_int_equal(p->status, 500);
    assert_non_null(strstr(p->body, "'when' of case 1 must be true or false"));
    stage_end(&p);
}

static void
errors_of_the_block_are_the_nodes(void **state)
{
    (void)state;
    load("  - switch: ${ request.body }\n"
         "    cases:\n"
         "      a: [{ set: \"${ request.query.nope }\" }]\n"
         "    catch:\n"
         "      - set: ${ error.code }\n");
    stage_expect("POST /x", "\"a\"", 200, "\"script\"");
    load("  - switch: ${ request.body.nope }\n    cases:\n      a: [{ set: 1 }]\n");
    stage_expect("POST /x", "{}", 500, NULL);
}

static void
refused(const char *step, const char *why)
{
    stage_refuses(why, "trigger: { webhook: /x }\nsteps:\n%s", step);
}

static void
a_value_and_a_list_of_conditions_exclude_each_other(void **state)
{
    (void)state;
    refused("  - switch: ${ request.body }\n    cases:\n      - { when: \"${ true }\", do: [{ "
            "set: 1 }] }\n",
            "leave the value of switch out");
    refused("  - switch:\n    cases:\n      a: [{ set: 1 }]\n", "needs a value");
    refused("  - switch: ${ request.body }\n", "needs cases");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_case_whose_key_is_the_value_runs),
        cmocka_unit_test(without_a_default_what_flows_in_flows_on),
        cmocka_unit_test(the_first_condition_of_a_list_that_is_true_decides),
        cmocka_unit_test(a_condition_that_is_neither_true_nor_false_is_an_error),
        cmocka_unit_test(errors_of_the_block_are_the_nodes),
        cmocka_unit_test(a_value_and_a_list_of_conditions_exclude_each_other),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
