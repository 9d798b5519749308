/* cli/replay_one.c - the plan of a replay of one job, and carrying it out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "cli/answer.h"
#include "cli/batches.h"
#include "cli/job_ask.h"
#include "cli/setup.h"
#include "value/json.h"

#define BODY_MAX (16u << 20)

/* -- the order -- */

static void
put_text(struct buf *b, const char *name, const char *text)
{
    if (text == NULL)
        return;
    (void)buf_printf(b, ",\"%s\":", name);
    (void)json_write_string(b, text_of(text));
}

void
replay_put_acks(const struct args *a, struct buf *b)
{
    const char *id;
    if (!args_given(a, "ack"))
        return;
    (void)buf_puts(b, ",\"ack\":[");
    for (unsigned i = 0; (id = args_each(a, "ack", i)) != NULL; i++) {
        (void)buf_puts(b, i > 0 ? "," : "");
        (void)json_write_string(b, text_of(id));
    }
    (void)buf_puts(b, "]");
}

/* Puts --output STEP=JSON; false after saying what is wrong. */
static bool
put_outputs(const struct args *a, struct buf *b)
{
    const char *pair;
    if (!args_given(a, "output"))
        return true;
    (void)buf_puts(b, ",\"outputs\":{");
    for (unsigned i = 0; (pair = args_each(a, "output", i)) != NULL; i++) {
        const char *equals = strchr(pair, '=');
        const struct weir_value *v = NULL;
        struct weir_error err;
        if (equals == NULL || equals == pair ||
            json_read(text_of(equals + 1), NULL, NULL, &v, &err) != WEIR_OK) {
            fprintf(stderr, "weir replay: --output takes STEP=JSON, such as --output charge='{\"status\":200}'\n");
            return false;
        }
        value_unref(&v);
        (void)buf_puts(b, i > 0 ? "," : "");
        (void)json_write_string(b, (struct weir_text){ pair, (size_t)(equals - pair) });
        (void)buf_printf(b, ":%s", equals + 1);
    }
    (void)buf_puts(b, "}");
    return true;
}

/* The body of the request; PLAN and REASON may be NULL. False after saying what is wrong. */
static bool
write_body(const struct args *a, const char *plan, const char *reason, struct buf *b)
{
    (void)buf_puts(b, "{\"who\":");
    (void)json_write_string(b, text_of(order_giver()));
    put_text(b, "reason", reason);
    put_text(b, "from", args_text(a, "from"));
    put_text(b, "plan", plan);
    (void)buf_puts(b, args_given(a, "force") ? ",\"force\":true" : "");
    (void)buf_puts(b, args_given(a, "original") ? ",\"original\":true" : "");
    (void)buf_puts(b, args_given(a, "new-keys") ? ",\"new_keys\":true" : "");
    replay_put_acks(a, b);
    bool good = put_outputs(a, b);
    (void)buf_puts(b, "}");
    return good;
}

static int
ask(const struct args *a, const char *id, const char *verb, const char *plan, const char *reason,
    const struct weir_value **ret)
{
    struct buf path, body;
    int code = EXIT_USAGE;
    *ret = NULL;
    buf_init(&path, 4096);
    buf_init(&body, BODY_MAX);
    (void)buf_printf(&path, "/api/v1/jobs/%s/%s", id, verb);
    if (write_body(a, plan, reason, &body))
        code = job_ask(a, "POST", path.bytes, body.bytes, ret);
    buf_fini(&path);
    buf_fini(&body);
    return code;
}

/* -- the plan, as it is read -- */

/* Whether the step ID needs an ack that is not given. */
static bool
is_missing(const struct weir_value *plan, struct weir_text id)
{
    const struct weir_value *one;
    for (size_t i = 0; (one = value_at(value_field(plan, "missing"), i)) != NULL; i++)
        if (text_equal(value_as_text(one), id))
            return true;
    return false;
}

static const char *
does(const struct weir_value *plan, const struct weir_value *step)
{
    struct weir_text does = answer_member_text(step, "does"), effect = answer_member_text(step, "effect");
    if (text_is(does, "reused"))
        return "answers from its record";
    if (text_is(does, "output"))
        return "counts as done, with the output given";
    if (is_missing(plan, answer_member_text(step, "id")))
        return "is not safe to repeat, and may act a second time: it needs --ack, or --output";
    if (value_field(step, "ack"))
        return "may act a second time, as you said";
    return text_is(effect, "idempotent") ? "runs, with the same idempotency key" : "runs";
}

