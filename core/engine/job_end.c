/* engine/job_end.c - the end of a job's attempt, and failed runs that are kept as dead jobs. See
 * job.h.
 *
 * What becomes dead is published as job.dead once it is committed, and as incident if nothing has
 * failed so for a while, so that a pipeline can tell people. One that was started by such an event itself is not: it would start itself again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/job.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/job_event.h"
#include "engine/job_trace.h"
#include "engine/once.h"
#include "engine/retry.h"

#define EVENT_MAX (16u << 20) /* bytes of a stored event */
#define INCIDENTS_A_MINUTE 60u /* that are told of, on each shard */
#define UNTRIED_MS 1000u /* the least pause behind an attempt that does not count */
#define KEPT_A_SECOND 100u    /* dead jobs of runs that were not durable, on each shard */

/* The end of an attempt on its way into the store, with its own copy of all texts. */
struct finishing {
    struct job_finish finish;
    struct weir_text pipeline; /* empty: its death is not published */
    struct buf texts;
};

/* Whether one more incident is told of in this minute. */
static bool
may_tell(struct jobs *jobs)
{
    uint64_t minute = shard_now(jobs->engine->shard) / 60000;
    if (minute != jobs->incident_minute)
        jobs->incidents = 0;
    jobs->incident_minute = minute;
    if (jobs->incidents++ == INCIDENTS_A_MINUTE)
        log_say(WEIR_WARN, "more than %u new kinds of failures in a minute: no more events 'incident' are published in it",
                INCIDENTS_A_MINUTE);
    return jobs->incidents <= INCIDENTS_A_MINUTE;
}

/* What is known of a dead job. */
static struct weir_builder *
describe_dead(const char *id, struct weir_text pipeline, enum job_reason reason,
              const struct job_failure *f)
{
    struct weir_builder *b = builder_map();
    const struct weir_value *v = value_text(id);
    builder_set(b, "job", 3, &v);
    v = value_string(pipeline.bytes, pipeline.len);
    builder_set(b, "pipeline", 8, &v);
    v = value_text(job_reason_word(reason));
    builder_set(b, "reason", 6, &v);
    v = value_text(code_name(f->code));
    builder_set(b, "code", 4, &v);
    v = value_string(f->node.bytes, f->node.len);
    builder_set(b, "node", 4, &v);
    v = value_string(f->message.bytes, f->message.len);
    builder_set(b, "message", 7, &v);
    return b;
}

static void
publish_dead(struct engine *e, const char *id, struct weir_text pipeline, enum job_reason reason,
             const struct job_failure *f, const struct job_incident *incident)
{
    struct weir_builder *b = describe_dead(id, pipeline, reason, f);
    const struct weir_value *v = builder_end(&b);
    topic_publish(&e->topics, TEXT("job.dead"), v);
    value_unref(&v);
    if (!incident->is || !may_tell(e->jobs))
        return;
    b = describe_dead(id, pipeline, reason, f);
    v = value_text(incident->fingerprint);
    builder_set(b, "fingerprint", 11, &v);
    v = value_int(incident->alike);
    builder_set(b, "count", 5, &v);
    v = builder_end(&b);
    topic_publish(&e->topics, TEXT("incident"), v);
    value_unref(&v);
}

/* The pipeline of R if the death of its job is to be published. */
static const char *
published(const struct run *r)
{
    return text_is(r->event->method, "EMIT") ? "" : r->flow->pipeline->name;
}

static struct weir_text
keep_text(struct buf *b, const char *s)
{
    size_t at = b->len;
    struct weir_text t = text_of(s ? s : "");
    (void)buf_add(b, t.bytes, t.len, NULL);
    return (struct weir_text){ (const char *)at, b->len - at }; /* an offset: the buffer may move */
}

static void
settle_text(struct weir_text *t, const struct buf *b)
{
    *t = (struct weir_text){ t->len > 0 ? b->bytes + (size_t)t->bytes : "", t->len };
}

static void
finished(struct store_op *op, const struct weir_error *err)
{
    struct finishing *f = (struct finishing *)(void *)op;
    struct engine *e = job_op_told(op);
    if (err)
        log_say(WEIR_WARN, "job %s: its end was not stored: %s", f->finish.id, err->text);
    else if (f->finish.state == JOB_DEAD && f->pipeline.len > 0)
        publish_dead(e, f->finish.id, f->pipeline, f->finish.reason, &f->finish.failure,
                     &f->finish.incident);
    buf_fini(&f->texts);
    free(f);
    jobs_look(e); /* one that had no run is over for nobody else */
}

