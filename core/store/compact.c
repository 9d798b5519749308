/* store/compact.c - giving back to the file system what is free in the file, in pieces, while
 * the store is at work. docs/decisions/0005 says why so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "store/retention.h"
#include "store/task.h"

bool
compact_wanted(const struct store *s)
{
    return task_runs(s->task, TASK_COMPACT);
}

struct pages {
    uint64_t all;
    uint64_t unused;
    uint64_t size;
};

static struct pages
read_pages(struct db *db)
{
    struct pages p = { 0 };
    sqlite3_stmt *s = db_use(db, SQL_PAGES);
    if (db_row(db, s))
        p = (struct pages){ column_number(s, 0), column_number(s, 1), column_number(s, 2) };
    sqlite3_reset(s);
    return p;
}

/* The file ends where its last page is as soon as the whole WAL is in it. */
static void
finish(struct store *s, const struct weir_error *err)
{
    db_exec(&s->writes, "PRAGMA synchronous = FULL");
    store_checkpoint(s, false);
    task_over(s->task, err);
}

bool
compact_piece(struct store *s, uint64_t deadline_ns)
{
    struct db *db = &s->writes;
    struct weir_error err;
    if (!compact_wanted(s))
        return false;
    db_exec(db, "PRAGMA synchronous = NORMAL");
    struct pages before = read_pages(db), now = before;
    while (now.unused > 0 && db->rc == SQLITE_OK && clock_mono_ns() < deadline_ns) {
        uint64_t unused = now.unused;
        db_exec(db, "PRAGMA incremental_vacuum(16)");
        now = read_pages(db);
        if (now.unused == unused && db->rc == SQLITE_OK) {
            (void)err_set(&err, WEIR_CONFLICT,
                          "%s was made without a map of its pages: only a "
                          "backup that is made anew is smaller",
                          s->path);
            finish(s, &err);
            return true;
        }
    }
    if (db->rc != SQLITE_OK) {
        (void)db_failed(db, &err);
        task_over(s->task, &err);
        return true;
    }
    uint64_t done = s->task->done + (before.unused - now.unused) * now.size;
    task_at(s->task, done, done + now.unused * now.size);
    if (now.unused == 0)
        finish(s, NULL);
    return true;
}
