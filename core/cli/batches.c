/* cli/batches.c - weir batches: batches of replays of a running weir, listed, looked at,
 * paused, resumed, cancelled.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/batches.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/units.h"
#include "cli/answer.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/job_ask.h"
#include "cli/setup.h"
#include "value/json.h"

#define LOOK_MS 200u
#define BAR 30

static double
items(const struct weir_value *batch, const char *state)
{
    return answer_member_number(value_field(batch, "items"), state);
}

/* How many items are over. */
static double
over(const struct weir_value *batch)
{
    return items(batch, "completed") + items(batch, "dead") + items(batch, "cancelled") +
           items(batch, "skipped");
}

/* Prints the counts that are not 0: "4 completed, 1 dead". */
static void
print_counts(const struct weir_value *batch)
{
    static const char *const states[] = { "completed", "dead", "cancelled",
                                          "skipped",   "made", "pending" };
    const char *between = "";
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (items(batch, states[i]) == 0)
            continue;
        printf("%s%.0f %s", between, items(batch, states[i]), states[i]);
        between = ", ";
    }
}

static const char *
state_paint(struct weir_text state)
{
    return text_is(state, "paused") ? "33" : text_is(state, "completed") ? "32" : NULL;
}

static int
run_list(const struct args *a)
{
    static const char *const names[] = { "limit=limit", "after=after", NULL };
    const struct weir_value *v, *one;
    struct table t;
    int code = job_ask_list(a, "/api/v1/batches", names, &v);
    if (v == NULL)
        return code;
    const struct weir_value *list = value_field(v, "batches");
    if (list == NULL || list->len == 0) {
        printf("There is no batch; weir replay run makes one.\n");
        value_unref(&v);
        return EXIT_GOOD;
    }
    table_headed(&t, "ID|STATE|JOBS|COMPLETED|DEAD|MADE|PENDING|AGE|WHO|REASON|WHY",
                 colour_wanted(STDOUT_FILENO));
    for (size_t i = 0; (one = value_at(list, i)) != NULL; i++) {
        struct weir_text state = answer_member_text(one, "state");
        table_add(&t, answer_member_text(one, "id"), NULL);
        table_add(&t, state, state_paint(state));
        table_printf(&t, "%.0f", answer_member_number(one, "total"));
        static const char *const states[] = { "completed", "dead", "made", "pending" };
        for (size_t k = 0; k < sizeof states / sizeof *states; k++)
            table_printf(&t, "%.0f", items(one, states[k]));
        job_add_age(&t, one, "created_ms");
        job_add_text(&t, one, "who", 32);
        job_add_text(&t, one, "reason", 60);
        job_add_text(&t, one, "why", 80);
    }
    table_print(&t);
    job_print_next(a, v);
    value_unref(&v);
    return EXIT_GOOD;
}

/* Asks for the batch ID, with the items that the options choose or as few as possible. */
static int
ask_one(const struct args *a, const char *id, bool few, const struct weir_value **ret)
{
    struct buf path;
    buf_init(&path, 64u << 10);
    (void)buf_puts(&path, "/api/v1/batches/");
    (void)url_encode(&path, text_of(id));
    job_path_add(&path, "state", few ? NULL : args_text(a, "state"));
    job_path_add(&path, "limit", few ? "1" : args_text(a, "limit"));
    job_path_add(&path, "after", few ? NULL : args_text(a, "after"));
    int code = job_ask(a, "GET", path.bytes, NULL, ret);
    buf_fini(&path);
    return code;
}

