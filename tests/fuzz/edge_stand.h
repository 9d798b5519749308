/* fuzz/edge_stand.h - the edge that a fuzz target plays against: one shard, and a caller on a pair of
 * sockets. A target is one source, so the stand is that source's own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FUZZ_EDGE_STAND_H
#define FUZZ_EDGE_STAND_H

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "edge/connection.h"

static struct {
    struct weir_shard *shard; /* NULL: not started yet */
    struct edge *edge;
    void *tree;
} stand;

/* What must hold, in every build. */
static inline void
check(bool holds)
{
    if (!holds)
        abort();
}

static inline void *
stand_routes(struct weir_shard *s)
{
    (void)s;
    return stand.tree;
}

static inline void
stand_on_complaint(void *arg, const struct engine_route *at, const struct engine_route *other,
                   const char *message)
{
    (void)arg;
    (void)at;
    (void)other;
    (void)message;
    abort();
}

/* Starts the edge with N ROUTES at the moment of 1000 ms. PORT, whose routes are stand_routes, stays the
 * caller's; H2C: a connection may begin with HTTP/2. */
static inline void
stand_start(const struct engine_route *routes, unsigned n, const struct edge_port *port, bool h2c)
{
    static const struct edge_addresses nowhere;
    struct weir_error err;
    log_start(2, LOG_TEXT, WEIR_ERROR);
    stand.tree = edge_routes_port.make(routes, n, stand_on_complaint, NULL);
    check(shard_new(0, &stand.shard, &err) == WEIR_OK);
    shard_set_clock(stand.shard, 1000);
    struct edge_config config = edge_defaults;
    config.addresses = &nowhere;
    config.port = port;
    config.access_log = false;
    config.h2c = h2c;
    check(edge_new(stand.shard, &config, &stand.edge, &err) == WEIR_OK);
}

/* A connection that the edge has taken: the caller's end, which does not block. */
static inline int
stand_connect(void)
{
    int pair[2];
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    struct sockaddr_storage peer = { .ss_family = AF_INET };
    connection_open(stand.edge, pair[1], &peer, EDGE_PLAIN);
    return pair[0];
}

/* Sends LEN bytes in pieces of PIECE, with a TURN behind each; ends early if the edge takes no more. */
static inline void
stand_put(int fd, const void *bytes, size_t len, size_t piece, void (*turn)(int fd))
{
    for (size_t at = 0; at < len;) {
        size_t n = len - at < piece ? len - at : piece;
        ssize_t sent = send(fd, (const char *)bytes + at, n, MSG_NOSIGNAL);
        if (sent < 0)
            return;
        at += (size_t)sent;
        turn(fd);
    }
}

#endif
