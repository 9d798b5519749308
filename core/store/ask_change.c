/* store/ask_change.c - what operators do to jobs: jobs.replay, jobs.cancel, jobs.discard. Each
 * leaves an entry in the audit, in the same commit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "store/ask.h"

enum { CHAIN_MAX = 1000, WHO_MAX = 256, REASON_MAX = 4096 };

/* What is to be done, and to which job. */
struct change {
    uint8_t id[JOB_ID];
    char name[ID_UUID]; /* the id as text */
    struct weir_text who;
    struct weir_text reason;
    int64_t seq;
    unsigned state;
    bool superseded;
    uint8_t by[JOB_ID]; /* the job that replays it, if SUPERSEDED */
};

/* Finds the job ID; false: there is none. */
static bool
find_job(struct asking *a, const uint8_t id[JOB_ID], struct change *c)
{
    sqlite3_stmt *s = db_use(a->db, SQL_FIND);
    sqlite3_bind_blob(s, 1, id, JOB_ID, SQLITE_STATIC);
    if (!db_row(a->db, s))
        return false;
    c->seq = (int64_t)column_number(s, 0);
    c->state = (unsigned)column_number(s, 1);
    struct weir_text by = column_text(s, 7);
    c->superseded = by.len == JOB_ID;
    if (c->superseded)
        memcpy(c->by, by.bytes, JOB_ID);
    sqlite3_reset(s);
    return true;
}

static enum weir_code
read_change(struct asking *a, struct change *c, struct weir_error *err)
{
    enum weir_code code = ask_id(a, c->id, err);
    if (code == WEIR_OK)
        code = ask_text(a, "who", &c->who, err);
    if (code == WEIR_OK)
        code = ask_text(a, "reason", &c->reason, err);
    if (code != WEIR_OK)
        return code;
    if (c->who.len == 0 || c->who.len > WHO_MAX)
        return err_set(err, WEIR_INVALID, "%s: who must say who does it, in 1 to %d bytes",
                       a->what, WHO_MAX);
    if (c->reason.len > REASON_MAX)
        return err_set(err, WEIR_INVALID, "%s: reason must have at most %d bytes", a->what,
                       REASON_MAX);
    job_id_write((struct weir_text){ (const char *)c->id, JOB_ID }, c->name);
    if (!find_job(a, c->id, c))
        return err_set(err, WEIR_NOT_FOUND, "there is no job %s", c->name);
    return WEIR_OK;
}

/* REPLAY is the new job's id, or NULL. */
static void
add_audit(struct asking *a, const struct change *c, unsigned after, const uint8_t *replay)
{
    sqlite3_stmt *s = db_use(a->db, SQL_AUDIT);
    sqlite3_bind_int64(s, 1, (int64_t)a->w->now_ms);
    bind_text(s, 2, c->who);
    bind_text(s, 3, text_of(a->what));
    sqlite3_bind_blob(s, 4, c->id, JOB_ID, SQLITE_STATIC);
    bind_text(s, 5, c->reason);
    bind_text(s, 6, text_of(job_state_word(c->state)));
    bind_text(s, 7, text_of(job_state_word(after)));
    sqlite3_bind_null(s, 8);
    if (replay != NULL)
        sqlite3_bind_blob(s, 8, replay, JOB_ID, SQLITE_STATIC);
    db_run(a->db, s);
}

/* Puts the job into STATE, with an entry, and answers. */
static enum weir_code
move_job(struct asking *a, const struct change *c, unsigned state)
{
    sqlite3_stmt *s = db_use(a->db, SQL_MOVE);
    sqlite3_bind_int64(s, 1, c->seq);
    sqlite3_bind_int(s, 2, (int)state);
    sqlite3_bind_int64(s, 3, (int64_t)a->w->now_ms);
    db_run(a->db, s);
    job_moved(a->w, c->state, state);
    add_audit(a, c, state, NULL);

    struct weir_builder *answer = builder_map();
    answer_put_text(answer, "id", text_of(c->name));
    answer_put_text(answer, "state", text_of(job_state_word(state)));
    a->answer = builder_end(&answer);
    return WEIR_OK;
}

enum weir_code
ask_jobs_cancel(struct asking *a, struct weir_error *err)
{
    struct change c;
    enum weir_code code = read_change(a, &c, err);
    if (code != WEIR_OK)
        return code;
    if (c.state == JOB_RUNNING)
        return err_set(err, WEIR_CONFLICT,
                       "job %s is running; it can be cancelled when its attempt is "
                       "over and another one is due",
                       c.name);
    if (!job_may_become(c.state, JOB_CANCELLED))
        return err_set(err, WEIR_CONFLICT,
                       "job %s is %s; only what is not over can be cancelled", c.name,
                       job_state_word(c.state));
    return move_job(a, &c, JOB_CANCELLED);
}

