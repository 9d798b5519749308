/* cli/replay.c - weir replay: a job's event runs again, as a new job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
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

#define LOOK_MS 200u
#define WAIT_MS (10u * 60 * 1000)

/* Whether a step has others in its blocks: its effect is theirs. */
static bool
has_blocks(const struct weir_value *pipeline, struct weir_text id)
{
    const struct weir_value *one;
    for (size_t i = 0; (one = value_at(value_field(pipeline, "steps"), i)) != NULL; i++)
        if (text_equal(answer_member_text(one, "in"), id))
            return true;
    return false;
}

/* Prints the steps of that effect, after WHAT; nothing if there are none. */
static void
print_steps(const struct weir_value *pipeline, const char *effect, const char *what)
{
    const struct weir_value *one;
    const char *between = what;
    for (size_t i = 0; (one = value_at(value_field(pipeline, "steps"), i)) != NULL; i++) {
        struct weir_text id = answer_member_text(one, "id"),
                         type = answer_member_text(one, "type");
        if (!text_is(answer_member_text(one, "effect"), effect) || has_blocks(pipeline, id))
            continue;
        printf("%s%.*s (%.*s)", between, (int)id.len, id.bytes, (int)type.len, type.bytes);
        between = ", ";
    }
    printf(between == what ? "" : "\n");
}

/* Says what the replay of JOB will do. False after saying why it can't be. */
static bool
print_plan(const struct args *a, const struct weir_value *job)
{
    struct buf path;
    const struct weir_value *pipeline;
    struct weir_text id = answer_member_text(job, "id"),
                     name = answer_member_text(job, "pipeline");
    struct weir_text state = answer_member_text(job, "state"),
                     message = answer_member_text(job, "message");
    struct weir_text revision = answer_member_text(job, "revision"),
                     before = answer_member_text(job, "superseded_by");
    buf_init(&path, 4096);
    (void)buf_puts(&path, "/api/v1/pipelines/");
    (void)url_encode(&path, name);
    int code = job_ask(a, "GET", path.bytes, NULL, &pipeline);
    buf_fini(&path);
    if (code != EXIT_GOOD)
        return false;
    printf("%.*s is %.*s", (int)id.len, id.bytes, (int)state.len, state.bytes);
    printf(message.len ? ": %.*s\n" : "\n", (int)job_cut(message, 200), message.bytes);
    printf("Its event will run through the pipeline %.*s from the start, as a new job.\n",
           (int)name.len, name.bytes);
    if (revision.len > 0 && !text_equal(revision, answer_member_text(pipeline, "revision")))
        printf("The pipeline has changed since the job ran: it runs as it is now.\n");
    print_steps(pipeline, "idempotent",
                "These steps are asked again, with the same idempotency keys: ");
    print_steps(pipeline, "unsafe",
                "These steps are not safe to repeat, and may act a second time: ");
    if (before.len > 0)
        printf("It was replayed before, as %.*s.\n", (int)before.len, before.bytes);
    value_unref(&pipeline);
    return true;
}

/* Asks on a terminal; elsewhere nobody is there to answer, and the command was given. */
static bool
agreed(const struct args *a)
{
    char line[16] = "";
    if (args_given(a, "yes") || !isatty(STDIN_FILENO))
        return true;
    printf("Replay it? [y/N] ");
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL)
        printf("\n");
    if (line[0] == 'y' || line[0] == 'Y')
        return true;
    printf("Nothing was done.\n");
    return false;
}

static bool
is_over(struct weir_text state)
{
    return text_is(state, "completed") || text_is(state, "dead") ||
           text_is(state, "cancelled") || text_is(state, "discarded");
}

/* Draws a state: over the last one on a terminal, else a line for each new one. */
static void
draw_state(const struct weir_value *job, char last[32], bool over)
{
    struct weir_text state = answer_member_text(job, "state");
    bool same = text_is(state, last), terminal = isatty(STDOUT_FILENO);
    (void)snprintf(last, 32, "%.*s", (int)state.len, state.bytes);
    if (same && !over)
        return;
    printf("%s%s", terminal ? "\r\033[K" : "", last);
    if (over && answer_member_text(job, "code").len > 0) {
        struct weir_text node = answer_member_text(job, "node"),
                         message = answer_member_text(job, "message");
        printf(": %.*s%s%.*s", (int)node.len, node.bytes, node.len ? ": " : "",
               (int)job_cut(message, 200), message.bytes);
    }
    printf(terminal && !over ? "" : "\n");
    fflush(stdout);
}

