/* engine/blocking.h - calls of nodes that block: on a worker thread, answered on the shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_BLOCKING_H
#define ENGINE_BLOCKING_H

#include "engine/run.h"
#include "loop/worker.h"

/* The workers that blocking nodes use; set once before the first run. */
void blocking_use(struct workers *w);

/* Runs the node of C on a worker. Its input and configuration are evaluated before, since a worker may not touch the run. The answer comes to the shard. */
void blocking_start(struct weir_call *c);

/* Frees what blocking_start has evaluated for C. */
void blocking_forget(struct weir_call *c);

/* host->work: WORK(ARG) on a worker, then DONE(ARG) on S. Where there are no workers (tests of pipelines) all
 * of it is done in the next turn of the loop. */
uint32_t blocking_work(struct weir_shard *s, void (*work)(void *arg), void (*done)(void *arg, bool dropped),
                       void *arg, struct weir_error *err);

/* host->done and host->fail from a thread that is not the shard's. OUTPUT is taken. */
void blocking_answer(struct weir_call *c, const struct weir_value **output, const struct weir_error *err);

#endif
