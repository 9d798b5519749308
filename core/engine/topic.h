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

#endif
