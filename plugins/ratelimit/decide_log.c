/* ratelimit/decide_log.c - the exact sliding log: a stamp of each request that was counted.
 *
 * Requests of the same millisecond are one run. One run stands in the entry, more in a ring
 * of its own, the oldest first. A stamp leaves when it is as old as the window.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "parts.h"

#define ROOM_MIN 4u

struct run {
    uint32_t at; /* ms after the ring's base */
    uint32_t count;
};

struct ring {
    uint64_t base; /* ms */
    uint32_t first;
    uint32_t n;
    uint32_t room; /* a power of two */
    uint32_t total;
    struct run runs[];
};

static size_t
ring_size(uint32_t room)
{
    return sizeof(struct ring) + room * sizeof(struct run);
}

static struct run *
run_of(struct ring *r, uint32_t i)
{
    return &r->runs[(r->first + i) & (r->room - 1)];
}

static uint64_t
stamp_of(struct ring *r, uint32_t i)
{
    return r->base + run_of(r, i)->at;
}

void
log_free(struct entry *e, const struct memory *m)
{
    (void)m->resize(m->arg, e->u.ring, ring_size(e->u.ring->room), 0);
    e->u.ring = NULL;
    e->kind = NOTHING;
}

/* Puts the runs into a ring of ROOM; false without memory, then nothing has changed. */
static bool
move(struct entry *e, uint32_t room, const struct memory *m)
{
    struct ring *old = e->u.ring;
    struct ring *r = m->resize(m->arg, NULL, 0, ring_size(room));
    if (r == NULL)
        return false;
    *r = (struct ring){
        .base = stamp_of(old, 0), .n = old->n, .room = room, .total = old->total
    };
    for (uint32_t i = 0; i < old->n; i++)
        r->runs[i] =
            (struct run){ (uint32_t)(stamp_of(old, i) - r->base), run_of(old, i)->count };
    (void)m->resize(m->arg, old, ring_size(old->room), 0);
    e->u.ring = r;
    return true;
}

/* Lets go of what is as old as the window. */
static void
trim(struct entry *e, const struct ask *a, const struct memory *m)
{
    if (e->kind == LOG_ONE && whole_ms(e->u.one.at, a->now_ms) + a->rate.window_ms <= a->now_ms)
        e->kind = NOTHING;
    if (e->kind != LOG_RING)
        return;
    struct ring *r = e->u.ring;
    while (r->n > 0 && stamp_of(r, 0) + a->rate.window_ms <= a->now_ms) {
        r->total -= run_of(r, 0)->count;
        r->first = (r->first + 1) & (r->room - 1);
        r->n--;
    }
    if (r->n == 0)
        log_free(e, m);
    else if (r->room > ROOM_MIN && r->n <= r->room / 8)
        (void)move(e, r->room / 4 > ROOM_MIN ? r->room / 4 : ROOM_MIN, m); /* or later */
}

/* Turns a log of one run into a ring. */
static bool
make_ring(struct entry *e, uint64_t now_ms, const struct memory *m)
{
    struct ring *r = m->resize(m->arg, NULL, 0, ring_size(ROOM_MIN));
    if (r == NULL)
        return false;
    *r = (struct ring){
        .base = whole_ms(e->u.one.at, now_ms), .n = 1, .room = ROOM_MIN, .total = e->u.one.count
    };
    r->runs[0] = (struct run){ 0, e->u.one.count };
    e->u.ring = r;
    e->kind = LOG_RING;
    return true;
}

/* Adds COUNT at the moment AT, or that of the last run if that is later: another shard may have
 * read its clock a moment before it got here. */
static bool
add_run(struct entry *e, uint64_t at, uint32_t count, const struct memory *m)
{
    struct ring *r = e->u.ring;
    uint64_t last = stamp_of(r, r->n - 1);
    if (at <= last) {
        run_of(r, r->n - 1)->count += count;
        r->total += count;
        return true;
    }
    if ((r->n == r->room || at - r->base > UINT32_MAX) &&
        !move(e, r->n == r->room ? 2 * r->room : r->room, m))
        return false;
    r = e->u.ring;
    *run_of(r, r->n) = (struct run){ (uint32_t)(at - r->base), count };
    r->n++;
    r->total += count;
    return true;
}

static bool
add(struct entry *e, const struct ask *a, const struct memory *m)
{
    uint64_t step = a->rate.step_ms;
    uint64_t at = (a->now_ms + step - 1) / step * step;
    uint32_t count = (uint32_t)a->cost;
    if (e->kind == NOTHING) {
        e->kind = LOG_ONE;
        e->u.one.at = (uint32_t)at;
        e->u.one.count = count;
    } else if (e->kind == LOG_ONE && at <= whole_ms(e->u.one.at, a->now_ms)) {
        at = whole_ms(e->u.one.at, a->now_ms);
        e->u.one.count += count;
    } else if ((e->kind == LOG_ONE && !make_ring(e, a->now_ms, m)) ||
               !add_run(e, at, count, m)) {
        return false;
    }
    expire_at(e, at + a->rate.window_ms);
    return true;
}

static uint64_t
used(const struct entry *e)
{
    if (e->kind == NOTHING)
        return 0;
    return e->kind == LOG_ONE ? e->u.one.count : e->u.ring->total;
}

/* From now until NEED more fit: when as many have left as are too many. */
static uint64_t
until_fits(const struct entry *e, const struct ask *a, uint64_t need)
{
    uint64_t sum = used(e) + need;
    if (sum <= a->rate.limit || e->kind == NOTHING)
        return 0;
    uint64_t stamp = 0;
    if (e->kind == LOG_ONE)
        stamp = whole_ms(e->u.one.at, a->now_ms);
    for (uint32_t i = 0; e->kind == LOG_RING && i < e->u.ring->n && sum > a->rate.limit; i++) {
        stamp = stamp_of(e->u.ring, i);
        sum -= run_of(e->u.ring, i)->count;
    }
    uint64_t leaves = stamp + a->rate.window_ms;
    return leaves > a->now_ms ? leaves - a->now_ms : 0;
}

void
decide_log(struct entry *e, const struct ask *a, const struct memory *m, struct verdict *ret)
{
    trim(e, a, m);
    ret->allowed = used(e) + a->cost <= a->rate.limit;
    if (ret->allowed && a->cost > 0 && !add(e, a, m)) {
        ret->full = true;
        return;
    }
    ret->used = used(e);
    ret->remaining = ret->used < a->rate.limit ? a->rate.limit - ret->used : 0;
    if (ret->used > 0)
        ret->reset_ms = until_fits(e, a, ret->remaining + 1);
    if (!ret->allowed && a->cost <= a->rate.limit)
        ret->retry_ms = until_fits(e, a, a->cost);
}
