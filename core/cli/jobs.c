/* cli/jobs.c - weir jobs: the jobs of a running weir, listed, looked at, cancelled, discarded.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/jobs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/answer.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/job_ask.h"
#include "cli/setup.h"

#define MESSAGE_SHOWN 80u

/* Options of a list, and what the API calls them. */
static const char *const filters[] = { "state=state", "pipeline=pipeline", "step=node",
                                       "code=code",   "since=since",       "key=key",     "fingerprint=fingerprint",
                                       "where=where", "limit=limit",       "after=after", NULL };

static void
print_list(const struct args *a, const struct weir_value *v)
{
    struct table t;
    const struct weir_value *jobs = value_field(v, "jobs"), *job;
    if (jobs == NULL || jobs->len == 0) {
        printf("There is no such job.\n");
        return;
    }
    table_headed(&t, "ID|PIPELINE|STATE|STEP|CODE|AGE|MESSAGE", colour_wanted(STDOUT_FILENO));
    for (size_t i = 0; (job = value_at(jobs, i)) != NULL; i++) {
        struct weir_text state = answer_member_text(job, "state");
        table_add(&t, answer_member_text(job, "id"), NULL);
        job_add_text(&t, job, "pipeline", 64);
        bool replayed = text_is(state, "dead") && value_field(job, "superseded_by") != NULL;
        table_add(&t, replayed ? TEXT("dead, replayed") : state, replayed ? "2" : job_state_paint(state));
        job_add_text(&t, job, "node", 64);
        job_add_text(&t, job, "code", 64);
        job_add_age(&t, job, "created_ms");
        job_add_text(&t, job, "message", MESSAGE_SHOWN);
    }
    table_print(&t);
    job_print_next(a, v);
}

static int
run_list(const struct args *a)
{
    const struct weir_value *v;
    const char *by = args_text(a, "group-by");
    if (by != NULL && strcmp(by, "fingerprint") != 0) {
        fprintf(stderr, "weir jobs: --group-by takes fingerprint, not '%s'\n", by);
        return EXIT_USAGE;
    }
    if (by != NULL)
        return jobs_group(a, filters);
    int code = job_ask_list(a, "/api/v1/jobs", filters, &v);
    double left_out = answer_member_number(v, "left_out");
    struct weir_text because = answer_member_text(v, "because");
    if (v != NULL)
        print_list(a, v);
    if (left_out > 0)
        fprintf(stderr, "weir jobs: %.0f jobs are left out, since --where is an error for them: %.*s\n", left_out,
                (int)because.len, because.bytes);
    value_unref(&v);
    return code;
}

static int
run_order(const struct args *a, const char *verb, const char *id)
{
    const struct weir_value *v;
    int code;
    const char *reason = order_reason(a, &code);
    if (reason == NULL)
        return code;
    code = job_ask_one(a, id, verb, reason, false, &v);
    if (v == NULL)
        return code;
    struct weir_text state = answer_member_text(v, "state");
    if (args_given(a, "json"))
        print_value(v);
    else if (value_field(v, "cancelling") != NULL)
        printf("%s is being cancelled; weir jobs show %s tells when it is over\n", id, id);
    else
        printf("%s is %.*s\n", id, (int)state.len, state.bytes);
    value_unref(&v);
    return code;
}

/* What of edit was given to another verb, or NULL. */
static const char *
misuse_of_edit(const struct args *a, const char *verb)
{
    static const char *const edit_only[] = { "body", "remove", "ack", "force", "wait", "timeout" };
    const char *set;
    bool discard = strcmp(verb, "discard") == 0;
    for (size_t i = 0; i < sizeof edit_only / sizeof *edit_only; i++)
        if (args_given(a, edit_only[i]))
            return "--body, --remove, --ack, --force, --wait and --timeout are for weir jobs edit ID";
    if (!discard && (args_given(a, "dry-run") || (args_given(a, "yes") && strcmp(verb, "cancel") != 0)))
        return "--dry-run and --yes are for edit and discard";
    for (unsigned i = 0; (set = args_each(a, "set", i)) != NULL; i++)
        if (*set == '/')
            return "--set /PLACE=JSON is for weir jobs edit ID";
    return NULL;
}

