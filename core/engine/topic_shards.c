/* engine/topic_shards.c - what is published on other shards; see topic.h.
 *
 * The shards of the process stand in one array. Whoever publishes holds its lock, shared, so that
 * no shard goes meanwhile; what was posted runs on that shard before it is freed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run.h"
#include "loop/worker.h"

#define SHARDS 64u

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct weir_shard *shards[SHARDS];

void
topics_join(struct topics *t)
{
    pthread_rwlock_wrlock(&lock);
    if (t->shard->index < SHARDS)
        shards[t->shard->index] = t->shard;
    pthread_rwlock_unlock(&lock);
}

void
topics_leave(struct topics *t)
{
    pthread_rwlock_wrlock(&lock);
    if (t->shard->index < SHARDS && shards[t->shard->index] == t->shard)
        shards[t->shard->index] = NULL;
    pthread_rwlock_unlock(&lock);
}

/* On its way to another shard. */
struct parcel {
    struct weir_shard *to;
    const struct weir_value *event; /* owned */
    size_t len;
    char topic[];
};

static void
arrive(void *arg)
{
    struct parcel *p = arg;
    struct engine *e = engine_of(p->to);
    if (e)
        topic_tell(&e->topics, (struct weir_text){ p->topic, p->len }, p->event);
    value_unref(&p->event);
    free(p);
}

static bool
send(struct weir_shard *to, struct weir_text topic, const struct weir_value *event)
{
    struct parcel *p = malloc(sizeof *p + topic.len);
    if (p == NULL)
        abort();
    p->to = to;
    p->event = value_ref(event);
    p->len = topic.len;
    memcpy(p->topic, topic.bytes, topic.len);
    if (shard_try_post(to, arrive, p))
        return true;
    value_unref(&p->event);
    free(p);
    return false;
}

bool
topic_publish_to(struct topics *t, uint64_t mask, struct weir_text topic, const struct weir_value *event)
{
    bool all = true;
    pthread_rwlock_rdlock(&lock);
    for (unsigned i = 0; i < SHARDS; i++) {
        if (shards[i] == NULL || (mask & UINT64_C(1) << i) == 0)
            continue;
        if (shards[i] == t->shard)
            topic_publish(t, topic, event);
        else
            all &= send(shards[i], topic, event);
    }
    pthread_rwlock_unlock(&lock);
    return all;
}
