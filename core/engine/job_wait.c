/* engine/job_wait.c - waits of durable runs: for a time, or for a callback. See job.h.
 *
 * A wait is a record of its step, with its time and the token of its callback: so it is the same in
 * each attempt, and a callback finds it while its job is nowhere but in the store. When all that
 * goes on in a run is waiting, the run is let go of, and its job is due again when the first of its
 * waits is over; then it is walked from the root, and its records answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/job.h"
#include "engine/outcome.h"

#define PATH_ROOM 512u
#define BACK_MS 100u  /* the wall clock is put back if it is behind the shard's by so much */
#define LOOK_MS 1000u /* how often the store is asked, while a run that waits is in memory */

/* The wait that a call has opened; in its memory. */
struct waiting_call {
    uint64_t until_ms; /* wall */
    uint64_t mono_ms;  /* the same on the shard's clock, as it was when the wait began; 0: not yet */
    char token[JOB_TOKEN];
    const struct weir_value *output; /* owned by the job's records: what has come; NULL: nothing yet */
    weir_answer_fn *fn;              /* of wait_open, then of wait */
    void *arg;
    bool waits;         /* wait was called, and FN was not */
    struct timer timer; /* while it is in memory */
    struct looking *looking; /* NULL: the store is not being asked */
};

/* A question whether a callback has come. */
struct looking {
    struct store_ask ask;
    struct run *run;
    struct weir_call *call; /* NULL: it does not wait any more */
};

/* -- opening -- */

static const char *
why_not(const struct weir_call *c)
{
    const struct run *r = c->run;
    if (c->frame == NULL)
        return "the call was cancelled";
    if (r->event->job == NULL)
        return r->depth > 0 ? "a pipeline that another one calls can't wait" : "only a durable run can wait";
    return r->stage == RUN_STEPS ? NULL : "catch and finally can't wait";
}

/* What the plugin is told of its wait. */
static const struct weir_value *
describe(const struct weir_call *c)
{
    const struct waiting_call *w = c->wait;
    const char *base = c->run->engine->limits.public_url;
    char text[CLOCK_TEXT];
    struct weir_builder *b = builder_map();
    clock_text(w->until_ms, text);
    const struct weir_value *v = value_text(text);
    builder_set(b, "until", 5, &v);
    if (*w->token) {
        struct buf url;
        buf_init(&url, 4096);
        (void)buf_printf(&url, "%s/_weir/wait/%s/%s", base ? base : "", c->run->event->job->id, w->token);
        v = value_string(url.bytes, url.len);
        builder_set(b, "url", 3, &v);
        v = value_text(w->token);
        builder_set(b, "token", 5, &v);
        buf_fini(&url);
    }
    return builder_end(&b);
}

void
job_wait_opened(struct weir_call *c, const struct weir_error *err)
{
    struct waiting_call *w = c->wait;
    if (err) {
        struct weir_error copy = *err;
        copy.detail = NULL;
        call_tell(c, w->fn, w->arg, NULL, &copy);
        return;
    }
    const struct weir_value *v = describe(c);
    call_tell(c, w->fn, w->arg, v, NULL);
    value_unref(&v);
}

static void time_is_up(void *arg);

/* The wait of C, as the store knows it or new. */
static struct waiting_call *
wait_of(struct weir_call *c, const struct job_known *k, uint64_t until_ms, bool callback)
{
    struct waiting_call *w = arena_alloc(c->arena, sizeof *w);
    if (w == NULL)
        return NULL;
    timer_init(&w->timer, time_is_up, c);
    w->until_ms = k && k->kind == RECORD_WAITS ? k->until_ms : until_ms;
    if (k) {
        memcpy(w->token, k->token, sizeof w->token);
        w->output = k->kind == RECORD_OVER ? k->output : NULL;
        if (k->kind == RECORD_OVER)
            c->frame->recorded_ms = k->at_ms;
    } else if (callback) {
        id_hex(w->token, (JOB_TOKEN - 1) / 2);
    }
    return w;
}

void
job_wait_open(struct weir_call *c, uint64_t until_ms, uint32_t flags, weir_answer_fn *fn, void *arg)
{
    struct weir_error err = { 0 };
    char path[PATH_ROOM];
    const char *not = why_not(c);
    const struct job_known *k = NULL;
    if (not == NULL) {
        size_t len = job_record_path(c->frame, c->unit, path, sizeof path);
        k = job_known_find(c->run->event->job, (struct weir_text){ path, len });
        if (c->attempt > 1) /* it is tried anew: a wait of its own */
            k = NULL;
        c->wait = wait_of(c, k, until_ms, flags & WEIR_WAIT_CALLBACK);
        not = c->wait ? NULL : "the run needs more memory than it may have";
    }
    if (not) {
        err_set(&err, WEIR_INVALID, "%s", not);
        call_tell(c, fn, arg, NULL, &err);
        return;
    }
    c->wait->fn = fn;
    c->wait->arg = arg;
    if (k)
        job_wait_opened(c, NULL);
    else
        (void)job_step_waits(c, c->wait->until_ms, *c->wait->token ? c->wait->token : NULL);
}

/* -- waiting -- */

void
job_wait_forget(struct weir_call *c)
{
    struct waiting_call *w = c->wait;
    timer_unset(c->run->engine->shard, &w->timer);
    if (w->looking)
        w->looking->call = NULL;
    w->looking = NULL;
    if (w->waits)
        c->run->n_waits--;
    w->waits = false;
}

/* Tells OUTPUT, or that nobody called back (NULL). */
static void
tell(struct weir_call *c, const struct weir_value *output)
{
    struct waiting_call *w = c->wait;
    struct weir_error err = { 0 };
    job_wait_forget(c);
    if (output == NULL)
        err_set(&err, WEIR_TIMEOUT, "nobody called back in time");
    call_tell(c, w->fn, w->arg, output, output ? NULL : &err);
}

