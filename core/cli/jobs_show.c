/* cli/jobs_show.c - weir jobs show: all that is known of one job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/units.h"
#include "cli/answer.h"
#include "cli/job_ask.h"
#include "cli/jobs.h"
#include "cli/setup.h"
#include "value/json.h"

#define BODY_SHOWN 2000u /* bytes of a body */
#define GIVEN_SHOWN 300u /* bytes of what a step was given, among all else of the job */

/* Prints T without what would move a terminal's cursor; line breaks and tabs stay. */
static void
print_safe(struct weir_text t)
{
    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.bytes[i];
        putchar((c < ' ' && c != '\n' && c != '\t') || c == 0x7f ? '?' : c);
    }
}

static void
print_moment(const char *label, const struct weir_value *v, const char *key)
{
    char text[CLOCK_TEXT], span[JOB_SPAN];
    uint64_t at = (uint64_t)answer_member_number(v, key), now = clock_wall_ms();
    if (at == 0)
        return;
    clock_text(at, text);
    job_span(now > at ? now - at : at - now, span);
    printf("%-12s%s (%s%s%s)\n", label, text, now > at ? "" : "in ", span,
           now > at ? " ago" : "");
}

static void
print_line(const char *label, struct weir_text t)
{
    if (t.len == 0)
        return;
    printf("%-12s", label);
    print_safe(t);
    printf("\n");
}

static void
print_head(const struct weir_value *job, bool colour)
{
    struct weir_text state = answer_member_text(job, "state"),
                     reason = answer_member_text(job, "reason");
    struct weir_text revision = answer_member_text(job, "revision"),
                     node = answer_member_text(job, "node");
    struct weir_text code = answer_member_text(job, "code"),
                     message = answer_member_text(job, "message");
    print_line("job", answer_member_text(job, "id"));
    printf("%-12s%s%s%s%.*s%s", "state", colour ? "\033[" : "",
           colour ? job_state_paint(state) : "", colour ? "m" : "", (int)state.len, state.bytes,
           colour ? "\033[0m" : "");
    printf(reason.len ? ": %.*s\n" : "\n", (int)reason.len, reason.bytes);
    print_line("pipeline", answer_member_text(job, "pipeline"));
    print_line("revision", revision);
    print_line("key", answer_member_text(job, "key"));
    print_moment("came", job, "created_ms");
    print_moment("changed", job, "updated_ms");
    if (!text_is(state, "completed") && !text_is(state, "dead") && !text_is(state, "running"))
        print_moment("due", job, "due_ms");
    printf("%-12s%.0f\n", "attempts", answer_member_number(job, "attempt"));
    if (code.len > 0) {
        printf("%-12s%.*s%s%.*s: ", "failed", (int)node.len, node.bytes, node.len ? ": " : "",
               (int)code.len, code.bytes);
        print_safe(message);
        printf("\n");
    }
    print_line("replay of", answer_member_text(job, "replay_of"));
    print_line("replayed as", answer_member_text(job, "superseded_by"));
    if (value_field(job, "edited") != NULL)
        print_line("edited", TEXT("its event is not the one that came; weir audit says what was changed"));
    print_line("order key", answer_member_text(job, "order_key"));
    if (value_field(job, "holds") != NULL)
        print_line("holds it", TEXT("those behind it wait until it is replayed or discarded"));
    print_line("alike", answer_member_text(job, "fingerprint"));
}

static void
print_pairs(const struct weir_value *pairs)
{
    const struct weir_value *pair;
    for (size_t i = 0; (pair = value_at(pairs, i)) != NULL; i++) {
        const struct weir_value *name = value_at(pair, 0), *value = value_at(pair, 1);
        if (name == NULL || value == NULL)
            continue;
        printf("  ");
        print_safe(value_as_text(name));
        printf(": ");
        print_safe(value_as_text(value));
        printf("\n");
    }
}

