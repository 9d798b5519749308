/* store/bulk_rows.c - what was collected, as SQLite reads it: the table "accepting" (a virtual one:
 * sqlite.org/vtab.html), and the functions ends() and ending(). See bulk.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "store/bulk.h"
#include "store/db.h"

/* The table. */
struct accepting {
    sqlite3_vtab base; /* SQLite's */
    const struct bulk *bulk;
};

struct cursor {
    sqlite3_vtab_cursor base; /* SQLite's */
    unsigned at;
};

/* Columns, in the order of the declaration. */
enum { SEQ, ID, PIPELINE, REVISION, OWNER, CREATED, STARTED, DUE, KEY, EVENT };

static const char declaration[] =
    "CREATE TABLE accepting(seq INTEGER, id BLOB, pipeline TEXT, revision TEXT, owner INTEGER,"
    " created_ms INTEGER, started_ms INTEGER, due_ms INTEGER, key TEXT, event BLOB)";

static int
connect_rows(sqlite3 *handle, void *arg, int argc, const char *const *argv, sqlite3_vtab **ret, char **error)
{
    (void)argc;
    (void)argv;
    (void)error;
    struct accepting *t = sqlite3_malloc(sizeof(*t));
    if (t == NULL)
        return SQLITE_NOMEM;
    *t = (struct accepting){ .bulk = arg };
    *ret = &t->base;
    return sqlite3_declare_vtab(handle, declaration);
}

static int
disconnect_rows(sqlite3_vtab *base)
{
    sqlite3_free(base);
    return SQLITE_OK;
}

/* There is one way to read it: from the first to the last. */
static int
plan_rows(sqlite3_vtab *base, sqlite3_index_info *info)
{
    (void)base;
    info->estimatedCost = BULK_MAX;
    info->estimatedRows = BULK_MAX;
    return SQLITE_OK;
}

static int
open_rows(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
    (void)base;
    struct cursor *c = sqlite3_malloc(sizeof(*c));
    if (c == NULL)
        return SQLITE_NOMEM;
    *c = (struct cursor){ .at = 0 };
    *ret = &c->base;
    return SQLITE_OK;
}

static int
close_rows(sqlite3_vtab_cursor *base)
{
    sqlite3_free(base);
    return SQLITE_OK;
}

static const struct bulk *
bulk_of(const sqlite3_vtab_cursor *base)
{
    return ((const struct accepting *)base->pVtab)->bulk;
}

static unsigned
at_of(const sqlite3_vtab_cursor *base)
{
    return ((const struct cursor *)base)->at;
}

/* Goes to the first one from AT on that is to be written. */
static int
go(sqlite3_vtab_cursor *base, unsigned at)
{
    const struct bulk *b = bulk_of(base);
    while (at < b->n_new && b->news[at].op == NULL)
        at++;
    ((struct cursor *)base)->at = at;
    return SQLITE_OK;
}

static int
first_row(sqlite3_vtab_cursor *base, int plan, const char *text, int argc, sqlite3_value **argv)
{
    (void)plan;
    (void)text;
    (void)argc;
    (void)argv;
    return go(base, 0);
}

static int
next_row(sqlite3_vtab_cursor *base)
{
    return go(base, at_of(base) + 1);
}

static int
is_behind(sqlite3_vtab_cursor *base)
{
    return at_of(base) >= bulk_of(base)->n_new;
}

static int
row_number(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
    *ret = at_of(base);
    return SQLITE_OK;
}

/* As bind_text and bind_number of db.h have it. */
static void
answer_text(sqlite3_context *c, struct weir_text text)
{
    if (text.len > 0)
        sqlite3_result_text64(c, text.bytes, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

static void
answer_number(sqlite3_context *c, uint64_t number)
{
    if (number > 0)
        sqlite3_result_int64(c, (sqlite3_int64)number);
}

static int
answer_column(sqlite3_vtab_cursor *base, sqlite3_context *c, int column)
{
    const struct bulk *b = bulk_of(base);
    const struct bulk_new *n = &b->news[at_of(base)];
    const struct job_accept *a = n->op;
    switch (column) {
    case SEQ:
        sqlite3_result_int64(c, n->seq);
        break;
    case ID:
        sqlite3_result_blob(c, n->id, JOB_ID, SQLITE_STATIC);
        break;
    case PIPELINE:
        answer_text(c, a->pipeline);
        break;
    case REVISION:
        answer_text(c, a->revision);
        break;
    case OWNER:
        answer_number(c, b->owner);
        break;
    case CREATED:
        sqlite3_result_int64(c, (sqlite3_int64)a->created_ms);
        break;
    case STARTED:
        answer_number(c, a->started_ms != 0 ? a->started_ms : a->created_ms);
        break;
    case DUE:
        answer_number(c, n->due_ms);
        break;
    case KEY:
        answer_text(c, a->key);
        break;
    case EVENT:
        sqlite3_result_blob64(c, a->event.len > 0 ? a->event.bytes : "", a->event.len, SQLITE_STATIC);
        break;
    }
    return SQLITE_OK;
}

static const sqlite3_module rows = {
    .xConnect = connect_rows,
    .xBestIndex = plan_rows,
    .xDisconnect = disconnect_rows,
    .xOpen = open_rows,
    .xClose = close_rows,
    .xFilter = first_row,
    .xNext = next_row,
    .xEof = is_behind,
    .xColumn = answer_column,
    .xRowid = row_number,
};

/* ends(seq, id, attempt, owner): whether that job, which runs, ends now. The jobs come by number. */
static void
sql_ends(sqlite3_context *c, int n, sqlite3_value **values)
{
    (void)n;
    struct bulk *b = sqlite3_user_data(c);
    int64_t seq = sqlite3_value_int64(values[0]);
    const void *id = sqlite3_value_blob(values[1]);
    bool right = sqlite3_value_bytes(values[1]) == JOB_ID && (uint64_t)sqlite3_value_int64(values[3]) == b->owner;
    while (b->at < b->n_ends && b->ends[b->at].seq < seq)
        b->at++;
    for (unsigned i = b->at; right && i < b->n_ends && b->ends[i].seq == seq; i++) {
        struct bulk_end *e = &b->ends[i];
        if (memcmp(e->id, id, JOB_ID) != 0 || e->op->attempt != (uint64_t)sqlite3_value_int64(values[2]))
            continue;
        e->done = true;
        b->at = i;
        sqlite3_result_int(c, 1);
        return;
    }
    sqlite3_result_int(c, 0);
}

/* ending(what): of the job that ends() has found last. */
static void
sql_ending(sqlite3_context *c, int n, sqlite3_value **values)
{
    (void)n;
    const struct bulk *b = sqlite3_user_data(c);
    const struct bulk_end *e = &b->ends[b->at];
    switch (sqlite3_value_int(values[0])) {
    case 1:
        answer_number(c, e->op->started_ms);
        break;
    case 2:
        sqlite3_result_int64(c, (sqlite3_int64)(e->op->ended_ms ? e->op->ended_ms : b->now_ms));
        break;
    case 3:
        answer_text(c, e->op->revision);
        break;
    case 4:
        answer_number(c, e->keep_ms);
        break;
    case 5:
        answer_number(c, e->op->payload_keep_ms);
        break;
    }
}

void
bulk_attach(struct bulk *b, struct db *db)
{
    int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
    sqlite3_create_module(db->handle, "accepting", &rows, b);
    sqlite3_create_function(db->handle, "ends", 4, flags, b, sql_ends, NULL, NULL);
    sqlite3_create_function(db->handle, "ending", 1, flags, b, sql_ending, NULL, NULL);
}
