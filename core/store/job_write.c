/* store/job_write.c - what shards do to jobs: accepting, recording steps, finishing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/impl.h"
#include "store/job.h"
#include "store/retention.h"

enum { ORDER_KEY_MAX = 1024 };

void
job_moved(struct writing *w, struct weir_text pipeline, unsigned from, unsigned to)
{
    assert(job_may_become(from, to));
    if (from != 0)
        w->moved[from]--;
    w->moved[to]++;
    tally_move(w->store->tally, pipeline, from, to, 1);
    if (to == JOB_SCHEDULED || to == JOB_READY || to == JOB_WAITING || to == JOB_RETRYABLE)
        stuck_changed(w->store->stuck, pipeline);
}

void
job_moved_of(struct writing *w, int64_t seq, unsigned from, unsigned to)
{
    sqlite3_stmt *s = db_use(w->db, SQL_STATE_OF);
    sqlite3_bind_int64(s, 1, seq);
    if (db_row(w->db, s))
        job_moved(w, column_text(s, 0), from, to);
    sqlite3_reset(s);
}

void
job_completed(struct writing *w)
{
    w->moved[JOB_RUNNING]--;
    w->moved[JOB_COMPLETED]++;
}

enum weir_code
job_accept_check(const struct writing *w, const struct job_accept *a, struct weir_error *err)
{
    if (a->order_key.len > ORDER_KEY_MAX)
        return err_set(err, WEIR_INVALID, "an order key must have at most %d bytes", ORDER_KEY_MAX);
    if (a->pipeline.len == 0 || a->pipeline.len > JOB_PIPELINE_MAX)
        return err_set(err, WEIR_INVALID, "the pipeline's name must have 1 to %d bytes",
                       JOB_PIPELINE_MAX);
    if (a->event.len > STORE_EVENT_MAX || a->trace.len > STORE_EVENT_MAX)
        return err_set(err, WEIR_TOO_LARGE, "an event must have at most %u bytes",
                       STORE_EVENT_MAX);
    if (w->no_room)
        return err_set(err, WEIR_UNAVAILABLE,
                       "the store has reached its size of %llu bytes (max_size)",
                       (unsigned long long)w->store->max_size);
    return WEIR_OK;
}

static void
write_attempt(struct db *db, int64_t seq, uint32_t attempt, uint64_t started_ms,
              uint64_t ended_ms, const struct job_failure *f, struct weir_text trace)
{
    sqlite3_stmt *s = db_use(db, SQL_ATTEMPT);
    sqlite3_bind_int64(s, 1, seq);
    sqlite3_bind_int64(s, 2, attempt);
    bind_number(s, 3, started_ms);
    bind_number(s, 4, ended_ms);
    bind_number(s, 5, f->code);
    bind_text(s, 6, f->node);
    bind_text(s, 7, f->message);
    bind_blob(s, 8, trace);
    if (trace.len == 0)
        sqlite3_bind_null(s, 8);
    db_run(db, s);
}

/* Binds code, node and message at AT, and the fingerprint behind them if the job is DEAD. */
static void
bind_failure(sqlite3_stmt *s, int at, const struct job_failure *f, const char *fingerprint)
{
    bind_number(s, at, f->code);
    bind_text(s, at + 1, f->node);
    bind_text(s, at + 2, f->message);
    bind_text(s, at + 3, text_of(fingerprint));
}

static unsigned
new_state(const struct job_accept *a)
{
    return a->blocked ? JOB_BLOCKED : a->held ? JOB_HELD : a->state;
}

