/* edge/reply.c - an answer on its way out: with which body, and is it the last one; see
 * request.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/live.h"
#include "edge/request.h"
#include "edge/ws.h"

bool
request_is_last(const struct connection *c)
{
    const struct edge *e = c->edge;
    return c->eof || e->draining || c->served + 1 >= e->config.max_requests ||
           shard_now(e->shard) - c->opened_ms >= e->config.age_ms ||
           e->memory.step >= MEMORY_REFUSE_NEW;
}

static bool
is_bodiless(const struct request *r)
{
    return r->method == METHOD_HEAD || r->status == 204 || r->status == 304;
}

/* Gives a stream back that was taken for an answer that is not sent. */
static void
fail(struct request *r, const char *text)
{
    struct weir_error err;
    err_set(&err, WEIR_INTERNAL, "%s", text);
    request_fault(r, &err);
    stream_drop(&r->out.stream);
    r->out = (struct outgoing){ 0 };
    request_fail(r, text);
}

/* The answer is no good one: there will be no socket. */
static void
refuse_socket(struct request *r)
{
    struct ws *ws = r->ws;
    r->ws = NULL;
    if (ws != NULL)
        ws_lose(ws);
    if (r->live != NULL)
        live_lose(r->live);
}

static void
reply_stream(struct request *r, const struct event_reply *reply)
{
    uint64_t length = stream_length(reply->body);
    r->streams = true;
    stream_fn *on_piece = r->connection->protocol->on_piece;
    if (!is_bodiless(r) && !stream_take(reply->body, on_piece, r, &r->out.stream)) {
        fail(r, "the body of the answer was read by somebody else");
        return;
    }
    r->out.stream_left = length;
    if (!reply_head(r, reply, length)) {
        fail(r, "the header of the answer is too large");
        return;
    }
    if (r->out.stream == NULL)
        r->connection->protocol->send(r, NULL);
    else
        r->connection->protocol->send_stream(r);
}

/* The connection becomes a WebSocket. */
static void
switch_protocols(struct request *r, const struct event_reply *reply)
{
    if (!ws_answer_head(r, reply)) {
        refuse_socket(r);
        fail(r, "the header of the answer is too large");
        return;
    }
    r->status = 101;
    r->streams = reply->body != NULL && value_type(reply->body) == WEIR_STREAM;
    if (r->streams) { /* who streams it is told when the request ends */
        struct weir_error err;
        err_set(&err, WEIR_INVALID, "the answer to the handshake of a WebSocket can't be a stream");
        request_fault(r, &err);
    } else if (reply->body != NULL) {
        r->first = value_box(reply->body);
    }
    request_send(r, NULL);
}

/* The answer's body is what the socket's owner says from now on. */
static void
begin_live(struct request *r, const struct event_reply *reply)
{
    r->streams = reply->body != NULL && value_type(reply->body) == WEIR_STREAM; /* who streams it is told */
    if (!live_answer(r, reply))
        fail(r, r->streams ? "what opens an event stream can't be a stream"
                           : "the header of the answer is too large");
}

void
request_reply(struct request *r, const struct event_reply *reply)
{
    if (reply->error != NULL && r->why == NULL)
        r->why = arena_printf(&r->arena, "%s: %s", code_name(reply->error->code),
                              reply->error->text);
    if (reply->status < 200 || reply->status > 599) {
        refuse_socket(r);
        fail(r, "the status of the answer is not one from 200 to 599");
        return;
    }
    if (r->ws != NULL && reply->status < 300) {
        switch_protocols(r, reply);
        return;
    }
    if (r->live != NULL && reply->status < 300) {
        begin_live(r, reply);
        return;
    }
    refuse_socket(r);
    r->status = reply->status;
    const struct weir_value *body = reply->body;
    if (body != NULL && value_type(body) == WEIR_STREAM) {
        reply_stream(r, reply);
        return;
    }
    if (!reply_head(r, reply, body != NULL ? body->len : 0))
        fail(r, "the header of the answer is too large");
    else
        r->connection->protocol->send(r, is_bodiless(r) ? NULL : body);
}
