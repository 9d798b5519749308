/* engine/job_trace.h - what a failed attempt did, for operators.
 *
 * MessagePack of { v: 1, steps: [{ id, output }] }, in the order of the pipeline: of each step of
 * the top level and of blocks that run once, secrets masked, and of what is too large only its
 * size: { id, bytes }.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_JOB_TRACE_H
#define ENGINE_JOB_TRACE_H

#include "engine/run.h"

/* Appends the trace of R as far as it fits; nothing if there is no room at all. */
void job_trace_write(struct buf *out, const struct run *r);

#endif
