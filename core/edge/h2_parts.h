/* edge/h2_parts.h - inside the room: a session of HTTP/2 as the files h2*.c know it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_H2_PARTS_H
#define EDGE_H2_PARTS_H

#include <nghttp2/nghttp2.h>

#include "base/fold.h"
#include "edge/h2.h"
#include "edge/request.h"

#define H2_STREAMS_MAX 100u
#define H2_STREAM_WINDOW 65535u /* the protocol's own first value */
#define H2_WINDOW (1024 * 1024) /* of the connection */

/* Streams that are remembered behind their end. */
#define H2_CLOSED 64u

#define H2_MEMORY_MAX (1024u * 1024u)
#define H2_HELD_MAX (2u * 1024u * 1024u)
#define H2_GATHER (64u * 1024u)

/* A head while its fields come; one at a time in a session. */
struct h2_head {
    struct buffer *buffer; /* its lines; or NULL */
    size_t len;
    nghttp2_rcbuf *pseudo[4]; /* by enum h2_pseudo, until the first line is written */
    struct buf cookie;        /* its crumbs, joined (RFC 9113 8.2.3) */
    bool begun;               /* the first lines are written */
    bool large;               /* it does not fit: nothing more is kept of it */
    bool starved;             /* since there is no memory */
};

struct h2_stream {
    struct list link;   /* in the session's streams, the oldest first */
    struct list hungry; /* in the session's hungry, if it is */
    struct h2_session *session;
    struct request *request; /* NULL: it is answered, or was never one */
    int32_t id;
    bool ended; /* the caller has sent all */
    bool reset; /* it was reset by us: frames that were on their way are nobody's fault */
    bool takes; /* its body is wanted and coming */
    uint64_t deadline_ms; /* UINT64_MAX: none */
    uint64_t moved_ms;    /* when more than a few bytes of its answer last went on */
    size_t moved;         /* bytes of it since */
    size_t held;          /* bytes that the request holds: of its body */
    size_t owed;          /* bytes of its window that are not given back yet */
    size_t trailers;      /* bytes of them */
    unsigned n_trailers;
    unsigned interim;     /* heads on their way that say to go on: they pay for nothing */
};

struct h2_session {
    struct connection *connection;
    nghttp2_session *folded; /* owned; touched by way of h2_ng alone */
    size_t memory;       /* bytes that nghttp2 holds */
    struct fold room;       /* the blocks that it began with, one behind the other */
    size_t room_used;       /* bytes */
    struct fold frame_room; /* the one for the frame that is being sent; it is never folded, but dropped */
    bool started;           /* no more of those come */
    unsigned preface;    /* bytes of it that have come */
    unsigned n_frame;    /* bytes of the next frame's start */
    uint8_t frame[13];
    size_t payload; /* bytes of the frame at hand that are still to come */
    struct list streams;
    struct list hungry; /* streams whose source is to be asked */
    unsigned n_streams;
    int32_t last_id;            /* the highest that was opened */
    uint32_t closed[H2_CLOSED]; /* the last ones that were: id * 2 + 1 if it was by us */
    unsigned n_closed;          /* in all */
    size_t held;                /* bytes of the bodies of all requests ... */
    size_t coming;              /* ... and of those that are still coming */
    size_t owed;
    struct h2_head head;
    size_t unfolded; /* bytes of the fields that came in the section at hand */
    char *rest; /* owned: frames that the kernel did not take; or NULL */
    size_t rest_len;
    size_t rest_at;
    uint64_t idle_ms;   /* when it is closed if there are no streams */
    uint64_t head_ms;   /* when the head that is coming has to be here; UINT64_MAX: none is */
    uint64_t moved_ms;  /* when a body of an answer last went on */
    uint64_t write_ms;  /* when the rest has to have moved */
    uint64_t retire_ms; /* when the last GOAWAY is sent; UINT64_MAX: not asked for */
    bool active;        /* there were streams since it was last found idle */
    bool inside;        /* of a call of nghttp2, which must not be called again */
    bool busy;          /* it is sent what is queued anyway, before the loop goes on */
    bool last;          /* the last GOAWAY was sent: no further requests */
    bool broken;     /* the session failed: what is queued is sent, then the connection ends */
    double patience; /* frames that are forgiven; see h2_guard.c */
    uint64_t patience_ms;
};

/* -- h2.c -- */

/* No further requests, but those that are on their way. */
void h2_retire(struct h2_session *h);

/* There are no streams: sets when the connection is closed. */
void h2_set_idle(struct h2_session *h);

/* -- h2_io.c -- */

/* Of struct protocol. */
void h2_readable(struct connection *c);
void h2_writable(struct connection *c);
void h2_soon(struct connection *c);

/* Gathers frames in the edge's WIRE; returns how many bytes. */
size_t h2_gather(struct h2_session *h);

/* Sends what can be sent; then the connection rests, goes on, or ends. */
void h2_flush(struct h2_session *h);

/* Has what is queued sent at the end of this turn, unless that is under way. */
void h2_wake(struct h2_session *h);

