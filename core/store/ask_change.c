/* store/ask_change.c - what operators do to jobs: jobs.replay, jobs.cancel, jobs.discard. Each
 * leaves an entry in the audit, in the same commit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/clock.h"
#include "store/ask.h"
#include "store/filter.h"
#include "store/replay.h"
#include "store/where.h"

enum { WHO_MAX = 256, REASON_MAX = 4096 };

/* What is to be done, and to which job. */
struct change {
    struct source job;
    struct weir_text who;
    struct weir_text reason;
};

enum weir_code
ask_who(const struct asking *a, struct weir_text *ret_who, struct weir_text *ret_reason,
        struct weir_error *err)
{
    enum weir_code code = ask_text(a, "who", ret_who, err);
    if (code == WEIR_OK)
        code = ask_text(a, "reason", ret_reason, err);
    if (code != WEIR_OK)
        return code;
    if (ret_who->len == 0 || ret_who->len > WHO_MAX)
        return err_set(err, WEIR_INVALID, "%s: who must say who does it, in 1 to %d bytes",
                       a->what, WHO_MAX);
    if (ret_reason->len > REASON_MAX)
        return err_set(err, WEIR_INVALID, "%s: reason must have at most %d bytes", a->what,
                       REASON_MAX);
    return WEIR_OK;
}

static enum weir_code
read_change(struct asking *a, struct change *c, struct weir_error *err)
{
    uint8_t id[JOB_ID];
    char name[ID_UUID];
    enum weir_code code = ask_id(a, id, err);
    if (code == WEIR_OK)
        code = ask_who(a, &c->who, &c->reason, err);
    if (code != WEIR_OK)
        return code;
    job_id_write((struct weir_text){ (const char *)id, JOB_ID }, name);
    if (!source_find(a->db, id, &c->job))
        return err_set(err, WEIR_NOT_FOUND, "there is no job %s", name);
    return WEIR_OK;
}

static void
bind_id(sqlite3_stmt *s, int at, const uint8_t *id)
{
    if (id != NULL)
        sqlite3_bind_blob(s, at, id, JOB_ID, SQLITE_STATIC);
    else
        sqlite3_bind_null(s, at);
}

void
audit_add(struct writing *w, const struct audit *entry)
{
    sqlite3_stmt *s = db_use(w->db, SQL_AUDIT);
    sqlite3_bind_int64(s, 1, (int64_t)w->now_ms);
    bind_text(s, 2, entry->who);
    bind_text(s, 3, text_of(entry->what));
    bind_id(s, 4, entry->job);
    bind_text(s, 5, entry->reason);
    bind_text(s, 6, text_of(entry->before ? entry->before : ""));
    bind_text(s, 7, text_of(entry->after ? entry->after : ""));
    bind_id(s, 8, entry->replay);
    bind_id(s, 9, entry->batch);
    bind_text(s, 10, entry->pipeline);
    bind_text(s, 11, entry->key);
    db_run(w->db, s);
}

/* REPLAY is the new job's id, or NULL. */
static void
add_audit(struct asking *a, const struct change *c, unsigned after, const uint8_t *replay)
{
    audit_add(a->w, &(struct audit){ .who = c->who,
                                     .what = a->what,
                                     .job = c->job.id,
                                     .reason = c->reason,
                                     .before = job_state_word(c->job.state),
                                     .after = job_state_word(after),
                                     .replay = replay });
}

/* Puts the job into STATE, with an entry. */
static void
put_into(struct asking *a, const struct change *c, unsigned state)
{
    sqlite3_stmt *s = db_use(a->db, SQL_MOVE);
    sqlite3_bind_int64(s, 1, c->job.seq);
    sqlite3_bind_int(s, 2, (int)state);
    sqlite3_bind_int64(s, 3, (int64_t)a->w->now_ms);
    db_run(a->db, s);
    job_moved_of(a->w, c->job.seq, c->job.state, state);
    line_leave(a->w, c->job.seq, state);
    add_audit(a, c, state, NULL);
}

