/* ratelimit/policy.h - policies: what the nodes of one name limit, and by what.
 *
 * A policy is immutable and counted: a node has one, and so has an operator's question that is
 * under way. All that are in use are in one list, the newest first, whatever generation their
 * nodes are of.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RATELIMIT_POLICY_H
#define RATELIMIT_POLICY_H

#include <stdatomic.h>
#include <weir.h>

#include "decide.h"

#define NAME_MAX_LEN 128u
#define LIMIT_NAME_MAX 64u
#define ID_LEN 15u /* of a key: the first bytes of its digest */
/* Of a limit's name in the headers, and with its rate behind that. */
#define SHOWN_MAX (NAME_MAX_LEN + LIMIT_NAME_MAX + 3)
#define TERMS_MAX (SHOWN_MAX + sizeof ";q=;w=" + 40)

/* One limit of a policy. */
struct limit {
    char name[LIMIT_NAME_MAX + 1];
    uint32_t slot; /* an expression; 0: RATE is it */
    struct rate rate;
    _Atomic uint64_t seen_limit; /* of an expression, the last time; for operators */
    _Atomic uint64_t seen_window;
    uint8_t salt[32]; /* stands for policy and limit in a key's digest */
    char *shown;                   /* the name in RateLimit: "POLICY", or "POLICY/NAME"; owned */
    struct weir_text terms;        /* what RateLimit-Policy says of RATE; owned */
};

struct policy {
    atomic_uint refs;
    struct policy *next; /* of the list: an older one */
    struct policy *prev;
    char name[NAME_MAX_LEN + 1];
    char *pipeline;
    char *node;
    enum algorithm algorithm;
    struct weir_redis *redis; /* NULL: in the process */
    uint32_t timeout_ms;      /* of Redis */
    uint32_t capacity;        /* of a token bucket; 0: the limit */
    uint8_t number;           /* of the name, in entries; 0: there were too many */
    bool picks;               /* limits were given by name */
    unsigned n;
    struct limit *limits;
};

/* A policy with N limits to be filled in. */
struct policy *policy_new(const char *name, unsigned n);
/* Puts it in front of the list; it leaves with policy_leave. Any thread. */
void policy_enter(struct policy *p);
void policy_leave(struct policy *p);
struct policy *policy_ref(struct policy *p);
void policy_unref(struct policy **p);

/* The newest of that name, or, with INDEX counting from 0, of another name each; a reference.
 * NULL: there is none. Any thread. */
struct policy *policy_find(struct weir_text name);
struct policy *policy_at(unsigned index);
/* The pipelines and steps that use the name: a list of { pipeline, step }. */
const struct weir_value *policy_uses(const char *name);

/* The limit of that name; NULL if there is none. */
struct limit *policy_limit(const struct policy *p, struct weir_text name);
/* "10/60s" of a rate. */
void rate_text(const struct rate *r, char ret[40]);
/* Makes what headers say of the limit L of P, whose name and rate are known. */
void policy_say(const struct policy *p, struct limit *l);
/* What RateLimit-Policy says of L with the rate R: made in ROOM (TERMS_MAX bytes) if the rate is an
 * expression's. */
struct weir_text limit_terms(const struct limit *l, const struct rate *r, char *room);
/* "sliding-log" ... */
const char *algorithm_name(enum algorithm a);

/* The first bytes of a digest over policy, limit and KEY: all that is kept of a key. It is a SHA-256 if
 * it goes to Redis, and one of this process alone if it stays here. */
void policy_id(const struct policy *p, const struct limit *l, struct weir_text key, uint8_t ret[ID_LEN]);

#endif
