/* cli/import.c - weir import: workflows of others as pipelines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "author/n8n.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/setup.h"
#include "value/json.h"

#define SHOWN 20u /* todos and notes on the terminal */

static unsigned
count(const struct weir_value *report, const char *of, const char *what)
{
    return (unsigned)answer_member_number(value_field(report, of), what);
}

/* A list of todos or notes, one a line. */
static void
say_list(const struct weir_value *list, const char *word)
{
    const struct weir_value *one;
    for (size_t i = 0; (one = value_at(list, i)) != NULL; i++) {
        struct weir_text node = answer_member_text(one, "node"),
                         why = answer_member_text(one, "why");
        if (i == SHOWN) {
            fprintf(stderr, "  ... and %u more; --report FILE has all\n", list->len - SHOWN);
            return;
        }
        fprintf(stderr, "  %s  ", word);
        if (node.len > 0)
            fprintf(stderr, "%.*s: ", (int)node.len, node.bytes);
        fprintf(stderr, "%.*s\n", (int)why.len, why.bytes);
    }
}

static void
say(const struct weir_value *report)
{
    const struct weir_value *pipelines = value_field(report, "pipelines");
    const struct weir_value *todos = value_field(report, "todos");
    unsigned total = count(report, "nodes", "total"),
             dropped = count(report, "nodes", "dropped");
    struct weir_text name = answer_member_text(report, "workflow");
    fprintf(
        stderr,
        "%.*s: %u pipeline%s of %u nodes: %u mapped, %u mapped in part, %u to do, %u without "
        "effect; %u expressions, %u to do\n",
        (int)name.len, name.bytes, pipelines->len, pipelines->len == 1 ? "" : "s", total,
        count(report, "nodes", "mapped"), count(report, "nodes", "partly"),
        count(report, "nodes", "todo"), dropped, count(report, "expressions", "total"),
        count(report, "expressions", "todo"));
    say_list(todos, "todo");
    say_list(value_field(report, "notes"), "note");
}

static bool
write_file(const char *path, struct weir_text text, bool force)
{
    FILE *f = fopen(path, force ? "w" : "wx");
    if (f == NULL) {
        fprintf(stderr, "weir import: %s: %s%s\n", path, strerror(errno),
                errno == EEXIST ? "; --force overwrites it" : "");
        return false;
    }
    bool good = fwrite(text.bytes, 1, text.len, f) == text.len;
    good = fclose(f) == 0 && good;
    if (!good)
        fprintf(stderr, "weir import: %s: %s\n", path, strerror(errno));
    return good;
}

static bool
write_report(const char *path, const struct weir_value *report)
{
    struct buf b;
    struct weir_error err;
    buf_init(&b, 256u << 20);
    bool good = json_write_pretty(&b, report, &err) == WEIR_OK && buf_putc(&b, '\n') &&
                write_file(path, buf_content(&b), true);
    buf_fini(&b);
    return good;
}

/* Each pipeline into FOLDER, as NAME.yaml. */
static bool
write_pipelines(const char *folder, const struct weir_value *pipelines, bool force)
{
    const struct weir_value *one;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "weir import: %s: %s\n", folder, strerror(errno));
        return false;
    }
    for (size_t i = 0; (one = value_at(pipelines, i)) != NULL; i++) {
        char path[4096];
        struct weir_text name = answer_member_text(one, "name");
        (void)snprintf(path, sizeof path, "%s/%.*s.yaml", folder, (int)name.len, name.bytes);
        if (!write_file(path, answer_member_text(one, "yaml"), force))
            return false;
        fprintf(stderr, "wrote %s\n", path);
    }
    return true;
}

static void
print_pipelines(const struct weir_value *pipelines)
{
    const struct weir_value *one;
    for (size_t i = 0; (one = value_at(pipelines, i)) != NULL; i++) {
        struct weir_text yaml = answer_member_text(one, "yaml");
        if (i > 0)
            printf("---\n");
        fwrite(yaml.bytes, 1, yaml.len, stdout);
    }
    if (pipelines->len > 1)
        fprintf(stderr,
                "these are %u pipelines; --output FOLDER writes each to a file of its own\n",
                pipelines->len);
}

