/* store/migrate.c - the schema of the file, and how an older one becomes it.
 *
 * Tables:
 *   jobs      one row a job, small: what changes with its state. Events are kept apart, because
 *             SQLite writes a whole row again when one of its numbers changes.
 *   attempts  those that failed or left a trace; the latest one's times are in jobs.
 *   steps     records of jobs that are not completed, or whose pipeline keeps all (durable: steps); n gives
 *             their order. begun is an enum record_kind; until_ms and token belong to waits.
 *   once      idempotency keys, as digests, and the id of the job that each made: a key may
 *             outlive its job.
 *   marks     numbers under names, with the time when they were last set, such as the time for which a schedule has fired last.
 *   batches   bulk replays; batch_items the jobs of each, by their number (which gives the order)
 *             and their identity (which stays right when the job was taken away).
 *   revisions texts of pipelines, for jobs that began with them, and for replays.
 *   batch_pipelines  the pipelines of a batch's jobs.
 *   incidents the kinds of failures that were told of, and when a job last failed so.
 *   pauses    pipelines whose jobs are held; key is empty, or the one key that is.
 *   counts    jobs by pipeline and state, because counting a million rows takes a second; under state 0 (and no
 *             pipeline) the bytes of the payloads of jobs that are over, which are the sum of their jobs.bytes.
 *
 * Indexes hold only what is looked up, so that a job that runs at once and completes costs
 * little: jobs_open all that is not completed, jobs_due what waits for a place or a time, jobs_due_keys
 * those of it that need the place of a key,
 * jobs_held what is paused, jobs_dead what is grouped into incidents, jobs_line what stands in line
 * behind jobs of the same order key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "store/impl.h"

/* "weir", for file(1) and for whoever opens the wrong file. */
#define APPLICATION "2003134834"

