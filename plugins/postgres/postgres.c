/* postgres/postgres.c - statements on a PostgreSQL server: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "postgres.h"

/* The schema of a node with so many options is longer than C99 promises to hold. */
#pragma GCC diagnostic ignored "-Woverlength-strings"

static uint32_t
postgres_attach(struct weir_shard *shard, void *conf, void **ret_state, struct weir_error *err)
{
    (void)err; /* a server that is away is no reason not to start */
    *ret_state = pool_join(shard, conf);
    return WEIR_OK;
}

static void
postgres_detach(void *state)
{
    struct user *u = state;
    pool_leave(&u);
}

static void
postgres_run(struct weir_call *call, void *state)
{
    const struct user *u = state;
    struct job *j = job_new(call, u);
    if (j != NULL)
        pool_submit(u->pool, j);
}

static void
postgres_cancel(struct weir_call *call, void *state)
{
    (void)state;
    pool_withdraw(host->data(call));
}

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "A statement, or several as one transaction. Parameters are never part of a statement.",
    "type": "object",
    "additionalProperties": false,
    "required": ["url"],
    "properties": {
        "url": {
            "description": "The server, as libpq's connection URL. It is evaluated at load: env, vars and secrets only.",
            "type": "string",
            "minLength": 1,
            "writeOnly": true,
            "examples": ["${ secrets.DATABASE_URL }", "postgresql://app@127.0.0.1:5432/app?sslmode=disable"]
        },
        "query": {
            "description": "The statement, with $1, $2 ... where parameters stand. Nothing is ever put into it.",
            "type": "string",
            "minLength": 1,
            "maxLength": 1048576,
            "x-weir-literal": true,
            "examples": ["select * from orders where id = $1"]
        },
        "params": {
            "description": "The parameters: any values. Bytes go as bytea, maps and lists as JSON text.",
            "type": "array",
            "maxItems": 1000,
            "writeOnly": true,
            "x-weir-shown": true,
            "examples": [["${ request.params.id }", 10, null]]
        },
        "queries": {
            "description": "Statements of one transaction: all of them, or nothing.",
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "examples": [[{ "query": "update accounts set sum = sum - $1 where id = $2", "params": [5, "${ input.from }"] }]],
            "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["query"],
                "properties": {
                    "query": {
                        "description": "The statement, with $1, $2 ... where parameters stand.",
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 1048576,
                        "x-weir-literal": true,
                        "examples": ["insert into log (text) values ($1)"]
                    },
                    "params": {
                        "description": "Its parameters.",
                        "type": "array",
                        "maxItems": 1000,
                        "writeOnly": true,
                        "x-weir-shown": true,
                        "examples": [["${ input.text }"]]
                    }
                }
            }
        },
        "isolation": {
            "description": "How well the transaction of queries is kept from others. Left out: what the server has as default.",
            "type": "string",
            "enum": ["read committed", "repeatable read", "serializable"],
            "x-weir-literal": true,
            "examples": ["serializable"]
        },
        "rows": {
            "description": "What the output is. list: { rows, count, command }; first: the first row, or null; value: the first column of the first row, or null; none: { count, command }.",
            "type": "string",
            "enum": ["list", "first", "value", "none"],
            "default": "list",
            "x-weir-literal": true,
            "examples": ["first"]
        },
        "pool": {
            "description": "How many connections to the server a shard has at most. Of several nodes with one URL the largest figure counts.",
            "type": "integer",
            "minimum": 1,
            "maximum": 100,
            "default": 4,
            "x-weir-literal": true,
            "examples": [8]
        },
        "statement_timeout": {
            "description": "How long the server works on one statement. The deadlines around the node hold besides.",
            "type": ["string", "integer"],
            "format": "duration",
            "minimum": 1,
            "maximum": 86400000,
            "default": "30s",
            "x-weir-literal": true,
            "examples": ["2s"]
        },
        "max_rows": {
            "description": "The most rows of a result that are taken; more is the error too_large.",
            "type": "integer",
            "minimum": 1,
            "maximum": 10000000,
            "default": 10000,
            "x-weir-literal": true,
            "examples": [100]
        },
        "max_bytes": {
            "description": "The most bytes of all results that are taken; more is the error too_large.",
            "type": ["string", "integer"],
            "format": "bytes",
            "minimum": 1,
            "default": "10MiB",
            "x-weir-literal": true,
            "examples": ["1MiB"]
        }
    }
});
/* clang-format on */

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .name = "postgres",
        .summary = "Runs statements on a PostgreSQL server.",
        .config_schema = schema,
        .example = "- id: order\n"
                   "  postgres:\n"
                   "    url: ${ env.DATABASE_URL ?? 'postgresql://127.0.0.1/app' }\n"
                   "    query: select id, state from orders where id = $1\n"
                   "    params: [ \"${ request.params.id }\" ]\n"
                   "    rows: first\n"
                   "  timeout: 2s\n",
        .output = "{ rows, count, command }, or what rows says; of queries a list of these",
        .effect = WEIR_EFFECT_UNSAFE,
        .open = postgres_open,
        .attach = postgres_attach,
        .run = postgres_run,
        .cancel = postgres_cancel,
        .detach = postgres_detach,
        .close = postgres_close,
        .effect_of = postgres_effect_of,
    },
};

PLUGIN("postgres", PLUGIN_NODES(nodes));
