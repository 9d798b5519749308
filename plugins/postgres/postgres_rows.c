/* postgres/postgres_rows.c - from libpq's results to outputs and errors; see postgres.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgres.h"

#define OVERHEAD 32u /* what a value costs besides its text, about */

static const struct weir_value *
column(const PGresult *result, int row, int i)
{
    if (pq.PQgetisnull(result, row, i))
        return host->null();
    return pg_value(pq.PQftype(result, i),
                    (struct weir_text){ pq.PQgetvalue(result, row, i),
                                        (size_t)pq.PQgetlength(result, row, i) });
}

static const struct weir_value *
row_map(const PGresult *result, int row)
{
    struct weir_builder *map = host->map_new();
    for (int i = 0, n = pq.PQnfields(result); i < n; i++) {
        const struct weir_value *v = column(result, row, i);
        const char *name = pq.PQfname(result, i);
        host->map_set(map, (struct weir_text){ name, strlen(name) }, &v);
    }
    return host->build(&map);
}

static uint64_t
row_bytes(const PGresult *result, int row)
{
    uint64_t bytes = OVERHEAD;
    for (int i = 0, n = pq.PQnfields(result); i < n; i++)
        bytes += OVERHEAD + (uint64_t)pq.PQgetlength(result, row, i);
    return bytes;
}

static void
add_row(struct rows *r, enum shape shape, const PGresult *result, int row)
{
    if (shape == ROWS_LIST) {
        if (r->list == NULL)
            r->list = host->list_new();
        const struct weir_value *v = row_map(result, row);
        host->list_add(r->list, &v);
    } else if (r->count == 1 && shape == ROWS_FIRST)
        r->first = row_map(result, row);
    else if (r->count == 1 && shape == ROWS_VALUE)
        r->first = pq.PQnfields(result) > 0 ? column(result, row, 0) : host->null();
}

uint32_t
rows_add(struct rows *r, const struct pg_node *n, const PGresult *result, uint64_t *bytes,
         struct weir_error *err)
{
    for (int i = 0, rows = pq.PQntuples(result); i < rows; i++) {
        r->count++;
        *bytes += row_bytes(result, i);
        if (r->count > n->max_rows)
            return refuse(err, WEIR_TOO_LARGE,
                          "more than %llu rows: ask for less, or raise 'max_rows'",
                          (unsigned long long)n->max_rows);
        if (*bytes > n->max_bytes)
            return refuse(err, WEIR_TOO_LARGE,
                          "more than %llu bytes: ask for less, or raise 'max_bytes'",
                          (unsigned long long)n->max_bytes);
        add_row(r, n->shape, result, i);
    }
    return WEIR_OK;
}

void
rows_drop(struct rows *r)
{
    if (r->list != NULL)
        host->builder_free(&r->list);
    host->unref(&r->first);
    r->count = 0;
}

static void
set_text(struct weir_builder *map, struct weir_text key, const char *text, size_t len)
{
    const struct weir_value *v = host->string((struct weir_text){ text, len });
    if (v != NULL)
        host->map_set(map, key, &v);
}

/* { rows, count, command }: the tag of "INSERT 0 1" is INSERT, its count 1. */
static const struct weir_value *
summary(struct rows *r, bool with_rows, const PGresult *result)
{
    struct weir_builder *map = host->map_new();
    /* libpq's prototypes lack const; it changes nothing. */
    const char *tag = pq.PQcmdStatus((PGresult *)(uintptr_t)result);
    const char *affected = pq.PQcmdTuples((PGresult *)(uintptr_t)result);
    if (with_rows) {
        if (r->list == NULL)
            r->list = host->list_new();
        const struct weir_value *list = host->build(&r->list);
        host->map_set(map, WEIR_TEXT("rows"), &list);
    }
    const struct weir_value *count =
        host->integer(affected[0] != '\0' ? strtoll(affected, NULL, 10) : (int64_t)r->count);
    host->map_set(map, WEIR_TEXT("count"), &count);
    size_t len = strcspn(tag, "0123456789");
    while (len > 0 && tag[len - 1] == ' ')
        len--;
    set_text(map, WEIR_TEXT("command"), tag, len);
    return host->build(&map);
}

const struct weir_value *
rows_end(struct rows *r, enum shape shape, const PGresult *result)
{
    const struct weir_value *output;
    if (shape == ROWS_LIST || shape == ROWS_NONE)
        output = summary(r, shape == ROWS_LIST, result);
    else
        output = r->first != NULL ? host->ref(r->first) : host->null();
    rows_drop(r);
    return output;
}

/* -- errors -- */

static void
set_field(struct weir_builder *map, struct weir_text key, const PGresult *result, int field)
{
    const char *text = pq.PQresultErrorField(result, field);
    if (text != NULL)
        set_text(map, key, text, strlen(text));
}

/* { sqlstate, message, ... }: not the server's own DETAIL and CONTEXT, which quote rows. */
static const struct weir_value *
detail_of(const PGresult *result, const char *sqlstate, const char *message)
{
    struct weir_builder *map = host->map_new();
    set_text(map, WEIR_TEXT("sqlstate"), sqlstate, strlen(sqlstate));
    set_text(map, WEIR_TEXT("message"), message, strlen(message));
    set_field(map, WEIR_TEXT("schema"), result, PG_DIAG_SCHEMA_NAME);
    set_field(map, WEIR_TEXT("table"), result, PG_DIAG_TABLE_NAME);
    set_field(map, WEIR_TEXT("column"), result, PG_DIAG_COLUMN_NAME);
    set_field(map, WEIR_TEXT("constraint"), result, PG_DIAG_CONSTRAINT_NAME);
    if (strncmp(sqlstate, "42", 2) == 0) {
        set_field(map, WEIR_TEXT("hint"), result, PG_DIAG_MESSAGE_HINT);
        const char *position = pq.PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
        const struct weir_value *at =
            position ? host->integer(strtoll(position, NULL, 10)) : NULL;
        if (at != NULL)
            host->map_set(map, WEIR_TEXT("position"), &at);
    }
    return host->build(&map);
}

bool
result_error(const PGresult *result, struct weir_error *err)
{
    char text[400];
    const char *sqlstate = pq.PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = pq.PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *severity = pq.PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (sqlstate == NULL || message == NULL) { /* libpq's own: the connection is no more */
        err->sent = 1;
        (void)refuse(err, WEIR_UNAVAILABLE, "the connection to the database broke off");
        return true;
    }
    struct pg_meaning means = pg_meaning(sqlstate);
    pg_message(sqlstate, message, text, sizeof text);
    err->status = means.status;
    host->unref(&err->detail);
    err->detail = detail_of(result, sqlstate, text);
    (void)refuse(err, means.code, "%s (SQLSTATE %s)", text, sqlstate);
    err->sent = severity == NULL || strcmp(severity, "ERROR") != 0;
    return err->sent || strcmp(sqlstate, "25006") == 0;
}
