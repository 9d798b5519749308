/* edge/ws.c - the life of a WebSocket; see ws.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/ws.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long the caller's close frame is waited for, and ours may wait to be sent. */
#define CLOSE_MS 5000

#define GOING "this server is shutting down"

#define BIT(state) (1u << WS_##state)

/* Every change of a socket's state, and no other, happens here. */
static void
go(struct ws *w, enum ws_state next)
{
    static const unsigned may[] = {
        [WS_OFFERED] = BIT(OPEN) | BIT(GONE),
        [WS_OPEN] = BIT(CLOSING) | BIT(ENDING) | BIT(GONE),
        [WS_CLOSING] = BIT(ENDING) | BIT(GONE),
        [WS_ENDING] = BIT(GONE),
        [WS_GONE] = 0,
    };
    assert((may[w->state] & 1u << next) != 0);
    w->state = next;
}

/* -- what the owner calls -- */

static bool
op_send(struct weir_socket *s, const struct weir_value *message)
{
    struct ws *w = (struct ws *)s;
    if (w->state != WS_OFFERED && w->state != WS_OPEN)
        return false;
    w->active_ms = shard_now(w->edge->shard);
    if (ws_message(w, message)) {
        w->crowded |= w->queued > w->max_queue;
        if (w->state == WS_OPEN)
            soon_add(w->edge->shard, &w->work);
        return true;
    }
    edge_refused(w->edge, REFUSAL_SLOW_READER);
    w->code = WS_POLICY;
    strcpy(w->reason, "messages were not read fast enough");
    w->broken = true; /* ended when no function of the owner is on the stack */
    if (w->state == WS_OPEN)
        go(w, WS_ENDING);
    soon_add(w->edge->shard, &w->work);
    return false;
}

/* Whether a server may send the code, and a plugin has a say in it (RFC 6455 7.4; IANA). */
static bool
may_send(uint32_t code)
{
    switch (code) {
    case 1000:
    case 1001:
    case 1008:
        return true;
    default:
        return (code >= 1011 && code <= 1014) || (code >= 3000 && code <= 4999);
    }
}

void
ws_reason(struct weir_text reason, char ret[WS_CONTROL - 1])
{
    struct utf8_check check = { 0 };
    size_t len = 0;
    for (size_t i = 0; i < reason.len && i < WS_CONTROL - 2; i++) {
        if (!utf8_go_on(&check, (struct weir_text){ reason.bytes + i, 1 }) || reason.bytes[i] == '\0')
            break;
        if (utf8_whole(&check))
            len = i + 1;
    }
    if (len > 0)
        memcpy(ret, reason.bytes, len);
    ret[len] = '\0';
}

static void
op_close(struct weir_socket *s, uint32_t code, struct weir_text reason)
{
    struct ws *w = (struct ws *)s;
    char text[WS_CONTROL - 1];
    ws_reason(reason, text);
    ws_close(w, may_send(code) ? (enum ws_code)code : WS_INTERNAL, text, false);
}

static void
op_hold(struct weir_socket *s, bool hold)
{
    struct ws *w = (struct ws *)s;
    if (w->held == hold)
        return;
    w->held = hold;
    if (hold || w->connection == NULL)
        return;
    w->heard_ms = shard_now(w->edge->shard); /* what came meanwhile was not looked at */
    w->pinged_ms = 0;
    soon_add(w->edge->shard, &w->work);
}

static uint64_t
op_queued(const struct weir_socket *s)
{
    return ((const struct ws *)s)->queued;
}

static const struct socket_ops ops = { .send = op_send, .close = op_close, .hold = op_hold, .queued = op_queued };

/* -- life -- */

static void
free_ws(struct ws *w)
{
    soon_remove(&w->work);
    ws_drop(w);
    value_unref(&w->reply);
    if (w->frames != NULL)
        wslay_frame_context_free(w->frames);
    free(w->bytes);
    free(w->protocol);
    free(w);
}

void
ws_enter(struct ws *w)
{
    w->depth++;
}

void
ws_leave(struct ws *w)
{
    assert(w->depth > 0);
    if (--w->depth == 0 && w->state == WS_GONE)
        free_ws(w);
}

void
ws_lose(struct ws *w)
{
    if (w->state == WS_GONE)
        return;
    ws_enter(w);
    if (w->state != WS_OFFERED)
        stats_sockets(w->edge->shard->index, -1);
    go(w, WS_GONE);
    w->connection = NULL;
    soon_remove(&w->work);
    ws_drop(w);
    stats_socket_closed(w->edge->shard->index, w->code);
    w->owner.closed(w->arg, (uint32_t)w->code, text_of(w->reason));
    ws_leave(w);
}