/* Whether VERB is for all jobs that filters take: discard without an ID. */
static bool
is_many(const struct args *a, const char *verb)
{
    bool some = false;
    for (const char *const *f = filters; *f != NULL; f++) {
        char option[32];
        (void)snprintf(option, sizeof option, "%.*s", (int)strcspn(*f, "="), *f);
        some |= args_given(a, option) && strcmp(option, "state") != 0 && strcmp(option, "limit") != 0 &&
                strcmp(option, "after") != 0;
    }
    return some && strcmp(verb, "discard") == 0 && a->n_words == 1;
}

/* What is wrong with the words, or NULL. */
static const char *
misuse(const struct args *a, const char *verb)
{
    static const char *const list_only[] = { "state", "pipeline", "step",  "code",  "since",    "fingerprint",
                                             "where", "key",      "limit", "after", "group-by", "max" };
    bool list = strcmp(verb, "list") == 0, many = is_many(a, verb);
    if (list && a->n_words > 1)
        return "list takes no word; weir jobs show ID shows one";
    if (many && (args_given(a, "limit") || args_given(a, "after") || args_given(a, "group-by")))
        return "--limit, --after and --group-by are for weir jobs list; --max N discards the oldest N";
    if (list && args_given(a, "max"))
        return "--max is for weir jobs discard; --limit N shows N of them";
    if (many)
        return misuse_of_edit(a, verb);
    if (!list && a->n_words < 2)
        return strcmp(verb, "discard") == 0 ? "which ones? The ID of a job is missing, or a filter such as --pipeline"
                                            : "which one? The ID of a job is missing";
    bool show = strcmp(verb, "show") == 0;
    for (size_t i = 0; !list && i < sizeof list_only / sizeof *list_only; i++)
        if (args_given(a, list_only[i]) && !(show && strcmp(list_only[i], "step") == 0))
            return "filters are for weir jobs list; one job is named by its ID";
    if (args_given(a, "group-by") && args_given(a, "limit"))
        return "--group-by counts all pages: leave --limit out";
    if (args_given(a, "reason") && (list || show))
        return "--reason is for edit, cancel and discard";
    return strcmp(verb, "edit") == 0 ? NULL : misuse_of_edit(a, verb);
}

static int
run(const struct args *a)
{
    const char *verb = a->n_words > 0 ? a->words[0] : "list";
    bool list = strcmp(verb, "list") == 0, show = strcmp(verb, "show") == 0,
         edit = strcmp(verb, "edit") == 0;
    if (!list && !show && !edit && strcmp(verb, "cancel") != 0 && strcmp(verb, "discard") != 0) {
        fprintf(stderr, "weir jobs: '%.60s' is not list, show, edit, cancel or discard%s\n", verb,
                strcmp(verb, "replay") == 0 ? "; weir replay ID runs a job again" : "");
        return EXIT_USAGE;
    }
    const char *wrong = misuse(a, verb);
    if (wrong != NULL) {
        fprintf(stderr, "weir jobs: %s\n", wrong);
        return EXIT_USAGE;
    }
    static const char *const once[] = { "state", "pipeline", "step",  "code", "since",    "fingerprint", "where",
                                        "key",   "limit",    "after", "max",  "group-by", "reason",      NULL };
    if (!job_given_once(a, once))
        return EXIT_USAGE;
    if (list)
        return run_list(a);
    if (is_many(a, verb))
        return jobs_discard(a, filters);
    if (!job_id_looks_good(a, a->words[1]))
        return EXIT_USAGE;
    if (edit)
        return jobs_edit(a, a->words[1]);
    return show ? jobs_show(a, a->words[1]) : run_order(a, verb, a->words[1]);
}

static const struct option options[] = {
    { 's', "state", "STATE",
      "only these: dead, running, retryable, ready, scheduled, completed, ..." },
    { 'p', "pipeline", "NAME", "only jobs of this pipeline" },
    { 0, "step", "ID", "only those that failed in it; show: this step in whole, or a round: each/3" },
    { 0, "code", "CODE", "only those that failed with this code, such as upstream" },
    { 0, "since", "TIME", "only those that came since then: 10m, 2h, 3d, or an ISO time" },
    { 0, "key", "KEY", "only those of this key of the pipeline's concurrency" },
    { 0, "fingerprint", "F", "only those that failed alike, as show and --json say" },
    { 0, "where", "EXPR", "only those for which it holds: job.attempt > 3 && event.body.amount > 100" },
    { 'n', "limit", "N", "show N of them (50; at most 1000)" },
    { 0, "after", "CURSOR", "go on behind the page before, which names it" },
    { 0, "group-by", "fingerprint", "count those that failed alike, over all pages" },
    { 0, "max", "N", "discard: the oldest N of them" },
    { 0, "reason", "TEXT", "why, for the audit; a terminal is asked (edit, cancel, discard)" },
    { 0, "body", "FILE", "edit: the whole body, JSON; - reads it from standard input" },
    { 0, "remove", "PLACE", "edit: leave this out; a JSON pointer such as /coupon" },
    { 0, "ack", "STEP", "edit: this step is not safe to repeat, and may act again" },
    { 0, "dry-run", NULL, "edit, discard: only show what would change" },
    { 'y', "yes", NULL, "edit, discard: do it without asking" },
    { 0, "force", NULL, "edit: also a job that is completed" },
    { 'w', "wait", NULL, "edit: wait until the new job is over" },
    { 0, "timeout", "TIME", "with --wait: for at most that long (10m)" },
    { 0, "json", NULL, "print the answer as JSON; nothing is asked" },
    API_OPTIONS_BUT_SET,
    { 0, "set", "/PLACE=JSON",
      "edit: put this there; KEY=VALUE sets any setting, such as admin.token" },
};