/* Waits until the job is over, for at most LONGEST_MS. EXIT_GOOD if it is completed. */
static int
wait_for(const struct args *a, const char *id, uint64_t longest_ms)
{
    const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
    const struct weir_value *job;
    char last[32] = "";
    bool json = args_given(a, "json");
    for (uint64_t end = clock_mono_ms() + longest_ms;;) {
        int code = job_ask_one(a, id, NULL, NULL, false, &job);
        if (job == NULL)
            return code;
        struct weir_text state = answer_member_text(job, "state");
        bool over = is_over(state), good = text_is(state, "completed"),
             late = clock_mono_ms() >= end;
        if (json && (over || late))
            print_value(job);
        else if (!json)
            draw_state(job, last, over);
        value_unref(&job);
        if (over)
            return good ? EXIT_GOOD : EXIT_WRONG;
        if (late) {
            fprintf(stderr,
                    "weir replay: %s is not over yet; weir jobs show %s tells how it goes on\n",
                    id, id);
            return EXIT_WRONG;
        }
        (void)nanosleep(&pause, NULL);
    }
}

static int
replay(const struct args *a, const char *id, uint64_t longest_ms)
{
    const struct weir_value *v;
    char new_id[64];
    bool json = args_given(a, "json"), wait = args_given(a, "wait");
    int code = job_ask_one(a, id, "replay", args_text(a, "reason"), args_given(a, "force"), &v);
    if (v == NULL)
        return code;
    struct weir_text text = answer_member_text(v, "id");
    (void)snprintf(new_id, sizeof new_id, "%.*s", (int)text.len, text.bytes);
    if (json && !wait)
        print_value(v);
    else if (!json)
        printf("new job: %s\n", new_id);
    value_unref(&v);
    return wait ? wait_for(a, new_id, longest_ms) : EXIT_GOOD;
}

static int
run(const struct args *a)
{
    const struct weir_value *job;
    uint64_t longest_ms = WAIT_MS;
    struct weir_error err = { 0 };
    const char *timeout = args_text(a, "timeout");
    if (a->n_words == 0) {
        fprintf(stderr,
                "weir replay: which job? weir replay ID; weir jobs --state dead lists them\n");
        return EXIT_USAGE;
    }
    if (timeout && duration_parse(text_of(timeout), &longest_ms, &err) != WEIR_OK) {
        fprintf(stderr, "weir replay: --timeout: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (!job_id_looks_good(a, a->words[0]))
        return EXIT_USAGE;
    if (!args_given(a, "json")) {
        int code = job_ask_one(a, a->words[0], NULL, NULL, false, &job);
        if (job == NULL)
            return code;
        bool good = print_plan(a, job);
        value_unref(&job);
        if (!good)
            return EXIT_WRONG;
        if (!agreed(a))
            return EXIT_GOOD;
    }
    return replay(a, a->words[0], longest_ms);
}

static const struct option options[] = {
    { 0, "reason", "TEXT", "why, for the audit" },
    { 'y', "yes", NULL, "do it without asking" },
    { 0, "force", NULL, "also a job that is completed" },
    { 'w', "wait", NULL, "wait until the new job is over" },
    { 0, "timeout", "TIME", "with --wait: for at most that long (10m)" },
    { 0, "json", NULL, "print the answer as JSON; nothing is asked" },
    API_OPTIONS,
};

const struct command command_replay = {
    .name = "replay",
    .summary = "run a job of a running weir again",
    .usage = "ID [--reason TEXT] [--yes] [--wait [--timeout TIME]] [--force] [--json]",
    .description = "The event of the job runs through its pipeline again, from the start and "
                   "as the pipeline is\n"
                   "now: as a new job, whose id is printed. What will happen is said before, "
                   "and on a terminal\n"
                   "it is asked for; steps with an effect of idempotent send the same keys as "
                   "the first time,\n"
                   "so that who is asked can tell. The job itself stays, and names the one "
                   "that replaced it; it\n"
                   "can be replayed once more only if that one failed, too.\n\n"
                   "With --wait the command ends when the new job does, and shows its states "
                   "until then.\n\n"
                   "With --json: { id, replay_of }, with --wait the new job when it is over.\n",
    .examples =
        "  weir replay 01890a5d-ac96-774b-bcce-b302099a8057\n"
        "  weir replay 01890a5d-ac96-774b-bcce-b302099a8057 --yes --wait --reason 'the bank is "
        "back'\n"
        "  weir jobs --state dead --json | jq -r '.jobs[].id' | xargs -n1 weir replay --yes\n",
    .exits =
        "0 good, 1 refused, or the new job failed (--wait), 2 used wrongly, 3 no weir answers",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 1,
    .run = run,
};
