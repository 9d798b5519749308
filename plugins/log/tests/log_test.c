/* log/tests/log_test.c - what log/README.md promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, text);
}

static void
a_line_has_message_level_fields_and_where_it_came_from(void **state)
{
    (void)state;
    stage_load("name: logging\n"
               "trigger: { webhook: /x }\n"
               "steps:\n"
               "  - id: note\n"
               "    log:\n"
               "      level: warn\n"
               "      message: \"order ${ request.body.id }\"\n"
               "      fields: { total: \"${ request.body.total }\", from: shop }\n"
               "  - reply: 204\n",
               NULL);
    free(stage_log());
    stage_expect("POST /x", "{\"id\":7,\"total\":2.5}", 204, NULL);
    char *log = stage_log();
    has(log, "\"level\":\"warn\",\"msg\":\"order 7\"");
    has(log, "\"pipeline\":\"logging\",\"node\":\"note\"");
    has(log, "{\"total\":2.5,\"from\":\"shop\"}");
    free(log);
}

static void
a_text_alone_is_a_message_of_level_info(void **state)
{
    (void)state;
    stage_load("trigger: { webhook: /x }\nsteps:\n  - set: 5\n  - log: hello\n", NULL);
    free(stage_log());
    stage_expect("POST /x", NULL, 200, "5"); /* what flows in flows on */
    char *log = stage_log();
    has(log, "\"level\":\"info\",\"msg\":\"hello\"");
    free(log);
}

static void
secrets_are_masked(void **state)
{
    (void)state;
    setenv("WEIR_SECRET_TOKEN", "topsecret123", 1);
    stage_load("trigger: { webhook: /x }\n"
               "steps:\n"
               "  - log: { message: \"${ request.body.a }\", fields: { a: \"${ request.body.a "
               "}\" } }\n",
               NULL);
    free(stage_log());
    stage_expect("POST /x", "{\"a\":\"topsecret123\"}", 204, NULL);
    char *log = stage_log();
    has(log, "\"msg\":\"***\"");
    free(log);
}

static void
a_line_break_stays_in_its_line(void **state)
{
    (void)state;
    stage_load("trigger: { webhook: /x }\nsteps:\n  - log: \"${ request.body }\"\n", NULL);
    free(stage_log());
    stage_expect("POST /x", "\"a\\nlevel=error\"", 204, NULL);
    char *log = stage_log();
    has(log, "\"msg\":\"a\\nlevel=error\"");
    free(log);
}

static void
a_failing_expression_is_the_nodes_error(void **state)
{
    (void)state;
    stage_load("trigger: { webhook: /x }\n"
               "steps:\n  - log: { message: a, fields: { x: \"${ request.body.nope }\" } }\n",
               NULL);
    stage_expect("POST /x", "{}", 500, NULL);
    stage_load("trigger: { webhook: /x }\nsteps:\n  - log: \"a ${ request.body.nope }\"\n",
               NULL);
    stage_expect("POST /x", "{}", 500, NULL);
}

static void
a_wrong_level_is_refused_at_load(void **state)
{
    (void)state;
    stage_refuses("log.level",
                  "trigger: { webhook: /x }\nsteps:\n  - log: { message: a, level: loud }\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_message_level_fields_and_where_it_came_from),
        cmocka_unit_test(a_text_alone_is_a_message_of_level_info),
        cmocka_unit_test(secrets_are_masked),
        cmocka_unit_test(a_line_break_stays_in_its_line),
        cmocka_unit_test(a_failing_expression_is_the_nodes_error),
        cmocka_unit_test(a_wrong_level_is_refused_at_load),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
