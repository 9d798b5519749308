/* engine/frame.c - walking blocks: conditions, deadlines, attempts, pauses, catches. See run.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/given.h"
#include "engine/job.h"
#include "engine/job_trace.h"
#include "engine/metrics.h"
#include "engine/retry.h"
#include "engine/stand_in_call.h"

/* Whether the nodes of B have outputs of their own for each time that B runs. */
static bool
runs_many(const struct block *b)
{
    return b->type && b->type->runs == WEIR_MANY;
}

/* Room for the outputs of the nodes inside B, which are numbered one after another. */
static void
take_outputs(struct frame *f)
{
    const struct block *b = f->block;
    if (b->n == 0)
        return;
    f->first = b->nodes[0]->index;
    f->n_outputs = f->run->flow->units[b->nodes[b->n - 1]->index].last - f->first + 1;
    f->outputs = calloc(f->n_outputs, sizeof *f->outputs);
    if (f->outputs == NULL)
        abort();
}

/* A pause between two attempts is over. */
static void
pause_over(void *arg)
{
    frame_walk(arg);
}

struct frame *
frame_new(struct run *r, const struct block *b, struct frame *parent, const struct weir_value *input,
          uint64_t deadline_ms, frame_end_fn *end)
{
    struct frame *f = r->free_frames;
    if (f) {
        r->free_frames = f->parent;
        memset(f, 0, sizeof *f);
    } else if ((f = arena_alloc(&r->arena, sizeof *f)) == NULL) {
        return NULL;
    }
    f->run = r;
    f->block = b;
    f->parent = parent;
    f->deadline_ms = parent && parent->deadline_ms < deadline_ms ? parent->deadline_ms : deadline_ms;
    f->end = end;
    f->recorded_ms = parent ? parent->recorded_ms : 0;
    f->number = ++r->frames_made;
    list_init(&f->link);
    timer_init(&f->pause, pause_over, f);
    if (input == NULL && parent)
        input = parent->input;
    if (input)
        f->input = value_ref(input);
    if (runs_many(b))
        take_outputs(f);
    return f;
}

void
frame_free(struct frame *f)
{
    job_step_forget(f);
    value_unref(&f->input);
    value_unref(&f->output);
    value_unref(&f->result);
    for (unsigned i = 0; f->vars && i < f->block->n_names; i++)
        value_unref(&f->vars[i]);
    for (unsigned i = 0; i < f->n_outputs; i++)
        value_unref(&f->outputs[i]);
    if (f->n_outputs)
        free(f->outputs);
    f->parent = f->run->free_frames;
    f->run->free_frames = f;
}

/* Where the output of node INDEX is kept, seen from F. */
static const struct weir_value **
output_place(struct frame *f, unsigned index)
{
    for (struct frame *at = f; at; at = at->parent)
        if (at->n_outputs && index >= at->first && index - at->first < at->n_outputs)
            return &at->outputs[index - at->first];
    return &f->run->outputs[index];
}

/* Goes to the next node. */
static void
next_node(struct frame *f)
{
    f->at++;
    f->started = false;
    f->recorded = f->repeated = f->ended_record = false;
    f->attempt = 0;
}

/* The node at hand has this output: keeps it, lets it flow on, and goes to the next node. */
static void
node_done(struct frame *f, const struct unit *u, const struct weir_value *output)
{
    const struct weir_value **place = output_place(f, u->node->index);
    value_unref(place);
    *place = value_ref(output);
    if (!(u->type->flags & WEIR_TAP)) {
        value_unref(&f->input);
        f->input = value_ref(output);
        f->has_output = true;
    }
    next_node(f);
}

/* What the walker does after a step. */
enum step { STEP_ON, STEP_WAIT, STEP_DONE, STEP_FAILED };

static enum step
fail(struct frame *f, struct failure *failure)
{
    f->failure = failure;
    return STEP_FAILED;
}

static void
catch_ended(struct frame *catching)
{
    struct frame *f = catching->parent;
    if (!f->running)
        frame_walk(f);
}

/* Looks after the catch of the node at hand. */
static enum step
step_catch(struct frame *f, const struct unit *u)
{
    struct frame *c = f->catching;
    if (!c->ended)
        return STEP_WAIT;
    f->catching = NULL;
    struct failure *failure = c->failure;
    if (failure == NULL && c->has_output)
        node_done(f, u, c->result);
    else if (failure == NULL)
        next_node(f);
    run_failure_free(f->run, c->error);
    frame_free(c);
    return failure ? fail(f, failure) : STEP_ON;
}

