/* engine/outcome.h - how a run ends for others: its reply, its counts, its line in the log.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_OUTCOME_H
#define ENGINE_OUTCOME_H

#include "engine/run.h"

/* Answers the caller, if nobody did: an http answer as it is, else 200 with JSON, null 204. */
void outcome_reply_result(struct run *r);

/* Answers the caller, if nobody did, with the problem document of the run's failure. */
void outcome_reply_error(struct run *r);

/* Counts and logs the end of the run. */
void outcome_count(struct run *r);

/* V as a string value with JSON, owned; NULL with ERR if it has none. */
const struct weir_value *outcome_json(const struct weir_value *v, struct weir_error *err);

/* Keeps a value (a reference that is taken) until the run's memory goes. */
void outcome_keep(struct run *r, const struct weir_value *v);

/* Lets go of all that was kept. */
void outcome_forget(struct run *r);

/* A failure as expressions see it: { code, message, node, status, attempt, detail }; borrowed. */
const struct weir_value *outcome_error(struct failure *f);

/* From the run's start to its reply, or until now, in seconds. */
double outcome_seconds(const struct run *r);

/* The reply that was sent, as expressions see it: { status, headers, duration }; owned. */
const struct weir_value *outcome_reply(struct run *r);

#endif
