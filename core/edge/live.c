/* edge/live.c - see live.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/live.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "edge/ws.h"

/* What is given at once: a slow reader holds a copy of so much, and of all else a reference. */
#define PIECE_MAX (16u * 1024u)

/* Small messages go together up to here. */
#define GATHER_MAX (8u * 1024u)

#define LIVE_STATES(X)                                       \
    X(OFFERED) /* its request is not answered yet */         \
    X(OPEN)                                                  \
    X(ENDING)  /* what waits is sent, and then it is over */ \
    X(GONE)    /* its owner was told, or is about to be */

enum live_state {
#define X(name) LIVE_##name,
    LIVE_STATES(X)
#undef X
};

/* A message that waits. */
struct live_out {
    struct live_out *next;
    const struct weir_value *body; /* counted: a string or bytes */
};

struct live {
    struct weir_socket socket; /* the first member */
    struct edge *edge;
    struct request *request; /* NULL: it is gone */
    struct stream *stream;   /* whose source this is; NULL: not made yet, or over */
    struct weir_socket_owner owner;
    void *arg;
    enum live_state state;
    unsigned depth; /* functions of ours on the stack */
    char *content_type; /* owned */
    uint64_t max_queue;
    enum ws_code code; /* why it is over */
    char reason[WS_CONTROL - 1];

    bool told;    /* the owner knows that it is open */
    bool asked;   /* it is to end as soon as it is open */
    bool broken;  /* more waits than may: to be cut */
    bool crowded; /* more waits than may, and the owner is to be told when it does not */
    bool pulled;  /* the next piece is asked for */
    const struct weir_value *reply; /* counted: for opened; or NULL */

    struct live_out *first; /* owned */
    struct live_out **end;  /* where the next one goes */
    size_t at;              /* bytes of the first one that are given */
    uint64_t queued;        /* bytes, and what it takes to keep them */
    struct soon work;       /* gives, and tells */
};

#define BIT(state) (1u << LIVE_##state)

/* Every change of a socket's state, and no other, happens here. */
static void
go(struct live *w, enum live_state next)
{
    static const unsigned may[] = {
        [LIVE_OFFERED] = BIT(OPEN) | BIT(GONE),
        [LIVE_OPEN] = BIT(ENDING) | BIT(GONE),
        [LIVE_ENDING] = BIT(GONE),
        [LIVE_GONE] = 0,
    };
    assert((may[w->state] & 1u << next) != 0);
    w->state = next;
}

/* -- what waits -- */

/* Also a message without a byte takes room. */
static uint64_t
weight(const struct live_out *o)
{
    return sizeof(*o) + o->body->len;
}

static void
shift(struct live *w)
{
    struct live_out *o = w->first;
    w->queued -= weight(o);
    w->first = o->next;
    if (w->first == NULL)
        w->end = &w->first;
    w->at = 0;
    value_unref(&o->body);
    free(o);
}

static void
push(struct live *w, const struct weir_value *message)
{
    struct live_out *o = malloc(sizeof(*o));
    if (o == NULL)
        abort();
    *o = (struct live_out){ .body = value_box(message) };
    *w->end = o;
    w->end = &o->next;
    w->queued += weight(o);
}

/* Takes the next bytes, at most PIECE_MAX: in GATHERED, or in *RET_HELD, which is counted. */
static struct weir_text
take(struct live *w, char gathered[GATHER_MAX], const struct weir_value **ret_held)
{
    struct weir_text text = value_as_text(w->first->body);
    size_t len = text.len - w->at;
    *ret_held = NULL;
    if (len >= GATHER_MAX || w->first->next == NULL) {
        *ret_held = value_ref(w->first->body);
        struct weir_text piece = { text.bytes + w->at, len < PIECE_MAX ? len : PIECE_MAX };
        w->at += piece.len;
        if (w->at == text.len)
            shift(w);
        return piece;
    }
    size_t used = 0;
    while (w->first != NULL) {
        text = value_as_text(w->first->body);
        len = text.len - w->at;
        if (len > GATHER_MAX - used)
            break;
        memcpy(gathered + used, text.bytes + w->at, len);
        used += len;
        shift(w);
    }
    return (struct weir_text){ gathered, used };
}