static void
count_failure(const struct frame *f, const struct unit *u, const struct failure *failure)
{
    struct engine *e = f->run->engine;
    struct weir_text labels[] = { text_of(f->run->flow->pipeline->name), text_of(u->node->id),
                                  text_of(code_name(failure->error.code)) };
    metric_add(e->shard->index, metric_series_of(e->shard->index, e->error_family, labels), 1);
}

/* Whether it is F as a whole that has ended: cancelled, or its deadline has passed. */
static bool
is_of_the_frame(const struct frame *f, const struct failure *failure)
{
    return failure->error.code == WEIR_CANCELLED ||
           (failure->error.code == WEIR_TIMEOUT && shard_now(f->run->engine->shard) >= f->deadline_ms);
}

/* The node at hand has failed for good: its catch, or the end of the block. */
static enum step
node_failed(struct frame *f, const struct unit *u, struct failure *failure)
{
    count_failure(f, u, failure);
    if (f->run->event->job)
        job_step_failed(f, u, failure);
    if (failure->node == u->node->id && given_wanted(f->run, failure->error.code))
        given_take(f, u, failure);
    if (u->node->catch == NULL || is_of_the_frame(f, failure))
        return fail(f, failure);
    f->catching = frame_new(f->run, u->node->catch, f, f->input, f->deadline_ms, catch_ended);
    if (f->catching == NULL)
        return fail(f, failure);
    f->catching->error = failure;
    frame_walk(f->catching);
    return STEP_ON;
}

/* After a failed attempt: waits for the next one. False if there is none. */
static bool
pause_before_retry(struct frame *f, const struct unit *u, const struct failure *failure)
{
    struct engine *e = f->run->engine;
    uint64_t wait;
    if (!retry_wanted(u, f->attempt, &failure->error, &wait))
        return false;
    uint64_t now = shard_now(e->shard);
    if (wait >= f->node_deadline_ms || now >= f->node_deadline_ms - wait)
        return false; /* nothing starts that could not finish its pause */
    timer_set(e->shard, &f->pause, now + wait);
    return true;
}

/* An attempt behind the first one is over: counted, if it was really made. */
static void
count_retry(const struct frame *f, const struct unit *u)
{
    if (f->attempt <= 1 || f->unsent)
        return;
    unsigned shard = f->run->engine->shard->index;
    struct weir_text labels[] = { text_of(f->run->flow->pipeline->name), text_of(u->node->id) };
    metric_add(shard, metric_series_of(shard, f->run->engine->retry_family, labels), 1);
}

/* An attempt of the node at hand is over. */
static enum step
step_answer(struct frame *f, const struct unit *u)
{
    struct failure *failure = f->node_failure;
    const struct weir_value *output = f->output;
    f->answered = false;
    f->output = NULL;
    f->node_failure = NULL;
    uint64_t now_ns = clock_mono_ns();
    uint64_t took = now_ns - f->attempt_started_ns;
    f->run->engine->lately_ns = now_ns;
    unsigned shard = f->run->engine->shard->index;
    metric_add(shard, failure ? unit_failures(u, shard) : u->duration_ok, (double)took / 1e9);
    count_retry(f, u);
    job_trace_note(f, u, took, failure);
    if (f->run->engine->stand_in)
        stand_in_ended(f, u, output, failure);
    if (tail_wanted())
        tail_node(f, u, took, output, failure);
    if (failure == NULL) {
        if (u->type->flags & WEIR_ANSWER) {
            value_unref(&f->run->answer);
            f->run->answer = value_ref(output);
        }
        node_done(f, u, output);
        value_unref(&output);
        return STEP_ON;
    }
    if (pause_before_retry(f, u, failure)) {
        run_failure_free(f->run, failure);
        return STEP_WAIT;
    }
    return node_failed(f, u, failure);
}

/* Evaluates the condition of the node at hand and works out its deadline. */
static enum step
step_begin(struct frame *f, const struct unit *u)
{
    const struct node *node = u->node;
    if (node->condition) {
        struct scope s;
        struct weir_error err;
        bool holds = false;
        WEIR_ERROR_CLEAR(&err);
        scope_init(&s, f->run, f);
        if (expr_eval_bool(node->condition, &s.env, &holds, &err) != WEIR_OK) {
            err_in(&err, "if");
            return node_failed(f, u, run_failure(f->run, &err, node->id, 0));
        }
        if (f->run->event->job && !job_choose_if(f, u, holds))
            return STEP_WAIT;
        if (!holds) {
            next_node(f);
            return STEP_ON;
        }
    }
    f->node_deadline_ms = f->deadline_ms;
    if (node->timeout_ms) {
        uint64_t own = shard_now(f->run->engine->shard) + node->timeout_ms;
        if (own < f->node_deadline_ms)
            f->node_deadline_ms = own;
    }
    f->started = true;
    return STEP_ON;
}

