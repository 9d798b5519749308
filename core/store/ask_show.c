/* store/ask_show.c - jobs.show, incidents.list, audit.list, store.stats.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "store/ask.h"
#include "store/task.h"

/* A statement whose only parameter is a job's number. */
static sqlite3_stmt *
of_job(struct asking *a, enum sql which, int64_t seq)
{
    sqlite3_stmt *s = db_use(a->db, which);
    sqlite3_bind_int64(s, 1, seq);
    return s;
}

static void
put_value(struct asking *a, struct weir_builder *b, const char *key, enum sql which,
          int64_t seq)
{
    sqlite3_stmt *s = of_job(a, which, seq);
    if (db_row(a->db, s))
        put_column_value(b, key, s, 0);
    sqlite3_reset(s);
}

/* The latest attempt, of which only the job's row tells. */
struct latest {
    uint64_t attempt;
    uint64_t started_ms;
    uint64_t ended_ms; /* 0: it is under way */
};

static void
add_latest(struct weir_builder *list, const struct latest *latest)
{
    struct weir_builder *b = builder_map();
    put_number(b, "attempt", latest->attempt);
    if (latest->started_ms != 0)
        put_number(b, "started_ms", latest->started_ms);
    if (latest->ended_ms != 0)
        put_number(b, "ended_ms", latest->ended_ms);
    const struct weir_value *v = builder_end(&b);
    builder_add(list, &v);
}

/* Newest first, as they are read. */
static void
put_attempts(struct asking *a, struct weir_builder *job, int64_t seq,
             const struct latest *latest)
{
    struct weir_builder *list = builder_list();
    sqlite3_stmt *s = of_job(a, SQL_SHOW_ATTEMPTS, seq);
    bool first = true;
    while (db_row(a->db, s)) {
        if (first && latest->attempt > column_number(s, 0))
            add_latest(list, latest);
        first = false;
        struct weir_builder *b = builder_map();
        put_column_number(b, "attempt", s, 0);
        put_column_number(b, "started_ms", s, 1);
        put_column_number(b, "ended_ms", s, 2);
        put_column_code(b, "code", s, 3);
        put_column(b, "node", s, 4);
        put_column(b, "message", s, 5);
        put_column_value(b, "trace", s, 6);
        const struct weir_value *v = builder_end(&b);
        builder_add(list, &v);
    }
    if (first && latest->attempt > 0)
        add_latest(list, latest);
    put_built(job, "attempts", &list);
}

/* Which steps have records, of all of them: "steps" may be cut. */
static void
put_known(struct asking *a, struct weir_builder *job, int64_t seq)
{
    struct weir_builder *b = builder_map();
    sqlite3_stmt *s = of_job(a, SQL_KNOWN_STEPS, seq);
    while (db_row(a->db, s)) {
        struct weir_text id = column_text(s, 0);
        const struct weir_value *v = value_text(column_number(s, 1) != 0 ? "begun" : "done");
        builder_set(b, id.bytes, id.len, &v);
    }
    put_built(job, "known", &b);
}

enum weir_code
ask_jobs_state(struct asking *a, struct weir_error *err)
{
    uint8_t id[JOB_ID];
    enum weir_code code = ask_id(a, id, err);
    if (code != WEIR_OK)
        return code;
    sqlite3_stmt *s = db_use(a->db, SQL_FIND);
    sqlite3_bind_blob(s, 1, id, JOB_ID, SQLITE_STATIC);
    if (!db_row(a->db, s)) {
        sqlite3_reset(s);
        return err_set(err, WEIR_NOT_FOUND, "there is no such job");
    }
    struct weir_builder *b = builder_map();
    builder_put(b, "job", value_field(a->with, "id"));
    const struct weir_value *v = value_text(job_state_word((unsigned)column_number(s, 1)));
    builder_set(b, "state", 5, &v);
    put_number(b, "attempt", column_number(s, 2));
    a->answer = builder_end(&b);
    sqlite3_reset(s);
    return WEIR_OK;
}

