/* cli/jobs_way.c - how far a job came in its pipeline, drawn as the tree of its steps.
 *
 * The steps are those of the pipeline as it is loaded now. What each came to is told by the
 * trace of the last attempt, and by the records of steps that the store keeps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/clock.h"
#include "cli/answer.h"
#include "cli/api.h"
#include "cli/job_ask.h"
#include "cli/jobs.h"
#include "cli/table.h"
#include "value/json.h"

#define STEPS_MAX 10000u
#define DEPTH_MAX 32u
#define OUTPUT_SHOWN 60u

enum mark { NOT_REACHED, DONE, FAILED, INSIDE, BEGUN, WAITS };

static const struct {
    char sign;
    const char *paint;
    const char *word;
} marks[] = {
    { '.', "2", "not reached" },
    { '+', "32", "done" },
    { 'x', "31", "failed" },
    { '>', "33", "went inside" },
    { '?', "33", "begun, its end is not known" },
    { '~', "36", "waiting" },
};

/* One step of the pipeline. */
struct step {
    struct weir_text id;
    struct weir_text type;
    int in; /* the step in whose block it stands; -1: none */
    enum mark mark;
    unsigned times;                  /* records of it: rounds of a loop */
    const struct weir_value *output; /* the last one; borrowed; NULL: not kept */
    double bytes;                    /* of an output that was too large to be kept */
    double until_ms;                 /* of one that waits */
};

struct way {
    struct step *steps;
    unsigned n;
    struct weir_text failed; /* the step in which the job failed */
    struct weir_text message;
    bool known; /* something is known of single steps */
};

static struct step *
find_step(const struct way *w, struct weir_text id)
{
    for (unsigned i = 0; i < w->n; i++)
        if (text_equal(w->steps[i].id, id))
            return &w->steps[i];
    return NULL;
}

/* The step's id in the path of a record: what stands before the numbers of rounds. */
static struct weir_text
path_step(struct weir_text path)
{
    const char *slash = path.len > 0 ? memchr(path.bytes, '/', path.len) : NULL;
    return slash ? (struct weir_text){ path.bytes, (size_t)(slash - path.bytes) } : path;
}

static void
add_step(struct way *w, struct weir_text id, struct weir_text type, struct weir_text in)
{
    if (w->n == STEPS_MAX || id.len == 0)
        return;
    struct step *outer = in.len > 0 ? find_step(w, in) : NULL;
    w->steps[w->n++] =
        (struct step){ .id = id, .type = type, .in = outer ? (int)(outer - w->steps) : -1 };
}

/* The step of that id; one that the pipeline has no more is added. */
static struct step *
step_of(struct way *w, struct weir_text id)
{
    if (find_step(w, id) == NULL)
        add_step(w, id, TEXT(""), TEXT(""));
    return find_step(w, id);
}

static void
take_trace(struct way *w, const struct weir_value *trace)
{
    const struct weir_value *one;
    for (size_t i = 0; (one = value_at(value_field(trace, "steps"), i)) != NULL; i++) {
        struct step *s = step_of(w, answer_member_text(one, "id"));
        w->known = true;
        if (s == NULL)
            continue;
        s->mark = DONE;
        s->output = value_field(one, "output");
        s->bytes = answer_member_number(one, "bytes");
    }
}

static void
take_records(struct way *w, const struct weir_value *records)
{
    const struct weir_value *one, *begun;
    for (size_t i = 0; (one = value_at(records, i)) != NULL; i++) {
        struct step *s = step_of(w, path_step(answer_member_text(one, "path")));
        w->known = true;
        if (s == NULL)
            continue;
        begun = value_field(one, "begun");
        s->times++;
        s->until_ms = answer_member_number(one, "until_ms");
        s->mark = s->until_ms > 0                                           ? WAITS
                  : begun && begun->type == WEIR_BOOL && begun->boolean ? BEGUN
                  : value_field(one, "code") != NULL                  ? FAILED
                                                                      : DONE;
        if (s->mark == DONE && value_field(one, "output") != NULL)
            s->output = value_field(one, "output");
    }
}

/* Marks where the job failed, and the blocks that lead to what was reached. */
static void
finish(struct way *w, const struct weir_value *job)
{
    w->failed = path_step(answer_member_text(job, "node"));
    w->message = answer_member_text(job, "message");
    struct step *s = w->failed.len > 0 ? step_of(w, w->failed) : NULL;
    if (s != NULL && s->mark != BEGUN) {
        s->mark = FAILED;
        w->known = true;
    }
    for (unsigned i = w->n; i-- > 0;)
        if (w->steps[i].mark != NOT_REACHED && w->steps[i].in >= 0 &&
            w->steps[w->steps[i].in].mark == NOT_REACHED)
            w->steps[w->steps[i].in].mark = INSIDE;
}

