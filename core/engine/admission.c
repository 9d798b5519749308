/* engine/admission.c - see admission.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/admission.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/job.h"
#include "engine/metrics.h"
#include "engine/once.h"

#define RETRY_AFTER_MS 1000u
#define KEY_MAX 512u

void
admission_start(struct weir_event *e, struct gate *g, struct weir_text key)
{
    assert(e->job == NULL || e->job->attempt > 0);
    e->gate_key = g ? key : (struct weir_text){ NULL, 0 };
    run_start(e);
}

const char *
admission_text_of(enum admission_refusal why)
{
    static const char *const texts[] = { "",
#define X(name, reason, text) text,
                                         ADMISSION_REFUSALS(X)
#undef X
    };
    return texts[why];
}

void
admission_count(const struct weir_shard *s, const struct flow *f, enum admission_refusal why)
{
    static const struct weir_text reasons[] = { { "", 0 },
#define X(name, reason, text) { reason, sizeof(reason) - 1 },
                                                ADMISSION_REFUSALS(X)
#undef X
    };
    const struct engine *en = s->slots[SHARD_ENGINE];
    const struct weir_text labels[] = { text_of(f->pipeline->name), reasons[why] };
    metric_add(s->index, metric_series_of(s->index, en->refusal_family, labels), 1);
}

void
admission_refuse(struct weir_event *e, enum admission_refusal why)
{
    struct weir_error err = { 0 };
    admission_count(e->shard, e->trigger->flow, why);
    err_set(&err, WEIR_UNAVAILABLE, "%s", admission_text_of(why));
    err.retry_after_ms = RETRY_AFTER_MS;
    struct generation_part *part = e->part;
    if (e->job)
        job_give_back(e);
    once_end(e, false); /* of a job, what other gateways were told stays */
    event_answer_error(e, &err);
    e->ops->release(e);
    part_unpin(part);
}

/* An expression wants a run: one that has only its event yet. */
static void
probe_begin(struct run *probe, struct scope *s, struct weir_event *e)
{
    memset(probe, 0, sizeof *probe);
    list_init(&probe->failures);
    probe->event = e;
    probe->flow = e->trigger->flow;
    probe->part = e->part;
    probe->engine = engine_of(e->shard);
    arena_init(&probe->arena, 1024, 1u << 20);
    scope_init(s, probe, NULL);
}

static void
probe_end(struct run *probe)
{
    run_forget(probe);
    arena_fini(&probe->arena);
}

enum weir_code
admission_text(struct weir_event *e, const struct part *part, struct weir_text *ret, struct weir_error *err)
{
    struct run probe;
    struct scope s;
    probe_begin(&probe, &s, e);
    struct buf b;
    buf_init(&b, KEY_MAX);
    enum weir_code code = part_eval_text(part, &s.env, &b, err);
    if (code == WEIR_OK) {
        char *copy = arena_copy(e->arena, b.bytes, b.len);
        *ret = copy ? (struct weir_text){ copy, b.len } : *ret;
    } else {
        run_hide_error(&probe, err);
    }
    buf_fini(&b);
    probe_end(&probe);
    return code;
}

enum weir_code
admission_eval(struct weir_event *e, const struct part *part, const struct weir_value **ret, struct weir_error *err)
{
    struct run probe;
    struct scope s;
    probe_begin(&probe, &s, e);
    enum weir_code code = part_eval(part, &s.env, ret, err);
    if (code != WEIR_OK)
        run_hide_error(&probe, err);
    probe_end(&probe);
    return code;
}

/* The key of E's place: what concurrency.key gives, else the same for all. */
static enum weir_code
gate_key(struct weir_event *e, struct weir_text *ret, struct weir_error *err)
{
    const struct part *part = e->trigger->flow->pipeline->concurrency_key;
    *ret = GATE_ALL;
    enum weir_code code = part ? admission_text(e, part, ret, err) : WEIR_OK;
    if (ret->len == 0) /* as the store has it */
        *ret = GATE_ALL;
    return code;
}

enum admission_refusal
admission_closed(const struct engine *en)
{
    if (en->draining)
        return ADMISSION_DRAINING;
    if (atomic_load_explicit(&en->n_runs, memory_order_relaxed) >= en->limits.max_runs)
        return ADMISSION_RUNS;
    if (en->limits.max_lag_ms && en->shard->lag_ms > en->limits.max_lag_ms)
        return ADMISSION_LAG;
    return ADMISSION_OPEN;
}

