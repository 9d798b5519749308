/* edge/request.h - inside the room: one request with its event and its answer.
 *
 * A request is held by its connection until its answer is written (or the connection is
 * gone), and by the engine from the offer to the release. Who is last recycles it. So the
 * connection may serve the next request while the run of this one goes on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_REQUEST_H
#define EDGE_REQUEST_H

#include "base/id.h"
#include "edge/connection.h"
#include "edge/route_name.h"
#include "edge/target.h"
#include "loop/stream.h"

/* What is still to be sent of an answer. */
struct outgoing {
    char *rest;     /* bytes that come first: owned, unless they are lent; or NULL */
    bool rest_lent; /* they stand in the request's arena */
    size_t rest_len;
    size_t rest_at;
    const struct weir_value *body; /* counted; or NULL */
    size_t body_at;
    struct stream *stream; /* its further pieces; or NULL */
    uint64_t stream_left;  /* bytes that were promised; UINT64_MAX: no promise */
    bool chunked;
    unsigned pieces; /* of the stream that came at once, one after another */
};

struct request {
    struct weir_event event;       /* the first member: an event of the edge is its request */
    struct edge *edge;             /* NULL: it is gone */
    struct connection *connection; /* NULL: it is gone, or the answer was sent */
    struct h2_stream *h2;          /* that it came on; NULL: HTTP/1.1, or CONNECTION is */
    struct list link;              /* in the edge's requests */
    struct request *next;          /* in the pool */
    struct arena arena;
    struct buffer *buffer; /* its head stands here; counted; or NULL */
    struct soon soon; /* tells the engine of the end of a stream; frees a handler's event */
    const struct edge_port *port; /* the engine */

    bool held;    /* by the engine or the handler */
    bool screened; /* the engine looks at its head */
    bool handled; /* offered to the edge's handler, not to the engine */
    bool own;     /* its path is below /_weir/ */
    bool answered;
    bool told_gone;
    bool streams;    /* its answer's body is a stream: who is waiting has to be told its end */
    bool late;       /* the body came later than the head: routes may have changed */
    bool keep_alive; /* as the caller wishes */
    bool old;        /* HTTP/1.0 */
    bool close;      /* this is the last answer of the connection */
    bool unread;     /* input may be left that is not read */
    enum method method;
    struct route_name *route;
    struct trigger_unit *trigger;
    struct weir_text decoded; /* the path */

    size_t head_len;       /* bytes of its head */
    struct http_body body; /* how it arrives */
    char *bytes;           /* owned: what has arrived; or NULL */
    size_t len;
    size_t room;
    uint64_t max_body;
    uint64_t length;  /* of the body, if it is known; else 0 */
    uint64_t skip;    /* bytes of the body that come though nobody wants them */
    uint64_t body_ms; /* when it began to come */
    struct coming moved;

    struct ws *ws; /* what the connection becomes if the answer is good; or NULL */
    struct live *live; /* whose body the answer has if it is a good one; or NULL */
    const struct weir_value *first; /* counted: the body of that answer; or NULL */
    struct outgoing out;
    unsigned status;
    uint64_t sent; /* bytes of the answer's body */
    uint64_t start_ns;
    struct weir_error *fault; /* why the answer was not sent whole; owned; or NULL */
    const char *why;          /* it is an error, for the log; in the arena; or NULL */

    char id[ID_UUID];
    char client_ip[CLIENT_IP];
};

/* Makes a request that came by C; it is the protocol's to know it. */
struct request *request_new(struct connection *c);

/* Reads the head of LEN bytes that stands in r->buffer at BYTES, and goes on with the request as
 * far as it can. */
void request_begin(struct request *r, char *bytes, size_t len);

/* All of the request is here: offers it. */
void request_offer(struct request *r);

/* The connection of R is gone. */
void request_abandon(struct request *r);

/* The edge of R goes; R lives on until whoever holds it lets go, if anybody does. */
void request_orphan(struct request *r);

/* The caller sends nothing more, and R is not answered yet. */
void request_gone(struct request *r);

/* The answer is written: logs and counts. The connection has no part in R any more, and R may be
 * gone. */
void request_done(struct request *r);

/* The same, and lets the HTTP/1.1 connection go on. */
void request_end(struct request *r);

