/* cache/store.h - entries in the process and in Redis. On the shard's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include "cache.h"
#include "entry.h"

/* Counts how often the key of ID was set or dropped from outside of a block. */
unsigned store_epoch(const struct store *s, const uint8_t id[ID_LEN]);
void store_epoch_next(const struct store *s, const uint8_t id[ID_LEN]);

/* The entry of the process; false: there is none. */
bool memory_get(const struct store *s, const uint8_t id[ID_LEN], struct entry *ret);
/* Sets it; the result is why not (as a label), or NULL. */
const char *memory_set(const struct store *s, const uint8_t id[ID_LEN], const struct entry *e);
bool memory_drop(const struct store *s, const uint8_t id[ID_LEN]);

/* Asks Redis for the entry; FN gets a reply for redis_entry. */
struct weir_command *redis_get(struct weir_shard *shard, const struct store *s,
                               struct weir_text key, weir_redis_fn *fn, void *arg);
/* The entry of a reply; false: there is none. */
bool redis_entry(const struct weir_value *reply, struct entry *ret);
/* Sets it until it may not be kept any more; *ret_why is why not, and then nothing is sent. */
struct weir_command *redis_set(struct weir_shard *shard, const struct store *s,
                               struct weir_text key, const struct entry *e, weir_redis_fn *fn,
                               void *arg, const char **ret_why);
/* The reply is how many were there. */
struct weir_command *redis_drop(struct weir_shard *shard, const struct store *s,
                                struct weir_text key, weir_redis_fn *fn, void *arg);

#endif
