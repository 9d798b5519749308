/* engine/run.c - the life of a run: steps, catch, reply, finally, the end. See run.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/admission.h"
#include "engine/given.h"
#include "engine/job.h"
#include "engine/metrics.h"
#include "engine/once.h"
#include "engine/outcome.h"
#include "engine/stand_in.h"

#define RUN_ARENA_FIRST 8192u
#define RUN_ARENA_MAX (64u << 20)
#define LAST_GRACE_MS 5000u

static void cancel_now(void *arg);
static void look_still(void *arg);

struct run *
run_new(struct engine *e, struct generation_part *part, const struct flow *f, struct weir_event *event)
{
    struct run *r;
    struct arena arena;
    if (e->n_free_runs > 0) {
        r = e->free_runs[--e->n_free_runs];
        arena = r->arena;
    } else {
        r = malloc(sizeof *r);
        if (r == NULL)
            abort();
        arena_init(&arena, RUN_ARENA_FIRST, RUN_ARENA_MAX);
    }
    memset(r, 0, sizeof *r);
    r->arena = arena;
    r->engine = e;
    r->part = part;
    r->flow = f;
    r->event = event;
    r->started_ns = clock_mono_ns();
    r->started_wall_ms = clock_wall_ms();
    r->outputs = arena_alloc(&r->arena, (f->pipeline->n_nodes + 1) * sizeof *r->outputs);
    r->steps = arena_alloc(&r->arena, (f->pipeline->n_nodes + 1) * sizeof *r->steps);
    list_init(&r->failures);
    list_init(&r->free_failures);
    list_init(&r->calls);
    list_init(&r->link);
    list_init(&r->sibling);
    soon_init(&r->cancel, cancel_now, r);
    soon_init(&r->still, look_still, r);
    id_uuid7(r->started_wall_ms, r->id);
    part_pin(part);
    list_push(&e->runs, &r->link);
    atomic_fetch_add_explicit(&e->n_runs, 1, memory_order_relaxed);
    return r;
}

/* No secret of the generation, and nothing that mask: hides, may stand in what is logged and answered. */
static void
copy_text(struct run *r, struct weir_error *to, const struct weir_error *from)
{
    struct buf b;
    buf_init(&b, 4096);
    (void)buf_add(&b, from->text, strnlen(from->text, sizeof from->text - 1), NULL);
    run_hide_text(r, &b);
    size_t len = b.len < sizeof to->text - 1 ? b.len : sizeof to->text - 1;
    memcpy(to->text, b.bytes, len);
    to->text[len] = '\0';
    buf_fini(&b);
}

struct failure *
run_failure(struct run *r, struct weir_error *err, const char *node, uint32_t attempt)
{
    struct list *spared = list_shift(&r->free_failures);
    struct failure *f = spared ? list_entry(spared, struct failure, link) : arena_take(&r->arena, sizeof *f);
    if (f == NULL) {
        value_unref(&err->detail);
        r->spare.node = node;
        err_set(&r->spare.error, WEIR_TOO_LARGE, "the run needs more memory than it may have");
        return &r->spare;
    }
    memcpy(&f->error, err, offsetof(struct weir_error, text));
    copy_text(r, &f->error, err);
    f->node = node;
    f->attempt = attempt;
    f->value = f->options = f->unknown = f->input = NULL;
    list_unshift(&r->failures, &f->link);
    err->detail = NULL;
    return f;
}

static void
empty(struct failure *f)
{
    value_unref(&f->error.detail);
    value_unref(&f->value);
    if (f->options)
        given_free(f);
}

void
run_failure_free(struct run *r, struct failure *f)
{
    if (f == NULL || f == &r->spare)
        return;
    empty(f);
    list_remove(&f->link);
    list_unshift(&r->free_failures, &f->link);
}

/* False: there is no memory for it. Else R may be over, and gone, when this returns. */
static bool
start_stage(struct run *r, const struct block *b, enum run_stage stage, uint64_t deadline_ms,
            frame_end_fn *end)
{
    r->stage = stage;
    r->top = frame_new(r, b, NULL, NULL, deadline_ms, end);
    if (r->top == NULL) {
        log_say(WEIR_ERROR, "pipeline %s: the run needs more memory than it may have",
                r->flow->pipeline->name);
        return false;
    }
    if (stage == RUN_CATCH)
        r->top->error = r->failure;
    if (r->result)
        r->top->input = value_ref(r->result);
    frame_walk(r->top);
    return true;
}

