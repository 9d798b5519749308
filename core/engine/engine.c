/* engine/engine.c - the engine of a shard: generations come and go, events come in. See engine.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "engine/admission.h"
#include "engine/job.h"
#include "engine/metrics.h"
#include "engine/once.h"
#include "engine/older.h"
#include "engine/run.h"
#include "engine/warm.h"
#include "net/http1_write.h"
#include "net/redis.h"

static uint32_t
family(uint32_t kind, const char *name, const char *help, const char *labels)
{
    struct weir_metric m = { .size = sizeof m, .kind = kind, .name = name, .help = help, .labels = labels,
                             .max_series = 10000 };
    struct weir_error err = { 0 };
    uint32_t f = metric_family(&m, &err);
    assert(f != 0);
    return f;
}

/* The end of each request to an upstream. */
static void
report(void *arg, const struct client_report *r)
{
    struct engine *e = arg;
    char status[HTTP_NUMBER_MAX]; /* without printf: for each request */
    size_t digits = (size_t)(http_put_number(status, r->status) - status);
    struct weir_text labels[] = { r->server, r->method, { status, digits },
                                  text_of(r->code ? code_name(r->code) : "") };
    metric_add(e->shard->index, metric_series_of(e->shard->index, e->client_family, labels),
               (double)r->duration_ns / 1e9);
}

enum weir_code
engine_shard_new(struct weir_shard *s, const struct engine_limits *limits, struct weir_error *err)
{
    struct engine *e = calloc(1, sizeof *e);
    if (e == NULL)
        abort();
    e->shard = s;
    e->limits = *limits;
    list_init(&e->runs);
    list_init(&e->leaving);
    admission_begin(e);
    list_init(&e->olders);
    list_init(&e->fetches);
    list_init(&e->claims);
    topics_init(&e->topics, s);
    atomic_init(&e->n_runs, 0);
    if (client_new(s, &e->client, err) != WEIR_OK) {
        free(e);
        return (enum weir_code)err->code;
    }
    client_on_report(e->client, report, e);
    if (limits->client)
        client_configure(e->client, limits->client);
    e->client_family = family(WEIR_HISTOGRAM, "http_client_request_duration_seconds",
                              "How long requests to upstreams took.",
                              "server_address http_request_method http_response_status_code error_type");
    e->error_family = family(WEIR_COUNTER, "weir_node_errors_total", "Nodes that failed for good.",
                             "pipeline node code");
    e->retry_family = family(WEIR_COUNTER, "weir_retries_total", "Attempts after the first one.",
                             "pipeline node");
    e->refusal_family = family(WEIR_COUNTER, "weir_admission_refused_total",
                               "Events that got no run: by which limit.", "pipeline reason");
    e->claim_family = family(WEIR_COUNTER, "weir_idempotency_store_total",
                             "What the Redis of an idempotency key said, or that it said nothing.", "pipeline decision");
    s->slots[SHARD_ENGINE] = e;
    topics_join(&e->topics);
    if (limits->store)
        jobs_init(e, limits->store);
    return WEIR_OK;
}

static void
free_run(struct run *r)
{
    arena_fini(&r->arena);
    free(r);
}

void
engine_end(struct weir_shard *s)
{
    struct engine *e = engine_of(s);
    if (e == NULL)
        return;
    e->draining = e->ending = true;
    e->when_idle = NULL;
    jobs_stop(e);
    olders_end(e);
    admission_refuse_all(e);
    once_refuse_all(e);
    redis_stop(s); /* who waits for a reply is told, and can answer */
    host_fetches_end(e);
    while (!list_empty(&e->runs))
        run_end(list_entry(e->runs.next, struct run, link));
    jobs_free(e);
    admission_settle(e);
    once_settle(e);
}

