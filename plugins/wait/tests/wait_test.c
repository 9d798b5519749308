/* wait/tests/wait_test.c - what wait/README.md promises at load; what happens over a restart is
 * tested on the binary (tests/e2e/wait.test.mjs).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
refused(const char *steps, const char *why)
{
    stage_refuses(why, "trigger: { webhook: /x }\ndurable: true\n%s", steps);
}

static void
it_is_told_for_what_to_wait(void **state)
{
    (void)state;
    refused("steps:\n  - wait: {}\n", "needs one of 'for', 'until' and 'callback: true'");
    refused("steps:\n  - wait: { for: 1s, until: '2026-12-24T18:00:00Z' }\n", "the same thing twice");
    refused("steps:\n  - wait: 1s\n    do: [{ log: x }]\n", "'do' is for 'callback: true'");
    refused("steps:\n  - wait: soon\n", "wait.for");
}

static void
it_needs_a_durable_run_and_a_place_in_steps(void **state)
{
    (void)state;
    char *text = stage_refused("trigger: { webhook: /x }\nsteps:\n  - wait: 1s\n");
    assert_non_null(strstr(text, "W0219"));
    assert_non_null(strstr(text, "wait needs a durable pipeline"));
    free(text);
    refused("steps: [{ log: x }]\ncatch:\n  - wait: 1s\n", "wait can't stand in catch or finally");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_told_for_what_to_wait),
        cmocka_unit_test(it_needs_a_durable_run_and_a_place_in_steps),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
