/* edge/edge.h - the HTTP server of a shard: listeners, connections, requests, answers.
 *
 * Each shard has its own edge with its own listening sockets on the same addresses
 * (SO_REUSEPORT); a request never changes its thread. An edge serves either the routes of the
 * engine's current generation, or one handler for all (the admin's listener).
 *
 * Life: edge_new, edge_drain when the process is to end (or edge_stop_listening alone),
 * edge_free once the engine has let go of all events, or after engine_cancel_all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_EDGE_H
#define EDGE_EDGE_H

#include "edge/route_tree.h"
#include "engine/event.h"
#include "net/http1.h"
#include "net/url.h"

#define EDGE_ADDRESSES 16

struct tls_server;

/* What is spoken on an address. */
enum edge_kind {
    EDGE_PLAIN,
    EDGE_TLS,
    EDGE_REDIRECT, /* plain, and every answer leads to https */
};

/* Where an edge listens. */
struct edge_address {
    struct sockaddr_storage address;
    socklen_t len;
    enum edge_kind kind;
    bool one;     /* one socket for all shards, RESERVED or GIVEN, which listens: of a path */
    int reserved; /* keeps the address ours until edge_addresses_close; -1: none */
    dev_t device; /* of the file of a path that was made; inode 0: none was */
    ino_t inode;
    const int *given; /* sockets that are bound already; borrowed until the last edge_new */
    unsigned n_given; /* shard number S has given[S % n_given]; 0: the edge opens its own */
};

struct edge_addresses {
    struct edge_address items[EDGE_ADDRESSES];
    unsigned n;
    unsigned mode; /* of the files of paths */
};

/* Reads addresses separated by commas or blanks, "127.0.0.1:8080, unix:/run/weir/edge.sock", and
 * puts them behind those that A has. */
enum weir_code edge_addresses_add(struct weir_text text, enum edge_kind kind,
                                  struct edge_addresses *a, struct weir_error *err) MUST_USE;

/* The same for plain addresses, into an empty *ret, whose mode is 0600. */
enum weir_code edge_addresses_parse(struct weir_text text, struct edge_addresses *ret,
                                    struct weir_error *err) MUST_USE;

/* Whether only who is on this machine can reach A. */
bool edge_address_is_local(const struct edge_address *a);

/* Makes sure that the addresses are free and keeps them so; port 0 becomes a free port, the
 * same for all shards. To be called once, before the first edge_new. WEIR_CONFLICT with the
 * address that is taken, WEIR_INVALID or WEIR_FORBIDDEN for one that can't be had. */
enum weir_code edge_addresses_reserve(struct edge_addresses *a,
                                      struct weir_error *err) MUST_USE;

/* Opens N_SHARDS sockets for each address that has none given (one for a path), bound and not yet
 * listening, and writes them to FDS in order of address and shard (room for all; -1: none). For
 * who starts another process that is to listen. On an error none is open; it is that of
 * edge_addresses_reserve. */
enum weir_code edge_addresses_open(struct edge_addresses *a, unsigned n_shards, int *fds,
                                   struct weir_error *err) MUST_USE;

/* The address that socket FD is bound to; false if it is no socket that may listen. */
bool edge_address_of(int fd, struct edge_address *ret);

/* Writes an address as edge_addresses_add reads it, "[::1]:8080"; false if it does not fit, or
 * is of a kind that can't be written so. */
bool edge_address_text(const struct edge_address *a, char *ret, size_t room);

/* Gives the file of a path that was made here to that user and group, if it is still the same one. False, and errno,
 * if that can't be. */
bool edge_address_own(const struct edge_address *a, uid_t user, gid_t group);

/* Whether both are the same address and port. */
bool edge_address_same(const struct edge_address *a, const struct edge_address *b);

/* A socket that listens on address number INDEX, for shard number SHARD: each has its own of a
 * port (SO_REUSEPORT), and of a path, and of what was given, a copy of the descriptor. The caller
 * closes it. */
enum weir_code edge_addresses_listen(const struct edge_addresses *a, unsigned index, unsigned shard,
                                     int *ret_fd, struct weir_error *err) MUST_USE;

/* Gives the addresses back that were reserved; the edges that listen keep theirs. */
void edge_addresses_close(struct edge_addresses *a);

/* At the end: removes the files of paths. */
void edge_addresses_remove(struct edge_addresses *a);

/* The number of the first address of that kind that has a port; a->n: there is none. */
unsigned edge_addresses_first(const struct edge_addresses *a, enum edge_kind kind);

/* The port of address number INDEX; 0 past the end, of a path, or if it is not known yet. */
unsigned edge_addresses_port(const struct edge_addresses *a, unsigned index);