/* The store has said whether a callback has come. */
static void
looked(struct store_op *op, const struct weir_error *err)
{
    struct looking *l = (struct looking *)(void *)op;
    struct run *r = l->run;
    struct weir_call *c = l->call;
    (void)job_op_told(op);
    const struct weir_value *output = value_field(l->ask.answer, "output");
    if (c) {
        c->wait->looking = NULL;
        if (output)
            tell(c, output);
        else if (!err && clock_wall_ms() >= c->wait->until_ms && value_field(l->ask.answer, "late"))
            tell(c, NULL);
        else /* not yet; or the disk: it is asked again */
            timer_set(r->engine->shard, &c->wait->timer, shard_now(r->engine->shard) + LOOK_MS);
    }
    value_unref(&l->ask.answer);
    value_unref(&l->ask.with);
    free(l);
    r->owed--;
    run_settle(r);
}

/* Asks the store whether a callback of C has come: what came while the run is in memory is there alone. The
 * question goes the way of callbacks, so that each of them was before it or is too late. */
static void
look(struct weir_call *c)
{
    struct run *r = c->run;
    struct weir_error err;
    struct looking *l = calloc(1, sizeof *l);
    if (l == NULL)
        abort();
    struct weir_builder *b = builder_map();
    const struct weir_value *v = value_text(r->event->job->id);
    builder_set(b, "id", 2, &v);
    v = value_text(c->wait->token);
    builder_set(b, "token", 5, &v);
    l->run = r;
    l->call = c;
    l->ask.op = (struct store_op){ .shard = r->engine->shard, .done = looked, .kind = STORE_ASK };
    l->ask.what = "jobs.waited";
    l->ask.with = builder_end(&b);
    if (job_submit(r->engine, &l->ask.op, &err) == WEIR_OK) {
        c->wait->looking = l;
        r->owed++;
        return;
    }
    value_unref(&l->ask.with);
    free(l);
    timer_set(r->engine->shard, &c->wait->timer, shard_now(r->engine->shard) + LOOK_MS);
}

/* Tells the end of C's wait, if it has come. */
static bool
tell_end(struct weir_call *c)
{
    struct waiting_call *w = c->wait;
    if (w->output) {
        tell(c, w->output);
        return true;
    }
    /* The wall clock may have been put back meanwhile. */
    bool over = w->mono_ms > 0 && shard_now(c->run->engine->shard) >= w->mono_ms + BACK_MS;
    if (*w->token || (!over && clock_wall_ms() < w->until_ms))
        return false;
    c->frame->recorded_ms = w->until_ms; /* what now() is from here on */
    tell(c, &value_null);
    return true;
}

static void
time_is_up(void *arg)
{
    struct weir_call *c = arg;
    if (tell_end(c))
        return;
    if (*c->wait->token)
        look(c);
    else /* the wall clock was put back, or goes a little slower */
        timer_set(c->run->engine->shard, &c->wait->timer, shard_now(c->run->engine->shard) + BACK_MS);
}

void
job_wait(struct weir_call *c, weir_answer_fn *fn, void *arg)
{
    struct waiting_call *w = c->wait;
    struct weir_error err = { 0 };
    if (w == NULL || c->frame == NULL) {
        err_set(&err, WEIR_CANCELLED, "there is no wait");
        call_tell(c, fn, arg, NULL, &err);
        return;
    }
    w->fn = fn;
    w->arg = arg;
    if (tell_end(c))
        return;
    struct weir_shard *s = c->run->engine->shard;
    w->waits = true;
    c->run->n_waits++;
    uint64_t now = clock_wall_ms(), left = w->until_ms > now ? w->until_ms - now : 0;
    w->mono_ms = shard_now(s) + left;
    timer_set(s, &w->timer, shard_now(s) + (*w->token && left > LOOK_MS ? LOOK_MS : left));
    soon_add(s, &c->run->still);
}

/* -- letting go -- */

static bool frame_is_still(const struct frame *f, uint64_t *due_ms);

/* Whether C only waits, or all that it has begun does. */
static bool
call_is_still(const struct weir_call *c, uint64_t *due_ms)
{
    if (c->wait && c->wait->waits) {
        if (c->wait->looking)
            return false;
        if (c->wait->until_ms < *due_ms)
            *due_ms = c->wait->until_ms;
        return true;
    }
    if (c->inside > 0 || list_empty(&c->frames) || !list_empty(&c->ready) || !list_empty(&c->answers) ||
        !list_empty(&c->uses) || !list_empty(&c->children))
        return false;
    for (const struct list *link = c->frames.next; link != &c->frames; link = link->next)
        if (!frame_is_still(list_entry(link, const struct frame, link), due_ms))
            return false;
    return true;
}

static bool
frame_is_still(const struct frame *f, uint64_t *due_ms)
{
    if (f->running || f->ended || f->answered || f->recording || timer_armed(&f->pause))
        return false;
    if (f->catching)
        return frame_is_still(f->catching, due_ms);
    return f->call && call_is_still(f->call, due_ms);
}

void
job_wait_look(struct run *r)
{
    uint64_t due_ms = UINT64_MAX;
    if (r->n_waits == 0 || r->stage != RUN_STEPS || r->cancelled || r->top == NULL || !frame_is_still(r->top, &due_ms))
        return;
    struct weir_error err = { 0 };
    err_set(&err, WEIR_CANCELLED, "the run waits");
    r->suspended = true;
    r->event->job->due_ms = due_ms;
    frame_cancel(r->top, run_failure(r, &err, NULL, 0));
}
