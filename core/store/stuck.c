/* store/stuck.c - pipelines whose jobs are due and can't begin, since no place is free for them, or those who
 * claim have their share of them: nobody is told of their jobs, and claims step over them, until a place is free
 * or some time has passed.
 *
 * A place may become free while a claim is still looking: then what the claim has found is not noted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "store/impl.h"
#include "store/look.h"

enum {
    SHARE_MS = 100,
    CHANGED_MS = 10, /* after a job has begun to wait: there may be many such, and they are looked at together */
};

struct stuck {
    pthread_mutex_t lock;
    struct map until; /* by pipeline: struct end */
    uint64_t freed;   /* how often a place was */
};

struct end {
    uint64_t closed_ms; /* monotonic: for all who claim */
    uint64_t share_ms;  /* for who has its share of them, which may be one alone: so not for long */
};

struct stuck *
stuck_new(void)
{
    struct stuck *s = calloc(1, sizeof(*s));
    if (s == NULL)
        abort();
    pthread_mutex_init(&s->lock, NULL);
    map_init(&s->until);
    return s;
}

static void
forget(struct stuck *s, struct weir_text pipeline)
{
    free(map_remove(&s->until, pipeline.bytes, pipeline.len));
}

void
stuck_free(struct stuck **ptr)
{
    struct stuck *s = *ptr;
    if (s == NULL)
        return;
    *ptr = NULL;
    uint32_t at = 0;
    const struct map_entry *entry;
    while ((entry = map_next(&s->until, &at)) != NULL)
        free(entry->value);
    map_fini(&s->until);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

uint64_t
stuck_look(struct stuck *s)
{
    pthread_mutex_lock(&s->lock);
    uint64_t freed = s->freed;
    pthread_mutex_unlock(&s->lock);
    return freed;
}

void
stuck_note(struct stuck *s, struct weir_text pipeline, uint64_t looked, uint64_t closed_ms)
{
    pthread_mutex_lock(&s->lock);
    if (s->freed == looked) {
        struct end *e = map_get(&s->until, pipeline.bytes, pipeline.len);
        if (e == NULL) {
            e = calloc(1, sizeof(*e));
            if (e == NULL)
                abort();
            (void)map_set(&s->until, pipeline.bytes, pipeline.len, e);
        }
        if (closed_ms > 0)
            e->closed_ms = clock_mono_ms() + closed_ms;
        else
            e->share_ms = clock_mono_ms() + SHARE_MS;
    }
    pthread_mutex_unlock(&s->lock);
}

void
stuck_changed(struct stuck *s, struct weir_text pipeline)
{
    pthread_mutex_lock(&s->lock);
    struct end *e = s->until.count > 0 ? map_get(&s->until, pipeline.bytes, pipeline.len) : NULL;
    uint64_t soon_ms = clock_mono_ms() + CHANGED_MS;
    if (e != NULL && e->closed_ms > soon_ms)
        e->closed_ms = soon_ms;
    pthread_mutex_unlock(&s->lock);
}

uint64_t
stuck_for(struct stuck *s, struct weir_text pipeline, bool claims)
{
    uint64_t ms = 0;
    pthread_mutex_lock(&s->lock);
    const struct end *e = s->until.count > 0 ? map_get(&s->until, pipeline.bytes, pipeline.len) : NULL;
    if (e != NULL) {
        uint64_t now = clock_mono_ms(), last = e->closed_ms > e->share_ms ? e->closed_ms : e->share_ms;
        uint64_t until = claims ? e->closed_ms : last;
        ms = until > now ? until - now : 0;
        if (last <= now)
            forget(s, pipeline);
    }
    pthread_mutex_unlock(&s->lock);
    return ms;
}

void
store_place_free(struct store *store, struct weir_text pipeline, struct weir_text key)
{
    struct stuck *s = store->stuck;
    keys_freed(store->keys, pipeline, key);
    pthread_mutex_lock(&s->lock);
    s->freed++;
    forget(s, pipeline);
    pthread_mutex_unlock(&s->lock);
    queue_nudge(&store->to_write);
}
