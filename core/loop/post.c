/* loop/post.c - things that other threads ask a shard to do; shard_post of worker.h.
 *
 * A function and its argument are no message for a mailbox: they mean nothing outside of the
 * process and must not be refused. So they have a queue of their own: an array under a lock,
 * which the shard swaps for an empty one when it is woken.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "loop/impl.h"
#include "loop/worker.h"

static void
append(struct posts *p, struct post item)
{
    if (p->count == p->room) {
        p->room = p->room ? p->room * 2 : 16;
        struct post *items = reallocarray(p->items, p->room, sizeof(*items));
        if (items == NULL)
            abort();
        p->items = items;
    }
    p->items[p->count++] = item;
}

/* Adds to the queue, with the lock of IMPL held. */
static void
add(struct weir_shard *s, struct shard_impl *impl, struct post item)
{
    bool first = impl->posted.count == 0;
    append(&impl->posted, item);
    /* Inside the lock: afterwards the shard may be gone, if this post was what it waited for.
     */
    if (first)
        shard_wake(s);
}

void
shard_post(struct weir_shard *s, void (*fn)(void *arg), void *arg)
{
    struct shard_impl *impl = shard_impl(s);
    /* The shard's own thread must not wait for itself. */
    bool own = pthread_equal(pthread_self(), s->thread);
    pthread_mutex_lock(&impl->lock);
    while (!own && impl->posted.count >= POSTS_MAX)
        pthread_cond_wait(&impl->taken, &impl->lock);
    add(s, impl, (struct post){ fn, arg });
    pthread_mutex_unlock(&impl->lock);
}

bool
shard_try_post(struct weir_shard *s, void (*fn)(void *arg), void *arg)
{
    struct shard_impl *impl = shard_impl(s);
    pthread_mutex_lock(&impl->lock);
    bool room = impl->posted.count < POSTS_MAX;
    if (room)
        add(s, impl, (struct post){ fn, arg });
    pthread_mutex_unlock(&impl->lock);
    return room;
}

void
shard_run_posts(struct weir_shard *s)
{
    struct shard_impl *impl = shard_impl(s);
    pthread_mutex_lock(&impl->lock);
    struct posts taken = impl->posted;
    impl->posted = impl->running;
    impl->running = (struct posts){ 0 };
    pthread_cond_broadcast(&impl->taken);
    pthread_mutex_unlock(&impl->lock);

    if (taken.count > 0)
        (void)shard_now(s);
    for (uint32_t i = 0; i < taken.count; i++)
        taken.items[i].fn(taken.items[i].arg);

    /* A burst's array is not kept for ever. */
    if (taken.room > 1024 || impl->running.items != NULL) {
        free(taken.items);
        return;
    }
    taken.count = 0;
    impl->running = taken;
}
