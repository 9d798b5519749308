/* engine/gate.c - see gate.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/gate.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "engine/admission.h"
#include "engine/gate_pace.h"
#include "engine/table.h"
#include "loop/worker.h"

#define PLACES_MAX (64u << 20) /* bytes of a gate's table: 100,000 long keys, a million short ones */
#define SWEEP_EACH 64u         /* places that were left, to one look at a part of the table */

struct gate {
    char *name;
    atomic_bool todays; /* today's pipeline has a limit: else claims need no place */
    atomic_bool keyed;
    atomic_uint limit;
    atomic_uint left; /* how often a place was */
    _Atomic double each_ms; /* of the pace of whichever line moved last: a guess for a new one */
    struct weir_table *table; /* key to struct place */
};

/* What the table knows of a key. */
struct place {
    struct list line; /* of gate_wait: whoever came first is the first */
    uint32_t runs;
    uint32_t n_line;
    uint32_t kept;    /* free places that only a job in the store may have */
    uint32_t taken;   /* of those that were kept, by such a job, and gate_keep_end is still to come */
    uint8_t n_let_in; /* of the line since one was kept, while a job in the store waits */
    bool wanted;      /* a job in the store was refused, and none has got a place since */
    bool told;        /* that it is free */
    bool awaited;     /* WANTED, and no place that was kept has been let go of since */
    struct gate_pace pace;
    uint32_t n_joined; /* the line, ever */
};
#define STORE_TURN 4u /* while there is a line, each fourth place is kept for jobs in the store */

static pthread_mutex_t gates_lock = PTHREAD_MUTEX_INITIALIZER;
static struct map gates; /* by name; they stay. Zeroed is empty */
static atomic_uint in_line; /* of all gates */

/* Tells those of LIST, whose places they have by now, and who may be gone after that. */
static void
tell(struct list *list)
{
    for (struct list *link; (link = list_shift(list)) != NULL;) {
        struct gate_wait *w = list_entry(link, struct gate_wait, link);
        struct weir_shard *s = w->shard;
        if (pthread_equal(pthread_self(), s->thread))
            admission_placed(w);
        else
            shard_post(s, admission_placed, w);
    }
}

static struct gate_wait *
first_in_line(const struct place *p)
{
    return list_entry(p->line.next, struct gate_wait, link);
}

/* Whether somebody who joins the line of P would wait for longer than MAX_MS, as it looks; nor does anybody join while
 * the first has waited for as long. */
static bool
is_too_long(const struct place *p, unsigned limit, uint64_t now_ms, uint64_t max_ms)
{
    if (max_ms == 0 || list_empty(&p->line))
        return false;
    uint64_t since_ms = first_in_line(p)->since_ms; /* by another shard's clock, maybe */
    uint64_t first_ms = now_ms > since_ms ? now_ms - since_ms : 0;
    return first_ms >= max_ms || gate_pace_is_too_slow(&p->pace, p->n_line, limit, first_ms, max_ms);
}

/* Whether P need not be remembered: then nobody is in line either. */
static bool
is_idle(const struct place *p)
{
    return p->runs == 0 && p->kept == 0 && p->taken == 0;
}

/* Whether P has a place that is free for anybody. */
static bool
has_room(const struct place *p, unsigned limit)
{
    return p->runs < limit && p->kept < limit - p->runs;
}

/* The first in line of P gets a place. With the table's lock, as whatever the table calls. */
static void
let_in(struct place *p, struct list *out)
{
    p->n_let_in = p->awaited ? (uint8_t)(p->n_let_in + 1) : 0;
    struct gate_wait *w = first_in_line(p);
    list_remove(&w->link);
    p->n_line--;
    gate_pace_let_in(&p->pace, atomic_load_explicit(&w->gate->limit, memory_order_relaxed), clock_mono_ms());
    atomic_store_explicit(&w->gate->each_ms, p->pace.each_ms, memory_order_relaxed);
    w->given = true;
    atomic_fetch_sub(&in_line, 1);
    atomic_fetch_add(&engine_of(w->shard)->placing, 1); /* its shard stays until it is told */
    p->runs++;
    list_push(out, &w->link);
}

/* A gate's limit, and who got a place by it. */
struct widening {
    unsigned limit;
    struct list out;
    bool keeps; /* a place may be kept, */
    bool kept;  /* and was */
};

static uint32_t
widen(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    struct place *p = entry;
    struct widening *w = arg;
    while (has_room(p, w->limit) && !list_empty(&p->line))
        let_in(p, &w->out);
    return is_idle(p);
}

static void
set_limit(struct gate *g, unsigned limit)
{
    struct widening w = { .limit = limit };
    list_init(&w.out);
    if (atomic_exchange(&g->limit, limit) < limit)
        table_sweep(g->table, widen, &w);
    tell(&w.out);
}

