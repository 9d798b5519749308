/* cli/store.c - weir store: the store of a running weir. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/answer.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/job_ask.h"
#include "cli/setup.h"

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
run(const struct args *a)
{
    const struct weir_value *v, *member;
    struct weir_text key;
    struct table t;
    if (a->n_words > 0 && strcmp(a->words[0], "stats") != 0) {
        fprintf(stderr, "weir store: '%.60s' is not stats\n", a->words[0]);
        return EXIT_USAGE;
    }
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

static const struct option options[] = {
    { 0, "json", NULL, "print the answer as JSON" },
    API_OPTIONS,
};

const struct command command_store = {
    .name = "store",
    .summary = "show what the store of a running weir holds, and how it does",
    .usage = "[stats] [--json]",
    .description = "The size of the file, how many jobs there are of each state, commits and "
                   "operations since the\n"
                   "start of the process, and what waits for the next commit.\n",
    .examples = "  weir store stats\n  weir store stats --json | jq .jobs.dead\n",
    .exits = "0 good, 1 there is no store, 2 used wrongly, 3 no weir answers",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 1,
    .run = run,
};
