/* engine/admission.c - see admission.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/admission.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/job.h"
#include "engine/once.h"
#include "engine/table.h"

#define QUEUE_MAX 10000u     /* events that wait on one shard */
#define LOOK_AGAIN_MS 5u     /* for a place that another shard has freed */
#define RETRY_AFTER_MS 1000u
#define KEY_MAX 512u

struct gate {
    struct gate *next;
    char *name;
    atomic_uint limit;
    struct weir_table *table; /* key to the number of runs */
};

/* An event that waits for a place. In the event's arena. */
struct waiting {
    struct weir_event *event;
    struct gate *gate;
    struct weir_text key;
    struct list link;
};

static pthread_mutex_t gates_lock = PTHREAD_MUTEX_INITIALIZER;
static struct gate *gates;

struct gate *
gate_of(const char *name, unsigned limit, bool todays)
{
    pthread_mutex_lock(&gates_lock);
    struct gate *g = gates;
    while (g && strcmp(g->name, name) != 0)
        g = g->next;
    if (g == NULL) {
        char table[160];
        snprintf(table, sizeof table, "concurrency/%s", name);
        g = calloc(1, sizeof *g);
        if (g == NULL || (g->name = strdup(name)) == NULL)
            abort();
        g->table = table_open(table, sizeof(uint32_t), 16u << 20);
        g->next = gates;
        gates = g;
        todays = true;
    }
    if (todays)
        atomic_store(&g->limit, limit);
    pthread_mutex_unlock(&gates_lock);
    return g;
}

static uint32_t
take_place(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    uint32_t *runs = entry;
    const unsigned *limit = arg;
    if (*runs >= *limit)
        return 0;
    ++*runs;
    return 1;
}

static uint32_t
give_place(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    (void)arg;
    uint32_t *runs = entry;
    if (*runs > 0)
        --*runs;
    return 0;
}

static uint32_t
is_unused(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    (void)arg;
    return *(uint32_t *)entry == 0;
}

/* Whether a place was free; it is taken then. */
static bool
enter(struct gate *g, struct weir_text key)
{
    unsigned limit = atomic_load_explicit(&g->limit, memory_order_relaxed);
    uint32_t taken = 0;
    if (table_entry(g->table, key, true, take_place, &limit, &taken))
        return taken;
    table_sweep(g->table, is_unused, NULL); /* full: make room, keys come and go */
    return table_entry(g->table, key, true, take_place, &limit, &taken) && taken;
}

/* Whether somebody in line on this shard waits for the same place. */
static bool
is_waited_for(const struct engine *en, const struct gate *g, struct weir_text key)
{
    for (const struct list *link = en->waiting.next; link != &en->waiting; link = link->next) {
        const struct waiting *w = list_entry(link, const struct waiting, link);
        if (w->gate == g && text_equal(w->key, key))
            return true;
    }
    return false;
}

/* The same for an event that has just come: it does not overtake who is in line. */
static bool
enter_first(const struct engine *en, struct gate *g, struct weir_text key)
{
    if (!enter(g, key))
        return false;
    if (!is_waited_for(en, g, key))
        return true;
    table_entry(g->table, key, false, give_place, NULL, NULL);
    return false;
}

/* Starts the run; the key of its place stays with it. */
static void
start(struct weir_event *e, struct gate *g, struct weir_text key)
{
    e->gate_key = g ? key : (struct weir_text){ NULL, 0 };
    run_start(e);
}

static void
refuse(struct weir_event *e, const char *why)
{
    struct weir_error err = { 0 };
    err_set(&err, WEIR_UNAVAILABLE, "%s", why);
    err.retry_after_ms = RETRY_AFTER_MS;
    struct generation_part *part = e->part;
    if (e->job)
        job_give_back(e);
    once_end(e, false);
    event_answer_error(e, &err);
    e->ops->release(e);
    part_unpin(part);
}

static void look_again(void *arg);

static void
wait_in_line(struct engine *en, struct weir_event *e, struct gate *g, struct weir_text key)
{
    struct waiting *w = en->n_waiting < QUEUE_MAX ? arena_alloc(e->arena, sizeof *w) : NULL;
    if (w == NULL) {
        refuse(e, "too many events wait for a place");
        return;
    }
    w->event = e;
    w->gate = g;
    w->key = key;
    list_push(&en->waiting, &w->link);
    en->n_waiting++;
    if (!timer_armed(&en->look)) {
        timer_init(&en->look, look_again, en);
        timer_set(en->shard, &en->look, shard_now(en->shard) + LOOK_AGAIN_MS);
    }
}

/* Tries everybody in line, in order; who fails holds back the others of the same key. */
static void
look_again(void *arg)
{
    struct engine *en = arg;
    const struct waiting *full = NULL; /* the last one that found no place */
    list_each(link, next, &en->waiting)
    {
        struct waiting *w = list_entry(link, struct waiting, link);
        if ((full && full->gate == w->gate && text_equal(full->key, w->key)) || !enter(w->gate, w->key)) {
            full = w;
            continue;
        }
        list_remove(&w->link);
        en->n_waiting--;
        start(w->event, w->gate, w->key);
    }
    if (en->n_waiting > 0)
        timer_set(en->shard, &en->look, shard_now(en->shard) + LOOK_AGAIN_MS);
}

