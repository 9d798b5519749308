/* store/batch_gone.c - batches that go, and items that are not to be replayed any more: bit by bit,
 * since there may be a hundred thousand, and no commit should take long.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "store/batch.h"

enum {
    SOME = 512,           /* items at a time */
    OVER_MAX = 1000,      /* batches that are over, and are kept */
    OVER_ITEMS = 1000000, /* of all these */
    TIDY_BATCHES = 64
};

void
batch_forget(struct db *db, int64_t n)
{
    sqlite3_stmt *s = db_use(db, SQL_BATCH_GONE);
    sqlite3_bind_int64(s, 1, n);
    db_run(db, s);
}

bool
batch_id(struct db *db, int64_t n, uint8_t ret[JOB_ID])
{
    sqlite3_stmt *s = db_use(db, SQL_BATCH_ID);
    sqlite3_bind_int64(s, 1, n);
    bool found = db_row(db, s) && column_text(s, 0).len == JOB_ID;
    if (found)
        memcpy(ret, column_text(s, 0).bytes, JOB_ID);
    sqlite3_reset(s);
    return found;
}

void
batches_tidy(struct store *s, struct db *db, uint64_t now_ms, bool start)
{
    int64_t gone[TIDY_BATCHES];
    unsigned n = 0;
    uint64_t kept = 0, items = 0, keep_ms = s->keep.batches_ms;
    sqlite3_stmt *over = db_use(db, SQL_BATCH_OVER);
    while (db_row(db, over)) {
        bool making = column_number(over, 3) == BATCH_MAKING;
        uint64_t ended_ms = column_number(over, 1);
        if (making && !start)
            continue;
        kept += !making;
        items += column_number(over, 2);
        bool old = keep_ms > 0 && ended_ms + keep_ms < now_ms;
        if ((making || old || kept > OVER_MAX || items > OVER_ITEMS) && n < TIDY_BATCHES)
            gone[n++] = (int64_t)column_number(over, 0);
    }
    for (unsigned i = 0; i < n; i++)
        batch_forget(db, gone[i]);
    s->batches_due |= n > 0;
}

bool
batch_drop_some(struct writing *w, const struct batch *b)
{
    sqlite3_stmt *s = db_use(w->db, SQL_BATCH_DROP_ITEMS);
    sqlite3_bind_int64(s, 1, b->n);
    sqlite3_bind_int(s, 2, SOME);
    if (db_run(w->db, s) == SOME)
        return false;
    static const enum sql drops[] = { SQL_BATCH_DROP_PIPELINES, SQL_BATCH_DROP };
    for (unsigned i = 0; i < sizeof(drops) / sizeof(drops[0]); i++) {
        s = db_use(w->db, drops[i]);
        sqlite3_bind_int64(s, 1, b->n);
        db_run(w->db, s);
    }
    w->removed_batches++;
    return true;
}

bool
batch_cancel_some(struct writing *w, const struct batch *b)
{
    sqlite3_stmt *s = db_use(w->db, SQL_ITEMS_CANCEL);
    sqlite3_bind_int64(s, 1, b->n);
    sqlite3_bind_int(s, 2, SOME);
    return db_run(w->db, s) < SOME;
}
