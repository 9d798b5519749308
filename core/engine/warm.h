/* engine/warm.h - what a run of a pipeline reads, fetched into the processor's caches all at once.
 *
 * Among thousands of pipelines nothing of the one that is asked for is in the caches. A run reads
 * some eighty lines of it, most of them found through another, and would wait for each by itself;
 * fetched ahead they come side by side. The list is made once, when a flow is opened, and only in
 * a generation with so many pipelines that they do not stay in the caches anyway.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_WARM_H
#define ENGINE_WARM_H

#include "engine/flow.h"

/* Lists what a run of F reads of its first steps. F is open. Main thread. */
void warm_make(struct flow *f);

/* Frees the list. */
void warm_free(struct flow *f);

/* Fetches what is listed for the flow of T. PART is the shard's, SHARD its number. Costs a few instructions
 * if nothing is listed. */
void warm_fetch(const struct trigger_unit *t, const struct generation_part *part, unsigned shard);

#endif
