/* loop/shard.h - one thread with one event loop: descriptors, timers, things to do soon.
 *
 * A shard belongs to the thread that runs it; only shard_stop and mail (loop/mail.h) come from
 * others. The loop is libevent's; timers are in a heap of ours, so that arming one is no
 * system call and a late loop is noticed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_SHARD_H
#define LOOP_SHARD_H

#include <pthread.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/err.h"

struct event_base;

/* A thing that each room above keeps once a shard. */
enum shard_slot { SHARD_NET, SHARD_ENGINE, SHARD_EDGE, SHARD_ADMIN, SHARD_SLOTS };

struct weir_shard {
    unsigned index;
    bool stopping;
    bool turned;     /* now_ms is fresh in this turn of the loop */
    uint64_t now_ms; /* monotonic; as of the turn of the loop */
    uint64_t lag_ms; /* the latest lateness of a timer or of a turn: the loop's delay, decaying */
    pthread_t thread;
    struct event_base *base; /* owned */
    struct heap timers;
    struct list soon; /* struct soon that run before the loop waits again */
    struct list late; /* struct soon that write what this turn's callbacks have made */
    uint64_t manual_ms; /* tests: the clock stands at this; 0: real */
    void *slots[SHARD_SLOTS];
    void *impl; /* private to this room */
};

/* Makes a shard for the calling thread (or for one that will run it). */
enum weir_code shard_new(unsigned index, struct weir_shard **ret, struct weir_error *err) MUST_USE;

/* Runs what others have posted, then frees; timers and watches must be stopped before (checked).
 * NULL is accepted and left. */
void shard_free(struct weir_shard **s);

/* Runs until shard_stop. */
void shard_run(struct weir_shard *s);

/* Runs one turn: waits at most MAX_MS (0: does not wait). False once it was stopped. */
bool shard_turn(struct weir_shard *s, uint64_t max_ms);

/* Ends shard_run after this turn. Any thread. */
void shard_stop(struct weir_shard *s);

/* Monotonic milliseconds, as of this turn of the loop. */
uint64_t shard_now(struct weir_shard *s);

/* Tests: the clock stands still at MS until it is set again; due timers fire in the next turn. */
void shard_set_clock(struct weir_shard *s, uint64_t ms);

/* When the first timer is due; UINT64_MAX: none is armed. */
uint64_t shard_next_timer(const struct weir_shard *s);

/* -- timers: the struct stands in its user's -- */

struct timer {
    struct heap_link link;
    void (*fn)(void *arg);
    void *arg;
};

/* Prepares a timer that is not armed. */
void timer_init(struct timer *t, void (*fn)(void *arg), void *arg);

/* Arms it for AT_MS on the shard's clock (also in the past), or moves it. What a timer arms for now runs in the
 * next turn of the loop. */
void timer_set(struct weir_shard *s, struct timer *t, uint64_t at_ms);

/* Disarms it, if it is armed. */
void timer_unset(struct weir_shard *s, struct timer *t);

/* Whether it is armed. */
static inline bool
timer_armed(const struct timer *t)
{
    return t->link.place != 0;
}

/* -- soon: run after the current callback has returned, so that stacks stay flat, and before the
 * loop waits; as a rule in this turn, but behind other descriptors if much was done in it -- */

struct soon {
    struct list link;
    void (*fn)(void *arg);
    void *arg;
};

/* Prepares one that is not queued. */
void soon_init(struct soon *s, void (*fn)(void *arg), void *arg);

/* Queues it, once. */
void soon_add(struct weir_shard *shard, struct soon *s);

/* The same for who writes to a socket: it runs once the descriptors that are ready have had their callbacks,
 * and before all others that are queued, which may take their time. It moves there if it is queued already. */
void soon_add_late(struct weir_shard *shard, struct soon *s);

/* Takes it out again. */
void soon_remove(struct soon *s);

/* -- descriptors -- */

struct watch; /* one descriptor in the loop */

/* Called with enum weir_ready bits. The watch may be freed inside. */
typedef void watch_fn(void *arg, int fd, unsigned ready);

/* Watches FD, level-triggered, for WANT (enum weir_ready bits, may be 0). The descriptor stays
 * the caller's. Never NULL. */
struct watch *watch_new(struct weir_shard *s, int fd, unsigned want, watch_fn *fn, void *arg);

/* Changes what it waits for; nothing happens if it is the same. */
void watch_want(struct watch *w, unsigned want);

/* Stops and frees; NULL is accepted and left. Close the descriptor after this. */
void watch_free(struct watch **w);

#endif