/* Writes the row of a new job; false: there is one with its ID already. */
static bool
insert_job(struct writing *w, const struct job_accept *a, const uint8_t id[JOB_ID])
{
    bool runs = a->state == JOB_RUNNING && !a->held && !a->blocked, ran = runs || a->state == JOB_DEAD;
    char fingerprint[JOB_FINGERPRINT] = "";
    if (a->state == JOB_DEAD)
        job_fingerprint(a->pipeline, &a->failure, fingerprint);

    sqlite3_stmt *s = db_use(w->db, SQL_ACCEPT);
    sqlite3_bind_blob(s, 1, id, JOB_ID, SQLITE_STATIC);
    bind_text(s, 2, a->pipeline);
    bind_text(s, 3, ran && !a->waits ? a->revision : TEXT(""));
    bind_number(s, 4, new_state(a));
    bind_number(s, 5, a->state == JOB_DEAD ? a->reason : 0u);
    sqlite3_bind_int(s, 6, ran && !a->waits);
    bind_number(s, 7, runs ? w->store->owner : 0);
    sqlite3_bind_int64(s, 8, (int64_t)a->created_ms);
    sqlite3_bind_int64(
        s, 9, (int64_t)(a->state == JOB_DEAD && a->ended_ms ? a->ended_ms : a->created_ms));
    bind_number(s, 10, runs && !a->waits && a->started_ms == 0 ? a->created_ms : a->started_ms);
    uint64_t due_ms = a->state == JOB_SCHEDULED ? a->due_ms : a->created_ms;
    bind_number(s, 11, store_due(w, due_ms, a->created_ms));
    bind_text(s, 12, a->key);
    bind_failure(s, 13, &a->failure, fingerprint);
    bind_number(s, 17, 0);
    bool dead = a->state == JOB_DEAD;
    uint64_t bytes = a->event.len + (dead ? a->trace.len : 0);
    bind_number(s, 18, dead ? a->keep_ms : 0);
    bind_number(s, 19, dead ? a->payload_keep_ms : 0);
    sqlite3_bind_int64(s, 20, (int64_t)bytes);
    if (db_run(w->db, s) != 1)
        return false;
    w->moved[0] += dead ? (int64_t)bytes : 0;
    return true;
}

/* Sees whether a job's death is an incident, before it counts as one that failed alike. */
static void
note_death(struct writing *w, struct weir_text pipeline, const struct job_failure *f,
           struct job_incident *ret)
{
    char fingerprint[JOB_FINGERPRINT];
    job_fingerprint(pipeline, f, fingerprint);
    incident_note(w, fingerprint, ret);
}

enum weir_code
job_accept_write(struct writing *w, struct job_accept *a, struct weir_error *err)
{
    assert(job_may_become(0, a->state));
    uint8_t id[JOB_ID];
    if (!job_id_read(text_of(a->id), id))
        return err_set(err, WEIR_INVALID, "the job's id must be a UUID, not \"%s\"", a->id);
    enum weir_code code = job_accept_check(w, a, err);
    bool again = false;
    if (code == WEIR_OK && a->once)
        code = once_find(w, a, &again, err);
    if (code != WEIR_OK || again)
        return code;
    a->blocked = a->order_key.len > 0 && line_has(w, a->pipeline, a->order_key);
    a->held = a->state != JOB_DEAD && !a->blocked && pause_has(w, a->pipeline, a->key);
    a->incident.is = false;
    if (a->state == JOB_DEAD)
        note_death(w, a->pipeline, &a->failure, &a->incident);
    if (!insert_job(w, a, id))
        return err_set(err, WEIR_CONFLICT, "there is a job %s already", a->id);

    int64_t seq = a->seq = sqlite3_last_insert_rowid(w->db->handle);
    sqlite3_stmt *s = db_use(w->db, SQL_EVENT);
    sqlite3_bind_int64(s, 1, seq);
    bind_blob(s, 2, a->event);
    db_run(w->db, s);
    if (a->once)
        once_note(w, a, id);
    if (a->order_key.len > 0)
        line_join(w, seq, a->order_key, a->order_hold);
    if (a->state == JOB_DEAD)
        write_attempt(w->db, seq, 1, a->started_ms, a->ended_ms, &a->failure, a->trace);
    job_moved(w, a->pipeline, 0, new_state(a));
    return WEIR_OK;
}

