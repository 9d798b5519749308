/* postgres/postgres_pool.c - the connections to one server, on one shard; see postgres.h.
 *
 * Connections are made when somebody waits for one. When that fails, none is tried for a while,
 * which grows from dial to dial and is drawn by lot, so that the shards and machines that lost
 * the same server don't come back in step; whoever asks meanwhile, and finds no connection, is
 * told at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgres.h"

#define AWAY_FIRST_MS 100u
#define AWAY_LEAST_MS 10u
#define FRESH_MS 30000u /* how long a name's addresses are good for */
#define SWEEP_MS 5000u

/* Shards join and leave on their own threads; what a pool has in it is its shard's. */
static struct {
    pthread_mutex_t lock;
    struct pool *first;
} pools = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* -- dials -- */

static uint64_t
now_of(const struct pool *p)
{
    return host->now_ms(p->shard);
}

static void
count_dial(struct pool *p, struct weir_text outcome)
{
    const struct weir_text labels[] = { { p->server->label, strlen(p->server->label) },
                                        outcome };
    host->shard_measure(p->shard, p->meters.dials, labels, 1);
}

void
pool_failed(struct pool *p, const struct weir_error *why)
{
    uint64_t now = now_of(p);
    count_dial(p, WEIR_TEXT("failed"));
    p->why = *why;
    p->fresh_until_ms = 0;         /* it may be somewhere else now */
    if (now >= p->away_until_ms) { /* of several that fail at once, one counts */
        uint32_t lot;
        uint32_t most = AWAY_FIRST_MS << (p->failures < 5 ? p->failures : 5);
        host->random(&lot, sizeof lot);
        most = most < AWAY_MAX_MS ? most : AWAY_MAX_MS;
        p->failures++;
        p->away_until_ms = now + AWAY_LEAST_MS + lot % (most - AWAY_LEAST_MS);
    }
    pool_pump(p);
}

void
pool_reached(struct pool *p)
{
    count_dial(p, WEIR_TEXT("ok"));
    p->n_dialing--;
    p->failures = 0;
    p->away_until_ms = 0;
    pool_pump(p);
}

static void
end_lookup(struct pool *p)
{
    host->watch_stop(&p->lookup_watch);
    host->timer_stop(&p->lookup_timer);
    lookup_drop(&p->lookup);
}

static void
lookup_failed(struct pool *p, const char *why)
{
    struct weir_error err = { 0 };
    end_lookup(p);
    (void)refuse(&err, WEIR_UNAVAILABLE, "the database is away: %s", why);
    pool_failed(p, &err);
}

static void
lookup_ready(void *arg, int fd, uint32_t ready)
{
    struct pool *p = arg;
    char why[128] = "its name has no address";
    (void)fd;
    (void)ready;
    p->n_addresses = lookup_result(p->lookup, p->addresses, why, sizeof why);
    if (p->n_addresses == 0) {
        lookup_failed(p, why[0] != '\0' ? why : "its name has no address");
        return;
    }
    end_lookup(p);
    p->fresh_until_ms = now_of(p) + FRESH_MS;
    pool_pump(p);
}

static void
lookup_late(void *arg)
{
    lookup_failed(arg, "its name was not looked up in time");
}

/* Whether it is known where to dial. If not, that is being found out. */
static bool
has_addresses(struct pool *p)
{
    if (!p->server->has_names) {
        p->n_addresses = server_known(p->server, p->addresses);
        return true;
    }
    if (now_of(p) < p->fresh_until_ms)
        return true;
    if (p->lookup != NULL)
        return false;
    p->lookup = lookup_start(p->server);
    if (p->lookup == NULL) {
        lookup_failed(p, "too many names are being looked up");
        return false;
    }
    p->lookup_watch =
        host->watch_start(p->shard, lookup_fd(p->lookup), WEIR_READ, lookup_ready, p);
    p->lookup_timer = host->timer_start(p->shard, LOOKUP_MS, lookup_late, p);
    return false;
}

/* -- who waits -- */

static void
unlink_job(struct pool *p, struct job *j)
{
    if (j->next != NULL)
        j->next->prev = j->prev;
    else
        p->waiting_last = j->prev;
    if (j->prev != NULL)
        j->prev->next = j->next;
    else
        p->waiting = j->next;
    j->prev = j->next = NULL;
    p->n_waiting--;
}

/* An idle connection that is still there; those that are not are closed. NULL: there is none.
 */
static struct conn *
take_idle(struct pool *p)
{
    struct conn *next;
    for (struct conn *c = p->conns; c != NULL; c = next) {
        next = c->next;
        if (c->state != CONN_IDLE)
            continue;
        if (conn_lives(c))
            return c;
        conn_close(&c);
    }
    return NULL;
}

static void
serve(struct pool *p)
{
    struct conn *c;
    while (p->waiting != NULL && (c = take_idle(p)) != NULL) {
        struct job *j = p->waiting;
        unlink_job(p, j);
        if (conn_run(c, j))
            continue;
        conn_close(&c);
        job_fail(j, WEIR_UNAVAILABLE, "the connection to the database broke off");
        job_answer(j);
    }
}

