/* store/recover.c - what the process before has left behind.
 *
 * Only one process has the file, so that a job which is RUNNING now was cut: by a crash, a
 * kill, or a power cut. Some whole-table statements do it, because there may be thousands.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/batch.h"
#include "store/bulk.h"
#include "store/impl.h"
#include "store/job.h"

#define ENDED "the process ended while it ran"

/* fingerprint(pipeline, node, code, message), for statements. */
static void
sql_fingerprint(sqlite3_context *c, int n, sqlite3_value **values)
{
    (void)n;
    struct weir_text texts[4];
    for (int i = 0; i < 4; i++) {
        const char *bytes = sqlite3_value_blob(values[i]);
        texts[i] = bytes == NULL
                       ? TEXT("")
                       : (struct weir_text){ bytes, (size_t)sqlite3_value_bytes(values[i]) };
    }
    struct job_failure f = { .code = (uint32_t)sqlite3_value_int(values[2]),
                             .node = texts[1],
                             .message = texts[3] };
    char fingerprint[JOB_FINGERPRINT];
    job_fingerprint(texts[0], &f, fingerprint);
    sqlite3_result_text(c, fingerprint, -1, SQLITE_TRANSIENT);
}

/* ended(bytes): counts the payload of a job that is over from now on, and gives it back. */
static void
sql_ended(sqlite3_context *c, int n, sqlite3_value **values)
{
    (void)n;
    struct store *s = sqlite3_user_data(c);
    int64_t bytes = sqlite3_value_int64(values[0]);
    s->ended_bytes += bytes;
    sqlite3_result_int64(c, bytes);
}

/* completed(bytes, pipeline): the same of one that runs and is completed, which is counted. */
static void
sql_completed(sqlite3_context *c, int n, sqlite3_value **values)
{
    struct store *s = sqlite3_user_data(c);
    const char *pipeline = sqlite3_value_blob(values[1]);
    tally_move(s->tally, (struct weir_text){ pipeline, (size_t)sqlite3_value_bytes(values[1]) }, JOB_RUNNING,
               JOB_COMPLETED, 1);
    sql_ended(c, n, values);
}

/* Makes jobs dead that were cut, for REASON: returns how many. */
static int
kill_jobs(struct writing *w, enum sql which, enum job_reason reason, struct weir_text message,
          unsigned crashes_max)
{
    sqlite3_stmt *s = db_use(w->db, which);
    bind_number(s, 1, reason);
    bind_number(s, 2, WEIR_INTERNAL);
    bind_text(s, 3, message);
    if (which == SQL_CUT_TOO_OFTEN)
        bind_number(s, 4, crashes_max);
    int n = db_run(w->db, s);
    w->moved[JOB_DEAD] += n;
    w->moved[JOB_RUNNING] -= n;
    return n;
}

/* Ends jobs that were cut while they were being cancelled. */
static int
cancel_jobs(struct writing *w)
{
    sqlite3_stmt *s = db_use(w->db, SQL_CUT_CANCELLED);
    bind_number(s, 2, WEIR_CANCELLED);
    bind_text(s, 3, TEXT(ENDED " and was being cancelled"));
    int n = db_run(w->db, s);
    w->moved[JOB_CANCELLED] += n;
    w->moved[JOB_RUNNING] -= n;
    return n;
}

/* The jobs that ran when the process before ended. */
struct cut {
    int64_t *seqs;
    size_t n, room;
};

static void
cut_list(struct db *db, struct cut *cut)
{
    sqlite3_stmt *s = db_use(db, SQL_RUNNING);
    while (db_row(db, s)) {
        if (cut->n == cut->room) {
            cut->room = cut->room > 0 ? 2 * cut->room : 256;
            cut->seqs = reallocarray(cut->seqs, cut->room, sizeof(*cut->seqs));
            if (cut->seqs == NULL)
                abort();
        }
        cut->seqs[cut->n++] = (int64_t)column_number(s, 0);
    }
}

/* Counts by pipeline what has become of them. */
static void
cut_tally(struct writing *w, struct cut *cut)
{
    sqlite3_stmt *s = db_use(w->db, SQL_STATE_OF);
    for (size_t i = 0; i < cut->n; i++) {
        sqlite3_bind_int64(s, 1, cut->seqs[i]);
        if (db_row(w->db, s))
            tally_move(w->store->tally, column_text(s, 0), JOB_RUNNING, (unsigned)column_number(s, 1), 1);
        sqlite3_reset(s);
    }
    free(cut->seqs);
}