/* migrations[N] makes schema N + 1 of schema N. One that was released is never changed. */
static const char *const migrations[STORE_SCHEMA] = {
    "CREATE TABLE jobs("
    " seq INTEGER PRIMARY KEY,"
    " id BLOB NOT NULL UNIQUE,"
    " pipeline TEXT NOT NULL,"
    " revision TEXT,"
    " state INTEGER NOT NULL,"
    " reason INTEGER,"
    " attempt INTEGER NOT NULL DEFAULT 0,"
    " crashes INTEGER NOT NULL DEFAULT 0,"
    " owner INTEGER,"
    " stepped INTEGER NOT NULL DEFAULT 0,"
    " created_ms INTEGER NOT NULL,"
    " updated_ms INTEGER NOT NULL,"
    " started_ms INTEGER,"
    " due_ms INTEGER,"
    " keep_ms INTEGER,"
    " payload_keep_ms INTEGER,"
    " bytes INTEGER NOT NULL DEFAULT 0,"
    " key TEXT,"
    " code INTEGER,"
    " node TEXT,"
    " message TEXT,"
    " fingerprint TEXT,"
    " replay_of BLOB,"
    " superseded_by BLOB);"
    "CREATE INDEX jobs_open ON jobs(state) WHERE state <> 7;"
    "CREATE INDEX jobs_due ON jobs(pipeline, due_ms) WHERE state IN (1, 2, 6);"
    "CREATE INDEX jobs_held ON jobs(pipeline, key) WHERE state = 3;"
    "CREATE INDEX jobs_dead ON jobs(fingerprint, updated_ms)"
    " WHERE state = 8 AND superseded_by IS NULL;"
    "CREATE TABLE events(job INTEGER PRIMARY KEY, event BLOB NOT NULL);"
    "CREATE TABLE results(job INTEGER PRIMARY KEY, result BLOB NOT NULL);"
    "CREATE TABLE attempts("
    " job INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL,"
    " started_ms INTEGER,"
    " ended_ms INTEGER,"
    " code INTEGER,"
    " node TEXT,"
    " message TEXT,"
    " trace BLOB,"
    " PRIMARY KEY(job, attempt)) WITHOUT ROWID;"
    "CREATE TABLE steps("
    " n INTEGER PRIMARY KEY,"
    " job INTEGER NOT NULL,"
    " path TEXT NOT NULL,"
    " begun INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL,"
    " code INTEGER,"
    " node TEXT,"
    " message TEXT,"
    " output BLOB,"
    " UNIQUE(job, path));"
    "CREATE TABLE once("
    " key BLOB PRIMARY KEY,"
    " content BLOB NOT NULL,"
    " job BLOB NOT NULL,"
    " until_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX once_until ON once(until_ms);"
    "CREATE TABLE audit("
    " n INTEGER PRIMARY KEY AUTOINCREMENT,"
    " at_ms INTEGER NOT NULL,"
    " who TEXT NOT NULL,"
    " what TEXT NOT NULL,"
    " job BLOB,"
    " why TEXT,"
    " before TEXT,"
    " after TEXT,"
    " replay BLOB,"
    " batch BLOB,"
    " pipeline TEXT,"
    " key TEXT);"
    "CREATE TABLE batches("
    " n INTEGER PRIMARY KEY,"
    " id BLOB NOT NULL UNIQUE,"
    " state INTEGER NOT NULL,"
    " open INTEGER NOT NULL,"
    " why TEXT,"
    " filter BLOB NOT NULL,"
    " plan TEXT NOT NULL,"
    " who TEXT NOT NULL,"
    " reason TEXT,"
    " created_ms INTEGER NOT NULL,"
    " updated_ms INTEGER NOT NULL,"
    " ended_ms INTEGER,"
    " rate INTEGER,"
    " per_ms INTEGER,"
    " next_us INTEGER,"
    " concurrency INTEGER NOT NULL,"
    " canary INTEGER,"
    " canary_over INTEGER,"
    " stop_on_failures INTEGER,"
    " forgiven INTEGER,"
    " pending INTEGER,"
    " made INTEGER,"
    " completed INTEGER,"
    " dead INTEGER,"
    " cancelled INTEGER,"
    " skipped INTEGER);"
    "CREATE INDEX batches_open ON batches(n) WHERE open = 1;"
    "CREATE TABLE batch_items("
    " batch INTEGER NOT NULL,"
    " job INTEGER NOT NULL,"
    " id BLOB NOT NULL,"
    " state INTEGER NOT NULL,"
    " replay BLOB,"
    " why TEXT,"
    " PRIMARY KEY(batch, job)) WITHOUT ROWID;"
    "CREATE INDEX batch_items_open ON batch_items(batch, state, job) WHERE state IN (1, 2);"
    "CREATE INDEX batch_items_pending ON batch_items(id) WHERE state = 1;"
    "CREATE TABLE pauses("
    " pipeline TEXT NOT NULL,"
    " key TEXT NOT NULL,"
    " at_ms INTEGER NOT NULL,"
    " who TEXT NOT NULL,"
    " reason TEXT,"
    " PRIMARY KEY(pipeline, key)) WITHOUT ROWID;"
    "CREATE TABLE marks(name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE counts(state INTEGER PRIMARY KEY, n INTEGER NOT NULL);"
    "INSERT INTO counts(state, n) VALUES (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, "
    "0),"
    " (8, 0), (9, 0), (10, 0);"
    "PRAGMA application_id = " APPLICATION ";",
    /* 2: waits, and the texts of pipelines */
    "ALTER TABLE steps ADD COLUMN until_ms INTEGER;"
    "ALTER TABLE steps ADD COLUMN token TEXT;"
    "CREATE TABLE revisions("
    " pipeline TEXT NOT NULL,"
    " revision TEXT NOT NULL,"
    " file TEXT NOT NULL,"
    " text BLOB NOT NULL,"
    " at_ms INTEGER NOT NULL,"
    " PRIMARY KEY(pipeline, revision)) WITHOUT ROWID;"
    "CREATE INDEX revisions_at ON revisions(at_ms);"
    "DROP INDEX jobs_due;"
    "CREATE INDEX jobs_due ON jobs(pipeline, due_ms) WHERE state IN (1, 2, 5, 6);",
    /* 3: orders to what runs, and edited events */
    "ALTER TABLE jobs ADD COLUMN cancelling INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE jobs ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE jobs ADD COLUMN root BLOB;"
    "UPDATE jobs SET root = replay_of WHERE replay_of IS NOT NULL;"
    "CREATE TABLE batch_pipelines("
    " batch INTEGER NOT NULL,"
    " pipeline TEXT NOT NULL,"
    " PRIMARY KEY(batch, pipeline)) WITHOUT ROWID;"
    "INSERT INTO batch_pipelines SELECT DISTINCT i.batch, j.pipeline"
    " FROM batch_items i JOIN jobs j ON j.seq = i.job;"
    "CREATE TABLE incidents("
    " fingerprint TEXT PRIMARY KEY,"
    " last_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX incidents_last ON incidents(last_ms);"
    "ALTER TABLE marks ADD COLUMN at_ms INTEGER NOT NULL DEFAULT 0;"
    "UPDATE marks SET at_ms = unixepoch() * 1000;"
    "ALTER TABLE jobs ADD COLUMN order_key TEXT;"
    "ALTER TABLE jobs ADD COLUMN place INTEGER;"
    "ALTER TABLE jobs ADD COLUMN hold INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX jobs_line ON jobs(pipeline, order_key, place) WHERE place IS NOT NULL;"
    "INSERT INTO counts(state, n) VALUES (11, 0);",
    /* 4: the same rows, by comparisons: for a list of more than two SQLite makes a table of its own at
     * each change of a job, which was more than half of the writer's instructions */
    "DROP INDEX jobs_due;"
    "CREATE INDEX jobs_due ON jobs(pipeline, due_ms) WHERE " JOBS_DUE ";",
    /* 5: when a step began, its tries and its effect */
    "ALTER TABLE steps ADD COLUMN started_ms INTEGER;"
    "ALTER TABLE steps ADD COLUMN tries INTEGER;"
    "ALTER TABLE steps ADD COLUMN effect INTEGER;",
    /* 6: how many of its crashes came from outside */
    "ALTER TABLE jobs ADD COLUMN outside INTEGER NOT NULL DEFAULT 0;",
    /* 7: from key to key, where many jobs of one have no place */
    "CREATE INDEX jobs_due_keys ON jobs(pipeline, key, due_ms) WHERE " JOBS_DUE_KEYS ";"
    /* and jobs are counted by pipeline */
    "ALTER TABLE counts RENAME TO counts_before;"
    "CREATE TABLE counts("
    " id INTEGER PRIMARY KEY,"
    " pipeline TEXT NOT NULL,"
    " state INTEGER NOT NULL,"
    " n INTEGER NOT NULL);"
    "INSERT INTO counts(pipeline, state, n) SELECT '', 0, n FROM counts_before WHERE state = 0;"
    "INSERT INTO counts(pipeline, state, n) SELECT pipeline, state, count(*) FROM jobs GROUP BY pipeline, state;"
    "DROP TABLE counts_before;",
};

