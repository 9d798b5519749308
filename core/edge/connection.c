/* edge/connection.c - the life of a connection: states, deadline, end; see connection.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/connection.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edge/h2.h"
#include "edge/request.h"
#include "net/tls_socket.h"

#define BIT(state) (1u << CONNECTION_##state)

void
connection_go(struct connection *c, enum connection_state next)
{
    static const unsigned may[] = {
        [CONNECTION_OPENING] = BIT(IDLE) | BIT(LINGER) | BIT(CLOSED),
        [CONNECTION_IDLE] = BIT(IDLE) | BIT(OPENING) | BIT(HEAD) | BIT(BODY) | BIT(BUSY) |
                            BIT(SENDING) | BIT(STREAMS) | BIT(LINGER) | BIT(CLOSED),
        [CONNECTION_HEAD] = BIT(IDLE) | BIT(BODY) | BIT(BUSY) | BIT(SENDING) | BIT(CLOSED),
        [CONNECTION_BODY] = BIT(BUSY) | BIT(SENDING) | BIT(CLOSED),
        [CONNECTION_BUSY] = BIT(SENDING) | BIT(CLOSED),
        [CONNECTION_SENDING] = BIT(IDLE) | BIT(SOCKET) | BIT(LINGER) | BIT(CLOSED),
        [CONNECTION_STREAMS] = BIT(IDLE) | BIT(LINGER) | BIT(CLOSED),
        [CONNECTION_SOCKET] = BIT(LINGER) | BIT(CLOSED),
        [CONNECTION_LINGER] = BIT(CLOSED),
        [CONNECTION_CLOSED] = 0,
    };
    assert((may[c->state] & 1u << next) != 0);
    if (next == CONNECTION_IDLE || c->state == CONNECTION_IDLE) {
        list_remove(&c->link);
        list_push(next == CONNECTION_IDLE ? &c->edge->idle : &c->edge->active, &c->link);
    }
    c->state = next;
}

void
connection_deadline(struct connection *c, uint64_t at_ms)
{
    c->deadline_ms = at_ms;
    if (at_ms != UINT64_MAX && (!timer_armed(&c->timer) || at_ms < c->timer.link.key))
        timer_set(c->edge->shard, &c->timer, at_ms);
}

void
connection_want(struct connection *c, unsigned want)
{
    if (c->eof)
        want &= ~(unsigned)WEIR_READ;
    if (want == c->want)
        return;
    if (c->more && (want & WEIR_READ))
        soon_add(c->edge->shard, &c->soon);
    c->want = want;
    watch_want(c->watch, want);
}

void
connection_enter(struct connection *c)
{
    if (c->depth++ > 0)
        return;
    c->stirred = true;
    if (c->rests)
        connection_wake(c);
}

static void
free_connection(struct connection *c)
{
    h2_free(&c->h2);
    free(c);
}

void
connection_leave(struct connection *c)
{
    assert(c->depth > 0);
    if (--c->depth == 0 && c->state == CONNECTION_CLOSED)
        free_connection(c);
}

/* What the kernel still holds of the answer is dropped by a reset. */
static void
set_hard(int fd)
{
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };
    /* A close that waits is the worst that comes of a failure. */
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

void
connection_close(struct connection *c, bool hard)
{
    if (c->state == CONNECTION_CLOSED)
        return;
    struct edge *e = c->edge;
    connection_enter(c); /* whoever hears of it here may call back */
    connection_go(c, CONNECTION_CLOSED);
    c->protocol->closing(c, hard);
    list_remove(&c->link);
    list_remove(&c->awake);
    timer_unset(e->shard, &c->timer);
    soon_remove(&c->soon);
    buffer_unref(&e->buffers, &c->in);
    watch_free(&c->watch);
    if (c->tls != NULL && !hard)
        tls_socket_end(c->tls);
    tls_socket_free(&c->tls);
    free(c->header);
    c->header = NULL;
    value_unref(&c->caller);
    if (hard)
        set_hard(c->fd);
    close(c->fd);
    e->n_connections--;
    if (e->config.metrics)
        stats_connections(e->shard->index, -1);
    edge_room(e);
    connection_leave(c);
}

static void
abandon(struct connection *c, bool hard)
{
    (void)hard;
    struct request *r = c->request;
    c->request = NULL;
    if (r != NULL)
        request_abandon(r);
}

static void
refuse_late(struct connection *c, enum refusal why, const char *text)
{
    struct request *r = c->request != NULL ? c->request : connection_request(c);
    struct weir_error err = { 0 };
    err_set(&err, WEIR_TIMEOUT, "%s", text);
    err.status = 408;
    r->close = r->unread = true;
    request_refuse(r, &err, why);
}

/* The deadline of the state has passed. */
static void
expire(struct connection *c)
{
    switch (c->state) {
    case CONNECTION_OPENING:
        connection_opening_late(c);
        return;
    case CONNECTION_HEAD:
        if (c->skip == 0)
            refuse_late(c, REFUSAL_HEAD_DEADLINE, "the header of the request took too long");
        else
            connection_close(c, false);
        return;
    case CONNECTION_BODY:
        refuse_late(c, REFUSAL_BODY_DEADLINE, "the body of the request took too long");
        return;
    case CONNECTION_SENDING:
        edge_refused(c->edge, REFUSAL_SLOW_READER);
        connection_close(c, true);
        return;
    case CONNECTION_IDLE:
    case CONNECTION_BUSY:
    case CONNECTION_STREAMS:
    case CONNECTION_SOCKET:
    case CONNECTION_LINGER:
    case CONNECTION_CLOSED:
        connection_close(c, c->state == CONNECTION_LINGER);
        return;
    }
}

