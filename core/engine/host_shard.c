/* engine/host_shard.c - the host table for the loop and shared tables. See host.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include <stdlib.h>

#include "base/clock.h"
#include "engine/metrics.h"
#include "engine/run.h"
#include "engine/table.h"
#include "loop/shard.h"

static uint64_t
now_ms(struct weir_shard *s)
{
    return shard_now(s);
}

static uint64_t
wall_ms(struct weir_shard *s)
{
    (void)s;
    return clock_wall_ms();
}

/* A timer that a plugin holds: fires once, and is freed by timer_stop. */
struct weir_timer {
    struct timer timer;
    struct weir_shard *shard;
};

static struct weir_timer *
timer_start(struct weir_shard *s, uint64_t ms, weir_timer_fn *fn, void *arg)
{
    struct weir_timer *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->shard = s;
    timer_init(&t->timer, fn, arg);
    timer_set(s, &t->timer, shard_now(s) + ms);
    return t;
}

static void
timer_stop(struct weir_timer **t)
{
    if (*t == NULL)
        return;
    timer_unset((*t)->shard, &(*t)->timer);
    free(*t);
    *t = NULL;
}

/* What a plugin sees as struct weir_watch is the loop's own. */
static struct weir_watch *
watch_start(struct weir_shard *s, int fd, uint32_t want, weir_watch_fn *fn, void *arg)
{
    return (struct weir_watch *)(void *)watch_new(s, fd, want, fn, arg);
}

static void
watch_stop(struct weir_watch **w)
{
    struct watch *own = (struct watch *)(void *)*w;
    watch_free(&own);
    *w = NULL;
}

static uint32_t
shard_index(const struct weir_shard *s)
{
    return s->index;
}

static void
shard_measure(struct weir_shard *s, uint32_t family, const struct weir_text *labels, double by)
{
    const struct generation_part *part = engine_of(s)->current;
    host_measure(s->index, part ? part->generation->secrets : NULL, NULL, family, labels, by);
}

static struct weir_subscription *
subscribe(struct weir_shard *s, struct weir_text topic, weir_topic_fn *fn, void *arg)
{
    return topic_subscribe(&engine_of(s)->topics, topic, fn, arg);
}

static void
publish(struct weir_shard *s, struct weir_text topic, const struct weir_value *event)
{
    topic_publish(&engine_of(s)->topics, topic, event);
}

static bool
publish_to(struct weir_shard *s, uint64_t shards, struct weir_text topic, const struct weir_value *event)
{
    return topic_publish_to(&engine_of(s)->topics, shards, topic, event);
}

void
host_fill_shard(struct weir_host *h)
{
    h->now_ms = now_ms;
    h->wall_ms = wall_ms;
    h->timer_start = timer_start;
    h->timer_stop = timer_stop;
    h->watch_start = watch_start;
    h->watch_stop = watch_stop;
    h->table_entry = table_entry;
    h->table_sweep = table_sweep;
    h->table_realloc = table_realloc;
    h->table_sweep_part = table_sweep_part;
    h->table_usage = table_usage;
    h->table_dropped = table_dropped;
    h->shard_index = shard_index;
    h->shard_measure = shard_measure;
    h->subscribe = subscribe;
    h->unsubscribe = topic_unsubscribe;
    h->publish = publish;
    h->publish_to = publish_to;
}
