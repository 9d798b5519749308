/* loop/actor.h - a thread of its own (zactor) that runs a shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_ACTOR_H
#define LOOP_ACTOR_H

#include "loop/shard.h"

struct actor;

/* START runs on the new thread before its loop (build the rooms' parts of the shard), STOP
 * after it. */
struct actor_work {
    enum weir_code (*start)(void *arg, struct weir_shard *s, struct weir_error *err);
    void (*stop)(void *arg, struct weir_shard *s);
    void *arg;
};

/* Starts a thread named NAME with shard number INDEX, and returns when WORK.start is done: its
 * error is the result. */
enum weir_code actor_start(const char *name, unsigned index, const struct actor_work *work,
                           struct actor **ret, struct weir_error *err) MUST_USE;

/* Ends the loop, waits for the thread, frees. NULL is accepted and left. */
void actor_stop(struct actor **a);

/* The actor's shard, for shard_stop and for statistics that are read with atomics. */
struct weir_shard *actor_shard(struct actor *a);

#endif
