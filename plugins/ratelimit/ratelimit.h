/* ratelimit/ratelimit.h - what the files of this plugin share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RATELIMIT_RATELIMIT_H
#define RATELIMIT_RATELIMIT_H

#include "decide.h"
#include "plugin.h"
#include "policy.h"

#define COST_LOG_MAX 10000u /* of the log, which keeps a stamp for each */

/* One configured node. */
struct limiter {
    struct policy *policy; /* a reference */
    uint32_t key;          /* slots */
    uint32_t select;       /* 0: the first limit */
    uint32_t cost;         /* 0: FIXED_COST is it */
    uint32_t metric;
    uint64_t fixed_cost;
    bool ietf;
    bool legacy;
    bool iso;
    bool closed; /* without its store it refuses */
};

/* A node on one shard. */
struct limiter_shard {
    const struct limiter *limiter;
    bool sweeps; /* it keeps the sweeper alive */
    /* Names as values of the output, made when first asked for: of the shard's own, since to count who
     * refers to one that all shards have would keep them waiting for each other. Owned. */
    const struct weir_value *policy;
    const struct weir_value **limits; /* as policy.limits */
};

/* One request on its way. */
struct request {
    struct weir_call *call;
    const struct limiter *limiter;
    struct limiter_shard *shard;
    const struct limit *limit;
    struct ask ask;
    struct weir_command *command; /* while Redis is asked */
};

/* open.c: the configuration. */
uint32_t limiter_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
                      struct weir_error *err);
void limiter_close(void *conf);
/* The rate that V, of format rate, stands for; WEIR_INVALID if it is out of range. */
uint32_t rate_read(const struct weir_value *v, const struct policy *p, struct rate *ret,
                   struct weir_error *err);

/* answer.c: ends the call, with headers and metric, by what the store said at WALL_MS. */
void answer(struct request *r, const struct verdict *v, uint64_t wall_ms);
/* The same when the store said nothing, for REASON. */
void answer_without(struct request *r, const char *reason);

/* admin.c */
void limits_ask(struct weir_question *q);

#endif
