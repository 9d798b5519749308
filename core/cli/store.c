/* cli/store.c - weir store: the store of a running weir. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/answer.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/job_ask.h"
#include "cli/setup.h"
#include "cli/store.h"

/* Adds a figure, or those of the map that stands there: "jobs dead". */
static void
add_figure(struct table *t, const char *outer, struct weir_text key, const struct weir_value *v)
{
    struct weir_text inner;
    const struct weir_value *member;
    char name[96], size[64];
    (void)snprintf(name, sizeof name, "%s%s%.*s", outer, *outer ? " " : "", (int)key.len,
                   key.bytes);
    for (size_t i = 0; *outer == '\0' && value_member(v, i, &inner, &member); i++)
        add_figure(t, name, inner, member);
    if (v->type == WEIR_MAP)
        return;
    bool bytes =
        v->type == WEIR_INT && key.len > 5 && memcmp(key.bytes + key.len - 5, "bytes", 5) == 0;
    table_add(t, text_of(name), NULL);
    if (bytes) {
        bytes_text((uint64_t)v->integer, size, sizeof size);
        table_add(t, text_of(size), NULL);
    } else if (v->type == WEIR_INT) {
        table_printf(t, "%lld", (long long)v->integer);
    } else if (v->type == WEIR_DOUBLE) {
        table_printf(t, "%.3f", v->number);
    } else {
        table_add(t, v->type == WEIR_STRING ? value_as_text(v) : TEXT("-"), NULL);
    }
}

static int
stats(const struct args *a)
{
    const struct weir_value *v, *member;
    struct weir_text key;
    struct table t;
    int code = job_ask(a, "GET", "/api/v1/store", NULL, &v);
    if (v == NULL)
        return code;
    if (args_given(a, "json")) {
        print_value(v);
    } else {
        table_init(&t, 2, false);
        for (size_t i = 0; value_member(v, i, &key, &member); i++)
            add_figure(&t, "", key, member);
        table_print(&t);
    }
    value_unref(&v);
    return EXIT_GOOD;
}

static int
run(const struct args *a)
{
    const char *verb = a->n_words > 0 ? a->words[0] : "stats";
    bool backup = strcmp(verb, "backup") == 0, export = strcmp(verb, "export") == 0;
    if (backup != (a->n_words == 2)) {
        fprintf(stderr,
                backup ? "weir store: where to? weir store backup FILE\n"
                       : "weir store: %s takes no second word\n",
                verb);
        return EXIT_USAGE;
    }
    static const char *const of_export[] = { "state", "pipeline", "since", "output" };
    for (size_t i = 0; !export && i < sizeof of_export / sizeof *of_export; i++)
        if (args_given(a, of_export[i])) {
            fprintf(stderr, "weir store: --%s is for weir store export\n", of_export[i]);
            return EXIT_USAGE;
        }
    if (strcmp(verb, "stats") == 0)
        return stats(a);
    if (strcmp(verb, "compact") == 0)
        return store_task(a, "/api/v1/store/compact", NULL);
    if (backup)
        return store_task(a, "/api/v1/store/backup", a->words[1]);
    if (export)
        return store_export(a);
    fprintf(stderr, "weir store: '%.60s' is not stats, compact, export or backup\n", verb);
    return EXIT_USAGE;
}

static const struct option options[] = {
    { 's', "state", "STATE", "export: only these: dead, completed, ready, ..." },
    { 'p', "pipeline", "NAME", "export: only jobs of this pipeline" },
    { 0, "since", "TIME", "export: only those that came since then: 10m, 2h, 3d, an ISO time" },
    { 'o', "output", "FILE",
      "export: into this file, which must not be there (default: stdout)" },
    { 0, "reason", "TEXT", "why, for the audit (compact, backup)" },
    { 0, "json", NULL, "print the answer as JSON (stats, compact, backup)" },
    API_OPTIONS,
};

const struct command command_store = {
    .name = "store",
    .summary = "look at the store of a running weir, make it smaller, export or back it up",
    .usage =
        "[stats] [--json]\n"
        "       weir store compact [--reason TEXT] [--json]\n"
        "       weir store export [--state STATE] [--pipeline NAME] [--since TIME] [-o FILE]\n"
        "       weir store backup FILE [--reason TEXT] [--json]",
    .description =
        "stats: the size of the file, how many jobs there are of each state, commits and "
        "operations since the\n"
        "start of the process, what waits for the next commit, and what was removed.\n\n"
        "compact gives back to the file system what is free in the file. backup makes a "
        "copy\n"
        "which a weir can be started with; FILE is on the server, ends in .db, and is in "
        "the\n"
        "store's folder unless it begins with a slash. Nothing is overwritten. Both go "
        "on while the\n"
        "server works, and if this command is ended.\n\n"
        "export writes jobs here, one a line, newest first, as weir jobs show --json "
        "has them:\n"
        "what stands for a secret is ***.\n",
    .examples = "  weir store stats\n  weir store stats --json | jq .jobs.dead\n"
                "  weir store export --state dead --since 7d -o dead.ndjson\n"
                "  weir store backup /var/backups/weir-monday.db\n",
    .exits =
        "0 good, 1 refused or failed, or there is no store, 2 used wrongly, 3 no weir answers",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 2,
    .words = "stats compact export backup",
    .run = run,
};