/* The same, and answers. */
static enum weir_code
move_job(struct asking *a, const struct change *c, unsigned state)
{
    put_into(a, c, state);
    struct weir_builder *answer = builder_map();
    answer_put_text(answer, "id", text_of(c->job.name));
    answer_put_text(answer, "state", text_of(job_state_word(state)));
    a->answer = builder_end(&answer);
    return WEIR_OK;
}

/* The job runs: notes that it is to end, which outlives this process, and leaves the rest to the
 * shard that has it. */
static enum weir_code
cancel_running(struct asking *a, const struct change *c, struct weir_error *err)
{
    if (c->job.cancelling)
        return err_set(err, WEIR_CONFLICT, "job %s is being cancelled already", c->job.name);
    sqlite3_stmt *s = db_use(a->db, SQL_CANCELLING);
    sqlite3_bind_int64(s, 1, c->job.seq);
    db_run(a->db, s);
    add_audit(a, c, JOB_CANCELLED, NULL);
    a->cancels = true;
    memcpy(a->cancel, c->job.id, JOB_ID);

    struct weir_builder *answer = builder_map();
    answer_put_text(answer, "id", text_of(c->job.name));
    answer_put_text(answer, "state", text_of(job_state_word(JOB_RUNNING)));
    builder_put(answer, "cancelling", &value_true);
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
    if (c.job.state == JOB_RUNNING)
        return cancel_running(a, &c, err);
    if (!job_may_become(c.job.state, JOB_CANCELLED))
        return err_set(err, WEIR_CONFLICT,
                       "job %s is %s; only what is not over can be cancelled", c.job.name,
                       job_state_word(c.job.state));
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
    if (c.job.state != JOB_DEAD)
        return err_set(err, WEIR_CONFLICT, "job %s is %s; only a dead one can be discarded",
                       c.job.name, job_state_word(c.job.state));
    return move_job(a, &c, JOB_DISCARDED);
}

/* -- many at once, a piece in each commit -- */

enum { PIECE_JOBS = 256, PIECE_EVENTS = 32, PIECE_SQL = 8192, PIECE_NS = 5000000 /* if events are looked at */ };

/* A piece: the jobs behind AFTER, up to UPTO. */
struct piece {
    struct filter filter;
    struct where *where;
    uint64_t after;
    uint64_t upto; /* 0: the newest one there is */
    uint64_t max;
    bool dry;
    bool more;
    uint64_t done;
    struct weir_text who;
    struct weir_text reason;
};

static enum weir_code
read_piece(struct asking *a, struct piece *p, struct weir_error *err)
{
    const struct weir_value *dry = value_field(a->with, "dry_run");
    *p = (struct piece){ .dry = dry && value_type(dry) == WEIR_BOOL && dry->boolean };
    enum weir_code code = filter_read(a, &p->filter, err);
    if (code == WEIR_OK)
        code = ask_number(a, "after", 0, INT64_MAX, &p->after, err);
    if (code == WEIR_OK)
        code = ask_number(a, "upto", 0, INT64_MAX, &p->upto, err);
    if (code == WEIR_OK)
        code = ask_number(a, "max", INT64_MAX, INT64_MAX, &p->max, err);
    if (code == WEIR_OK)
        code = ask_who(a, &p->who, &p->reason, err);
    if (code != WEIR_OK)
        return code;
    if (p->filter.state == 0)
        p->filter.state = JOB_DEAD;
    if (p->filter.state != JOB_DEAD)
        return err_set(err, WEIR_INVALID, "%s: state must be dead: only such jobs can be discarded", a->what);
    if (!p->dry && p->reason.len == 0)
        return err_set(err, WEIR_INVALID, "%s: reason must say why nothing is lost", a->what);
    if (p->upto == 0) {
        sqlite3_stmt *s = db_use(a->db, SQL_LAST_JOB);
        p->upto = db_row(a->db, s) ? column_number(s, 0) : 0;
        sqlite3_reset(s);
    }
    return where_read(a, &p->where, err);
}

