/* cli/incidents.c - weir incidents: dead jobs that failed alike.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <unistd.h>

#include "cli/answer.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/job_ask.h"
#include "cli/setup.h"

static int
run(const struct args *a)
{
    static const char *const names[] = { "pipeline=pipeline", "limit=limit", "after=after",
                                         NULL };
    const struct weir_value *v, *one;
    int code = job_ask_list(a, "/api/v1/incidents", names, &v);
    if (v == NULL)
        return code;
    const struct weir_value *list = value_field(v, "incidents");
    if (list == NULL || list->len == 0) {
        printf("No dead job waits to be replayed.\n");
        value_unref(&v);
        return EXIT_GOOD;
    }
    struct table t;
    table_headed(&t, "JOBS|PIPELINE|STEP|CODE|LAST|FIRST|ONE OF THEM|MESSAGE",
                 colour_wanted(STDOUT_FILENO));
    for (size_t i = 0; (one = value_at(list, i)) != NULL; i++) {
        char n[32];
        (void)snprintf(n, sizeof n, "%.0f", answer_member_number(one, "count"));
        table_add(&t, text_of(n), "31");
        job_add_text(&t, one, "pipeline", 64);
        job_add_text(&t, one, "node", 64);
        job_add_text(&t, one, "code", 64);
        job_add_age(&t, one, "last_seen_ms");
        job_add_age(&t, one, "first_seen_ms");
        job_add_text(&t, one, "sample", 64);
        job_add_text(&t, one, "message", 80);
    }
    table_print(&t);
    job_print_next(a, v);
    value_unref(&v);
    return EXIT_GOOD;
}

static const struct option options[] = {
    { 'p', "pipeline", "NAME", "only those of this pipeline" },
    { 'n', "limit", "N", "show N of them (50; at most 1000)" },
    { 0, "after", "CURSOR", "go on behind the page before, which names it" },
    { 0, "json", NULL, "print the answer as JSON" },
    API_OPTIONS,
};

const struct command command_incidents = {
    .name = "incidents",
    .summary = "show the dead jobs of a running weir, those that failed alike as one",
    .usage = "[--pipeline NAME] [--limit N] [--after CURSOR] [--json]",
    .description =
        "Dead jobs of one pipeline that failed in the same step, with the same code and a "
        "message that\n"
        "differs only in numbers and identities, are one incident: how many they are, when the "
        "last\n"
        "and the first of them died, and one to look at. Those that were replayed or discarded count no more;\n"
        "weir jobs --state dead lists all that are dead. By its fingerprint (--json) an incident is run again\n"
        "or given up as one: weir replay run --fingerprint F, weir jobs discard --fingerprint F.\n",
    .examples = "  weir incidents\n  weir incidents --pipeline orders --json | jq "
                "'.incidents[].message'\n",
    .exits = "0 good, 1 refused by the server, 2 used wrongly, 3 no weir answers",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