/* The name of a file without folders and ending, for a workflow that has none. */
static void
bare_name(const char *path, char *ret, size_t room)
{
    const char *slash = strrchr(path, '/');
    (void)snprintf(ret, room, "%s",
                   strcmp(path, "-") == 0 ? "workflow"
                   : slash                ? slash + 1
                                          : path);
    char *dot = strrchr(ret, '.');
    if (dot != NULL && dot != ret)
        *dot = '\0';
}

static int
run(const struct args *a)
{
    const char *folder = args_text(a, "output"), *file = args_text(a, "report");
    if (a->n_words < 2 || strcmp(a->words[0], "n8n") != 0) {
        fprintf(stderr, "weir import: what from? weir import n8n FILE.json\n");
        return EXIT_USAGE;
    }
    size_t len;
    char name[256];
    char *text = read_whole_file(a->words[1], N8N_MAX, &len);
    if (text == NULL)
        return EXIT_WRONG;
    bare_name(a->words[1], name, sizeof name);
    const struct weir_value *report = NULL;
    struct weir_error err = { 0 };
    bool good = n8n_import((struct weir_text){ text, len }, name, &report, &err) == WEIR_OK;
    free(text);
    if (!good) {
        fprintf(stderr, "weir import: %s: %s\n", a->words[1], err.text);
        return EXIT_WRONG;
    }
    const struct weir_value *pipelines = value_field(report, "pipelines");
    if (file != NULL)
        good = write_report(file, report);
    if (good && folder != NULL)
        good = write_pipelines(folder, pipelines, args_given(a, "force"));
    if (args_given(a, "json"))
        print_value(report);
    else if (good && folder == NULL)
        print_pipelines(pipelines);
    if (!args_given(a, "json"))
        say(report);
    value_unref(&report);
    return good ? EXIT_GOOD : EXIT_WRONG;
}

static const struct option options[] = {
    { 'o', "output", "FOLDER",
      "write each pipeline to FOLDER/NAME.yaml (default: print them)" },
    { 0, "force", NULL, "overwrite pipelines that are there" },
    { 0, "report", "FILE", "write what came of each node to FILE, as JSON" },
    { 0, "json", NULL, "print the report, with the pipelines in it, as JSON" },
};

const struct command command_import = {
    .name = "import",
    .summary = "make pipelines of a workflow of n8n",
    .usage = "n8n FILE.json|- [--output FOLDER] [--report FILE] [--json]",
    .description =
        "Reads a workflow that was exported from n8n and prints the pipeline that it is here, "
        "or\n"
        "several, if its triggers lead to different nodes. Webhooks, answers, HTTP requests, "
        "set,\n"
        "if, filter, switch, merge, wait, loops, schedules, error triggers and errors are "
        "mapped;\n"
        "{{ }} becomes ${ }; code becomes a Lua node with the JavaScript as a comment.\n\n"
        "What has no counterpart becomes a step that fails when it is run, under a comment "
        "that\n"
        "begins with TODO n8n:. Standard error says what was mapped and what is left to do.\n\n"
        "With --json standard output is { workflow, pipelines: [{ name, yaml }], nodes: { "
        "total,\n"
        "mapped, partly, todo, dropped }, expressions: { total, todo }, todos: [{ pipeline, "
        "step,\n"
        "node, type, why }], notes: [{ node, why }] }; --report writes the same.\n",
    .examples = "  weir import n8n orders.json > pipelines/orders.yaml\n"
                "  weir import n8n big.json --output pipelines --report big.report.json\n"
                "  weir check pipelines\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 2,
    .words = "n8n",
    .exits = "0 good, also with things to do, 1 it is no workflow or can't be read or written, "
             "2 used wrongly",
    .run = run,
};
