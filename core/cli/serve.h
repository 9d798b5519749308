/* cli/serve.h - a running weir: the keeper on the main thread, shards, workers, and their mail.
 *
 * The keeper loads generations and hands them to the shards in two steps: each shard prepares
 * (attaches) and says whether it could, and only when all could does each commit. So a reload
 * happens everywhere or nowhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include "admin/admin.h"
#include "cli/setup.h"
#include "edge/edge.h"
#include "engine/engine.h"
#include "loop/actor.h"
#include "loop/mail.h"
#include "loop/worker.h"
#include "net/tls_server.h"
#include "store/store.h"

#define SHARDS_MAX 62u

struct server;
struct secrets_watch;

/* One shard as the server sees it. */
struct shard_part {
    struct server *server;
    unsigned index;
    struct actor *actor;
    struct weir_shard *shard;
    struct edge *edge;
    struct admin *admin; /* shard 0 */
    struct mailbox *box;
    char name[16];       /* of its mailbox */
    struct timer look;   /* whether it is idle yet, when it drains */
    int tid;             /* of its thread */
    unsigned questions;  /* of the keeper, whether it is alive */
    unsigned answers;    /* atomic */
    uint64_t asked_ms;   /* when it was last asked */
};

enum reload_state { RELOAD_NONE, RELOAD_FETCHING, RELOAD_PREPARING };

struct server {
    struct setup *setup;
    const char *const *paths;
    unsigned n_paths;
    struct weir_shard *keeper;
    struct mailbox *box;
    struct workers *workers;
    struct store *store; /* NULL: none */
    struct tls_server *tls;  /* owned; NULL: the edge speaks no TLS */
    struct timer tls_look;   /* at its files */
    struct edge_addresses edge_addresses;
    struct edge_addresses admin_addresses;
    char public_url[512]; /* where the edge is for others, without a slash at the end */
    struct address_range trusted[64];
    unsigned n_trusted;
    bool trusted_unix;      /* who connects to a path */
    char hsts[96];          /* what callers over TLS are told; "": nothing */
    bool redirects;         /* the listeners that redirect lead to PUBLIC_URL, else to */
    unsigned redirect_port; /* ... this port of the host that was asked */
    struct shard_part *shards;
    unsigned n_shards;
    struct generation *current;
    struct watch *signals;
    int signal_fd;
    struct watch *channel; /* to the supervisor; NULL: there is none */
    unsigned told[2];      /* how often it was told to end: by signals, by the supervisor */
    struct timer pulse;    /* the next look at whether the shards are alive */
    uint64_t pulse_ms;     /* how often */
    uint64_t pulse_due_ms;
    struct timer settle;   /* what a start or a reload needed is given back */
    /* a reload under way */
    enum reload_state reload;
    struct generation *pending;
    unsigned answers;        /* shards that have said whether they could */
    char reload_error[480];  /* the first one that could not; "" */
    uint64_t reload_token;   /* of who asked; 0: nobody waits */
    char reload_from[16];    /* its mailbox */
    bool reload_again;       /* asked once more meanwhile */
    uint64_t started_wall_ms;
    struct secrets_watch *secrets; /* NULL: not yet */
    /* the end */
    bool draining;
    bool letting_go;         /* the shards do not know of it yet */
    unsigned idle;           /* shards with nothing left to do */
    struct timer let_go; /* waits for the supervisor, which holds the listening sockets too */
    struct timer grace;
    unsigned grace_rounds;
    uint32_t reload_family;
    uint32_t reload_time;
};

/* Runs until it is told to end. Returns an exit code. */
int serve(struct setup *s, const char *const *paths, unsigned n_paths, struct generation *first);

/* -- serve_shard.c -- */

/* Starts shard number INDEX with the server's generation; it listens when this returns. */
enum weir_code shard_part_start(struct server *s, unsigned index, struct weir_error *err);

/* -- serve_store.c -- */

/* Opens the store that the settings name, if any. Without one the server starts all the same, as
 * long as no pipeline is durable. */
enum weir_code server_store_open(struct server *s, struct weir_error *err);

/* -- serve_listen.c -- */

/* Takes all addresses of the edge, the plain ones first, and those of the admin. */
enum weir_code server_take_edge_addresses(struct server *s, struct weir_error *err);
enum weir_code server_take_admin_addresses(struct server *s, struct weir_error *err);

/* Sets public_url: the setting, or a URL with the first address of the edge. */
enum weir_code server_read_public_url(struct server *s, struct weir_error *err);

/* Sets where listeners that redirect lead to; after public_url. */
enum weir_code server_read_redirect(struct server *s, struct weir_error *err);

/* Sets hsts. */
enum weir_code server_read_hsts(struct server *s, struct weir_error *err);

/* -- serve_tls.c -- */

/* Reads the certificates that the settings name and watches them, if the edge listens for TLS. */
enum weir_code server_tls_open(struct server *s, struct weir_error *err);

/* Reads them anew. WEIR_INVALID: those before stay in use. */
enum weir_code server_tls_reload(struct server *s, struct weir_error *err);

/* Once no shard uses them. */
void server_tls_close(struct server *s);

/* -- keeper.c, keeper_signals.c -- */

/* A message for the keeper. */
void keeper_mail(void *arg, const struct weir_value *message);

/* Loads all files anew and offers them to the shards; tells TOKEN's asker (0: nobody). */
void keeper_reload(struct server *s, uint64_t token, const char *from);

/* Takes signals and the words of the supervisor from now on. */
void keeper_listen(struct server *s);

/* Stops taking new work and ends when the rest is done, or the grace is over. */
void keeper_drain(struct server *s);

/* The supervisor has let go of the listening sockets: the shards are told of the drain. */
void keeper_let_go(struct server *s);

/* -- keeper_settle.c -- */

/* A reload is over: gives back, a little later, the memory that only it needed. */
void settle_soon(struct server *s);

/* The same for the start. */
void settle_start(struct server *s);
void settle_stop(struct server *s);

/* -- keeper_pulse.c -- */

/* Looks from now on whether the shards are alive, and tells the supervisor, or systemd. */
void pulse_start(struct server *s);
void pulse_stop(struct server *s);

#endif