void
engine_shard_free(struct weir_shard *s)
{
    struct engine *e = engine_of(s);
    if (e == NULL)
        return;
    soon_remove(&e->start_placed);
    timer_unset(e->shard, &e->later_placed);
    timer_unset(e->shard, &e->first_look);
    timer_unset(e->shard, &e->impatience);
    topics_leave(&e->topics);
    client_free(&e->client);
    if (e->prepared)
        engine_abandon(s, e->prepared->generation);
    if (e->current) {
        for (unsigned i = 0; i < e->current->generation->pipelines.n; i++) {
            struct flow *f = &e->current->generation->flows[i];
            for (unsigned k = 0; k < f->pipeline->n_triggers; k++)
                if (f->triggers[k].type->stop)
                    f->triggers[k].type->stop(trigger_state(e->current, &f->triggers[k]));
        }
        part_retire(e->current);
    }
    parts_end(e);
    claims_free(e);
    redis_free(s);
    topics_fini(&e->topics);
    while (e->n_free_runs > 0)
        free_run(e->free_runs[--e->n_free_runs]);
    s->slots[SHARD_ENGINE] = NULL;
    free(e);
}

enum weir_code
engine_prepare(struct weir_shard *s, struct generation *g, struct weir_error *err)
{
    struct engine *e = engine_of(s);
    assert(e->prepared == NULL);
    return part_new(s, g, &e->prepared, err);
}

void
engine_prepare_in_turns(struct weir_shard *s, struct generation *g,
                        void (*fn)(void *arg, const struct weir_error *err), void *arg)
{
    assert(engine_of(s)->prepared == NULL);
    part_begin(engine_of(s), g, fn, arg);
}

/* Starts or stops all triggers of PART. */
static void
switch_triggers(struct generation_part *part, bool on)
{
    struct generation *g = part->generation;
    for (unsigned i = 0; i < g->pipelines.n; i++)
        for (unsigned k = 0; k < g->flows[i].pipeline->n_triggers; k++) {
            struct trigger_unit *t = &g->flows[i].triggers[k];
            void (*fn)(void *) = on ? t->type->start : t->type->stop;
            if (fn)
                fn(trigger_state(part, t));
        }
}

void
engine_commit(struct weir_shard *s, struct generation *g)
{
    struct engine *e = engine_of(s);
    assert(e->prepared && e->prepared->generation == g);
    struct generation_part *old = e->current;
    e->current = e->prepared;
    e->prepared = NULL;
    if (old)
        switch_triggers(old, false);
    if (e->stand_in == NULL) /* a test brings its events itself */
        switch_triggers(e->current, true);
    if (old)
        part_retire(old);
    olders_renew(e);
    if (e->jobs)
        older_note(e, g);
    jobs_begin(e);
}

void
engine_abandon(struct weir_shard *s, struct generation *g)
{
    struct engine *e = engine_of(s);
    if (e->prepared == NULL || e->prepared->generation != g)
        return;
    struct generation_part *part = e->prepared;
    e->prepared = NULL;
    part_retire(part);
}

struct generation *
engine_generation(struct weir_shard *s)
{
    struct engine *e = engine_of(s);
    return e->current ? e->current->generation : NULL;
}

void *
engine_routes(struct weir_shard *s)
{
    struct engine *e = engine_of(s);
    return e->current ? e->current->generation->routes : NULL;
}

void
engine_offer(struct weir_event *e, struct trigger_unit *t)
{
    struct engine *en = engine_of(e->shard);
    warm_fetch(t, en->current, e->shard->index);
    e->trigger = t;
    e->part = en->current;
    part_pin(e->part);
    if (e->screened != 0 && e->screened != generation_number(e->part->generation))
        value_unref(&e->auth); /* who may enter may be others by now */
    if (t->type->accept && e->connection == NULL) { /* one that is part of a connection was accepted with it */
        t->type->accept(e, trigger_state(e->part, t));
        return;
    }
    e->decided = true;
    admission_offer(e);
}