/* All is said: the connection ends, in a way that lets the caller read our close frame. */
static void
finish(struct ws *w)
{
    struct connection *c = w->connection;
    c->ws = NULL;
    c->protocol = &protocol_http1;
    w->connection = NULL;
    if (w->eof)
        connection_close(c, false);
    else
        connection_linger(c);
    ws_lose(w);
}

/* Ends the connection without a word. */
static void
cut(struct ws *w, bool hard)
{
    connection_close(w->connection, hard);
}

/* The owner hears that it is open. */
static void
tell(struct ws *w)
{
    w->told = true;
    w->owner.opened(w->arg, w->reply);
    value_unref(&w->reply);
    if (w->asked)
        ws_close(w, w->code, w->reason, false);
    else if (w->edge->draining)
        ws_close(w, WS_GOING_AWAY, GOING, false);
}

/* What the descriptor is waited for. */
static void
watch(struct ws *w)
{
    unsigned want = ws_reads(w) ? WEIR_READ : 0;
    if (w->stuck)
        want |= WEIR_WRITE;
    if (w->connection->turned) /* TLS wants the other direction first */
        want |= WEIR_READ | WEIR_WRITE;
    connection_want(w->connection, want);
    ws_watch_time(w);
}

/* Does what can be done now; each step may end it. */
static void
work(struct ws *w)
{
    if (!w->told)
        tell(w);
    if (w->broken) {
        cut(w, true);
        return;
    }
    ws_flush(w);
    if (w->connection != NULL && w->crowded && w->queued <= w->max_queue) {
        w->crowded = false;
        w->owner.drained(w->arg);
    }
    if (w->connection != NULL && ws_reads(w))
        ws_read(w);
    if (w->connection == NULL)
        return;
    if (w->state == WS_ENDING && !ws_waits(w))
        finish(w);
    else
        watch(w);
}

static void
on_work(void *arg)
{
    struct ws *w = arg;
    struct connection *c = w->connection;
    if (c == NULL)
        return; /* it is only offered */
    connection_enter(c);
    ws_enter(w);
    work(w);
    ws_leave(w);
    connection_leave(c);
}

struct ws *
ws_new(struct edge *e, const struct weir_socket_config *config, const struct weir_socket_owner *owner, void *arg)
{
    struct ws *w = calloc(1, sizeof(*w));
    if (w == NULL)
        abort();
    w->socket.ops = &ops;
    w->edge = e;
    w->owner = *owner;
    w->arg = arg;
    w->ping_ms = config->ping_ms;
    w->idle_ms = config->idle_ms;
    w->max_message = config->max_message;
    w->max_queue = config->max_queue;
    w->code = WS_ABNORMAL;
    if (config->protocol.len > 0) {
        w->protocol = strndup(config->protocol.bytes, config->protocol.len);
        if (w->protocol == NULL)
            abort();
    }
    w->end = &w->first;
    soon_init(&w->work, on_work, w);
    return w;
}

void
ws_begin(struct ws *w, struct connection *c, const struct weir_value *body)
{
    c->request = NULL;
    c->ws = w;
    c->protocol = &protocol_websocket;
    w->connection = c;
    w->heard_ms = w->active_ms = w->moved_ms = shard_now(w->edge->shard);
    w->reply = body != NULL ? value_ref(body) : NULL;
    ws_read_begin(w);
    go(w, WS_OPEN);
    connection_go(c, CONNECTION_SOCKET);
    stats_sockets(w->edge->shard->index, 1);
    soon_add(w->edge->shard, &w->work);
    ws_watch_time(w);
}

void
ws_close(struct ws *w, enum ws_code code, const char *reason, bool end)
{
    if (w->state == WS_OFFERED && !w->asked) {
        w->asked = true; /* it is opened, hears what was sent, and is closed */
        w->code = code;
        snprintf(w->reason, sizeof(w->reason), "%s", reason);
    }
    if (w->state != WS_OPEN) {
        if (end && w->state == WS_CLOSING)
            go(w, WS_ENDING);
        return;
    }
    size_t len = strlen(reason);
    uint8_t payload[WS_CONTROL] = { (uint8_t)((unsigned)code >> 8), (uint8_t)code };
    memcpy(payload + 2, reason, len);
    go(w, end ? WS_ENDING : WS_CLOSING); /* first: who streams what is dropped may want to send more */
    ws_control(w, WSLAY_CONNECTION_CLOSE, payload, code == WS_NO_STATUS ? 0 : len + 2);
    w->code = code;
    if (reason != w->reason)
        snprintf(w->reason, sizeof(w->reason), "%s", reason);
    w->closing_ms = shard_now(w->edge->shard);
}

