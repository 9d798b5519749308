/* edge/listener.h - inside the room: listening sockets, and when they stop accepting.
 *
 * At a limit (connections, or descriptors of the process) an edge stops to look at its
 * listening sockets: callers wait in the backlog, and nothing spins. It looks again when a
 * connection has been closed, and some times a second; if somebody waits by then, connections that
 * hold a place and do nothing with it are closed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_LISTENER_H
#define EDGE_LISTENER_H

#include "edge/impl.h"

#define LISTENER_BACKLOG 4096

struct listener {
    struct edge *edge;
    struct watch *watch;
    int fd;
    enum edge_kind kind;
};

/* A socket that is bound to an address; SHARED: together with others (SO_REUSEPORT). The
 * error names the address. */
enum weir_code listener_bind(const struct sockaddr_storage *a, socklen_t len, bool shared,
                             int *ret_fd, struct weir_error *err) MUST_USE;

/* A copy of the socket of A that was given for shard number SHARD. The caller owns it. */
enum weir_code listener_take(const struct edge_address *a, unsigned shard, int *ret_fd,
                             struct weir_error *err) MUST_USE;

/* The error of an address that can't be had, with what errno says. */
enum weir_code listener_fail(const struct sockaddr_storage *a, struct weir_error *err);

/* Starts listening on all addresses. On an error none is open. */
enum weir_code listeners_start(struct edge *e, const struct edge_addresses *addresses,
                               struct weir_error *err) MUST_USE;

/* Closes some of the connections that stand still (room.c): who sends no head, or hardly reads or
 * sends, or asks nothing more. Who was never served goes first. */
void edge_make_room(struct edge *e);

/* The same because memory is short: of HTTP/2 also single streams, and WebSockets that stand still. */
void edge_make_memory(struct edge *e);

/* Accepts what waits, then closes all. */
void listeners_stop(struct edge *e);

#endif
