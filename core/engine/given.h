/* engine/given.h - what a step was given, for operators: its input, and its options with their expressions
 * worked out.
 *
 * A step that fails for good in a run that may be kept has it taken down at once, while all is there that it
 * was made of. Of other steps it is worked out when somebody looks: job_given.h.
 *
 * Secrets are *** in it, and so is what the type's schema says may be one (writeOnly) and is not made of event
 * data, unless it says that it may be seen (x-weir-shown). Options that are the type's default, and long scripts
 * (x-weir-literal), are left out.
 *
 * The shard's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_GIVEN_H
#define ENGINE_GIVEN_H

#include "engine/run.h"

/* A scope that notes what can't be had again. */
struct given_scope {
    struct scope scope; /* first: what its env points to */
    const char *why;    /* set: what was read last is not what the step has read; NULL: it is */
};

/* What N was given as options, in S; owned. UNKNOWN gets why parts of them are not known, by JSON pointer. */
const struct weir_value *given_options(const struct node *n, struct given_scope *s, struct weir_builder *unknown);

/* Takes down what U, F's node at hand, was given, into FAILURE, its own. */
void given_take(struct frame *f, const struct unit *u, struct failure *failure);

/* Whether the failure of R with CODE may be kept, so that this is worth it. */
bool given_wanted(const struct run *r, uint32_t code);

/* Puts what was taken into FAILURE into B, a step of R's trace, as far as *LEFT bytes allow. */
void given_put(struct weir_builder *b, const struct run *r, const struct failure *failure, size_t *left);

/* Lets go of it. */
void given_free(struct failure *f);

#endif