enum weir_code
ask_jobs_discard(struct asking *a, struct weir_error *err)
{
    struct change c;
    enum weir_code code = read_change(a, &c, err);
    if (code != WEIR_OK)
        return code;
    if (c.reason.len == 0)
        return err_set(err, WEIR_INVALID, "%s: reason must say why nothing is lost", a->what);
    if (c.state != JOB_DEAD)
        return err_set(err, WEIR_CONFLICT, "job %s is %s; only a dead one can be discarded",
                       c.name, job_state_word(c.state));
    return move_job(a, &c, JOB_DISCARDED);
}

static enum weir_code
check_state(struct asking *a, const struct change *c, struct weir_error *err)
{
    const struct weir_value *force = value_field(a->with, "force");
    if (force != NULL && value_type(force) != WEIR_BOOL)
        return err_set(err, WEIR_INVALID, "%s: force must be true or false", a->what);
    switch (c->state) {
    case JOB_DEAD:
    case JOB_CANCELLED:
    case JOB_DISCARDED:
        return WEIR_OK;
    case JOB_COMPLETED:
        if (force != NULL && force->boolean)
            return WEIR_OK;
        return err_set(err, WEIR_CONFLICT, "job %s is completed; force: true runs it once more",
                       c->name);
    default:
        return err_set(err, WEIR_CONFLICT,
                       "job %s is %s; only one that is over can be replayed", c->name,
                       job_state_word(c->state));
    }
}

/* Whether all replays of C, and those of them, have failed. */
static enum weir_code
check_replays(struct asking *a, const struct change *c, struct weir_error *err)
{
    struct change at = *c;
    for (unsigned i = 0; i < CHAIN_MAX && at.superseded; i++) {
        uint8_t id[JOB_ID];
        memcpy(id, at.by, JOB_ID);
        if (!find_job(a, id, &at))
            return WEIR_OK; /* it was removed: so it was over, and old */
        if (at.state == JOB_DEAD || at.state == JOB_CANCELLED || at.state == JOB_DISCARDED)
            continue;
        char name[ID_UUID];
        job_id_write((struct weir_text){ (const char *)id, JOB_ID }, name);
        return err_set(err, WEIR_CONFLICT, "job %s was replayed as %s, which is %s", c->name,
                       name, job_state_word(at.state));
    }
    return WEIR_OK;
}

static enum weir_code
check_replay(struct asking *a, const struct change *c, struct weir_error *err)
{
    enum weir_code code = check_state(a, c, err);
    if (code == WEIR_OK)
        code = check_replays(a, c, err);
    if (code != WEIR_OK)
        return code;
    sqlite3_stmt *s = db_use(a->db, SQL_HAS_EVENT);
    sqlite3_bind_int64(s, 1, c->seq);
    bool has_event = db_row(a->db, s);
    sqlite3_reset(s);
    if (!has_event)
        return err_set(err, WEIR_CONFLICT, "the event of job %s is not kept any more", c->name);
    if (a->w->no_room)
        return err_set(err, WEIR_UNAVAILABLE,
                       "the store has reached its size of %llu bytes (max_size)",
                       (unsigned long long)a->store->max_size);
    return WEIR_OK;
}

/* Makes the new job ID of the one in C. */
static void
write_replay(struct asking *a, const struct change *c, const uint8_t id[JOB_ID])
{
    sqlite3_stmt *s = db_use(a->db, SQL_REPLAY);
    sqlite3_bind_int64(s, 1, c->seq);
    sqlite3_bind_blob(s, 2, id, JOB_ID, SQLITE_STATIC);
    sqlite3_bind_int64(s, 3, (int64_t)a->w->now_ms);
    db_run(a->db, s);
    int64_t seq = sqlite3_last_insert_rowid(a->db->handle);

    s = db_use(a->db, SQL_REPLAY_EVENT);
    sqlite3_bind_int64(s, 1, c->seq);
    sqlite3_bind_int64(s, 2, seq);
    db_run(a->db, s);
    s = db_use(a->db, SQL_SUPERSEDE);
    sqlite3_bind_int64(s, 1, c->seq);
    sqlite3_bind_blob(s, 2, id, JOB_ID, SQLITE_STATIC);
    db_run(a->db, s);
    job_moved(a->w, 0, JOB_READY);
}

enum weir_code
ask_jobs_replay(struct asking *a, struct weir_error *err)
{
    struct change c;
    enum weir_code code = read_change(a, &c, err);
    if (code == WEIR_OK)
        code = check_replay(a, &c, err);
    if (code != WEIR_OK)
        return code;
    char name[ID_UUID];
    uint8_t id[JOB_ID];
    id_uuid7(a->w->now_ms, name);
    (void)job_id_read(text_of(name), id);
    write_replay(a, &c, id);
    add_audit(a, &c, c.state, id);

    struct weir_builder *answer = builder_map();
    answer_put_text(answer, "id", text_of(name));
    answer_put_text(answer, "replay_of", text_of(c.name));
    a->answer = builder_end(&answer);
    return WEIR_OK;
}