/* What the steps inside U gave in its last attempt is not there in the next one. */
static void
forget_outputs(struct frame *f, const struct unit *u)
{
    for (unsigned i = u->node->index + 1; i <= u->last; i++)
        value_unref(output_place(f, i));
}

/* When an attempt begins: as the one before it ended, or with the node around it; a node that is lent
 * begins when it is asked, which may be long after its owner began. */
static uint64_t
begin_ns(const struct frame *f)
{
    struct engine *e = f->run->engine;
    bool lent = f->owner && f->block->type == NULL;
    if (e->lately_ns == 0 || lent)
        e->lately_ns = clock_mono_ns();
    return e->lately_ns;
}

/* Starts the node at hand, unless the store knows its answer, or has to be told first. */
static enum step
step_start(struct frame *f, const struct unit *u)
{
    switch (f->run->event->job ? job_step_begin(f, u) : JOB_STEP_GO) {
    case JOB_STEP_WAIT:
        return STEP_WAIT;
    case JOB_STEP_KNOWN:
        f->attempt_started_ns = begin_ns(f);
        if (f->node_failure) { /* it fails as it did, without another attempt */
            struct failure *failure = f->node_failure;
            f->node_failure = NULL;
            f->answered = false;
            return node_failed(f, u, failure);
        }
        return STEP_ON;
    default:
        break;
    }
    f->uuids = 0;
    f->unsent = false;
    if (++f->attempt > 1)
        forget_outputs(f, u);
    f->attempt_started_ns = begin_ns(f);
    call_start(f, u);
    return STEP_ON;
}

static enum step
step(struct frame *f)
{
    if (f->at == f->block->n && !f->cancelled)
        return STEP_DONE;
    if (f->cancelled) /* a catch that stands on the stack ends first */
        return f->catching && !f->catching->ended ? STEP_WAIT : STEP_FAILED;
    const struct unit *u = &f->run->flow->units[f->block->nodes[f->at]->index];
    if (f->catching)
        return step_catch(f, u);
    if (f->recording)
        return STEP_WAIT;
    if (f->answered && f->run->event->job && f->node_failure == NULL && job_step_end(f, u))
        return STEP_WAIT;
    if (f->answered)
        return step_answer(f, u);
    if (f->call || timer_armed(&f->pause))
        return STEP_WAIT;
    if (!f->started) {
        enum step begun = step_begin(f, u);
        if (begun != STEP_ON || !f->started)
            return begun;
    }
    if (call_is_late(f)) {
        timer_set(f->run->engine->shard, &f->pause, shard_now(f->run->engine->shard) + 1);
        return STEP_WAIT;
    }
    return step_start(f, u);
}

/* One walk less is on the stack of E. After the last one, and while a node is WAITED for, others run. */
static void
leave_walk(struct engine *e, bool waited)
{
    if (--e->walks == 0 || waited)
        e->lately_ns = 0;
}

void
frame_walk(struct frame *f)
{
    assert(!f->running && !f->ended);
    struct engine *e = f->run->engine;
    f->running = true;
    e->walks++;
    enum step s;
    do
        s = step(f);
    while (s == STEP_ON);
    f->running = false;
    if (f->run->n_waits > 0)
        soon_add(e->shard, &f->run->still);
    if (s == STEP_WAIT) {
        leave_walk(e, true);
        return;
    }
    if (s == STEP_DONE && f->input)
        f->result = value_ref(f->input);
    if (f->catching) {
        frame_free(f->catching);
        f->catching = NULL;
    }
    f->ended = true;
    f->end(f); /* F may be gone after this */
    leave_walk(e, false);
}

void
frame_answered(struct frame *f, const struct weir_value *output, struct failure *failure)
{
    f->call = NULL;
    f->answered = true;
    f->output = output;
    f->node_failure = failure;
    if (!f->running)
        frame_walk(f);
}

void
frame_cancel(struct frame *f, struct failure *why)
{
    if (f->ended)
        return;
    bool on_stack = f->running;
    f->running = true; /* what ends below must not walk on */
    f->cancelled = true;
    f->failure = why;
    timer_unset(f->run->engine->shard, &f->pause);
    if (f->run->event->job)
        job_step_cut(f);
    job_step_forget(f);
    if (f->catching)
        frame_cancel(f->catching, why);
    struct weir_call *c = f->call;
    f->call = NULL;
    if (c)
        call_orphan(c);
    f->running = on_stack;
    if (!on_stack)
        frame_walk(f);
}