enum weir_code
job_begin_write(struct writing *w, struct job_begin *b, struct weir_error *err)
{
    uint8_t id[JOB_ID];
    sqlite3_stmt *s = db_use(w->db, SQL_FIND);
    bool known = job_id_read(text_of(b->id), id);
    if (known)
        sqlite3_bind_blob(s, 1, id, JOB_ID, SQLITE_STATIC);
    known = known && db_row(w->db, s);
    b->held = known && pause_has(w, column_text(s, 5), column_text(s, 6));
    bool cancelling = known && column_number(s, 10) != 0;
    int64_t seq = known ? (int64_t)column_number(s, 0) : 0;
    sqlite3_reset(s);
    if (!known)
        return err_set(err, WEIR_NOT_FOUND, "there is no job %s", b->id);
    if (cancelling) /* it is given back, and its end is that of a cancelled one then */
        return err_set(err, WEIR_CANCELLED, "an operator has cancelled the job");
    s = db_use(w->db, b->held ? SQL_BEGUN_HELD : SQL_BEGUN);
    sqlite3_bind_blob(s, 1, id, JOB_ID, SQLITE_STATIC);
    bind_number(s, 2, w->now_ms);
    sqlite3_bind_int64(s, 3, (int64_t)w->store->owner);
    if (db_run(w->db, s) != 1)
        return err_set(err, WEIR_CONFLICT, "job %s does not wait any more", b->id);
    if (b->held)
        job_moved_of(w, seq, JOB_RUNNING, JOB_HELD);
    return WEIR_OK;
}

/* A job that runs in this process. */
struct held {
    int64_t seq;
    bool stepped;
    bool called; /* a callback has come while it ran */
    bool cancelling; /* an operator has cancelled it */
    bool in_line;    /* it has an order key */
    char pipeline[JOB_PIPELINE_MAX];
    size_t pipeline_len;
};

/* Says why the row of SQL_FIND is not the running ATTEMPT of this process. */
static enum weir_code
check_held(const struct writing *w, sqlite3_stmt *s, const char *id, uint32_t attempt,
           struct weir_error *err)
{
    unsigned state = (unsigned)column_number(s, 1);
    uint64_t has = column_number(s, 2);
    if (state != JOB_RUNNING)
        return err_set(err, WEIR_CONFLICT, "job %s is %s: attempt %u is over", id,
                       job_state_word(state), attempt);
    if (has != attempt)
        return err_set(err, WEIR_CONFLICT, "job %s has attempt %llu by now, not %u", id,
                       (unsigned long long)has, attempt);
    if (column_number(s, 3) != w->store->owner)
        return err_set(err, WEIR_CONFLICT, "job %s runs in another process", id);
    return WEIR_OK;
}

static enum weir_code
find_held(struct writing *w, const char *id, uint32_t attempt, struct held *h,
          struct weir_error *err)
{
    uint8_t bytes[JOB_ID];
    if (!job_id_read(text_of(id), bytes))
        return err_set(err, WEIR_INVALID, "the job's id must be a UUID, not \"%s\"", id);
    sqlite3_stmt *s = db_use(w->db, SQL_FIND);
    sqlite3_bind_blob(s, 1, bytes, JOB_ID, SQLITE_STATIC);
    if (!db_row(w->db, s))
        return err_set(err, WEIR_NOT_FOUND, "there is no job %s", id);
    enum weir_code code = check_held(w, s, id, attempt, err);
    if (code == WEIR_OK) {
        struct weir_text pipeline = column_text(s, 5);
        h->seq = (int64_t)column_number(s, 0);
        h->stepped = column_number(s, 4) != 0;
        h->called = column_number(s, 9) == 0;
        h->cancelling = column_number(s, 10) != 0;
        h->in_line = column_number(s, 11) != 0;
        h->pipeline_len =
            pipeline.len < sizeof(h->pipeline) ? pipeline.len : sizeof(h->pipeline);
        memcpy(h->pipeline, pipeline.bytes, h->pipeline_len);
    }
    sqlite3_reset(s);
    return code;
}

