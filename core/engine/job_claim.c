/* engine/job_claim.c - jobs that wait in the store are taken up by a shard that has room. See job.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/admission.h"
#include "engine/gate.h"
#include "engine/job.h"
#include "engine/job_event.h"
#include "engine/older.h"

#define CLAIM_MAX 32u /* jobs of one claim */
#define CLAIM_LEAST 8u /* while others are under way: what comes one by one costs a claim each */
/* While there are callers: each place that a run leaves would be a claim of its own, which wakes both threads. */
#define GATHER_MS 2u
#define END_MS 3000u  /* how long the end of the process waits for a disk that is full */

/* A claim under way. */
struct claiming {
    struct job_claim claim;
    struct weir_text *skip; /* owned */
};

static const struct claim_gate places = { .enter = gate_claim, .leave = gate_claim_leave };

void
job_claimed_end(struct engine *e, struct job_claimed **ptr)
{
    struct job_claimed *c = *ptr;
    if (c->placed && gate_claim_leave(c->pipeline, c->key))
        store_place_free(e->jobs->store, c->pipeline, c->key);
    job_claimed_free(ptr);
}

enum weir_code
job_submit(struct engine *e, struct store_op *op, struct weir_error *err)
{
    enum weir_code code = store_submit(e->jobs->store, op, err);
    if (code == WEIR_OK)
        e->jobs->n_ops++;
    return code;
}

struct engine *
job_op_told(const struct store_op *op)
{
    struct engine *e = engine_of(op->shard);
    if (--e->jobs->n_ops == 0)
        soon_add(e->shard, &e->jobs->idle);
    return e;
}

/* What was claimed and not begun goes back, and no more is claimed. */
static void
return_arrived(struct engine *e)
{
    struct jobs *j = e->jobs;
    timer_unset(e->shard, &j->turn);
    j->claiming = j->claiming && j->arrived == NULL;
    for (struct job_claimed *one; (one = j->arrived) != NULL;) {
        j->arrived = one->next;
        job_return(e, one);
        job_claimed_end(e, &one);
    }
}

void
jobs_free(struct engine *e)
{
    if (e->jobs == NULL)
        return;
    uint64_t until = clock_mono_ms() + END_MS;
    return_arrived(e);
    do {
        while (e->jobs->n_ops > 0) {
            shard_turn(e->shard, 10);
            if (clock_mono_ms() >= until)
                store_give_up(e->jobs->store);
        }
        olders_end(e); /* what came meanwhile goes back */
    } while (e->jobs->n_ops > 0);
    job_cancel_end(e);
    job_breaker_end(e);
    soon_remove(&e->jobs->idle);
    job_pace_end(&e->jobs->pace);
    job_shares_end(e->jobs);
    free(e->jobs);
    e->jobs = NULL;
}

static void
something_is_there(void *arg)
{
    struct engine *e = arg;
    e->jobs->waits = false;
    jobs_look(e);
}

/* A claim ended, and brought less than it could. */
static void
wait_for_more(struct jobs *j)
{
    if (j->waits || j->stopped)
        return;
    j->waits = true;
    store_wait(j->store, j->engine->shard, something_is_there, j->engine);
}

/* The job as its event and run know it. */
static struct job *
job_of(struct weir_event *e, const struct job_claimed *c, const struct pipeline *p)
{
    struct job *j = arena_alloc(e->arena, sizeof *j);
    if (j == NULL)
        return NULL;
    memcpy(j->id, c->id, sizeof j->id);
    j->seq = c->seq;
    j->attempt = c->attempt;
    j->accepted_ms = c->created_ms;
    j->claimed = true;
    j->once = (p->idempotency || e->once_ttl_ms > 0) && p->respond == RESPOND_RESULT;
    if (c->replay_of.len == ID_UUID - 1)
        memcpy(j->replay_of, c->replay_of.bytes, c->replay_of.len);
    if (c->root.len == ID_UUID - 1)
        memcpy(j->root, c->root.bytes, c->root.len);
    job_remember(j, c->records);
    return j;
}

/* Starts C with F, which PART has. */
static void
start_with(struct engine *e, struct job_claimed *c, struct flow *f, struct generation_part *part)
{
    struct weir_error err = { 0 };
    struct weir_event *event = NULL;
    unsigned trigger;
    if (job_event_read(c->event, e->shard, &event, &trigger, &err) != WEIR_OK) {
        job_bury(e, c, JOB_UNRECOVERABLE_REASON, err.text);
        return;
    }
    event->job = job_of(event, c, f->pipeline);
    if (event->job == NULL || f->pipeline->n_triggers == 0) {
        if (event->job)
            job_memory_free(event->job);
        event->ops->release(event);
        job_bury(e, c, JOB_DEFINITION_GONE_REASON, "the pipeline has no trigger any more");
        return;
    }
    event->trigger = &f->triggers[trigger < f->pipeline->n_triggers ? trigger : 0];
    event->part = part;
    part_pin(event->part);
    job_share_add(e->jobs, c->pipeline);
    struct weir_text held = { NULL, 0 };
    if (c->placed && f->gate) {
        char *key = arena_copy(event->arena, c->key.len > 0 ? c->key.bytes : GATE_ALL.bytes, c->key.len > 0 ? c->key.len : 1);
        c->placed = key == NULL;
        held = (struct weir_text){ key, c->key.len > 0 ? c->key.len : 1 };
    }
    admission_resume(event, held);
}

