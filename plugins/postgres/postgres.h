/* postgres/postgres.h - what the files of this plugin share.
 *
 * A node has a server; each shard has one pool for each server, shared by all nodes of that
 * URL. A pool has connections and a queue of jobs: a job is one call. All but servers and the
 * list of pools belongs to one shard's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef POSTGRES_POSTGRES_H
#define POSTGRES_POSTGRES_H

#include <netinet/in.h>
#include <stdatomic.h>

#include "postgres_library.h"
#include "postgres_value.h"

#define MAX_HOSTS 8u      /* in a URL */
#define MAX_ADDRESSES 16u /* of all of them */
#define MAX_PARAMS 1000u  /* of a query */
#define MAX_WAITING 1000u /* calls that wait for a connection of a pool */
#define LOOKUP_MS 5000u
#define DIAL_MS 5000u
#define IDLE_MS 60000u
#define AWAY_MAX_MS 2000u /* the longest pause between two dials */

/* -- servers: postgres_server.c -- */

/* One of the hosts of a URL. */
struct place {
    char *name; /* owned; a host, an address, or the folder of a socket; empty: the default */
    char port[8];
    bool is_name; /* it has to be looked up */
};

/* Where the servers of a URL are: what a dial is given. */
struct address {
    const struct place *place;
    char text[INET6_ADDRSTRLEN]; /* empty: a socket */
};

/* A URL, taken apart. Counted, since pools outlive the nodes that made them; else it never
 * changes. */
struct server {
    atomic_uint refs;
    char *url;             /* owned; secret */
    char *label;           /* owned; "host:port/database" for metrics */
    const char **keywords; /* owned; n, and a NULL: what libpq is told besides hosts */
    char **values;         /* owned */
    unsigned n;
    struct place places[MAX_HOSTS];
    unsigned n_places;
    bool fixed; /* the URL has a hostaddr: PLACES is for nothing */
    bool has_names;
    uint32_t dial_ms; /* the URL's connect_timeout, or DIAL_MS */
};

/* Takes URL apart. Loads libpq, if that was not done before. Main thread. */
uint32_t server_new(struct weir_text url, struct server **ret, struct weir_error *err);
struct server *server_ref(struct server *s);
void server_unref(struct server **s);

/* Writes the addresses of places that need no look-up. Returns how many. */
unsigned server_known(const struct server *s, struct address ret[MAX_ADDRESSES]);

/* -- look-ups of host names, each on a thread: postgres_lookup.c -- */

struct lookup;

/* Starts looking up the hosts of S; NULL if too many are under way. */
struct lookup *lookup_start(struct server *s);
/* Becomes readable when it is done. */
int lookup_fd(const struct lookup *l);
/* The addresses, once it is done; 0: none was found, and why is written to WHY. */
unsigned lookup_result(const struct lookup *l, struct address ret[MAX_ADDRESSES], char *why,
                       size_t size);
/* Lets go of it, done or not, and leaves NULL. NULL is accepted. */
void lookup_drop(struct lookup **l);

/* -- nodes: postgres_open.c -- */

enum shape { ROWS_LIST, ROWS_FIRST, ROWS_VALUE, ROWS_NONE };

struct query {
    char *text;                      /* owned */
    uint32_t slot;                   /* of the parameters; 0: the constant */
    const struct weir_value *params; /* owned; NULL: none */
    bool may_commit;
};

/* What is counted; the indices of host->metric. */
struct meters {
    uint32_t queries;     /* weir_postgres_queries_total{server,outcome} */
    uint32_t dials;       /* weir_postgres_dials_total{server,outcome} */
    uint32_t connections; /* weir_postgres_connections{server} */
};

/* One configured node. */
struct pg_node {
    struct server *server; /* counted */
    struct query *queries; /* owned */
    unsigned n_queries;
    bool transaction;
    const char *begin; /* how the transaction begins */
    enum shape shape;
    unsigned pool;
    uint64_t statement_ms;
    uint64_t max_rows;
    uint64_t max_bytes;
    struct meters meters;
};

uint32_t postgres_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
                       struct weir_error *err);
void postgres_close(void *conf);
uint32_t postgres_effect_of(const struct weir_value *config);

/* -- parameters: postgres_params.c -- */

/* The parameters of one query, as libpq wants them. */
struct params {
    int n;
    const struct weir_value **held; /* one block with all that follows; owned; NULL: none */
    char **copies;                  /* owned; texts with a NUL behind them */
    const char **values;
    Oid *types;
    int *lengths;
    int *formats;
};

/* Fills RET from LIST (NULL or null: no parameters); params_drop frees it, in any case. */
uint32_t params_make(const struct weir_value *list, struct params *ret, struct weir_error *err);
void params_drop(struct params *p);

/* -- what comes back: postgres_rows.c -- */

/* The result of one query, as it grows. */
struct rows {
    struct weir_builder *list;      /* owned; of ROWS_LIST */
    const struct weir_value *first; /* owned; of ROWS_FIRST and ROWS_VALUE */
    uint64_t count;
};

/* Adds the rows of RESULT; BYTES counts over all queries of a call. */
uint32_t rows_add(struct rows *r, const struct pg_node *n, const PGresult *result,
                  uint64_t *bytes, struct weir_error *err);
