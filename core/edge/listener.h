/* edge/listener.h - inside the room: listening sockets, and when they stop accepting.
 *
 * At a limit (connections, or descriptors of the process) an edge stops to look at its
 * listening sockets: callers wait in the backlog, and nothing spins. It looks again when a
 * connection has been closed, and a few times a second.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_LISTENER_H
#define EDGE_LISTENER_H

#include "edge/impl.h"

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

/* The socket of address A on which shard number SHARD is to listen: one of its own, or a
 * duplicate of the one that was given. The caller owns it. */
enum weir_code listener_take(const struct edge_address *a, unsigned shard, int *ret_fd,
                             struct weir_error *err) MUST_USE;

/* Starts listening on all addresses. On an error none is open. */
enum weir_code listeners_start(struct edge *e, const struct edge_addresses *addresses,
                               struct weir_error *err) MUST_USE;

/* Accepts what waits, then closes all. */
void listeners_stop(struct edge *e);

#endif
