/* engine/engine.h - what the rooms above call: the engine of a shard and its events.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/event.h"
#include "engine/generation.h"
#include "net/client.h"
#include "store/store.h"

/* Limits of one shard. */
struct engine_limits {
    unsigned max_runs;   /* runs in flight; more are refused with WEIR_UNAVAILABLE */
    uint64_t max_lag_ms; /* loop delay from which new runs are refused; 0: never */
    uint64_t max_wait_ms; /* of the first in line for a place, from which others are refused; 0: never */
    double jobs_idle; /* share of a shard's time that the jobs of the store leave idle; 0: none */
    const struct client_settings *client; /* read by engine_shard_new alone; NULL: the usual */
    const char *public_url; /* where the edge is for others, without a slash at the end; borrowed */
    struct store *store; /* for jobs; outlives the shard. NULL: durable runs are as others */
};

/* Makes the engine's part of shard S (slot SHARD_ENGINE) without a generation. */
enum weir_code engine_shard_new(struct weir_shard *s, const struct engine_limits *limits, struct weir_error *err) MUST_USE;

/* Ends every run that is left, now and without its catch and finally; what waits is refused. No
 * event is the engine's after this, but those of nodes that block a worker. */
void engine_end(struct weir_shard *s);

/* Frees it; all runs must be over (engine_runs, engine_end). */
void engine_shard_free(struct weir_shard *s);

/* Builds shard S's part of generation G: attaches every node and trigger. On an error all is
 * detached again. */
enum weir_code engine_prepare(struct weir_shard *s, struct generation *g, struct weir_error *err) MUST_USE;

/* The same while requests go on, in turns of the loop. FN is told of the end, perhaps at once; not if the engine
 * is freed before. */
void engine_prepare_in_turns(struct weir_shard *s, struct generation *g,
                             void (*fn)(void *arg, const struct weir_error *err), void *arg);

/* Makes the prepared generation the current one: new runs use it. The former one is let go
 * of when its last run ends. */
void engine_commit(struct weir_shard *s, struct generation *g);

/* Detaches a prepared generation that is not to be used. */
void engine_abandon(struct weir_shard *s, struct generation *g);

/* The current generation, borrowed until the next commit; NULL before the first. */
struct generation *engine_generation(struct weir_shard *s);

/* The table of routes (routes_port.make) of the current generation; NULL before the first. */
void *engine_routes(struct weir_shard *s);

/* Offers an event of the edge to the trigger of a route of the current generation. The event is
 * answered through its ops, now or later. An event that has a connection already starts its run. */
void engine_offer(struct weir_event *e, struct trigger_unit *t);

/* Whether a part of the path of T's events is hidden by mask:, so that no log has it. */
bool engine_hides_path(const struct trigger_unit *t);
/* The same of the name of the caller. */
bool engine_hides_auth(const struct trigger_unit *t);

/* The same for an event whose body is still to come: true if the trigger did not want to see it, so that it is
 * answered and let go of. Else it is to be offered later. */
bool engine_screen(struct weir_event *e, struct trigger_unit *t);

/* Gives E, which somebody has made up for T, the headers with which its sender would have signed it.
 * WEIR_INVALID: T checks no signature, or it can't be made. */
enum weir_code engine_sign(struct weir_event *e, struct trigger_unit *t, struct weir_error *err) MUST_USE;

/* Answers an event of the edge whose path is below /_weir/: the state of a job. */
void engine_own(struct weir_event *e);

/* The caller of E went away before it was answered in full. */
void engine_gone(struct weir_event *e);

/* The body of E's reply, a stream, was sent to its end (ERR NULL) or failed. */
void engine_reply_sent(struct weir_event *e, const struct weir_error *err);

/* Runs in flight on this shard. Any thread. */
unsigned engine_runs(struct weir_shard *s);

/* No new runs from now on: offers are refused with WEIR_UNAVAILABLE "draining"; WHEN_IDLE is called
 * on the shard once no run is left. */
void engine_drain(struct weir_shard *s, void (*when_idle)(void *arg), void *arg);

/* Cancels every run that is left, at the end of the grace. */
void engine_cancel_all(struct weir_shard *s);

/* From now on a report of a crash says which call was under way. Main thread. */
void engine_describe_crashes(void);

#endif
