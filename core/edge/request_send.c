/* edge/request_send.c - the bytes of an answer; see request.h.
 *
 * An answer is written when all that is ready has been looked at, together with all others of that turn: a
 * write to a socket wakes who reads from it, and one who is awake already need not be woken once
 * for each of the next ones. Its head waits in the request's arena and its body by reference. Of a
 * stream there is at most the piece at hand: the next one is asked for when that is gone, so a slow
 * caller holds its source back and not our memory. After a write that failed the request is
 * gone, and nothing of it may be touched.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/request.h"

/* Pieces that a stream may give at once before others have their turn. */
#define PIECES_MAX 32

#define PARTS_MAX 4

void
outgoing_drop_rest(struct outgoing *out)
{
    if (!out->rest_lent)
        free(out->rest);
    out->rest = NULL;
    out->rest_lent = false;
}

void
request_drop_out(struct request *r)
{
    struct outgoing *out = &r->out;
    outgoing_drop_rest(out);
    value_unref(&out->body);
    stream_drop(&out->stream);
}

/* Something waits: for the descriptor to be writable, and not for ever. */
static void
wait_writable(struct connection *c)
{
    connection_deadline(c, shard_now(c->edge->shard) + c->edge->config.write_ms);
    connection_want(c, c->want | WEIR_WRITE);
}

/* Keeps what is left of PARTS behind the first PUT bytes as the rest. */
static void
keep(struct outgoing *out, const struct iovec *parts, unsigned n, size_t put)
{
    size_t total = 0;
    for (unsigned i = 0; i < n; i++)
        total += parts[i].iov_len;
    char *rest = NULL;
    size_t len = 0;
    if (put < total) {
        rest = malloc(total - put);
        if (rest == NULL)
            abort();
    }
    for (unsigned i = 0; i < n; i++) {
        size_t skip = put < parts[i].iov_len ? put : parts[i].iov_len;
        put -= skip;
        if (skip == parts[i].iov_len)
            continue;
        memcpy(rest + len, (const char *)parts[i].iov_base + skip, parts[i].iov_len - skip);
        len += parts[i].iov_len - skip;
    }
    outgoing_drop_rest(out);
    out->rest = rest;
    out->rest_len = len;
    out->rest_at = 0;
}

static struct iovec
part(const void *bytes, size_t len)
{
    return (struct iovec){ (void *)(uintptr_t)bytes, len };
}

/* Writes the rest, if any, and N parts behind it. False: the request is gone. */
static bool
push(struct request *r, const struct iovec *parts, unsigned n)
{
    struct outgoing *out = &r->out;
    struct iovec all[PARTS_MAX];
    unsigned count = 0;
    if (out->rest != NULL)
        all[count++] = part(out->rest + out->rest_at, out->rest_len - out->rest_at);
    assert(count + n <= PARTS_MAX);
    for (unsigned i = 0; i < n; i++)
        all[count++] = parts[i];
    if (count == 0)
        return true;
    bool gone;
    size_t put = connection_write(r->connection, all, count, &gone);
    if (gone)
        return false;
    keep(out, all, count, put);
    if (out->rest != NULL)
        wait_writable(r->connection);
    return true;
}

void
request_send(struct request *r, const struct weir_value *body)
{
    struct connection *c = r->connection;
    struct weir_text head = buf_content(&r->edge->out);
    struct weir_text text = body != NULL ? value_as_text(body) : (struct weir_text){ "", 0 };
    connection_go(c, CONNECTION_SENDING);
    edge_took(r->edge, text.len);
    r->sent = text.len;
    char *copy = arena_copy(&r->arena, head.bytes, head.len);
    if (copy == NULL) {
        struct iovec whole = part(head.bytes, head.len);
        keep(&r->out, &whole, 1, 0);
    } else {
        r->out.rest = copy;
        r->out.rest_lent = true;
        r->out.rest_len = head.len;
        r->out.rest_at = 0;
    }
    r->out.body = text.len > 0 ? value_box(body) : NULL;
    r->out.body_at = 0;
    soon_add_late(c->edge->shard, &c->soon);
}

/* -- streams -- */

/* Nothing waits to be sent: goes on with the stream, or ends. */
static void
advance(struct request *r)
{
    struct connection *c = r->connection;
    if (r->out.stream == NULL) {
        request_end(r);
        return;
    }
    connection_deadline(c, UINT64_MAX);
    connection_want(c, c->want & ~(unsigned)WEIR_WRITE);
    if (++r->out.pieces < PIECES_MAX)
        stream_pull(r->out.stream);
    else
        soon_add(c->edge->shard, &c->soon);
}

