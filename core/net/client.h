/* net/client.h - HTTP requests to upstreams over pooled connections of one shard.
 *
 * Each request ends in exactly one callback: an answer, or the right error within its
 * deadline: WEIR_UPSTREAM (connect, reset, garbage, truncation, TLS), WEIR_TIMEOUT, WEIR_TOO_LARGE,
 * WEIR_FORBIDDEN (an address or host that may not be called), WEIR_UNAVAILABLE (pool or retry
 * budget exhausted). A connection is kept only after a clean, complete answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_CLIENT_H
#define NET_CLIENT_H

#include "loop/shard.h"
#include "value/value.h"

struct client;
struct client_call;

/* What a plugin asks for, and what the engine adds. All is copied or referenced. */
struct client_request {
    const struct weir_http_request *http;
    uint64_t deadline_ms; /* on the shard's clock; UINT64_MAX: only http's own */
    uint32_t attempt;     /* 1; more is a retry and draws on the upstream's budget */
};

/* Whoever wants to know how long calls to which server took. Lent texts. */
struct client_report {
    struct weir_text server; /* host:port */
    struct weir_text method;
    unsigned status; /* 0: no answer */
    uint32_t code;   /* enum weir_code of the end */
    uint64_t duration_ns;
};
typedef void client_report_fn(void *arg, const struct client_report *);

/* What holds where a request says nothing. */
struct client_settings {
    uint32_t connect_ms;    /* TLS included */
    uint32_t first_byte_ms;
    uint32_t whole_ms;      /* not of a streamed answer */
    uint32_t idle_ms;       /* how long a connection is kept that says nothing of it itself */
    uint32_t pool;          /* connections to one upstream */
    uint64_t max_body;      /* bytes of an answer that is not streamed */
    double retry_share;     /* retries to an upstream, as a part of its traffic; 10 in 10 s in any case */
};

/* 5 s, 30 s, 60 s, 4 s, 32, 10 MiB, a fifth. */
extern const struct client_settings client_defaults;

/* Sets them for the requests that come; without it client_defaults hold. */
void client_configure(struct client *c, const struct client_settings *settings);

/* Makes and frees the client of a shard; calls that are pending then are dropped silently. */
enum weir_code client_new(struct weir_shard *s, struct client **ret, struct weir_error *err) MUST_USE;
void client_free(struct client **c);

/* REPORT is told of the end of every request. */
void client_on_report(struct client *c, client_report_fn *report, void *arg);

/* Sends a request. FN is called once, never inside this call, unless client_cancel is called
 * before. */
struct client_call *client_send(struct client *c, const struct client_request *r, weir_http_fn *fn, void *arg);

/* Whether CALL, which was just made, is a retry that the upstream's budget did not let through. */
bool client_is_over_budget(const struct client_call *call);

/* Ends a call without its callback; its connection is closed. NULL is accepted and left. */
void client_cancel(struct client_call **call);

/* Closes idle connections, as a first step when memory is short. */
void client_trim(struct client *c);

/* For tests and statistics: connections in use and idle. */
void client_counts(const struct client *c, unsigned *ret_busy, unsigned *ret_idle);

#endif