/* Why the answer can't be sent whole: noted for the log and for the engine. */
void request_fault(struct request *r, const struct weir_error *err);

/* Frees what waits to be used again. */
void request_pool_trim(struct edge *e);

/* -- request_body.c -- */

/* How the body of an HTTP/1.1 request comes. */
void request_body_framed(struct request *r, const struct http_head *h);

/* The body is what still comes: notes when that began. */
void request_body_await(struct request *r);

/* A piece of the body has come; false: it is too large, and was refused. */
bool request_body_add(struct request *r, struct weir_text piece);

/* The body is whole: offers the request. */
void request_body_complete(struct request *r);

/* Begins to read the body, part of which may be in the connection's input. */
void request_body_begin(struct request *r);

/* More of it has come into the connection's input. */
void request_body_feed(struct request *r);

/* The descriptor is readable, and the body is of known length: reads right into its place.
 * False: the body does not come this way. */
bool request_body_read(struct request *r);

/* When the body has to be here, or to be further. */
uint64_t request_body_deadline(const struct request *r);

/* -- refuse.c -- */

/* Answers with the problem of ERR. What is left of the body is skipped if it is little, else
 * the connection ends. WHY is counted; REFUSAL_COUNT: nothing is. */
void request_refuse(struct request *r, const struct weir_error *err, enum refusal why);

/* The same for a head that can't be read: the connection ends, since nobody knows what follows.
 */
void request_refuse_head(struct request *r, const struct weir_error *err);

/* The process has no memory for R: 503, and the connection ends. */
void request_refuse_memory(struct request *r);

/* Whoever answers does not want the body: what is left of it is skipped if it is little, else
 * the connection ends with the answer. */
void request_drop_body(struct request *r);

/* Answers with a fault of ours, instead of an answer that can't be sent. */
void request_fail(struct request *r, const char *text);

/* -- redirect.c -- */

/* Sends the caller to the same place over https; AUTHORITY is what its request names. */
void request_redirect(struct request *r, struct weir_text authority);

/* -- reply.c -- */

/* Sends an answer. */
void request_reply(struct request *r, const struct event_reply *reply);

/* Whether its connection takes no requests behind the one at hand: a limit of its own, or the
 * edge's state. */
bool request_is_last(const struct connection *c);

/* -- reply_head.c -- */

/* Writes the head of an answer with a body of LENGTH bytes (UINT64_MAX: not known) to the
 * edge's OUT. False: it is too large. */
bool reply_head(struct request *r, const struct event_reply *reply, uint64_t length);

/* The lines about length, coding and connection of an HTTP/1.1 answer; see protocol.h. */
bool reply_frame(struct request *r, struct buf *out, unsigned status, uint64_t length);

/* The line Content-Length, unless STATUS has none or LENGTH is not known. */
bool reply_length(struct buf *out, unsigned status, uint64_t length);
/* The end of every head: what nodes and the trigger have added, and the empty line. */
bool reply_head_rest(struct request *r, const struct event_reply *reply);

/* -- request_send.c -- */

/* Sends the head in the edge's OUT and then BODY (NULL: none). */
void request_send(struct request *r, const struct weir_value *body);

/* Sends the head in the edge's OUT and then the pieces of r->out.stream. */
void request_send_stream(struct request *r);

/* The stream of an answer has a piece, or its end. */
void request_on_piece(void *arg, const char *bytes, size_t len, const struct weir_error *err);

/* The connection ends, since the answer can't be sent whole, or there is none. */
void request_cut(struct request *r, bool hard);

/* The stream did not keep its promise (ERR, or NULL if it ended too early): cuts the answer. */
void request_break_off(struct request *r, const struct weir_error *err);

/* Whether the body of R hardly comes, or does not go on; see room.c. */
bool edge_hardly_sends(const struct request *r);

/* Whether a part of the answer is here that the kernel has not taken. */
bool request_waits(const struct request *r);

/* Writes that part, now that the turn of the loop ends, or the descriptor is writable again. R may
 * be gone when this returns. */
void request_send_more(struct request *r);

/* Asks the stream for more, if nothing waits to be sent. */
void request_pump(struct request *r);

/* Drops the bytes that come first. */
void outgoing_drop_rest(struct outgoing *out);

/* Drops what is still to be sent. */
void request_drop_out(struct request *r);

#endif