/* Each line of T behind two blanks, and no more than BODY_SHOWN bytes. */
static void
print_body(struct weir_text t)
{
    size_t all = t.len;
    if (t.len > BODY_SHOWN)
        t.len = job_cut((struct weir_text){ t.bytes, BODY_SHOWN }, BODY_SHOWN);
    for (size_t at = 0; at < t.len;) {
        const char *end = memchr(t.bytes + at, '\n', t.len - at);
        size_t len = end ? (size_t)(end - t.bytes) - at : t.len - at;
        printf("  ");
        print_safe((struct weir_text){ t.bytes + at, len });
        printf("\n");
        at += len + 1;
    }
    if (all > t.len)
        printf("  ... %zu bytes in all; --json shows them\n", all);
}

static void
print_event(const struct weir_value *event)
{
    struct weir_text method = answer_member_text(event, "method"),
                     path = answer_member_text(event, "path");
    struct weir_text query = answer_member_text(event, "query"),
                     ip = answer_member_text(event, "client_ip");
    struct weir_text id = answer_member_text(event, "id");
    const struct weir_value *raw = value_field(event, "raw"),
                            *body = value_field(event, "body");
    const struct weir_value *coded = value_field(event, "raw_base64");
    printf("\nEvent\n  %.*s ", (int)method.len, method.bytes);
    print_safe(path);
    fputs(query.len ? "?" : "", stdout);
    print_safe(query);
    printf(ip.len ? " from %.*s" : "", (int)ip.len, ip.bytes);
    printf(id.len ? ", request %.*s\n" : "\n", (int)id.len, id.bytes);
    print_pairs(value_field(event, "headers"));
    if (raw != NULL) {
        printf("\n");
        print_body(value_as_text(raw));
    } else if (coded != NULL) {
        printf("\n  (%u bytes that are no text; --json has them as base64)\n",
               (unsigned)(coded->len / 4 * 3));
    } else if (body != NULL) {
        struct buf b;
        struct weir_error err;
        buf_init(&b, 64u << 20);
        printf("\n");
        if (json_write_pretty(&b, body, &err) == WEIR_OK)
            print_body(buf_content(&b));
        buf_fini(&b);
    }
}

static void
print_attempts(const struct weir_value *attempts)
{
    struct table t;
    const struct weir_value *one;
    if (attempts == NULL || attempts->len == 0)
        return;
    printf("\nAttempts, the last one first\n");
    table_headed(&t, "  #|BEGAN|TOOK|STEP|CODE|MESSAGE", false);
    for (size_t i = 0; (one = value_at(attempts, i)) != NULL; i++) {
        char began[CLOCK_TEXT] = "-", took[64] = "-";
        double from = answer_member_number(one, "started_ms"),
               to = answer_member_number(one, "ended_ms");
        if (from > 0)
            clock_text((uint64_t)from, began);
        if (from > 0 && to >= from)
            duration_text((uint64_t)(to - from), took, sizeof took);
        table_printf(&t, "  %.0f", answer_member_number(one, "attempt"));
        table_add(&t, text_of(began), NULL);
        table_add(&t, text_of(took), NULL);
        job_add_text(&t, one, "node", 64);
        job_add_text(&t, one, "code", 64);
        job_add_text(&t, one, "message", 200);
    }
    table_print(&t);
}

