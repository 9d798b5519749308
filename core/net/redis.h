/* net/redis.h - commands for Redis servers: one connection a shard and server, pipelined.
 *
 * A server (struct weir_redis) is found by its URL and lives as long as the process. Its
 * connection on a shard is made at the first command there. The commands of one turn of the loop
 * go out with one write; replies come in order. A server that does not answer is noticed by the
 * first command that gets no reply in time: from then on commands fail at once, until a byte
 * comes or a new connection is up, which is tried in the background with jitter. So a server
 * that is away costs those who call it nothing, and one that is back is used within a second.
 *
 * What would change the connection for others (SUBSCRIBE, SELECT, WATCH, blocking commands ...) is
 * refused. MULTI ... EXEC is fine when all of it is sent within one turn and with the same
 * time-out; what is left open at the end of the turn is discarded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_REDIS_H
#define NET_REDIS_H

#include "loop/shard.h"
#include "value/value.h"

#define REDIS_SERVERS_MAX 256u         /* different URLs in one process */
#define REDIS_COMMANDS_MAX 10000u      /* unanswered ones of a connection */
#define REDIS_BYTES_MAX (16u << 20)    /* of them together; also of one reply */
#define REDIS_ITEMS_MAX (1u << 20)     /* values in one reply */
#define REDIS_TIMEOUT_MS 1000u         /* where a request says nothing */

/* How commands end, for metrics. */
#define REDIS_OUTCOMES(X)                                                                    \
    X(OK, "ok")                                                                              \
    X(ERROR, "error")             /* an error reply, or refused */                           \
    X(TIMEOUT, "timeout")                                                                    \
    X(UNAVAILABLE, "unavailable") /* the server was away, or too much was under way */       \
    X(FORGOTTEN, "forgotten")     /* by its sender */

enum redis_outcome {
#define X(name, text) REDIS_DID_##name,
    REDIS_OUTCOMES(X)
#undef X
    REDIS_N_OUTCOMES
};

/* "ok", "timeout" ... */
const char *redis_outcome_name(enum redis_outcome o);

/* What happened with one server (HOST:PORT), all shards together. */
struct redis_figures {
    struct weir_text server; /* lives as long as the process */
    uint64_t commands[REDIS_N_OUTCOMES];
    uint64_t reconnects; /* connections that came up after the first one */
    unsigned up;         /* connections that are up */
};

/* The server of that URL; the same URL gives the same. Starts nothing. WEIR_INVALID says what is
 * wrong with the URL and never shows a password; WEIR_UNAVAILABLE if there are too many. Any thread,
 * but https-like URLs read certificates: at load. */
enum weir_code redis_server(struct weir_text url, struct weir_redis **ret,
                            struct weir_error *err) MUST_USE;

/* Every command fails from now on: for tests that reach nothing outside. */
void redis_go_offline(void);

/* Frees every server, for tests; no shard may have a connection. */
void redis_servers_free(void);

/* Figures of server number INDEX (0, 1, ...); false past the end. Any thread. */
bool redis_figures(unsigned index, struct redis_figures *ret);

/* Told when SERVER becomes unreachable (for REASON) for the first shard that notices, or is there
 * again for all of them (REASON NULL). On that shard's thread. One for the process; set it
 * before the first command. */
typedef void redis_change_fn(struct weir_text server, const char *reason);
void redis_on_change(redis_change_fn *fn);

/* Sends a command from S's thread. FN is called once, later, never inside this call, unless
 * redis_forget comes first; the command is gone before FN is called. See abi/weir.h for the
 * errors: also WEIR_INVALID for what is refused, WEIR_TOO_LARGE for more than REDIS_BYTES_MAX. */
struct weir_command *redis_send(struct weir_shard *s, struct weir_redis *server,
                                const struct weir_redis_request *r, weir_redis_fn *fn, void *arg);

/* FN of *c is not called any more; what was sent stays sent. NULL is accepted and left. */
void redis_forget(struct weir_command **c);

/* -- listening, on a connection of its own -- */

/* Tells FN, on S's thread and never to be ended in there, what is published on CHANNEL from soon on, until redis_listen_end. While the
 * server is away nothing is heard, and it is dialled again and again. */
struct redis_listener *redis_listen(struct weir_shard *s, struct weir_redis *server, struct weir_text channel,
                                    weir_heard_fn *fn, void *arg);

/* Ends it; leaves NULL. NULL is accepted. */
void redis_listen_end(struct redis_listener **l);

/* The shard ends: every command that has no reply is told WEIR_UNAVAILABLE now; what is sent from
 * now on is never told. Closes the connections. Nothing happens if there are none. */
void redis_stop(struct weir_shard *s);

/* Frees what the shard has of this; commands that are left are dropped silently. */
void redis_free(struct weir_shard *s);

#endif
