/* edge/unix_socket.h - inside the room: listening on a path.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_UNIX_SOCKET_H
#define EDGE_UNIX_SOCKET_H

#include "edge/edge.h"

/* Whether TEXT is an address such as unix:/run/weir/edge.sock. */
bool unix_socket_is(struct weir_text text);

/* Reads such an address. WEIR_INVALID: the path is too long, or none. */
enum weir_code unix_socket_parse(struct weir_text text, struct edge_address *ret,
                                 struct weir_error *err) MUST_USE;

/* Makes the socket of A with that mode and listens, into a->reserved. One that was left behind
 * by a process that is gone is replaced. WEIR_CONFLICT: somebody listens there, or it is
 * another kind of file. */
enum weir_code unix_socket_reserve(struct edge_address *a, unsigned mode,
                                   struct weir_error *err) MUST_USE;

/* Removes the file of A, if it is still the one that was made. */
void unix_socket_remove(struct edge_address *a);

#endif