static void
print_steps(const struct weir_value *plan)
{
    struct table t;
    const struct weir_value *one;
    table_init(&t, 3, colour_wanted(STDOUT_FILENO));
    for (size_t i = 0; (one = value_at(value_field(plan, "steps"), i)) != NULL; i++) {
        struct weir_text id = answer_member_text(one, "id"), what = answer_member_text(one, "does");
        bool runs = text_is(what, "runs"), asks = value_field(one, "ack") != NULL;
        table_printf(&t, "  %c %.*s", runs ? '>' : '=', (int)id.len, id.bytes);
        table_add(&t, answer_member_text(one, "type"), NULL);
        table_add(&t, text_of(does(plan, one)), asks ? "33" : runs ? NULL : "2");
    }
    table_print(&t);
}

static void
print_plan(const struct weir_value *plan)
{
    struct weir_text name = answer_member_text(plan, "pipeline"), from = answer_member_text(plan, "from"),
                     step = answer_member_text(plan, "step"), before = answer_member_text(plan, "superseded_by"),
                     diff = answer_member_text(plan, "diff");
    bool original = text_is(answer_member_text(plan, "definition"), "original");
    bool start = text_is(from, "start");
    const struct weir_value *changed = value_field(plan, "changed");
    printf("Its event will run through the pipeline %.*s ", (int)name.len, name.bytes);
    if (start)
        printf("from the start");
    else
        printf("from %s%.*s", step.len > 0 ? "the step " : "where it failed", (int)step.len, step.bytes);
    printf(original ? ", as the pipeline was, as a new job.\n" : ", as a new job.\n");
    print_steps(plan);
    if (changed && value_type(changed) == WEIR_BOOL && changed->boolean && !original)
        printf("The pipeline has changed since the job ran: it runs as it is now.\n%.*s", (int)diff.len, diff.bytes);
    if (before.len > 0)
        printf("It was replayed before, as %.*s.\n", (int)before.len, before.bytes);
}

int
replay_one_plan(const struct args *a, const char *id)
{
    const struct weir_value *plan;
    int code = ask(a, id, "plan", NULL, NULL, &plan);
    if (plan == NULL)
        return code;
    if (args_given(a, "json")) {
        print_value(plan);
    } else {
        struct weir_text hash = answer_member_text(plan, "plan");
        print_plan(plan);
        printf("plan %.*s\n", (int)hash.len, hash.bytes);
    }
    value_unref(&plan);
    return EXIT_GOOD;
}

/* -- carrying it out -- */

/* Shows the plan and asks; the hash of the one agreed to. False: nothing is to be done, *RET_CODE. */
static bool
agree(const struct args *a, const char *id, char hash[17], int *ret_code)
{
    const struct weir_value *plan;
    bool json = args_given(a, "json");
    *ret_code = ask(a, id, "plan", NULL, NULL, &plan);
    if (plan == NULL)
        return false;
    struct weir_text text = answer_member_text(plan, "plan");
    (void)snprintf(hash, 17, "%.*s", (int)text.len, text.bytes);
    if (!json)
        print_plan(plan);
    bool needed = value_at(value_field(plan, "missing"), 0) != NULL;
    value_unref(&plan);
    *ret_code = EXIT_GOOD;
    return needed || replay_agreed(a, "Replay it?"); /* the server says what is needed */
}

int
replay_one(const struct args *a, const char *id, uint64_t longest_ms)
{
    const struct weir_value *v;
    char hash[17] = "";
    const char *plan = args_text(a, "plan");
    int code;
    if (!order_has_reason(a))
        return EXIT_USAGE;
    if (plan == NULL && !agree(a, id, hash, &code))
        return code;
    const char *reason = order_reason(a, &code);
    if (reason == NULL)
        return code;
    code = ask(a, id, "replay", plan ? plan : hash, reason, &v);
    if (v == NULL)
        return code;
    return replay_made(a, v, longest_ms);
}