static void
write_record(struct db *db, int64_t seq, const struct job_step *step)
{
    sqlite3_stmt *s = db_use(db, SQL_STEP);
    sqlite3_bind_int64(s, 1, seq);
    sqlite3_bind_text64(s, 2, step->path.bytes, step->path.len, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_int(s, 3, step->kind);
    sqlite3_bind_int64(s, 4, (int64_t)step->at_ms);
    bind_number(s, 5, step->failure.code);
    bind_text(s, 6, step->failure.node);
    bind_text(s, 7, step->failure.message);
    bind_blob(s, 8, step->output);
    bind_number(s, 9, step->until_ms);
    bind_text(s, 10, text_of(step->token ? step->token : ""));
    bind_number(s, 11, step->started_ms);
    bind_number(s, 12, step->tries);
    bind_number(s, 13, step->effect);
    db_run(db, s);
}

static void
write_choices(struct db *db, int64_t seq, const struct job_step *step)
{
    for (const struct job_choice *c = step->choices; c; c = c->next) {
        struct job_step one = { .path = c->path,
                                .kind = RECORD_CHOSE,
                                .at_ms = step->at_ms,
                                .output = c->output };
        write_record(db, seq, &one);
    }
}

enum weir_code
job_step_write(struct writing *w, const struct job_step *step, struct weir_error *err)
{
    struct held h;
    enum weir_code code = find_held(w, step->id, step->attempt, &h, err);
    if (code != WEIR_OK)
        return code;
    if (step->output.len > STORE_EVENT_MAX)
        return err_set(err, WEIR_TOO_LARGE, "a step's output must have at most %u bytes",
                       STORE_EVENT_MAX);

    write_choices(w->db, h.seq, step);
    write_record(w->db, h.seq, step);
    if (h.stepped)
        return WEIR_OK;
    sqlite3_stmt *s = db_use(w->db, SQL_STEPPED);
    sqlite3_bind_int64(s, 1, h.seq);
    bind_text(s, 2, step->revision);
    db_run(w->db, s);
    return WEIR_OK;
}

uint64_t
job_keep_ms(const struct writing *w, const struct job_finish *f)
{
    uint64_t keep = f->keep_ms, usual = retention_usual(w->store, f->state);
    /* What has no limit is longer than anything. */
    if (f->keep_least_ms > keep && (keep > 0 || (usual > 0 && f->keep_least_ms > usual)))
        keep = f->keep_least_ms;
    return keep;
}

/* Binds for how long the job is kept, and at AT + 1 its payload. */
static void
bind_keep(const struct writing *w, sqlite3_stmt *s, int at, const struct job_finish *f)
{
    bind_number(s, at, job_keep_ms(w, f));
    bind_number(s, at + 1, f->payload_keep_ms);
}

/* The usual end, in one statement: completed, and nothing to keep or to drop. False: something
 * else is to be done, or to be said. */
static bool
complete(struct writing *w, const struct job_finish *f)
{
    uint8_t id[JOB_ID];
    if (f->state != JOB_COMPLETED || f->trace.len > 0 || f->result.len > 0 ||
        !job_id_read(text_of(f->id), id))
        return false;
    sqlite3_stmt *s = db_use(w->db, SQL_COMPLETE);
    sqlite3_bind_blob(s, 1, id, JOB_ID, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, f->attempt);
    sqlite3_bind_int64(s, 3, (int64_t)w->store->owner);
    bind_number(s, 4, f->started_ms);
    sqlite3_bind_int64(s, 5, (int64_t)(f->ended_ms ? f->ended_ms : w->now_ms));
    bind_text(s, 6, f->revision);
    bind_keep(w, s, 7, f);
    if (db_run(w->db, s) != 1)
        return false;
    job_completed(w);
    return true;
}

/* Writes what the job's row says of its end. */
static void
update_job(struct writing *w, const struct job_finish *f, const struct held *h)
{
    bool back = f->state == JOB_READY || f->state == JOB_WAITING;
    bool called = f->state == JOB_WAITING && h->called;
    char fingerprint[JOB_FINGERPRINT] = "";
    if (f->state == JOB_DEAD)
        job_fingerprint((struct weir_text){ h->pipeline, h->pipeline_len }, &f->failure,
                        fingerprint);
    bool due = back || f->state == JOB_RETRYABLE;
    unsigned state = due && pause_has_job(w, h->seq) ? JOB_HELD : called ? JOB_READY : f->state;
    sqlite3_stmt *s = db_use(w->db, SQL_FINISH);
    sqlite3_bind_int64(s, 1, h->seq);
    bind_number(s, 2, state);
    bind_number(s, 3, f->state == JOB_DEAD ? f->reason : 0u);
    sqlite3_bind_int64(s, 4, f->attempt - ((back || f->untried) && f->attempt > 0));
    bind_number(s, 5, f->started_ms);
    sqlite3_bind_int64(s, 6, (int64_t)(f->ended_ms ? f->ended_ms : w->now_ms));
    bind_number(s, 7, called ? w->now_ms : due ? store_due(w, f->due_ms, f->ended_ms) : 0);
    bind_failure(s, 8, &f->failure, fingerprint);
    sqlite3_bind_int(s, 12, h->stepped && (f->state != JOB_COMPLETED || f->keep_steps));
    sqlite3_bind_int(s, 13, back && f->attempt == 1 && !h->stepped);
    bind_text(s, 14, f->revision);
    bind_keep(w, s, 15, f);
    sqlite3_bind_int64(s, 17, (int64_t)(f->result.len + f->trace.len));
    db_run(w->db, s);
    job_moved(w, (struct weir_text){ h->pipeline, h->pipeline_len }, JOB_RUNNING, state);
}

enum weir_code
job_finish_write(struct writing *w, struct job_finish *finish, struct weir_error *err)
{
    struct job_finish changed = *finish;
    const struct job_finish *f = &changed;
    job_suspect_over(w->store, f->id);
    assert(job_may_become(JOB_RUNNING, f->state));
    if (complete(w, f))
        return WEIR_OK;
    struct held h;
    enum weir_code code = find_held(w, f->id, f->attempt, &h, err);
    if (code != WEIR_OK)
        return code;
    if (h.cancelling && (f->state == JOB_READY || f->state == JOB_RETRYABLE || f->state == JOB_WAITING))
        changed.state = JOB_CANCELLED; /* it would run once more */
    if (f->trace.len > STORE_EVENT_MAX || f->result.len > STORE_EVENT_MAX)
        return err_set(err, WEIR_TOO_LARGE, "a trace and a result must have at most %u bytes",
                       STORE_EVENT_MAX);

    /* The times of a completed attempt are in the job's row. */
    if (f->state != JOB_READY && f->state != JOB_WAITING && (f->state != JOB_COMPLETED || f->trace.len > 0))
        write_attempt(w->db, h.seq, f->attempt, f->started_ms, f->ended_ms, &f->failure,
                      f->trace);
    if (f->result.len > 0) {
        sqlite3_stmt *s = db_use(w->db, SQL_RESULT);
        sqlite3_bind_int64(s, 1, h.seq);
        bind_blob(s, 2, f->result);
        db_run(w->db, s);
    }
    if ((f->state == JOB_COMPLETED || f->state == JOB_RETRYABLE) && h.stepped) {
        sqlite3_stmt *s = db_use(w->db, f->state == JOB_RETRYABLE ? SQL_DROP_CAUGHT
                                        : f->keep_steps           ? SQL_DROP_TOKENS
                                                                  : SQL_DROP_STEPS);
        sqlite3_bind_int64(s, 1, h.seq);
        db_run(w->db, s);
    }
    finish->incident.is = false;
    if (f->state == JOB_DEAD)
        note_death(w, (struct weir_text){ h.pipeline, h.pipeline_len }, &f->failure,
                   &finish->incident);
    update_job(w, f, &h);
    bool over = f->state == JOB_COMPLETED || f->state == JOB_DEAD || f->state == JOB_CANCELLED;
    if (h.in_line && over)
        line_leave(w, h.seq, f->state);
    return WEIR_OK;
}