static void
print_advice(const struct weir_value *job)
{
    struct weir_text id = answer_member_text(job, "id"),
                     state = answer_member_text(job, "state");
    struct weir_text node = answer_member_text(job, "node");
    bool dead = text_is(state, "dead") && value_field(job, "superseded_by") == NULL;
    for (size_t i = 0; i < node.len; i++)
        if (node.bytes[i] == '/' || node.bytes[i] == '~')
            node.len = i;
    if (dead && node.len > 0 && text_is(answer_member_text(job, "reason"), "unknown effect"))
        printf("\nNobody knows whether %.*s was done.\n"
               "It was:     weir replay %.*s --from failed --output %.*s=JSON\n"
               "It was not: weir replay %.*s --from failed --ack %.*s\n"
               "Records of other steps are kept with durable: steps; without them leave --from out.\n"
               "Give it up: weir jobs discard %.*s --reason TEXT\n",
               (int)node.len, node.bytes, (int)id.len, id.bytes, (int)node.len, node.bytes, (int)id.len, id.bytes,
               (int)node.len, node.bytes, (int)id.len, id.bytes);
    else if (dead)
        printf("\nRun it again: weir replay %.*s\nGive it up:   weir jobs discard %.*s "
               "--reason TEXT\n",
               (int)id.len, id.bytes, (int)id.len, id.bytes);
    else if (value_field(job, "cancelling") != NULL)
        printf("\nIt is being cancelled.\n");
    else if (text_is(state, "retryable") || text_is(state, "scheduled") ||
             text_is(state, "ready") || text_is(state, "held") || text_is(state, "running") ||
             text_is(state, "blocked"))
        printf("\nEnd it: weir jobs cancel %.*s\n", (int)id.len, id.bytes);
}

/* V in whole, below its name. NULL is accepted. */
static void
print_json(const char *name, const struct weir_value *v)
{
    struct buf b;
    struct weir_error err;
    buf_init(&b, 64u << 20);
    if (v != NULL && json_write_pretty(&b, v, &err) == WEIR_OK) {
        printf("%s\n", name);
        print_safe(buf_content(&b));
        printf("\n");
    }
    buf_fini(&b);
}

/* Why parts of what a step was given are not known. */
static void
print_unknown(const struct weir_value *one, const char *indent)
{
    struct weir_text place;
    const struct weir_value *why;
    for (size_t i = 0; value_member(value_field(one, "unknown"), i, &place, &why); i++) {
        bool input = text_is(place, "input");
        printf("%snot known: %s", indent, input ? "input" : "config");
        if (!input && place.len > 0) {
            printf(" ");
            print_safe(place);
        }
        printf(": ");
        print_safe(value_as_text(why));
        printf("\n");
    }
}

/* What a step was given. */
static void
print_given(const struct weir_value *one)
{
    static const char *const parts[][2] = { { "config", "config_bytes" }, { "input", "input_bytes" } };
    print_line("given", answer_member_text(one, "given"));
    for (unsigned i = 0; i < 2; i++) {
        if (answer_member_number(one, parts[i][1]) > 0)
            printf("%-12s%.0f bytes, which is more than is kept\n", parts[i][0], answer_member_number(one, parts[i][1]));
        print_json(parts[i][0], value_field(one, parts[i][0]));
    }
    print_unknown(one, "");
}

/* One time of a step: what was recorded of it, or what the trace of an attempt tells. */
static void
print_time(const struct weir_value *one)
{
    struct weir_text code = answer_member_text(one, "code"), path = answer_member_text(one, "path");
    const struct weir_value *begun = value_field(one, "begun");
    bool open = begun && begun->type == WEIR_BOOL && begun->boolean;
    printf("\n");
    if (path.len > 0)
        print_line("record", path);
    else
        printf("%-12sof attempt %.0f\n", "trace", answer_member_number(one, "attempt"));
    print_line("state", open ? TEXT("begun, and nothing is known of its end") : code.len > 0 ? TEXT("failed")
                        : value_field(one, "until_ms") ? TEXT("waits") : TEXT("done"));
    print_moment("began", one, "started_ms");
    print_moment("recorded", one, "at_ms");
    print_moment("until", one, "until_ms");
    if (value_field(one, "took_ms") != NULL) {
        char took[64];
        duration_text((uint64_t)answer_member_number(one, "took_ms"), took, sizeof took);
        print_line("took", text_of(took));
    }
    if (answer_member_number(one, "tries") > 0)
        printf("%-12s%.0f\n", "tries", answer_member_number(one, "tries"));
    print_line("effect", answer_member_text(one, "effect"));
    print_line("key", answer_member_text(one, "key"));
    print_line("code", code);
    print_line("message", answer_member_text(one, "message"));
    print_given(one);
    if (answer_member_number(one, "bytes") > 0)
        printf("%-12s%.0f bytes, which is more than is kept\n", "output", answer_member_number(one, "bytes"));
    print_json("output", value_field(one, "output"));
}

