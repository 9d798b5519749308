/* postgres/postgres_conn.c - a connection at work; see postgres.h.
 *
 * All goes through libpq's pipeline mode, so that what belongs together is one flight:
 *
 *     [SET statement_timeout, Sync] statement, Sync
 *     [SET statement_timeout, Sync] BEGIN, statements, Sync ... COMMIT (or ROLLBACK), Sync
 *
 * SET has a Sync of its own: it must not share a transaction with what may fail or may not be
 * in one. COMMIT is sent only when all results are there and taken: until then nothing is done
 * for good, whatever happens. Without a transaction the server commits at Sync, so even the
 * result of a single statement is believed only then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "postgres.h"

#define SLACK 65536u /* what comes with a row, besides it */
#define PEEKS 4u

/* Dates and durations in ISO 8601, bytes in hexadecimal; a server that knows how (14 and later)
 * looks each second whether who asked is still there. */
#define SET_UP                                            \
    "select set_config('datestyle', 'ISO, YMD', false), " \
    "set_config('intervalstyle', 'iso_8601', false), set_config('bytea_output', 'hex', false)"
#define SET_UP_14 SET_UP ", set_config('client_connection_check_interval', '1000', false)"

/* Gives C up, and answers its job. */
static void
give_up(struct conn *c)
{
    struct pool *p = c->pool;
    struct job *j = c->job;
    c->job = NULL;
    conn_close(&c);
    if (j != NULL)
        job_fail(j, WEIR_UNAVAILABLE, "the connection to the database broke off");
    pool_pump(p);
    if (j != NULL)
        job_answer(j); /* the last that is done: the pool may go with it */
}

static void
set_up_failed(struct conn *c, const char *why)
{
    struct pool *p = c->pool;
    struct weir_error err = { 0 };
    (void)refuse(&err, WEIR_UNAVAILABLE, "the database is away: %s", why);
    conn_close(&c);
    pool_failed(p, &err);
}

static void
lost(struct conn *c)
{
    if (c->state == CONN_SETS)
        set_up_failed(c, "the connection broke off");
    else
        give_up(c);
}

