/* edge/protocol.h - inside the room: what a connection speaks, HTTP/1.1 or HTTP/2.
 *
 * Routes, triggers, limits, and what an answer says are the same in both. A protocol is what
 * turns bytes into requests and answers into bytes: one table for each, and each connection
 * has one. All functions are called on the connection's shard, between connection_enter and
 * connection_leave but for closing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_PROTOCOL_H
#define EDGE_PROTOCOL_H

#include "base/buf.h"
#include "net/http1.h"

struct connection;
struct request;

struct protocol {
    struct weir_text name;

    /* -- of a connection -- */

    /* The descriptor is readable, or writable. */
    void (*readable)(struct connection *c);
    void (*writable)(struct connection *c);
    /* c->soon has come. */
    void (*soon)(struct connection *c);
    /* The deadline has passed. */
    void (*expire)(struct connection *c);
    /* It is to take no further requests: the edge drains. Those at hand are answered. */
    void (*retire)(struct connection *c);
    /* It is CLOSED now, and its descriptor is about to be: its requests are abandoned. */
    void (*closing)(struct connection *c, bool hard);

    /* -- of a request, whose connection is there -- */

    /* The head H was read: sets r->body to how the body comes. */
    void (*framed)(struct request *r, const struct http_head *h);
    /* Says 100 Continue, unless the body is coming already. False: the connection is gone. */
    bool (*proceed)(struct request *r);
    /* The body is wanted: offers the request once it is here. */
    void (*take_body)(struct request *r);
    /* The request is whole and about to be offered: its deadlines are over. */
    void (*offered)(struct request *r);
    /* Appends to OUT what frames an answer of STATUS with a body of LENGTH bytes (UINT64_MAX:
     * not known), and what it says of the connection, as lines. False: it does not fit. */
    bool (*frame)(struct request *r, struct buf *out, unsigned status, uint64_t length);
    /* Sends the head in the edge's OUT and then BODY (NULL: none). */
    void (*send)(struct request *r, const struct weir_value *body);
    /* Sends the head in the edge's OUT and then the pieces of r->out.stream ... */
    void (*send_stream)(struct request *r);
    /* ... each of which comes here, and so does their end: a stream_fn of the request. */
    void (*on_piece)(void *request, const char *bytes, size_t len,
                     const struct weir_error *err);
    /* Lets the caller see that the answer is not whole, or that there is none; the request is
     * abandoned. HARD: what is on its way may be dropped. */
    void (*cut)(struct request *r, bool hard);
};

extern const struct protocol protocol_http1; /* connection.c */
extern const struct protocol protocol_http2; /* h2.c */

#endif
