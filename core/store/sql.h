/* store/sql.h - the statements that are kept prepared: name, text. States are written as
 * numbers where an index has them in its condition: SQLite uses the index for the same words
 * only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include "store/sql_batch.h"

/* How much speaks for a job ending its process: what ended it from outside, as far as anybody saw,
 * counts a quarter of a crash. */
#define JOB_BLAME "(4 * crashes - 3 * outside)"

/* Changes jobs that ran when their process ended. */
#define CUT(set) "UPDATE jobs INDEXED BY jobs_open SET " set " WHERE state = 4 AND state <> 7"

#define STATEMENTS(X)                                                                          \
    BATCH_STATEMENTS(X)                                                                        \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                \
    X(COMMIT, "COMMIT")                                                                        \
    X(READ, "BEGIN")                                                                           \
    X(PAGES, "SELECT (SELECT page_count FROM pragma_page_count),"                              \
             " (SELECT freelist_count FROM pragma_freelist_count),"                            \
             " (SELECT page_size FROM pragma_page_size)")                                      \
    X(COUNT, "UPDATE counts SET n = n + ?2 WHERE id = ?1")                                     \
    X(COUNT_FIRST, "INSERT INTO counts(pipeline, state, n) VALUES(?1, ?2, ?3)")                \
    X(COUNTS, "SELECT id, pipeline, state, n FROM counts ORDER BY id")                         \
    X(COUNTS_NONE, "DELETE FROM counts WHERE n = 0 AND state > 0")                             \
    X(RUNNING, "SELECT seq FROM jobs INDEXED BY jobs_open WHERE state = 4 AND state <> 7")     \
    X(STATE_OF, "SELECT pipeline, state FROM jobs WHERE seq = ?1")                             \
    /* jobs */                                                                                 \
    X(ACCEPT, "INSERT INTO jobs(id, pipeline, revision, state, reason, attempt, owner,"        \
              " created_ms, updated_ms, started_ms, due_ms, key, code, node, message,"         \
              " fingerprint, replay_of, keep_ms, payload_keep_ms, bytes)"                      \
              " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16," \
              " ?17, ?18, ?19, ?20) ON CONFLICT(id) DO NOTHING")                               \
    X(EVENT, "INSERT INTO events(job, event) VALUES(?1, ?2)")                                  \
    /* many at once: bulk.h */                                                                 \
    X(ACCEPT_MANY, "INSERT INTO jobs(seq, id, pipeline, revision, state, attempt, owner,"      \
                   " created_ms, updated_ms, started_ms, due_ms, key, bytes)"                  \
                   " SELECT seq, id, pipeline, revision, 4, 1, owner, created_ms, created_ms," \
                   " started_ms, due_ms, key, length(event) FROM accepting WHERE true"         \
                   " ON CONFLICT(id) DO NOTHING")                                              \
    X(EVENT_MANY, "INSERT INTO events(job, event) SELECT seq, event FROM accepting")           \
    X(COMPLETE_MANY,                                                                           \
      "UPDATE jobs SET state = 7, reason = NULL, owner = NULL, started_ms = ending(1),"        \
      " updated_ms = ending(2), code = NULL, node = NULL, message = NULL,"                     \
      " fingerprint = NULL, revision = COALESCE(revision, ending(3)),"                         \
      " keep_ms = ending(4), payload_keep_ms = ending(5), bytes = completed(bytes, pipeline)"  \
      " WHERE seq BETWEEN ?1 AND ?2 AND state = 4 AND stepped = 0 AND place IS NULL"           \
      " AND ends(seq, id, attempt, owner)")                                                    \
    X(COMPLETE,                                                                                \
      "UPDATE jobs SET state = 7, reason = NULL, owner = NULL, started_ms = ?4,"               \
      " updated_ms = ?5, code = NULL, node = NULL, message = NULL,"                            \
      " fingerprint = NULL, revision = COALESCE(revision, ?6),"                                \
      " keep_ms = ?7, payload_keep_ms = ?8, bytes = completed(bytes, pipeline)"                \
      " WHERE id = ?1 AND state = 4 AND attempt = ?2 AND owner = ?3 AND stepped = 0"           \
      " AND place IS NULL")                                                                    \
    X(FIND, "SELECT seq, state, attempt, owner, stepped, pipeline, key, superseded_by,"        \
            " replay_of, due_ms, cancelling, place IS NOT NULL FROM jobs WHERE id = ?1")       \
    X(FINISH, "UPDATE jobs SET state = ?2, reason = ?3, owner = NULL, attempt = ?4,"           \
              " started_ms = COALESCE(?5, started_ms), updated_ms = ?6,"                       \
              " due_ms = COALESCE(?7, due_ms), code = ?8, node = ?9, message = ?10,"           \
              " fingerprint = ?11, stepped = ?12,"                                             \
              " revision = CASE WHEN ?13 AND replay_of IS NULL THEN NULL ELSE COALESCE(revision, ?14) END,"          \
              " keep_ms = ?15, payload_keep_ms = ?16, bytes = CASE WHEN ?2 BETWEEN 7 AND 9"    \
              " THEN ended(bytes + ?17 + CASE WHEN ?12 THEN (SELECT"                           \
              " coalesce(sum(ifnull(length(output), 0) + length(path) + 64), 0)"               \
              " FROM steps WHERE job = ?1) ELSE 0 END)"                                        \
              " ELSE bytes + ?17 END"                                                          \
              " WHERE seq = ?1")                                                               \
    X(ATTEMPT, "INSERT OR REPLACE INTO attempts(job, attempt, started_ms, ended_ms, code,"     \
               " node, message, trace) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                \
    X(RESULT, "INSERT OR REPLACE INTO results(job, result) VALUES(?1, ?2)")                    \
    X(STEP, "INSERT INTO steps(job, path, begun, at_ms, code, node, message, output,"          \
            " until_ms, token, started_ms, tries, effect)"                                     \
            " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"                  \
            " ON CONFLICT(job, path) DO UPDATE SET"                                            \
            " begun = excluded.begun, at_ms = excluded.at_ms, code = excluded.code,"           \
            " node = excluded.node, message = excluded.message, output = excluded.output,"     \
            " until_ms = excluded.until_ms, token = excluded.token,"                           \
            " started_ms = excluded.started_ms, tries = excluded.tries,"                       \
            " effect = excluded.effect")                                                       \
    X(STEPPED,                                                                                 \
      "UPDATE jobs SET stepped = 1, revision = COALESCE(revision, ?2) WHERE seq = ?1")         \
    /* failures that only hold until the job is tried anew: job.h of the engine */              \
    X(DROP_CAUGHT, "DELETE FROM steps WHERE job = ?1 AND begun = 0 AND code IS NOT NULL"       \
                   " AND output = x'02'")                                                      \
    X(DROP_STEPS, "DELETE FROM steps WHERE job = ?1")                                          \
    /* a callback that comes to a job that is over finds nothing */                            \
    X(DROP_TOKENS, "UPDATE steps SET token = NULL WHERE job = ?1 AND token IS NOT NULL")       \
    /* jobs of one order key, by place */                                                      \
    X(LINE_HEAD, "SELECT seq, state, due_ms FROM jobs INDEXED BY jobs_line"                    \
                 " WHERE place IS NOT NULL AND pipeline = ?1 AND order_key = ?2"               \
                 " ORDER BY place LIMIT 1")                                                    \
    X(LINE_JOIN, "UPDATE jobs SET order_key = ?2, hold = ?3, place = seq WHERE seq = ?1")      \
    X(LINE_OF, "SELECT pipeline, order_key, place, hold, replay_of FROM jobs"                  \
               " WHERE seq = ?1 AND place IS NOT NULL")                                        \
    X(LINE_LEAVE, "UPDATE jobs SET place = NULL WHERE seq = ?1")                               \
    X(LINE_GO, "UPDATE jobs SET state = ?2, updated_ms = ?3 WHERE seq = ?1")                   \
    X(LINE_BACK, "UPDATE jobs SET place = ?2"                                                  \
                 " WHERE id = ?1 AND state = 8 AND hold = 1 AND place IS NULL")                \
    X(LINE_REPLAY, "UPDATE jobs SET order_key = s.order_key, hold = s.hold,"                   \
                   " place = COALESCE(s.place, jobs.seq)"                                      \
                   " FROM (SELECT order_key, hold, place FROM jobs"                            \
                   "  WHERE seq = ?1 AND order_key IS NOT NULL) s WHERE jobs.seq = ?2")        \
    X(LINE_HOLDER, "SELECT (SELECT h.seq FROM jobs h INDEXED BY jobs_line"                     \
                   "  WHERE h.place IS NOT NULL AND h.pipeline = j.pipeline"                   \
                   "  AND h.order_key = j.order_key AND h.place = j.seq AND h.state = 8),"     \
                   " (SELECT seq FROM jobs WHERE id = j.replay_of) FROM jobs j"                \
                   " WHERE j.seq = ?1")                                                        \
    X(LINE_OVER, "SELECT seq, state FROM jobs INDEXED BY jobs_line WHERE place IS NOT NULL"    \
                 " AND (state IN (7, 9, 10) OR (state = 8 AND hold = 0))")                     \
    /* events that come again */                                                               \
    X(ONCE, "SELECT o.content, o.until_ms, o.job, j.state, j.seq FROM once o"                  \
            " LEFT JOIN jobs j ON j.id = o.job WHERE o.key = ?1")                              \
    X(ONCE_NOTE, "INSERT OR REPLACE INTO once(key, content, job, until_ms)"                    \
                 " VALUES(?1, ?2, ?3, ?4)")                                                    \
    X(ONCE_GONE, "DELETE FROM once WHERE key IN"                                               \
                 " (SELECT key FROM once INDEXED BY once_until WHERE until_ms < ?1 LIMIT 16)") \
    /* claims */                                                                               \
    X(NEXT_PIPELINE, "SELECT pipeline, due_ms FROM jobs INDEXED BY jobs_due"                   \
                     " WHERE " JOBS_DUE " AND pipeline > ?1"                                     \
                     " ORDER BY pipeline, due_ms LIMIT 1")                                     \
    X(DUE,                                                                                     \
      "SELECT due_ms, seq, key, " JOB_BLAME ", id FROM jobs INDEXED BY jobs_due"                \
      " WHERE " JOBS_DUE " AND pipeline = ?1 AND due_ms <= ?2 ORDER BY due_ms, seq")          \
    X(DUE_NEXT, "SELECT due_ms FROM jobs INDEXED BY jobs_due"                                  \
                " WHERE " JOBS_DUE " AND pipeline = ?1 AND due_ms > ?2 ORDER BY due_ms LIMIT 1") \
    /* the same of one key, and from key to key */                                              \
    X(DUE_OF_KEY, "SELECT due_ms, seq, key, " JOB_BLAME ", id FROM jobs INDEXED BY jobs_due_keys"     \
                  " WHERE " JOBS_DUE_KEYS " AND pipeline = ?1 AND key = ?2 AND due_ms <= ?3"    \
                  " ORDER BY due_ms, seq")                                                      \
    X(DUE_BY_KEY, "SELECT due_ms, seq, key, " JOB_BLAME ", id FROM jobs INDEXED BY jobs_due_keys"     \
                  " WHERE " JOBS_DUE_KEYS " AND pipeline = ?1 AND key > ?2"                     \
                  " ORDER BY key, due_ms, seq")                                                 \
    X(CLAIM, "UPDATE jobs SET state = 4, owner = ?2, attempt = attempt + 1, started_ms = ?3,"  \
             " updated_ms = ?3 WHERE seq = ?1")                                                \
    X(CLAIMED, "SELECT j.id, j.state, j.attempt, j.crashes, j.created_ms, j.pipeline,"         \
               " j.revision, j.replay_of, j.stepped, e.event, j.root, j.key"                   \
               " FROM jobs j LEFT JOIN events e ON e.job = j.seq WHERE j.seq = ?1")            \
    X(CLAIM_LATER, "UPDATE jobs SET due_ms = ?2 WHERE seq = ?1")                                \
    /* a job that waited for its place in memory */                                            \
    X(BEGUN, "UPDATE jobs SET attempt = 1, started_ms = ?2, updated_ms = ?2"                   \
             " WHERE id = ?1 AND state = 4 AND attempt = 0 AND owner = ?3")                    \
    X(BEGUN_HELD, "UPDATE jobs SET state = 3, owner = NULL, updated_ms = ?2"                   \
                  " WHERE id = ?1 AND state = 4 AND attempt = 0 AND owner = ?3")               \
    X(RECORDS, "SELECT path, begun, at_ms, code, output, until_ms, token, message FROM steps"  \
               " WHERE job = ?1 ORDER BY n")                                                   \
    /* marks */                                                                                \
    X(MARK, "SELECT n FROM marks WHERE name = ?1")                                             \
    X(MARK_SET, "INSERT OR REPLACE INTO marks(name, n, at_ms) VALUES(?1, ?2, ?3)")             \
    /* at most 10000, and of more those that nobody has moved for the longest time */          \
    X(TIDY_MARKS, "DELETE FROM marks WHERE name IN (SELECT name FROM marks"                    \
                  " ORDER BY at_ms DESC, name LIMIT -1 OFFSET 10000)")                         \
    /* texts of pipelines */                                                                   \
    X(REVISION_NOTE, "INSERT INTO revisions(pipeline, revision, file, text, at_ms)"            \
                     " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(pipeline, revision) DO UPDATE"   \
                     " SET at_ms = excluded.at_ms, file = excluded.file"                       \
                     " WHERE at_ms < excluded.at_ms - 86400000")                               \
    /* but for those that jobs need which are not over */                                      \
    X(REVISIONS_TRIM, "DELETE FROM revisions WHERE at_ms < (SELECT at_ms FROM revisions"       \
                      " INDEXED BY revisions_at ORDER BY at_ms DESC LIMIT 1 OFFSET ?1)"        \
                      " AND (pipeline, revision) NOT IN (SELECT pipeline, revision FROM jobs"  \
                      " INDEXED BY jobs_open WHERE state <> 7"                                 \
                      " AND state IN (1, 2, 3, 4, 5, 6, 11) AND revision IS NOT NULL)")        \
    X(REVISION, "SELECT file, text FROM revisions WHERE pipeline = ?1 AND revision = ?2")      \
    /* operators */                                                                            \
    X(SHOW, "SELECT " JOB_COLUMNS ", j.revision, j.started_ms, j.root FROM jobs j"              \
            " WHERE j.id = ?1")                                                                \
    X(SHOW_EVENT, "SELECT event FROM events WHERE job = ?1")                                   \
    X(SHOW_RESULT, "SELECT result FROM results WHERE job = ?1")                                \
    X(SHOW_ATTEMPTS, "SELECT attempt, started_ms, ended_ms, code, node, message, trace"        \
                     " FROM attempts WHERE job = ?1 ORDER BY attempt DESC LIMIT 1000")         \
    X(SHOW_STEPS, "SELECT path, begun, at_ms, code, node, message, output, until_ms,"          \
                  " started_ms, tries, effect FROM steps"                                      \
                  " WHERE job = ?1 AND begun <> 3 ORDER BY n LIMIT 10000")                     \
    /* one step with its rounds, or one round */                                               \
    X(SHOW_STEP, "SELECT path, begun, at_ms, code, node, message, output, until_ms,"           \
                 " started_ms, tries, effect FROM steps WHERE job = ?1 AND begun <> 3"         \
                 " AND (path = ?2 OR substr(path, 1, length(?2) + 1) IN (?2 || '/', ?2 || '~'))" \
                 " ORDER BY n LIMIT 1000")                                                     \
    /* of each step, in whatever rounds: whether one of its records is not that it is done */       \
    X(KNOWN_STEPS, "SELECT substr(path, 1, instr(path || '/', '/') - 1) AS id,"                \
                   " max(begun <> 0 OR code IS NOT NULL) FROM steps"                           \
                   " WHERE job = ?1 AND begun <> 3 GROUP BY id")                               \
    /* callbacks of waits */                                                                   \
    X(TOKENS, "SELECT n, token, begun, until_ms FROM steps"                                    \
              " WHERE job = ?1 AND token IS NOT NULL")                                         \
    X(WAITED, "SELECT output FROM steps WHERE n = ?1")                                         \
    X(CALLED, "UPDATE steps SET begun = 0, at_ms = ?2, output = ?3 WHERE n = ?1")              \
    X(CALLED_JOB, "UPDATE jobs SET state = ?2, updated_ms = ?3,"                               \
                  " due_ms = CASE WHEN ?2 = 4 THEN 0 ELSE ?3 END WHERE seq = ?1")              \
    X(REPLAY, "INSERT INTO jobs(id, pipeline, state, attempt, created_ms, updated_ms, due_ms," \
              " key, replay_of, root, edited, revision, bytes)"                                \
              " SELECT ?2, pipeline, ?4, 0, ?3, ?3, ?3, key, id,"                              \
              " CASE WHEN ?5 THEN ?2 ELSE COALESCE(root, id) END, edited, ?6,"                 \
              " (SELECT length(event) FROM events WHERE job = ?1) FROM jobs WHERE seq = ?1")   \
    X(EDIT, "UPDATE jobs SET edited = 1, root = id, bytes = ?2 WHERE seq = ?1")                \
    X(EDIT_EVENT, "UPDATE events SET event = ?2 WHERE job = ?1")                               \
    X(REPLAY_EVENT, "INSERT INTO events(job, event) SELECT ?2, event FROM events"              \
                    " WHERE job = ?1")                                                         \
    X(REPLAY_STEPS, "SELECT path, begun, at_ms, output, started_ms, tries, effect FROM steps"  \
                    " WHERE job = ?1 AND begun IN (0, 1, 3) AND code IS NULL ORDER BY n")      \
    X(REPLAY_STEPPED, "UPDATE jobs SET stepped = 1 WHERE seq = ?1")                            \
    X(HAS_EVENT, "SELECT length(event) FROM events WHERE job = ?1")                            \
    X(SUPERSEDE, "UPDATE jobs SET superseded_by = ?2 WHERE seq = ?1")                          \
    /* one that is cancelled is over now, one that is discarded was so before */               \
    X(MOVE, "UPDATE jobs SET state = ?2, updated_ms = ?3, keep_ms = NULL,"                     \
            " bytes = CASE WHEN ?2 = 9 THEN ended(bytes) ELSE bytes END WHERE seq = ?1")       \
    X(CANCELLING, "UPDATE jobs SET cancelling = 1 WHERE seq = ?1")                             \
    X(AUDIT, "INSERT INTO audit(at_ms, who, what, job, why, before, after, replay, batch,"     \
             " pipeline, key) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")                                        \
    X(AUDIT_LIST, "SELECT n, at_ms, who, what, job, why, before, after, replay, batch,"        \
                  " pipeline, key FROM audit"                                                  \
                  " WHERE n < ?1 ORDER BY n DESC LIMIT ?2")                                    \
    X(INCIDENTS,                                                                               \
      "SELECT d.fingerprint, j.pipeline, j.node, j.code, j.message, d.first, d.last, d.n, "    \
      "j.id"                                                                                   \
      " FROM (SELECT fingerprint, min(updated_ms) AS first, max(updated_ms) AS last,"          \
      "  count(*) AS n, max(seq) AS sample FROM jobs INDEXED BY jobs_dead"                     \
      "  WHERE state = 8 AND superseded_by IS NULL"                                            \
      "  GROUP BY fingerprint) d JOIN jobs j ON j.seq = d.sample"                              \
      " WHERE (?1 IS NULL OR j.pipeline = ?1)"                                                 \
      "  AND (d.last < ?2 OR (d.last = ?2 AND d.fingerprint > ?3))"                            \
      " ORDER BY d.last DESC, d.fingerprint LIMIT ?4")                                         \
    /* what is over: retention.c */                                                            \
    X(TIDY_LAST, "SELECT (SELECT min(seq) FROM jobs), (SELECT max(seq) FROM jobs)")            \
    /* one that holds its order key is not over */                                             \
    X(TIDY_SCAN, "SELECT seq, CASE WHEN place IS NULL THEN state ELSE 11 END, updated_ms, keep_ms, payload_keep_ms, bytes, created_ms, pipeline"  \
                 " FROM jobs WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq")                        \
    X(TIDY_JOBS, "DELETE FROM jobs WHERE seq BETWEEN ?1 AND ?2")                               \
    X(TIDY_EVENTS, "DELETE FROM events WHERE job BETWEEN ?1 AND ?2")                           \
    X(TIDY_RESULTS, "DELETE FROM results WHERE job BETWEEN ?1 AND ?2")                         \
    X(TIDY_STEPS, "DELETE FROM steps WHERE job BETWEEN ?1 AND ?2")                             \
    X(TIDY_ATTEMPTS, "DELETE FROM attempts WHERE job BETWEEN ?1 AND ?2")                       \
    X(TIDY_TRACES, "UPDATE attempts SET trace = NULL"                                          \
                   " WHERE job BETWEEN ?1 AND ?2 AND trace IS NOT NULL")                       \
    X(TIDY_EMPTY, "UPDATE jobs SET bytes = 0 WHERE seq BETWEEN ?1 AND ?2")                     \
    X(TIDY_KEYS, "DELETE FROM once WHERE key IN"                                               \
                 " (SELECT key FROM once INDEXED BY once_until WHERE until_ms < ?1 LIMIT 64)") \
    X(TIDY_AUDIT, "DELETE FROM audit WHERE n IN"                                               \
                  " (SELECT n FROM audit ORDER BY n LIMIT 64) AND at_ms < ?1")                 \
    /* what a crash left: recover.c */                                                         \
    X(CUT_WAITING, CUT("state = 2, owner = NULL, updated_ms = ?1")                             \
                   " AND attempt = 0 AND NOT cancelling")                                      \
    X(CUT_ATTEMPTS,                                                                            \
      "INSERT OR REPLACE INTO attempts(job, attempt, started_ms, ended_ms, code,"              \
      " message) SELECT seq, attempt, started_ms, ?1, ?2, ?3 FROM jobs"                        \
      " INDEXED BY jobs_open WHERE state = 4 AND state <> 7")                                  \
    X(CUT_COUNTED, CUT("crashes = crashes + 1, outside = outside + ?2, owner = NULL,"          \
                       " updated_ms = ?1"))                                                    \
    X(CUT_UNSAFE,                                                                              \
      CUT("state = 8, reason = ?1, code = ?2, message = ?3, bytes = ended(bytes),"             \
          " node = (SELECT path FROM steps WHERE job = seq AND begun = 1"                      \
          "  ORDER BY n DESC LIMIT 1)")                                                        \
      " AND stepped AND EXISTS(SELECT 1 FROM steps WHERE job = seq AND begun = 1)")            \
    X(CUT_CANCELLED, CUT("state = 9, reason = NULL, code = ?2, message = ?3, node = NULL,"     \
                         " bytes = ended(bytes)") " AND cancelling")                           \
    X(CUT_TOO_OFTEN, CUT("state = 8, reason = ?1, code = ?2, message = ?3, node = NULL,"       \
                         " bytes = ended(bytes)") " AND " JOB_BLAME " >= 4 * ?4")              \
    X(CUT_DEAD, "UPDATE jobs SET fingerprint = fingerprint(pipeline, node, code, message)"     \
                " WHERE state = 8 AND fingerprint IS NULL")                                    \
    X(CUT_LATER, CUT("state = 6,"                                                              \
                     " due_ms = ?1 + min(1000 << min(" JOB_BLAME " / 4 - 2, 6), 60000)")       \
                 " AND " JOB_BLAME " >= 8")                                                    \
    X(CUT_READY, CUT("state = 2, due_ms = ?1"))                                                \
    X(STEP_BACK, "UPDATE jobs SET due_ms = max(due_ms - ?1, 0) WHERE state IN (1, 2, 5, 6)"    \
                 " AND state <> 5 AND due_ms > ?2")                                            \
    X(LATE_READY, "UPDATE jobs SET due_ms = ?1 WHERE state IN (1, 2, 5, 6) AND state = 2"      \
                  " AND due_ms > ?1")

/* A job as lists give it: ask_job.c reads them in this order. */
#define JOB_COLUMNS                                                                        \
    "j.seq, j.id, j.pipeline, j.state, j.reason, j.attempt, j.crashes, j.code, j.node,"    \
    " j.message, j.created_ms, j.updated_ms, j.due_ms, j.key, j.fingerprint, j.replay_of," \
    " j.superseded_by, j.cancelling, j.edited, j.order_key, j.place IS NOT NULL"
#define JOB_COLUMNS_END 21 /* the number of the column behind them */

enum sql {
#define X(name, text) SQL_##name,
    STATEMENTS(X)
#undef X
        SQL_STATEMENTS
};

#endif
