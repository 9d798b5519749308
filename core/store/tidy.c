/* store/tidy.c - see retention.h: removing jobs that are neighbours by one statement a table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/clock.h"
#include "store/retention.h"

enum { RUN_JOBS = 128, RUN_BYTES = 1 << 20 };

void
tidy_begin(struct tidy *t, struct store *s, uint64_t now_ms, uint64_t deadline_ns)
{
    *t = (struct tidy){ .w = { .store = s, .db = &s->writes, .now_ms = now_ms },
                        .deadline_ns = deadline_ns };
    s->ended_bytes = 0;
    tally_clear(s->tally);
    /* A removal that is lost with the machine is done again: so no piece waits for the disk.
     * The next commit of a batch syncs the WAL as a whole. */
    db_exec(t->w.db, "PRAGMA synchronous = NORMAL");
    db_run(t->w.db, db_use(t->w.db, SQL_BEGIN));
}

static void
run_range(struct tidy *t, enum sql which)
{
    sqlite3_stmt *s = db_use(t->w.db, which);
    sqlite3_bind_int64(s, 1, t->first);
    sqlite3_bind_int64(s, 2, t->last);
    db_run(t->w.db, s);
}

static void
forget_run(struct tidy *t)
{
    t->verdict = TIDY_KEEP;
    t->n = t->bytes = 0;
    memset(t->by_state, 0, sizeof(t->by_state));
}

void
tidy_flush(struct tidy *t)
{
    bool remove = t->verdict == TIDY_REMOVE;
    if (t->n == 0)
        return;
    run_range(t, SQL_TIDY_EVENTS);
    run_range(t, SQL_TIDY_RESULTS);
    run_range(t, SQL_TIDY_STEPS);
    run_range(t, remove ? SQL_TIDY_ATTEMPTS : SQL_TIDY_TRACES);
    run_range(t, remove ? SQL_TIDY_JOBS : SQL_TIDY_EMPTY);
    t->w.moved[0] -= (int64_t)t->bytes;
    for (unsigned i = 1; remove && i < STORE_STATES; i++)
        t->w.moved[i] -= (int64_t)t->by_state[i];
    t->removed[remove ? STORE_REMOVED_JOBS : STORE_REMOVED_PAYLOADS] += t->n;
    forget_run(t);
}

bool
tidy_row(struct tidy *t, const struct tidy_row *row, enum tidy_verdict verdict)
{
    if (verdict != t->verdict || t->n >= RUN_JOBS || t->bytes + row->bytes > RUN_BYTES)
        tidy_flush(t);
    if (verdict != TIDY_KEEP) {
        t->verdict = verdict;
        t->first = t->n == 0 ? row->seq : t->first;
        t->last = row->seq;
        t->n++;
        t->bytes += row->bytes;
        t->by_state[row->state < STORE_STATES ? row->state : 0]++;
        if (verdict == TIDY_REMOVE)
            tally_move(t->w.store->tally, row->pipeline, row->state, 0, 1);
        if (t->bytes > RUN_BYTES)
            tidy_flush(t);
    }
    return clock_mono_ns() < t->deadline_ns;
}

/* The piece is in the WAL. */
static void
count_removed(struct tidy *t)
{
    struct store_stats *stats = &t->w.store->stats;
    for (unsigned i = 0; i < STORE_STATES; i++)
        __atomic_add_fetch(&stats->jobs[i], (uint64_t)t->w.moved[i], __ATOMIC_RELAXED);
    for (unsigned i = 0; i < STORE_REMOVALS; i++)
        __atomic_add_fetch(&stats->removed[i], t->removed[i], __ATOMIC_RELAXED);
    tally_committed(t->w.store->tally);
}

bool
tidy_end(struct tidy *t)
{
    struct db *db = t->w.db;
    tidy_flush(t);
    store_count(&t->w);
    db_run(db, db_use(db, SQL_COMMIT));
    if (db->rc == SQLITE_OK)
        count_removed(t);
    return db->rc == SQLITE_OK;
}
