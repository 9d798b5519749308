/* engine/call.c - one attempt of a node: deadline, answer, orphans, child frames. See run.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "base/log.h"
#include "engine/blocking.h"
#include "engine/host_http.h"
#include "engine/job.h"
#include "engine/stand_in_call.h"

/* Every change of a call's state, and no other, happens here. */
static void
enter_state(struct weir_call *c, enum call_state next)
{
    static const unsigned may[] = {
        [CALL_RUNNING] = 1u << CALL_CANCELLING | 1u << CALL_ANSWERED,
        [CALL_CANCELLING] = 1u << CALL_ANSWERED,
        [CALL_ANSWERED] = 0,
    };
    assert(may[c->state] & 1u << next);
    c->state = next;
}

/* Whether F is inside a block that runs many times, so that memory has to come back early. */
static bool
inside_many(const struct frame *f)
{
    for (; f; f = f->parent)
        if (frame_repeats(f))
            return true;
    return false;
}

static void deadline_passed(void *arg);
static void tell_soon(void *arg);

static struct weir_call *
call_new(struct frame *f, const struct unit *u)
{
    struct run *r = f->run;
    struct weir_call *c = r->free_calls;
    if (c) {
        r->free_calls = c->timer.arg;
        memset(c, 0, sizeof *c);
    } else if ((c = arena_alloc(&r->arena, sizeof *c)) == NULL) {
        return NULL;
    }
    c->run = r;
    c->frame = f;
    c->unit = u;
    c->state = CALL_RUNNING;
    c->attempt = f->attempt;
    c->arena = &r->arena;
    if (inside_many(f) || f->attempt > 1 || u->type->flags & WEIR_BLOCKING) { /* a worker allocates */
        arena_init(&c->own, 512, OWN_ARENA_MAX);
        c->arena = &c->own;
    }
    timer_init(&c->timer, deadline_passed, c);
    soon_init(&c->tell, tell_soon, c);
    list_init(&c->frames);
    list_init(&c->ready);
    list_init(&c->answers);
    list_init(&c->uses);
    list_init(&c->children);
    list_push(&r->calls, &c->link);
    r->owed++;
    return c;
}

/* Gives an answered call's memory back. */
static void
call_free(struct weir_call *c)
{
    struct run *r = c->run;
    assert(c->state == CALL_ANSWERED);
    value_unref(&c->output);
    soon_remove(&c->tell);
    if (c->prepared)
        blocking_forget(c);
    if (c->arena == &c->own)
        arena_fini(&c->own);
    list_remove(&c->link);
    c->timer.arg = r->free_calls;
    r->free_calls = c;
}

/* The deadline of one attempt: the node's, cut by retry.timeout. */
static uint64_t
attempt_deadline(const struct frame *f, const struct unit *u)
{
    uint64_t deadline = f->node_deadline_ms;
    uint64_t own = u->node->retry.timeout_ms;
    if (own == 0)
        return deadline;
    uint64_t now = shard_now(f->run->engine->shard);
    return now + own < deadline ? now + own : deadline;
}

/* Whether DEADLINE_MS is there, and has passed. */
static bool
has_passed(const struct run *r, uint64_t deadline_ms)
{
    return deadline_ms != UINT64_MAX && shard_now(r->engine->shard) >= deadline_ms;
}

/* The sentence for a deadline that has passed. */
static struct failure *
timeout_failure(struct weir_call *c)
{
    struct weir_error err = { 0 };
    const struct node *n = c->unit->node;
    const struct frame *f = c->frame;
    if (n->retry.timeout_ms && c->deadline_ms < f->node_deadline_ms)
        err_set(&err, WEIR_TIMEOUT, "the attempt took longer than %llu ms",
                (unsigned long long)n->retry.timeout_ms);
    else if (n->timeout_ms && f->node_deadline_ms < f->deadline_ms)
        err_set(&err, WEIR_TIMEOUT, "it took longer than %llu ms", (unsigned long long)n->timeout_ms);
    else
        err_set(&err, WEIR_TIMEOUT, "the deadline of what encloses it has passed");
    err.sent = 1; /* it may have been: the call was under way */
    return run_failure(c->run, &err, n->id, c->attempt);
}

/* The call's deadline has passed: its frame goes on with the failure, the call is an orphan. */
static void
deadline_passed(void *arg)
{
    struct weir_call *c = arg;
    struct frame *f = c->frame;
    struct failure *failure = timeout_failure(c);
    f->call = NULL;
    f->running = true; /* whoever cancels it meanwhile must not free it */
    call_orphan(c);
    f->running = false;
    frame_answered(f, NULL, failure);
}