/* Notes that an attempt was cut at each job that ran: returns how many. */
static int
count_cut(struct writing *w)
{
    bool outside = w->store->from_outside;
    sqlite3_stmt *s = db_use(w->db, SQL_CUT_ATTEMPTS);
    bind_number(s, 1, w->now_ms);
    bind_number(s, 2, WEIR_INTERNAL);
    bind_text(s, 3, outside ? TEXT("the process was ended from outside while it ran") : TEXT(ENDED));
    int cut = db_run(w->db, s);
    s = db_use(w->db, SQL_CUT_COUNTED);
    bind_number(s, 1, w->now_ms);
    sqlite3_bind_int(s, 2, outside);
    db_run(w->db, s);
    return cut;
}

/* Jobs that were cut begin again: returns how many. One that was cut again and again is given time, longer
 * each time: an end that comes by chance meets other jobs then. */
static int
set_due(struct writing *w, enum sql which, enum job_state state)
{
    sqlite3_stmt *s = db_use(w->db, which);
    bind_number(s, 1, w->now_ms);
    int n = db_run(w->db, s);
    w->moved[state] += n;
    w->moved[JOB_RUNNING] -= n;
    return n;
}

/* All in one transaction. An unsafe step that was cut is said first: whoever replays the job
 * has to know of it, however often it had crashed before. */
static void
take_up(struct writing *w)
{
    struct db *db = w->db;
    struct cut ran = { .n = 0 };
    cut_list(db, &ran);
    sqlite3_stmt *s = db_use(db, SQL_CUT_WAITING);
    bind_number(s, 1, w->now_ms);
    int waiting = db_run(db, s);
    w->moved[JOB_READY] += waiting;
    w->moved[JOB_RUNNING] -= waiting;
    int cut = count_cut(w);
    if (cut == 0 && waiting == 0) {
        free(ran.seqs); /* there are some only if the connection has failed */
        return;
    }
    int dead = kill_jobs(w, SQL_CUT_UNSAFE, JOB_UNKNOWN_EFFECT_REASON,
                         TEXT(ENDED ", and nobody knows whether the step did its work"), 0);
    (void)cancel_jobs(w);
    dead += kill_jobs(w, SQL_CUT_TOO_OFTEN, JOB_CRASH_LOOP_REASON, TEXT(ENDED ", once too often"),
                      w->store->crashes_max);
    if (dead > 0)
        db_run(db, db_use(db, SQL_CUT_DEAD));
    int again = set_due(w, SQL_CUT_LATER, JOB_RETRYABLE) + set_due(w, SQL_CUT_READY, JOB_READY);
    cut_tally(w, &ran);
    lines_settle(w);
    pauses_hold(w);
    store_count(w);
    if (db->rc == SQLITE_OK)
        log_say(WEIR_WARN,
                "jobs that ran when the process before ended: %d; %d run again, %d are dead",
                cut + waiting, again + waiting, dead);
}

enum weir_code
store_recover(struct store *s, struct weir_error *err)
{
    struct db *db = &s->writes;
    struct writing w = { .store = s, .db = db, .now_ms = clock_wall_ms() };
    sqlite3_create_function(db->handle, "fingerprint", 4, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                            NULL, sql_fingerprint, NULL, NULL);
    sqlite3_create_function(db->handle, "ended", 1, SQLITE_UTF8, s, sql_ended, NULL, NULL);
    sqlite3_create_function(db->handle, "completed", 2, SQLITE_UTF8, s, sql_completed, NULL, NULL);
    bulk_attach(s->bulk, db);
    db_run(db, db_use(db, SQL_BEGIN));
    db_run(db, db_use(db, SQL_COUNTS_NONE));
    tally_load(s, db);
    take_up(&w);
    sqlite3_stmt *late = db_use(db, SQL_LATE_READY); /* the clock was put back since they were accepted */
    bind_number(late, 1, w.now_ms);
    db_run(db, late);
    batches_tidy(s, db, w.now_ms, true);
    db_run(db, db_use(db, SQL_COMMIT));
    store_check_lost(db);
    enum weir_code code = db->rc == SQLITE_OK ? WEIR_OK : db_failed(db, err);
    for (unsigned i = 0; i < STORE_STATES; i++)
        s->stats.jobs[i] += (uint64_t)w.moved[i];
    tally_committed(s->tally);
    db_rollback(db);
    return code;
}
