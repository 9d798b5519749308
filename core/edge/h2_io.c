/* edge/h2_io.c - the bytes of a session, in and out; see h2.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "edge/h2_parts.h"

/* Reads, and writes of H2_GATHER bytes, in one go; then other connections have their turn. */
#define READS_MAX 4
#define WRITES_MAX 16

/* A frame with its header: SETTINGS_MAX_FRAME_SIZE is left as it is. */
#define FRAME_MAX (16384u + 9u)

/* -- output -- */

/* All is said: lets the caller read it, and ends. */
static void
finish(struct h2_session *h)
{
    h2_abandon(h);
    h->last = true; /* nothing may be said any more */
    connection_linger(h->connection);
}

/* What is to become of the connection, now that all is sent that can be. */
static void
settle(struct h2_session *h)
{
    struct connection *c = h->connection;
    bool over = h->broken || (h->last && h->n_streams == 0) ||
                (!nghttp2_session_want_read(h2_ng(h)) && !nghttp2_session_want_write(h2_ng(h)));
    if (over && h->rest == NULL) {
        finish(h);
        return;
    }
    if (h->n_streams > 0 && c->state == CONNECTION_IDLE) {
        connection_go(c, CONNECTION_STREAMS);
    } else if (h->n_streams == 0 && h->active) {
        h->active = false;
        connection_go(c, CONNECTION_IDLE); /* also from there: the longest idle is the first */
        h2_set_idle(h);
    }
    unsigned read = h->broken ? 0 : WEIR_READ;
    connection_want(c, h->rest != NULL ? read | WEIR_WRITE : read);
}

size_t
h2_gather(struct h2_session *h)
{
    struct edge *e = h->connection->edge;
    size_t len = 0;
    if (e->wire == NULL)
        e->wire = malloc(H2_GATHER);
    if (e->wire == NULL)
        abort();
    h->inside = true;
    while (len + FRAME_MAX <= H2_GATHER) {
        const uint8_t *bytes;
        ssize_t n = nghttp2_session_mem_send(h2_ng(h), &bytes);
        if (n <= 0) {
            h->broken |= n < 0;
            break;
        }
        assert(len + (size_t)n <= H2_GATHER);
        memcpy(e->wire + len, bytes, (size_t)n);
        len += (size_t)n;
    }
    h->inside = false;
    return len;
}

/* The rest has moved, or has come to be. */
static void
set_write_deadline(struct h2_session *h)
{
    struct edge *e = h->connection->edge;
    h->write_ms = shard_now(e->shard) + e->config.write_ms;
    h2_look_at(h, h->write_ms);
}

/* Writes LEN bytes; what the kernel does not take is the rest. False: the connection is closed.
 */
static bool
put(struct h2_session *h, const char *bytes, size_t len)
{
    struct connection *c = h->connection;
    while (len > 0) {
        struct iovec part = { (void *)(uintptr_t)bytes, len };
        bool gone;
        size_t n = connection_write(c, &part, 1, &gone);
        if (gone)
            return false;
        if (n == 0)
            break;
        bytes += n;
        len -= n;
    }
    if (len == 0)
        return true;
    h->rest = malloc(len);
    if (h->rest == NULL)
        abort();
    memcpy(h->rest, bytes, len);
    h->rest_len = len;
    h->rest_at = 0;
    set_write_deadline(h);
    return true;
}

void
h2_flush(struct h2_session *h)
{
    struct connection *c = h->connection;
    bool outer = h->busy;
    if (c->state != CONNECTION_IDLE && c->state != CONNECTION_STREAMS)
        return;
    h->busy = true;
    for (unsigned i = 0; h->rest == NULL; i++) {
        if (i == WRITES_MAX) {
            soon_add(c->edge->shard, &c->soon);
            break;
        }
        size_t len = h2_gather(h);
        if (c->state == CONNECTION_CLOSED || !put(h, c->edge->wire, len))
            break;
        bool fed = h->rest == NULL && h2_feed(h);
        if (c->state == CONNECTION_CLOSED || (len == 0 && !fed))
            break;
    }
    h->busy = outer;
    if (c->state != CONNECTION_CLOSED)
        settle(h);
}

void
h2_wake(struct h2_session *h)
{
    struct connection *c = h->connection;
    bool open = c->state == CONNECTION_IDLE || c->state == CONNECTION_STREAMS;
    if (!h->busy && !h->inside && open)
        soon_add(c->edge->shard, &c->soon);
}

void
h2_give_up(struct h2_session *h, uint32_t code, enum refusal why)
{
    if (h->broken)
        return;
    h->broken = true;
    edge_refused(h->connection->edge, why);
    (void)nghttp2_session_terminate_session(h2_ng(h), code);
    h2_wake(h);
}

/* -- input -- */

void
h2_readable(struct connection *c)
{
    struct h2_session *h = c->h2;
    if (c->state == CONNECTION_LINGER) {
        connection_discard(c);
        return;
    }
    struct buffer *b = buffer_new(&c->edge->buffers, BUFFER_LARGE);
    h->busy = true;
    for (unsigned i = 0; i < READS_MAX && !h->broken; i++) {
        ssize_t n = connection_receive(c, b->bytes, b->room);
        if (n > 0)
            h2_take_input(h, b->bytes, (size_t)n);
        else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
            connection_close(c, false);
        if (n < (ssize_t)b->room || c->state == CONNECTION_CLOSED)
            break;
    }
    h->busy = false;
    buffer_unref(&c->edge->buffers, &b);
    h2_flush(h);
}

void
h2_writable(struct connection *c)
{
    struct h2_session *h = c->h2;
    if (h->rest == NULL || c->state == CONNECTION_LINGER)
        return;
    struct iovec part = { h->rest + h->rest_at, h->rest_len - h->rest_at };
    bool gone;
    size_t n = connection_write(c, &part, 1, &gone);
    if (gone)
        return;
    h->rest_at += n;
    if (n > 0)
        set_write_deadline(h);
    if (h->rest_at == h->rest_len) {
        free(h->rest);
        h->rest = NULL;
    }
    h2_flush(h);
}

void
h2_soon(struct connection *c)
{
    h2_flush(c->h2);
}
