/* engine/admission.h - who may start a run now: the shard's limits, and a pipeline's concurrency.
 *
 * A pipeline's concurrency is a gate (gate.h). Runs that have to wait stand in its line, in the order
 * in which they came, whatever their shard; a run that ends lets in the first one. The line is bounded
 * in number, and, for events that nobody keeps, in time: who would have to wait for longer than the
 * limit's max_wait_ms is refused, so that those who are let in still have somebody to answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_ADMISSION_H
#define ENGINE_ADMISSION_H

#include "engine/gate.h"
#include "engine/run.h"

/* Who is refused, and by which limit: name, label "reason" of weir_admission_refused_total, what is said. */
#define ADMISSION_REFUSALS(X)                                                                        \
    X(DRAINING, "draining", "this server is shutting down")                                          \
    X(RUNS, "max_runs", "too many runs are in flight (engine.max_runs)")                             \
    X(LAG, "max_lag", "this server is overloaded: its loop is late (engine.max_lag)")                \
    X(REJECT, "concurrency", "the pipeline runs as often at once as it may (concurrency)")           \
    X(LINE, "line", "too many events wait for a place")                                              \
    X(WAIT, "max_wait", "too many wait for a place of this pipeline already (engine.max_wait)")      \
    X(LATE, "max_wait", "no place of this pipeline became free in time (engine.max_wait)")           \
    X(KEYS, "keys", "too many keys of the pipeline's concurrency are in use")                        \
    X(STORE, "store", "the store takes no event now")

enum admission_refusal {
    ADMISSION_OPEN,
#define X(name, reason, text) ADMISSION_##name,
    ADMISSION_REFUSALS(X)
#undef X
};

/* What is said of a refusal. Any thread. */
const char *admission_text_of(enum admission_refusal why);

/* Counts that an event of F is refused on S. S's thread. */
void admission_count(const struct weir_shard *s, const struct flow *f, enum admission_refusal why);

/* Prepares the shard's part of it; and waits until every place that is on its way to this shard has
 * arrived, when the shard ends. */
void admission_begin(struct engine *e);
void admission_settle(struct engine *e);

/* Refuses E, whatever it waits for: it is answered and let go of. */
void admission_refuse(struct weir_event *e, enum admission_refusal why);

/* Starts E's run; KEY, of its place in G (NULL: it needs none), stays with it. */
void admission_start(struct weir_event *e, struct gate *g, struct weir_text key);

/* E stands in line for a place of KEY, or is refused; it may have got one by now. */
void admission_wait(struct engine *en, struct weir_event *e, struct gate *g, struct weir_text key);

/* Why no run may start now. */
enum admission_refusal admission_closed(const struct engine *en);

/* Starts a run for E if there is room, queues or refuses it otherwise. */
void admission_offer(struct weir_event *e);

/* The same once it is known that E is the first event of its idempotency key. */
void admission_enter(struct weir_event *e);

/* E, whose job is in the store by now, runs as soon as it has its place: PLACED, it has it. */
void admission_go(struct weir_event *e, struct gate *gate, struct weir_text key, bool placed);

/* The same for a job that comes out of the store; it is given back if there is no room. HELD: the key of the place
 * that it has in its pipeline's gate already, in E's memory; NULL bytes: it has none. */
void admission_resume(struct weir_event *e, struct weir_text held);

/* Gives a place back; jobs in the store that were refused it are told. EN's shard. */
void admission_leave(struct engine *en, struct gate *gate, struct weir_text key);

/* Prepares for places that are kept for jobs in the store; lets go of all. EN's shard. */
void admission_keep_begin(struct engine *en);
void admission_keep_end(struct engine *en);

/* The text of PART, an expression that sees the event alone (a key), in E's memory; *RET stays if
 * there is no room. */
enum weir_code admission_text(struct weir_event *e, const struct part *part, struct weir_text *ret,
                              struct weir_error *err) MUST_USE;

/* The value of PART, an expression that sees the event alone; *ret is owned. As part_eval. */
enum weir_code admission_eval(struct weir_event *e, const struct part *part, const struct weir_value **ret,
                              struct weir_error *err) MUST_USE;

/* ARG, a gate_wait, has got its place: its run starts soon. On its shard. */
void admission_placed(void *arg);

/* A run has ended: its place is free. */
void admission_release(struct run *r);

/* The caller of E went away while it waited. False if it does not wait. */
bool admission_forget(struct weir_event *e);

/* Cancels JOB, if its event waits for a place here. */
void admission_cancel(struct engine *e, const char *job, const char *why);

/* Refuses every event that waits, at the end of a drain. */
void admission_refuse_all(struct engine *e);

#endif
