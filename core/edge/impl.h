/* edge/impl.h - inside the room: an edge as its files know it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_IMPL_H
#define EDGE_IMPL_H

#include "base/clock.h"
#include "edge/buffer.h"
#include "edge/client_ip.h"
#include "edge/edge.h"
#include "edge/memory.h"
#include "edge/stats.h"

struct listener;
struct request;

/* How far something was that comes in, a body or a message, when it last really moved. */
struct coming {
    size_t len;
    uint64_t ms;
};

struct edge {
    struct weir_shard *shard;
    struct edge_config config; /* trusted is owned */
    struct trust trust;
    struct listener *listeners; /* owned; n_listeners */
    unsigned n_listeners;
    bool paused;         /* does not accept: a limit is reached */
    bool draining;       /* answers say Connection: close */
    struct timer resume; /* looks whether it may accept again */

    struct list idle;   /* connections that wait for a request, the longest first */
    struct list active; /* all others */
    unsigned n_connections;
    struct list awake;      /* connections that are not folded and may be, by when they are looked at: rest.c */
    struct timer rest_tick; /* when the first one is */

    struct list requests; /* that are not recycled */
    struct request *free_requests;
    unsigned n_free_requests;
    struct buffer_pool buffers;

    struct memory_watch memory;
    struct timer memory_tick;
    uint64_t taken; /* bytes of edge_took since memory was last looked at */
    uint64_t trimmed_ms; /* when memory that is free was last given back, or looked for */
    uint64_t kept;       /* bytes that the process held then, or less since; 0: never */
    uint64_t look_ms;    /* from one look to the next, if nothing grows */

    uint64_t date_ms; /* on the shard's clock, when DATE was written; 0: never */
    char date[6 + CLOCK_HTTP + 2]; /* the line */

    struct http_head head; /* the head at hand, while it is parsed */
    struct buf out;        /* the head of the answer at hand */
    char *wire;            /* owned: where HTTP/2 gathers frames; NULL: not used yet */
    char *record;          /* owned: where small parts are gathered for TLS; or NULL */
};

/* Counts a refusal, unless metrics are off. */
void edge_refused(struct edge *e, enum refusal why);

/* Logs TEXT as a warning; all edges of the process together log at most one line a second. */
void edge_warn(const char *text);

/* The same, of what its memory makes the edge do. */
void edge_warn_memory(const struct edge *e);

/* The line with the Date field. */
struct weir_text edge_date(struct edge *e);

/* The edge holds LEN bytes more for a caller. Looks at memory if that is much since it last did: a rush
 * goes faster than the clock. */
void edge_took(struct edge *e, size_t len);

/* LEN bytes more of P have come, NOW of it in all; as edge_took besides. */
void edge_came(struct edge *e, struct coming *p, size_t len, size_t now);

/* A connection has been closed: there is room for another one. */
void edge_room(struct edge *e);

#endif