static struct finishing *
finishing_new(const struct engine *en, const char *id, uint32_t attempt, enum job_state state)
{
    struct finishing *f = calloc(1, sizeof *f);
    if (f == NULL)
        abort();
    buf_init(&f->texts, EVENT_MAX);
    f->finish.op = (struct store_op){ .shard = en->shard, .done = finished, .kind = STORE_FINISH };
    memcpy(f->finish.id, id, sizeof f->finish.id);
    f->finish.attempt = attempt;
    f->finish.state = state;
    f->finish.ended_ms = clock_wall_ms();
    return f;
}

static void
submit_finish(struct engine *en, struct finishing *f)
{
    struct weir_error err;
    if (job_submit(en, &f->finish.op, &err) == WEIR_OK)
        return;
    log_say(WEIR_WARN, "job %s: its end is not stored: %s", f->finish.id, err.text);
    buf_fini(&f->texts);
    free(f);
}

static void
forget(struct job *j)
{
    free(j->answer);
    j->answer = NULL;
    job_memory_free(j);
    job_choices_free(&j->choices);
    j->choices_end = NULL;
}

void
job_give_back(struct weir_event *e)
{
    struct engine *en = engine_of(e->shard);
    struct job *j = e->job;
    submit_finish(en, finishing_new(en, j->id, j->attempt, JOB_READY));
    if (j->claimed)
        job_share_less(en->jobs, text_of(e->trigger->flow->pipeline->name));
    forget(j);
    e->job = NULL;
}

void
job_cancel_waiting(struct weir_event *e, const char *why)
{
    struct engine *en = engine_of(e->shard);
    struct job *j = e->job;
    struct finishing *f = finishing_new(en, j->id, j->attempt, JOB_CANCELLED);
    f->finish.started_ms = f->finish.ended_ms;
    f->finish.failure.code = WEIR_CANCELLED;
    f->finish.failure.message = keep_text(&f->texts, why);
    settle_text(&f->finish.failure.message, &f->texts);
    submit_finish(en, f);
    if (j->claimed)
        job_share_less(en->jobs, text_of(e->trigger->flow->pipeline->name));
    forget(j);
    e->job = NULL;
}

void
job_bury(struct engine *e, const struct job_claimed *c, enum job_reason reason, const char *why)
{
    struct finishing *f = finishing_new(e, c->id, c->attempt, JOB_DEAD);
    f->finish.reason = reason;
    f->finish.started_ms = f->finish.ended_ms;
    f->finish.failure.code = WEIR_INTERNAL;
    f->finish.failure.message = keep_text(&f->texts, why);
    settle_text(&f->finish.failure.message, &f->texts);
    submit_finish(e, f);
}

void
job_return(struct engine *e, const struct job_claimed *c)
{
    submit_finish(e, finishing_new(e, c->id, c->attempt, JOB_READY));
}

/* Whether the server's end, and nothing else, ended R. */
static bool
is_cut(const struct run *r)
{
    return r->failure && r->failure->error.code == WEIR_CANCELLED && (r->engine->draining || r->engine->ending);
}

/* Whether what failed may have been done all the same, and must not be done twice. */
static bool
may_be_done(const struct run *r)
{
    const struct failure *f = r->failure;
    const struct node *n = f->node ? pipeline_node(r->flow->pipeline, text_of(f->node)) : NULL;
    return n && f->error.sent && node_effect(n) == WEIR_EFFECT_UNSAFE;
}

/* Whether ERR says that nothing was tried: its detail has { tried: false }. */
static bool
is_untried(const struct weir_error *err)
{
    const struct weir_value *tried = err->detail ? value_field(err->detail, "tried") : NULL;
    return tried && tried->type == WEIR_BOOL && !tried->boolean;
}

void
job_decide(struct run *r)
{
    struct job *j = r->event->job;
    if (j == NULL || r->failure == NULL || j->cancelled || is_cut(r) || j->diverged || j->open_unsafe > 0 || may_be_done(r))
        return;
    const struct weir_error *err = &r->failure->error;
    j->untried = is_untried(err);
    j->retrying = retry_job_wanted(r->flow->pipeline, j->attempt - j->untried, err, &j->wait_ms);
    if (j->untried && j->wait_ms < UNTRIED_MS) /* nothing else bounds how often */
        j->wait_ms = UNTRIED_MS;
}

