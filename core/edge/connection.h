/* edge/connection.h - inside the room: one connection of a caller.
 *
 * What it speaks is its protocol; most of what follows is of HTTP/1.1, for HTTP/2 see h2.h.
 *
 * A connection serves one request at a time, in order: the next head is looked at once the
 * answer to the one before it is written. Meanwhile input is read into at most one buffer, so
 * that a caller who goes away is noticed. Between requests it holds no buffer and no request.
 *
 * It has one timer, which is moved only when it fires or when the deadline comes nearer: an
 * ordinary request arms none.
 *
 * Whatever comes in from outside (a descriptor, a timer, an answer) stands between
 * connection_enter and connection_leave; connection_close may be called at any time in
 * between, and the memory goes when the outermost has left.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_CONNECTION_H
#define EDGE_CONNECTION_H

#include <sys/uio.h>

#include "edge/impl.h"
#include "edge/protocol.h"

#define CONNECTION_STATES(X)                                                              \
    X(OPENING) /* a handshake comes before the first request: opening.c               */  \
    X(IDLE)    /* nothing of the next request is here                                 */  \
    X(HEAD)    /* a part of its head is, or the rest of the last one's body is skipped */ \
    X(BODY)    /* its head was read, its body is coming                               */  \
    X(BUSY)    /* somebody works on the answer                                        */  \
    X(SENDING) /* the answer is on its way                                            */  \
    X(STREAMS) /* HTTP/2: there are requests, each in a state of its own               */  \
    X(SOCKET)  /* it is a WebSocket                                                   */  \
    X(LINGER)  /* all is said; what still comes is thrown away, so that it is heard   */  \
    X(CLOSED)

enum connection_state {
#define X(name) CONNECTION_##name,
    CONNECTION_STATES(X)
#undef X
};

struct connection {
    struct list link; /* in the edge's idle or active */
    struct list awake;   /* in the edge's awake, if it is looked at whether it rests, */
    uint64_t look_ms;    /* then */
    struct edge *edge;
    const struct protocol *protocol;
    struct watch *watch;
    int fd;
    enum connection_state state;
    unsigned want;  /* enum weir_ready bits that WATCH waits for */
    unsigned depth; /* of connection_enter */
    unsigned served;
    bool eof;     /* the caller sends no more */
    bool serving; /* connection_serve is on the stack */
    bool proxy;   /* the peer is a trusted proxy */
    bool more;    /* TLS holds input that the descriptor does not tell of */
    bool turned;  /* TLS has to write before it reads, or the other way round */
    bool stirred; /* since it was last looked at whether it rests */
    bool rests;   /* it is folded: rest.c */
    enum edge_kind kind;

    struct tls_socket *tls;       /* owned; NULL: what is sent goes out as it is */
    struct proxy_reading *header; /* a PROXY header on its way; owned; or NULL */
    const struct weir_value
        *caller; /* who it is by its certificate; owned; NULL: it showed none */

    struct timer timer;
    struct soon soon;     /* goes on with what was read already, or with a stream */
    uint64_t deadline_ms; /* UINT64_MAX: none */
    uint64_t opened_ms;
    uint64_t linger_ms; /* when lingering ends in any case */

    struct buffer *in; /* what was read and not yet used: from START to END; or NULL */
    uint32_t start;
    uint32_t end;
    uint32_t seen;   /* of the head at START that was looked at in vain */
    uint64_t skip;   /* bytes of a body that nobody wants */
    uint64_t thrown; /* bytes thrown away while lingering */

    struct request *request; /* the one at hand; NULL: none */
    struct h2_session *h2;   /* owned; NULL: it speaks HTTP/1.1 */
    struct ws *ws;           /* in state SOCKET; else NULL */
    uint8_t peer_len;
    char peer[CLIENT_IP]; /* the peer's address */
};

/* Notes that the connection comes from that address, whether it is one of the trusted proxies,
 * and what it is called. */
void connection_from(struct connection *c, struct sockaddr_storage *peer);

/* Takes over a connected, non-blocking FD that came on a listener of that KIND. */
void connection_open(struct edge *e, int fd, struct sockaddr_storage *peer,
                     enum edge_kind kind);

/* Brackets for whatever comes in from outside. */
void connection_enter(struct connection *c);
void connection_leave(struct connection *c);

/* Closes at once; its request, if any, is told. HARD: what the kernel has not sent yet is
 * dropped, so that a caller who does not read costs no memory. */
void connection_close(struct connection *c, bool hard);

/* Every change of a connection's state, and no other, happens here. */
void connection_go(struct connection *c, enum connection_state next);

/* Sets the deadline of the state at hand; UINT64_MAX: there is none. */
void connection_deadline(struct connection *c, uint64_t at_ms);

/* Sets what the descriptor is watched for, beside what the state asks for. */
void connection_want(struct connection *c, unsigned want);

/* Makes the request whose head is at hand. */
struct request *connection_request(struct connection *c);

/* The request at hand is whole: the connection waits for its answer. */
void connection_offered(struct request *r);

/* The answer of the request at hand was sent whole, and SKIP bytes of its body are still to
 * come. CLOSE: it was the last one; UNREAD: input may come that is not going to be read. */
void connection_answered(struct connection *c, uint64_t skip, bool close, bool unread);

/* Whether the caller is spoken to over TLS. */
bool connection_secure(const struct connection *c);

/* Whether HTTP/2 was agreed on when the hands were shaken (ALPN). */
bool connection_alpn_h2(const struct connection *c);

/* -- opening.c -- */

/* Begins what comes before the first request, if anything does: then it is OPENING. */
void connection_opening_begin(struct connection *c);

/* Goes on with it; at its end the connection waits for its first request. */
void connection_opening(struct connection *c);

/* It took too long. */
void connection_opening_late(struct connection *c);

/* -- rest.c -- */

/* C has got something that is folded when it rests. */
void connection_may_rest(struct connection *c);

/* C, which rests, is called upon. */
void connection_wake(struct connection *c);

/* The edge's part of it begins, ends. */
void rest_begin(struct edge *e);
void rest_end(struct edge *e);

/* -- connection_read.c -- */

/* The descriptor is readable. */
void connection_read(struct connection *c);

/* Goes on with requests whose bytes are here; stops when one is not answered at once. */
void connection_serve(struct connection *c);

/* -- connection_write.c -- */

/* Reads up to ROOM plain bytes. 0: the caller sends no more; -1 with errno: EAGAIN for nothing
 * here now. If more is here than the descriptor tells of, the protocol is called soon. */
ssize_t connection_receive(struct connection *c, void *ret, size_t room);

/* Writes plain bytes; returns how many are on their way, which may be 0. If not all are, the
 * next call begins with the bytes that are left, and has no fewer of them (TLS has sealed them
 * already). After an error the connection is closed: then *ret_gone is true. */
size_t connection_write(struct connection *c, const struct iovec *parts, unsigned n,
                        bool *ret_gone);

/* Says 100 Continue, unless more than the head is here. False: the connection was closed. */
bool connection_continue(struct request *r);

/* Ends the connection in a way that lets the caller read the last answer. */
void connection_linger(struct connection *c);

/* Throws away what has come while lingering. */
void connection_discard(struct connection *c);

#endif
