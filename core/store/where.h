/* store/where.h - a condition on jobs as operators write it: job.attempt > 3 && event.body.amount > 100.
 *
 * job is what jobs.list tells of one; event is what was stored, with the body parsed if it is JSON; both as who asks
 * may see them (struct store_ask), since whatever a condition is worked out on can be found out by asking often
 * enough. Jobs for which the condition is an error, such as a field that is not there, are left out and counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_WHERE_H
#define STORE_WHERE_H

#include "store/ask.h"

struct where;

/* Reads the parameter where; *RET is NULL if there is none. WEIR_INVALID: it is no expression. */
enum weir_code where_read(const struct asking *a, struct where **ret, struct weir_error *err) MUST_USE;
void where_free(struct where **w);

/* Whether it holds for JOB, as jobs.list tells it, which has the number SEQ. */
bool where_holds(struct where *w, struct db *db, const struct weir_value *job, int64_t seq);

/* How many jobs it was an error for, and the first one; 0 if W is NULL. */
uint64_t where_left_out(const struct where *w);
struct weir_text where_because(const struct where *w);

/* Puts { left_out, because: the first error } into B, if there was one. */
void where_tell(const struct where *w, struct weir_builder *b);

#endif
