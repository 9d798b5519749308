/* edge/stats.h - the metrics of the edge itself.
 *
 * SHARD is the caller's own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_STATS_H
#define EDGE_STATS_H

#include "base/err.h"

/* What is refused, and which limit it was: the label "reason" of weir_edge_refused_total. */
#define REFUSALS(X)                     \
    X(MALFORMED, "malformed")           \
    X(TARGET, "target")                 \
    X(HEAD_SIZE, "header_size")         \
    X(HEAD_DEADLINE, "header_deadline") \
    X(BODY_SIZE, "body_size")           \
    X(BODY_DEADLINE, "body_deadline")   \
    X(SLOW_READER, "slow_reader")       \
    X(CONNECTIONS, "connections")       \
    X(DESCRIPTORS, "descriptors")       \
    X(TLS, "tls_handshake")             \
    X(TLS_DEADLINE, "tls_deadline")     \
    X(PROXY, "proxy_protocol")          \
    X(MEMORY, "memory")                 \
    X(STREAMS, "streams")               \
    X(FLOOD, "flood")

enum refusal {
#define X(name, text) REFUSAL_##name,
    REFUSALS(X)
#undef X
    REFUSAL_COUNT
};

/* Makes the metrics, so that they are shown from the start. Main thread or a shard's. */
void stats_start(void);

/* Counts a refusal. */
void stats_refused(unsigned shard, enum refusal why);

/* Adds BY to the number of open connections, or of requests that are not answered yet. */
void stats_connections(unsigned shard, int by);
void stats_active(unsigned shard, int by);

/* Counts a TLS handshake that went well. */
void stats_handshake(unsigned shard, const char *version, bool resumed);
/* The same for WebSockets, and a message of one: IN or out. */
void stats_sockets(unsigned shard, int by);
void stats_messages(unsigned shard, bool in);

/* A WebSocket is over, with that code (RFC 6455 7.4). */
void stats_socket_closed(unsigned shard, unsigned code);

#endif
