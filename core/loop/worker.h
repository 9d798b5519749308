/* loop/worker.h - a few threads for what blocks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_WORKER_H
#define LOOP_WORKER_H

#include "loop/shard.h"

struct workers;

/* Starts N threads (lazily, as work comes) whose queue holds at most MAX jobs. */
struct workers *workers_start(unsigned n, unsigned max);

/* Waits for the jobs that run, drops the queue (their DONE is called with dropped = true),
 * ends the threads. */
void workers_stop(struct workers **w);

/* The same, but W is still there: workers_do refuses. For who gives work while others end. */
void workers_quit(struct workers *w);

/* Runs WORK(arg) on a worker, then DONE(arg, false) on shard S. WEIR_UNAVAILABLE if the queue is
 * full. Call from S's thread. */
enum weir_code workers_do(struct workers *w, struct weir_shard *s, void (*work)(void *arg),
                          void (*done)(void *arg, bool dropped), void *arg, struct weir_error *err) MUST_USE;

/* Runs FN(arg) soon on S. Any thread; this is how a worker answers a call. Never fails: it
 * waits only if the mailbox of S is full. */
void shard_post(struct weir_shard *s, void (*fn)(void *arg), void *arg);

/* The same for what may be lost: false, instead of waiting. */
bool shard_try_post(struct weir_shard *s, void (*fn)(void *arg), void *arg);

#endif
