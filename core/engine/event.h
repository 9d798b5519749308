/* engine/event.h - what starts a run: a request of the edge, a call from another pipeline, an emit.
 *
 * Whoever brings the event owns its memory and keeps it until release. All texts stay valid
 * until then. An event lives on one shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_EVENT_H
#define ENGINE_EVENT_H

#include "base/arena.h"
#include "base/list.h"
#include "loop/shard.h"
#include "net/attempts.h"
#include "value/value.h"

struct flow;        /* a pipeline of a generation, opened: engine/generation.h */
struct trigger_unit; /* a trigger of a generation, opened */
struct run;
struct once_entry;
struct once_waiter;

#define EVENT_TRACE 33
#define EVENT_SPAN 17

/* A header that nodes or the trigger add to whatever reply comes. */
struct reply_header {
    struct reply_header *next;
    struct weir_header header; /* in the event's arena; the name as it is to be sent */
    bool add;                  /* appended; else the last one of a name wins */
};

/* An answer on its way to the caller. All is lent until the call returns; a body is
 * referenced by who needs it longer. */
struct event_reply {
    unsigned status;
    struct weir_text content_type;      /* empty: none, or the body's own */
    const struct weir_header *headers;  /* of the reply itself: win over the event's added ones */
    unsigned n_headers;
    const struct weir_value *body;      /* string or bytes: sent as they are; stream; NULL: none */
    const struct weir_error *error;     /* why, for the access log; NULL: none */
};

/* How the bringer of an event is told. */
struct event_ops {
    /* The answer; called exactly once, before release. For a body that is a stream the bringer
     * calls engine_reply_sent when the last byte is sent or failed. */
    void (*reply)(struct weir_event *e, const struct event_reply *r);
    /* Nobody will touch the event any more. */
    void (*release)(struct weir_event *e);
    /* See host->socket_offer; NULL: there is no connection behind such events. */
    struct weir_socket *(*offer_socket)(struct weir_event *e, const struct weir_socket_config *config,
                                        const struct weir_socket_owner *owner, void *arg, struct weir_error *err);
};

struct weir_event {
    const struct event_ops *ops;
    struct weir_shard *shard;
    struct arena *arena; /* the bringer's, for what belongs to the event */

    struct weir_text method;
    struct weir_text path;  /* normalised, still percent-encoded */
    struct weir_text query; /* without ?, percent-encoded */
    struct weir_text client_ip;
    const struct weir_value *peer; /* who the caller is by its verified certificate: { subject, dns, uris,
                                      emails, fingerprint }; NULL: it showed none */
    struct weir_text id;    /* the request id */
    struct weir_text protocol; /* of the edge: HTTP/1.0, HTTP/1.1 or HTTP/2; else empty */
    const struct weir_header *headers; /* names in lower case */
    unsigned n_headers;
    const struct weir_header *params;  /* of the route, decoded */
    unsigned n_params;
    struct weir_text route;            /* its pattern */
    const struct weir_value *raw;      /* the body's bytes; NULL: none */
    const struct weir_value *body;     /* if it is a value already (call, emit); else NULL */
    const struct weir_value *auth; /* who sent it, a map, as the trigger found out; NULL: nobody asked */
    const struct weir_value *connection; /* request.connection; NULL: null. Counted */
    char trace_id[EVENT_TRACE];        /* W3C trace context: lower-case hex */
    char parent_span[EVENT_SPAN];      /* the caller's; "" if it sent none */
    char span_id[EVENT_SPAN];          /* ours */
    bool sampled;
    bool random_trace;                 /* the random flag: its trace_id was made by chance */
    struct weir_text tracestate;

    /* the engine's; texts in ARENA */
    struct weir_text pipeline; /* that took it, and the run; for the access log */
    struct weir_text run_id;
    struct trigger_unit *trigger;
    struct generation_part *part; /* the shard's part of its generation: pinned */
    struct weir_text gate_key;     /* of its place in the pipeline's concurrency; bytes NULL: none */
    struct reply_header *reply_headers; /* newest first */
    struct run *run;                    /* NULL: not begun, or over */
    struct job *job;                    /* of a durable run; NULL: none */
    uint64_t screened; /* the number of the generation whose trigger has seen its head; 0: none has */
    struct weir_text once_key;     /* the idempotency key that the trigger gave it; empty: none */
    uint64_t once_ttl_ms;          /* how long that holds; 0: there is none */
    struct weir_redis *once_redis; /* which other gateways ask for it as well; NULL: none */
    bool once_closed;              /* without that it is refused */
    struct once_claim *once_claim; /* of its key, there: once_claim.h; NULL: none */
    struct once_entry *once;       /* it is the first one of its idempotency key: once.h */
    struct once_waiter *once_wait; /* it waits for the first one */
    struct gate_wait *gate_wait;   /* it waits for a place: gate.h */
    bool hides_path;                    /* a part of it is not to be seen: logs have the route */
    bool hides_auth;                    /* who the caller is is not to be seen */
    bool quiet;                         /* a result that no node replied with is no reply */
    bool replied;
    bool gone;                          /* the caller went away */
    bool decided;                       /* the trigger has said what happens to it */
};

/* The value of the first header of that name (lower case); bytes NULL if there is none. */
struct weir_text event_header(const struct weir_event *e, struct weir_text name);

/* The INDEXth of them, from 0. */
struct weir_text event_header_at(const struct weir_event *e, struct weir_text name, unsigned index);

/* Adds a header for whatever reply comes. Texts are copied to the event's arena. */
void event_add_header(struct weir_event *e, struct weir_text name, struct weir_text value, bool add);

/* Replies through e->ops, once; false if a reply was sent before. */
bool event_answer(struct weir_event *e, const struct event_reply *r);

/* Replies with the problem document (RFC 9457) of ERR; false if a reply was sent before. */
bool event_answer_error(struct weir_event *e, const struct weir_error *err);

/* -- event_auth.c: senders that fail to prove who they are (net/attempts.h) -- */

/* For how long E's address is turned away, in ms; 0: it is not. Never in a test of a pipeline. */
uint64_t event_auth_blocked(const struct weir_event *e, enum attempts_at at);

/* E had a credential that is not good: counts it, and logs when its address is turned away from now on. */
void event_auth_failed(const struct weir_event *e, enum attempts_at at);

#endif