static enum job_state
state_of(const struct run *r)
{
    if (r->suspended)
        return JOB_WAITING;
    if (r->failure == NULL)
        return JOB_COMPLETED;
    if (r->event->job->diverged)
        return JOB_DEAD;
    if (r->event->job->cancelled) /* whatever it failed with meanwhile */
        return r->event->job->open_unsafe > 0 || may_be_done(r) ? JOB_DEAD : JOB_CANCELLED;
    if (is_cut(r))
        return r->event->job->open_unsafe > 0 ? JOB_DEAD : JOB_READY;
    if (r->event->job->retrying)
        return JOB_RETRYABLE;
    return r->failure->error.code == WEIR_CANCELLED ? JOB_CANCELLED : JOB_DEAD;
}

static enum job_reason
reason_of(const struct run *r)
{
    const struct failure *f = r->failure;
    if (r->event->job && r->event->job->open_unsafe > 0)
        return JOB_UNKNOWN_EFFECT_REASON;
    if (r->event->job && r->event->job->diverged)
        return JOB_DIVERGED_REASON;
    if (f->error.code == WEIR_TIMEOUT && f->node == NULL)
        return JOB_TIMEOUT_REASON;
    return code_is_later(f->error.code) ? JOB_EXHAUSTED_REASON : JOB_UNRECOVERABLE_REASON;
}

/* How long the job that ends is kept, as its pipeline says. What a key's later events are
 * answered is kept as long as the key. */
static void
set_keep(struct job_finish *end, const struct run *r)
{
    const struct pipeline *p = r->flow->pipeline;
    const struct retention_times *t = &p->retention;
    end->keep_ms = end->state == JOB_COMPLETED   ? t->completed_ms
                   : end->state == JOB_CANCELLED ? t->cancelled_ms
                   : end->state == JOB_DEAD      ? t->dead_ms
                                                 : 0;
    end->keep_least_ms = r->event->job->once ? once_ttl(r->event) : 0;
    end->payload_keep_ms = t->payloads_ms;
    end->keep_steps = pipeline_records(p); /* all of them: then they tell the way that it went */
}

static void
finish_job(struct run *r)
{
    struct engine *en = r->engine;
    struct job *j = r->event->job;
    struct finishing *f = finishing_new(en, j->id, j->attempt, state_of(r));
    struct job_finish *end = &f->finish;
    end->seq = j->seq;
    end->started_ms = r->started_wall_ms;
    set_keep(end, r);
    size_t at = f->texts.len;
    if (j->answer)
        (void)buf_add(&f->texts, j->answer, j->answer_len, NULL);
    end->result = (struct weir_text){ (const char *)at, f->texts.len - at };
    end->revision = keep_text(&f->texts, r->flow->pipeline->revision);
    if (end->state == JOB_RETRYABLE) {
        end->due_ms = end->ended_ms + j->wait_ms;
        end->untried = j->untried;
    }
    if (end->state == JOB_WAITING) {
        end->due_ms = j->due_ms;
    } else if (r->failure) {
        end->reason = end->state == JOB_DEAD ? reason_of(r) : 0;
        end->failure.code = j->diverged ? WEIR_INTERNAL : r->failure->error.code;
        end->failure.node = keep_text(&f->texts, r->failure->node);
        end->failure.message = keep_text(&f->texts, j->diverged ? j->diverged : r->failure->error.text);
        f->pipeline = keep_text(&f->texts, published(r));
        at = f->texts.len;
        job_trace_write(&f->texts, r);
        end->trace = (struct weir_text){ (const char *)at, f->texts.len - at };
        settle_text(&end->failure.node, &f->texts);
        settle_text(&end->failure.message, &f->texts);
        settle_text(&end->trace, &f->texts);
        settle_text(&f->pipeline, &f->texts);
    }
    settle_text(&end->result, &f->texts);
    settle_text(&end->revision, &f->texts);
    submit_finish(en, f);
    forget(j);
    r->event->job = NULL;
}

/* -- failed runs that were not durable -- */

