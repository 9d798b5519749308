/* engine/admission.h - who may start a run now: the shard's limits, and a pipeline's concurrency.
 *
 * A gate is a pipeline's concurrency limit: counted over all shards in a table of the process,
 * by key. Runs that have to wait stand in a queue of their shard, in order, and are tried again
 * when a run of the same pipeline ends here, or a little later if it ended on another shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_ADMISSION_H
#define ENGINE_ADMISSION_H

#include "engine/run.h"

/* The gate of pipeline NAME, which outlives generations; with LIMIT if it is TODAYS, or new. Main
 * thread. */
struct gate *gate_of(const char *name, unsigned limit, bool todays);

/* Why no run may start now; NULL: one may. */
const char *admission_closed(const struct engine *en);

/* Starts a run for E if there is room, queues or refuses it otherwise. */
void admission_offer(struct weir_event *e);

/* E, whose job is in the store by now, runs as soon as it has its place: PLACED, it has it. */
void admission_go(struct weir_event *e, struct gate *gate, struct weir_text key, bool placed);

/* The same for a job that comes out of the store; it is given back if there is no room. */
void admission_resume(struct weir_event *e);

/* The text of PART, an expression that sees the event alone (a key), in E's memory; *RET stays if
 * there is no room. */
enum weir_code admission_text(struct weir_event *e, const struct part *part, struct weir_text *ret,
                              struct weir_error *err) MUST_USE;

/* Gives a place back that no run was started for. */
void admission_give(struct gate *gate, struct weir_text key, struct engine *e);

/* A run has ended: its place is free. */
void admission_release(struct run *r);

/* The caller of E went away while it waited. False if it does not wait. */
bool admission_forget(struct weir_event *e);

/* Cancels JOB, if its event waits for a place here. */
void admission_cancel(struct engine *e, const char *job, const char *why);

/* Refuses every event that waits, at the end of a drain. */
void admission_refuse_all(struct engine *e);

#endif
