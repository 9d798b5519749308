/* store/sql_batch.h - the statements of batches and pauses: a part of sql.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_SQL_BATCH_H
#define STORE_SQL_BATCH_H

/* A batch as batch_row reads it. */
#define BATCH_COLUMNS                                                                   \
    "n, id, state, open, why, created_ms, updated_ms, ended_ms, rate, per_ms, next_us," \
    " concurrency, canary, canary_over, stop_on_failures, forgiven, pending, made,"     \
    " completed, dead, cancelled, skipped, who, reason, plan, filter"

/* The jobs that wait for a place or a time (states 1, 2, 5 and 6): the condition of the index jobs_due. */
#define JOBS_DUE "state < 7 AND state <> 3 AND state <> 4"
/* Those of them that have a key: the condition of jobs_due_keys. */
#define JOBS_DUE_KEYS "key IS NOT NULL AND " JOBS_DUE

#define BATCH_STATEMENTS(X)                                                                   \
    X(BATCH_MAKE, "INSERT INTO batches(id, state, open, filter, plan, who, reason,"           \
                  " created_ms, updated_ms, rate, per_ms, next_us, concurrency, canary,"      \
                  " stop_on_failures) VALUES(?1, 5, 1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9,"   \
                  " ?10, ?11, ?12)")                                                          \
    X(BATCH_PIPELINE, "INSERT OR IGNORE INTO batch_pipelines(batch, pipeline)"                \
                      " SELECT ?1, pipeline FROM jobs WHERE seq = ?2")                        \
    X(LAST_JOB, "SELECT max(seq) FROM jobs")                                                  \
    X(ITEM_ADD, "INSERT INTO batch_items(batch, job, id, state) VALUES(?1, ?2, ?3, 1)")       \
    X(BATCH_ID, "SELECT id FROM batches WHERE n = ?1")                                        \
    X(BATCH_GONE, "UPDATE batches SET state = 6, open = 1 WHERE n = ?1")                      \
    X(BATCH_OVER, "SELECT n, ended_ms, COALESCE(pending, 0) + COALESCE(made, 0)"              \
                  " + COALESCE(completed, 0) + COALESCE(dead, 0) + COALESCE(cancelled, 0)"    \
                  " + COALESCE(skipped, 0), state FROM batches"                               \
                  " WHERE state = 5 OR (open = 0 AND state IN (3, 4)) ORDER BY n DESC")       \
    X(BATCH_TRIP, "SELECT " BATCH_COLUMNS " FROM batches b INDEXED BY batches_open"           \
                  " WHERE open = 1 AND state = 1 AND n > ?1 AND pending > 0 AND EXISTS("      \
                  "SELECT 1 FROM batch_pipelines p WHERE p.batch = b.n AND p.pipeline = ?2)"  \
                  " ORDER BY n LIMIT 1")                                                      \
    X(BATCH_DROP_PIPELINES, "DELETE FROM batch_pipelines WHERE batch = ?1")                   \
    X(BATCH_FILLED, "UPDATE batches SET state = 1, pending = ?2, plan = ?3 WHERE n = ?1")     \
    X(BATCH_SAVE, "UPDATE batches SET state = ?2, open = ?3, why = ?4, updated_ms = ?5,"      \
                  " ended_ms = ?6, next_us = ?7, canary_over = ?8, forgiven = ?9,"            \
                  " pending = ?10, made = ?11, completed = ?12, dead = ?13, cancelled = ?14," \
                  " skipped = ?15 WHERE n = ?1")                                              \
    X(BATCH_NEXT, "SELECT " BATCH_COLUMNS " FROM batches INDEXED BY batches_open"             \
                  " WHERE open = 1 AND n > ?1 ORDER BY n LIMIT 1")                            \
    X(BATCH_FIND, "SELECT " BATCH_COLUMNS " FROM batches WHERE id = ?1 AND state <> 6")       \
    X(BATCHES, "SELECT " BATCH_COLUMNS " FROM batches WHERE n < ?1 AND state <> 6"            \
               " ORDER BY n DESC LIMIT ?2")                                                   \
    X(BATCHES_LEFT, "SELECT count(*) FROM batches WHERE state IN (1, 2, 5)")                  \
    X(BATCH_DROP, "DELETE FROM batches WHERE n = ?1")                                         \
    X(BATCH_DROP_ITEMS, "DELETE FROM batch_items WHERE batch = ?1 AND job IN"                 \
                        " (SELECT job FROM batch_items WHERE batch = ?1 LIMIT ?2)")           \
    X(ITEMS_OVER, "SELECT i.job, j.state FROM batch_items i INDEXED BY batch_items_open"      \
                  " LEFT JOIN jobs j ON j.id = i.replay WHERE i.batch = ?1"                   \
                  " AND i.state IN (1, 2) AND i.state = 2"                                    \
                  " AND (j.state IS NULL OR j.state IN (7, 8, 9, 10)) LIMIT ?2")              \
    X(ITEMS_PENDING, "SELECT job, id FROM batch_items INDEXED BY batch_items_open"            \
                     " WHERE batch = ?1 AND state IN (1, 2) AND state = 1"                    \
                     " ORDER BY job LIMIT ?2")                                                \
    X(ITEM_SET, "UPDATE batch_items SET state = ?3, replay = COALESCE(?4, replay), why = ?5"  \
                " WHERE batch = ?1 AND job = ?2")                                             \
    X(ITEMS_CANCEL, "UPDATE batch_items SET state = 5 WHERE batch = ?1 AND job IN"            \
                    " (SELECT job FROM batch_items INDEXED BY batch_items_open"               \
                    "  WHERE batch = ?1 AND state IN (1, 2) AND state = 1 LIMIT ?2)")         \
    X(ITEMS, "SELECT job, id, state, replay, why FROM batch_items WHERE batch = ?1"           \
             " AND job > ?2 AND (?3 = 0 OR state = ?3) ORDER BY job LIMIT ?4")                \
    /* incidents; alike are at most 1000 counted */                                           \
    X(INCIDENT, "SELECT last_ms FROM incidents WHERE fingerprint = ?1")                       \
    X(INCIDENT_SET, "INSERT OR REPLACE INTO incidents(fingerprint, last_ms) VALUES(?1, ?2)")  \
    X(INCIDENT_ALIKE, "SELECT count(*) FROM (SELECT 1 FROM jobs INDEXED BY jobs_dead"         \
                      " WHERE state = 8 AND superseded_by IS NULL AND fingerprint = ?1"       \
                      " LIMIT 1000)")                                                         \
    X(INCIDENTS_GONE, "DELETE FROM incidents WHERE fingerprint IN"                            \
                      " (SELECT fingerprint FROM incidents INDEXED BY incidents_last"         \
                      " WHERE last_ms < ?1 ORDER BY last_ms LIMIT 64)")                       \
    X(INCIDENTS_MANY, "DELETE FROM incidents WHERE fingerprint IN"                            \
                      " (SELECT fingerprint FROM incidents INDEXED BY incidents_last"         \
                      " ORDER BY last_ms LIMIT 64)")                                          \
    X(INCIDENTS_COUNT, "SELECT count(*) FROM incidents")                                      \
    /* pauses */                                                                              \
    X(PAUSES_ANY, "SELECT 1 FROM pauses LIMIT 1")                                             \
    X(PAUSE_OF, "SELECT 1 FROM pauses WHERE pipeline = ?1 AND key IN ('', ?2) LIMIT 1")       \
    X(PAUSE_OF_JOB, "SELECT 1 FROM jobs j JOIN pauses p ON p.pipeline = j.pipeline"           \
                    " AND p.key IN ('', COALESCE(j.key, '')) WHERE j.seq = ?1 LIMIT 1")       \
    X(PAUSE, "INSERT OR IGNORE INTO pauses(pipeline, key, at_ms, who, reason)"                \
             " VALUES(?1, ?2, ?3, ?4, ?5)")                                                   \
    X(PAUSE_END, "DELETE FROM pauses WHERE pipeline = ?1 AND key = ?2")                       \
    X(PAUSES_COUNT, "SELECT count(*) FROM pauses")                                            \
    X(PAUSES, "SELECT pipeline, key, at_ms, who, reason FROM pauses ORDER BY pipeline, key")  \
    X(HOLD, "UPDATE jobs SET state = 3, updated_ms = ?4 WHERE seq IN"                         \
            " (SELECT seq FROM jobs INDEXED BY jobs_due WHERE " JOBS_DUE                           \
            "  AND state = ?3 AND pipeline = ?1 AND (?2 = '' OR key = ?2))")                  \
    X(RELEASE, "UPDATE jobs SET state = ?3, updated_ms = ?4 WHERE seq IN"                     \
               " (SELECT seq FROM jobs j INDEXED BY jobs_held WHERE state = 3"                \
               "  AND pipeline = ?1 AND (?2 = '' OR key = ?2)"                                \
               "  AND NOT EXISTS(SELECT 1 FROM pauses p WHERE p.pipeline = j.pipeline"        \
               "   AND p.key IN ('', COALESCE(j.key, '')))"                                   \
               "  AND ?3 = CASE WHEN due_ms <= ?4 THEN 2"                                 \
               "   WHEN EXISTS(SELECT 1 FROM steps WHERE job = seq AND begun = 2) THEN 5"      \
               "   WHEN attempt > 0 OR started_ms IS NOT NULL THEN 6 ELSE 1 END)")                     \
    X(HELD, "SELECT count(*) FROM jobs INDEXED BY jobs_held WHERE state = 3"                  \
            " AND pipeline = ?1 AND (?2 = '' OR key = ?2)")

#endif
