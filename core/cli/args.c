/* cli/args.c - see args.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

const struct option args_common[ARGS_COMMON] = {
    { 'h', "help", NULL, "show this help" },
};

static const struct option *
find_option(const struct command *c, const char *name, size_t len, char letter)
{
    for (unsigned i = 0; i < c->n_options + 1; i++) {
        const struct option *o = i < c->n_options ? &c->options[i] : &args_common[0];
        if (letter ? o->letter == letter : strlen(o->name) == len && memcmp(o->name, name, len) == 0)
            return o;
    }
    return NULL;
}

static void
complain_unknown(const struct command *c, const char *word)
{
    struct weir_text names[64];
    size_t n = 0;
    for (unsigned i = 0; i < c->n_options && n < 64; i++)
        names[n++] = text_of(c->options[i].name);
    int near = word[1] == '-' ? nearest(text_of(word + 2), names, n) : -1;
    fprintf(stderr, "weir %s: unknown option %s", c->name, word);
    if (near >= 0)
        fprintf(stderr, "; did you mean --%s?", c->options[near].name);
    fprintf(stderr, "\nTry: weir %s --help\n", c->name);
}

/* Reads the option at argv[*at]; moves *at over its value. */
static bool
read_option(struct args *a, int argc, char **argv, int *at)
{
    const struct command *c = a->command;
    const char *word = argv[*at];
    const char *equals = word[1] == '-' ? strchr(word, '=') : NULL;
    size_t len = equals ? (size_t)(equals - word) - 2 : strlen(word + 1) - (word[1] == '-');
    const struct option *o = word[1] == '-' ? find_option(c, word + 2, len, 0) : find_option(c, NULL, 0, word[1]);
    if (o == NULL || (word[1] != '-' && word[2] != '\0' && o->argument == NULL)) {
        complain_unknown(c, word);
        return false;
    }
    const char *value = equals ? equals + 1 : word[1] != '-' && word[2] ? word + 2 : NULL;
    if (o->argument && value == NULL) {
        if (*at + 1 >= argc) {
            fprintf(stderr, "weir %s: --%s needs a value: --%s %s\n", c->name, o->name, o->name, o->argument);
            return false;
        }
        value = argv[++*at];
    }
    if (!o->argument && value) {
        fprintf(stderr, "weir %s: --%s takes no value\n", c->name, o->name);
        return false;
    }
    if (a->n_given == OPTIONS_GIVEN_MAX) {
        fprintf(stderr, "weir %s: more than %d options\n", c->name, OPTIONS_GIVEN_MAX);
        return false;
    }
    a->given[a->n_given].option = o;
    a->given[a->n_given++].value = value;
    return true;
}

bool
args_read(const struct command *c, int argc, char **argv, struct args *ret, int *ret_exit)
{
    unsigned n = 0;
    bool ended = false;
    *ret = (struct args){ .command = c };
    *ret_exit = EXIT_USAGE;
    for (int i = 0; i < argc; i++) {
        if (!ended && strcmp(argv[i], "--") == 0) {
            ended = true;
        } else if (!ended && argv[i][0] == '-' && argv[i][1] != '\0') {
            if (!read_option(ret, argc, argv, &i))
                return false;
        } else {
            argv[n++] = argv[i]; /* words move to the front, over what was read */
        }
    }
    if (args_given(ret, "help")) {
        help_of(c);
        *ret_exit = EXIT_GOOD;
        return false;
    }
    if (n > c->max_words) {
        fprintf(stderr, "weir %s: unexpected word '%s'\nUsage: weir %s %s\n", c->name, argv[c->max_words],
                c->name, c->usage);
        return false;
    }
    ret->words = (const char *const *)argv;
    ret->n_words = n;
    return true;
}

const char *
args_each(const struct args *a, const char *name, unsigned index)
{
    for (unsigned i = 0; i < a->n_given; i++)
        if (strcmp(a->given[i].option->name, name) == 0 && index-- == 0)
            return a->given[i].value ? a->given[i].value : "";
    return NULL;
}

const char *
args_text(const struct args *a, const char *name)
{
    const char *last = NULL, *value;
    for (unsigned i = 0; (value = args_each(a, name, i)) != NULL; i++)
        last = value;
    return last;
}

bool
args_given(const struct args *a, const char *name)
{
    return args_each(a, name, 0) != NULL;
}

static void
print_option(const struct option *o)
{
    char left[64];
    int n = 0;
    if (o->letter)
        n = snprintf(left, sizeof left, "-%c, ", o->letter);
    snprintf(left + n, sizeof left - (size_t)n, "--%s%s%s", o->name, o->argument ? " " : "",
             o->argument ? o->argument : "");
    printf("  %-28s %s\n", left, o->summary);
}

void
help_of(const struct command *c)
{
    printf("weir %s - %s\n\nUsage: weir %s%s%s\n", c->name, c->summary, c->name, *c->usage ? " " : "", c->usage);
    if (c->description)
        printf("\n%s", c->description);
    printf("\nOptions:\n");
    for (unsigned i = 0; i < c->n_options; i++)
        print_option(&c->options[i]);
    print_option(&args_common[0]);
    if (c->examples)
        printf("\nExamples:\n%s", c->examples);
    printf("\nExit status: %s.\n", c->exits);
}

void
help_all(const struct command *const *all, unsigned n)
{
    printf("weir - takes webhooks in, runs pipelines over them, and never loses one\n\n"
           "Usage: weir COMMAND [OPTIONS]\n\nCommands:\n");
    for (unsigned i = 0; i < n; i++)
        printf("  %-10s %s\n", all[i]->name, all[i]->summary);
    printf("  %-10s %s\n", "help", "say more of a command: weir help COMMAND, or weir COMMAND --help");
    printf("\nExit status of all: 0 good, 1 found something wrong, 2 used wrongly, 3 no weir answers.\n\n"
           "Environment:\n"
           "  WEIR_EDGE_LISTEN and the like   settings; weir explain settings lists them\n"
           "  WEIR_SECRET_NAME, ..._FILE      what secrets.NAME gives in a pipeline; a file with it\n"
           "  WEIR_MASTER_KEY, ..._FILE       what opens the encrypted file of secrets; a file with it\n"
           "  NO_COLOR, FORCE_COLOR           never, always use colours\n\n"
           "Start with: weir run pipelines/\n");
}
