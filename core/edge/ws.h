/* edge/ws.h - inside the room: WebSockets (RFC 6455), from the handshake to the end.
 *
 * A trigger offers a socket for a request; if the request is answered well, its connection goes to
 * the socket, and the two are one from then on: the socket ends with its connection. What comes in
 * is read frame by frame (wslay), checked as it comes, and told to the owner as whole messages.
 * What goes out waits in a queue of references and is written in the next turn, so that nothing
 * of the owner is called, and nothing closed, while one of its own functions runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_WS_H
#define EDGE_WS_H

#include <wslay/wslay.h>

#include "base/utf8_check.h"
#include "edge/request.h"
#include "engine/socket.h"

#define WS_CONTROL 125u /* bytes of a control frame, at most (RFC 6455 5.5) */

/* Status codes of RFC 6455 7.4.1 that are used here. */
enum ws_code {
    WS_NORMAL = 1000,
    WS_GOING_AWAY = 1001,
    WS_PROTOCOL = 1002,
    WS_NO_STATUS = 1005, /* never sent */
    WS_ABNORMAL = 1006,  /* never sent */
    WS_BAD_TEXT = 1007,
    WS_POLICY = 1008,
    WS_TOO_BIG = 1009,
    WS_INTERNAL = 1011,
    WS_TRY_LATER = 1013
};

#define WS_STATES(X)                                                            \
    X(OFFERED) /* its request is not answered yet */                            \
    X(OPEN)                                                                     \
    X(CLOSING) /* our close frame is queued, or sent; the caller's is awaited */ \
    X(ENDING)  /* the same, but nothing more is awaited once it is sent */      \
    X(GONE)    /* its owner was told, or is about to be */

enum ws_state {
#define X(name) WS_##name,
    WS_STATES(X)
#undef X
};

/* What a connection speaks that is a socket's; it has no requests. */
extern const struct protocol protocol_websocket;

/* A frame, or a stream of them, that is to be sent. */
struct ws_out {
    struct ws_out *next;
    const struct weir_value *body; /* counted; or NULL: all is in HEAD */
    size_t at;                     /* bytes that are sent, those of HEAD included */
    uint8_t opcode;
    size_t head_len;
    uint8_t head[]; /* what comes before BODY */
};

struct ws {
    struct weir_socket socket; /* the first member */
    struct edge *edge;
    struct connection *connection; /* NULL: it is not the socket's yet, or gone */
    struct weir_socket_owner owner;
    void *arg;
    enum ws_state state;
    unsigned depth; /* functions of ours on the stack */
    uint32_t ping_ms;
    uint64_t idle_ms;
    uint64_t max_message;
    uint64_t max_queue;
    char accept[32]; /* Sec-WebSocket-Accept */
    char *protocol;  /* owned; NULL: none */
    enum ws_code code; /* why it is over */
    char reason[WS_CONTROL - 1];

    /* what comes in: ws_read.c */
    wslay_frame_context_ptr frames; /* owned */
    bool told;           /* the owner knows that it is open */
    bool asked;          /* it is to be closed as soon as it is open */
    const struct weir_value *reply; /* counted: for opened; or NULL */
    bool held;           /* by the owner */
    bool eof;            /* the caller sends no more */
    bool broken;         /* reading failed */
    unsigned reads;      /* in this turn */
    unsigned taken;      /* messages in this turn */
    bool got;            /* the last of them gave something */
    uint8_t head[14];    /* of the frame that came last: as much as there is of it */
    size_t head_len;     /* 0: that frame is whole */
    uint64_t ahead;      /* bytes of its payload that have not come */
    bool in_frame;       /* the head of the frame at hand was seen */
    uint8_t opcode;      /* of that frame */
    bool fin;            /* it is the last one of its message */
    uint64_t frame_left; /* its bytes that have not come */
    uint8_t kind;        /* opcode of the message at hand; 0: there is none */
    unsigned fragments;  /* frames of it */
    char *bytes;         /* owned: what has come of it */
    size_t len;
    size_t room;
    struct coming moved; /* that message */
    struct utf8_check text;
    uint8_t control[WS_CONTROL];
    size_t control_len;