/* Whether E is worked on: else it was answered like the first one of its key, or waits for that. */
static bool
is_first(struct weir_event *e)
{
    bool answered;
    struct generation_part *part = e->part;
    if (once_enter(e, &answered))
        return true;
    if (answered) {
        e->ops->release(e);
        part_unpin(part);
    }
    return false;
}

/* Whether the memory of this process, and maybe a Redis, has to be asked for E's key: else the store knows it. */
static bool
is_asked_for(const struct weir_event *e)
{
    const struct flow *f = e->trigger->flow;
    return (f->pipeline->idempotency || e->once_ttl_ms > 0) &&
           (!job_wanted(engine_of(e->shard), f) || claim_wanted(e));
}

void
admission_offer(struct weir_event *e)
{
    enum admission_refusal closed = admission_closed(engine_of(e->shard));
    if (engine_of(e->shard)->jobs)
        job_pace_call(shard_now(e->shard));
    if (closed != ADMISSION_OPEN)
        admission_refuse(e, closed);
    else if (!is_asked_for(e) || is_first(e))
        admission_enter(e);
}

void
admission_enter(struct weir_event *e)
{
    const struct flow *f = e->trigger->flow;
    bool durable = job_wanted(engine_of(e->shard), f);
    if (f->gate == NULL) {
        if (durable)
            job_accept(e, NULL, (struct weir_text){ NULL, 0 }, true);
        else
            admission_start(e, NULL, (struct weir_text){ NULL, 0 });
        return;
    }
    struct weir_error err = { 0 };
    struct weir_text key;
    if (gate_key(e, &key, &err) != WEIR_OK) {
        struct generation_part *part = e->part;
        once_end(e, false);
        event_answer_error(e, &err);
        value_unref(&err.detail);
        e->ops->release(e);
        part_unpin(part);
        return;
    }
    bool reject = f->pipeline->when_full == WHEN_FULL_REJECT;
    /* What can wait in the store does so behind those that are there. */
    bool yields = durable && !reject && f->pipeline->respond == RESPOND_ACCEPTED;
    bool placed = (yields ? gate_enter_last(f->gate, key) : gate_enter(f->gate, key, NULL, 0)) == GATE_PLACED;
    if (!placed && reject)
        admission_refuse(e, ADMISSION_REJECT);
    else if (durable)
        job_accept(e, f->gate, key, placed);
    else
        admission_go(e, f->gate, key, placed);
}

void
admission_go(struct weir_event *e, struct gate *gate, struct weir_text key, bool placed)
{
    struct engine *en = engine_of(e->shard);
    if (en->ending || (en->draining && !placed)) {
        if (placed && gate)
            admission_leave(en, gate, key);
        admission_refuse(e, ADMISSION_DRAINING);
    } else if (placed) {
        admission_start(e, gate, key);
    } else {
        admission_wait(en, e, gate, key);
    }
}

void
admission_resume(struct weir_event *e, struct weir_text held)
{
    struct engine *en = engine_of(e->shard);
    struct gate *gate = e->trigger->flow->gate;
    struct weir_text key = { NULL, 0 };
    struct weir_error err = { 0 };
    if (gate && gate_key(e, &key, &err) != WEIR_OK)
        key = held.bytes ? held : GATE_ALL; /* it had one when it was accepted */
    value_unref(&err.detail);
    bool placed = gate == NULL || (held.bytes && text_equal(held, key));
    if (held.bytes && !placed) /* the pipeline, or the event, was changed */
        admission_leave(en, gate, held);
    if (en->draining) {
        if (held.bytes && placed)
            admission_leave(en, gate, held);
        admission_refuse(e, ADMISSION_DRAINING);
        return;
    }
    admission_go(e, gate, key, placed || gate_enter(gate, key, NULL, 0) == GATE_PLACED);
}

void
admission_release(struct run *r)
{
    if (r->flow->gate == NULL || r->event->gate_key.bytes == NULL)
        return;
    admission_leave(r->engine, r->flow->gate, r->event->gate_key);
}
