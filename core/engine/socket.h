/* engine/socket.h - the port through which the edge's sockets are reached.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_SOCKET_H
#define ENGINE_SOCKET_H

#include "value/value.h"

/* What host->socket_send, socket_close, socket_hold and socket_queued do. */
struct socket_ops {
    bool (*send)(struct weir_socket *s, const struct weir_value *message);
    void (*close)(struct weir_socket *s, uint32_t code, struct weir_text reason);
    void (*hold)(struct weir_socket *s, bool hold);
    uint64_t (*queued)(const struct weir_socket *s);
};

/* The first member of a socket of the edge. */
struct weir_socket {
    const struct socket_ops *ops;
};

#endif
