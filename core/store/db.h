/* store/db.h - a connection to the file, with its statements. It belongs to one thread.
 *
 * An error sticks: what follows it does nothing, until db_clear. So a sequence of statements is
 * written without a check at each, and whoever began it looks at RC once at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <sqlite3.h>

#include "base/err.h"
#include "store/sql.h"

struct db {
    sqlite3 *handle;
    const char *path; /* borrowed */
    int rc;           /* the first error, as SQLite's extended code; SQLITE_OK */
    int system_error; /* errno of it, or 0 */
    int frames;       /* pages in the WAL, as of the last commit */
    int checkpointed; /* as of the last checkpoint */
    sqlite3_stmt *kept[SQL_STATEMENTS];
};

/* Opens PATH (which lives as long as DB) for reading and WRITES. WEIR_INVALID: no database;
 * WEIR_UNAVAILABLE: it can't be opened. DB can be closed in any case. */
enum weir_code db_open(struct db *db, const char *path, bool writes,
                       struct weir_error *err) MUST_USE;

/* Closes what is open. */
void db_close(struct db *db);

/* A kept statement, ready for its parameters. */
sqlite3_stmt *db_use(struct db *db, enum sql which);

/* One that is not kept: end it with sqlite3_finalize. NULL (after an error) is harmless. */
sqlite3_stmt *db_make(struct db *db, const char *sql);

/* Steps to the next row. False: there is none, or an error; then S is reset. Who stops before
 * calls sqlite3_reset. */
bool db_row(struct db *db, sqlite3_stmt *s);

/* Runs S to its end; how many rows it has changed. */
int db_run(struct db *db, sqlite3_stmt *s);

/* Runs some statements without parameters. */
void db_exec(struct db *db, const char *sql);

/* Ends a transaction without effect, if one is open, and forgets the error. */
void db_rollback(struct db *db);

/* Forgets the error. */
void db_clear(struct db *db);

/* Fills ERR from RC: WEIR_UNAVAILABLE, or WEIR_TIMEOUT for what was interrupted. */
enum weir_code db_failed(const struct db *db, struct weir_error *err);

/* Whether RC says that an fsync failed: nothing is known of what is on the disk. */
bool db_lost(const struct db *db);

/* Binds a text that stays as it is until S has run; an empty one is NULL. */
void bind_text(sqlite3_stmt *s, int at, struct weir_text text);
/* The same for bytes; empty ones are an empty blob. */
void bind_blob(sqlite3_stmt *s, int at, struct weir_text bytes);
/* Binds a number; 0 is NULL. */
void bind_number(sqlite3_stmt *s, int at, uint64_t number);

/* A column's bytes, borrowed until S goes on. */
struct weir_text column_text(sqlite3_stmt *s, int at);
/* A column's number; 0 for NULL. */
uint64_t column_number(sqlite3_stmt *s, int at);

#endif