/* How many nodes around F have this very deadline. Theirs comes first: they end as a whole, and
 * nothing inside may catch, collect or repeat what is their failure. */
static uint32_t
lenders_of(const struct frame *f, uint64_t deadline)
{
    while (f && f->owner == NULL)
        f = f->parent;
    const struct weir_call *around = f ? f->owner : NULL;
    return around && around->frame && around->deadline_ms == deadline ? around->lenders + 1 : 0;
}

bool
call_is_late(const struct frame *f)
{
    return has_passed(f->run, f->node_deadline_ms) && lenders_of(f, f->node_deadline_ms) > 0;
}

void
call_start(struct frame *f, const struct unit *u)
{
    struct run *r = f->run;
    struct weir_call *c = call_new(f, u);
    if (c == NULL) {
        struct weir_error err = { 0 };
        err_set(&err, WEIR_TOO_LARGE, "the run needs more memory than it may have");
        frame_answered(f, NULL, run_failure(r, &err, u->node->id, f->attempt));
        return;
    }
    f->call = c;
    c->deadline_ms = attempt_deadline(f, u);
    c->lenders = lenders_of(f, c->deadline_ms);
    if (has_passed(r, c->deadline_ms)) {
        struct failure *late = timeout_failure(c);
        late->error.sent = 0;
        call_answer(c, NULL, late);
        return;
    }
    if (r->engine->stand_in && stand_in_answers(c)) {
        /* later */
    } else if (u->type->flags & WEIR_BLOCKING) {
        blocking_start(c);
    } else {
        call_enter(c);
        u->type->run(c, unit_state(r->part, u));
        call_leave(c);
    }
    if (f->call == c && c->deadline_ms != UINT64_MAX)
        timer_set(r->engine->shard, &c->timer, c->deadline_ms + c->lenders);
}

/* Asks every child frame to end early, for WHY. The end of one may take others out of the list
 * or stand on the stack, so the list is taken apart from its front. */
static void
cancel_frames(struct weir_call *c, const char *why)
{
    struct list left;
    list_unshift(&c->frames, &left); /* LEFT becomes the head, and takes all over */
    list_remove(&c->frames);
    for (struct list *link; (link = list_shift(&left)) != NULL;) {
        struct weir_error err = { 0 };
        err_set(&err, WEIR_CANCELLED, "%s", why);
        list_push(&c->frames, link);
        frame_cancel(list_entry(link, struct frame, link), run_failure(c->run, &err, NULL, 0));
    }
}

/* Frees a child frame that has ended, and its failure, unless that is handed on. */
void
call_forget_frame(struct weir_call *c, struct frame *f)
{
    if (f->failure != c->failure)
        run_failure_free(c->run, f->failure);
    frame_free(f);
}

/* An answer that the plugin is to be told. */
struct told_answer {
    weir_answer_fn *fn;
    void *arg;
    const struct weir_value *output; /* owned; NULL: the error */
    struct weir_error error;         /* owns its detail */
    struct list link;
};

static void
told_free(struct told_answer *a)
{
    value_unref(&a->output);
    value_unref(&a->error.detail);
    free(a);
}

/* Ends what the call still has under way. */
static void
drop_children(struct weir_call *c)
{
    host_http_drop(c);
    if (!list_empty(&c->frames))
        cancel_frames(c, "the node around it has ended"); /* child_ended frees them */
    for (struct list *link; (link = list_shift(&c->ready)) != NULL;)
        call_forget_frame(c, list_entry(link, struct frame, link));
    for (struct list *link; (link = list_shift(&c->answers)) != NULL;)
        told_free(list_entry(link, struct told_answer, link));
    list_each(link, next, &c->children)
    {
        struct run *r = list_entry(link, struct run, sibling);
        r->caller = NULL;
        list_remove(&r->sibling);
        run_cancel(r, WEIR_CANCELLED, "the run that called it has gone on");
    }
}

void
call_answer(struct weir_call *c, const struct weir_value **output, struct failure *failure)
{
    struct run *r = c->run;
    if (c->state == CALL_ANSWERED) {
        log_say(WEIR_ERROR, "node type '%s' answered twice in pipeline '%s', node '%s'",
                c->unit->type->name, r->flow->pipeline->name, c->unit->node->id);
        abort(); /* a plugin that answers twice is a bug that nothing may follow */
    }
    call_enter(c);
    enter_state(c, CALL_ANSWERED);
    r->owed--;
    if (timer_armed(&c->timer))
        timer_unset(r->engine->shard, &c->timer);
    if (c->wait)
        job_wait_forget(c);
    if (c->standing)
        stand_in_drop(c->standing);
    if (failure)
        c->failure = failure;
    else if (output && *output)
        c->output = *output;
    else
        c->output = &value_null;
    if (output)
        *output = NULL;
    drop_children(c);
    call_leave(c);
}

