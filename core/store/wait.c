/* store/wait.c - shards that wait for a job to be due: store_wait of store.h.
 *
 * A wait that was posted is still in the list until its shard has run it, so that the shard can
 * forget it meanwhile. The lock is the process's and not a store's: a post may be run when its
 * store is gone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/clock.h"
#include "loop/worker.h"
#include "store/impl.h"

struct wait {
    struct list link; /* in the store's WAITS; alone: the post frees it, and calls nothing */
    struct weir_shard *shard;
    void (*fn)(void *arg);
    void *arg;
    bool posted;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Wall time may jump: no wait relies on it for longer. */
enum { LOOK_AGAIN_MS = 1000 };

static struct wait *
find(struct store *s, struct weir_shard *shard)
{
    list_each(at, next, &s->waits)
    {
        struct wait *w = list_entry(at, struct wait, link);
        if (w->shard == shard)
            return w;
    }
    return NULL;
}

void
store_wait(struct store *s, struct weir_shard *shard, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&lock);
    struct wait *w = find(s, shard);
    if (w == NULL) {
        w = calloc(1, sizeof(*w));
        if (w == NULL)
            abort();
        w->shard = shard;
        list_push(&s->waits, &w->link);
    }
    w->fn = fn;
    w->arg = arg;
    pthread_mutex_unlock(&lock);
    queue_nudge(&s->to_write);
}

/* Takes W out; its post frees it, if there is one. With the lock held. */
static void
forget(struct wait *w)
{
    list_remove(&w->link);
    if (!w->posted)
        free(w);
}

void
store_wait_end(struct store *s, struct weir_shard *shard)
{
    pthread_mutex_lock(&lock);
    struct wait *w = find(s, shard);
    if (w != NULL)
        forget(w);
    pthread_mutex_unlock(&lock);
}

void
waits_end(struct store *s)
{
    pthread_mutex_lock(&lock);
    list_each(at, next, &s->waits) forget(list_entry(at, struct wait, link));
    pthread_mutex_unlock(&lock);
}

/* On the shard. */
static void
run_wait(void *arg)
{
    struct wait *w = arg;
    pthread_mutex_lock(&lock);
    bool wanted = !list_empty(&w->link);
    list_remove(&w->link);
    pthread_mutex_unlock(&lock);
    if (wanted)
        w->fn(w->arg);
    free(w);
}

/* Whether a wait is there that was not posted. */
static bool
some_wait(struct store *s)
{
    bool some = false;
    pthread_mutex_lock(&lock);
    list_each(at, next, &s->waits) some |= !list_entry(at, struct wait, link)->posted;
    pthread_mutex_unlock(&lock);
    return some;
}

/* The next wait to be posted, marked as such; NULL: none is left. A post may have to wait for
 * room, and is made without the lock. */
static struct wait *
next_to_post(struct store *s)
{
    struct wait *found = NULL;
    pthread_mutex_lock(&lock);
    list_each(at, next, &s->waits)
    {
        struct wait *w = list_entry(at, struct wait, link);
        if (found == NULL && !w->posted) {
            w->posted = true;
            found = w;
        }
    }
    pthread_mutex_unlock(&lock);
    return found;
}

uint64_t
waits_tell(struct store *s)
{
    if (!some_wait(s))
        return UINT64_MAX;
    store_look_clock(s);
    uint64_t due = job_next_due(s);
    if (s->writes.rc != SQLITE_OK) {
        db_clear(&s->writes);
        return LOOK_AGAIN_MS;
    }
    uint64_t now = clock_wall_ms();
    if (due > now)
        return due == UINT64_MAX           ? UINT64_MAX
               : due - now < LOOK_AGAIN_MS ? due - now
                                           : LOOK_AGAIN_MS;
    struct wait *w;
    while ((w = next_to_post(s)) != NULL)
        shard_post(w->shard, run_wait, w);
    return UINT64_MAX;
}
