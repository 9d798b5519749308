/* store/ask_list.c - jobs.list and jobs.count.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "store/ask.h"
#include "store/filter.h"
#include "store/where.h"

enum {
    SQL_MAX = 4096,
    LOOKED_AT_MAX = 20000, /* jobs of one page with a where, */
    LOOKED_AT_MS = 2000    /* and for how long it may look at them */
};

static enum weir_code
read_words(const struct asking *a, struct filter *f, struct weir_error *err)
{
    struct weir_text state, code;
    enum weir_code failed = ask_text(a, "state", &state, err);
    if (failed == WEIR_OK)
        failed = ask_text(a, "code", &code, err);
    if (failed != WEIR_OK)
        return failed;
    f->state = job_state_find(state);
    if (state.len > 0 && f->state == 0)
        return err_set(err, WEIR_INVALID,
                       "%s: state must be scheduled, ready, held, blocked, running, waiting, retryable, "
                       "completed, dead, cancelled or discarded",
                       a->what);
    f->code = code_find(code.bytes, code.len);
    if (code.len > 0 && f->code == 0)
        return err_set(err, WEIR_INVALID,
                       "%s: code must be one such as \"upstream\" or \"timeout\"", a->what);
    return WEIR_OK;
}

enum weir_code
filter_read(const struct asking *a, struct filter *f, struct weir_error *err)
{
    *f = (struct filter){ 0 };
    enum weir_code code = read_words(a, f, err);
    if (code == WEIR_OK)
        code = ask_text(a, "pipeline", &f->pipeline, err);
    if (code == WEIR_OK)
        code = ask_text(a, "node", &f->node, err);
    if (code == WEIR_OK)
        code = ask_text(a, "key", &f->key, err);
    if (code == WEIR_OK)
        code = ask_text(a, "fingerprint", &f->fingerprint, err);
    if (code == WEIR_OK)
        code = ask_number(a, "since_ms", 0, INT64_MAX, &f->since_ms, err);
    return code;
}

/* Only numbers that are known to be some are written out, because SQLite takes an index with a
 * condition only if it sees that it holds. */
void
filter_where(struct buf *sql, const struct filter *f)
{
    buf_puts(sql, " WHERE 1");
    if (f->state != 0)
        buf_printf(sql, " AND j.state = %u", f->state);
    if (f->code != 0)
        buf_printf(sql, " AND j.code = %u", f->code);
    /* A completed job has no failure. */
    if ((f->state != 0 && f->state != JOB_COMPLETED) || f->code != 0 || f->node.len > 0 || f->fingerprint.len > 0)
        buf_printf(sql, " AND j.state <> %d", JOB_COMPLETED);
    if (f->pipeline.len > 0)
        buf_puts(sql, " AND j.pipeline = ?1");
    if (f->node.len > 0)
        buf_puts(sql, " AND j.node = ?2");
    if (f->key.len > 0)
        buf_puts(sql, " AND j.key = ?3");
    if (f->since_ms > 0)
        buf_puts(sql, " AND j.created_ms >= ?4");
    if (f->fingerprint.len > 0)
        buf_puts(sql, " AND j.fingerprint = ?7");
}

sqlite3_stmt *
filter_make(struct db *db, const struct buf *sql, const struct filter *f)
{
    sqlite3_stmt *s = db_make(db, sql->bytes);
    if (s == NULL)
        return NULL;
    if (f->pipeline.len > 0)
        bind_text(s, 1, f->pipeline);
    if (f->node.len > 0)
        bind_text(s, 2, f->node);
    if (f->key.len > 0)
        bind_text(s, 3, f->key);
    if (f->since_ms > 0)
        bind_number(s, 4, f->since_ms);
    if (f->fingerprint.len > 0)
        bind_text(s, 7, f->fingerprint);
    return s;
}

static bool
is_kept_count(const struct filter *f)
{
    return f->code == 0 && f->node.len == 0 && f->key.len == 0 &&
           f->fingerprint.len == 0 && f->since_ms == 0;
}

