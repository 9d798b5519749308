/* cache/cache.h - what the files of this plugin share.
 *
 * A cache is a name. Its entries are in the process (host->lru) or in Redis; who waits for whom
 * is kept for each shard (flight.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include <stdatomic.h>

#include "plugin.h"

#define NAME_MAX_LEN 128u
#define ID_LEN 16u    /* of a key: a digest, or the first bytes of one */
#define LOOKUP_MS 50u /* how long Redis may take */

/* A name, for the whole process. */
struct named {
    struct named *next;
    unsigned refs; /* nodes; guarded by names.c's lock */
    char name[NAME_MAX_LEN + 1];
    uint64_t max_bytes;
    /* By the first byte of an id: how often a key was set or dropped from outside of a block.
     * What a block found out before is not kept after. */
    atomic_uint epochs[256];
};

/* What a call asks for. */
struct key {
    struct weir_text text; /* lives as long as the call */
    uint8_t id[ID_LEN];    /* in this process; Redis knows the key by another one (store.c) */
};

/* Where a node's entries are. */
struct store {
    struct named *named;
    struct weir_lru *lru;
    struct weir_redis *redis; /* NULL: the lru is it */
    uint64_t max_entry;
    uint32_t requests; /* metrics */
    uint32_t skipped;
};

/* One configured node, of any of the types. */
struct node {
    struct store store;
    uint32_t block;
    uint32_t key; /* slots */
    uint32_t value;
    uint32_t ttl;
    uint32_t keep;
    uint64_t ttl_ms;
    uint64_t keep_ms; /* beyond the ttl, for reads of stale values */
    uint64_t negative_ms;
    uint64_t refresh_ms; /* of cache_set: until a same value is written again; 0: always */
    bool stale;    /* of cache_get: it takes stale values */
    bool required; /* of cache_set and cache_drop: without the store they fail */
};

/* A node on one shard. */
struct seat {
    const struct node *node;
    struct lately *lately; /* owned; NULL: everything is written */
    struct place *place;
    const struct weir_value *answers[2]; /* of cache_set and cache_drop, made when first given; owned */
};

/* open.c */
uint32_t cache_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
                    struct weir_error *err);
uint32_t access_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
                     struct weir_error *err);
void node_close(void *conf);

/* cache.c: a node takes and leaves its seat on a shard. */
uint32_t seat_attach(struct weir_shard *shard, void *conf, void **ret_state,
                     struct weir_error *err);
void seat_detach(void *state);

/* block.c */
void block_run(struct weir_call *call, void *state);
void block_cancel(struct weir_call *call, void *state);

/* access.c: cache_get, cache_set and cache_drop. */
void get_run(struct weir_call *call, void *state);
void set_run(struct weir_call *call, void *state);
void drop_run(struct weir_call *call, void *state);
void access_cancel(struct weir_call *call, void *state);

/* names.c: the name, made at first use. */
struct named *named_open(struct weir_text name);
void named_close(struct named *n);

/* tools.c */
/* What the key of NODE evaluates to. */
uint32_t key_read(struct weir_call *call, const struct node *node, struct key *ret,
                  struct weir_error *err);
void count_request(struct weir_call *call, const struct store *s, struct weir_text result);
void count_skipped(struct weir_shard *shard, const struct store *s, const char *reason);

#endif
