/* cli/way.c - see way.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/way.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "cli/answer.h"
#include "cli/api.h"
#include "value/json.h"

#define STEPS_MAX 10000u

static struct way_step *
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
    size_t len = 0;
    while (len < path.len && path.bytes[len] != '/' && path.bytes[len] != '~')
        len++;
    return (struct weir_text){ path.bytes, len };
}

static void
add_step(struct way *w, struct weir_text id, struct weir_text type, struct weir_text in)
{
    if (w->n == STEPS_MAX || id.len == 0)
        return;
    struct way_step *outer = in.len > 0 ? find_step(w, in) : NULL;
    w->steps[w->n++] =
        (struct way_step){ .id = id, .type = type, .in = outer ? (int)(outer - w->steps) : -1, .took_ms = -1 };
}

/* The step of that id; one that the pipeline has no more is added. */
static struct way_step *
step_of(struct way *w, struct weir_text id)
{
    if (find_step(w, id) == NULL)
        add_step(w, id, TEXT(""), TEXT(""));
    return find_step(w, id);
}

static void
take_times(struct way_step *s, const struct weir_value *one)
{
    s->tries = answer_member_number(one, "tries");
    s->took_ms = value_field(one, "took_ms") ? answer_member_number(one, "took_ms") : -1;
}

/* Whether S has others in its blocks. */
static bool
has_inner(const struct way *w, const struct way_step *s)
{
    for (unsigned i = 0; i < w->n; i++)
        if (w->steps[i].in == (int)(s - w->steps))
            return true;
    return false;
}

static void
take_trace(struct way *w, const struct weir_value *trace)
{
    const struct weir_value *one;
    for (size_t i = 0; (one = value_at(value_field(trace, "steps"), i)) != NULL; i++) {
        struct way_step *s = step_of(w, answer_member_text(one, "id"));
        w->known = true;
        if (s == NULL)
            continue;
        bool failed = value_field(one, "code") != NULL;
        if (!failed)
            s->mark = STEP_DONE;
        else if (!has_inner(w, s)) /* a block fails with what is in it, which is where the eye has to go */
            s->mark = STEP_FAILED;
        s->output = value_field(one, "output");
        s->bytes = answer_member_number(one, "bytes");
        take_times(s, one);
    }
}

static void
take_records(struct way *w, const struct weir_value *records)
{
    const struct weir_value *one, *begun;
    for (size_t i = 0; (one = value_at(records, i)) != NULL; i++) {
        struct way_step *s = step_of(w, path_step(answer_member_text(one, "path")));
        w->known = true;
        if (s == NULL)
            continue;
        begun = value_field(one, "begun");
        s->times++;
        take_times(s, one);
        s->until_ms = answer_member_number(one, "until_ms");
        s->mark = s->until_ms > 0                                       ? STEP_WAITS
                  : begun && begun->type == WEIR_BOOL && begun->boolean ? STEP_BEGUN
                  : value_field(one, "code") != NULL                  ? STEP_FAILED
                                                                      : STEP_DONE;
        if (s->mark == STEP_DONE && value_field(one, "output") != NULL)
            s->output = value_field(one, "output");
    }
}

/* Marks where the job failed, and the blocks that lead to what was reached. */
static void
finish(struct way *w, const struct weir_value *job)
{
    w->failed = path_step(answer_member_text(job, "node"));
    w->message = answer_member_text(job, "message");
    struct way_step *s = w->failed.len > 0 ? step_of(w, w->failed) : NULL;
    if (s != NULL && s->mark != STEP_BEGUN) {
        s->mark = STEP_FAILED;
        w->known = true;
    }
    for (unsigned i = w->n; i-- > 0;)
        if (w->steps[i].mark != STEP_NOT_REACHED && w->steps[i].in >= 0 &&
            w->steps[w->steps[i].in].mark == STEP_NOT_REACHED)
            w->steps[w->steps[i].in].mark = STEP_INSIDE;
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
way_init(struct way *w, const struct args *a, const struct weir_value *job)
{
    *w = (struct way){ .steps = calloc(STEPS_MAX, sizeof *w->steps) };
    if (w->steps == NULL)
        abort();
    const struct weir_value *one;
    w->pipeline = find_pipeline(a, answer_member_text(job, "pipeline"));
    for (size_t i = 0; (one = value_at(value_field(w->pipeline, "steps"), i)) != NULL; i++)
        add_step(w, answer_member_text(one, "id"), answer_member_text(one, "type"),
                 answer_member_text(one, "in"));
    take_trace(w, value_field(value_at(value_field(job, "attempts"), 0), "trace"));
    take_records(w, value_field(job, "steps"));
    finish(w, job);
}

void
way_fini(struct way *w)
{
    value_unref(&w->pipeline);
    free(w->steps);
    w->steps = NULL;
}

const struct way_step *
way_find(const struct way *w, struct weir_text id)
{
    return find_step(w, id);
}

const char *
way_unknown(const struct weir_value *job)
{
    struct weir_text state = answer_member_text(job, "state");
    if (text_is(state, "completed"))
        return "of a completed job single steps are kept with durable: steps or a wait alone, as long as what it holds "
               "(retention: payloads)";
    if (text_is(state, "dead") || text_is(state, "cancelled"))
        return "nothing was kept of the steps of this job";
    return "nothing is known yet of the steps of this job: that is so after a failed attempt, and "
           "with durable: steps while it goes on";
}
