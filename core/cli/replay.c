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
#include "cli/batches.h"
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

void
replay_print_steps(const struct weir_value *pipeline, const char *effect, const char *what)
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

bool
replay_say(const struct args *a, const struct weir_value *job, const char *what)
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
    printf("%s will run through the pipeline %.*s from the start, as a new job.\n", what,
           (int)name.len, name.bytes);
    if (revision.len > 0 && !text_equal(revision, answer_member_text(pipeline, "revision")))
        printf("The pipeline has changed since the job ran: it runs as it is now.\n");
    replay_print_steps(pipeline, "idempotent",
                       strcmp(what, "Its event") == 0
                           ? "These steps are asked again, with the same idempotency keys: "
                           : "These steps are asked again, with other idempotency keys: ");
    replay_print_steps(pipeline, "unsafe",
                       "These steps are not safe to repeat, and may act a second time: ");
    if (before.len > 0)
        printf("It was replayed before, as %.*s.\n", (int)before.len, before.bytes);
    value_unref(&pipeline);
    return true;
}

bool
replay_asks(const struct args *a)
{
    return !args_given(a, "yes") && !args_given(a, "json") && isatty(STDIN_FILENO);
}

bool
replay_agreed(const struct args *a, const char *question)
{
    char line[16] = "";
    if (!replay_asks(a))
        return true;
    printf("%s [y/N] ", question);
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

int
replay_wait(const struct args *a, const char *id, uint64_t longest_ms)
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
                    "weir %s: %s is not over yet; weir jobs show %s tells how it goes on\n",
                    a->command->name, id, id);
            return EXIT_WRONG;
        }
        (void)nanosleep(&pause, NULL);
    }
}

/* A filter next to an id would be left out: says so. */
static bool
only_of_one(const struct args *a)
{
    static const char *const many[] = { "state",
                                        "pipeline",
                                        "step",
                                        "code",
                                        "since",
                                        "key",
                                        "fingerprint",
                                        "where",
                                        "max",
                                        "rate",
                                        "concurrency",
                                        "canary",
                                        "stop-on-failures" };
    for (size_t i = 0; i < sizeof many / sizeof *many; i++) {
        if (!args_given(a, many[i]))
            continue;
        fprintf(stderr, "weir replay: --%s goes with weir replay run, which takes no id\n",
                many[i]);
        return false;
    }
    return true;
}

static int
run(const struct args *a)
{
    uint64_t longest_ms = WAIT_MS;
    struct weir_error err = { 0 };
    const char *timeout = args_text(a, "timeout");
    if (a->n_words == 0) {
        fprintf(
            stderr,
            "weir replay: which job? weir replay ID; weir jobs --state dead lists them; weir "
            "replay run takes many\n");
        return EXIT_USAGE;
    }
    if (timeout && duration_parse(text_of(timeout), &longest_ms, &err) != WEIR_OK) {
        fprintf(stderr, "weir replay: --timeout: %s\n", err.text);
        return EXIT_USAGE;
    }
    static const char *const once[] = { "state", "pipeline", "step", "code",        "since",  "key",  "fingerprint", "where",
                                        "max",   "rate",     "plan", "concurrency", "canary", "from", "reason",      NULL };
    if (!job_given_once(a, once))
        return EXIT_USAGE;
    bool plan = strcmp(a->words[0], "plan") == 0;
    if (plan && a->n_words == 1)
        return replay_plan(a);
    if (plan)
        return job_id_looks_good(a, a->words[1]) && only_of_one(a) ? replay_one_plan(a, a->words[1]) : EXIT_USAGE;
    if (a->n_words > 1) {
        fprintf(stderr, "weir replay: one job at a time; weir replay run takes many\n");
        return EXIT_USAGE;
    }
    if (strcmp(a->words[0], "run") == 0)
        return replay_run(a, timeout ? longest_ms : UINT64_MAX);
    if (!job_id_looks_good(a, a->words[0]) || !only_of_one(a))
        return EXIT_USAGE;
    return replay_one(a, a->words[0], longest_ms);
}

