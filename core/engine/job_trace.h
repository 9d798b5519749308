/* engine/job_trace.h - what a failed attempt did, for operators, and when its steps did it.
 *
 * MessagePack of { v: 1, steps: [{ id, output, started_ms, took_ms, tries, effect, key, code, config, input,
 * unknown }] }, in the order of the pipeline: of each step that ran, its latest time if it runs many times. Outputs are those of the top level and of
 * blocks that run once, secrets masked, and of what is too large only the size: bytes. code is how it failed. A step
 * whose answer came from a record has no tries. What the failed step was given are config, input (or input_of: the
 * step whose output that is; neither: the body of the event) and unknown: given.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_JOB_TRACE_H
#define ENGINE_JOB_TRACE_H

#include "engine/run.h"
#include "store/jobs.h"

/* Appends the trace of R as far as it fits; nothing if there is no room at all. */
void job_trace_write(struct buf *out, const struct run *r);

/* A try of F's node at hand is over after TOOK_NS, with FAILURE or well. On the way of every request: cheap. */
static inline void
job_trace_note(const struct frame *f, const struct unit *u, uint64_t took_ns, const struct failure *failure)
{
    struct run_step *s = f->run->steps ? &f->run->steps[u->node->index] : NULL;
    if (s == NULL)
        return;
    s->began_ns = f->attempt_started_ns;
    s->took_us = took_ns / 1000 < UINT32_MAX ? (uint32_t)(took_ns / 1000) : UINT32_MAX;
    s->tries = f->attempt < UINT16_MAX ? (uint16_t)f->attempt : UINT16_MAX;
    s->code = failure ? (uint16_t)failure->error.code : 0;
}

/* Puts into S, a record of F's node at hand, when its latest try began, how many there were, and its effect. */
void job_trace_times(struct job_step *s, const struct frame *f, const struct unit *u);

/* The idempotency key of the step PATH (job_step_path) for jobs whose first one is ROOT: the same in each attempt. */
#define JOB_KEY 33 /* characters and the NUL */
void job_step_key(const char *root, struct weir_text path, char ret[JOB_KEY]);

#endif
