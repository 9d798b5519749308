/* engine/topic.h - what happens in one plugin, told to others on the same shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_TOPIC_H
#define ENGINE_TOPIC_H

#include "loop/shard.h"

/* What is published on one shard and waits for the next turn, and who is told. */
struct topics {
    struct weir_shard *shard;
    struct list subscriptions;
    struct list waiting;
    unsigned n_waiting;
    struct soon deliver;
};

/* Makes, and ends with all that still waits; what is subscribed has to be gone. */
void topics_init(struct topics *t, struct weir_shard *s);
void topics_fini(struct topics *t);

/* See host->subscribe, host->unsubscribe and host->publish. */
struct weir_subscription *topic_subscribe(struct topics *t, struct weir_text topic, weir_topic_fn *fn, void *arg);
void topic_unsubscribe(struct weir_subscription **s);
void topic_publish(struct topics *t, struct weir_text topic, const struct weir_value *event);

/* Tells who subscribed at once: for what comes from another shard, with nothing else on the stack. */
void topic_tell(struct topics *t, struct weir_text topic, const struct weir_value *event);

/* Lets other shards publish on this one, from now on and until topics_leave. */
void topics_join(struct topics *t);
void topics_leave(struct topics *t);

/* See host->publish_to. */
bool topic_publish_to(struct topics *t, uint64_t shards, struct weir_text topic, const struct weir_value *event);

#endif