/* The output of one query, whose last result is RESULT; owned. R is empty again. */
const struct weir_value *rows_end(struct rows *r, enum shape shape, const PGresult *result);
void rows_drop(struct rows *r);

/* Fills ERR from a failed RESULT; its detail is owned by the caller, its sent is 1 unless all
 * was rolled back for sure. True if the connection has to be given up with it. */
bool result_error(const PGresult *result, struct weir_error *err);

/* -- pools, connections, jobs -- */

/* One call. In the call's memory. */
struct job {
    struct weir_call *call;
    const struct pg_node *node;
    struct pool *pool;
    struct job *prev, *next;         /* among those that wait */
    struct conn *conn;               /* NULL: it waits */
    struct params *params;           /* owned; one for each query */
    unsigned at;                     /* the query whose result comes next; n_queries: COMMIT */
    bool begun;                      /* BEGIN is answered, or there is none */
    bool committing;                 /* COMMIT is sent */
    bool streaming;                  /* single-row mode is on for the query at hand */
    bool sent;                       /* something may have been done for good */
    struct weir_builder *results;    /* owned; of a transaction */
    const struct weir_value *output; /* owned; of a single query */
    struct rows rows;
    uint64_t bytes;
    struct weir_error error; /* its code is 0: none so far; the detail is owned */
};

enum conn_state {
    CONN_DIALS, /* until libpq is connected */
    CONN_SETS,  /* until the session is set up */
    CONN_IDLE,
    CONN_RUNS, /* for its job, or rolling back what is left of one */
};

struct conn {
    struct pool *pool;
    struct conn *prev, *next;
    enum conn_state state;
    PGconn *pg;               /* owned */
    struct weir_watch *watch; /* owned */
    struct weir_timer *timer; /* owned; of the dial */
    uint32_t want;            /* what WATCH waits for */
    struct job *job;
    unsigned syncs;         /* that are still to come */
    bool setting;           /* the answer to SET statement_timeout is to come */
    bool bare;              /* the session is set up without what some servers don't know */
    bool refused;           /* setting it up has failed */
    uint64_t timeout_ms;    /* the session's statement_timeout; 0: not known */
    uint64_t idle_since_ms; /* or without a job, for a rollback */
    uint64_t unseen;        /* bytes that came without a whole message in them */
    bool partial;
};

/* What one node has on one shard. */
struct user {
    const struct pg_node *node;
    struct pool *pool;
    struct user *next;
};

struct pool {
    struct pool *next; /* in the list of all; guarded by its lock */
    struct weir_shard *shard;
    struct server *server; /* counted */
    struct user *users;
    struct meters meters;
    unsigned limit; /* connections: the most that a user asks for */
    struct conn *conns;
    unsigned n_conns;
    unsigned n_dialing; /* of these: that are not ready yet */
    unsigned holds;     /* callers that go on using it although its last user may leave */
    struct job *waiting, *waiting_last;
    unsigned n_waiting;
    unsigned failures; /* dials that failed, one after another */
    uint64_t away_until_ms;
    struct weir_error why; /* of the latest failed dial; without a detail */
    struct address addresses[MAX_ADDRESSES];
    unsigned n_addresses;
    unsigned first; /* where a dial begins */
    uint64_t fresh_until_ms;
    struct lookup *lookup; /* owned */
    struct weir_watch *lookup_watch;
    struct weir_timer *lookup_timer;
    struct weir_timer *sweep; /* closes what is idle for long */
};

/* postgres_pool.c */

/* The pool of a node on SHARD, made if it is the first; pool_leave undoes it. */
struct user *pool_join(struct weir_shard *shard, const struct pg_node *n);
void pool_leave(struct user **u);
/* Runs J as soon as a connection is there, or answers it. */
void pool_submit(struct pool *p, struct job *j);
/* J's call wants its answer now. */
void pool_withdraw(struct job *j);
/* Goes on after something has changed: gives connections to who waits, dials, gives up. */
void pool_pump(struct pool *p);
/* A dial has failed for the reason in WHY; none is tried for a while. */
void pool_failed(struct pool *p, const struct weir_error *why);
/* A dial went well: its connection is idle. */
void pool_reached(struct pool *p);

/* postgres_dial.c */

/* Starts a connection to the pool's addresses; it tells by pool_reached or pool_failed. */
void conn_dial(struct pool *p);
/* Closes and frees it; its job, if it has one, is forgotten. Leaves NULL. */
void conn_close(struct conn **c);
/* Watches for what libpq waits for. */
void conn_watch(struct conn *c, uint32_t want, weir_watch_fn *fn);

/* postgres_conn.c */

/* Sets up the session of a connection that stands. */
void conn_set_up(struct conn *c);
/* Sends J on an idle connection; false if that can't be: then both are to be given up. */
bool conn_run(struct conn *c, struct job *j);
/* Whether an idle connection is still there: looks for what came since. */
bool conn_lives(struct conn *c);

/* postgres_job.c */

/* Makes a job of CALL in its memory, parameters included; NULL if it was answered with why not.
 */
struct job *job_new(struct weir_call *call, const struct user *u);
/* Answers the call with what the job has, and lets go of all that it holds. */
void job_answer(struct job *j);
/* Fails the job, if it has not failed before. */
void job_fail(struct job *j, uint32_t code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
