/* postgres/postgres_dial.c - how a connection comes to be, and ends; see postgres.h.
 *
 * libpq may close its socket and open another, of the same number, in each step of connecting:
 * the watch is stopped before and started anew behind it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgres.h"

#define MORE 5u /* host, hostaddr, port, and the NULL */

void
conn_watch(struct conn *c, uint32_t want, weir_watch_fn *fn)
{
    if (c->watch != NULL && c->want == want)
        return;
    host->watch_stop(&c->watch);
    c->want = want;
    c->watch = host->watch_start(c->pool->shard, pq.PQsocket(c->pg), want, fn, c);
}

static void
gauge(struct pool *p, double by)
{
    const struct weir_text label = { p->server->label, strlen(p->server->label) };
    host->shard_measure(p->shard, p->meters.connections, &label, by);
}

static struct conn *
conn_new(struct pool *p, PGconn *pg)
{
    struct conn *c = zeroed(1, sizeof *c);
    *c = (struct conn){ .pool = p, .pg = pg, .next = p->conns };
    if (p->conns != NULL)
        p->conns->prev = c;
    p->conns = c;
    p->n_conns++;
    p->n_dialing++;
    gauge(p, +1);
    return c;
}

void
conn_close(struct conn **conn)
{
    struct conn *c = *conn;
    struct pool *p = c->pool;
    *conn = NULL;
    host->timer_stop(&c->timer);
    host->watch_stop(&c->watch);
    pq.PQfinish(c->pg);
    if (c->next != NULL)
        c->next->prev = c->prev;
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        p->conns = c->next;
    p->n_conns--;
    p->n_dialing -= c->state == CONN_DIALS || c->state == CONN_SETS;
    gauge(p, -1);
    free(c);
}

/* The SQLSTATE in "...FATAL:  28P01: ...": libpq has no other way to tell it of a dial. Empty:
 * it was not the server who refused. *ret_rest is what follows. */
static void
sqlstate_in(const char *message, char ret[6], const char **ret_rest)
{
    ret[0] = '\0';
    for (const char *at = message; (at = strstr(at, ":  ")) != NULL; at += 3) {
        size_t len = strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (len != 5 || at[8] != ':')
            continue;
        memcpy(ret, at + 3, 5);
        ret[5] = '\0';
        *ret_rest = at + 9 + strspn(at + 9, " ");
        return;
    }
}

/* Why a dial has failed, without host, user or database: they are the URL's. */
static void
explain(const char *message, struct weir_error *err)
{
    char sqlstate[6];
    const char *rest = message;
    sqlstate_in(message, sqlstate, &rest);
    if (strncmp(sqlstate, "28", 2) == 0) {
        (void)refuse(err, WEIR_SCRIPT,
                     "the database does not let the user of 'url' in (SQLSTATE %s)", sqlstate);
        return;
    }
    if (strcmp(sqlstate, "3D000") == 0) {
        (void)refuse(err, WEIR_SCRIPT,
                     "there is no database of the name in 'url' (SQLSTATE 3D000)");
        return;
    }
    const char *failed = strstr(message, " failed: ");
    if (sqlstate[0] == '\0' && failed != NULL)
        rest = failed + strlen(" failed: ");
    else if (sqlstate[0] == '\0') /* about a password, a certificate file ... */
        rest = strncmp(message, "connection to server", 20) == 0 ? "no connection" : message;
    uint32_t code = sqlstate[0] != '\0' ? pg_meaning(sqlstate).code : WEIR_UNAVAILABLE;
    (void)refuse(err, code, "the database is away: %.*s", (int)strcspn(rest, "\n"), rest);
}

static void
dial_failed(struct conn *c, const char *message)
{
    struct pool *p = c->pool;
    struct weir_error err = { 0 };
    explain(message, &err);
    conn_close(&c);
    pool_failed(p, &err);
}

static void
dial_timed_out(void *arg)
{
    struct conn *c = arg;
    struct pool *p = c->pool;
    p->first++; /* the others are tried before this one */
    dial_failed(c, " failed: no answer in time");
}

static void dial_ready(void *arg, int fd, uint32_t ready);

/* One step of connecting. */
static void
dial_step(struct conn *c)
{
    host->watch_stop(&c->watch);
    switch (pq.PQconnectPoll(c->pg)) {
    case PGRES_POLLING_READING:
        conn_watch(c, WEIR_READ, dial_ready);
        return;
    case PGRES_POLLING_WRITING:
        conn_watch(c, WEIR_WRITE, dial_ready);
        return;
    case PGRES_POLLING_OK:
        conn_set_up(c);
        return;
    default:
        dial_failed(c, pq.PQerrorMessage(c->pg));
    }
}

static void
dial_ready(void *arg, int fd, uint32_t ready)
{
    (void)fd;
    (void)ready;
    dial_step(arg);
}

static void
no_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result; /* by default libpq prints them */
}

/* Appends TEXT to a list that is separated by commas. */
static void
append(char *list, size_t size, bool first, const char *text)
{
    size_t len = strlen(list);
    snprintf(list + len, size - len, "%s%s", first ? "" : ",", text);
}

/* What libpq is told of where the servers are. */
struct places {
    char hosts[MAX_ADDRESSES * 257];
    char addresses[MAX_ADDRESSES * (INET6_ADDRSTRLEN + 1)];
    char ports[MAX_ADDRESSES * 9];
};

static PGconn *
start(struct pool *p)
{
    const struct server *s = p->server;
    const char *keywords[64 + MORE];
    const char *values[64 + MORE];
    struct places where = { 0 };
    unsigned n = s->n;
    memcpy(keywords, s->keywords, n * sizeof *keywords);
    for (unsigned i = 0; i < n; i++)
        values[i] = s->values[i];
    for (unsigned i = 0; i < p->n_addresses; i++) {
        const struct address *a = &p->addresses[(p->first + i) % p->n_addresses];
        append(where.hosts, sizeof where.hosts, i == 0, a->place->name);
        append(where.addresses, sizeof where.addresses, i == 0, a->text);
        append(where.ports, sizeof where.ports, i == 0, a->place->port);
    }
    if (!s->fixed) {
        keywords[n] = "host", values[n++] = where.hosts;
        keywords[n] = "hostaddr", values[n++] = where.addresses;
        keywords[n] = "port", values[n++] = where.ports;
    }
    keywords[n] = values[n] = NULL;
    return pq.PQconnectStartParams(keywords, values, 0);
}

void
conn_dial(struct pool *p)
{
    PGconn *pg = start(p);
    if (pg == NULL)
        abort();
    struct conn *c = conn_new(p, pg);
    if (pq.PQstatus(pg) == CONNECTION_BAD) {
        dial_failed(c, pq.PQerrorMessage(pg));
        return;
    }
    (void)pq.PQsetErrorVerbosity(pg, PQERRORS_VERBOSE); /* with the SQLSTATE */
    (void)pq.PQsetNoticeReceiver(pg, no_notice, NULL);
    c->timer = host->timer_start(p->shard, p->server->dial_ms, dial_timed_out, c);
    conn_watch(c, WEIR_WRITE, dial_ready);
}
