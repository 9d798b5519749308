/* store/ask_callback.c - jobs.callback: what a wait of a job waits for has come;
 * jobs.callback.check: whether it would be taken.
 *
 * The answer becomes the output of the wait's record, so that a token works once. A job that still
 * runs is marked by a due time of 0: it is due again as soon as it comes to its wait.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "store/ask.h"
#include "store/replay.h"
#include "value/msgpack.h"

/* The wait that a token is for. */
struct wait_row {
    int64_t n;
    unsigned kind;
    uint64_t until_ms;
};

static bool
find_wait(struct db *db, int64_t job, struct weir_text token, struct wait_row *ret)
{
    bool found = false;
    sqlite3_stmt *s = db_use(db, SQL_TOKENS);
    sqlite3_bind_int64(s, 1, job);
    while (db_row(db, s)) {
        if (!digest_equal(column_text(s, 1), token))
            continue;
        *ret = (struct wait_row){ (int64_t)column_number(s, 0), (unsigned)column_number(s, 2), column_number(s, 3) };
        found = true;
    }
    return found;
}

static enum weir_code
check_wait(const struct asking *a, const struct source *job, const struct wait_row *wait, struct weir_error *err)
{
    uint64_t now_ms = a->w ? a->w->now_ms : clock_wall_ms();
    if (job->state == JOB_COMPLETED || job->state == JOB_DEAD || job->state == JOB_CANCELLED ||
        job->state == JOB_DISCARDED)
        return err_set(err, WEIR_CONFLICT, "job %s is %s; nothing waits for this any more", job->name,
                       job_state_word(job->state));
    if (wait->kind != RECORD_WAITS)
        return err_set(err, WEIR_CONFLICT, "this callback was used already; it works once");
    if (wait->until_ms != 0 && wait->until_ms <= now_ms)
        return err_set(err, WEIR_CONFLICT, "this callback came too late");
    return WEIR_OK;
}

/* Makes the job due, if it stands still. Returns its state from now on. */
static unsigned
wake(struct writing *w, const struct source *job)
{
    unsigned state = job->state == JOB_WAITING ? JOB_READY : job->state;
    if (state == JOB_RETRYABLE) /* its own time holds */
        return state;
    sqlite3_stmt *s = db_use(w->db, SQL_CALLED_JOB);
    sqlite3_bind_int64(s, 1, job->seq);
    bind_number(s, 2, state);
    bind_number(s, 3, w->now_ms);
    db_run(w->db, s);
    if (state != job->state)
        job_moved_of(w, job->seq, job->state, state);
    return state;
}

/* jobs.waited: whether the wait of a token is over. Answered by the writer, as a callback is. */
enum weir_code
ask_jobs_waited(struct asking *a, struct weir_error *err)
{
    uint8_t id[JOB_ID];
    struct weir_text token;
    struct source job;
    struct wait_row wait;
    enum weir_code code = ask_id(a, id, err);
    if (code == WEIR_OK)
        code = ask_text(a, "token", &token, err);
    if (code != WEIR_OK)
        return code;
    if (!source_find(a->db, id, &job) || !find_wait(a->db, job.seq, token, &wait))
        return err_set(err, WEIR_NOT_FOUND, "there is no such wait");
    struct weir_builder *b = builder_map();
    if (wait.kind == RECORD_OVER) {
        sqlite3_stmt *s = db_use(a->db, SQL_WAITED);
        sqlite3_bind_int64(s, 1, wait.n);
        if (db_row(a->db, s))
            put_column_value(b, "output", s, 0);
        sqlite3_reset(s);
    } else if (wait.until_ms <= a->w->now_ms) {
        builder_put(b, "late", &value_true);
    }
    a->answer = builder_end(&b);
    return WEIR_OK;
}

/* The job and its wait that the parameters are for. */
static enum weir_code
find_called(const struct asking *a, struct source *job, struct wait_row *wait, struct weir_error *err)
{
    uint8_t id[JOB_ID];
    struct weir_text token;
    enum weir_code code = ask_id(a, id, err);
    if (code == WEIR_OK)
        code = ask_text(a, "token", &token, err);
    if (code != WEIR_OK)
        return code;
    if (!source_find(a->db, id, job) || !find_wait(a->db, job->seq, token, wait))
        return err_set(err, WEIR_NOT_FOUND, "nothing waits for this callback");
    return check_wait(a, job, wait, err);
}

enum weir_code
ask_jobs_callback_check(struct asking *a, struct weir_error *err)
{
    struct source job;
    struct wait_row wait;
    enum weir_code code = find_called(a, &job, &wait, err);
    if (code == WEIR_OK)
        a->answer = value_ref(&value_empty_map);
    return code;
}

enum weir_code
ask_jobs_callback(struct asking *a, struct weir_error *err)
{
    struct source job;
    struct wait_row wait;
    enum weir_code code = find_called(a, &job, &wait, err);
    if (code != WEIR_OK)
        return code;

    const struct weir_value *output = value_field(a->with, "output");
    struct buf bytes;
    buf_init(&bytes, STORE_EVENT_MAX);
    code = msgpack_write(&bytes, output ? output : &value_null, err);
    if (code == WEIR_OK) {
        sqlite3_stmt *s = db_use(a->db, SQL_CALLED);
        sqlite3_bind_int64(s, 1, wait.n);
        bind_number(s, 2, a->w->now_ms);
        bind_blob(s, 3, buf_content(&bytes));
        db_run(a->db, s);
        struct weir_builder *b = builder_map();
        answer_put_text(b, "id", text_of(job.name));
        answer_put_text(b, "state", text_of(job_state_word(wake(a->w, &job))));
        a->answer = builder_end(&b);
    }
    buf_fini(&bytes);
    return code;
}
