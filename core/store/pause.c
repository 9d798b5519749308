/* store/pause.c - pipelines, or keys of them, whose jobs are held: pauses.make, pauses.end,
 * pauses.list.
 *
 * A job that would wait or run while its pipeline is paused becomes HELD; it keeps the time for
 * which it is due, which is also its place in the order. What runs when the pause comes goes
 * on, and is held when it would come again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "store/ask.h"

enum { PAUSES_MAX = 1000, KEY_MAX = 4096 };

/* A text that may be empty, and is not NULL then. */
static void
bind_key(sqlite3_stmt *s, int at, struct weir_text key)
{
    sqlite3_bind_text(s, at, key.len > 0 ? key.bytes : "", (int)key.len, SQLITE_STATIC);
}

bool
pause_any(struct db *db)
{
    sqlite3_stmt *s = db_use(db, SQL_PAUSES_ANY);
    bool any = db_row(db, s);
    sqlite3_reset(s);
    return any;
}

bool
pause_has(struct writing *w, struct weir_text pipeline, struct weir_text key)
{
    if (!w->paused)
        return false;
    sqlite3_stmt *s = db_use(w->db, SQL_PAUSE_OF);
    bind_text(s, 1, pipeline);
    bind_key(s, 2, key);
    bool has = db_row(w->db, s);
    sqlite3_reset(s);
    return has;
}

bool
pause_has_job(struct writing *w, int64_t seq)
{
    if (!w->paused)
        return false;
    sqlite3_stmt *s = db_use(w->db, SQL_PAUSE_OF_JOB);
    sqlite3_bind_int64(s, 1, seq);
    bool has = db_row(w->db, s);
    sqlite3_reset(s);
    return has;
}

/* Moves jobs of PIPELINE and KEY (empty: all) from or to STATE by the statement WHICH. */
static int
move(struct writing *w, enum sql which, struct weir_text pipeline, struct weir_text key,
     unsigned state)
{
    sqlite3_stmt *s = db_use(w->db, which);
    bind_text(s, 1, pipeline);
    bind_key(s, 2, key);
    sqlite3_bind_int(s, 3, (int)state);
    sqlite3_bind_int64(s, 4, (int64_t)w->now_ms);
    int n = db_run(w->db, s);
    int by = which == SQL_HOLD ? n : -n;
    w->moved[JOB_HELD] += by;
    w->moved[state] -= by;
    tally_move(w->store->tally, pipeline, state, JOB_HELD, by);
    if (by < 0)
        stuck_changed(w->store->stuck, pipeline);
    return n;
}

static const unsigned waiting[] = { JOB_SCHEDULED, JOB_READY, JOB_WAITING, JOB_RETRYABLE };

/* Does that for all states of jobs that wait. */
static int
move_all(struct writing *w, enum sql which, struct weir_text pipeline, struct weir_text key)
{
    int n = 0;
    for (unsigned i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++)
        n += move(w, which, pipeline, key, waiting[i]);
    return n;
}

void
pauses_hold(struct writing *w)
{
    sqlite3_stmt *s = db_use(w->db, SQL_PAUSES);
    while (db_row(w->db, s))
        move_all(w, SQL_HOLD, column_text(s, 0), column_text(s, 1));
}

/* What is to be paused, or to go on. */
struct order {
    struct weir_text pipeline;
    struct weir_text key;
    struct weir_text who;
    struct weir_text reason;
};

static enum weir_code
read_order(struct asking *a, struct order *o, struct weir_error *err)
{
    enum weir_code code = ask_text(a, "pipeline", &o->pipeline, err);
    if (code == WEIR_OK)
        code = ask_text(a, "key", &o->key, err);
    if (code == WEIR_OK)
        code = ask_who(a, &o->who, &o->reason, err);
    if (code != WEIR_OK)
        return code;
    if (o->pipeline.len == 0 || o->pipeline.len > JOB_PIPELINE_MAX)
        return err_set(err, WEIR_INVALID, "%s: pipeline must have 1 to %d bytes", a->what,
                       JOB_PIPELINE_MAX);
    if (o->key.len > KEY_MAX)
        return err_set(err, WEIR_INVALID, "%s: key must have at most %d bytes", a->what,
                       KEY_MAX);
    return WEIR_OK;
}

/* "the pipeline orders", "the key a of the pipeline orders". */
static const char *
name_of(const struct order *o, char *ret, size_t size)
{
    int pipeline = (int)(o->pipeline.len < 100 ? o->pipeline.len : 100),
        key = (int)(o->key.len < 60 ? o->key.len : 60);
    if (key > 0)
        snprintf(ret, size, "the key '%.*s' of the pipeline '%.*s'", key, o->key.bytes,
                 pipeline, o->pipeline.bytes);
    else
        snprintf(ret, size, "the pipeline '%.*s'", pipeline, o->pipeline.bytes);
    return ret;
}

