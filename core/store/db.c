/* store/db.c - see db.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/db.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "store/wal.h"

static const char *const texts[] = {
#define X(name, text) [SQL_##name] = text,
    STATEMENTS(X)
#undef X
};

static int
on_commit(void *arg, sqlite3 *handle, const char *name, int frames)
{
    struct db *db = arg;
    (void)handle;
    (void)name;
    db->frames = frames;
    return SQLITE_OK;
}

static void
set_up_once(void)
{
    /* Nobody reads SQLite's statistics of memory, and they cost a lock at each allocation. Too
     * late, if somebody used SQLite before: then they are kept. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* With a hook of its own for commits a connection makes no checkpoints: writer.c makes them,
 * and looks at their result, which SQLite would drop. */
static void
set_up(struct db *db, bool writes)
{
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, 200);
    db_exec(db, "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;");
    if (!writes)
        return;
    /* Of a new file only, and before anything is in it: then what is free can be given back in
     * pieces (compact.c). */
    db_exec(db, "PRAGMA auto_vacuum = INCREMENTAL;");
    /* What is removed is zeroed where that costs no write of a page. Some builds of SQLite would
     * write each freed page out: that is as much as was stored. */
    db_exec(db, "PRAGMA secure_delete = FAST;");
    db_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                "PRAGMA journal_size_limit = 67108864;");
    sqlite3_wal_hook(db->handle, on_commit, db);
}

enum weir_code
db_open(struct db *db, const char *path, bool writes, struct weir_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_once);
    *db = (struct db){ .path = path };
    int flags = writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    db->rc = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX,
                             writes ? wal_layer() : NULL);
    if (db->rc == SQLITE_OK)
        set_up(db, writes);
    if ((db->rc & 0xff) == SQLITE_NOTADB)
        return err_set(err, WEIR_INVALID, "%s is no SQLite database", path);
    return db->rc == SQLITE_OK ? WEIR_OK : db_failed(db, err);
}

void
db_close(struct db *db)
{
    for (unsigned i = 0; i < SQL_STATEMENTS; i++) {
        sqlite3_finalize(db->kept[i]);
        db->kept[i] = NULL;
    }
    int rc = sqlite3_close(db->handle);
    assert(rc == SQLITE_OK); /* else a statement is still open */
    db->handle = NULL;
}

/* Keeps the first error. */
static void
note(struct db *db, int rc)
{
    if (db->rc != SQLITE_OK)
        return;
    db->rc = rc;
    db->system_error = db->handle != NULL ? sqlite3_system_errno(db->handle) : 0;
}

sqlite3_stmt *
db_use(struct db *db, enum sql which)
{
    sqlite3_stmt **s = &db->kept[which];
    if (*s == NULL && db->rc == SQLITE_OK) {
        int rc = sqlite3_prepare_v3(db->handle, texts[which], -1, SQLITE_PREPARE_PERSISTENT, s,
                                    NULL);
        if (rc != SQLITE_OK)
            note(db, rc);
    }
    return *s;
}

sqlite3_stmt *
db_make(struct db *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    if (db->rc != SQLITE_OK)
        return NULL;
    int rc = sqlite3_prepare_v3(db->handle, sql, -1, 0, &s, NULL);
    if (rc != SQLITE_OK)
        note(db, rc);
    return s;
}

bool
db_row(struct db *db, sqlite3_stmt *s)
{
    if (db->rc != SQLITE_OK || s == NULL)
        return false;
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        return true;
    if (rc != SQLITE_DONE)
        note(db, rc);
    sqlite3_reset(s);
    return false;
}

int
db_run(struct db *db, sqlite3_stmt *s)
{
    while (db_row(db, s))
        continue;
    return db->rc == SQLITE_OK ? sqlite3_changes(db->handle) : 0;
}

void
db_exec(struct db *db, const char *sql)
{
    if (db->rc != SQLITE_OK)
        return;
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        note(db, rc);
}

void
db_rollback(struct db *db)
{
    /* SQLite ends a transaction by itself after some errors. The result of this one says
     * nothing that matters: what is not committed is gone. */
    if (db->handle != NULL && !sqlite3_get_autocommit(db->handle))
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    db_clear(db);
}

void
db_clear(struct db *db)
{
    db->rc = SQLITE_OK;
    db->system_error = 0;
}

/* What SQLite was about to do when the system refused it. */
static const char *
doing(int rc)
{
    switch (rc) {
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHORT_READ:
        return " (reading)";
    case SQLITE_IOERR_WRITE:
        return " (writing)";
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
        return " (fsync)";
    default:
        return "";
    }
}

enum weir_code
db_failed(const struct db *db, struct weir_error *err)
{
    switch (db->rc & 0xff) {
    case SQLITE_INTERRUPT:
        return err_set(err, WEIR_TIMEOUT, "that took too long; ask for less");
    case SQLITE_FULL:
        return err_set(err, WEIR_UNAVAILABLE, "%s: the disk is full", db->path);
    case SQLITE_BUSY:
        return err_set(err, WEIR_UNAVAILABLE, "%s is locked by another program", db->path);
    default:
        return err_set(err, WEIR_UNAVAILABLE, "%s: %s%s%s%s", db->path, sqlite3_errstr(db->rc),
                       doing(db->rc), db->system_error != 0 ? ": " : "",
                       db->system_error != 0 ? strerror(db->system_error) : "");
    }
}

bool
db_lost(const struct db *db)
{
    return db->rc == SQLITE_IOERR_FSYNC || db->rc == SQLITE_IOERR_DIR_FSYNC;
}

void
bind_text(sqlite3_stmt *s, int at, struct weir_text text)
{
    if (text.len == 0)
        sqlite3_bind_null(s, at);
    else
        sqlite3_bind_text64(s, at, text.bytes, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

void
bind_blob(sqlite3_stmt *s, int at, struct weir_text bytes)
{
    sqlite3_bind_blob64(s, at, bytes.len == 0 ? "" : bytes.bytes, bytes.len, SQLITE_STATIC);
}

void
bind_number(sqlite3_stmt *s, int at, uint64_t number)
{
    if (number == 0)
        sqlite3_bind_null(s, at);
    else
        sqlite3_bind_int64(s, at, (sqlite3_int64)number);
}

struct weir_text
column_text(sqlite3_stmt *s, int at)
{
    const void *bytes = sqlite3_column_blob(s, at);
    if (bytes == NULL)
        return (struct weir_text){ "", 0 };
    return (struct weir_text){ bytes, (size_t)sqlite3_column_bytes(s, at) };
}

uint64_t
column_number(sqlite3_stmt *s, int at)
{
    return (uint64_t)sqlite3_column_int64(s, at);
}