/* Who takes every request, instead of routes. */
struct edge_handler {
    /* Is owed nothing, and owes E one event_answer (or event_answer_error), now or later; E is
     * gone once it is answered. NULL: there are routes. */
    void (*handle)(void *arg, struct weir_event *e);
    /* The caller of E went away; the answer is still owed. NULL: nobody wants to know. */
    void (*gone)(void *arg, struct weir_event *e);
    void *arg;
};

/* What an edge asks of the engine; tests bring their own. The functions are those of the same
 * name in engine/engine.h. */
struct edge_port {
    void *(*routes)(struct weir_shard *s);
    void (*offer)(struct weir_event *e, struct trigger_unit *t);
    void (*gone)(struct weir_event *e);
    void (*reply_sent)(struct weir_event *e, const struct weir_error *err);
    bool (*screen)(struct weir_event *e, struct trigger_unit *t); /* NULL: nobody looks */
    void (*own)(struct weir_event *e); /* a path below /_weir/; NULL: there is none */
};

/* What an edge may and may not do; every figure is of one edge, so of one shard. */
struct edge_config {
    const struct edge_addresses *addresses; /* read by edge_new alone */
    struct edge_handler handler;
    const struct edge_port *port; /* NULL: the engine */
    struct tls_server *tls;       /* of addresses of kind EDGE_TLS; outlives the edge */
    bool h2;                      /* callers over TLS are offered HTTP/2 */
    uint64_t handshake_ms;   /* from the accept to the end of a PROXY header and the handshake */
    bool proxy_protocol;     /* each connection begins with a PROXY header */
    bool trusted_unix;       /* who connects to a path is a trusted proxy */
    const char *hsts;        /* Strict-Transport-Security on answers over TLS; outlives the edge; NULL: none */
    const char *redirect_to; /* where EDGE_REDIRECT leads, without a slash at the end; outlives the edge;
                                NULL: to the host that the request names ... */
    unsigned redirect_port;  /* ... and this port */
    unsigned max_connections;     /* more wait in the backlog */
    unsigned max_requests;        /* of one connection */
    struct http_limits head;      /* of request heads; at most 1 MiB, 128 fields */
    uint64_t max_body;            /* bytes, of routes that say nothing else */
    uint64_t head_ms;             /* from the first byte of a head to its last */
    uint64_t body_ms;             /* from the head to the last byte of the body */
    uint64_t body_grace_ms;       /* after so long a body has to come with ... */
    uint64_t body_rate;           /* ... so many bytes a second on average */
    uint64_t idle_ms;             /* between requests */
    uint64_t age_ms;              /* of a connection */
    uint64_t write_ms;            /* without any progress of an answer */
    uint64_t memory; /* bytes of the process; 0: those of its cgroup, if it has any */
    const struct address_range *trusted; /* proxies; read by edge_new alone */
    unsigned n_trusted;
    bool slashes;    /* paths may hold %2F; only for a handler, which decodes them itself */
    bool h2c;     /* HTTP/2 for callers who begin with its preface, without TLS */
    bool access_log;
    bool metrics;
    bool sample; /* traces that begin here */
};

/* The limits of docs: 10,000 connections, 10,000 requests, 32 KiB of head, 1 MiB of body, 10 s,
 * 60 s, 10 s at 500 B/s, 60 s idle, 1 h, 30 s; access log and metrics are on. */
extern const struct edge_config edge_defaults;

/* Half of the file descriptors that the process may have, for each of N_SHARDS, and at most
 * 10,000 in all. */
unsigned edge_connections_max(unsigned n_shards);

struct edge;

/* Makes the edge of shard S and starts listening. The shard's thread. WEIR_UNAVAILABLE or
 * WEIR_CONFLICT with the address that can't be had, WEIR_INVALID for limits that can't be. */
enum weir_code edge_new(struct weir_shard *s, const struct edge_config *config,
                        struct edge **ret, struct weir_error *err) MUST_USE;

/* Closes all that is left and frees. Events that the engine still holds are told to be gone,
 * and their memory waits for their release. NULL is accepted and left. The shard's thread. */
void edge_free(struct edge **edge);

/* Takes what waits in the backlog and stops listening. The shard's thread. */
void edge_stop_listening(struct edge *edge);

/* Stops listening, closes connections that are idle, WebSockets with 1001, and each of the others
 * after its answer.
 * The shard's thread. */
void edge_drain(struct edge *edge);

/* Answers that are not sent to their end, and WebSockets that are not closed. The shard's thread. */
unsigned edge_answers(const struct edge *edge);

/* Connections that are open. The shard's thread. */
unsigned edge_connections(const struct edge *edge);

#endif