static void
on_timer(void *arg)
{
    struct connection *c = arg;
    if (c->state == CONNECTION_BODY)
        c->deadline_ms = request_body_deadline(c->request);
    if (c->deadline_ms > shard_now(c->edge->shard)) {
        connection_deadline(c, c->deadline_ms);
        return;
    }
    connection_enter(c);
    c->protocol->expire(c);
    connection_leave(c);
}

/* Goes on: with an answer of this turn, a stream that gave much at once, or input that is here
 * already. */
static void
go_on(struct connection *c)
{
    if (c->state == CONNECTION_SENDING && request_waits(c->request)) {
        request_send_more(c->request);
    } else if (c->state == CONNECTION_SENDING) {
        c->request->out.pieces = 0;
        request_pump(c->request);
    }
    connection_serve(c);
}

static void
on_soon(void *arg)
{
    struct connection *c = arg;
    connection_enter(c);
    c->protocol->soon(c);
    /* Only a read clears MORE: one that has no room now has to come back to it. */
    if (c->more && (c->want & WEIR_READ) && c->state != CONNECTION_CLOSED)
        c->protocol->readable(c);
    connection_leave(c);
}

static void
write_more(struct connection *c)
{
    if (c->state == CONNECTION_SENDING)
        request_send_more(c->request);
}

static void
on_ready(void *arg, int fd, unsigned ready)
{
    (void)fd;
    struct connection *c = arg;
    connection_enter(c);
    if (c->turned) {
        c->turned = false;
        ready |= WEIR_READ | WEIR_WRITE;
        if (c->state != CONNECTION_SENDING)
            connection_want(c, c->want & ~(unsigned)WEIR_WRITE);
    }
    if (c->state == CONNECTION_OPENING) {
        connection_opening(c);
        connection_leave(c);
        return;
    }
    if (ready & WEIR_WRITE)
        c->protocol->writable(c);
    if ((ready & WEIR_READ) && c->state != CONNECTION_CLOSED)
        c->protocol->readable(c);
    connection_leave(c);
}

/* An HTTP/1.1 connection ends with the answer at hand, if there is one; see is_last. */
static void
retire(struct connection *c)
{
    if (c->state == CONNECTION_IDLE && c->served > 0)
        connection_close(c, false);
}

const struct protocol protocol_http1 = {
    .name = { "HTTP/1.1", 8 },
    .readable = connection_read,
    .writable = write_more,
    .soon = go_on,
    .expire = expire,
    .retire = retire,
    .closing = abandon,
    .framed = request_body_framed,
    .proceed = connection_continue,
    .take_body = request_body_begin,
    .offered = connection_offered,
    .frame = reply_frame,
    .send = request_send,
    .send_stream = request_send_stream,
    .on_piece = request_on_piece,
    .cut = request_cut,
};

void
connection_from(struct connection *c, struct sockaddr_storage *peer)
{
    static const char path[] = "unix";
    const struct sockaddr *a = (const struct sockaddr *)peer;
    struct edge *e = c->edge;
    if (a->sa_family == AF_UNIX) {
        c->proxy = e->config.trusted_unix;
        c->peer_len = sizeof(path) - 1;
        memcpy(c->peer, path, sizeof(path));
        return;
    }
    client_ip_unmap(peer);
    c->proxy = client_ip_trusted(&e->trust, a);
    c->peer_len = (uint8_t)address_text(a, c->peer, sizeof(c->peer));
}

void
connection_open(struct edge *e, int fd, struct sockaddr_storage *peer, enum edge_kind kind)
{
    struct connection *c = calloc(1, sizeof(*c));
    if (c == NULL)
        abort();
    c->edge = e;
    c->protocol = &protocol_http1;
    c->fd = fd;
    c->kind = kind;
    c->opened_ms = shard_now(e->shard);
    list_init(&c->link);
    list_init(&c->awake);
    timer_init(&c->timer, on_timer, c);
    soon_init(&c->soon, on_soon, c);
    connection_from(c, peer);
    c->state = CONNECTION_IDLE;
    list_push(&e->idle, &c->link);
    e->n_connections++;
    if (e->config.metrics)
        stats_connections(e->shard->index, 1);
    c->want = WEIR_READ;
    c->watch = watch_new(e->shard, fd, WEIR_READ, on_ready, c);
    connection_deadline(c, c->opened_ms + e->config.head_ms);
    connection_opening_begin(c);
}

bool
connection_secure(const struct connection *c)
{
    return c->kind == EDGE_TLS;
}

bool
connection_alpn_h2(const struct connection *c)
{
    return c->tls != NULL && tls_socket_h2(c->tls);
}

struct request *
connection_request(struct connection *c)
{
    c->request = request_new(c);
    return c->request;
}

void
connection_offered(struct request *r)
{
    struct connection *c = r->connection;
    connection_go(c, CONNECTION_BUSY);
    connection_deadline(c, UINT64_MAX);
}

void
connection_answered(struct connection *c, uint64_t skip, bool close, bool unread)
{
    struct edge *e = c->edge;
    c->request = NULL;
    c->served++;
    if (close || c->eof) {
        if (!c->eof && (unread || c->start < c->end))
            connection_linger(c);
        else
            connection_close(c, false);
        return;
    }
    c->skip = skip;
    connection_go(c, CONNECTION_IDLE);
    connection_deadline(c, shard_now(e->shard) + e->config.idle_ms);
    connection_want(c, WEIR_READ);
    if (!c->serving && c->start < c->end)
        soon_add(e->shard, &c->soon);
}