/* -- what the connection tells -- */

static void
on_readable(struct connection *c)
{
    struct ws *w = c->ws;
    ws_enter(w);
    work(w);
    ws_leave(w);
}

static void
on_writable(struct connection *c)
{
    c->ws->stuck = false;
    on_readable(c);
}

static void
on_soon_of_connection(struct connection *c)
{
    (void)c; /* a socket has its own */
}

/* The server ends: says so. */
static void
on_retire(struct connection *c)
{
    ws_close(c->ws, WS_GOING_AWAY, GOING, false);
}

static void
on_closing(struct connection *c, bool hard)
{
    (void)hard;
    struct ws *w = c->ws;
    c->ws = NULL;
    if (w != NULL)
        ws_lose(w);
}

/* -- time -- */

static void
sooner(uint64_t *at_ms, uint64_t than_ms)
{
    if (than_ms < *at_ms)
        *at_ms = than_ms;
}

/* Whether our close frame is queued, or sent: it is the last that is said. */
static bool
closes(const struct ws *w)
{
    return w->state == WS_CLOSING || w->state == WS_ENDING;
}

void
ws_watch_time(struct ws *w)
{
    const struct edge_config *config = &w->edge->config;
    uint64_t at_ms = UINT64_MAX;
    if (w->stuck)
        sooner(&at_ms, w->moved_ms + config->write_ms);
    if (closes(w)) { /* what else could be late does not count any more */
        sooner(&at_ms, w->closing_ms + CLOSE_MS);
        connection_deadline(w->connection, at_ms);
        return;
    }
    if (w->begun_ms > 0 && !w->held)
        sooner(&at_ms, w->begun_ms + config->body_ms);
    if (w->ping_ms > 0)
        sooner(&at_ms, (w->pinged_ms > 0 ? w->pinged_ms : w->heard_ms) + w->ping_ms);
    if (w->idle_ms > 0)
        sooner(&at_ms, w->active_ms + w->idle_ms);
    connection_deadline(w->connection, at_ms);
}

/* Silence: asks whether somebody is there, or takes the silence for an answer. True: it is cut. */
static bool
ping(struct ws *w, uint64_t now_ms)
{
    if (w->held || w->stuck) { /* nobody could be heard, or asked */
        w->heard_ms = now_ms;
        w->pinged_ms = 0;
        return false;
    }
    if (w->pinged_ms > 0) {
        strcpy(w->reason, "no pong came");
        cut(w, true);
        return true;
    }
    w->pinged_ms = now_ms;
    ws_control(w, WSLAY_PING, "", 0);
    return false;
}

/* What is due of a socket that is open. */
static void
expire_open(struct ws *w, uint64_t now_ms)
{
    bool asks = w->ping_ms > 0 && now_ms >= (w->pinged_ms > 0 ? w->pinged_ms : w->heard_ms) + w->ping_ms;
    if (w->begun_ms > 0 && !w->held && now_ms >= w->begun_ms + w->edge->config.body_ms)
        ws_close(w, WS_POLICY, "the message took too long", true);
    else if (w->idle_ms > 0 && now_ms >= w->active_ms + w->idle_ms)
        ws_close(w, WS_GOING_AWAY, "nothing was said for too long", false);
    else if (asks && ping(w, now_ms))
        return;
    ws_watch_time(w);
}

static void
on_expire(struct connection *c)
{
    struct ws *w = c->ws;
    const struct edge_config *config = &w->edge->config;
    uint64_t now_ms = shard_now(w->edge->shard);
    ws_enter(w);
    if (closes(w) && now_ms >= w->closing_ms + CLOSE_MS) {
        cut(w, true);
    } else if (w->stuck && now_ms >= w->moved_ms + config->write_ms) {
        edge_refused(w->edge, REFUSAL_SLOW_READER);
        cut(w, true);
    } else if (closes(w)) {
        ws_watch_time(w);
    } else {
        expire_open(w, now_ms);
    }
    ws_leave(w);
}

const struct protocol protocol_websocket = {
    .name = { "WebSocket", 9 },
    .readable = on_readable,
    .writable = on_writable,
    .soon = on_soon_of_connection,
    .expire = on_expire,
    .retire = on_retire,
    .closing = on_closing,
};
