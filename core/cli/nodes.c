/* cli/nodes.c - weir nodes: the types of nodes and triggers, and one of them with its options.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/setup.h"
#include "cli/type_about.h"
#include "pipeline/schemas.h"

#define NAMES_MAX 1024

static void
list_json(const struct registry *r)
{
    struct type_about t;
    struct weir_builder *list = builder_list();
    for (unsigned i = 0; type_about_at(r, i, &t); i++) {
        const struct weir_value *v = type_about_value(&t);
        builder_add(list, &v);
    }
    const struct weir_value *all = builder_end(&list);
    print_value(all);
    value_unref(&all);
}

static void
list_text(const struct registry *r)
{
    struct type_about t;
    bool nodes = false;
    for (unsigned i = 0; type_about_at(r, i, &t); i++) {
        if (i == 0 && !t.node)
            printf("Triggers:\n");
        if (t.node && !nodes)
            printf("Nodes:\n");
        nodes = t.node;
        printf("  %-12s %s\n", t.name, t.summary);
    }
    printf("\nweir nodes TYPE shows one with its options and an example.\n");
}

static int
unknown_type(const struct registry *r, const char *name)
{
    struct weir_text names[NAMES_MAX];
    struct type_about t;
    unsigned n = 0;
    char why[640];
    if (registry_missing(r, text_of(name), why, sizeof why)) {
        fprintf(stderr, "weir nodes: there is no type '%s': %s\n", name, why);
        return EXIT_USAGE;
    }
    for (; n < NAMES_MAX && type_about_at(r, n, &t); n++)
        names[n] = text_of(t.name);
    int near = nearest(text_of(name), names, n);
    fprintf(stderr, "weir nodes: there is no type '%s'", name);
    if (near >= 0)
        fprintf(stderr, "; did you mean '%.*s'?\n", (int)names[near].len, names[near].bytes);
    else
        fprintf(stderr, "; weir nodes lists them\n");
    return EXIT_USAGE;
}

static int
show_one(const struct registry *r, const char *name, bool json)
{
    struct type_about t;
    bool found = false;
    for (unsigned i = 0; type_about_at(r, i, &t); i++) {
        if (strcmp(t.name, name) != 0)
            continue;
        if (json) {
            const struct weir_value *v = type_about_value(&t);
            print_value(v);
            value_unref(&v);
            return EXIT_GOOD;
        }
        if (found)
            printf("\n"); /* a trigger and a node may have one name */
        type_about_print(&t);
        found = true;
    }
    return found ? EXIT_GOOD : unknown_type(r, name);
}

static int
run(const struct args *a)
{
    struct setup s;
    int code = EXIT_GOOD;
    bool json = args_given(a, "json");
    if (!setup_begin(&s, a)) {
        code = s.exit;
    } else if (args_given(a, "schema")) {
        const struct weir_value *v = pipeline_schema(s.registry);
        print_value(v);
        value_unref(&v);
    } else if (a->n_words) {
        code = show_one(s.registry, a->words[0], json);
    } else if (json) {
        list_json(s.registry);
    } else {
        list_text(s.registry);
    }
    if (a->n_words == 0 && s.diags.n > 0)
        print_diags(&s.diags, false);
    setup_end(&s);
    return code;
}

static const struct option options[] = {
    { 0, "json", NULL, "as JSON, with the whole schema of each" },
    { 0, "schema", NULL, "print the JSON Schema of pipeline files, for editors" },
    SETUP_OPTIONS,
};

const struct command command_nodes = {
    .name = "nodes",
    .summary = "list the types of nodes and triggers, or show one",
    .usage = "[TYPE] [--json]",
    .description = "Lists what the plugins bring, with a sentence each. With a TYPE: its options with their\n"
                   "types, defaults and meaning, the blocks of nodes that it takes, its output, its effect\n"
                   "(what running it twice means), and an example that can be pasted into a pipeline.\n\n"
                   "A type of option such as duration, bytes or rate is written 250ms, 64KiB or 100/60s. An\n"
                   "expression in ${ } may stand for any value.\n\n"
                   "--schema prints one JSON Schema for pipeline files with all of this, so that an editor\n"
                   "completes and checks them. A file uses it by a first line such as\n\n"
                   "    # yaml-language-server: $schema=../schemas/pipeline.schema.json\n",
    .examples = "  weir nodes\n  weir nodes http\n  weir nodes --json\n"
                "  weir nodes --schema > schemas/pipeline.schema.json\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 1,
    .words = "",
    .more = MORE_TYPES,
    .exits = "0 good, 2 used wrongly or no such type, 1 a setting or a plugin is wrong",
    .run = run,
};
