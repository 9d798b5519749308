/* engine/job_given.h - what the steps of a job were given, for whoever looks at it.
 *
 * Of the failed step of an attempt it is kept (given.h). Of the others it is worked out from what is kept: the
 * event, the outputs, and the pipeline as it was then, with the environment and the secrets of today. What can't
 * be had so is said to be unknown, and why; it is never guessed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_JOB_GIVEN_H
#define ENGINE_JOB_GIVEN_H

#include "loop/shard.h"
#include "value/value.h"

/* TOLD, an answer of the store to jobs.show or jobs.step, in which each step of "steps" and of the traces in
 * "attempts" has what it was given:
 *
 *   config    its options, worked out; without those that are the type's default
 *   input     what flowed into it
 *   given     "kept", or "worked out"
 *   unknown   { place: why }, of what is not known: "input", or a JSON pointer into config
 *
 * Of a value of more than LIMIT bytes config_bytes or input_bytes stands there instead. OF is the answer to
 * jobs.show, with its definition; that, and "of", are left out of what is returned, which is the caller's. */
const struct weir_value *job_given(struct weir_shard *s, const struct weir_value *told, const struct weir_value *of,
                                   size_t limit);

#endif
