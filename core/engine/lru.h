/* engine/lru.h - shared caches of values: named, for all shards, outliving generations.
 *
 * A cache is cut into parts, each with its mutex, its share of the bytes and its order of use:
 * what was used longest ago makes room within its part. A small cache is one part, so that its
 * bytes are of use whatever the keys are. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_LRU_H
#define ENGINE_LRU_H

#include "base/err.h"

/* The cache NAME, made at first use; a later figure for MAX_BYTES counts from then on. */
struct weir_lru *lru_open(const char *name, uint64_t max_bytes);

/* See host->lru_get, host->lru_set and host->lru_drop. */
bool lru_get(struct weir_lru *l, struct weir_text key, const struct weir_value **ret, uint64_t *ret_mark);
bool lru_set(struct weir_lru *l, struct weir_text key, const struct weir_value *value, uint64_t mark);
bool lru_drop(struct weir_lru *l, struct weir_text key);

/* Entries and bytes in all. */
void lru_usage(struct weir_lru *l, uint64_t *ret_entries, uint64_t *ret_bytes);

/* Frees every cache, at the end of the process. */
void lrus_free(void);

#endif
