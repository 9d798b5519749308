/* store/incident.c - failures of a kind that was not seen before, or not for a while.
 *
 * A kind is a fingerprint (job.h). That it was told of outlives the process. Who is silent for
 * INCIDENT_MS is forgotten, and so are the most silent ones if there are too many: then a kind may
 * be told of once more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "store/impl.h"
#include "store/job.h"

enum { INCIDENTS_MAX = 10000 };

/* When a job last failed so; 0: never, or it is forgotten. */
static uint64_t
last_time(struct db *db, const char *fingerprint)
{
    sqlite3_stmt *s = db_use(db, SQL_INCIDENT);
    bind_text(s, 1, text_of(fingerprint));
    uint64_t last_ms = db_row(db, s) ? column_number(s, 0) : 0;
    sqlite3_reset(s);
    return last_ms;
}

/* How many dead jobs there are that failed so, the one that is being written not yet. */
static unsigned
count_alike(struct db *db, const char *fingerprint)
{
    sqlite3_stmt *s = db_use(db, SQL_INCIDENT_ALIKE);
    bind_text(s, 1, text_of(fingerprint));
    unsigned n = db_row(db, s) ? (unsigned)column_number(s, 0) : 0;
    sqlite3_reset(s);
    return n;
}

static void
make_room(struct writing *w)
{
    struct store *s = w->store;
    if (++s->n_incidents <= INCIDENTS_MAX)
        return;
    int gone = db_run(w->db, db_use(w->db, SQL_INCIDENTS_MANY));
    s->n_incidents -= (uint64_t)gone < s->n_incidents ? (uint64_t)gone : s->n_incidents;
}

void
incident_note(struct writing *w, const char *fingerprint, struct job_incident *ret)
{
    uint64_t last_ms = last_time(w->db, fingerprint);
    *ret = (struct job_incident){ .is = last_ms + w->store->incident_ms <= w->now_ms };
    if (last_ms == 0)
        make_room(w);
    if (ret->is) {
        memcpy(ret->fingerprint, fingerprint, sizeof(ret->fingerprint));
        unsigned before = count_alike(w->db, fingerprint);
        ret->alike = before < 1000 ? before + 1 : 1000;
    }
    sqlite3_stmt *s = db_use(w->db, SQL_INCIDENT_SET);
    bind_text(s, 1, text_of(fingerprint));
    bind_number(s, 2, w->now_ms);
    db_run(w->db, s);
}

bool
incidents_forget(struct store *s, struct db *db, uint64_t now_ms)
{
    sqlite3_stmt *count = db_use(db, SQL_INCIDENTS_COUNT);
    s->n_incidents = db_row(db, count) ? column_number(count, 0) : 0;
    sqlite3_reset(count);
    sqlite3_stmt *gone = db_use(db, SQL_INCIDENTS_GONE);
    sqlite3_bind_int64(gone, 1, now_ms > s->incident_ms ? (int64_t)(now_ms - s->incident_ms) : 0);
    return db_run(db, gone) < 64;
}