static struct gate *
gate_new(const char *name)
{
    char table[160];
    snprintf(table, sizeof table, "concurrency/%s", name);
    struct gate *g = calloc(1, sizeof *g);
    if (g == NULL)
        abort();
    g->name = strdup(name);
    if (g->name == NULL)
        abort();
    g->table = table_open(table, sizeof(struct place), PLACES_MAX);
    (void)map_set(&gates, name, strlen(name), g);
    return g;
}

struct gate *
gate_of(const char *name, unsigned limit, bool keyed, bool todays)
{
    pthread_mutex_lock(&gates_lock);
    struct gate *g = map_get(&gates, name, strlen(name));
    bool fresh = g == NULL;
    if (fresh)
        g = gate_new(name);
    pthread_mutex_unlock(&gates_lock);
    if (todays)
        atomic_store(&g->todays, true);
    if (todays || fresh) {
        atomic_store(&g->keyed, keyed);
        set_limit(g, limit);
    }
    return g;
}

static struct gate *
find(struct weir_text name)
{
    pthread_mutex_lock(&gates_lock);
    struct gate *g = map_get(&gates, name.bytes, name.len);
    pthread_mutex_unlock(&gates_lock);
    return g;
}

void
gate_lift(const char *name)
{
    struct gate *g = find(text_of(name));
    if (g) {
        atomic_store(&g->todays, false);
        set_limit(g, UINT_MAX);
    }
}

struct entering {
    unsigned limit;
    struct gate_wait *wait;
    uint64_t max_ms;
    bool claims; /* for a job in the store */
    bool yields; /* to such a one */
    double each_ms;
};

static uint32_t
enter(void *entry, bool fresh, void *arg)
{
    struct place *p = entry;
    const struct entering *a = arg;
    if (fresh) {
        list_init(&p->line);
        gate_pace_guess(&p->pace, a->each_ms);
    }
    bool kept = a->claims && p->kept > 0 && p->runs < a->limit;
    if (kept || (has_room(p, a->limit) && list_empty(&p->line) && !(a->yields && p->wanted))) {
        if (a->claims)
            p->wanted = p->told = p->awaited = false;
        p->kept -= kept;
        p->taken += kept;
        p->runs++;
        return GATE_PLACED;
    }
    if (a->claims) {
        p->wanted = p->awaited = true;
        p->told = false;
    }
    if (a->wait == NULL)
        return GATE_CLOSED;
    if (is_too_long(p, a->limit, a->wait->since_ms, a->max_ms))
        return GATE_TOO_LONG;
    if (list_empty(&p->line))
        gate_pace_begin(&p->pace, clock_mono_ms());
    list_push(&p->line, &a->wait->link);
    a->wait->number = p->n_joined++;
    p->n_line++;
    atomic_fetch_add(&in_line, 1);
    return gate_pace_is_known(&p->pace, a->limit) ? GATE_WAITS : GATE_WAITS_UNSURE;
}

static uint32_t
is_unused(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    (void)arg;
    return is_idle(entry);
}

static enum gate_answer
enter_as(struct gate *g, struct weir_text key, struct entering *a)
{
    uint32_t answer = GATE_NO_ROOM;
    a->limit = atomic_load_explicit(&g->limit, memory_order_relaxed);
    a->each_ms = atomic_load_explicit(&g->each_ms, memory_order_relaxed);
    if (table_entry(g->table, key, true, enter, a, &answer))
        return (enum gate_answer)answer;
    table_sweep(g->table, is_unused, NULL); /* full: make room, keys come and go */
    (void)table_entry(g->table, key, true, enter, a, &answer);
    return (enum gate_answer)answer;
}

enum gate_answer
gate_enter(struct gate *g, struct weir_text key, struct gate_wait *w, uint64_t max_ms)
{
    return enter_as(g, key, &(struct entering){ .wait = w, .max_ms = max_ms });
}

static uint32_t
leave(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    struct place *p = entry;
    struct widening *w = arg;
    assert(p->runs > 0);
    p->runs--;
    w->kept = w->keeps && p->awaited && p->n_let_in >= STORE_TURN - 1 && has_room(p, w->limit) &&
              !list_empty(&p->line);
    if (w->kept) {
        p->kept++;
        p->n_let_in = 0;
        p->told = true;
        return 1;
    }
    if (has_room(p, w->limit) && !list_empty(&p->line))
        let_in(p, &w->out);
    if (!has_room(p, w->limit) || !p->wanted || p->told)
        return 0;
    p->told = true;
    return 1;
}

enum gate_answer
gate_enter_last(struct gate *g, struct weir_text key)
{
    return enter_as(g, key, &(struct entering){ .yields = true });
}

bool
gate_leave(struct gate *g, struct weir_text key, bool *ret_kept)
{
    struct widening w = { .limit = atomic_load_explicit(&g->limit, memory_order_relaxed),
                          .keeps = ret_kept != NULL };
    uint32_t wanted = 0;
    list_init(&w.out);
    (void)table_entry(g->table, key, false, leave, &w, &wanted); /* who is in is in the table */
    unsigned left = atomic_fetch_add_explicit(&g->left, 1, memory_order_relaxed);
    if (left % SWEEP_EACH == 0)
        table_sweep_part(g->table, left / SWEEP_EACH, is_unused, NULL);
    tell(&w.out);
    if (ret_kept != NULL)
        *ret_kept = w.kept;
    return wanted;
}