void
job_start(struct engine *e, struct job_claimed *c, struct generation_part *part)
{
    struct flow *f = map_get(&part->generation->by_name, c->pipeline.bytes, c->pipeline.len);
    if (f)
        start_with(e, c, f, part);
    else
        job_bury(e, c, JOB_DEFINITION_GONE_REASON, "there is no such pipeline any more");
    job_claimed_end(e, &c);
}

/* C, which is taken, begins with today's pipeline, or goes on with what it began with. */
static void
start(struct engine *e, struct job_claimed *c)
{
    const struct flow *f = map_get(&e->current->generation->by_name, c->pipeline.bytes, c->pipeline.len);
    bool todays = c->revision.len == 0 || (f && text_is(c->revision, f->pipeline->revision));
    if (todays)
        job_start(e, c, e->current);
    else
        older_start(e, c);
}

/* All jobs of a claim are begun. */
static void
claim_over(struct jobs *j)
{
    j->claiming = false;
    if (j->stopped)
        return;
    bool called = job_pace_called(shard_now(j->engine->shard));
    if (!j->more && !(j->some && called)) {
        wait_for_more(j);
        return;
    }
    uint64_t pause = j->more ? job_pace_ms(&j->pace, called ? j->engine->limits.jobs_idle : 0) : GATHER_MS;
    if (pause > 0)
        timer_set(j->engine->shard, &j->turn, shard_now(j->engine->shard) + pause);
    else
        jobs_look(j->engine);
}

/* Begins what has arrived, as far as this millisecond goes. */
static void
start_arrived(struct jobs *j)
{
    struct weir_shard *shard = j->engine->shard;
    for (struct job_claimed *one; (one = j->arrived) != NULL;) {
        if (!job_pace_may_begin(&j->pace, shard_now(shard)) && shard->manual_ms == 0) {
            timer_set(shard, &j->turn, shard_now(shard) + 1);
            return;
        }
        uint64_t began_ns = clock_mono_ns();
        j->arrived = one->next;
        start(j->engine, one);
        job_pace_began(&j->pace, shard_now(shard), clock_mono_ns() - began_ns);
    }
    claim_over(j);
}

static void
on_turn(void *arg)
{
    struct jobs *j = arg;
    if (j->claiming)
        start_arrived(j);
    else
        jobs_look(j->engine);
}

static void
look_idle(void *arg)
{
    engine_look_idle(arg);
}

void
jobs_init(struct engine *e, struct store *store)
{
    struct jobs *j = calloc(1, sizeof *j);
    if (j == NULL)
        abort();
    soon_init(&j->idle, look_idle, e);
    timer_init(&j->turn, on_turn, j);
    j->engine = e;
    j->store = store;
    e->jobs = j;
    job_cancel_begin(e);
    job_breaker_begin(e);
}

void
job_start_arrived(struct engine *e, const char *id)
{
    for (struct job_claimed **at = &e->jobs->arrived; *at; at = &(*at)->next) {
        struct job_claimed *one = *at;
        if (strcmp(one->id, id) != 0)
            continue;
        *at = one->next;
        start(e, one);
        return;
    }
}

static void
claimed(struct store_op *op, const struct weir_error *err)
{
    struct claiming *taken = (struct claiming *)(void *)op;
    const struct job_claim *c = &taken->claim;
    struct engine *e = job_op_told(op);
    struct jobs *j = e->jobs;
    j->more = !err && c->n == c->max;
    j->some = !err && c->n > 0;
    if (err && !j->stopped)
        log_say(WEIR_WARN, "jobs could not be claimed: %s", err->text);
    j->arrived = err ? NULL : c->jobs;
    for (unsigned i = 0; i < c->n_skip; i++)
        job_share_look(j, c->skip[i]);
    free(taken->skip);
    free(taken);
    if (j->stopped) /* it was asked for before the end */
        return_arrived(e);
    else
        start_arrived(j);
}

void
jobs_look(struct engine *e)
{
    struct jobs *j = e->jobs;
    struct weir_error err;
    unsigned room = j->n < JOBS_MAX ? JOBS_MAX - j->n : 0;
    if (j->stopped || j->claiming || j->waits || !j->begun || room < CLAIM_LEAST || timer_armed(&j->turn))
        return;
    struct claiming *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    struct job_claim *claim = &c->claim;
    claim->op = (struct store_op){ .shard = e->shard, .done = claimed, .kind = STORE_CLAIM };
    claim->max = room < CLAIM_MAX ? room : CLAIM_MAX;
    claim->gate = &places;
    claim->skip = c->skip = job_share_full(j, &claim->n_skip);
    j->claiming = true;
    if (job_submit(e, &claim->op, &err) == WEIR_OK)
        return;
    j->claiming = false;
    free(c->skip);
    free(c);
}

void
jobs_begin(struct engine *e)
{
    if (e->jobs == NULL || e->jobs->begun)
        return;
    e->jobs->begun = true;
    jobs_look(e);
}

void
jobs_stop(struct engine *e)
{
    if (e->jobs == NULL || e->jobs->stopped)
        return;
    e->jobs->stopped = true;
    return_arrived(e);
    store_unpark(e->jobs->store);
    store_wait_end(e->jobs->store, e->shard);
}
