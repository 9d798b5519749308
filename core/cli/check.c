/* cli/check.c - weir check: every mistake that can be found without running.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/setup.h"
#include "edge/route_tree.h"

static int
run(const struct args *a)
{
    struct setup s;
    bool json = args_given(a, "json");
    int code = EXIT_WRONG;
    if (!setup_begin(&s, a)) {
        code = s.exit;
        setup_end(&s);
        return code;
    }
    setup_find_secrets(&s, a->words, a->n_words, &s.diags);
    struct generation_source source = setup_source(&s, a->words, a->n_words, &edge_routes_port);
    struct generation *g = generation_new(&source, &s.diags);
    if (json || s.diags.n > 0)
        print_diags(&s.diags, json);
    bool strict = args_given(a, "strict") && s.diags.warnings > 0;
    if (s.diags.errors > 0 || strict)
        fprintf(stderr, "%s%u error%s, %u warning%s\n", s.diags.n ? "\n" : "", s.diags.errors,
                s.diags.errors == 1 ? "" : "s", s.diags.warnings, s.diags.warnings == 1 ? "" : "s");
    else {
        code = EXIT_GOOD;
        if (!json && !args_given(a, "quiet"))
            printf("%u pipeline%s checked, no errors\n", generation_pipelines(g)->n,
                   generation_pipelines(g)->n == 1 ? "" : "s");
    }
    generation_unref(&g);
    setup_end(&s);
    return code;
}

static const struct option options[] = {
    { 0, "json", NULL, "print the findings as JSON to standard output" },
    { 0, "strict", NULL, "warnings count as errors" },
    { 'q', "quiet", NULL, "say nothing if all is well" },
    SETUP_OPTIONS,
};

const struct command command_check = {
    .name = "check",
    .summary = "find every mistake that can be found without running",
    .usage = "[FILE|FOLDER ...]",
    .description = "Reads pipeline files (default: the folder pipelines) and checks YAML, keys, types,\n"
                   "names, expressions, schemas, regular expressions and routes, all files at once.\n"
                   "weir run and weir reload refuse exactly what this refuses.\n\n"
                   "Of a folder every file that ends in .yaml or .yml is read, in order of name, except\n"
                   "tests (.test.yaml) and weir.yaml. Findings go to standard error, sorted by file, line\n"
                   "and column, each with its source line, a caret, and a code for weir explain:\n\n"
                   "    pipelines/orders.yaml:27:5: error[W0204]: unknown key 'timout' in step 'book'\n"
                   "       27 |     timout: 10s\n"
                   "          |     ^^^^^^ did you mean 'timeout'?\n\n"
                   "With --json standard output has a list of { file, line, column, length, severity, code,\n"
                   "message, hint }; it is empty if all is well.\n",
    .examples = "  weir check\n  weir check --strict pipelines/ more/extra.yaml\n  weir check pipelines/orders.yaml --json\n  weir explain W0204\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 1000,
    .exits = "0 no errors, 1 errors (with --strict: or warnings), 2 used wrongly",
    .run = run,
};
