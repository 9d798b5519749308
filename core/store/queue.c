/* store/queue.c - see queue.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/queue.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"

void
queue_init(struct queue *q)
{
    *q = (struct queue){ 0 };
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&q->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&q->moved, NULL);
    list_init(&q->ops);
}

void
queue_fini(struct queue *q)
{
    assert(list_empty(&q->ops));
    pthread_cond_destroy(&q->moved);
    pthread_cond_destroy(&q->wake);
    pthread_mutex_destroy(&q->lock);
}

bool
queue_add(struct queue *q, struct store_op *op, bool bounded, uint64_t max)
{
    pthread_mutex_lock(&q->lock);
    /* What is larger than the bound by itself has to get through when nothing else waits. */
    bool full = bounded && q->bytes > 0 && (op->bytes > max || q->bytes > max - op->bytes);
    bool added = !q->closing && !full;
    if (added) {
        bool first = list_empty(&q->ops);
        list_push(&q->ops, &op->link);
        q->submitted++;
        q->waiting++;
        q->bytes += op->bytes;
        if (first)
            pthread_cond_signal(&q->wake);
    }
    pthread_mutex_unlock(&q->lock);
    return added;
}

/* Waits for WAKE until UNTIL_MS; false when that has passed. With the lock held. */
static bool
wait_until(struct queue *q, uint64_t until_ms)
{
    if (until_ms == UINT64_MAX)
        return pthread_cond_wait(&q->wake, &q->lock) == 0;
    struct timespec until = { (time_t)(until_ms / 1000), (long)(until_ms % 1000) * 1000000 };
    return pthread_cond_timedwait(&q->wake, &q->lock, &until) != ETIMEDOUT;
}

uint64_t
queue_take(struct queue *q, struct list *ops, uint64_t until_ms)
{
    pthread_mutex_lock(&q->lock);
    while (list_empty(&q->ops) && !q->nudged && !q->closing)
        if (!wait_until(q, until_ms))
            break;
    q->nudged = false;
    if (!list_empty(&q->ops)) { /* splices the whole list behind OPS */
        q->ops.next->prev = ops->prev;
        ops->prev->next = q->ops.next;
        q->ops.prev->next = ops;
        ops->prev = q->ops.prev;
        list_init(&q->ops);
    }
    uint64_t ticket = q->submitted;
    pthread_mutex_unlock(&q->lock);
    return ticket;
}

void
queue_told(struct queue *q, uint64_t n, uint64_t bytes)
{
    pthread_mutex_lock(&q->lock);
    q->waiting -= n;
    q->bytes -= bytes;
    pthread_mutex_unlock(&q->lock);
}

void
queue_settle(struct queue *q, uint64_t ticket)
{
    pthread_mutex_lock(&q->lock);
    if (ticket > q->settled) {
        q->settled = ticket;
        pthread_cond_broadcast(&q->moved);
    }
    pthread_mutex_unlock(&q->lock);
}

void
queue_sync(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    uint64_t ticket = q->submitted;
    while (q->settled < ticket)
        pthread_cond_wait(&q->moved, &q->lock);
    pthread_mutex_unlock(&q->lock);
}

void
queue_nudge(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->nudged = true;
    pthread_cond_signal(&q->wake);
    pthread_mutex_unlock(&q->lock);
}

void
queue_end(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closing = true;
    pthread_cond_signal(&q->wake);
    pthread_mutex_unlock(&q->lock);
}

bool
queue_ending(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    bool closing = q->closing;
    pthread_mutex_unlock(&q->lock);
    return closing;
}