static unsigned
depth_of(const struct way *w, const struct step *s)
{
    unsigned depth = 0;
    while (s->in >= 0 && depth < DEPTH_MAX) {
        s = &w->steps[s->in];
        depth++;
    }
    return depth;
}

/* What is known of S besides its mark. */
static void
add_detail(struct table *t, const struct way *w, const struct step *s)
{
    struct buf b;
    struct weir_error err;
    buf_init(&b, 64u << 20);
    if (s->mark == FAILED && text_equal(s->id, w->failed)) {
        table_add(t, (struct weir_text){ w->message.bytes, job_cut(w->message, 200) }, NULL);
    } else if (s->mark == WAITS) {
        char text[CLOCK_TEXT];
        clock_text((uint64_t)s->until_ms, text);
        table_printf(t, "until %s", text);
    } else if (s->times > 1) {
        table_printf(t, "%u times", s->times);
    } else if (s->bytes > 0) {
        table_printf(t, "%.0f bytes", s->bytes);
    } else if (s->output != NULL && s->output->type != WEIR_NULL &&
               json_write(&b, s->output, &err) == WEIR_OK) {
        size_t len = job_cut(buf_content(&b), OUTPUT_SHOWN);
        bool cut = len < b.len;
        b.len = len;
        table_printf(t, "%.*s%s", (int)len, b.bytes, cut ? "..." : "");
    } else {
        table_add(t, TEXT(""), NULL);
    }
    buf_fini(&b);
}

static void
draw(const struct way *w, bool colour)
{
    struct table t;
    bool used[sizeof marks / sizeof *marks] = { false };
    table_init(&t, 3, colour);
    for (unsigned i = 0; i < w->n; i++) {
        const struct step *s = &w->steps[i];
        struct buf b;
        buf_init(&b, 4096);
        (void)buf_puts(&b, "  ");
        for (unsigned d = depth_of(w, s); d > 0; d--)
            (void)buf_puts(&b, "|  ");
        (void)buf_printf(&b, "%c %.*s", marks[s->mark].sign, (int)s->id.len, s->id.bytes);
        table_add(&t, buf_content(&b), marks[s->mark].paint);
        table_add(&t, s->type, NULL);
        add_detail(&t, w, s);
        buf_fini(&b);
        used[s->mark] = true;
    }
    table_print(&t);
    const char *between = "  (";
    for (size_t m = 0; m < sizeof marks / sizeof *marks; m++)
        if (used[m]) {
            printf("%s%c %s", between, marks[m].sign, marks[m].word);
            between = ", ";
        }
    printf(")\n");
}

/* The pipeline of JOB as it is now; NULL if there is none, owned by the caller. */
static const struct weir_value *
find_pipeline(const struct args *a, struct weir_text name)
{
    struct buf path, out;
    const struct weir_value *v = NULL;
    struct weir_error err;
    unsigned status = 0;
    buf_init(&path, 4096);
    buf_init(&out, 64u << 20);
    (void)buf_puts(&path, "/api/v1/pipelines/");
    (void)url_encode(&path, name);
    if (api_ask(a, "GET", path.bytes, NULL, &status, &out, NULL, NULL) == EXIT_GOOD &&
        status == 200 && json_read(buf_content(&out), NULL, NULL, &v, &err) != WEIR_OK)
        v = NULL;
    buf_fini(&path);
    buf_fini(&out);
    return v;
}

void
jobs_way(const struct args *a, const struct weir_value *job, bool colour)
{
    struct way w = { .steps = calloc(STEPS_MAX, sizeof *w.steps) };
    if (w.steps == NULL)
        abort();
    struct weir_text name = answer_member_text(job, "pipeline"),
                     revision = answer_member_text(job, "revision");
    const struct weir_value *pipeline = find_pipeline(a, name), *one;
    for (size_t i = 0; (one = value_at(value_field(pipeline, "steps"), i)) != NULL; i++)
        add_step(&w, answer_member_text(one, "id"), answer_member_text(one, "type"),
                 answer_member_text(one, "in"));
    take_trace(&w, value_field(value_at(value_field(job, "attempts"), 0), "trace"));
    take_records(&w, value_field(job, "steps"));
    finish(&w, job);
    printf("\nThe way through %.*s\n", (int)name.len, name.bytes);
    if (pipeline == NULL)
        printf("  (there is no such pipeline any more)\n");
    else if (revision.len > 0 &&
             !text_equal(revision, answer_member_text(pipeline, "revision")))
        printf("  (it has changed since: the steps are those that it has now)\n");
    if (w.known)
        draw(&w, colour);
    else
        printf(
            "  not known: single steps are kept of failed attempts, and with durable: steps\n");
    value_unref(&pipeline);
    free(w.steps);
}
