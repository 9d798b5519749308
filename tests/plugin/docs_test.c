/* plugin/docs_test.c - docs/plugins.md and docs/abi.md are true.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text of a file of the source tree; the caller frees it. */
static char *
read_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, WEIR_SOURCE "/%s", name);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        fail_msg("%s is missing", path);
    char *text = calloc(1, 1u << 17);
    assert_non_null(text);
    assert_true(fread(text, 1, (1u << 17) - 1, f) > 0);
    fclose(f);
    return text;
}

static void
the_guide_shows_the_example_as_it_is(void **state)
{
    (void)state;
    char *guide = read_file("docs/plugins.md");
    char *example = read_file("docs/examples/hello.c");
    assert_non_null(strstr(guide, example));
    free(guide);
    free(example);
}

static void
the_example_can_be_loaded_and_greets(void **state)
{
    (void)state;
    stage_add_file(WEIR_BUILD "/tests/examples/hello.so");
    stage_load(
        "name: greet\ntrigger:\n  webhook: /greet\nsteps:\n  - hello: ${ request.body.name }\n",
        NULL);
    stage_expect("POST /greet", "{\"name\":\"Ada\"}", 200, "{\"hello\":\"Ada\"}");
    stage_expect("POST /greet", "{}", 500, NULL);
    stage_expect("POST /greet", "{\"name\":\"\"}", 422, NULL);
    stage_load("name: greet\ntrigger:\n  webhook: /greet\nsteps:\n  - hello: Bob\n", NULL);
    stage_expect("POST /greet", NULL, 200, "{\"hello\":\"Bob\"}");
}

static void
every_host_function_stands_in_one_row_of_the_table(void **state)
{
    (void)state;
    char *doc = read_file("docs/abi.md");
    char *offsets = read_file("tests/plugin/abi_offsets.txt");
    char name[64];
    const char *table = strstr(doc, "\n| functions | where |");
    assert_non_null(table);
    unsigned n = 0;
    for (const char *at = strstr(offsets, "weir_host "); at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (sscanf(at, "  %60s", name) != 1 || strcmp(name, "size") == 0 ||
            strcmp(name, "abi_minor") == 0 || at[0] != ' ')
            continue;
        char quoted[70];
        snprintf(quoted, sizeof quoted, "`%s`", name);
        const char *found = strstr(table, quoted);
        if (found == NULL)
            fail_msg("docs/abi.md has no %s", quoted);
        n++;
    }
    assert_true(n > 80);
    free(doc);
    free(offsets);
}

static void
the_log_has_the_version_of_the_header(void **state)
{
    (void)state;
    char *doc = read_file("docs/abi.md");
    char row[32];
    snprintf(row, sizeof row, "\n| %u.%u | ", WEIR_ABI_MAJOR, WEIR_ABI_MINOR);
    assert_non_null(strstr(doc, row));
    free(doc);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_guide_shows_the_example_as_it_is),
        cmocka_unit_test(the_example_can_be_loaded_and_greets),
        cmocka_unit_test(every_host_function_stands_in_one_row_of_the_table),
        cmocka_unit_test(the_log_has_the_version_of_the_header),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