bool
job_may_keep(const struct run *r, uint32_t code)
{
    static const uint32_t codes = 1u << WEIR_UPSTREAM | 1u << WEIR_TIMEOUT | 1u << WEIR_UNAVAILABLE |
                                  1u << WEIR_SCRIPT | 1u << WEIR_INTERNAL;
    const struct jobs *jobs = r->engine->jobs;
    bool full = jobs->kept_failed >= KEPT_A_SECOND && jobs->kept_second == shard_now(r->engine->shard) / 1000;
    return jobs->store && !full && r->flow->pipeline->keep_failed && codes & 1u << code;
}

/* What is worth a look later: not what the caller did wrong. */
static bool
is_kept(const struct run *r)
{
    return r->failure && r->depth == 0 && job_may_keep(r, r->failure->error.code);
}

/* At most so many a second, so that no sender can fill the disk. */
static bool
takes_one_more(struct jobs *jobs)
{
    uint64_t second = shard_now(jobs->engine->shard) / 1000;
    if (second != jobs->kept_second) {
        jobs->kept_second = second;
        jobs->kept_failed = 0;
    }
    return jobs->kept_failed++ < KEPT_A_SECOND;
}

struct keeping {
    struct job_accept accept;
    bool published;
    struct buf bytes;
};

static void
kept(struct store_op *op, const struct weir_error *err)
{
    struct keeping *k = (struct keeping *)(void *)op;
    const struct job_accept *a = &k->accept;
    struct engine *e = job_op_told(op);
    if (err)
        log_say(WEIR_WARN, "a failed run of %.*s was not kept: %s", (int)a->pipeline.len,
                a->pipeline.bytes, err->text);
    else if (k->published)
        publish_dead(e, a->id, a->pipeline, a->reason, &a->failure, &a->incident);
    buf_fini(&k->bytes);
    free(k);
}

static void
fill_dead(struct keeping *k, const struct run *r, size_t event_len)
{
    struct job_accept *op = &k->accept;
    op->op = (struct store_op){ .shard = r->engine->shard, .done = kept, .kind = STORE_ACCEPT };
    memcpy(op->id, r->id, sizeof op->id);
    op->state = JOB_DEAD;
    op->pipeline = keep_text(&k->bytes, r->flow->pipeline->name);
    op->revision = keep_text(&k->bytes, r->flow->pipeline->revision);
    op->failure.code = r->failure->error.code;
    op->failure.node = keep_text(&k->bytes, r->failure->node);
    op->failure.message = keep_text(&k->bytes, r->failure->error.text);
    size_t at = k->bytes.len;
    job_trace_write(&k->bytes, r);
    op->trace = (struct weir_text){ (const char *)at, k->bytes.len - at };
    op->event = (struct weir_text){ NULL, event_len };
    struct weir_text *texts[] = { &op->pipeline, &op->revision,        &op->failure.node,
                                  &op->trace,    &op->failure.message, &op->event };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        settle_text(texts[i], &k->bytes);
    op->reason = reason_of(r);
    k->published = *published(r) != '\0';
    op->created_ms = op->started_ms = r->started_wall_ms;
    op->keep_ms = r->flow->pipeline->retention.dead_ms;
    op->payload_keep_ms = r->flow->pipeline->retention.payloads_ms;
    op->ended_ms = clock_wall_ms();
}

static void
keep_failed(struct run *r)
{
    struct jobs *jobs = r->engine->jobs;
    if (!takes_one_more(jobs))
        return;
    struct keeping *k = calloc(1, sizeof *k);
    struct weir_error err;
    if (k == NULL)
        abort();
    buf_init(&k->bytes, EVENT_MAX);
    if (job_event_write(&k->bytes, r->event, &err) == WEIR_OK) {
        fill_dead(k, r, k->bytes.len);
        if (job_submit(r->engine, &k->accept.op, &err) == WEIR_OK)
            return;
    }
    buf_fini(&k->bytes);
    free(k);
}

void
job_finish(struct run *r)
{
    if (r->engine->jobs == NULL)
        return;
    bool claimed = r->event->job && r->event->job->claimed;
    if (r->event->job)
        finish_job(r);
    else if (is_kept(r))
        keep_failed(r);
    if (claimed)
        job_share_less(r->engine->jobs, text_of(r->flow->pipeline->name));
    jobs_look(r->engine);
}
