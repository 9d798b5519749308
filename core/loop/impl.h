/* loop/impl.h - what the files of this room know of a shard and others do not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_IMPL_H
#define LOOP_IMPL_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "loop/shard.h"

/* Stacks of threads. Instrumented code takes several times the stack. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__)
#define THREAD_STACK (8u << 20)
#else
#define THREAD_STACK (1u << 20)
#endif

/* Posts of other threads that may wait for a shard; who posts more waits. */
#define POSTS_MAX 65536

struct post {
    void (*fn)(void *arg);
    void *arg;
};

/* Posts in the order in which they came. */
struct posts {
    struct post *items; /* owned */
    uint32_t count;
    uint32_t room;
};

struct shard_impl {
    struct event tick;     /* wakes the loop for the first timer */
    uint64_t tick_ms;      /* real time for which TICK is armed; UINT64_MAX: it is not */
    struct event wake;     /* on WAKE_FD */
    int wake_fd;           /* an eventfd that other threads write to */
    uint32_t n_watches;    /* that stand, for the check in shard_free */
    uint64_t began_ms;     /* by the coarse clock, when this turn's now_ms was read */
    uint64_t run_ms;       /* when timers ran last */
    uint32_t run;          /* how often they had before, in that ms */
    bool runs;             /* they do now */
    uint64_t lag_since_ms; /* when lag_ms was measured or last halved */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t taken; /* POSTED was taken: there is room again */
    struct posts posted;  /* not yet taken by the shard */
    struct posts running; /* the shard's own; swapped with POSTED */
};

/* The private part of a shard. */
static inline struct shard_impl *
shard_impl(struct weir_shard *s)
{
    return s->impl;
}

/* Makes the loop of S return from its wait. Any thread. */
void shard_wake(struct weir_shard *s);

/* Runs what other threads have posted so far. The shard's thread. */
void shard_run_posts(struct weir_shard *s);

#endif