/* The text of the pipeline that the job has run with, if it is kept. */
static void
put_definition(struct asking *a, struct weir_builder *job, sqlite3_stmt *row)
{
    struct weir_builder *b = builder_map();
    sqlite3_stmt *s = db_use(a->db, SQL_REVISION);
    bind_text(s, 1, column_text(row, 2));
    bind_text(s, 2, column_text(row, JOB_COLUMNS_END));
    if (db_row(a->db, s)) {
        answer_put_text(b, "file", column_text(s, 0));
        answer_put_text(b, "text", column_text(s, 1));
        put_built(job, "definition", &b);
    }
    sqlite3_reset(s);
    builder_free(&b);
}

static bool
is_asked(const struct asking *a, const char *name)
{
    const struct weir_value *v = value_field(a->with, name);
    return v && value_type(v) == WEIR_BOOL && v->boolean;
}

enum weir_code
ask_jobs_show(struct asking *a, struct weir_error *err)
{
    uint8_t id[JOB_ID];
    enum weir_code code = ask_id(a, id, err);
    if (code != WEIR_OK)
        return code;
    sqlite3_stmt *s = db_use(a->db, SQL_SHOW);
    sqlite3_bind_blob(s, 1, id, JOB_ID, SQLITE_STATIC);
    if (!db_row(a->db, s)) {
        struct weir_text text = value_as_text(value_field(a->with, "id"));
        return err_set(err, WEIR_NOT_FOUND, "there is no job %.*s", (int)text.len, text.bytes);
    }
    struct weir_builder *job = builder_map();
    put_job(job, s);
    put_column(job, "revision", s, JOB_COLUMNS_END);
    put_column_id(job, "root", s, JOB_COLUMNS_END + 2);
    int64_t seq = (int64_t)column_number(s, 0);
    struct latest latest = { .started_ms = column_number(s, JOB_COLUMNS_END + 1) };
    switch ((unsigned)column_number(s, 3)) {
    case JOB_COMPLETED:
        latest.ended_ms = column_number(s, 11);
        /* falls through */
    case JOB_RUNNING:
        latest.attempt = column_number(s, 5);
        break;
    default: /* each of its attempts has a row */
        break;
    }
    if (is_asked(a, "definition"))
        put_definition(a, job, s);
    sqlite3_reset(s);
    put_value(a, job, "event", SQL_SHOW_EVENT, seq);
    put_value(a, job, "result", SQL_SHOW_RESULT, seq);
    put_attempts(a, job, seq, &latest);
    put_steps(a, job, of_job(a, SQL_SHOW_STEPS, seq));
    if (is_asked(a, "known"))
        put_known(a, job, seq);
    a->answer = builder_end(&job);
    return WEIR_OK;
}

/* Reads AFTER of incidents, "MS:FINGERPRINT"; absent: before all. */
static enum weir_code
read_after(struct asking *a, uint64_t *ms, char fingerprint[JOB_FINGERPRINT],
           struct weir_error *err)
{
    struct weir_text after;
    char text[64];
    unsigned long long n = INT64_MAX;
    *fingerprint = '\0';
    enum weir_code code = ask_text(a, "after", &after, err);
    if (code != WEIR_OK)
        return code;
    snprintf(text, sizeof(text), "%.*s", (int)after.len, after.bytes);
    if (after.len > 0 && sscanf(text, "%llu:%16[0-9a-f]", &n, fingerprint) != 2)
        return err_set(err, WEIR_INVALID, "%s: after must be the next of an answer before",
                       a->what);
    *ms = n < INT64_MAX ? n : INT64_MAX;
    return WEIR_OK;
}

static void
add_incident(struct weir_builder *list, sqlite3_stmt *s)
{
    struct weir_builder *b = builder_map();
    put_column(b, "fingerprint", s, 0);
    put_column(b, "pipeline", s, 1);
    put_column(b, "node", s, 2);
    put_column_code(b, "code", s, 3);
    put_column(b, "message", s, 4);
    put_column_number(b, "first_seen_ms", s, 5);
    put_column_number(b, "last_seen_ms", s, 6);
    put_column_number(b, "count", s, 7);
    put_column_id(b, "sample", s, 8);
    const struct weir_value *v = builder_end(&b);
    builder_add(list, &v);
}