void
request_pump(struct request *r)
{
    if (r->out.stream != NULL && r->out.rest == NULL)
        advance(r);
}

void
request_send_stream(struct request *r)
{
    struct connection *c = r->connection;
    struct weir_text head = buf_content(&r->edge->out);
    struct iovec whole = part(head.bytes, head.len);
    connection_go(c, CONNECTION_SENDING);
    connection_deadline(c, UINT64_MAX);
    /* What the stream gives at once goes with the head in one call. */
    keep(&r->out, &whole, 1, 0);
    stream_pull(r->out.stream);
    bool here = c->request == r && c->state == CONNECTION_SENDING;
    bool waits = (c->want & WEIR_WRITE) != 0;
    if (here && !waits && r->out.rest != NULL)
        (void)push(r, NULL, 0);
}

void
request_cut(struct request *r, bool hard)
{
    connection_close(r->connection, hard);
}

void
request_break_off(struct request *r, const struct weir_error *err)
{
    struct weir_error cut;
    if (err == NULL) {
        err_set(&cut, WEIR_UPSTREAM, "the body of the answer ended too early");
        err = &cut;
    }
    request_fault(r, err);
    r->connection->protocol->cut(r, r->old);
}

static void
end_stream(struct request *r, const struct weir_error *err)
{
    struct outgoing *out = &r->out;
    stream_drop(&out->stream);
    bool short_of = out->stream_left != UINT64_MAX && out->stream_left > 0;
    if (err != NULL || short_of) {
        request_break_off(r, err);
        return;
    }
    struct iovec last = part("0\r\n\r\n", 5);
    if (push(r, &last, out->chunked) && out->rest == NULL)
        request_end(r);
}

static void
send_piece(struct request *r, const char *bytes, size_t len)
{
    struct outgoing *out = &r->out;
    if (out->stream_left != UINT64_MAX) {
        if (len > out->stream_left)
            len = (size_t)out->stream_left;
        out->stream_left -= len;
    }
    r->sent += len;
    char size[24];
    int digits = snprintf(size, sizeof(size), "%zx\r\n", len);
    struct iovec chunk[] = { part(size, (size_t)digits), part(bytes, len), part("\r\n", 2) };
    struct iovec plain = part(bytes, len);
    if (!(out->chunked ? push(r, chunk, 3) : push(r, &plain, 1)))
        return;
    if (out->stream_left == 0)
        stream_drop(&out->stream); /* all that was promised is here */
    if (out->rest == NULL)
        advance(r);
}

void
request_on_piece(void *arg, const char *bytes, size_t len, const struct weir_error *err)
{
    struct request *r = arg;
    struct connection *c = r->connection;
    connection_enter(c);
    if (len == 0)
        end_stream(r, err);
    else
        send_piece(r, bytes, len);
    connection_leave(c);
}

/* -- later -- */

/* Takes note of PUT bytes; true: nothing is left. */
static bool
advance_out(struct outgoing *out, size_t put)
{
    size_t rest = out->rest_len - out->rest_at;
    if (out->rest != NULL && put < rest) {
        out->rest_at += put;
        return false;
    }
    if (out->rest != NULL) {
        put -= rest;
        outgoing_drop_rest(out);
    }
    out->body_at += put;
    if (out->body != NULL && out->body_at < value_as_text(out->body).len)
        return false;
    value_unref(&out->body);
    return true;
}

bool
request_waits(const struct request *r)
{
    return r->out.rest != NULL || r->out.body != NULL;
}

void
request_send_more(struct request *r)
{
    struct outgoing *out = &r->out;
    struct connection *c = r->connection;
    struct iovec parts[2];
    unsigned n = 0;
    if (out->rest != NULL)
        parts[n++] = part(out->rest + out->rest_at, out->rest_len - out->rest_at);
    if (out->body != NULL) {
        struct weir_text text = value_as_text(out->body);
        parts[n++] = part(text.bytes + out->body_at, text.len - out->body_at);
    }
    if (n == 0)
        return;
    bool gone;
    size_t put = connection_write(c, parts, n, &gone);
    if (gone)
        return;
    if (advance_out(out, put)) {
        out->pieces = 0;
        advance(r);
    } else if (put > 0 || !(c->want & WEIR_WRITE)) {
        wait_writable(c); /* each byte that was taken gives the caller its time again */
    }
}
