/* edge/opening.c - what comes before the first request: the TLS handshake. See connection.h.
 *
 * It has one deadline in all. Who fails is counted and told by TLS itself; the log hears of it
 * at level debug only, since strangers fail as often as they like.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "edge/h2.h"
#include "net/tls_socket.h"

/* What a caller that gets through while the edge drains is given to come with its request. */
#define DRAIN_MS 1000

/* To one who speaks HTTP where TLS is spoken: without TLS, so that it is understood. */
static const char plain_answer[] =
    "HTTP/1.1 400 Bad Request\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 59\r\n"
    "Connection: close\r\n\r\n"
    "This port speaks HTTPS: the URL has to begin with https://\n";

void
connection_opening_begin(struct connection *c)
{
    struct edge *e = c->edge;
    if (c->kind != EDGE_TLS)
        return;
    assert(e->config.tls != NULL);
    connection_go(c, CONNECTION_OPENING);
    connection_deadline(c, c->opened_ms + e->config.handshake_ms);
    c->tls = tls_socket_new(e->config.tls, c->fd, e->config.h2);
}

/* The caller may send its first request. */
static void
opened(struct connection *c)
{
    struct edge *e = c->edge;
    connection_go(c, CONNECTION_IDLE);
    connection_deadline(c, shard_now(e->shard) + (e->draining ? DRAIN_MS : e->config.head_ms));
    connection_want(c, WEIR_READ);
    if (connection_alpn_h2(c))
        h2_start(c);
    /* It may have come with the last bytes of the handshake. */
    if (c->state == CONNECTION_IDLE)
        c->protocol->readable(c);
}

static void
failed(struct connection *c, const struct weir_error *err)
{
    bool plain = tls_socket_plain(c->tls);
    /* One who leaves before the first byte has looked whether somebody is here. */
    if (tls_socket_heard(c->tls)) {
        edge_refused(c->edge, REFUSAL_TLS);
        log_say(WEIR_DEBUG, "edge: TLS handshake with %s failed: %s", c->peer, err->text);
    }
    if (!plain) {
        connection_close(c, false);
        return;
    }
    /* A fresh connection takes so few bytes, or is gone. */
    (void)send(c->fd, plain_answer, sizeof(plain_answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    connection_linger(c);
}

void
connection_opening(struct connection *c)
{
    struct weir_error err = { 0 };
    switch (tls_socket_shake(c->tls, &err)) {
    case TLS_DONE:
        if (c->edge->config.metrics)
            stats_handshake(c->edge->shard->index, tls_socket_version(c->tls),
                            tls_socket_resumed(c->tls));
        opened(c);
        return;
    case TLS_WANT_READ:
        connection_want(c, WEIR_READ);
        return;
    case TLS_WANT_WRITE:
        connection_want(c, WEIR_WRITE);
        return;
    case TLS_ENDED:
    case TLS_FAILED:
        failed(c, &err);
        return;
    }
}

void
connection_opening_late(struct connection *c)
{
    edge_refused(c->edge, REFUSAL_TLS_DEADLINE);
    connection_close(c, true);
}