/* The number that a statement of one row answers. */
static int64_t
number(struct db *db, const char *sql)
{
    sqlite3_stmt *s = db_make(db, sql);
    int64_t n = db_row(db, s) ? (int64_t)column_number(s, 0) : 0;
    sqlite3_finalize(s);
    return n;
}

static enum weir_code
check(struct db *db, int64_t version, struct weir_error *err)
{
    if (version > STORE_SCHEMA)
        return err_set(err, WEIR_INVALID,
                       "%s was written by a newer weir (schema %lld, this one knows %d)",
                       db->path, (long long)version, STORE_SCHEMA);
    if (version < 0 || (version == 0 && number(db, "SELECT count(*) FROM sqlite_schema") > 0))
        return err_set(err, WEIR_INVALID, "%s is a database of another program", db->path);
    if (number(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode") == 0)
        return err_set(err, WEIR_UNAVAILABLE,
                       "%s can't be written through a WAL; its file system must be a local one",
                       db->path);
    return WEIR_OK;
}

/* The error of the connection, or CODE. */
static enum weir_code
ended(struct db *db, enum weir_code code, struct weir_error *err)
{
    if ((db->rc & 0xff) == SQLITE_NOTADB)
        return err_set(err, WEIR_INVALID, "%s is no SQLite database", db->path);
    return db->rc == SQLITE_OK ? code : db_failed(db, err);
}

enum weir_code
store_migrate(struct db *db, struct weir_error *err)
{
    int64_t version = number(db, "PRAGMA user_version");
    enum weir_code code = ended(db, WEIR_OK, err);
    if (code == WEIR_OK)
        code = ended(db, check(db, version, err), err);
    if (code != WEIR_OK || version == STORE_SCHEMA)
        return code;

    char last[64];
    snprintf(last, sizeof(last), "PRAGMA user_version = %d", STORE_SCHEMA);
    db_exec(db, "BEGIN IMMEDIATE");
    for (int64_t i = version; i < STORE_SCHEMA; i++)
        db_exec(db, migrations[i]);
    db_exec(db, last);
    db_exec(db, "COMMIT");
    store_check_lost(db);
    code = ended(db, WEIR_OK, err);
    db_rollback(db);
    return code;
}