/* As many as wait, but one alone to a server that was away. */
static void
dial_more(struct pool *p)
{
    while (p->n_dialing < p->n_waiting && p->n_conns < p->limit &&
           now_of(p) >= p->away_until_ms && (p->failures == 0 || p->n_dialing == 0) &&
           has_addresses(p))
        conn_dial(p);
}

/* Nobody will come to serve them. */
static void
turn_away(struct pool *p)
{
    uint64_t now = now_of(p);
    struct weir_error err = p->why;
    if (p->waiting == NULL || p->n_conns > 0 || p->lookup != NULL)
        return;
    if (err.code == WEIR_UNAVAILABLE && p->away_until_ms > now)
        err.retry_after_ms = (uint32_t)(p->away_until_ms - now);
    while (p->waiting != NULL && p->n_conns == 0) {
        struct job *j = p->waiting;
        unlink_job(p, j);
        j->error = err;
        job_answer(j);
    }
}

static void
sweep(void *arg)
{
    struct pool *p = arg;
    uint64_t now = now_of(p);
    struct conn *next;
    host->timer_stop(&p->sweep);
    for (struct conn *c = p->conns; c != NULL; c = next) {
        next = c->next;
        bool idle = c->state == CONN_IDLE && now - c->idle_since_ms >= IDLE_MS;
        bool stuck =
            c->state == CONN_RUNS && c->job == NULL && now - c->idle_since_ms >= DIAL_MS;
        if (idle || stuck)
            conn_close(&c);
    }
    pool_pump(p);
}

static void
pool_free(struct pool **p)
{
    for (struct conn *c; (c = (*p)->conns) != NULL;)
        conn_close(&c);
    end_lookup(*p);
    host->timer_stop(&(*p)->sweep);
    server_unref(&(*p)->server);
    free(*p);
    *p = NULL;
}

void
pool_pump(struct pool *p)
{
    p->holds++; /* an answer may be the last one, and let the last user leave */
    serve(p);
    dial_more(p);
    turn_away(p);
    p->holds--;
    if (p->holds == 0 && p->users == NULL) {
        pool_free(&p);
        return;
    }
    if (p->conns != NULL && p->sweep == NULL)
        p->sweep = host->timer_start(p->shard, SWEEP_MS, sweep, p);
}

void
pool_submit(struct pool *p, struct job *j)
{
    if (p->n_waiting >= MAX_WAITING) {
        job_fail(j, WEIR_UNAVAILABLE, "%u calls wait for a connection to the database already",
                 MAX_WAITING);
        job_answer(j);
        return;
    }
    j->prev = p->waiting_last;
    if (j->prev != NULL)
        j->prev->next = j;
    else
        p->waiting = j;
    p->waiting_last = j;
    p->n_waiting++;
    pool_pump(p);
}

void
pool_withdraw(struct job *j)
{
    struct pool *p = j->pool;
    job_fail(j, WEIR_CANCELLED, "the query was cut short");
    if (j->conn == NULL) {
        unlink_job(p, j);
    } else if (j->conn->job == j) {
        j->conn->job = NULL;
        conn_close(&j->conn);
        pool_pump(p);
    }
    job_answer(j);
}

/* -- users -- */

static struct pool *
pool_find(const struct weir_shard *shard, const struct server *s)
{
    struct pool *p = pools.first;
    while (p != NULL && (p->shard != shard || strcmp(p->server->url, s->url) != 0))
        p = p->next;
    return p;
}

static void
set_limit(struct pool *p)
{
    p->limit = 0;
    for (const struct user *u = p->users; u != NULL; u = u->next)
        if (u->node->pool > p->limit)
            p->limit = u->node->pool;
}

struct user *
pool_join(struct weir_shard *shard, const struct pg_node *n)
{
    struct user *u = zeroed(1, sizeof *u);
    pthread_mutex_lock(&pools.lock);
    struct pool *p = pool_find(shard, n->server);
    if (p == NULL) {
        p = zeroed(1, sizeof *p);
        *p = (struct pool){ .next = pools.first,
                            .shard = shard,
                            .server = server_ref(n->server),
                            .meters = n->meters };
        pools.first = p;
    }
    pthread_mutex_unlock(&pools.lock);
    *u = (struct user){ .node = n, .pool = p, .next = p->users };
    p->users = u;
    set_limit(p);
    return u;
}

void
pool_leave(struct user **u)
{
    struct pool *p = (*u)->pool;
    struct user **at = &p->users;
    while (*at != *u)
        at = &(*at)->next;
    *at = (*u)->next;
    free(*u);
    *u = NULL;
    set_limit(p);
    if (p->users != NULL)
        return;
    pthread_mutex_lock(&pools.lock);
    struct pool **link = &pools.first;
    while (*link != p)
        link = &(*link)->next;
    *link = p->next;
    pthread_mutex_unlock(&pools.lock);
    if (p->holds == 0)
        pool_free(&p);
}