/* Lets go of *V. Most of what a run may hold is seldom asked for. */
static inline void
drop(const struct weir_value **v)
{
    if (*v != NULL)
        value_unref(v);
}

void
run_forget(struct run *r)
{
    for (unsigned i = 0; r->outputs && i < r->flow->pipeline->n_nodes; i++)
        drop(&r->outputs[i]);
    list_each(link, next, &r->failures) empty(list_entry(link, struct failure, link));
    empty(&r->spare);
    drop(&r->answer);
    drop(&r->heard_of);
    drop(&r->heard);
    drop(&r->result);
    drop(&r->reply_body);
    drop(&r->self);
    drop(&r->request);
    drop(&r->body);
    drop(&r->headers);
    drop(&r->params);
    drop(&r->query);
    drop(&r->query_all);
    outcome_forget(r);
}

void
run_settle(struct run *r)
{
    if (r->stage != RUN_OVER || r->owed > 0 || !list_empty(&r->calls))
        return;
    struct engine *e = r->engine;
    run_forget(r);
    struct weir_event *event = r->event;
    event->run = NULL;
    event->ops->release(event);
    part_unpin(r->part);
    if (e->n_free_runs < sizeof e->free_runs / sizeof *e->free_runs) {
        arena_reset(&r->arena);
        e->free_runs[e->n_free_runs++] = r;
    } else {
        arena_fini(&r->arena);
        free(r);
    }
}

/* The run is over: it is counted, its caller is told; its memory goes when no call is owed. */
static void
finish(struct run *r)
{
    struct engine *e = r->engine;
    r->stage = RUN_OVER;
    soon_remove(&r->cancel);
    soon_remove(&r->still);
    if (!r->suspended)
        outcome_count(r);
    if (e->stand_in && r->depth == 0 && !r->suspended)
        e->stand_in->over(e->stand_in->arg, r->failure ? &r->failure->error : NULL);
    list_remove(&r->link);
    admission_release(r);
    once_end(r->event, r->failure == NULL);
    job_finish(r);
    atomic_fetch_sub_explicit(&e->n_runs, 1, memory_order_relaxed);
    if (r->caller) {
        struct weir_call *caller = r->caller;
        const struct weir_value *output = r->reply_body ? r->reply_body : r->result;
        r->caller = NULL;
        list_remove(&r->sibling);
        struct weir_error err = { 0 };
        if (r->failure) {
            err = r->failure->error; /* the run's memory may go before it is told */
            err.detail = err.detail ? value_ref(err.detail) : NULL;
        }
        call_tell(caller, r->fn, r->arg, r->failure ? NULL : output ? output : &value_null, &err);
    }
    run_settle(r);
    engine_look_idle(e);
}

static void
finally_ended(struct frame *f)
{
    struct run *r = f->run;
    if (f->failure)
        log_say(WEIR_WARN, "pipeline %s: finally: node %s: %s", r->flow->pipeline->name,
                f->failure->node ? f->failure->node : "-", f->failure->error.text);
    frame_free(f);
    r->top = NULL;
    finish(r);
}

static void
start_finally(struct run *r)
{
    const struct block *b = r->flow->pipeline->finally;
    if (b == NULL || b->n == 0 || r->engine->ending) {
        finish(r);
        return;
    }
    uint64_t deadline = shard_now(r->engine->shard) + LAST_GRACE_MS;
    r->cancelled = false;
    if (!start_stage(r, b, RUN_FINALLY, deadline, finally_ended))
        finish(r);
}

/* All is said: waits for the end of a stream, then finally. */
static void
after_reply(struct run *r)
{
    r->stage = RUN_SENDING;
    if (r->streaming && !r->sent)
        return;
    start_finally(r);
}

/* The first attempt failed, and another will follow: its caller hears that it is not over. */
static void
reply_accepted(struct run *r)
{
    if (r->event->replied)
        return;
    r->reply_status = 202;
    r->replied_ns = clock_mono_ns();
    job_reply_accepted(r->event, r->event->job->id);
}

/* All that goes on is waiting: the run ends here, and is taken up again later. */
static void
suspend(struct run *r)
{
    reply_accepted(r);
    finish(r);
}

static void
conclude(struct run *r)
{
    job_decide(r);
    if (r->event->job && r->event->job->retrying)
        reply_accepted(r);
    else if (r->failure)
        outcome_reply_error(r);
    else
        outcome_reply_result(r);
    after_reply(r);
}

