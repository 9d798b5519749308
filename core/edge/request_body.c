/* edge/request_body.c - the body of a request, as it comes in; see request.h.
 *
 * A body of known length that is here already is copied once. A longer one is read right into
 * its place, which grows as bytes really arrive, so that a length alone reserves nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "edge/request.h"

#define FIRST_ROOM (16u * 1024u)

/* Reads in one go; then other connections have their turn. */
#define READS_MAX 8

uint64_t
request_body_deadline(const struct request *r)
{
    const struct edge_config *config = &r->edge->config;
    uint64_t whole_ms = r->body_ms + config->body_ms;
    uint64_t paid_ms =
        config->body_rate > 0 ? r->len * 1000 / config->body_rate : UINT64_MAX / 2;
    uint64_t rate_ms =
        r->body_ms + (paid_ms > config->body_grace_ms ? paid_ms : config->body_grace_ms);
    return whole_ms < rate_ms ? whole_ms : rate_ms;
}

/* Room for NEED more bytes, of at most MAX in all. */
static void
grow(struct request *r, size_t need, uint64_t max)
{
    if (r->room - r->len >= need)
        return;
    uint64_t room = r->room > 0 ? r->room * 2 : FIRST_ROOM;
    while (room < r->len + need)
        room *= 2;
    if (room > max)
        room = max;
    char *bytes = realloc(r->bytes, (size_t)room);
    if (bytes == NULL)
        abort();
    r->bytes = bytes;
    r->room = (size_t)room;
}

/* LEN bytes more are in their place. */
static void
came(struct request *r, size_t len)
{
    r->len += len;
    edge_came(r->edge, &r->moved, len, r->len);
}

static void
append(struct request *r, struct weir_text piece, uint64_t max)
{
    grow(r, piece.len, max);
    memcpy(r->bytes + r->len, piece.bytes, piece.len);
    came(r, piece.len);
}

/* Refuses a body that wants more than a little room when there is no memory. */
static bool
has_memory(struct request *r, size_t need)
{
    if (r->edge->memory.step != MEMORY_REFUSE_ALL || r->len + need <= FIRST_ROOM)
        return true;
    request_refuse_memory(r);
    return false;
}

void
request_body_complete(struct request *r)
{
    if (r->len > 0) {
        if (r->len < r->room - r->room / 4) {
            char *bytes = realloc(r->bytes, r->len);
            if (bytes != NULL)
                r->bytes = bytes;
        }
        r->event.raw = value_take(WEIR_BYTES, r->bytes, r->len);
        r->bytes = NULL;
    }
    request_offer(r);
}

void
request_body_framed(struct request *r, const struct http_head *h)
{
    http_body_of_request(&r->body, h);
    http_body_limit(&r->body, &r->edge->config.head, r->head_len, h->n_fields);
}

void
request_body_await(struct request *r)
{
    r->late = true;
    r->body_ms = shard_now(r->edge->shard);
}

/* Waits for the rest of the body. */
static void
wait_body(struct request *r)
{
    request_body_await(r);
    connection_go(r->connection, CONNECTION_BODY);
    connection_deadline(r->connection, request_body_deadline(r));
}

/* A body of known length, of which some is here. */
static void
begin_length(struct request *r)
{
    struct connection *c = r->connection;
    size_t here = c->end - c->start;
    struct weir_text piece = { c->in->bytes + c->start, here };
    if (here >= r->length) {
        c->start += (uint32_t)r->length;
        r->event.raw = value_bytes(piece.bytes, (size_t)r->length);
        request_offer(r);
        return;
    }
    c->start = c->end;
    grow(r, 1, r->length);
    append(r, piece, r->length);
    wait_body(r);
}

void
request_body_begin(struct request *r)
{
    if (r->body.kind == HTTP_BODY_NONE ||
        (r->body.kind == HTTP_BODY_LENGTH && r->length == 0)) {
        request_offer(r);
        return;
    }
    if (r->body.kind == HTTP_BODY_LENGTH) {
        begin_length(r);
        return;
    }
    wait_body(r);
    if (r->connection->start < r->connection->end)
        request_body_feed(r);
}

/* Refuses a body of which PIECE has come and AHEAD bytes are announced, if it is too large. */
static bool
fits(struct request *r, size_t piece, uint64_t ahead)
{
    uint64_t room = r->max_body - r->len;
    if (piece <= room && ahead <= room - piece)
        return true;
    struct weir_error err;
    err_set(&err, WEIR_TOO_LARGE, "the body is larger than %llu bytes",
            (unsigned long long)r->max_body);
    request_refuse(r, &err, REFUSAL_BODY_SIZE);
    return false;
}

bool
request_body_add(struct request *r, struct weir_text piece)
{
    if (!fits(r, piece.len, 0) || !has_memory(r, piece.len))
        return false;
    uint64_t max = r->body.kind == HTTP_BODY_LENGTH ? r->length : r->max_body;
    if (piece.len > 0)
        append(r, piece, max);
    return true;
}

void
request_body_feed(struct request *r)
{
    struct connection *c = r->connection;
    for (;;) {
        struct weir_error err;
        struct weir_text piece;
        size_t used;
        enum http_progress progress = http_body_read(&r->body, c->in->bytes + c->start,
                                                     c->end - c->start, &used, &piece, &err);
        c->start += (uint32_t)used;
        if (progress == HTTP_BAD) {
            request_refuse(r, &err, err.status == 431 ? REFUSAL_HEAD_SIZE : REFUSAL_MALFORMED);
            return;
        }
        /* What is announced and too long is not waited for. */
        if (!fits(r, piece.len, http_body_ahead(&r->body)) || !has_memory(r, piece.len))
            return;
        if (piece.len > 0)
            append(r, piece, r->max_body);
        if (progress == HTTP_DONE) {
            request_body_complete(r);
            return;
        }
        if (used == 0 || c->start == c->end)
            return;
    }
}

/* The caller is gone, or a read failed; nothing may be left of the request. */
static void
lost(struct request *r)
{
    connection_close(r->connection, false);
}

bool
request_body_read(struct request *r)
{
    if (r->body.kind != HTTP_BODY_LENGTH)
        return false;
    struct connection *c = r->connection;
    buffer_unref(&c->edge->buffers, &c->in);
    c->start = c->end = 0;
    for (unsigned i = 0; i < READS_MAX; i++) {
        if (!has_memory(r, 1))
            break;
        grow(r, 1, r->length);
        size_t room = fault(READ_ONE_BYTE) ? 1 : r->room - r->len;
        ssize_t n = connection_receive(c, r->bytes + r->len, room);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            break;
        if (n <= 0) {
            lost(r);
            break;
        }
        came(r, (size_t)n);
        if (r->len == r->length) {
            request_body_complete(r);
            break;
        }
        if ((size_t)n < room)
            break;
    }
    return true;
}