/* Counts the jobs of F by state; returns how many there are. */
static uint64_t
count(struct asking *a, const struct filter *f, uint64_t by_state[STORE_STATES])
{
    memset(by_state, 0, STORE_STATES * sizeof(by_state[0]));
    struct buf sql;
    buf_init(&sql, SQL_MAX);
    bool kept = is_kept_count(f);
    if (kept) {
        buf_puts(&sql, "SELECT state, sum(n) FROM counts WHERE state > 0");
        if (f->state != 0)
            buf_printf(&sql, " AND state = %u", f->state);
        if (f->pipeline.len > 0)
            buf_puts(&sql, " AND pipeline = ?1");
        buf_puts(&sql, " GROUP BY state");
    } else {
        buf_puts(&sql, "SELECT j.state, count(*) FROM jobs j");
        filter_where(&sql, f);
        buf_puts(&sql, " GROUP BY j.state");
    }
    sqlite3_stmt *s = filter_make(a->db, &sql, f);
    uint64_t total = 0;
    while (db_row(a->db, s)) {
        uint64_t state = column_number(s, 0), n = column_number(s, 1);
        if (state < STORE_STATES)
            by_state[state] = n;
        total += n;
    }
    sqlite3_finalize(s);
    buf_fini(&sql);
    return total;
}

/* The page of jobs that begins below the number AFTER; *NEXT is what the next one is after, or
 * 0. */
static struct weir_builder *
read_page(struct asking *a, const struct filter *f, struct where *where, uint64_t after,
          uint64_t limit, uint64_t *next)
{
    struct buf sql;
    buf_init(&sql, SQL_MAX);
    buf_puts(&sql, "SELECT " JOB_COLUMNS " FROM jobs j");
    filter_where(&sql, f);
    if (after > 0)
        buf_printf(&sql, " AND j.seq < %llu", (unsigned long long)after);
    buf_printf(&sql, " ORDER BY j.seq DESC LIMIT %llu",
               where ? (unsigned long long)LOOKED_AT_MAX + 1 : (unsigned long long)limit + 1);
    sqlite3_stmt *s = filter_make(a->db, &sql, f);

    struct weir_builder *jobs = builder_list();
    uint64_t last = 0, n = 0, looked_at = 0, until_ms = clock_mono_ms() + LOOKED_AT_MS;
    *next = 0;
    while (db_row(a->db, s)) {
        bool late = where && looked_at > 0 && clock_mono_ms() > until_ms;
        if (n == limit || late || looked_at++ == LOOKED_AT_MAX) {
            *next = last;
            break;
        }
        struct weir_builder *job = builder_map();
        put_job(job, s);
        last = column_number(s, 0);
        const struct weir_value *v = builder_end(&job);
        if (where == NULL || where_holds(where, a->db, v, (int64_t)last)) {
            builder_add(jobs, &v);
            n++;
        }
        value_unref(&v);
    }
    sqlite3_finalize(s);
    buf_fini(&sql);
    return jobs;
}

enum weir_code
ask_jobs_list(struct asking *a, struct weir_error *err)
{
    struct filter f;
    uint64_t limit, after;
    enum weir_code code = filter_read(a, &f, err);
    if (code == WEIR_OK)
        code = ask_limit(a, &limit, err);
    if (code == WEIR_OK && ask_number(a, "after", 0, INT64_MAX, &after, NULL) != WEIR_OK)
        code = err_set(err, WEIR_INVALID, "%s: after must be the next of an answer before",
                       a->what);
    if (code != WEIR_OK)
        return code;

    struct where *where;
    code = where_read(a, &where, err);
    if (code != WEIR_OK)
        return code;
    uint64_t next, by_state[STORE_STATES];
    struct weir_builder *jobs = read_page(a, &f, where, after, limit, &next);
    struct weir_builder *answer = builder_map();
    put_built(answer, "jobs", &jobs);
    if (next != 0) {
        char text[24];
        snprintf(text, sizeof(text), "%llu", (unsigned long long)next);
        answer_put_text(answer, "next", text_of(text));
    }
    where_tell(where, answer);
    if (strcmp(a->what, "jobs.list") == 0 && where == NULL) /* else nobody has counted them */
        put_number(answer, "total", count(a, &f, by_state));
    a->answer = builder_end(&answer);
    where_free(&where);
    return WEIR_OK;
}

enum weir_code
ask_jobs_count(struct asking *a, struct weir_error *err)
{
    struct filter f;
    enum weir_code code = filter_read(a, &f, err);
    if (code != WEIR_OK)
        return code;
    uint64_t by_state[STORE_STATES];
    struct weir_builder *answer = builder_map(), *states = builder_map();
    put_number(answer, "total", count(a, &f, by_state));
    for (unsigned i = 1; i < STORE_STATES; i++)
        if (by_state[i] > 0)
            put_number(states, job_state_word(i), by_state[i]);
    put_built(answer, "by_state", &states);
    a->answer = builder_end(&answer);
    return WEIR_OK;
}