void
call_enter(struct weir_call *c)
{
    if (c->inside++ == 0)
        c->outside = crash_at;
    crash_at = c;
}

/* One function of the plugin less is on the stack; how many are left. */
static unsigned
step_out(struct weir_call *c)
{
    if (--c->inside == 0)
        crash_at = c->outside;
    return c->inside;
}

/* Tells the plugin one answer that waits; false if none does. */
static bool
tell_one(struct weir_call *c)
{
    struct list *link = list_shift(&c->answers);
    if (link) {
        struct told_answer *a = list_entry(link, struct told_answer, link);
        a->fn(a->arg, a->output, a->output ? NULL : &a->error);
        told_free(a);
        return true;
    }
    link = list_shift(&c->ready);
    if (link) {
        struct frame *f = list_entry(link, struct frame, link);
        f->fn(f->arg, f->result, f->failure ? &f->failure->error : NULL);
        call_forget_frame(c, f);
    }
    return link != NULL;
}

/* Tells the plugin all that waits, one answer after another. */
static void
tell_ready(struct weir_call *c)
{
    while (c->state != CALL_ANSWERED && tell_one(c))
        continue;
}

/* Hands the answer of a call on that no function of its plugin is on the stack of. */
static void
hand_on(struct weir_call *c)
{
    struct run *r = c->run;
    struct frame *f = c->frame;
    const struct weir_value *output = c->output;
    struct failure *failure = c->failure;
    if (f)
        c->output = NULL;
    call_free(c);
    if (f) {
        frame_answered(f, output, failure);
        return;
    }
    run_failure_free(r, failure);
    run_settle(r);
}

/* Asks the plugin for the answer of an orphan: once, and when no function of it is on the stack. */
static void
ask_to_end(struct weir_call *c)
{
    c->asked = true;
    if (c->unit->type->flags & WEIR_BLOCKING && c->standing == NULL)
        return;
    call_enter(c);
    if (c->standing) {
        struct weir_error err = { 0 };
        err_set(&err, WEIR_CANCELLED, "the node around it was cancelled");
        call_answer(c, NULL, run_failure(c->run, &err, c->unit->node->id, c->attempt));
    } else if (c->unit->type->cancel) {
        c->unit->type->cancel(c, unit_state(c->run->part, c->unit));
    } else {
        struct weir_error err = { 0 };
        err_set(&err, WEIR_CANCELLED, "the node around it was cancelled");
        host_http_fail(c, &err);
        cancel_frames(c, err.text);
    }
    call_leave(c);
}

void
call_leave(struct weir_call *c)
{
    assert(c->inside > 0);
    if (c->inside == 1)
        tell_ready(c);
    if (step_out(c) > 0)
        return;
    if (c->state == CALL_CANCELLING && !c->asked)
        ask_to_end(c);
    else if (c->state == CALL_ANSWERED && list_empty(&c->frames)) /* else the last of them does */
        hand_on(c);
}

static void
tell_soon(void *arg)
{
    call_enter(arg);
    call_leave(arg);
}

void
call_leave_quietly(struct weir_call *c)
{
    bool waits = !list_empty(&c->ready) || !list_empty(&c->answers);
    if (step_out(c) == 0 && (c->state != CALL_RUNNING || waits))
        soon_add(c->run->engine->shard, &c->tell);
}

void
call_orphan(struct weir_call *c)
{
    c->frame = NULL;
    timer_unset(c->run->engine->shard, &c->timer);
    if (c->state == CALL_ANSWERED)
        return; /* answered inside: handed on, to nobody, when that is left */
    enter_state(c, CALL_CANCELLING);
    if (c->inside == 0)
        ask_to_end(c);
}

void
call_tell(struct weir_call *c, weir_answer_fn *fn, void *arg, const struct weir_value *output,
          struct weir_error *err)
{
    struct told_answer *a = calloc(1, sizeof *a);
    if (a == NULL)
        abort();
    a->fn = fn;
    a->arg = arg;
    if (output) {
        a->output = value_ref(output);
    } else {
        a->error = *err;
        err->detail = NULL;
    }
    list_push(&c->answers, &a->link);
    call_enter(c);
    call_leave(c);
}
