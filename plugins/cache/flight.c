/* cache/flight.c - see flight.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flight.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

#define BUCKETS 256u
#define RUNS 4096u /* runs are counted by a hash: two that meet are careful, and not wrong */

/* All places of a shard. */
struct desk {
    struct desk *next;
    struct weir_shard *shard;
    struct place *places[BUCKETS]; /* by the address of their name */
    unsigned n_places;
    uint32_t leads[RUNS];
    uint32_t waits[RUNS];
};

struct place {
    struct place *next;
    struct desk *desk;
    struct named *named;
    unsigned refs;
    struct sent *sent;
    struct flight *flights[BUCKETS];
};

struct flight {
    struct flight *next; /* of its bucket */
    struct place *place;
    struct caller *leader; /* NULL: it has gone, and there are waiters */
    struct caller *first;  /* who waits, the longest first */
    struct caller *last;
    struct weir_timer *timer;
    struct outcome outcome;
    unsigned epoch;
    unsigned leader_run;
    bool listed; /* it can be joined */
    bool ended;
    bool telling;
    uint8_t id[ID_LEN];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct desk *desks; /* a shard changes only its own */

/* -- places -- */

static struct desk *
desk_of(struct weir_shard *shard)
{
    struct desk *d = desks;
    while (d && d->shard != shard)
        d = d->next;
    if (d)
        return d;
    d = zeroed(1, sizeof *d);
    d->shard = shard;
    d->next = desks;
    desks = d;
    return d;
}

static struct place **
bucket_of(struct desk *d, const struct named *named)
{
    return &d->places[(uintptr_t)named / 64 % BUCKETS];
}

struct place *
place_enter(struct weir_shard *shard, struct named *named)
{
    pthread_mutex_lock(&lock);
    struct desk *d = desk_of(shard);
    struct place **bucket = bucket_of(d, named), *p = *bucket;
    while (p && p->named != named)
        p = p->next;
    if (p == NULL) {
        p = zeroed(1, sizeof *p);
        p->desk = d;
        p->named = named;
        p->next = *bucket;
        *bucket = p;
        d->n_places++;
    }
    p->refs++;
    pthread_mutex_unlock(&lock);
    return p;
}

static void
desk_free(struct desk *d)
{
    struct desk **at = &desks;
    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    free(d);
}

static void
place_free(struct place *p)
{
    struct place **at = bucket_of(p->desk, p->named);
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    if (--p->desk->n_places == 0)
        desk_free(p->desk);
    while (p->sent)
        sent_free(p->sent);
    free(p);
}

void
place_leave(struct place *p)
{
    pthread_mutex_lock(&lock);
    if (--p->refs == 0)
        place_free(p);
    pthread_mutex_unlock(&lock);
}

struct weir_shard *
place_shard(const struct place *p)
{
    return p->desk->shard;
}

struct sent *
sent_new(struct place *p, const struct store *s)
{
    struct sent *new = zeroed(1, sizeof *new);
    *new = (struct sent){ .place = p, .next = p->sent, .store = s };
    if (p->sent)
        p->sent->prev = new;
    p->sent = new;
    return new;
}

void
sent_free(struct sent *s)
{
    host->redis_forget(&s->command);
    if (s->prev)
        s->prev->next = s->next;
    else
        s->place->sent = s->next;
    if (s->next)
        s->next->prev = s->prev;
    free(s);
}

/* -- flights -- */

void
outcome_free(struct outcome *o)
{
    host->unref(&o->value);
    host->unref(&o->err.detail);
}

static unsigned
run_of(const struct caller *c)
{
    uint64_t run = (uint64_t)(uintptr_t)host->whole_run(c->call);
    return (unsigned)(run * UINT64_C(0x9e3779b97f4a7c15) >> 52);
}

static void
unlist(struct flight *f)
{
    if (!f->listed)
        return;
    struct flight **at = &f->place->flights[f->id[1]];
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    f->listed = false;
}

static void
flight_free(struct flight *f)
{
    unlist(f);
    host->timer_stop(&f->timer);
    outcome_free(&f->outcome);
    free(f);
}

/* The flight of C's key that can be joined. One that began before the key was set or dropped
 * from outside goes on, but not for who comes now. */
static struct flight *
find(const struct caller *c, unsigned epoch)
{
    struct flight *f = c->seat->place->flights[c->key.id[1]];
    while (f && memcmp(f->id, c->key.id, ID_LEN) != 0)
        f = f->next;
    if (f && f->epoch != epoch) {
        unlist(f);
        return NULL;
    }
    return f;
}

static void
take_lead(struct flight *f, struct caller *c)
{
    c->flight = f;
    f->leader = c;
    f->leader_run = run_of(c);
    f->place->desk->leads[f->leader_run]++;
}

static void
drop_lead(struct flight *f)
{
    f->place->desk->leads[f->leader_run]--;
    f->leader->flight = NULL;
    f->leader = NULL;
}

static void
begin(struct caller *c, unsigned epoch)
{
    struct place *p = c->seat->place;
    struct flight *f = zeroed(1, sizeof *f);
    *f = (struct flight){ .place = p, .epoch = epoch, .listed = true };
    memcpy(f->id, c->key.id, ID_LEN);
    f->next = p->flights[c->key.id[1]];
    p->flights[c->key.id[1]] = f;
    take_lead(f, c);
}

/* Whether C may wait for F: see flight.h. */
static bool
may_wait(const struct flight *f, unsigned run)
{
    const struct desk *d = f->place->desk;
    if (d->leads[run] == 0)
        return true;
    return f->leader != NULL && f->leader_run != run && d->waits[f->leader_run] == 0;
}

bool
flight_join(struct caller *c)
{
    unsigned epoch = store_epoch(&c->seat->node->store, c->key.id);
    struct flight *f = find(c, epoch);
    unsigned run = run_of(c);
    if (f == NULL) {
        begin(c, epoch);
        return false;
    }
    if (!may_wait(f, run))
        return false;
    c->flight = f;
    c->waits = true;
    c->run = run;
    c->prev = f->last;
    if (f->last)
        f->last->next = c;
    else
        f->first = c;
    f->last = c;
    f->place->desk->waits[run]++;
    return true;
}

/* C waits no more. */
static void
take_out(struct caller *c)
{
    struct flight *f = c->flight;
    if (c->prev)
        c->prev->next = c->next;
    else
        f->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    else
        f->last = c->prev;
    f->place->desk->waits[c->run]--;
    c->next = c->prev = NULL;
    c->flight = NULL;
    c->waits = false;
}

/* Tells all who wait. Each may make others go away. */
static void
tell(struct flight *f)
{
    f->telling = true;
    for (struct caller *c; (c = f->first) != NULL;) {
        take_out(c);
        if (f->outcome.alone)
            block_lead(c);
        else
            block_told(c, &f->outcome);
    }
    flight_free(f);
}

static void
turn(void *arg)
{
    struct flight *f = arg;
    struct caller *c = f->first;
    host->timer_stop(&f->timer);
    if (f->ended) {
        tell(f);
        return;
    }
    take_out(c);
    take_lead(f, c);
    block_lead(c);
}

/* The leader has gone, with an outcome or without. */
static void
go_on(struct flight *f)
{
    if (f->first == NULL)
        flight_free(f);
    else
        f->timer = host->timer_start(place_shard(f->place), 0, turn, f);
}

void
flight_end(struct caller *c, const struct outcome *o)
{
    struct flight *f = c->flight;
    if (f == NULL)
        return;
    drop_lead(f);
    unlist(f);
    f->ended = true;
    f->outcome = *o;
    if (o->value)
        f->outcome.value = host->ref(o->value);
    if (o->err.detail)
        f->outcome.err.detail = host->ref(o->err.detail);
    go_on(f);
}

void
flight_leave(struct caller *c)
{
    struct flight *f = c->flight;
    if (f == NULL)
        return;
    if (c->waits) {
        take_out(c);
        if (f->first == NULL && f->leader == NULL && !f->telling)
            flight_free(f);
        return;
    }
    drop_lead(f);
    go_on(f);
}
