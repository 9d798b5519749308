/* store/writing.c - a transaction of the writer: how it begins and ends, whoever fills it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/bulk.h"
#include "store/impl.h"

/* Whether the file has its maximal size: pages that are free in it don't count. */
static bool
has_no_room(struct store *s, struct db *db)
{
    if (s->max_size == 0)
        return false;
    sqlite3_stmt *stmt = db_use(db, SQL_PAGES);
    uint64_t used = 0;
    if (db_row(db, stmt))
        used = (column_number(stmt, 0) - column_number(stmt, 1)) * column_number(stmt, 2);
    sqlite3_reset(stmt);
    return used >= s->max_size;
}

void
writing_begin(struct writing *w)
{
    store_look_clock(w->store); /* before something is written by the new clock */
    w->now_ms = clock_wall_ms();
    memset(w->moved, 0, sizeof(w->moved));
    w->replays = 0;
    w->store->ended_bytes = 0;
    tally_clear(w->store->tally);
    bulk_clear(w->store->bulk);
    db_run(w->db, db_use(w->db, SQL_BEGIN));
    w->no_room = has_no_room(w->store, w->db);
    w->paused = pause_any(w->db);
}

/* Counts VALUE in the bucket whose bound is the first that is not less. */
static void
count_in(uint64_t *buckets, const double *bounds, unsigned n, double value)
{
    unsigned i = 0;
    while (i < n && value > bounds[i])
        i++;
    __atomic_add_fetch(&buckets[i], 1, __ATOMIC_RELAXED);
}

void
writing_batch_counted(struct store *s, uint64_t n)
{
    static const double bounds[STORE_N_BATCH_BOUNDS] = { STORE_BATCH_BOUNDS };
    __atomic_add_fetch(&s->stats.operations, n, __ATOMIC_RELAXED);
    if (n > s->stats.batch_max)
        __atomic_store_n(&s->stats.batch_max, n, __ATOMIC_RELAXED);
    count_in(s->stats.batches_by_size, bounds, STORE_N_BATCH_BOUNDS, (double)n);
}

void
writing_counted(const struct writing *w, uint64_t ns)
{
    static const double bounds[STORE_N_COMMIT_BOUNDS] = { STORE_COMMIT_BOUNDS };
    struct store_stats *stats = &w->store->stats;
    __atomic_add_fetch(&stats->commits, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&stats->commit_ns, ns, __ATOMIC_RELAXED);
    count_in(stats->commits_by_ns, bounds, STORE_N_COMMIT_BOUNDS, (double)ns / 1e9);
    if (w->replays > 0)
        __atomic_add_fetch(&stats->replays, w->replays, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < STORE_STATES; i++)
        if (w->moved[i] != 0)
            __atomic_add_fetch(&stats->jobs[i], (uint64_t)w->moved[i], __ATOMIC_RELAXED);
    tally_committed(w->store->tally);
}

bool
writing_end(struct writing *w, uint64_t start_ns)
{
    struct weir_error err;
    store_count(w);
    db_run(w->db, db_use(w->db, SQL_COMMIT));
    if (w->db->rc == SQLITE_OK) {
        writing_counted(w, clock_mono_ns() - start_ns);
        return true;
    }
    store_check_lost(w->db);
    (void)db_failed(w->db, &err);
    db_rollback(w->db);
    __atomic_add_fetch(&w->store->stats.failures, 1, __ATOMIC_RELAXED);
    log_say(WEIR_WARN, "batches of replays wait: %s", err.text);
    return false;
}
