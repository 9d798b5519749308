/* postgres/postgres_open.c - from the configuration to what a call needs; see postgres.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgres.h"

#define FALLBACK_POOL 4

static uint64_t
number_of(const struct weir_value *config, struct weir_text key, uint64_t fallback)
{
    int64_t i;
    return host->get_int(host->get(config, key), &i) && i > 0 ? (uint64_t)i : fallback;
}

/* Which of the N NAMES stands under KEY; 0 if none does. */
static unsigned
choice_of(const struct weir_value *config, struct weir_text key, const char *const *names,
          unsigned n)
{
    struct weir_text text;
    if (host->get_text(host->get(config, key), &text))
        for (unsigned i = 0; i < n; i++)
            if (text.len == strlen(names[i]) && memcmp(text.bytes, names[i], text.len) == 0)
                return i;
    return 0;
}

/* One query with its parameters from MAP, whose place is AT: "" or "/queries/2". */
static uint32_t
take_query(struct weir_open *open, const struct weir_value *map, const char *at,
           struct query *ret, struct weir_error *err)
{
    char pointer[64];
    struct weir_text text;
    if (!host->get_text(host->get(map, WEIR_TEXT("query")), &text) || text.len == 0)
        return refuse(err, WEIR_INVALID, "'query' must be a statement");
    if (memmem(text.bytes, text.len, "${", 2) != NULL)
        return refuse(
            err, WEIR_INVALID,
            "nothing is put into a 'query': write $1 there, and the expression as the "
            "first of 'params'");
    if (memchr(text.bytes, '\0', text.len) != NULL)
        return refuse(err, WEIR_INVALID, "'query' must not have a NUL in it");
    ret->text = text_copied(text);
    ret->may_commit = pg_may_commit(text);
    const struct weir_value *params = host->get(map, WEIR_TEXT("params"));
    if (params == NULL)
        return WEIR_OK;
    snprintf(pointer, sizeof pointer, "%s/params", at);
    ret->slot = host->slot(open, pointer);
    if (ret->slot == 0 || host->slot_flags(open, ret->slot) & WEIR_SLOT_CONSTANT) {
        ret->slot = 0;
        ret->params = host->ref(params);
    }
    return WEIR_OK;
}

static uint32_t
take_queries(struct weir_open *open, const struct weir_value *config, struct pg_node *n,
             struct weir_error *err)
{
    char at[32];
    const struct weir_value *list = host->get(config, WEIR_TEXT("queries"));
    bool one = host->get(config, WEIR_TEXT("query")) != NULL;
    if (one == (list != NULL))
        return refuse(err, WEIR_INVALID, "one of 'query' and 'queries' must say what to do");
    n->transaction = !one;
    n->n_queries = one ? 1 : (unsigned)host->len(list);
    n->queries = zeroed(n->n_queries + 1, sizeof *n->queries);
    if (one)
        return take_query(open, config, "", n->queries, err);
    if (host->get(config, WEIR_TEXT("params")) != NULL)
        return refuse(err, WEIR_INVALID, "'params' belongs to each of the 'queries'");
    for (unsigned i = 0; i < n->n_queries; i++) {
        snprintf(at, sizeof at, "/queries/%u", i);
        if (take_query(open, host->at(list, i), at, &n->queries[i], err) != WEIR_OK)
            return err->code;
    }
    return WEIR_OK;
}

static uint32_t
take_isolation(const struct weir_value *config, struct pg_node *n, struct weir_error *err)
{
    static const char *const names[] = { "", "read committed", "repeatable read",
                                         "serializable" };
    static const char *const begins[] = { "BEGIN", "BEGIN ISOLATION LEVEL READ COMMITTED",
                                          "BEGIN ISOLATION LEVEL REPEATABLE READ",
                                          "BEGIN ISOLATION LEVEL SERIALIZABLE" };
    unsigned i = choice_of(config, WEIR_TEXT("isolation"), names, 4);
    if (i > 0 && !n->transaction)
        return refuse(err, WEIR_INVALID,
                      "'isolation' is for a transaction, which 'queries' are");
    n->begin = begins[i];
    return WEIR_OK;
}