/* Takes those of the piece that are meant into IDS, JOB_ID bytes each. */
static unsigned
choose_piece(struct asking *a, struct piece *p, uint8_t ids[PIECE_JOBS][JOB_ID])
{
    unsigned limit = p->where ? PIECE_EVENTS : PIECE_JOBS, looked_at = 0, n = 0;
    struct buf sql;
    buf_init(&sql, PIECE_SQL);
    buf_puts(&sql, "SELECT " JOB_COLUMNS " FROM jobs j");
    filter_where(&sql, &p->filter);
    buf_printf(&sql, " AND j.seq > %llu AND j.seq <= %llu ORDER BY j.seq LIMIT %u", (unsigned long long)p->after,
               (unsigned long long)p->upto, limit);
    sqlite3_stmt *s = filter_make(a->db, &sql, &p->filter);
    uint64_t until_ns = clock_mono_ns() + PIECE_NS;
    bool late = false;
    while (!late && db_row(a->db, s)) {
        struct weir_text id = column_text(s, 1);
        struct weir_builder *b = builder_map();
        put_job(b, s);
        const struct weir_value *job = builder_end(&b);
        p->after = column_number(s, 0);
        looked_at++;
        if (n < p->max && id.len == JOB_ID && (p->where == NULL || where_holds(p->where, a->db, job, (int64_t)p->after)))
            memcpy(ids[n++], id.bytes, JOB_ID);
        value_unref(&job);
        late = p->where && clock_mono_ns() > until_ns;
    }
    sqlite3_finalize(s);
    buf_fini(&sql);
    p->more = (late || looked_at == limit) && n < p->max;
    return n;
}

enum weir_code
ask_jobs_discard_some(struct asking *a, struct weir_error *err)
{
    struct piece p;
    uint8_t ids[PIECE_JOBS][JOB_ID];
    a->what = "jobs.discard"; /* which each of them is, in the audit and to who asks */
    enum weir_code code = read_piece(a, &p, err);
    if (code != WEIR_OK)
        return code;
    unsigned n = choose_piece(a, &p, ids);
    for (unsigned i = 0; i < n; i++) {
        struct change c = { .who = p.who, .reason = p.reason };
        if (!source_find(a->db, ids[i], &c.job))
            continue;
        if (!p.dry)
            put_into(a, &c, JOB_DISCARDED);
        p.done++;
    }
    struct weir_builder *b = builder_map();
    put_number(b, "discarded", p.done);
    if (p.more) {
        put_number(b, "after", p.after);
        put_number(b, "upto", p.upto);
    }
    where_tell(p.where, b);
    where_free(&p.where);
    a->answer = builder_end(&b);
    return WEIR_OK;
}

static enum weir_code
read_how(const struct asking *a, struct replay_how *how, struct weir_error *err)
{
    const struct weir_value *keys = value_field(a->with, "new_keys");
    *how = (struct replay_how){ .keep = value_field(a->with, "keep"),
                                .outputs = value_field(a->with, "outputs"),
                                .new_keys = keys && value_type(keys) == WEIR_BOOL && keys->boolean };
    if (how->keep && value_type(how->keep) != WEIR_LIST)
        return err_set(err, WEIR_INVALID, "%s: keep must be a list of steps", a->what);
    if (how->outputs && value_type(how->outputs) != WEIR_MAP)
        return err_set(err, WEIR_INVALID, "%s: outputs must be a map of steps", a->what);
    return ask_text(a, "revision", &how->revision, err);
}

enum weir_code
ask_jobs_replay(struct asking *a, struct weir_error *err)
{
    struct change c;
    const struct weir_value *force = value_field(a->with, "force");
    enum weir_code code = read_change(a, &c, err);
    if (code != WEIR_OK)
        return code;
    if (force != NULL && value_type(force) != WEIR_BOOL)
        return err_set(err, WEIR_INVALID, "%s: force must be true or false", a->what);
    code = replay_check(a->w, &c.job, force != NULL && force->boolean, err);
    if (code != WEIR_OK)
        return code;
    struct replay_how how;
    char name[ID_UUID];
    uint8_t id[JOB_ID];
    code = read_how(a, &how, err);
    if (code != WEIR_OK)
        return code;
    replay_write(a->w, &c.job, &how, id, name);
    add_audit(a, &c, c.job.state, id);

    struct weir_builder *answer = builder_map();
    answer_put_text(answer, "id", text_of(name));
    answer_put_text(answer, "replay_of", text_of(c.job.name));
    a->answer = builder_end(&answer);
    return WEIR_OK;
}
