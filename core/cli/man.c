/* cli/man.c - weir man: the manual pages, made from the tables that the help is made from.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

/* A line of text, so that troff takes it for nothing else. */
static void
put_line(const char *line, size_t len)
{
    if (len > 0 && (line[0] == '.' || line[0] == '\''))
        printf("\\&");
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '\\')
            printf("\\e");
        else if (line[i] == '-')
            printf("\\-");
        else if (line[i] == '\'')
            printf("\\(aq");
        else
            putchar(line[i]);
    }
    putchar('\n');
}

static void
put_text(const char *text)
{
    put_line(text, strlen(text));
}

/* Some paragraphs; lines that are indented stay as they are. */
static void
put_paragraphs(const char *text)
{
    bool literal = false, open = false;
    while (*text) {
        size_t len = strcspn(text, "\n");
        bool indented = text[0] == ' ';
        if (len == 0) {
            if (!literal && open)
                printf(".PP\n");
            else if (literal && text[1] == ' ')
                putchar('\n');
        } else {
            if (indented != literal)
                printf(indented ? ".nf\n" : ".fi\n.PP\n");
            literal = indented;
            put_line(text, len);
            open = true;
        }
        text += len + (text[len] == '\n');
    }
    if (literal)
        printf(".fi\n");
}

static void
put_head(const char *name, const char *summary)
{
    char upper[64];
    size_t i = 0;
    for (; name[i] && i < sizeof upper - 1; i++)
        upper[i] = (char)toupper((unsigned char)name[i]);
    upper[i] = '\0';
    printf(".\\\" Written by weir man.\n.TH %s 1 \"\" \"weir " WEIR_VERSION
           "\" \"weir\"\n.SH NAME\n",
           upper);
    for (i = 0; name[i]; i++)
        printf(name[i] == '-' ? "\\-" : "%c", name[i]);
    printf(" \\- ");
    put_text(summary);
}

static void
put_option(const struct option *o)
{
    printf(".TP\n");
    if (o->letter)
        printf("\\fB\\-%c\\fR, ", o->letter);
    printf("\\fB\\-\\-");
    for (const char *c = o->name; *c; c++)
        printf(*c == '-' ? "\\-" : "%c", *c);
    printf("\\fR");
    if (o->argument != NULL)
        printf(" \\fI%s\\fR", o->argument);
    putchar('\n');
    put_text(o->summary);
}

static void
print_command(const struct command *c)
{
    char name[64];
    (void)snprintf(name, sizeof name, "weir-%s", c->name);
    put_head(name, c->summary);
    printf(".SH SYNOPSIS\n.nf\n");
    char usage[4096];
    (void)snprintf(usage, sizeof usage, "weir %s%s%s", c->name, *c->usage ? " " : "", c->usage);
    for (const char *at = usage; *at;) {
        size_t len = strcspn(at, "\n");
        put_line(at + strspn(at, " "), len - strspn(at, " "));
        at += len + (at[len] == '\n');
    }
    printf(".fi\n");
    if (c->description != NULL) {
        printf(".SH DESCRIPTION\n");
        put_paragraphs(c->description);
    }
    printf(".SH OPTIONS\n");
    for (unsigned i = 0; i < c->n_options; i++)
        put_option(&c->options[i]);
    for (unsigned i = 0; i < ARGS_COMMON; i++)
        put_option(&args_common[i]);
    printf(".SH EXIT STATUS\n");
    put_text(c->exits);
    if (c->examples != NULL) {
        printf(".SH EXAMPLES\n");
        put_paragraphs(c->examples);
    }
    printf(".SH SEE ALSO\n.BR weir (1)\n");
}

static void
print_all(void)
{
    unsigned n;
    const struct command *const *all = commands_all(&n);
    put_head("weir", "takes webhooks in, runs pipelines over them, and never loses one");
    printf(".SH SYNOPSIS\n.B weir\n.I COMMAND\n[\\fIOPTIONS\\fR]\n.SH COMMANDS\n");
    for (unsigned i = 0; i < n; i++) {
        printf(".TP\n.BR weir\\-%s (1)\n", all[i]->name);
        put_text(all[i]->summary);
    }
    printf(
        ".SH EXIT STATUS\n0 good, 1 found something wrong, 2 used wrongly, 3 no weir answers.\n"
        ".SH ENVIRONMENT\n"
        ".TP\n.B WEIR_EDGE_LISTEN\nand the like: settings; \\fBweir explain settings\\fR lists "
        "them\n"
        ".TP\n.BI WEIR_SECRET_ NAME\nwhat secrets.NAME gives in a pipeline; with _FILE behind it, a file with that\n"
        ".TP\n.B WEIR_MASTER_KEY\nwhat opens the encrypted file of secrets; with _FILE behind it, a file with that\n"
        ".TP\n.BR NO_COLOR \", \" FORCE_COLOR\nnever, always use colours\n");
}

static int
run(const struct args *a)
{
    unsigned n;
    const struct command *const *all = commands_all(&n);
    if (args_given(a, "list")) {
        printf("weir\n");
        for (unsigned i = 0; i < n; i++)
            printf("weir-%s\n", all[i]->name);
        return EXIT_GOOD;
    }
    if (a->n_words == 0 || strcmp(a->words[0], "weir") == 0) {
        print_all();
        return EXIT_GOOD;
    }
    const char *name = strncmp(a->words[0], "weir-", 5) == 0 ? a->words[0] + 5 : a->words[0];
    for (unsigned i = 0; i < n; i++)
        if (strcmp(all[i]->name, name) == 0) {
            print_command(all[i]);
            return EXIT_GOOD;
        }
    fprintf(stderr, "weir man: there is no command '%.60s'\n", name);
    return EXIT_USAGE;
}

static const struct option options[] = {
    { 0, "list", NULL, "print the names of all pages" },
};

const struct command command_man = {
    .name = "man",
    .summary = "print the manual page of a command",
    .usage = "[COMMAND] [--list]",
    .description =
        "Prints a page in the format of man(1), made from what weir COMMAND --help says. The\n"
        "packages of weir install all of them.\n",
    .examples = "  weir man check | man -l -\n  weir man > weir.1\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 1,
    .words = "",
    .more = MORE_COMMANDS,
    .exits = "0 good, 2 there is no such command",
    .run = run,
};