/* -- what the owner calls -- */

static bool
op_send(struct weir_socket *s, const struct weir_value *message)
{
    struct live *w = (struct live *)s;
    enum weir_type type = value_type(message);
    if (w->state > LIVE_OPEN || w->broken || type == WEIR_STREAM)
        return false;
    soon_add(w->edge->shard, &w->work);
    if (w->queued <= w->max_queue) {
        if (message->len > 0) /* a piece without a byte is the end */
            push(w, message);
        w->crowded |= w->queued > w->max_queue;
        return true;
    }
    edge_refused(w->edge, REFUSAL_SLOW_READER);
    w->code = WS_POLICY;
    strcpy(w->reason, "messages were not read fast enough");
    w->broken = true; /* ended when no function of the owner is on the stack */
    return false;
}

static void
end(struct live *w, enum ws_code code, struct weir_text reason)
{
    if (w->state > LIVE_OPEN || w->asked || w->broken)
        return;
    w->code = code;
    ws_reason(reason, w->reason);
    w->asked = true;
    if (w->told)
        go(w, LIVE_ENDING);
    soon_add(w->edge->shard, &w->work);
}

static void
op_close(struct weir_socket *s, uint32_t code, struct weir_text reason)
{
    end((struct live *)s, (enum ws_code)code, reason);
}

static void
op_hold(struct weir_socket *s, bool hold)
{
    (void)s; /* nothing comes in */
    (void)hold;
}

static uint64_t
op_queued(const struct weir_socket *s)
{
    return ((const struct live *)s)->queued;
}

static const struct socket_ops ops = { .send = op_send, .close = op_close, .hold = op_hold, .queued = op_queued };

/* -- life -- */

static void
enter(struct live *w)
{
    w->depth++;
}

static void
leave(struct live *w)
{
    assert(w->depth > 0);
    if (--w->depth > 0 || w->state != LIVE_GONE)
        return;
    free(w->content_type);
    free(w);
}

/* It is over: tells the owner. */
static void
lose(struct live *w)
{
    enter(w);
    go(w, LIVE_GONE);
    w->request->live = NULL;
    w->request = NULL;
    w->stream = NULL;
    soon_remove(&w->work);
    while (w->first != NULL)
        shift(w);
    value_unref(&w->reply);
    w->owner.closed(w->arg, (uint32_t)w->code, text_of(w->reason));
    leave(w);
}

void
live_lose(struct live *w)
{
    if (w->stream == NULL)
        lose(w);
}

/* The owner hears that it is open. */
static void
tell(struct live *w)
{
    w->told = true;
    w->owner.opened(w->arg, w->reply);
    value_unref(&w->reply);
    if (w->edge->draining)
        live_retire(w);
}

/* Gives the next piece to who asked for it; W may be over then. */
static void
give(struct live *w)
{
    char gathered[GATHER_MAX];
    const struct weir_value *held;
    struct weir_text piece = take(w, gathered, &held);
    w->pulled = false;
    stream_give(w->stream, piece.bytes, piece.len, NULL);
    value_unref(&held);
}

static void
give_end(struct live *w)
{
    struct weir_error err;
    err_set(&err, WEIR_LIMITED, "%s", w->reason);
    stream_give(w->stream, "", 0, w->broken ? &err : NULL);
}

/* Does what can be done now; each step may end it. */
static void
work(struct live *w)
{
    if (!w->told)
        tell(w);
    if (w->broken) {
        give_end(w);
        return;
    }
    if (w->asked && w->state == LIVE_OPEN)
        go(w, LIVE_ENDING);
    if (w->pulled && w->first != NULL)
        give(w); /* who wants more pulls, and comes back here */
    if (w->state == LIVE_GONE)
        return;
    if (w->crowded && w->queued <= w->max_queue) {
        w->crowded = false;
        w->owner.drained(w->arg);
    }
    if (w->state == LIVE_ENDING && w->first == NULL && w->pulled)
        give_end(w);
}

