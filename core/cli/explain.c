/* cli/explain.c - weir explain: what a code of weir check means; which settings there are.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/setup.h"

static void
print_code(enum diag_code code)
{
    printf("%s (%s): %s\n\n%s\n", diag_name(code), diag_is_error(code) ? "error" : "warning", diag_title(code),
           diag_explanation(code));
}

static int
list_codes(void)
{
    for (int i = DIAG_NONE + 1; i < DIAG_CODE_COUNT; i++)
        printf("%s  %-7s  %s\n", diag_name((enum diag_code)i), diag_is_error((enum diag_code)i) ? "error" : "warning",
               diag_title((enum diag_code)i));
    return EXIT_GOOD;
}

static int
print_settings(bool json)
{
    if (json) {
        const struct weir_value *v = settings_schema();
        print_value(v);
        value_unref(&v);
        return EXIT_GOOD;
    }
    struct setting_info s;
    printf("Each setting stands in weir.yaml, in the environment, or on the command line as --set KEY=VALUE;\n"
           "the later of these wins.\n\n");
    for (unsigned i = 0; settings_info(i, &s); i++)
        printf("%-26s %-32s %s\n    %s\n", s.key, s.environment, s.fallback, s.summary);
    return EXIT_GOOD;
}

static int
run(const struct args *a)
{
    if (a->n_words == 0)
        return list_codes();
    if (strcmp(a->words[0], "settings") == 0)
        return print_settings(args_given(a, "json"));
    enum diag_code code = diag_find(a->words[0]);
    if (code == DIAG_NONE) {
        fprintf(stderr, "weir explain: there is no code '%s'; weir explain lists them\n", a->words[0]);
        return EXIT_USAGE;
    }
    print_code(code);
    return EXIT_GOOD;
}

static const struct option options[] = { { 0, "json", NULL, "settings: as a JSON Schema" } };

const struct command command_explain = {
    .name = "explain",
    .summary = "say what a code of weir check means, or list the settings",
    .usage = "[CODE|settings]",
    .examples = "  weir explain W0204\n  weir explain settings\n",
    .options = options,
    .n_options = 1,
    .max_words = 1,
    .run = run,
};