static uint32_t
take_server(struct weir_open *open, struct pg_node *n, struct weir_error *err)
{
    const struct weir_value *v = NULL;
    struct weir_text url;
    if (host->constant(open, host->slot(open, "/url"), &v, err) != WEIR_OK)
        return err->code;
    uint32_t code = host->get_text(v, &url) ? server_new(url, &n->server, err)
                                            : refuse(err, WEIR_INVALID, "'url' must be a text");
    host->unref(&v);
    return code;
}

static uint32_t
take_meters(struct weir_open *open, struct meters *m, struct weir_error *err)
{
    const struct weir_metric queries = {
        .size = sizeof queries,
        .kind = WEIR_COUNTER,
        .name = "weir_postgres_queries_total",
        .help = "Calls of postgres nodes, by server and outcome: ok, or the error's code.",
        .labels = "server outcome",
    };
    const struct weir_metric dials = {
        .size = sizeof dials,
        .kind = WEIR_COUNTER,
        .name = "weir_postgres_dials_total",
        .help = "Connections to PostgreSQL that were tried, by server and outcome.",
        .labels = "server outcome",
    };
    const struct weir_metric connections = {
        .size = sizeof connections,
        .kind = WEIR_GAUGE,
        .name = "weir_postgres_connections",
        .help = "Connections to PostgreSQL, those in the making included.",
        .labels = "server",
    };
    m->queries = host->metric(open, &queries, err);
    m->dials = m->queries ? host->metric(open, &dials, err) : 0;
    m->connections = m->dials ? host->metric(open, &connections, err) : 0;
    return m->connections ? WEIR_OK : err->code;
}

uint32_t
postgres_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
              struct weir_error *err)
{
    static const char *const shapes[] = { [ROWS_LIST] = "list",
                                          [ROWS_FIRST] = "first",
                                          [ROWS_VALUE] = "value",
                                          [ROWS_NONE] = "none" };
    struct pg_node *n = zeroed(1, sizeof *n);
    n->shape = (enum shape)choice_of(config, WEIR_TEXT("rows"), shapes, 4);
    n->pool = (unsigned)number_of(config, WEIR_TEXT("pool"), FALLBACK_POOL);
    n->statement_ms = number_of(config, WEIR_TEXT("statement_timeout"), 30000);
    n->max_rows = number_of(config, WEIR_TEXT("max_rows"), 10000);
    n->max_bytes = number_of(config, WEIR_TEXT("max_bytes"), 10u << 20);
    if (take_queries(open, config, n, err) == WEIR_OK &&
        take_isolation(config, n, err) == WEIR_OK && take_server(open, n, err) == WEIR_OK &&
        take_meters(open, &n->meters, err) == WEIR_OK)
        *ret_conf = n;
    else
        postgres_close(n);
    return err->code;
}

void
postgres_close(void *conf)
{
    struct pg_node *n = conf;
    for (unsigned i = 0; i < n->n_queries; i++) {
        free(n->queries[i].text);
        host->unref(&n->queries[i].params);
    }
    free(n->queries);
    server_unref(&n->server);
    free(n);
}

static bool
reads(const struct weir_value *map)
{
    struct weir_text text;
    return host->get_text(host->get(map, WEIR_TEXT("query")), &text) && pg_reads_only(text);
}

uint32_t
postgres_effect_of(const struct weir_value *config)
{
    const struct weir_value *list = host->get(config, WEIR_TEXT("queries"));
    bool all = list != NULL || reads(config);
    for (size_t i = 0, n = list ? host->len(list) : 0; i < n && all; i++)
        all = reads(host->at(list, i));
    return all ? WEIR_EFFECT_NONE : WEIR_EFFECT_UNSAFE;
}
