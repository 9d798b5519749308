/* edge/connection_read.c - input of a connection; see connection.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <string.h>

#include "edge/h2.h"
#include "edge/request.h"

/* Requests that are served in one go; then other connections have their turn. */
#define SERVE_MAX 32

/* Empty lines in front of a request that are forgiven (RFC 9112 2.2). */
#define EMPTY_LINES 2

/* Moves what is not used yet to the front of a buffer where there is room behind it. False:
 * there is as much as may wait. */
static bool
move_input(struct connection *c)
{
    struct buffer *b = c->in;
    uint32_t used = c->end - c->start;
    bool alone = b->refs == 1;
    if (!alone || c->start == 0) {
        bool wanted = c->state != CONNECTION_BUSY && c->state != CONNECTION_SENDING;
        bool much = used > b->room / 2 || c->state == CONNECTION_BODY;
        enum buffer_size size = wanted && much ? BUFFER_LARGE : BUFFER_SMALL;
        struct buffer *fresh = buffer_new(&c->edge->buffers, size);
        if (used >= fresh->room) {
            buffer_unref(&c->edge->buffers, &fresh);
            return false;
        }
        memcpy(fresh->bytes, b->bytes + c->start, used);
        buffer_unref(&c->edge->buffers, &c->in);
        c->in = fresh;
    } else {
        memmove(b->bytes, b->bytes + c->start, used);
    }
    c->start = 0;
    c->end = used;
    return true;
}

static bool
make_room(struct connection *c)
{
    if (c->in != NULL && c->start == c->end && c->in->refs == 1)
        c->start = c->end = 0;
    if (c->in != NULL)
        return c->end < c->in->room || move_input(c);
    c->in = buffer_new(&c->edge->buffers,
                       c->state == CONNECTION_BODY ? BUFFER_LARGE : BUFFER_SMALL);
    c->start = c->end = 0;
    return true;
}

static void
drop_input(struct connection *c)
{
    buffer_unref(&c->edge->buffers, &c->in);
    c->start = c->end = c->seen = 0;
}

/* The caller sends nothing more. One who waits for an answer is taken to be gone, but what is
 * answered nevertheless is sent: it may have closed one direction only. An answer that goes on is
 * for nobody then. */
static void
on_eof(struct connection *c)
{
    const struct request *r = c->request;
    bool waits = c->state == CONNECTION_BUSY ||
                 (c->state == CONNECTION_SENDING && !r->streams && r->live == NULL);
    if (!waits) {
        connection_close(c, false);
        return;
    }
    c->eof = true;
    connection_want(c, c->want);
    if (c->state == CONNECTION_BUSY)
        request_gone(c->request);
}

/* Reads once; false: nothing came, or the connection is closed. */
static bool
fill(struct connection *c)
{
    if (!make_room(c)) {
        connection_want(c, c->want & ~(unsigned)WEIR_READ);
        return false;
    }
    ssize_t n = connection_receive(c, c->in->bytes + c->end, c->in->room - c->end);
    if (n > 0) {
        c->end += (uint32_t)n;
        return true;
    }
    if (c->start == c->end)
        drop_input(c);
    if (n == 0)
        on_eof(c);
    else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        connection_close(c, false);
    return false;
}

/* The rest of a head has to come, and of what stands before it. */
static void
wait_head(struct connection *c)
{
    if (c->state != CONNECTION_IDLE)
        return;
    connection_go(c, CONNECTION_HEAD);
    connection_deadline(c, shard_now(c->edge->shard) + c->edge->config.head_ms);
}

/* Skips what is left of a body that nobody wanted; false: more of it has to come. */
static bool
skip_body(struct connection *c)
{
    uint32_t here = c->end - c->start;
    if (c->skip < here)
        here = (uint32_t)c->skip;
    c->start += here;
    c->skip -= here;
    if (c->skip == 0)
        return true;
    drop_input(c);
    wait_head(c);
    return false;
}

/* Nothing of the next request is here. */
static void
rest(struct connection *c)
{
    drop_input(c);
    if (c->state == CONNECTION_IDLE)
        return;
    connection_go(c, CONNECTION_IDLE);
    connection_deadline(c, shard_now(c->edge->shard) + c->edge->config.idle_ms);
}

static void
skip_empty_lines(struct connection *c)
{
    for (unsigned n = 0; n < EMPTY_LINES && c->seen == 0 && c->end - c->start >= 2; n++) {
        if (memcmp(c->in->bytes + c->start, "\r\n", 2) != 0)
            return;
        c->start += 2;
    }
}

/* A head of LEN bytes is here. */
static void
begin(struct connection *c, size_t len)
{
    struct request *r = connection_request(c);
    r->buffer = buffer_ref(c->in);
    char *bytes = c->in->bytes + c->start;
    c->start += (uint32_t)len;
    request_begin(r, bytes, len);
}

/* HERE bytes of the preface of HTTP/2 are here. */
static void
begin_h2(struct connection *c, size_t here)
{
    if (here >= H2_PREFACE)
        h2_start(c);
    else
        wait_head(c);
}

/* Looks for the end of a head and goes on with the request; false: it is not here. */
static bool
take_head(struct connection *c)
{
    struct weir_error err;
    size_t len;
    size_t here = c->end - c->start;
    if (c->edge->config.h2c && c->served == 0 && h2_begins(c->in->bytes + c->start, here)) {
        begin_h2(c, here);
        return false;
    }
    enum http_progress progress = http_head_find(c->in->bytes + c->start, here, c->seen,
                                                 &c->edge->config.head, &len, &err);
    if (progress == HTTP_DONE) {
        c->seen = 0;
        begin(c, len);
        return true;
    }
    if (progress == HTTP_BAD) {
        request_refuse_head(connection_request(c), &err);
        return false;
    }
    c->seen = (uint32_t)here;
    wait_head(c);
    return false;
}

static bool
takes_heads(const struct connection *c)
{
    return c->state == CONNECTION_IDLE || c->state == CONNECTION_HEAD;
}

void
connection_serve(struct connection *c)
{
    bool outer = c->serving;
    c->serving = true;
    for (unsigned n = 0; takes_heads(c); n++) {
        if (c->skip > 0 && !skip_body(c))
            break;
        if (c->start < c->end)
            skip_empty_lines(c);
        if (c->start == c->end) {
            rest(c);
            break;
        }
        if (n == SERVE_MAX) {
            soon_add(c->edge->shard, &c->soon);
            break;
        }
        if (!take_head(c))
            break;
    }
    c->serving = outer;
}

void
connection_read(struct connection *c)
{
    if (c->state == CONNECTION_LINGER) {
        connection_discard(c);
        return;
    }
    c->serving = true;
    if (c->state == CONNECTION_BODY) {
        if (!request_body_read(c->request) && fill(c))
            request_body_feed(c->request);
        connection_serve(c);
    } else if (fill(c)) {
        connection_serve(c);
    }
    c->serving = false;
}
