/* engine/host.h - the parts of the host table (abi/weir.h), by what they are about.
 *
 * Each host_*.c fills in its part; host.c puts them together.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_HOST_H
#define ENGINE_HOST_H

#include "engine/flow.h"

/* What a plugin sees as struct weir_open: the node or trigger in the making. */
struct weir_open {
    struct generation *generation;
    struct flow *flow;
    struct unit *unit;             /* NULL: a trigger */
    struct trigger_unit *trigger;  /* NULL: a node */
    const struct part *config;
    struct slots *slots;
    struct diags *diags;
};

/* The Redis server at URL, as host->redis; its metrics are there from then on. NULL and ERR if the URL is none.
 * Main thread. */
struct weir_redis *host_redis(struct weir_text url, struct weir_error *err);

/* The value of P, which stands in O's pipeline, as it is at load, as host->constant; *RET is owned. */
enum weir_code host_at_load(const struct weir_open *o, const struct part *p, const struct weir_value **ret,
                            struct weir_error *err) MUST_USE;

/* Adds BY to, or observes it with, the series of FAMILY with LABELS. SECRETS (NULL: none) do not stand in a label,
 * nor what is HIDDEN (NULL: nothing). */
void host_measure(unsigned shard, const struct secrets *secrets, const struct hidden *hidden, uint32_t family,
                  const struct weir_text *labels, double by);

/* Fill in what is for open, for calls, for events, for values and for the shard. */
void host_fill_open(struct weir_host *h);
void host_fill_load(struct weir_host *h);
void host_fill_call(struct weir_host *h);
void host_fill_http(struct weir_host *h);
void host_fill_redis(struct weir_host *h);
void host_fill_event(struct weir_host *h);
void host_fill_shard(struct weir_host *h);
void host_fill_value(struct weir_host *h);
void host_fill_tools(struct weir_host *h);
void host_fill_question(struct weir_host *h);
void host_fill_mark(struct weir_host *h);
void host_fill_auth(struct weir_host *h);
void host_fill_key(struct weir_host *h);
void host_fill_fetch(struct weir_host *h);
void host_fill_emit(struct weir_host *h);
void host_fill_socket(struct weir_host *h);

#endif