enum weir_code
ask_incidents_list(struct asking *a, struct weir_error *err)
{
    struct weir_text pipeline;
    uint64_t limit, before_ms = 0;
    char fingerprint[JOB_FINGERPRINT];
    enum weir_code code = ask_text(a, "pipeline", &pipeline, err);
    if (code == WEIR_OK)
        code = ask_limit(a, &limit, err);
    if (code == WEIR_OK)
        code = read_after(a, &before_ms, fingerprint, err);
    if (code != WEIR_OK)
        return code;

    sqlite3_stmt *s = db_use(a->db, SQL_INCIDENTS);
    bind_text(s, 1, pipeline);
    sqlite3_bind_int64(s, 2, (int64_t)before_ms);
    sqlite3_bind_text(s, 3, fingerprint, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 4, (int64_t)limit + 1);
    struct weir_builder *answer = builder_map(), *list = builder_list();
    char next[64] = "", last[64] = "";
    for (uint64_t n = 0; db_row(a->db, s); n++) {
        if (n == limit) {
            memcpy(next, last, sizeof(next));
            sqlite3_reset(s);
            break;
        }
        add_incident(list, s);
        struct weir_text print = column_text(s, 0);
        snprintf(last, sizeof(last), "%llu:%.*s", (unsigned long long)column_number(s, 6),
                 (int)print.len, print.bytes);
    }
    put_built(answer, "incidents", &list);
    if (*next != '\0')
        answer_put_text(answer, "next", text_of(next));
    a->answer = builder_end(&answer);
    return WEIR_OK;
}

static void
put_entry(struct weir_builder *b, sqlite3_stmt *s)
{
    put_column_number(b, "at_ms", s, 1);
    put_column(b, "who", s, 2);
    put_column(b, "what", s, 3);
    put_column_id(b, "job", s, 4);
    put_column(b, "why", s, 5);
    put_column(b, "before", s, 6);
    put_column(b, "after", s, 7);
    put_column_id(b, "replay", s, 8);
    put_column_id(b, "batch", s, 9);
    put_column(b, "pipeline", s, 10);
    put_column(b, "key", s, 11);
}

enum weir_code
ask_audit_list(struct asking *a, struct weir_error *err)
{
    return ask_page(a, SQL_AUDIT_LIST, "entries", put_entry, err);
}

/* What was removed since the process began. */
static void
put_removed(struct weir_builder *answer, const struct store_stats *stats)
{
    static const char *const words[] = {
#define X(name, word) word,
        STORE_REMOVED(X)
#undef X
    };
    struct weir_builder *removed = builder_map();
    for (unsigned i = 0; i < STORE_REMOVALS; i++)
        put_number(removed, words[i], stats->removed[i]);
    put_built(answer, "removed", &removed);
}

enum weir_code
ask_store_stats(struct asking *a, struct weir_error *err)
{
    (void)err;
    struct store_stats stats;
    store_stats(a->store, &stats);
    struct weir_builder *answer = builder_map(), *jobs = builder_map();
    answer_put_text(answer, "path", text_of(a->store->path));
    put_number(answer, "schema", STORE_SCHEMA);
    put_number(answer, "file_bytes", stats.file_bytes);
    put_number(answer, "max_size", a->store->max_size);
    put_number(answer, "commits", stats.commits);
    put_number(answer, "operations", stats.operations);
    put_number(answer, "failures", stats.failures);
    put_number(answer, "commit_us", stats.commit_ns / 1000);
    put_number(answer, "batch_max", stats.batch_max);
    put_number(answer, "waiting", stats.waiting);
    put_number(answer, "waiting_bytes", stats.waiting_bytes);
    put_number(answer, "over_bytes", stats.over_bytes);
    put_number(answer, "removing_max_us", stats.removing_max_ns / 1000);
    put_removed(answer, &stats);
    task_put(a->store->task, answer);
    for (unsigned i = 1; i < STORE_STATES; i++)
        if (stats.jobs[i] > 0)
            put_number(jobs, job_state_word(i), stats.jobs[i]);
    put_built(answer, "jobs", &jobs);
    a->answer = builder_end(&answer);
    return WEIR_OK;
}