static void
on_work(void *arg)
{
    struct live *w = arg;
    if (w->stream == NULL)
        return; /* it is only offered */
    enter(w);
    work(w);
    leave(w);
}

void
live_retire(struct live *w)
{
    w->request->close = true; /* its head could not say so */
    end(w, WS_GOING_AWAY, TEXT("this server is shutting down"));
}

/* -- the source of the body -- */

static void
on_pull(void *source)
{
    struct live *w = source;
    w->pulled = true;
    if (w->first != NULL || w->asked)
        soon_add(w->edge->shard, &w->work);
}

/* Whoever read it is gone, or has read all. */
static void
on_close(void *source)
{
    lose(source);
}

static const struct stream_source how = { .pull = on_pull, .close = on_close };

/* -- from the request to the answer -- */

struct weir_socket *
live_offer(struct weir_event *e, const struct weir_socket_config *config, const struct weir_socket_owner *owner,
           void *arg, struct weir_error *err)
{
    struct request *r = (struct request *)(void *)e;
    assert(r->live == NULL && r->ws == NULL);
    if (r->connection == NULL) {
        err_set(err, WEIR_CANCELLED, "the caller went away");
        return NULL;
    }
    if (r->method != METHOD_GET) {
        err_set(err, WEIR_INVALID, "an event stream is asked for by GET");
        err->status = 405;
        return NULL;
    }
    struct live *w = calloc(1, sizeof(*w));
    if (w == NULL)
        abort();
    w->socket.ops = &ops;
    w->edge = r->edge;
    w->request = r;
    w->owner = *owner;
    w->arg = arg;
    w->max_queue = config->max_queue;
    w->code = WS_ABNORMAL;
    w->content_type = strndup(config->content_type.bytes, config->content_type.len);
    if (w->content_type == NULL)
        abort();
    w->end = &w->first;
    soon_init(&w->work, on_work, w);
    r->live = w;
    return &w->socket;
}

/* The headers of the reply without one of the body's type, which is the owner's. */
static const struct weir_header *
other_headers(struct request *r, const struct event_reply *reply, unsigned *ret_n)
{
    struct weir_header *all = arena_take(&r->arena, (reply->n_headers + 1) * sizeof(*all));
    *ret_n = 0;
    for (unsigned i = 0; all != NULL && i < reply->n_headers; i++) {
        struct weir_text name = reply->headers[i].name;
        if (name.len != 12 || strncasecmp(name.bytes, "content-type", 12) != 0)
            all[(*ret_n)++] = reply->headers[i];
    }
    return all;
}

bool
live_answer(struct request *r, const struct event_reply *reply)
{
    struct live *w = r->live;
    struct event_reply head = { .status = 200, .content_type = text_of(w->content_type) };
    bool streams = reply->body != NULL && value_type(reply->body) == WEIR_STREAM;
    r->status = head.status;
    r->out.stream_left = UINT64_MAX;
    head.headers = other_headers(r, reply, &head.n_headers);
    if (streams || !reply_head(r, &head, UINT64_MAX)) {
        lose(w);
        r->out = (struct outgoing){ 0 };
        return false;
    }
    const struct weir_value *body = stream_new(&how, w, UINT64_MAX, &w->stream);
    bool taken = stream_take(body, r->connection->protocol->on_piece, r, &r->out.stream);
    assert(taken); /* nobody else knows it */
    (void)taken;
    value_unref(&body);
    go(w, LIVE_OPEN);
    w->reply = reply->body != NULL ? value_box(reply->body) : NULL;
    soon_add(w->edge->shard, &w->work);
    r->connection->protocol->send_stream(r);
    return true;
}