/* weir jobs show ID --step STEP. */
static int
show_step(const struct args *a, const char *id, const char *step)
{
    static const char *const lists[] = { "steps", "attempts" };
    struct buf path;
    const struct weir_value *v, *one;
    buf_init(&path, 64u << 10);
    (void)buf_printf(&path, "/api/v1/jobs/%s/steps/", id);
    (void)url_encode(&path, text_of(step));
    int code = job_ask(a, "GET", path.bytes, NULL, &v);
    buf_fini(&path);
    if (v == NULL)
        return code;
    if (args_given(a, "json")) {
        print_value(v);
    } else {
        print_line("job", answer_member_text(v, "job"));
        print_line("pipeline", answer_member_text(v, "pipeline"));
        print_line("step", answer_member_text(v, "step"));
        for (unsigned k = 0; k < 2; k++)
            for (size_t i = 0; (one = value_at(value_field(v, lists[k]), i)) != NULL; i++)
                print_time(one);
    }
    value_unref(&v);
    return EXIT_GOOD;
}

/* The step that the latest attempt of JOB failed in, as its trace has it; NULL: there is none. */
static const struct weir_value *
failed_step(const struct weir_value *job)
{
    const struct weir_value *last = value_at(value_field(job, "attempts"), 0), *one;
    struct weir_text node = last ? answer_member_text(last, "node") : TEXT("");
    const struct weir_value *trace = last ? value_field(last, "trace") : NULL;
    for (size_t i = 0; node.len > 0 && (one = value_at(value_field(trace, "steps"), i)) != NULL; i++)
        if (text_equal(answer_member_text(one, "id"), node))
            return one;
    return NULL;
}

/* In a line each, what the failed step was given. */
static void
print_failed(const struct weir_value *job)
{
    static const char *const parts[][2] = { { "config", "config_bytes" }, { "input", "input_bytes" } };
    const struct weir_value *one = failed_step(job);
    if (one == NULL)
        return;
    struct weir_text id = answer_member_text(one, "id"), name = answer_member_text(job, "id");
    printf("\nWhat %.*s was given; in whole: weir jobs show %.*s --step %.*s\n", (int)id.len, id.bytes, (int)name.len,
           name.bytes, (int)id.len, id.bytes);
    for (unsigned i = 0; i < 2; i++) {
        const struct weir_value *v = value_field(one, parts[i][0]);
        struct buf b;
        struct weir_error err;
        buf_init(&b, 64u << 20);
        if (v != NULL && json_write(&b, v, &err) == WEIR_OK) {
            size_t len = job_cut(buf_content(&b), GIVEN_SHOWN);
            printf("  %-8s", parts[i][0]);
            print_safe((struct weir_text){ b.bytes, len });
            printf(len < b.len ? "...\n" : "\n");
        } else if (answer_member_number(one, parts[i][1]) > 0) {
            printf("  %-8s%.0f bytes\n", parts[i][0], answer_member_number(one, parts[i][1]));
        }
        buf_fini(&b);
    }
    print_unknown(one, "  ");
}

int
jobs_show(const struct args *a, const char *id)
{
    if (args_given(a, "step"))
        return show_step(a, id, args_text(a, "step"));
    const struct weir_value *job;
    bool colour = colour_wanted(STDOUT_FILENO);
    int code = job_ask_one(a, id, NULL, NULL, false, &job);
    if (job == NULL)
        return code;
    if (args_given(a, "json")) {
        print_value(job);
    } else {
        print_head(job, colour);
        if (value_field(job, "event") != NULL)
            print_event(value_field(job, "event"));
        jobs_way(a, job, colour);
        print_failed(job);
        print_attempts(value_field(job, "attempts"));
        print_advice(job);
    }
    value_unref(&job);
    return code;
}