    /* what goes out: ws_write.c */
    struct ws_out *first; /* owned */
    struct ws_out **end;  /* where the next one goes */
    uint64_t queued;      /* bytes, and what it takes to keep them */
    unsigned streams;     /* in the queue */
    unsigned pongs;       /* in the queue */
    struct ws_out *pong;  /* the last one of them; NULL: none, or it is on its way */
    bool crowded;         /* more waits than may, and the owner is to be told when it does not */
    bool stuck;           /* the kernel takes no more for now */
    struct stream *stream; /* of the first stream in the queue, if it was begun */
    bool pulled;           /* it was asked for a piece */
    bool binary;           /* it has shown that it is no text */
    char carry[4];         /* the beginning of a character that goes with its next piece */
    size_t carry_len;
    struct soon work; /* writes, and goes on reading */

    /* when, on the shard's clock */
    uint64_t heard_ms;   /* the last byte of the caller */
    uint64_t pinged_ms;  /* a ping that is not answered; 0: none */
    uint64_t active_ms;  /* the last message in either direction */
    uint64_t begun_ms;   /* the message at hand; 0: none */
    uint64_t moved_ms;   /* the last byte that the kernel took while some waited */
    uint64_t closing_ms; /* our close frame was queued */
};

/* -- ws_handshake.c -- */

/* Makes the socket of an event that asks for one (event_ops.offer_socket). */
struct weir_socket *ws_offer(struct weir_event *e, const struct weir_socket_config *config,
                             const struct weir_socket_owner *owner, void *arg, struct weir_error *err);

/* Writes the head of the 101 that answers R to the edge's OUT. False: it is too large. */
bool ws_answer_head(struct request *r, const struct event_reply *reply);

/* -- ws.c -- */

/* A socket for owner ARG. The caller has it until ws_begin or ws_lose. */
struct ws *ws_new(struct edge *e, const struct weir_socket_config *config, const struct weir_socket_owner *owner,
                  void *arg);

/* As many whole characters of REASON as a close frame has room for, in RET, with a NUL behind them. */
void ws_reason(struct weir_text reason, char ret[WS_CONTROL - 1]);

/* The 101 is written: C is the socket's from now on. BODY (lent) is what was replied, or NULL. */
void ws_begin(struct ws *w, struct connection *c, const struct weir_value *body);

/* The connection goes, or there will be none: tells the owner, and frees. */
void ws_lose(struct ws *w);

/* Brackets for what comes in from outside; leave may free W. */
void ws_enter(struct ws *w);
void ws_leave(struct ws *w);

/* Sets the connection's deadline to the next thing that is to be done. */
void ws_watch_time(struct ws *w);

/* Closes with CODE, behind what is queued. END: the caller's close frame is not awaited. */
void ws_close(struct ws *w, enum ws_code code, const char *reason, bool end);

/* -- ws_read.c -- */

/* Makes ready to read. */
void ws_read_begin(struct ws *w);

/* Whether more may be read now. */
bool ws_reads(const struct ws *w);

/* Reads frames until there is nothing more for now. */
void ws_read(struct ws *w);

/* -- ws_write.c -- */

/* Queues a control frame; a pong beyond the bound replaces the last one. */
void ws_control(struct ws *w, uint8_t opcode, const void *bytes, size_t len);

/* Queues a message. False: too much waits already, or too many streams. */
bool ws_message(struct ws *w, const struct weir_value *message);

/* Writes as much as the kernel takes. */
void ws_flush(struct ws *w);

/* Whether something waits to be sent. */
static inline bool
ws_waits(const struct ws *w)
{
    return w->first != NULL;
}

/* Drops what is queued. */
void ws_drop(struct ws *w);

#endif
