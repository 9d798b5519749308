/* edge/opening.c - what comes before the first request: a proxy's header, then TLS. See
 * connection.h.
 *
 * Both together have one deadline. Who fails is counted, and told by TLS itself; the log hears
 * of it at level debug only, since strangers fail as often as they like.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "edge/h2.h"
#include "edge/proxy_protocol.h"
#include "net/tls_socket.h"

/* What a caller that gets through while the edge drains is given to come with its request. */
#define DRAIN_MS 1000

struct proxy_reading {
    size_t len;
    char bytes[PROXY_PROTOCOL_MAX];
};

/* To one who speaks HTTP where TLS is spoken: without TLS, so that it is understood. */
static const char plain_answer[] =
    "HTTP/1.1 400 Bad Request\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 59\r\n"
    "Connection: close\r\n\r\n"
    "This port speaks HTTPS: the URL has to begin with https://\n";

static void
refuse_proxy(struct connection *c, const char *why)
{
    edge_refused(c->edge, REFUSAL_PROXY);
    log_say(WEIR_DEBUG, "edge: a connection of %s is refused: %s", c->peer, why);
    connection_close(c, true);
}

void
connection_opening_begin(struct connection *c)
{
    const struct edge_config *config = &c->edge->config;
    if (!config->proxy_protocol && c->kind != EDGE_TLS)
        return;
    if (config->proxy_protocol && !c->proxy) {
        refuse_proxy(c, "it is none of trusted_proxies, and edge.proxy_protocol is set");
        return;
    }
    connection_go(c, CONNECTION_OPENING);
    connection_deadline(c, c->opened_ms + config->handshake_ms);
    if (config->proxy_protocol && (c->header = malloc(sizeof(*c->header))) == NULL)
        abort();
    if (c->header != NULL)
        c->header->len = 0;
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

/* -- the header of a proxy -- */

/* What the header says of the caller replaces what the socket says. If it names nobody, the address
 * stays that of the proxy, but what follows may be anybody's: X-Forwarded-For is not believed. */
static void
take_source(struct connection *c, struct sockaddr_storage *source)
{
    free(c->header);
    c->header = NULL;
    if (source->ss_family != AF_UNSPEC)
        connection_from(c, source);
    else
        c->proxy = false;
}

/* Reads the header, and nothing behind it. True: it is over. */
static bool
read_header(struct connection *c)
{
    struct proxy_reading *h = c->header;
    for (;;) {
        struct sockaddr_storage source;
        struct weir_error err = { 0 };
        size_t more = 0;
        switch (proxy_protocol_read(h->bytes, h->len, &more, &source, &err)) {
        case PROXY_DONE:
            take_source(c, &source);
            return true;
        case PROXY_BAD:
            refuse_proxy(c, err.text);
            return false;
        case PROXY_MORE:
            break;
        }
        assert(more > 0 && more <= sizeof(h->bytes) - h->len);
        ssize_t n = recv(c->fd, h->bytes + h->len, fault(READ_ONE_BYTE) ? 1 : more, 0);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return false;
        if (n <= 0) {
            connection_close(c, false); /* a proxy that looks whether somebody is here */
            return false;
        }
        h->len += (size_t)n;
    }
}

/* -- TLS -- */

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

static void
shaken(struct connection *c)
{
    struct edge *e = c->edge;
    if (e->config.metrics)
        stats_handshake(e->shard->index, tls_socket_version(c->tls),
                        tls_socket_resumed(c->tls));
    c->caller = tls_socket_peer(c->tls);
    connection_may_rest(c);
    opened(c);
}

static void
shake(struct connection *c)
{
    struct weir_error err = { 0 };
    assert(c->edge->config.tls != NULL);
    if (c->tls == NULL)
        c->tls = tls_socket_new(c->edge->config.tls, c->fd, c->edge->config.h2);
    switch (tls_socket_shake(c->tls, &err)) {
    case TLS_DONE:
        shaken(c);
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
connection_opening(struct connection *c)
{
    if (c->header != NULL && !read_header(c))
        return;
    if (c->kind == EDGE_TLS)
        shake(c);
    else
        opened(c);
}

void
connection_opening_late(struct connection *c)
{
    edge_refused(c->edge, c->header != NULL ? REFUSAL_PROXY : REFUSAL_TLS_DEADLINE);
    connection_close(c, true);
}