static void
catch_ended(struct frame *f)
{
    struct run *r = f->run;
    if (f->failure)
        log_say(WEIR_WARN, "pipeline %s: catch: node %s: %s", r->flow->pipeline->name,
                f->failure->node ? f->failure->node : "-", f->failure->error.text);
    frame_free(f);
    r->top = NULL;
    conclude(r);
}

static void
steps_ended(struct frame *f)
{
    struct run *r = f->run;
    bool failed = f->failure != NULL;
    if (failed)
        r->failure = f->failure; /* else it may have one already: a reply that broke off */
    else if (f->has_output && f->result)
        r->result = value_ref(f->result);
    frame_free(f);
    r->top = NULL;
    if (r->suspended) {
        suspend(r);
        return;
    }
    const struct block *b = r->flow->pipeline->catch;
    if (failed && b && b->n > 0 && !r->engine->ending) {
        r->cancelled = false;
        if (start_stage(r, b, RUN_CATCH, shard_now(r->engine->shard) + LAST_GRACE_MS, catch_ended))
            return;
    }
    conclude(r);
}

void
run_begin(struct run *r)
{
    const struct pipeline *p = r->flow->pipeline;
    uint64_t deadline = UINT64_MAX;
    if (p->timeout_ms)
        deadline = shard_now(r->engine->shard) + p->timeout_ms;
    if (r->caller && r->caller->deadline_ms < deadline)
        deadline = r->caller->deadline_ms;
    if (tail_wanted())
        tail_run(r, "run.started", NULL);
    bool started = start_stage(r, p->steps, RUN_STEPS, deadline, steps_ended);
    assert(started); /* the first that is taken from the run's memory */
    (void)started;
}

/* A copy that lives as long as the event: its line in the access log may come after the run. */
static struct weir_text
copied(struct weir_event *e, const char *s)
{
    struct weir_text t = text_of(s);
    char *copy = arena_copy(e->arena, t.bytes, t.len);
    return (struct weir_text){ copy ? copy : "", copy ? t.len : 0 };
}

void
run_start(struct weir_event *event)
{
    const struct flow *f = event->trigger->flow;
    struct run *r = run_new(engine_of(event->shard), event->part, f, event);
    event->run = r;
    if (event->job)
        memcpy(r->id, event->job->id, sizeof r->id);
    if (event->replied) { /* 202, before there was a run */
        r->reply_status = 202;
        r->replied_ns = r->started_ns;
    }
    event->pipeline = copied(event, f->pipeline->name);
    event->run_id = copied(event, r->id);
    part_unpin(event->part); /* the run has its own pin */
    r->engine->lately_ns = r->started_ns; /* its first step begins with it */
    run_begin(r);
}

void
run_cancel(struct run *r, enum weir_code code, const char *why)
{
    if (r->stage == RUN_OVER || r->stage == RUN_FINALLY || r->cancelled)
        return;
    r->cancelled = true;
    struct weir_error err = { 0 };
    err_set(&err, code, "%s", why);
    r->cancel_error = &run_failure(r, &err, NULL, 0)->error;
    soon_add(r->engine->shard, &r->cancel);
}

static void
cancel_now(void *arg)
{
    struct run *r = arg;
    if (r->stage == RUN_SENDING) {
        r->sent = true;
        start_finally(r);
        return;
    }
    if (r->top && r->stage != RUN_FINALLY)
        frame_cancel(r->top, run_failure(r, r->cancel_error, NULL, 0));
}

static void
look_still(void *arg)
{
    job_wait_look(arg);
}

void
run_end(struct run *r)
{
    struct weir_error err = { 0 };
    err_set(&err, WEIR_CANCELLED, "this server ends");
    struct failure *why = run_failure(r, &err, NULL, 0);
    if (r->stage != RUN_SENDING) {
        frame_cancel(r->top, why);
        return;
    }
    if (r->failure == NULL)
        r->failure = why;
    r->sent = true;
    start_finally(r);
}

void
run_reply_sent(struct run *r, const struct weir_error *err)
{
    r->sent = true;
    if (err && r->failure == NULL) {
        struct weir_error copy = *err;
        copy.detail = NULL;
        r->failure = run_failure(r, &copy, NULL, 0);
    }
    if (r->stage == RUN_SENDING)
        start_finally(r);
}
