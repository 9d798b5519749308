/* store/besides.c - see retention.h: what goes that is no job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/clock.h"
#include "store/batch.h"
#include "store/retention.h"

/* Removes what WHICH finds before BEFORE_MS; false: there may be more. */
static bool
drop_old(struct tidy *t, enum sql which, uint64_t before_ms, enum store_removal what)
{
    int n;
    do {
        sqlite3_stmt *s = db_use(t->w.db, which);
        sqlite3_bind_int64(s, 1, (int64_t)before_ms);
        n = db_run(t->w.db, s);
        t->removed[what] += (uint64_t)n;
    } while (n > 0 && clock_mono_ns() < t->deadline_ns);
    return n == 0;
}

/* False: there may be more, as with all of these. */
static bool
drop_audit(struct tidy *t)
{
    uint64_t keep = t->w.store->keep.audit_ms;
    return keep == 0 || t->w.now_ms <= keep ||
           drop_old(t, SQL_TIDY_AUDIT, t->w.now_ms - keep, STORE_REMOVED_AUDIT);
}

/* Batches that are over, and marks that nobody moves any more. */
static bool
drop_batches(struct tidy *t)
{
    batches_tidy(t->w.store, t->w.db, t->w.now_ms, false);
    t->removed[STORE_REMOVED_MARKS] += (uint64_t)db_run(t->w.db, db_use(t->w.db, SQL_TIDY_MARKS));
    return true;
}

bool
besides_due(const struct besides *b)
{
    return memchr(b->due, true, sizeof(b->due)) != NULL;
}

void
besides_drop(struct besides *b, struct tidy *t)
{
    while (!b->due[b->kind % BESIDES_KINDS])
        b->kind++;
    bool *due = &b->due[b->kind++ % BESIDES_KINDS];
    switch ((b->kind - 1) % BESIDES_KINDS) {
    case BESIDES_KEYS:
        *due = !drop_old(t, SQL_TIDY_KEYS, t->w.now_ms, STORE_REMOVED_KEYS);
        break;
    case BESIDES_INCIDENTS:
        *due = !incidents_forget(t->w.store, t->w.db, t->w.now_ms);
        break;
    case BESIDES_BATCHES:
        *due = !drop_batches(t);
        break;
    default:
        *due = !drop_audit(t);
    }
}