enum weir_code
admission_text(struct weir_event *e, const struct part *part, struct weir_text *ret, struct weir_error *err)
{
    struct run probe; /* an expression wants a run: one that has only its event yet */
    memset(&probe, 0, sizeof probe);
    list_init(&probe.failures);
    probe.event = e;
    probe.flow = e->trigger->flow;
    probe.part = e->part;
    arena_init(&probe.arena, 1024, 1u << 20);
    struct scope s;
    scope_init(&s, &probe, NULL);
    struct buf b;
    buf_init(&b, KEY_MAX);
    enum weir_code code = part_eval_text(part, &s.env, &b, err);
    if (code == WEIR_OK) {
        char *copy = arena_copy(e->arena, b.bytes, b.len);
        *ret = copy ? (struct weir_text){ copy, b.len } : *ret;
    }
    buf_fini(&b);
    run_forget(&probe);
    arena_fini(&probe.arena);
    return code;
}

/* The key of E's place: what concurrency.key gives, else the same for all. */
static enum weir_code
gate_key(struct weir_event *e, struct weir_text *ret, struct weir_error *err)
{
    const struct part *part = e->trigger->flow->pipeline->concurrency_key;
    *ret = TEXT("*");
    return part ? admission_text(e, part, ret, err) : WEIR_OK;
}

const char *
admission_closed(const struct engine *en)
{
    if (en->draining)
        return "this server is shutting down";
    if (atomic_load_explicit(&en->n_runs, memory_order_relaxed) >= en->limits.max_runs)
        return "too many runs are in flight";
    if (en->limits.max_lag_ms && en->shard->lag_ms > en->limits.max_lag_ms)
        return "this server is overloaded";
    return NULL;
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

void
admission_offer(struct weir_event *e)
{
    struct engine *en = engine_of(e->shard);
    const struct flow *f = e->trigger->flow;
    const char *closed = admission_closed(en);
    if (closed) {
        refuse(e, closed);
        return;
    }
    bool durable = job_wanted(en, f);
    if (!durable && (f->pipeline->idempotency || e->once_ttl_ms > 0) && !is_first(e))
        return;
    if (f->gate == NULL) {
        if (durable)
            job_accept(e, NULL, (struct weir_text){ NULL, 0 }, true);
        else
            start(e, NULL, (struct weir_text){ NULL, 0 });
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
    bool placed = enter_first(en, f->gate, key);
    if (!placed && f->pipeline->when_full == WHEN_FULL_REJECT)
        refuse(e, "the pipeline runs as often at once as it may");
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
            admission_give(gate, key, en);
        refuse(e, "this server is shutting down");
    } else if (placed) {
        start(e, gate, key);
    } else {
        wait_in_line(en, e, gate, key);
    }
}

void
admission_resume(struct weir_event *e)
{
    struct engine *en = engine_of(e->shard);
    struct gate *gate = e->trigger->flow->gate;
    struct weir_text key = { NULL, 0 };
    struct weir_error err = { 0 };
    if (en->draining) {
        refuse(e, "this server is shutting down");
        return;
    }
    if (gate && gate_key(e, &key, &err) != WEIR_OK)
        key = TEXT("*"); /* it had one when it was accepted */
    value_unref(&err.detail);
    admission_go(e, gate, key, gate == NULL || enter_first(en, gate, key));
}

void
admission_give(struct gate *gate, struct weir_text key, struct engine *en)
{
    table_entry(gate->table, key, false, give_place, NULL, NULL);
    if (en->n_waiting > 0)
        timer_set(en->shard, &en->look, shard_now(en->shard));
}

void
admission_release(struct run *r)
{
    if (r->flow->gate == NULL || r->event->gate_key.bytes == NULL)
        return;
    admission_give(r->flow->gate, r->event->gate_key, r->engine);
}

bool
admission_forget(struct weir_event *e)
{
    struct engine *en = engine_of(e->shard);
    list_each(link, next, &en->waiting)
    {
        struct waiting *w = list_entry(link, struct waiting, link);
        if (w->event != e)
            continue;
        list_remove(&w->link);
        en->n_waiting--;
        return true;
    }
    return false;
}

void
admission_cancel(struct engine *en, const char *job, const char *why)
{
    list_each(link, next, &en->waiting)
    {
        struct waiting *w = list_entry(link, struct waiting, link);
        struct weir_event *e = w->event;
        struct generation_part *part = e->part;
        if (e->job == NULL || strcmp(e->job->id, job) != 0)
            continue;
        list_remove(&w->link);
        en->n_waiting--;
        job_cancel_waiting(e, why);
        struct weir_error err = { 0 };
        err_set(&err, WEIR_CANCELLED, "%s", why);
        event_answer_error(e, &err);
        e->ops->release(e);
        part_unpin(part);
        return;
    }
}

void
admission_refuse_all(struct engine *en)
{
    list_each(link, next, &en->waiting)
    {
        struct waiting *w = list_entry(link, struct waiting, link);
        list_remove(&w->link);
        en->n_waiting--;
        refuse(w->event, "this server is shutting down");
    }
}