bool
engine_screen(struct weir_event *e, struct trigger_unit *t)
{
    struct engine *en = engine_of(e->shard);
    struct generation_part *part = en->current;
    struct reply_header *headers = e->reply_headers;
    if (t->type->screen == NULL)
        return false;
    e->trigger = t;
    e->part = part;
    part_pin(part);
    if (t->type->screen(e, trigger_state(part, t)))
        return true;
    e->trigger = NULL;
    e->part = NULL;
    e->reply_headers = headers;
    e->screened = generation_number(part->generation);
    part_unpin(part);
    return false;
}

/* Puts H in the place of the header of its name, or behind all N of LIST. */
static void
put_header(struct weir_header *list, unsigned *n, const struct weir_header *h)
{
    unsigned i = 0;
    while (i < *n && !text_equal(list[i].name, h->name))
        i++;
    list[i] = *h;
    *n += i == *n;
}

enum weir_code
engine_sign(struct weir_event *e, struct trigger_unit *t, struct weir_error *err)
{
    struct weir_header made[WEIR_SIGNED_MAX];
    uint32_t n = 0;
    struct engine *en = engine_of(e->shard);
    if (t->type->sign == NULL)
        return err_set(err, WEIR_INVALID, "a trigger of type %s takes no signed requests", t->type->name);
    uint32_t code = t->type->sign(e, trigger_state(en->current, t), made, &n, err);
    if (code != WEIR_OK)
        return (enum weir_code)code;
    struct weir_header *list = arena_alloc(e->arena, (e->n_headers + n) * sizeof *list);
    if (list == NULL)
        return err_set(err, WEIR_TOO_LARGE, "the event needs more memory than it may have");
    if (e->n_headers > 0)
        memcpy(list, e->headers, e->n_headers * sizeof *list);
    for (uint32_t i = 0; i < n; i++)
        put_header(list, &e->n_headers, &made[i]);
    e->headers = list;
    return WEIR_OK;
}

void
engine_gone(struct weir_event *e)
{
    if (e->gone)
        return;
    e->gone = true;
    if (e->run) {
        struct run *r = e->run;
        bool unanswered = !e->replied || (r->streaming && !r->sent);
        if (unanswered && r->flow->pipeline->durable == DURABLE_NO)
            run_cancel(r, WEIR_CANCELLED, "the caller went away");
        return;
    }
    if (e->decided && !e->replied && e->job == NULL && (admission_forget(e) || once_forget(e))) {
        struct generation_part *part = e->part;
        once_end(e, false);
        e->ops->release(e);
        part_unpin(part);
    }
}

void
engine_reply_sent(struct weir_event *e, const struct weir_error *err)
{
    if (e->run)
        run_reply_sent(e->run, err);
}

unsigned
engine_runs(struct weir_shard *s)
{
    struct engine *e = engine_of(s);
    return e ? atomic_load_explicit(&e->n_runs, memory_order_relaxed) : 0;
}

void
engine_look_idle(struct engine *e)
{
    bool jobs = e->jobs && e->jobs->n_ops > 0; /* an event that waits for its commit becomes a run */
    if (e->draining && e->when_idle && !jobs && e->n_claims_ending == 0 &&
        atomic_load_explicit(&e->n_runs, memory_order_relaxed) == 0)
        e->when_idle(e->idle_arg);
}

void
engine_drain(struct weir_shard *s, void (*when_idle)(void *arg), void *arg)
{
    struct engine *e = engine_of(s);
    e->draining = true;
    e->when_idle = when_idle;
    e->idle_arg = arg;
    jobs_stop(e);
    olders_give_back(e);
    admission_refuse_all(e);
    once_refuse_all(e);
    engine_look_idle(e);
}

void
engine_cancel_all(struct weir_shard *s)
{
    struct engine *e = engine_of(s);
    list_each(link, next, &e->runs)
        run_cancel(list_entry(link, struct run, link), WEIR_CANCELLED, "this server is shutting down");
}
