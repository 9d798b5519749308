/* edge/request.c - the life of a request and its event; see request.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "edge/access_log.h"
#include "edge/live.h"
#include "edge/ws.h"

#define POOL_MAX 256
#define ARENA_FIRST 2048
#define ARENA_MAX (1024u * 1024u)

/* -- memory -- */

static void
recycle(struct request *r)
{
    struct edge *e = r->edge;
    assert(!r->held && r->connection == NULL);
    soon_remove(&r->soon);
    list_remove(&r->link);
    value_unref(&r->event.raw);
    value_unref(&r->event.peer);
    value_unref(&r->event.auth);
    value_unref(&r->event.connection);
    buffer_unref(e != NULL ? &e->buffers : NULL, &r->buffer);
    free(r->fault);
    if (e == NULL || e->n_free_requests >= POOL_MAX) {
        arena_fini(&r->arena);
        free(r);
        return;
    }
    arena_reset(&r->arena);
    r->next = e->free_requests;
    e->free_requests = r;
    e->n_free_requests++;
}

void
request_pool_trim(struct edge *e)
{
    while (e->free_requests != NULL) {
        struct request *r = e->free_requests;
        e->free_requests = r->next;
        arena_fini(&r->arena);
        free(r);
    }
    e->n_free_requests = 0;
}

static struct request *
take_request(struct edge *e)
{
    struct request *r = e->free_requests;
    struct arena arena;
    if (r != NULL) {
        e->free_requests = r->next;
        e->n_free_requests--;
        arena = r->arena;
    } else {
        r = malloc(sizeof(*r));
        if (r == NULL)
            abort();
        arena_init(&arena, ARENA_FIRST, ARENA_MAX);
    }
    memset(r, 0, sizeof(*r));
    r->arena = arena;
    return r;
}

/* -- what the engine calls -- */

static void
on_reply(struct weir_event *e, const struct event_reply *reply)
{
    struct request *r = (struct request *)e;
    assert(!r->answered);
    r->answered = true;
    struct connection *c = r->connection;
    if (r->screened)
        request_drop_body(r);
    if (c != NULL) {
        connection_enter(c);
        request_reply(r, reply);
        connection_leave(c);
        return;
    }
    /* Nobody is there to read it; who streams a body is told, but not from in here. */
    r->streams = reply->body != NULL && value_type(reply->body) == WEIR_STREAM;
    if (r->streams || r->handled)
        soon_add(e->shard, &r->soon);
}

static void
on_release(struct weir_event *e)
{
    struct request *r = (struct request *)e;
    assert(r->held);
    r->held = false;
    struct connection *c = r->connection;
    if (c != NULL && !r->answered)
        c->protocol->cut(r, false); /* the engine forgot it, since its caller was gone */
    else if (c == NULL)
        recycle(r);
}

static struct weir_socket *
offer_socket(struct weir_event *e, const struct weir_socket_config *config, const struct weir_socket_owner *owner,
             void *arg, struct weir_error *err)
{
    bool body = config->kind == WEIR_SOCKET_BODY;
    return body ? live_offer(e, config, owner, arg, err) : ws_offer(e, config, owner, arg, err);
}

static const struct event_ops ops = { .reply = on_reply, .release = on_release, .offer_socket = offer_socket };

static void
on_soon(void *arg)
{
    struct request *r = arg;
    if (r->handled) {
        r->held = false;
        recycle(r);
        return;
    }
    r->streams = false;
    r->port->reply_sent(&r->event, r->fault);
}

void
request_orphan(struct request *r)
{
    r->edge = NULL;
    if (list_empty(&r->soon.link))
        return;
    soon_remove(&r->soon); /* the loop may not turn again */
    on_soon(r);
}

/* -- begin and end -- */

struct request *
request_new(struct connection *c)
{
    struct edge *e = c->edge;
    struct request *r = take_request(e);
    r->edge = e;
    r->connection = c;
    r->port = e->config.port;
    r->route = route_name_none();
    r->decoded = (struct weir_text){ "", 0 };
    r->start_ns = clock_mono_ns();
    list_push(&e->requests, &r->link);
    soon_init(&r->soon, on_soon, r);
    id_uuid7(clock_wall_ms(), r->id);

    struct weir_event *event = &r->event;
    event->ops = &ops;
    event->shard = e->shard;
    event->arena = &r->arena;
    event->method = event->path = event->query = event->route = (struct weir_text){ "", 0 };
    event->tracestate = (struct weir_text){ "", 0 };
    event->protocol = c->protocol->name;
    event->id = (struct weir_text){ r->id, ID_UUID - 1 };
    memcpy(r->client_ip, c->peer, c->peer_len);
    event->client_ip = (struct weir_text){ r->client_ip, c->peer_len };
    event->peer = c->caller != NULL ? value_ref(c->caller) : NULL;
    if (e->config.metrics)
        stats_active(e->shard->index, 1);
    return r;
}

/* Once for each request: what is counted and logged of it. */
static void
record(struct request *r)
{
    struct edge *e = r->edge;
    uint64_t duration_ns = clock_mono_ns() - r->start_ns;
    if (e->config.metrics) {
        stats_active(e->shard->index, -1);
        route_name_observe(r->route, e->shard->index, r->method, r->status,
                           (double)duration_ns / 1e9);
    }
    if (e->config.access_log && log_wanted(WEIR_INFO))
        access_log(r, duration_ns);
}

/* Lets go of the connection and of what belongs to the way in and out. True: nobody else has
 * R, so that it can be recycled. */
static bool
detach(struct request *r)
{
    record(r);
    r->connection = NULL;
    request_drop_out(r);
    free(r->bytes);
    r->bytes = NULL;
    if (r->answered && r->held && (r->streams || r->handled))
        soon_add(r->event.shard, &r->soon);
    return !r->held;
}

void
request_done(struct request *r)
{
    if (detach(r))
        recycle(r);
}

void
request_end(struct request *r)
{
    struct connection *c = r->connection;
    uint64_t skip = r->skip;
    bool close = r->close;
    bool unread = r->unread;
    struct ws *ws = r->ws;
    const struct weir_value *first = r->first;
    r->ws = NULL;
    r->first = NULL;
    request_done(r);
    if (ws != NULL)
        ws_begin(ws, c, first);
    else
        connection_answered(c, skip, close, unread);
    value_unref(&first);
}

void
request_fault(struct request *r, const struct weir_error *err)
{
    if (r->fault != NULL)
        return;
    r->fault = malloc(sizeof(*r->fault));
    if (r->fault == NULL)
        abort();
    *r->fault = *err;
    r->fault->detail = NULL;
}

void
request_gone(struct request *r)
{
    if (r->told_gone || r->answered || !r->held)
        return;
    r->told_gone = true;
    const struct edge_handler *handler = r->edge != NULL ? &r->edge->config.handler : NULL;
    if (!r->handled)
        r->port->gone(&r->event);
    else if (handler != NULL && handler->gone != NULL)
        handler->gone(handler->arg, &r->event);
}

void
request_abandon(struct request *r)
{
    struct weir_error gone = { 0 };
    err_set(&gone, WEIR_CANCELLED, "the caller went away");
    request_fault(r, &gone);
    if (!r->answered)
        r->status = code_status(WEIR_CANCELLED);
    struct ws *ws = r->ws;
    r->ws = NULL;
    value_unref(&r->first);
    if (ws != NULL)
        ws_lose(ws);
    if (r->live != NULL)
        live_lose(r->live);
    if (detach(r))
        recycle(r);
    else
        request_gone(r);
}
