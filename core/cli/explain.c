/* cli/explain.c - weir explain: what a code of weir check means; which settings there are.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/setup.h"

#define SETTINGS_MAX 256

static const struct weir_value *
code_value(enum diag_code code)
{
    struct weir_builder *b = builder_map();
    builder_take(b, "code", value_text(diag_name(code)));
    builder_take(b, "severity", value_text(diag_is_error(code) ? "error" : "warning"));
    builder_take(b, "title", value_text(diag_title(code)));
    builder_take(b, "explanation", value_text(diag_explanation(code)));
    return builder_end(&b);
}

static int
list_codes(bool json)
{
    struct weir_builder *list = builder_list();
    for (int i = DIAG_NONE + 1; i < DIAG_CODE_COUNT; i++) {
        enum diag_code code = (enum diag_code)i;
        const struct weir_value *v = code_value(code);
        builder_add(list, &v);
        if (!json)
            printf("%s  %-7s  %s\n", diag_name(code), diag_is_error(code) ? "error" : "warning", diag_title(code));
    }
    const struct weir_value *all = builder_end(&list);
    if (json)
        print_value(all);
    value_unref(&all);
    return EXIT_GOOD;
}

static int
print_code(enum diag_code code, bool json)
{
    if (json) {
        const struct weir_value *v = code_value(code);
        print_value(v);
        value_unref(&v);
    } else {
        printf("%s (%s): %s\n\n%s", diag_name(code), diag_is_error(code) ? "error" : "warning", diag_title(code),
               diag_explanation(code));
    }
    return EXIT_GOOD;
}

static void
print_setting(const struct setting_info *s)
{
    printf("%-26s %-32s %s\n    %s\n", s->key, s->environment, s->fallback, s->summary);
}

/* The schema of weir.yaml, with the resources of the plugins at hand. */
static int
print_schema(const struct args *a)
{
    struct setup s;
    int code = EXIT_GOOD;
    if (setup_begin(&s, a)) {
        const struct weir_value *v = settings_schema(s.registry);
        print_value(v);
        value_unref(&v);
    } else {
        code = s.exit;
    }
    setup_end(&s);
    return code;
}

static int
print_settings(void)
{
    struct setting_info s;
    printf("Each setting stands in weir.yaml, in the environment, or on the command line as --set KEY=VALUE;\n"
           "the later of these wins. Of the environment NAME_FILE works too: a file with the value.\n\n");
    for (unsigned i = 0; settings_info(i, &s); i++)
        print_setting(&s);
    return EXIT_GOOD;
}

/* One setting by its key or its name in the environment; else what was probably meant. */
static int
explain_setting(const char *word)
{
    struct weir_text names[SETTINGS_MAX];
    struct setting_info s;
    unsigned n = 0;
    for (; n < SETTINGS_MAX && settings_info(n, &s); n++) {
        if (strcmp(s.key, word) == 0 || strcmp(s.environment, word) == 0) {
            print_setting(&s);
            return EXIT_GOOD;
        }
        names[n] = text_of(s.key);
    }
    int near = nearest(text_of(word), names, n);
    fprintf(stderr, "weir explain: there is no code or setting '%s'", word);
    if (near >= 0)
        fprintf(stderr, "; did you mean '%.*s'?\n", (int)names[near].len, names[near].bytes);
    else
        fprintf(stderr, "; weir explain lists the codes, weir explain settings the settings\n");
    return EXIT_USAGE;
}

static int
run(const struct args *a)
{
    bool json = args_given(a, "json");
    if (a->n_words == 0)
        return list_codes(json);
    if (strcmp(a->words[0], "settings") == 0)
        return json ? print_schema(a) : print_settings();
    enum diag_code code = diag_find(a->words[0]);
    return code == DIAG_NONE ? explain_setting(a->words[0]) : print_code(code, json);
}

static const struct option options[] = {
    { 0, "json", NULL, "codes as JSON; settings as the JSON Schema of weir.yaml" },
    SETUP_OPTIONS,
};

const struct command command_explain = {
    .name = "explain",
    .summary = "say what a code of weir check means, or list the settings",
    .usage = "[CODE|SETTING|settings] [--json]",
    .description = "Without a word all codes are listed. With a CODE such as W0204: what it means, and what\n"
                   "is right instead. With 'settings' all settings, each with its name in the environment,\n"
                   "its default and a sentence; with the key of one, that one.\n\n"
                   "With --json a code is { code, severity, title, explanation }.\n",
    .examples = "  weir explain W0204\n  weir explain settings\n  weir explain edge.max_body\n"
                "  weir explain settings --json > schemas/settings.schema.json\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 1,
    .words = "settings",
    .more = MORE_CODES,
    .exits = "0 good, 2 there is no such code or setting",
    .run = run,
};
