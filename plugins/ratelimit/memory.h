/* ratelimit/memory.h - the store in the process: one table for all policies and shards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RATELIMIT_MEMORY_H
#define RATELIMIT_MEMORY_H

#include <weir.h>

#include "decide.h"

#define MEMORY_MAX (UINT64_C(64) << 20)

/* Makes the table and its metrics, the first time. Main thread, in open. */
uint32_t memory_open(struct weir_open *open, struct weir_error *err);

/* Decides about the key of that ID; VERDICT's full says that there was no room. Any thread. */
void memory_decide(uint8_t policy, struct weir_text id, struct ask *ask, struct verdict *ret);

/* Forgets what was counted; false if nothing was. Any thread. */
bool memory_reset(struct weir_text id);

/* Milliseconds of a clock that does not jump, read now. Any thread. */
uint64_t memory_now(void);

/* A number for the policies of NAME, which their entries are counted under; 0 if none is left.
 * The number is given back; entries may still have it. With the list of policies locked. */
uint8_t memory_number(const char *name);
void memory_number_free(uint8_t number);
/* How many entries there are of that number. */
uint64_t memory_keys(uint8_t number);

/* Keeps the sweeper alive, which gives expired entries back; on shard 0. */
void memory_sweep_start(struct weir_shard *shard);
void memory_sweep_stop(void);

#endif
