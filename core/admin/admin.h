/* admin/admin.h - the console of operators and machines: health, metrics, REST, live events.
 *
 * Served on shard 0 by an edge of its own. What concerns the whole process (reload, drain) is
 * asked of the keeper by mail; its answer comes back as a message of kind "admin.answer" with
 * the token of the question.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "edge/edge.h"
#include "engine/generation.h"
#include "store/store.h"

struct admin;

struct admin_config {
    const struct edge_addresses *addresses; /* read by admin_new alone */
    struct tls_server *tls;   /* of addresses of kind EDGE_TLS; outlives the admin; NULL: there are none */
    uint64_t handshake_ms;    /* of these */
    const char *token;        /* asked of every request but health; NULL or "": none */
    const char *read_token;   /* another one, that may only look; NULL or "": none */
    unsigned n_shards;
    const struct registry *registry;
    struct store *store;      /* of jobs; NULL: there is none */
    const char *keeper;       /* its mailbox: gets { kind: "reload" | "drain", token, from } */
    const char *mailbox;      /* of this shard, for the answers */
    uint64_t started_wall_ms;
};

/* Makes the admin of shard S and starts listening. The shard's thread. WEIR_INVALID if an
 * address is not a loopback one and there is no token. */
enum weir_code admin_new(struct weir_shard *s, const struct admin_config *c, struct admin **ret,
                         struct weir_error *err) MUST_USE;

/* Closes all and frees; NULL is accepted and left. The shard's thread. */
void admin_free(struct admin **a);

/* A message of kind "admin.answer": { token, ok, message, diagnostics? }. The shard's thread. */
void admin_message(struct admin *a, const struct weir_value *message);

/* /readyz answers 503 from now on; what runs goes on. The shard's thread. */
void admin_shutting_down(struct admin *a);

#endif
