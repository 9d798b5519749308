/* cli/replay_many.c - weir replay plan and weir replay run: batches of replays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "cli/answer.h"
#include "cli/api.h"
#include "cli/batches.h"
#include "cli/job_ask.h"
#include "cli/setup.h"
#include "value/json.h"

enum { PIPELINES_SHOWN = 20 };

/* Options that say which jobs, what the API calls them, and whether they are numbers. */
static const struct {
    const char *option;
    const char *name;
    bool number;
    bool plans; /* also of a plan */
} members[] = {
    { "state", "state", false, true },
    { "pipeline", "pipeline", false, true },
    { "step", "node", false, true },
    { "code", "code", false, true },
    { "since", "since", false, true },
    { "key", "key", false, true },
    { "fingerprint", "fingerprint", false, true },
    { "where", "where", false, true },
    { "max", "max", true, true },
    { "rate", "rate", false, false },
    { "concurrency", "concurrency", true, false },
    { "canary", "canary", true, false },
    { "stop-on-failures", "stop_on_failures", true, false },
};
#define MEMBERS (sizeof members / sizeof *members)

static int
ask_plan(const struct args *a, const struct weir_value **ret)
{
    struct buf path;
    buf_init(&path, 64u << 10);
    (void)buf_puts(&path, "/api/v1/batches/plan");
    for (size_t i = 0; i < MEMBERS; i++)
        if (members[i].plans)
            job_path_add(&path, members[i].name, args_text(a, members[i].option));
    int code = job_ask(a, "GET", path.bytes, NULL, ret);
    buf_fini(&path);
    return code;
}

/* Says what is to be known of the steps of the pipeline NAME. */
static void
print_pipeline(const struct args *a, struct weir_text name)
{
    struct buf path;
    const struct weir_value *pipeline;
    char what[256];
    buf_init(&path, 8192);
    (void)buf_puts(&path, "/api/v1/pipelines/");
    (void)url_encode(&path, name);
    (void)job_ask(a, "GET", path.bytes, NULL, &pipeline);
    buf_fini(&path);
    if (pipeline == NULL)
        return; /* it is gone, which was said: its replays will be dead */
    (void)snprintf(what, sizeof what,
                   "%.*s: these steps are not safe to repeat, and may act a second time: ",
                   (int)(name.len < 100 ? name.len : 100), name.bytes);
    replay_print_steps(pipeline, "unsafe", what);
    value_unref(&pipeline);
}

static void
print_pipelines(const struct args *a, const struct weir_value *groups)
{
    struct weir_text seen[PIPELINES_SHOWN];
    unsigned n = 0;
    const struct weir_value *one;
    for (size_t i = 0; (one = value_at(groups, i)) != NULL && n < PIPELINES_SHOWN; i++) {
        struct weir_text name = answer_member_text(one, "pipeline");
        bool known = false;
        for (unsigned k = 0; k < n; k++)
            known = known || text_equal(seen[k], name);
        if (known)
            continue;
        seen[n++] = name;
        print_pipeline(a, name);
    }
}

static void
print_plan(const struct args *a, const struct weir_value *plan)
{
    struct table t;
    const struct weir_value *groups = value_field(plan, "groups"), *one;
    double total = answer_member_number(plan, "total"),
           left_out = answer_member_number(plan, "left_out");
    if (total > 0) {
        table_headed(&t, "JOBS|PIPELINE|STEP|CODE", colour_wanted(1));
        for (size_t i = 0; (one = value_at(groups, i)) != NULL; i++) {
            table_printf(&t, "%.0f", answer_member_number(one, "jobs"));
            job_add_text(&t, one, "pipeline", 64);
            job_add_text(&t, one, "node", 64);
            job_add_text(&t, one, "code", 64);
        }
        table_print(&t);
    }
    if (value_field(plan, "more"))
        printf("... and others: a filter has to make them fewer before they can be replayed.\n");
    printf("%.0f jobs run again, each from the start, through its pipeline as it is now.\n",
           total);
    if (answer_member_number(plan, "unclear") > 0) {
        struct weir_text because = answer_member_text(plan, "because");
        printf("%.0f are left out, since --where is an error for them: %.*s\n", answer_member_number(plan, "unclear"),
               (int)because.len, because.bytes);
    }
    if (left_out > 0)
        printf(
            "%.0f are left out: they were replayed already, wait in a batch, or have no event "
            "any more.\n",
            left_out);
    print_pipelines(a, groups);
}

