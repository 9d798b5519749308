/* ratelimit/redis.h - the store in Redis: one command a decision. On the shard's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RATELIMIT_REDIS_H
#define RATELIMIT_REDIS_H

#include "policy.h"

/* Where something is counted. */
struct bucket {
    const struct policy *policy;
    const struct limit *limit;
    uint8_t id[ID_LEN];
};

/* Sends the script; FN gets its reply, within TIMEOUT_MS. */
struct weir_command *redis_decide(struct weir_shard *s, const struct bucket *b,
                                  const struct ask *ask, uint32_t timeout_ms, weir_redis_fn *fn,
                                  void *arg);

/* Sends a DEL of the bucket. */
struct weir_command *redis_reset(struct weir_shard *s, const struct bucket *b,
                                 uint32_t timeout_ms, weir_redis_fn *fn, void *arg);

/* Reads what the script answered; false if that is no answer of it. */
bool redis_verdict(const struct weir_value *reply, struct verdict *ret, uint64_t *ret_wall_ms);

/* Makes the texts that tell requests of this process from each other and from those of others.
 */
void redis_prepare(void);

#endif