static bool
send_plain(struct conn *c, const char *query)
{
    return pq.PQsendQueryParams(c->pg, query, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

static bool
send_sync(struct conn *c)
{
    c->syncs++;
    return pq.PQpipelineSync(c->pg) == 1;
}

/* -- what comes -- */

/* The step whose results are at hand is a query of the job. */
static bool
is_query(const struct conn *c)
{
    return c->state == CONN_RUNS && !c->setting && c->job != NULL && c->job->begun &&
           c->job->at < c->job->node->n_queries;
}

/* Rows come one by one: what is too much is seen before all of it is here. To be called before
 * libpq looks at the first byte of a query's results. */
static void
stream_rows(struct conn *c)
{
    if (is_query(c) && !c->job->streaming)
        c->job->streaming = pq.PQsetSingleRowMode(c->pg) == 1;
}

/* The result of one query is whole. */
static void
query_done(struct job *j, const PGresult *result)
{
    const struct weir_value *output = rows_end(&j->rows, j->node->shape, result);
    if (!j->node->transaction) {
        j->output = output;
        return;
    }
    if (j->results == NULL)
        j->results = host->list_new();
    host->list_add(j->results, &output);
}

/* An error of the server. False if the connection has to be given up. */
static bool
take_error(struct conn *c, const PGresult *result)
{
    struct job *j = c->job;
    if (j == NULL || j->error.code != 0)
        return true;
    c->timeout_ms = 0;
    bool give_up_too = result_error(result, &j->error);
    j->error.sent = j->error.sent && j->sent;
    for (unsigned i = 0; i < j->node->n_queries; i++)
        j->error.sent |= j->node->queries[i].may_commit;
    return !give_up_too;
}

/* False if the connection has to be given up. */
static bool
take_result(struct conn *c, const PGresult *result)
{
    struct job *j = c->job;
    switch (pq.PQresultStatus(result)) {
    case PGRES_FATAL_ERROR:
        return take_error(c, result);
    case PGRES_PIPELINE_ABORTED:
        return true;
    case PGRES_SINGLE_TUPLE:
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        break;
    default: /* COPY, which waits for data or sends it otherwise */
        if (j != NULL)
            job_fail(j, WEIR_SCRIPT,
                     "the statement is of a kind that can't be used here (COPY)");
        return false;
    }
    if (!is_query(c) || j->error.code != 0)
        return true;
    if (rows_add(&j->rows, j->node, result, &j->bytes, &j->error) != WEIR_OK) {
        j->error.sent = j->sent;
        return false;
    }
    if (pq.PQresultStatus(result) != PGRES_SINGLE_TUPLE)
        query_done(j, result);
    return true;
}

/* The results of one step are over. */
static void
next_step(struct conn *c)
{
    struct job *j = c->job;
    if (c->setting)
        c->setting = false;
    else if (c->state == CONN_RUNS && j != NULL && !j->begun)
        j->begun = true;
    else if (c->state == CONN_RUNS && j != NULL && j->at < j->node->n_queries) {
        j->at++;
        j->streaming = false;
    }
}

static void conn_ready(void *arg, int fd, uint32_t ready);

/* Sends what libpq still holds, and waits for what has to happen. */
static bool
flush(struct conn *c)
{
    int left = pq.PQflush(c->pg);
    if (left < 0 || pq.PQsocket(c->pg) < 0)
        return false;
    conn_watch(c, left > 0 ? WEIR_READ | WEIR_WRITE : WEIR_READ, conn_ready);
    return true;
}

static void
set_up(struct conn *c)
{
    bool whole = !c->bare && pq.PQserverVersion(c->pg) >= 140000;
    if (!send_plain(c, whole ? SET_UP_14 : SET_UP) || !send_sync(c) || !flush(c))
        set_up_failed(c, "the connection broke off");
}

/* The session is set up, or the server does not know all of it (it isn't on Linux, say). */
static void
session_over(struct conn *c)
{
    struct pool *p = c->pool;
    if (c->refused && c->bare) {
        set_up_failed(c, "the session can't be set up");
        return;
    }
    if (c->refused) {
        c->refused = false;
        c->bare = true;
        set_up(c);
        return;
    }
    host->timer_stop(&c->timer);
    c->state = CONN_IDLE;
    c->idle_since_ms = host->now_ms(p->shard);
    pool_reached(p);
}

/* C has no job any more and no transaction is open: who waits may have it. */
static void
be_idle(struct conn *c)
{
    struct pool *p = c->pool;
    c->state = CONN_IDLE;
    c->idle_since_ms = host->now_ms(p->shard);
    pool_pump(p);
}

/* The statements of the job's transaction have ended, well or not. */
static void
end_transaction(struct conn *c)
{
    struct job *j = c->job;
    bool good = j->error.code == 0;
    bool sent = send_plain(c, good ? "COMMIT" : "ROLLBACK") && send_sync(c);
    if (good) {
        j->committing = true;
        j->sent = true;
    } else {
        c->job = NULL;
        c->idle_since_ms = host->now_ms(c->pool->shard);
    }
    if (!sent || !flush(c))
        give_up(c);
    if (!good)
        job_answer(j);
}

/* All that was sent is answered. */
static void
flight_over(struct conn *c)
{
    struct job *j = c->job;
    PGTransactionStatusType status = pq.PQtransactionStatus(c->pg);
    if (c->state == CONN_SETS) {
        session_over(c);
        return;
    }
    if (j != NULL && j->node->transaction && !j->committing && status != PQTRANS_IDLE) {
        end_transaction(c);
        return;
    }
    if (j != NULL && j->node->transaction && !j->committing && j->error.code == 0)
        job_fail(j, WEIR_SCRIPT, "one of the 'queries' ended the transaction by itself");
    if (j != NULL && status != PQTRANS_IDLE)
        job_fail(j, WEIR_SCRIPT, "a statement may not open a transaction: use 'queries'");
    if (status != PQTRANS_IDLE) {
        give_up(c);
        return;
    }
    c->job = NULL;
    be_idle(c);
    if (j != NULL)
        job_answer(j);
}

/* Takes one result; false if C is no more, or has nothing to be waited for. */
static bool
take_one(struct conn *c)
{
    PGresult *result = pq.PQgetResult(c->pg);
    bool sync = result != NULL && pq.PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    bool good = true;
    if (result == NULL)
        next_step(c);
    else if (!sync && c->state == CONN_SETS && pq.PQresultStatus(result) == PGRES_FATAL_ERROR)
        c->refused = true;
    else if (!sync)
        good = take_result(c, result);
    pq.PQclear(result);
    if (!good || pq.PQstatus(c->pg) != CONNECTION_OK) {
        lost(c);
        return false;
    }
    c->unseen = 0;
    c->syncs -= sync;
    if (sync && c->syncs == 0) {
        flight_over(c);
        return false;
    }
    stream_rows(c);
    return true;
}

/* Whether more has come than one row may be. Counted only while a message is incomplete, so
 * that a small answer costs no system call. */
static bool
is_too_much(struct conn *c)
{
    int waiting = 0;
    if (!c->partial || c->job == NULL || ioctl(pq.PQsocket(c->pg), FIONREAD, &waiting) != 0)
        return false;
    c->unseen += (uint64_t)waiting;
    if (c->unseen <= c->job->node->max_bytes + SLACK)
        return false;
    job_fail(c->job, WEIR_TOO_LARGE,
             "a row of more than %" PRIu64 " bytes: ask for less, or raise 'max_bytes'",
             c->job->node->max_bytes);
    return true;
}

static void
drop_notifications(struct conn *c)
{
    for (PGnotify *n; (n = pq.PQnotifies(c->pg)) != NULL;)
        pq.PQfreemem(n);
}

static void
conn_ready(void *arg, int fd, uint32_t ready)
{
    struct conn *c = arg;
    (void)fd;
    if (c->state == CONN_IDLE) {
        if (!conn_lives(c))
            give_up(c);
        return;
    }
    bool good = !(ready & WEIR_READ) || (!is_too_much(c) && pq.PQconsumeInput(c->pg) == 1);
    while (c->syncs > 0 && pq.PQisBusy(c->pg) == 0)
        if (!take_one(c))
            return;
    if (!good || !flush(c)) {
        lost(c);
        return;
    }
    c->partial = true;
    drop_notifications(c);
}

void
conn_set_up(struct conn *c)
{
    c->state = CONN_SETS;
    if (pq.PQsetnonblocking(c->pg, 1) != 0 || pq.PQenterPipelineMode(c->pg) != 1)
        set_up_failed(c, "the connection can't be used");
    else
        set_up(c);
}

/* How long the server may work for J: as the node says, or until the deadline, rounded up to
 * seconds that double, so that it need not be set for each call. */
static uint64_t
timeout_of(const struct job *j)
{
    uint64_t deadline = host->deadline_ms(j->call);
    uint64_t now = host->now_ms(host->shard(j->call));
    uint64_t left = deadline > now ? deadline - now : 0;
    uint64_t ms = 1000;
    while (ms < left && ms < j->node->statement_ms)
        ms *= 2;
    return ms < j->node->statement_ms ? ms : j->node->statement_ms;
}

static bool
send_query(struct conn *c, const struct query *q, const struct params *p)
{
    return pq.PQsendQueryParams(c->pg, q->text, p->n, p->types, p->values, p->lengths,
                                p->formats, 0) == 1;
}

static bool
send_all(struct conn *c, const struct job *j)
{
    char text[64];
    const struct pg_node *n = j->node;
    uint64_t ms = timeout_of(j);
    if (ms != c->timeout_ms) {
        snprintf(text, sizeof text, "SET statement_timeout = %" PRIu64, ms);
        c->setting = true;
        c->timeout_ms = ms;
        if (!send_plain(c, text) || !send_sync(c))
            return false;
    }
    if (n->transaction && !send_plain(c, n->begin))
        return false;
    for (unsigned i = 0; i < n->n_queries; i++)
        if (!send_query(c, &n->queries[i], &j->params[i]))
            return false;
    return send_sync(c);
}

bool
conn_run(struct conn *c, struct job *j)
{
    c->state = CONN_RUNS;
    c->job = j;
    c->partial = false;
    c->unseen = 0;
    j->conn = c;
    j->begun = !j->node->transaction;
    j->sent = j->begun;
    if (!send_all(c, j))
        return false;
    stream_rows(c);
    return flush(c);
}

bool
conn_lives(struct conn *c)
{
    char byte;
    for (unsigned i = 0; i < PEEKS; i++) {
        ssize_t n = recv(pq.PQsocket(c->pg), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        if (n == 0 || pq.PQconsumeInput(c->pg) != 1)
            return false;
        drop_notifications(c);
    }
    return false; /* it talks too much */
}