const struct command command_jobs = {
    .name = "jobs",
    .summary = "list the jobs of a running weir, look at one, edit, cancel or discard it",
    .usage = "[list] [--state STATE] [--pipeline NAME] [--step ID] [--code CODE] [--since "
             "TIME] [--key KEY]\n"
             "                 [--fingerprint F] [--where EXPR] [--limit N] [--after CURSOR] [--json]\n"
             "                 [--group-by fingerprint]\n"
             "       weir jobs show ID [--step STEP] [--json]\n"
             "       weir jobs edit ID [--body FILE] [--set /PLACE=JSON] [--remove /PLACE] "
             "[--reason TEXT]\n"
             "                 [--ack STEP] [--dry-run] [--yes] [--wait [--timeout TIME]] [--force] [--json]\n"
             "       weir jobs cancel ID [--reason TEXT]\n"
             "       weir jobs discard ID --reason TEXT\n"
             "       weir jobs discard [filters] --reason TEXT [--max N] [--dry-run] [--yes] [--json]",
    .description =
        "A job is an event that a durable pipeline accepted, with its attempts; and a failed "
        "run of any\n"
        "pipeline is kept as a dead one. list shows the newest first. show is all that is "
        "known of\n"
        "one: its event, its attempts, and how far it came in its pipeline. What stands for a\n"
        "secret, in the event's headers too, is shown as ***.\n\n"
        "cancel ends a job that is not over. If its attempt is under way, its calls are "
        "cancelled, but\n"
        "for one that is not safe to repeat, whose end is awaited, and its finally runs.\n"
        "discard gives a dead one up, so that it counts among the dead no more; with filters all that they\n"
        "take. weir replay runs one again.\n\n"
        "edit replays a job that is over with another body, which has to be JSON: it opens in "
        "$VISUAL or\n"
        "$EDITOR, or comes from --body, or is changed by --set and --remove. What differs is "
        "shown, and on\n"
        "a terminal it is asked for. The job itself stays as it was; the new one says that it "
        "was edited,\n"
        "the audit says what, and steps send other idempotency keys than before. What is "
        "masked (***) and\n"
        "not touched stays as it is. A step that is not safe to repeat, and may have acted already,\n"
        "needs --ack.\n\n"
        "States: scheduled, ready, held, blocked, running, waiting, retryable, completed, "
        "dead,\n"
        "cancelled, discarded.\n\n"
        "With --json a list is { jobs: [{ id, pipeline, state, reason, attempt, code, node, "
        "message,\n"
        "created_ms, updated_ms, due_ms, key, fingerprint, replay_of, superseded_by }], next, "
        "total },\n"
        "and show adds revision, event, result, attempts and steps. What is absent is left "
        "out.\n",
    .examples =
        "  weir jobs --state dead --since 1h\n"
        "  weir jobs --state dead --group-by fingerprint\n"
        "  weir jobs show 01890a5d-ac96-774b-bcce-b302099a8057\n"
        "  weir jobs edit 01890a5d-ac96-774b-bcce-b302099a8057 --set /amount=7 --reason 'a typo'\n"
        "  weir jobs discard 01890a5d-ac96-774b-bcce-b302099a8057 --reason 'a test order'\n"
        "  weir jobs --state dead --json | jq -r '.jobs[].id'\n",
    .exits =
        "0 good, 1 there is no such job, or it was refused, 2 used wrongly, 3 no weir answers",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 2,
    .words = "list show edit cancel discard",
    .run = run,
};
