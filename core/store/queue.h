/* store/queue.h - operations on their way to one of the store's threads.
 *
 * A list under a lock; the thread takes the whole list at once. An operation counts as waiting
 * until it was told, so that what a commit has in its hands is bounded, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include <pthread.h>

#include "store/store.h"

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t wake;  /* something came, a nudge, or the end; on the monotonic clock */
    pthread_cond_t moved; /* SETTLED has moved */
    struct list ops;
    uint64_t submitted; /* operations that ever came */
    uint64_t settled;   /* the first of them, all of which were told */
    uint64_t waiting;   /* operations that are not told yet */
    uint64_t bytes;     /* of those */
    bool nudged;
    bool closing;
};

/* Makes an empty queue. */
void queue_init(struct queue *q);

/* Frees an empty one. */
void queue_fini(struct queue *q);

/* Adds OP, which takes op->bytes. BOUNDED: not if more than MAX bytes would wait. False: that,
 * or it is closing. Any thread. */
bool queue_add(struct queue *q, struct store_op *op, bool bounded, uint64_t max);

/* Waits until something is there, or until monotonic UNTIL_MS (UINT64_MAX: no such time), a
 * nudge or the end, and moves all to the end of OPS. Returns how many operations had come by
 * then. */
uint64_t queue_take(struct queue *q, struct list *ops, uint64_t until_ms);

/* N operations of BYTES were told. */
void queue_told(struct queue *q, uint64_t n, uint64_t bytes);

/* All of the first TICKET operations were told. */
void queue_settle(struct queue *q, uint64_t ticket);

/* Waits until all that had come before were told. Any thread but the queue's. */
void queue_sync(struct queue *q);

/* Wakes the thread. Any thread. */
void queue_nudge(struct queue *q);

/* Nothing more may come; wakes the thread. Any thread. */
void queue_end(struct queue *q);

/* Whether queue_end was called. Any thread. */
bool queue_ending(struct queue *q);

#endif
