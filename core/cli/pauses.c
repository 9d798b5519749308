/* cli/pauses.c - weir pause, weir resume, weir pauses: pipelines of a running weir whose jobs
 * are held.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "cli/answer.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/job_ask.h"
#include "cli/setup.h"
#include "value/json.h"

static void
add_text(struct buf *b, const char *name, const char *text)
{
    if (text == NULL)
        return;
    (void)buf_printf(b, "%s\"%s\":", b->len > 1 ? "," : "", name);
    (void)json_write_string(b, text_of(text));
}

/* Tells the pipeline of the command line VERB. */
static int
tell(const struct args *a, const char *verb, const struct weir_value **ret)
{
    struct buf path, body;
    buf_init(&path, 8192);
    buf_init(&body, 64u << 10);
    (void)buf_puts(&path, "/api/v1/pipelines/");
    (void)url_encode(&path, text_of(a->words[0]));
    (void)buf_printf(&path, "/%s", verb);
    (void)buf_puts(&body, "{");
    add_text(&body, "who", order_giver());
    add_text(&body, "key", args_text(a, "key"));
    add_text(&body, "reason", args_text(a, "reason"));
    (void)buf_puts(&body, "}");
    int code = job_ask(a, "POST", path.bytes, body.bytes, ret);
    buf_fini(&path);
    buf_fini(&body);
    return code;
}

static int
run_verb(const struct args *a, const char *verb, const char *said, const char *count)
{
    const struct weir_value *v;
    if (a->n_words == 0) {
        fprintf(stderr, "weir %s: which pipeline? weir %s PIPELINE\n", verb, verb);
        return EXIT_USAGE;
    }
    int code = tell(a, verb, &v);
    if (v == NULL)
        return code;
    if (args_given(a, "json")) {
        print_value(v);
    } else {
        const char *key = args_text(a, "key");
        printf("%s%s%s%s %s; jobs %s: %.0f\n", a->words[0], key ? " (" : "", key ? key : "",
               key ? ")" : "", said, count, answer_member_number(v, count));
    }
    value_unref(&v);
    return EXIT_GOOD;
}

static int
run_pause(const struct args *a)
{
    return run_verb(a, "pause", "is paused", "held");
}

static int
run_resume(const struct args *a)
{
    return run_verb(a, "resume", "goes on", "released");
}

static int
run_pauses(const struct args *a)
{
    static const char *const none[] = { NULL };
    const struct weir_value *v, *one;
    struct table t;
    int code = job_ask_list(a, "/api/v1/pauses", none, &v);
    if (v == NULL)
        return code;
    const struct weir_value *list = value_field(v, "pauses");
    if (list == NULL || list->len == 0) {
        printf("Nothing is paused.\n");
        value_unref(&v);
        return EXIT_GOOD;
    }
    table_headed(&t, "PIPELINE|KEY|HELD|SINCE|WHO|REASON", false);
    for (size_t i = 0; (one = value_at(list, i)) != NULL; i++) {
        job_add_text(&t, one, "pipeline", 64);
        job_add_text(&t, one, "key", 64);
        table_printf(&t, "%.0f", answer_member_number(one, "held"));
        job_add_age(&t, one, "at_ms");
        job_add_text(&t, one, "who", 64);
        job_add_text(&t, one, "reason", 200);
    }
    table_print(&t);
    value_unref(&v);
    return EXIT_GOOD;
}

static const struct option options[] = {
    { 'k', "key", "KEY", "only jobs of this key of the pipeline's concurrency" },
    { 0, "reason", "TEXT", "why, for the audit" },
    { 0, "json", NULL, "print the answer as JSON" },
    API_OPTIONS,
};

static const struct option list_options[] = {
    { 0, "json", NULL, "print the answer as JSON" },
    API_OPTIONS,
};

const struct command command_pause = {
    .name = "pause",
    .summary = "hold the jobs of a durable pipeline of a running weir",
    .usage = "PIPELINE [--key KEY] [--reason TEXT] [--json]",
    .description =
        "Its events are accepted as before and answered 202, also where a result would be "
        "waited for;\n"
        "their jobs are held, in order, and so are those that wait for a place, a time or "
        "another\n"
        "attempt. What runs goes on to its end. A pause holds over a restart, until weir "
        "resume.\n"
        "A pipeline that is not durable can't be paused: nothing keeps its events.\n",
    .examples = "  weir pause pay --reason 'the bank is down'\n  weir pause pay --key shop-7\n",
    .exits = "0 good, 1 refused, 2 used wrongly, 3 no weir answers",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 1,
    .words = "",
    .run = run_pause,
};

const struct command command_resume = {
    .name = "resume",
    .summary = "let the jobs of a paused pipeline go on",
    .usage = "PIPELINE [--key KEY] [--reason TEXT] [--json]",
    .description =
        "Its jobs are ready again, the oldest first; one that waits for a time or another "
        "attempt waits for\n"
        "that. A key that was paused by itself has to be resumed by itself.\n",
    .examples = "  weir resume pay\n  weir resume pay --key shop-7\n",
    .exits = "0 good, 1 refused, 2 used wrongly, 3 no weir answers",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 1,
    .words = "",
    .run = run_resume,
};

const struct command command_pauses = {
    .name = "pauses",
    .summary = "show which pipelines of a running weir are paused",
    .usage = "[--json]",
    .description = "Each with the jobs that it holds, who paused it, when and why.\n",
    .examples = "  weir pauses\n",
    .exits = "0 good, 1 refused by the server, 2 used wrongly, 3 no weir answers",
    .options = list_options,
    .n_options = sizeof list_options / sizeof *list_options,
    .run = run_pauses,
};