static void
add_audit(struct asking *a, const struct order *o, const char *before, const char *after)
{
    audit_add(a->w, &(struct audit){ .who = o->who,
                                     .what = a->what,
                                     .reason = o->reason,
                                     .pipeline = o->pipeline,
                                     .key = o->key,
                                     .before = before,
                                     .after = after });
}

/* Answers { pipeline, key, paused, NAME: N }. */
static void
answer(struct asking *a, const struct order *o, bool paused, const char *name, uint64_t n)
{
    struct weir_builder *b = builder_map();
    const struct weir_value *v = paused ? &value_true : &value_false;
    answer_put_text(b, "pipeline", o->pipeline);
    if (o->key.len > 0)
        answer_put_text(b, "key", o->key);
    builder_set(b, "paused", strlen("paused"), &v);
    put_number(b, name, n);
    a->answer = builder_end(&b);
}

enum weir_code
ask_pauses_make(struct asking *a, struct weir_error *err)
{
    struct order o;
    char name[256];
    enum weir_code code = read_order(a, &o, err);
    if (code != WEIR_OK)
        return code;
    sqlite3_stmt *s = db_use(a->db, SQL_PAUSES_COUNT);
    uint64_t n = db_row(a->db, s) ? column_number(s, 0) : 0;
    sqlite3_reset(s);
    if (n >= PAUSES_MAX)
        return err_set(err, WEIR_CONFLICT,
                       "there are %d pauses, which is as many as there may be", PAUSES_MAX);
    s = db_use(a->db, SQL_PAUSE);
    bind_text(s, 1, o.pipeline);
    bind_key(s, 2, o.key);
    sqlite3_bind_int64(s, 3, (int64_t)a->w->now_ms);
    bind_text(s, 4, o.who);
    bind_text(s, 5, o.reason);
    if (db_run(a->db, s) == 0)
        return err_set(err, WEIR_CONFLICT, "%s is paused already",
                       name_of(&o, name, sizeof(name)));
    a->w->paused = true;
    uint64_t held = (uint64_t)move_all(a->w, SQL_HOLD, o.pipeline, o.key);
    add_audit(a, &o, "running", "paused");
    answer(a, &o, true, "held", held);
    return WEIR_OK;
}

enum weir_code
ask_pauses_end(struct asking *a, struct weir_error *err)
{
    struct order o;
    char name[256];
    enum weir_code code = read_order(a, &o, err);
    if (code != WEIR_OK)
        return code;
    sqlite3_stmt *s = db_use(a->db, SQL_PAUSE_END);
    bind_text(s, 1, o.pipeline);
    bind_key(s, 2, o.key);
    if (db_run(a->db, s) == 0)
        return err_set(err, WEIR_CONFLICT, "%s is not paused", name_of(&o, name, sizeof(name)));
    uint64_t released = (uint64_t)move_all(a->w, SQL_RELEASE, o.pipeline, o.key);
    add_audit(a, &o, "paused", "running");
    answer(a, &o, false, "released", released);
    return WEIR_OK;
}

static uint64_t
count_held(struct db *db, struct weir_text pipeline, struct weir_text key)
{
    sqlite3_stmt *s = db_use(db, SQL_HELD);
    bind_text(s, 1, pipeline);
    bind_key(s, 2, key);
    uint64_t n = db_row(db, s) ? column_number(s, 0) : 0;
    sqlite3_reset(s);
    return n;
}

enum weir_code
ask_pauses_list(struct asking *a, struct weir_error *err)
{
    (void)err;
    struct weir_builder *b = builder_map(), *list = builder_list();
    sqlite3_stmt *s = db_use(a->db, SQL_PAUSES);
    while (db_row(a->db, s)) {
        struct weir_builder *one = builder_map();
        struct weir_text key = column_text(s, 1);
        put_column(one, "pipeline", s, 0);
        if (key.len > 0)
            put_column(one, "key", s, 1);
        put_column_number(one, "at_ms", s, 2);
        put_column(one, "who", s, 3);
        put_column(one, "reason", s, 4);
        put_number(one, "held", count_held(a->db, column_text(s, 0), key));
        const struct weir_value *v = builder_end(&one);
        builder_add(list, &v);
    }
    put_built(b, "pauses", &list);
    a->answer = builder_end(&b);
    return WEIR_OK;
}
