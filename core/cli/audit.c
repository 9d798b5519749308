/* cli/audit.c - weir audit: what operators told a running weir.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/answer.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/job_ask.h"

/* "replay" of "jobs.replay". */
static struct weir_text
what_of(const struct weir_value *entry)
{
    struct weir_text what = answer_member_text(entry, "what");
    size_t skip = what.len > 5 && memcmp(what.bytes, "jobs.", 5) == 0 ? 5 : 0;
    if (text_is(what, "pauses.make"))
        return text_of("pause");
    if (text_is(what, "pauses.end"))
        return text_of("resume");
    return (struct weir_text){ what.bytes + skip, what.len - skip };
}

/* What was told something: a job, a batch, or a pipeline with a key of it. */
static void
add_target(struct table *t, const struct weir_value *entry)
{
    struct weir_text pipeline = answer_member_text(entry, "pipeline"),
                     key = answer_member_text(entry, "key");
    if (answer_member_text(entry, "job").len > 0)
        job_add_text(t, entry, "job", 64);
    else if (answer_member_text(entry, "batch").len > 0)
        job_add_text(t, entry, "batch", 64);
    else if (key.len > 0)
        table_printf(t, "%.*s (%.*s)", (int)job_cut(pipeline, 64), pipeline.bytes,
                     (int)job_cut(key, 64), key.bytes);
    else
        job_add_text(t, entry, "pipeline", 64);
}

static int
run(const struct args *a)
{
    static const char *const names[] = { "limit=limit", "after=after", NULL };
    const struct weir_value *v, *one;
    int code = job_ask_list(a, "/api/v1/audit", names, &v);
    if (v == NULL)
        return code;
    const struct weir_value *list = value_field(v, "entries");
    if (list == NULL || list->len == 0) {
        printf("Nobody has told this weir anything yet.\n");
        value_unref(&v);
        return EXIT_GOOD;
    }
    struct table t;
    table_headed(&t, "WHEN|WHO|WHAT|OF|BEFORE|AFTER|NEW JOB|WHY", false);
    for (size_t i = 0; (one = value_at(list, i)) != NULL; i++) {
        char at[CLOCK_TEXT];
        clock_text((uint64_t)answer_member_number(one, "at_ms"), at);
        table_add(&t, text_of(at), NULL);
        job_add_text(&t, one, "who", 64);
        table_add(&t, what_of(one), NULL);
        add_target(&t, one);
        job_add_text(&t, one, "before", 64);
        job_add_text(&t, one, "after", 64);
        job_add_text(&t, one, "replay", 64);
        job_add_text(&t, one, "why", 200);
    }
    table_print(&t);
    job_print_next(a, v);
    value_unref(&v);
    return EXIT_GOOD;
}

static const struct option options[] = {
    { 'n', "limit", "N", "show N entries (50; at most 1000)" },
    { 0, "after", "CURSOR", "go on behind the page before, which names it" },
    { 0, "json", NULL, "print the answer as JSON" },
    API_OPTIONS,
};

const struct command command_audit = {
    .name = "audit",
    .summary = "show who replayed, cancelled or discarded jobs of a running weir, and why",
    .usage = "[--limit N] [--after CURSOR] [--json]",
    .description = "Each order that changed a job, a batch or a pause is an entry, written in the "
                   "same commit as\n"
                   "the change: when, who gave it ($SUDO_USER or $USER of the command, or what a "
                   "caller of the\n"
                   "API says), what, of which job, batch or pipeline, the state before and after, "
                   "and the reason\n"
                   "that was given. The newest is first.\n",
    .examples = "  weir audit\n  weir audit --json | jq -r '.entries[] | select(.what == "
                "\"jobs.discard\") | .why'\n",
    .exits = "0 good, 1 refused by the server, 2 used wrongly, 3 no weir answers",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