/* The caller did what nobody needs: says GOAWAY with CODE and ends. WHY is counted. */
void h2_give_up(struct h2_session *h, uint32_t code, enum refusal why);

/* -- h2_stream.c -- */

/* The stream of that id that this room knows, or NULL. */
struct h2_stream *h2_stream_get(struct h2_session *h, int32_t id);

/* Sets the deadline of a stream. */
void h2_deadline(struct h2_stream *s, uint64_t at_ms);

/* The deadline of S has passed. */
void h2_stream_expire(struct h2_stream *s, uint64_t now_ms);

/* Abandons all requests. */
void h2_abandon(struct h2_session *h);

/* The answer was sent whole: lets go of the request. */
void h2_answered(struct h2_stream *s);

/* The stream is closed; a request that was not answered is abandoned. */
void h2_stream_free(struct h2_stream *s);

/* Remembers that stream ID is closed, BY_US or by the caller. */
void h2_closed_add(struct h2_session *h, int32_t id, bool by_us);

/* A frame that needs an open stream came on ID, which is not open and was passed: what is wrong
 * with that (RFC 9113 5.1, 5.1.1); NGHTTP2_NO_ERROR: nothing, or nobody knows. */
uint32_t h2_closed_look(const struct h2_session *h, int32_t id);

/* The connection looks at its deadlines at AT_MS at the latest. */
void h2_look_at(struct h2_session *h, uint64_t at_ms);

/* Ends a stream with an error code (RFC 9113 7). */
void h2_reset(struct h2_stream *s, uint32_t code);

/* -- h2_callbacks.c -- */

/* The callbacks of all sessions. */
const nghttp2_session_callbacks *h2_callbacks(void);

/* -- h2_head.c -- */

/* A head begins, has one more field, is whole. */
void h2_head_begin(struct h2_session *h);
void h2_head_field(struct h2_session *h, nghttp2_rcbuf *name, nghttp2_rcbuf *value);
void h2_head_end(struct h2_stream *s);

/* Drops what has come of one. */
void h2_head_drop(struct h2_session *h);

/* -- h2_body.c -- */

/* Of struct protocol. */
void h2_framed(struct request *r, const struct http_head *head);
bool h2_proceed(struct request *r);
void h2_take_body(struct request *r);

/* Bytes of a body have come. */
void h2_body_piece(struct h2_stream *s, const uint8_t *bytes, size_t len);

/* A field behind the body has come. */
void h2_body_trailer(struct h2_stream *s, struct weir_text name, struct weir_text value);

/* The caller has sent all of a stream. */
void h2_body_end(struct h2_stream *s);

/* No more of the body of S is wanted, or it is whole. */
void h2_body_over(struct h2_stream *s);

/* The request of S is over: opens the windows that may be open now. */
void h2_let_go(struct h2_stream *s);

/* -- h2_send.c -- */

/* Of struct protocol. */
bool h2_frame(struct request *r, struct buf *out, unsigned status, uint64_t length);
void h2_send(struct request *r, const struct weir_value *body);
void h2_send_stream(struct request *r);
void h2_on_piece(void *request, const char *bytes, size_t len, const struct weir_error *err);
void h2_cut(struct request *r, bool hard);

/* Asks the sources of streams that have nothing to send; false: none was. */
bool h2_feed(struct h2_session *h);

/* -- h2_watch.c -- */

/* Takes LEN bytes of input: looks at each frame, and gives nghttp2 what is right so far. */
void h2_take_input(struct h2_session *h, const char *bytes, size_t len);

/* -- h2_still.c -- */

/* Room for SIZE bytes, zero, in H's pages, if H is not started; else NULL. */
void *h2_still_new(struct h2_session *h, size_t size);

/* The size of BLOCK, if it came from there, or 0. */
size_t h2_still_size(struct h2_session *h, const void *block);

/* Gives BLOCK back; false: it did not come from there. */
bool h2_still_free(struct h2_session *h, void *block);

/* Frees what is left of H's pages, behind nghttp2's end. */
void h2_still_end(struct h2_session *h);

/* H's nghttp2, whether it was folded or not. */
static inline nghttp2_session *
h2_ng(struct h2_session *h)
{
    fold_open(&h->room);
    return h->folded;
}

/* -- h2_guard.c -- */

/* What costs patience, and how much. */
#define H2_COST_FRAME 1.0
#define H2_COST_RESET 5.0
#define H2_COST_MALFORMED 8.0 /* a request that nghttp2 refused */

/* What an answer that was sent gives back. */
#define H2_PAY_ANSWER 8.0

/* The allocator of H's session: fails beyond H2_MEMORY_MAX. */
nghttp2_mem h2_memory(struct h2_session *h);

/* One more frame that asks for nothing; false: there were too many, and it was said so. */
bool h2_guard_frame(struct h2_session *h, double cost);

/* The caller did something useful. */
void h2_guard_earn(struct h2_session *h, double amount);

#endif