/* Draws the state: over the last one on a terminal, else a line when it has changed. */
static void
draw(const struct weir_value *batch, char last[32], bool end)
{
    struct weir_text state = answer_member_text(batch, "state"),
                     why = answer_member_text(batch, "why");
    bool terminal = isatty(STDOUT_FILENO), same = text_is(state, last);
    double total = answer_member_number(batch, "total"), done = over(batch);
    (void)snprintf(last, 32, "%.*s", (int)state.len, state.bytes);
    if (!terminal && same && !end)
        return;
    if (terminal) {
        char bar[BAR + 1];
        int full = total > 0 ? (int)(done * BAR / total) : BAR;
        for (int i = 0; i < BAR; i++)
            bar[i] = i < full ? '#' : '.';
        bar[BAR] = '\0';
        printf("\r\033[K[%s] ", bar);
    }
    printf("%.0f of %.0f, %s: ", done, total, last);
    print_counts(batch);
    if (why.len > 0)
        printf(" (%.*s)", (int)job_cut(why, 200), why.bytes);
    printf(terminal && !end ? "" : "\n");
    fflush(stdout);
}

int
batch_wait(const struct args *a, const char *id, uint64_t longest_ms)
{
    const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
    const struct weir_value *batch;
    char last[32] = "";
    bool json = args_given(a, "json");
    for (uint64_t start = clock_mono_ms();;) {
        int code = ask_one(a, id, true, &batch);
        if (batch == NULL)
            return code;
        bool end = !text_is(answer_member_text(batch, "state"), "running"),
             late = clock_mono_ms() - start >= longest_ms,
             good = items(batch, "completed") == answer_member_number(batch, "total");
        if (json && (end || late))
            print_value(batch);
        else if (!json)
            draw(batch, last, end || late);
        value_unref(&batch);
        if (end)
            return good ? EXIT_GOOD : EXIT_WRONG;
        if (late) {
            fprintf(stderr,
                    "weir %s: %s is not over yet; weir batches show %s tells how it goes on\n",
                    a->command->name, id, id);
            return EXIT_WRONG;
        }
        (void)nanosleep(&pause, NULL);
    }
}

static void
print_one(const struct weir_value *v)
{
    struct table t;
    const struct weir_value *jobs = value_field(v, "jobs"), *one;
    struct weir_text state = answer_member_text(v, "state"), why = answer_member_text(v, "why");
    struct weir_text who = answer_member_text(v, "who"),
                     reason = answer_member_text(v, "reason");
    struct weir_text rate = answer_member_text(v, "rate");
    printf("%.*s, %.0f of %.0f: ", (int)state.len, state.bytes, over(v),
           answer_member_number(v, "total"));
    print_counts(v);
    printf("\n");
    if (why.len > 0)
        printf("paused: %.*s\n", (int)job_cut(why, 250), why.bytes);
    printf("made by %.*s%s%.*s; at most %.0f at once%s%.*s\n", (int)who.len, who.bytes,
           reason.len > 0 ? ": " : "", (int)job_cut(reason, 200), reason.bytes,
           answer_member_number(v, "concurrency"), rate.len > 0 ? ", " : "", (int)rate.len,
           rate.bytes);
    table_headed(&t, "JOB|STATE|REPLAY|WHY", colour_wanted(STDOUT_FILENO));
    for (size_t i = 0; (one = value_at(jobs, i)) != NULL; i++) {
        struct weir_text item = answer_member_text(one, "state");
        table_add(&t, answer_member_text(one, "job"), NULL);
        table_add(&t, item, job_state_paint(item));
        job_add_text(&t, one, "replay", 64);
        job_add_text(&t, one, "why", 120);
    }
    table_print(&t);
    if (answer_member_text(v, "next").len > 0)
        printf("\nThere are more: --after %.*s\n", (int)answer_member_text(v, "next").len,
               answer_member_text(v, "next").bytes);
}