int
replay_plan(const struct args *a)
{
    const struct weir_value *plan;
    int code = ask_plan(a, &plan);
    if (plan == NULL)
        return code;
    bool none = answer_member_number(plan, "total") <= 0 && answer_member_number(plan, "left_out") <= 0 &&
                answer_member_number(plan, "unclear") <= 0;
    if (args_given(a, "json")) {
        print_value(plan);
    } else if (none) {
        fprintf(stderr, "weir replay: there is no such job\n");
    } else {
        struct weir_text hash = answer_member_text(plan, "plan");
        print_plan(a, plan);
        printf("plan: %.*s\n", (int)hash.len, hash.bytes);
    }
    value_unref(&plan);
    return none && !args_given(a, "json") ? EXIT_WRONG : EXIT_GOOD;
}

/* Appends one member to an object; a number that is none is sent as a text, which is refused.
 */
static void
add_member(struct buf *b, const char *name, const char *text, bool number)
{
    number = number && *text != '\0' && strlen(text) < 16 &&
             strspn(text, "0123456789") == strlen(text);
    (void)buf_printf(b, "%s\"%s\":", b->len > 1 ? "," : "", name);
    if (number)
        (void)buf_printf(b, "%llu", strtoull(text, NULL, 10));
    else
        (void)json_write_string(b, text_of(text));
}

/* Makes the batch, of the jobs of the plan HASH if it is not empty. */
static int
make(const struct args *a, const char *hash, const char *reason, const struct weir_value **ret)
{
    struct buf body;
    buf_init(&body, 256u << 10);
    (void)buf_puts(&body, "{");
    add_member(&body, "who", order_giver(), false);
    add_member(&body, "reason", reason, false);
    for (size_t i = 0; i < MEMBERS; i++)
        if (args_text(a, members[i].option))
            add_member(&body, members[i].name, args_text(a, members[i].option),
                       members[i].number);
    if (*hash != '\0')
        add_member(&body, "plan", hash, false);
    replay_put_acks(a, &body);
    (void)buf_puts(&body, "}");
    int code = job_ask(a, "POST", "/api/v1/batches", body.bytes, ret);
    buf_fini(&body);
    return code;
}

/* Shows the plan and asks. False: nothing is to be done, and *CODE is how to end. HASH: of what
 * was agreed to. */
static bool
agree(const struct args *a, char *hash, size_t size, int *code)
{
    const struct weir_value *plan;
    *code = ask_plan(a, &plan);
    if (plan == NULL)
        return false;
    bool some = answer_member_number(plan, "total") > 0;
    struct weir_text text = answer_member_text(plan, "plan");
    if (some)
        print_plan(a, plan);
    /* Without jobs the order is given all the same: its refusal says why there are none. */
    bool go = !some || replay_agreed(a, "Replay them?");
    if (go && some && *hash == '\0' && replay_asks(a))
        (void)snprintf(hash, size, "%.*s", (int)text.len, text.bytes);
    value_unref(&plan);
    return go;
}

int
replay_run(const struct args *a, uint64_t longest_ms)
{
    const struct weir_value *v;
    const char *given = args_text(a, "plan");
    char hash[80] = "", id[64];
    bool json = args_given(a, "json"), wait = args_given(a, "wait");
    int code;
    if (args_given(a, "force")) {
        fprintf(stderr, "weir replay: --force goes with one job: weir replay ID --force\n");
        return EXIT_USAGE;
    }
    if (!order_has_reason(a))
        return EXIT_USAGE;
    (void)snprintf(hash, sizeof hash, "%s", given ? given : "");
    if (!json && !agree(a, hash, sizeof hash, &code))
        return code;
    const char *reason = order_reason(a, &code);
    if (reason == NULL)
        return code;
    code = make(a, hash, reason, &v);
    if (v == NULL)
        return code;
    struct weir_text text = answer_member_text(v, "id");
    (void)snprintf(id, sizeof id, "%.*s", (int)text.len, text.bytes);
    if (json && !wait)
        print_value(v);
    else if (!json)
        printf("new batch: %s, %.0f jobs\n", id, answer_member_number(v, "total"));
    value_unref(&v);
    if (wait)
        return batch_wait(a, id, longest_ms);
    if (!json)
        printf("weir batches show %s --wait tells how it goes on\n", id);
    return EXIT_GOOD;
}
