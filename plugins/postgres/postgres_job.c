/* postgres/postgres_job.c - a call, from its parameters to its answer; see postgres.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgres.h"

/* Evaluates the parameters of all queries. */
static uint32_t
evaluate(struct job *j, struct weir_error *err)
{
    const struct pg_node *n = j->node;
    j->params = zeroed(n->n_queries + 1, sizeof *j->params);
    for (unsigned i = 0; i < n->n_queries; i++) {
        const struct query *q = &n->queries[i];
        const struct weir_value *v = NULL;
        uint32_t code = WEIR_OK;
        if (q->slot != 0)
            code = host->eval(j->call, q->slot, &v, err);
        if (code == WEIR_OK)
            code = params_make(q->slot != 0 ? v : q->params, &j->params[i], err);
        host->unref(&v);
        if (code != WEIR_OK)
            return code;
    }
    return WEIR_OK;
}

struct job *
job_new(struct weir_call *call, const struct user *u)
{
    struct job *j = host->alloc(call, sizeof *j);
    host->set_data(call, j);
    j->call = call;
    j->node = u->node;
    j->pool = u->pool;
    if (evaluate(j, &j->error) == WEIR_OK)
        return j;
    job_answer(j);
    return NULL;
}

void
job_fail(struct job *j, uint32_t code, const char *fmt, ...)
{
    va_list args;
    if (j->error.code != 0)
        return;
    j->error.code = code;
    j->error.sent = j->sent;
    va_start(args, fmt);
    vsnprintf(j->error.text, sizeof j->error.text, fmt, args);
    va_end(args);
}

/* "unavailable" for WEIR_UNAVAILABLE. */
static void
code_name(uint32_t code, char ret[24])
{
    static const char *const names[] = { [WEIR_OK] = "ok",
#define X(name, number, retry, http, text) [number] = #name,
                                         WEIR_CODES(X)
#undef X
    };
    const char *name = code < sizeof names / sizeof *names ? names[code] : "unknown";
    size_t i = 0;
    for (; name[i] != '\0' && i < 23; i++)
        ret[i] = (char)(name[i] == '_' ? '_' : name[i] | 0x20);
    ret[i] = '\0';
}

static void
count(const struct job *j)
{
    char outcome[24];
    code_name(j->error.code, outcome);
    const char *server = j->node->server->label;
    const struct weir_text labels[] = { { server, strlen(server) },
                                        { outcome, strlen(outcome) } };
    host->measure(j->call, j->node->meters.queries, labels, 1);
}

void
job_answer(struct job *j)
{
    struct weir_call *call = j->call;
    struct weir_error err = j->error;
    const struct weir_value *output = j->output;
    count(j);
    for (unsigned i = 0; i < j->node->n_queries; i++)
        params_drop(&j->params[i]);
    free(j->params);
    rows_drop(&j->rows);
    if (j->node->transaction && err.code == 0)
        output = host->build(&j->results);
    if (j->results != NULL)
        host->builder_free(&j->results);
    if (err.code == 0) {
        host->done(call, &output); /* J is no more */
        return;
    }
    host->unref(&output);
    host->fail(call, &err);
    host->unref(&err.detail);
}