static int
run_show(const struct args *a, const char *id)
{
    const struct weir_value *v;
    uint64_t longest_ms = UINT64_MAX;
    struct weir_error err = { 0 };
    const char *timeout = args_text(a, "timeout");
    if (timeout && duration_parse(text_of(timeout), &longest_ms, &err) != WEIR_OK) {
        fprintf(stderr, "weir batches: --timeout: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (args_given(a, "wait"))
        return batch_wait(a, id, longest_ms);
    int code = ask_one(a, id, false, &v);
    if (v == NULL)
        return code;
    if (args_given(a, "json"))
        print_value(v);
    else
        print_one(v);
    value_unref(&v);
    return EXIT_GOOD;
}

static int
tell(const struct args *a, const char *verb, const char *id)
{
    struct buf path, body;
    const struct weir_value *v;
    buf_init(&path, 4096);
    buf_init(&body, 64u << 10);
    (void)buf_puts(&path, "/api/v1/batches/");
    (void)url_encode(&path, text_of(id));
    (void)buf_printf(&path, "/%s", verb);
    (void)buf_puts(&body, "{\"who\":");
    (void)json_write_string(&body, text_of(order_giver()));
    if (args_text(a, "reason")) {
        (void)buf_puts(&body, ",\"reason\":");
        (void)json_write_string(&body, text_of(args_text(a, "reason")));
    }
    (void)buf_puts(&body, "}");
    int code = job_ask(a, "POST", path.bytes, body.bytes, &v);
    buf_fini(&path);
    buf_fini(&body);
    if (v == NULL)
        return code;
    if (args_given(a, "json")) {
        print_value(v);
    } else {
        struct weir_text state = answer_member_text(v, "state");
        printf("%s is %.*s: ", id, (int)state.len, state.bytes);
        print_counts(v);
        printf("\n");
    }
    value_unref(&v);
    return EXIT_GOOD;
}

static int
run(const struct args *a)
{
    static const char *const verbs[] = { "pause", "resume", "cancel" };
    const char *verb = a->n_words > 0 ? a->words[0] : "list";
    if (strcmp(verb, "list") == 0 && a->n_words < 2)
        return run_list(a);
    if (a->n_words < 2) {
        fprintf(stderr,
                "weir batches: '%.40s' needs the id of a batch; weir batches lists them\n",
                verb);
        return EXIT_USAGE;
    }
    if (strcmp(verb, "show") == 0)
        return run_show(a, a->words[1]);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verb, verbs[i]) == 0)
            return tell(a, verb, a->words[1]);
    fprintf(
        stderr,
        "weir batches: there is no '%.40s'; there are list, show, pause, resume and cancel\n",
        verb);
    return EXIT_USAGE;
}

static const struct option options[] = {
    { 's', "state", "STATE",
      "show: its jobs that are pending, made, completed, dead, cancelled, skipped" },
    { 'n', "limit", "N", "show N of them (50; at most 1000)" },
    { 0, "after", "CURSOR", "go on behind the page before, which names it" },
    { 'w', "wait", NULL, "show: how it goes on, until it is over or paused" },
    { 0, "timeout", "TIME", "with --wait: for at most that long" },
    { 0, "reason", "TEXT", "pause, resume, cancel: why, for the audit" },
    { 0, "json", NULL, "print the answer as JSON" },
    API_OPTIONS,
};

const struct command command_batches = {
    .name = "batches",
    .summary = "show, pause, resume and cancel batches of replays of a running weir",
    .usage =
        "[list | show ID | pause ID | resume ID | cancel ID] [--reason TEXT] [--wait] [--json]",
    .description = "A batch is made by weir replay run. It is running, paused, completed or "
                   "cancelled; a job of "
                   "it is\n"
                   "pending, made (its replay is there and not over), completed, dead or "
                   "cancelled (as its "
                   "replay),\n"
                   "or skipped, with the reason. A batch pauses itself when its canary or too "
                   "many replays "
                   "fail;\n"
                   "resume goes on with the rest, whatever has failed so far. cancel leaves "
                   "the replays that are\n"
                   "made already: they run to their end.\n",
    .examples =
        "  weir batches\n"
        "  weir batches show 01890a5d-ac96-774b-bcce-b302099a8057 --state dead\n"
        "  weir batches pause 01890a5d-ac96-774b-bcce-b302099a8057 --reason 'the bank asks'\n",
    .exits = "0 good, 1 refused, or (--wait) not all replays completed, 2 used wrongly, 3 no "
             "weir answers",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 2,
    .words = "list show pause resume cancel",
    .run = run,
};