static uint32_t
keep_no_more(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    struct place *p = entry;
    if (p->taken > 0) { /* the oldest of those that were kept are taken first, as they are let go of */
        p->taken--;
        return is_idle(p);
    }
    if (p->kept == 0)
        return 0;
    p->kept--;
    p->awaited = false;
    return widen(p, false, arg);
}

void
gate_keep_end(struct gate *g, struct weir_text key)
{
    struct widening w = { .limit = atomic_load_explicit(&g->limit, memory_order_relaxed) };
    uint32_t ignored;
    list_init(&w.out);
    (void)table_entry(g->table, key, false, keep_no_more, &w, &ignored); /* it may be gone, as its place was taken */
    tell(&w.out);
}

const char *
gate_name(const struct gate *g)
{
    return g->name;
}

/* The key of a job that has none: the same for all. */
static struct weir_text
key_or_all(struct weir_text key)
{
    return key.len > 0 ? key : GATE_ALL;
}

enum enter_answer
gate_claim(struct weir_text pipeline, struct weir_text key)
{
    struct gate *g = find(pipeline);
    if (g == NULL || !atomic_load_explicit(&g->todays, memory_order_relaxed))
        return ENTER_FREE;
    key = key_or_all(key);
    if (enter_as(g, key, &(struct entering){ .claims = true }) == GATE_PLACED)
        return ENTER_PLACED;
    return atomic_load_explicit(&g->keyed, memory_order_relaxed) ? ENTER_CLOSED : ENTER_FULL;
}

bool
gate_claim_leave(struct weir_text pipeline, struct weir_text key)
{
    return gate_leave(find(pipeline), key_or_all(key), NULL); /* gates stay */
}

struct gate_wait *
gate_wait_new(struct weir_event *e, struct gate *g, struct weir_text key)
{
    struct gate_wait *w = malloc(sizeof *w + key.len);
    if (w == NULL)
        abort();
    char *copy = (char *)(w + 1);
    memcpy(copy, key.bytes, key.len);
    *w = (struct gate_wait){ .shard = e->shard, .event = e, .gate = g, .key = { copy, key.len } };
    w->borrowed = key;
    w->since_ms = shard_now(e->shard);
    list_init(&w->link);
    list_init(&w->mine);
    return w;
}

static uint32_t
step_out(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    struct gate_wait *w = arg;
    if (w->given)
        return 0;
    if (!list_empty(&w->link)) {
        ((struct place *)entry)->n_line--;
        atomic_fetch_sub(&in_line, 1);
    }
    list_remove(&w->link);
    return 1;
}

void
gate_wait_end(struct gate_wait **ptr)
{
    struct gate_wait *w = *ptr;
    *ptr = NULL;
    list_remove(&w->mine);
    w->event = NULL;
    uint32_t out = 1; /* as it is if the table knows no such key */
    (void)table_entry(w->gate->table, w->key, false, step_out, w, &out);
    if (out)
        free(w);
}

/* Somebody in line, and how long he may wait. */
struct judging {
    struct gate_wait *wait;
    uint64_t now_ms;
    uint64_t max_ms;
};

static uint32_t
is_behind(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    const struct place *p = entry;
    const struct judging *j = arg;
    if (j->wait->given)
        return false;
    const struct gate_wait *first = first_in_line(p), *w = j->wait;
    unsigned ahead = w->number - first->number; /* with those who left before their turn: */
    ahead = ahead < p->n_line ? ahead : p->n_line - 1;
    uint64_t since_ms = first->since_ms < w->since_ms ? first->since_ms : w->since_ms;
    unsigned limit = atomic_load_explicit(&w->gate->limit, memory_order_relaxed);
    return gate_pace_is_too_slow(&p->pace, ahead, limit, j->now_ms - since_ms, j->max_ms);
}

static uint32_t
is_stuck(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    const struct place *p = entry;
    const struct judging *j = arg;
    return !j->wait->given && j->now_ms >= p->pace.last_ms + j->max_ms;
}

static bool
judge(struct gate_wait *w, weir_entry_fn *fn, uint64_t max_ms)
{
    struct judging j = { w, clock_mono_ms(), max_ms };
    uint32_t answer = false;
    (void)table_entry(w->gate->table, w->key, false, fn, &j, &answer);
    return answer;
}

bool
gate_is_behind(struct gate_wait *w, uint64_t max_ms)
{
    return judge(w, is_behind, max_ms);
}

bool
gate_is_stuck(struct gate_wait *w, uint64_t max_ms)
{
    return judge(w, is_stuck, max_ms);
}

unsigned
gate_waiting(void)
{
    return atomic_load_explicit(&in_line, memory_order_relaxed);
}