static const struct option options[] = {
    { 0, "reason", "TEXT", "why, for the audit; without it a terminal is asked for it" },
    { 's', "state", "STATE",
      "run, plan: jobs in this state: dead (usual), cancelled, discarded" },
    { 'p', "pipeline", "NAME", "run, plan: jobs of this pipeline" },
    { 0, "step", "ID", "run, plan: jobs that failed in this step" },
    { 0, "code", "CODE", "run, plan: jobs that failed with this code" },
    { 0, "since", "WHEN", "run, plan: jobs that came since: 10m, 2h, 3d ago, or an ISO time" },
    { 0, "key", "KEY", "run, plan: jobs of this key of the pipeline's concurrency" },
    { 0, "fingerprint", "F", "run, plan: jobs that failed alike, as weir jobs show and incidents --json say" },
    { 0, "where", "EXPR", "run, plan: jobs for which it holds: event.body.amount > 100" },
    { 0, "max", "N", "run, plan: the oldest N of them" },
    { 0, "rate", "N/TIME", "run: at most that many in that time, such as 10/1s" },
    { 0, "concurrency", "N", "run: at most N of them at once (100; at most 1000)" },
    { 0, "canary", "N", "run: N first; the rest when these are completed" },
    { 0, "stop-on-failures", "N", "run: pause when N are dead" },
    { 0, "plan", "HASH", "only if it is still the plan with this hash" },
    { 0, "from", "STEP",
      "ID: go on at this step, or where it failed (failed)" },
    { 0, "original", NULL, "ID: with the pipeline as it was when the job ran" },
    { 0, "ack", "STEP", "this step is not safe to repeat, and may act again" },
    { 0, "output", "STEP=JSON", "ID: this step counts as done, with this output" },
    { 0, "new-keys", NULL, "ID: with new idempotency keys" },
    { 'y', "yes", NULL, "do it without asking" },
    { 0, "force", NULL, "also a job that is completed" },
    { 'w', "wait", NULL, "wait until the new job is over" },
    { 0, "timeout", "TIME", "with --wait: for at most that long (10m)" },
    { 0, "json", NULL, "print the answer as JSON; nothing is asked" },
    API_OPTIONS,
};

const struct command command_replay = {
    .name = "replay",
    .summary = "run a job of a running weir again, or many of them",
    .usage = "ID [--from STEP|failed] [--ack STEP]... [--output STEP=JSON]... [--original] [--new-keys]\n"
             "                   [--reason TEXT] [--plan HASH] [--yes] [--wait [--timeout TIME]] [--force] [--json]\n"
             "       weir replay plan ID [--from STEP|failed] ...\n"
             "       weir replay plan [filters] [--max N] [--json]\n"
             "       weir replay run [filters] [--max N] [--rate N/TIME] [--concurrency N] "
             "[--canary N]\n"
             "                       [--stop-on-failures N] [--ack STEP]... [--plan HASH] "
             "[--yes] [--wait]",
    .description =
        "The event of the job runs through its pipeline again, from the start and "
        "as the pipeline is\n"
        "now: as a new job, whose id is printed. What will happen is said before (plan ID says it "
        "alone),\n"
        "and on a terminal it is asked for; steps with an effect of idempotent send the same keys "
        "as the\n"
        "first time, so that who is asked can tell. The job itself stays, and names the one that\n"
        "replaced it; it can be replayed once more only if that one failed, too.\n\n"
        "With --from the steps that have a record answer from it, if the pipeline is the same up "
        "to there.\n"
        "A step that is not safe to repeat and may have acted needs --ack, or --output if it is "
        "known to\n"
        "have acted. With --yes, --json or without a terminal a --reason is needed.\n\n"
        "With --wait the command ends when the new job does, and shows its states "
        "until then.\n\n"
        "plan says which jobs a batch would take: how many, of which pipelines and "
        "steps, and what is\n"
        "not safe to repeat there. run makes that batch: the list of jobs is taken once, "
        "and the\n"
        "replays are made bit by bit, each once, also over a restart. Of an event that was "
        "replayed\n"
        "the newest job alone is taken, and none that waits in another batch. weir "
        "batches shows,\n"
        "pauses, resumes and cancels it.\n\n"
        "With --json: { id, replay_of }, with --wait the new job when it is over; with "
        "run the batch.\n",
    .examples =
        "  weir replay 01890a5d-ac96-774b-bcce-b302099a8057\n"
        "  weir replay 01890a5d-ac96-774b-bcce-b302099a8057 --yes --wait --reason 'the bank is "
        "back'\n"
        "  weir replay plan --pipeline pay --step charge --since 2h\n"
        "  weir replay run --pipeline pay --canary 5 --rate 10/1s --stop-on-failures 20 "
        "--wait\n",
    .exits =
        "0 good, 1 refused, or the new job failed (--wait), 2 used wrongly, 3 no weir answers",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 2,
    .words = "plan run",
    .run = run,
};

int
replay_made(const struct args *a, const struct weir_value *answer, uint64_t longest_ms)
{
    char id[64];
    bool json = args_given(a, "json"), wait = args_given(a, "wait");
    struct weir_text text = answer_member_text(answer, "id");
    (void)snprintf(id, sizeof id, "%.*s", (int)text.len, text.bytes);
    if (json && !wait)
        print_value(answer);
    else if (!json)
        printf("new job: %s\n", id);
    value_unref(&answer);
    return wait ? replay_wait(a, id, longest_ms) : EXIT_GOOD;
}
