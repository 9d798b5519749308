/* store/batch_make.c - batches.make: a batch is made bit by bit.
 *
 * There may be a hundred thousand jobs in one, and whoever waits for a commit must not wait for all
 * of them. So the order writes an empty batch that is being made (MAKING), up to the newest job of
 * that moment, and is parked; turns of a few milliseconds fill it; when all were looked at it runs,
 * and the order is told. What is wrong is found out then as well, and the batch goes again. If the
 * process ends before nobody was told of it, and it goes at the next start.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "store/batch.h"
#include "store/filter.h"
#include "store/where.h"
#include "value/msgpack.h"

enum {
    SQL_MAX = 8192,
    FILTER_MAX = 64 << 10,
    OPEN_MAX = 100, /* batches that are not over */
    CONCURRENCY_USUAL = 100,
    STEP_JOBS = 256,    /* that are looked at between two looks at the clock */
    STEP_EVENTS = 16,   /* the same if their events are, too */
    STEP_NS = 3000000   /* of a turn, for all that are being made */
};

/* The limits of a new batch, and who wants it. */
struct limits {
    struct rate rate; /* count 0: none */
    uint64_t concurrency;
    uint64_t canary;
    uint64_t stop_on_failures;
    struct weir_text who;
    struct weir_text reason;
};

static enum weir_code
read_limits(const struct asking *a, struct limits *l, struct weir_error *err)
{
    struct weir_text rate;
    *l = (struct limits){ 0 };
    enum weir_code code = ask_who(a, &l->who, &l->reason, err);
    if (code == WEIR_OK)
        code = ask_text(a, "rate", &rate, err);
    if (code != WEIR_OK)
        return code;
    if (rate.len > 0 &&
        (rate_parse(rate, &l->rate, err) != WEIR_OK || l->rate.count == 0 ||
         l->rate.count > 1000000 || l->rate.per_ms == 0 || l->rate.per_ms > 86400000))
        return err_set(err, WEIR_INVALID,
                       "%s: rate must be one such as 10/1s or 600/1m, of at most 1000000 in at "
                       "most a day",
                       a->what);
    code = ask_number(a, "concurrency", CONCURRENCY_USUAL, BATCH_CONCURRENCY, &l->concurrency,
                      err);
    if (code == WEIR_OK && l->concurrency == 0)
        code = err_set(err, WEIR_INVALID, "%s: concurrency must be at least 1", a->what);
    if (code == WEIR_OK)
        code = ask_number(a, "canary", 0, BATCH_CONCURRENCY, &l->canary, err);
    if (code == WEIR_OK)
        code = ask_number(a, "stop_on_failures", 0, BATCH_ITEMS, &l->stop_on_failures, err);
    return code;
}

/* The parameters that say which jobs it is of, as msgpack. */
static void
write_filter(const struct asking *a, struct buf *out)
{
    static const char *const names[] = { "state", "pipeline",    "code",  "node", "since_ms",
                                         "key",   "fingerprint", "where", "max" };
    struct weir_builder *b = builder_map();
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (value_field(a->with, names[i]) != NULL)
            builder_put(b, names[i], value_field(a->with, names[i]));
    const struct weir_value *v = builder_end(&b);
    if (msgpack_write(out, v, NULL) != WEIR_OK)
        out->len = 0; /* a text that is too long to be told later */
    value_unref(&v);
}

/* Writes the row of the batch ID; returns its number. */
static int64_t
write_batch(struct asking *a, const struct limits *l, const uint8_t id[JOB_ID])
{
    struct buf filter;
    buf_init(&filter, FILTER_MAX);
    write_filter(a, &filter);
    sqlite3_stmt *s = db_use(a->db, SQL_BATCH_MAKE);
    sqlite3_bind_blob(s, 1, id, JOB_ID, SQLITE_STATIC);
    bind_blob(s, 2, buf_content(&filter));
    bind_text(s, 3, TEXT("-"));
    bind_text(s, 4, l->who);
    bind_text(s, 5, l->reason);
    bind_number(s, 6, a->w->now_ms);
    bind_number(s, 7, l->rate.count);
    bind_number(s, 8, l->rate.per_ms);
    bind_number(s, 9, a->w->now_ms * 1000);
    bind_number(s, 10, l->concurrency);
    bind_number(s, 11, l->canary);
    bind_number(s, 12, l->stop_on_failures);
    db_run(a->db, s);
    int64_t n = sqlite3_last_insert_rowid(a->db->handle);
    buf_fini(&filter);
    return n;
}

/* -- the order -- */

static enum weir_code
check_open(struct asking *a, struct weir_error *err)
{
    sqlite3_stmt *s = db_use(a->db, SQL_BATCHES_LEFT);
    uint64_t left = db_row(a->db, s) ? column_number(s, 0) : 0;
    sqlite3_reset(s);
    if (left >= OPEN_MAX)
        return err_set(err, WEIR_CONFLICT,
                       "%d batches are not over, which is as many as there may be", OPEN_MAX);
    if (__atomic_load_n(&a->store->unparked, __ATOMIC_RELAXED))
        return err_set(err, WEIR_UNAVAILABLE, "this server ends");
    return WEIR_OK;
}

enum weir_code
ask_batches_make(struct asking *a, struct weir_error *err)
{
    struct choice c;
    struct limits l;
    struct weir_text plan;
    struct where *where = NULL;
    enum weir_code code = read_limits(a, &l, err);
    if (code == WEIR_OK)
        code = batch_choose(a, &c, err);
    if (code == WEIR_OK)
        code = where_read(a, &where, err);
    where_free(&where);
    if (code == WEIR_OK)
        code = ask_text(a, "plan", &plan, err);
    if (code == WEIR_OK)
        code = check_open(a, err);
    if (code != WEIR_OK)
        return code;
    char name[ID_UUID];
    uint8_t id[JOB_ID];
    id_uuid7(a->w->now_ms, name);
    (void)job_id_read(text_of(name), id);
    a->batch = write_batch(a, &l, id);
    return WEIR_OK;
}

/* -- in the making -- */

/* How far a batch is. */
struct progress {
    int64_t seq;   /* the jobs up to this one were looked at */
    uint64_t all;  /* that the filter takes */
    size_t ids;    /* bytes of IDS */
    bool ended;    /* all were looked at, or there are enough */
    bool too_many;
};

struct making {
    struct list link; /* in the store's MAKINGS */
    struct store_ask *ask;
    int64_t n; /* of the batch */
    int64_t upto; /* the newest job that it may be of */
    struct choice choice;
    struct where *where; /* owned; NULL: none */
    sqlite3_stmt *next; /* the jobs behind one: owned */
    struct buf ids;     /* of those that are taken: for the hash */
    struct progress now;
    struct progress committed;
};

/* The statement of M's jobs: seq, id, pipeline, and 0 (not meant), 1 (not to be replayed) or 2. It
 * bounds what is looked at, and not what is found. */
static sqlite3_stmt *
make_next(struct db *db, const struct choice *c, int limit)
{
    struct buf sql;
    buf_init(&sql, SQL_MAX);
    buf_puts(&sql, "SELECT w.seq, w.id, w.pipeline, CASE WHEN EXISTS(SELECT 1 FROM jobs j");
    filter_where(&sql, &c->filter);
    buf_puts(&sql, " AND j.seq = w.seq) THEN 1 + EXISTS(SELECT 1 FROM jobs j WHERE j.seq = w.seq");
    batch_replayable(&sql);
    buf_printf(&sql,
               ") ELSE 0 END FROM (SELECT seq, id, pipeline FROM jobs INDEXED BY jobs_open"
               " WHERE state = %u AND state <> %d AND seq > ?5 AND seq <= ?6"
               " ORDER BY seq LIMIT %d) w ORDER BY w.seq",
               c->filter.state, JOB_COMPLETED, limit);
    sqlite3_stmt *s = filter_make(db, &sql, &c->filter);
    buf_fini(&sql);
    return s;
}

/* The order that ASK gives, again: it was read before, and nothing is wrong with it. */
static struct asking
asking_of(struct store *s, struct writing *w, const struct store_ask *ask)
{
    return (struct asking){ .store = s, .db = &s->writes, .w = w, .what = ask->what,
                            .ask = ask, .with = ask->with };
}

static void
making_free(struct making *m)
{
    list_remove(&m->link);
    where_free(&m->where);
    sqlite3_finalize(m->next);
    buf_fini(&m->ids);
    free(m);
}

void
makings_add(struct store *s, struct store_ask *ask)
{
    struct making *m = calloc(1, sizeof(*m));
    struct asking a = asking_of(s, NULL, ask);
    struct weir_error err;
    if (m == NULL)
        abort();
    m->ask = ask;
    m->n = ask->batch;
    if (batch_choose(&a, &m->choice, &err) != WEIR_OK)
        m->choice = (struct choice){ .filter = { .state = JOB_DEAD } };
    if (where_read(&a, &m->where, &err) != WEIR_OK)
        m->now.ended = true; /* it was read before; without it too many would be taken */
    buf_init(&m->ids, (BATCH_ITEMS + 1) * JOB_ID);
    list_push(&s->makings, &m->link);
    sqlite3_stmt *last = db_use(&s->writes, SQL_LAST_JOB);
    m->upto = db_row(&s->writes, last) ? (int64_t)column_number(last, 0) : 0;
    sqlite3_reset(last);
}

/* A job of a step. */
struct candidate {
    int64_t seq;
    uint8_t id[JOB_ID];
    unsigned is; /* as make_next says */
};

static void
add_item(struct writing *w, const struct making *m, const struct candidate *c)
{
    sqlite3_stmt *s = db_use(w->db, SQL_ITEM_ADD);
    sqlite3_bind_int64(s, 1, m->n);
    sqlite3_bind_int64(s, 2, c->seq);
    sqlite3_bind_blob(s, 3, c->id, JOB_ID, SQLITE_STATIC);
    db_run(w->db, s);
    s = db_use(w->db, SQL_BATCH_PIPELINE);
    sqlite3_bind_int64(s, 1, m->n);
    sqlite3_bind_int64(s, 2, c->seq);
    db_run(w->db, s);
}

/* Takes C, unless there are enough. */
static void
take(struct writing *w, struct making *m, const struct candidate *c)
{
    struct progress *p = &m->now;
    if (p->ended)
        return;
    p->seq = c->seq;
    p->all += c->is > 0;
    if (c->is < 2)
        return;
    if (p->ids / JOB_ID == BATCH_ITEMS) {
        p->ended = p->too_many = true;
        return;
    }
    add_item(w, m, c);
    m->ids.len = p->ids; /* what a commit that failed has left is written over */
    (void)buf_add(&m->ids, c->id, JOB_ID, NULL);
    p->ids = m->ids.len;
    p->ended = p->ids / JOB_ID >= m->choice.max;
}

/* Whether C is meant by the where of M, if it has one. */
static bool
holds(struct writing *w, const struct making *m, const struct candidate *c)
{
    if (m->where == NULL || c->is == 0)
        return true;
    sqlite3_stmt *s = db_use(w->db, SQL_SHOW);
    sqlite3_bind_blob(s, 1, c->id, JOB_ID, SQLITE_STATIC);
    if (!db_row(w->db, s))
        return false;
    struct weir_builder *b = builder_map();
    put_job(b, s);
    sqlite3_reset(s);
    const struct weir_value *job = builder_end(&b);
    bool is = where_holds(m->where, w->db, job, c->seq);
    value_unref(&job);
    return is;
}

/* Looks at the next jobs; false: there are none, or enough. */
static bool
step(struct writing *w, struct making *m)
{
    struct candidate some[STEP_JOBS];
    unsigned n = 0, limit = m->where ? STEP_EVENTS : STEP_JOBS;
    if (m->next == NULL)
        m->next = make_next(w->db, &m->choice, (int)limit);
    if (m->next == NULL)
        return false; /* the connection has the error */
    sqlite3_bind_int64(m->next, 5, m->now.seq);
    sqlite3_bind_int64(m->next, 6, m->upto);
    while (db_row(w->db, m->next) && n < limit) {
        struct weir_text id = column_text(m->next, 1);
        some[n] = (struct candidate){ .seq = (int64_t)column_number(m->next, 0),
                                      .is = (unsigned)column_number(m->next, 3) };
        if (id.len == JOB_ID)
            memcpy(some[n].id, id.bytes, JOB_ID);
        n++;
    }
    sqlite3_reset(m->next);
    uint64_t until_ns = clock_mono_ns() + STEP_NS;
    for (unsigned i = 0; i < n && w->db->rc == SQLITE_OK; i++) {
        if (i > 0 && m->where && clock_mono_ns() > until_ns)
            return !m->now.ended; /* events may be large: with the others in the next step */
        if (!m->now.ended && !holds(w, m, &some[i]))
            some[i].is = 0;
        take(w, m, &some[i]);
    }
    m->now.ended |= n < limit;
    return !m->now.ended && w->db->rc == SQLITE_OK;
}

/* What becomes of M, all of whose jobs are known. */
static enum weir_code
judge(const struct making *m, char hash[PLAN_HASH], struct weir_error *err)
{
    const struct weir_value *plan = value_field(m->ask->with, "plan");
    struct weir_text wanted = plan ? value_as_text(plan) : TEXT("");
    uint64_t total = m->now.ids / JOB_ID;
    batch_hash((struct weir_text){ m->ids.bytes, m->now.ids }, hash);
    if (m->now.too_many)
        return batch_too_many(m->ask->what, err);
    if (total == 0 && m->now.all == 0)
        return err_set(err, WEIR_NOT_FOUND, "there is no such job");
    if (total == 0)
        return err_set(err, WEIR_CONFLICT,
                       "all such jobs (%llu) were replayed already, wait in another "
                       "batch, or have no event any more",
                       (unsigned long long)m->now.all);
    if (wanted.len > 0 && !text_is(wanted, hash))
        return err_set(err, WEIR_CONFLICT,
                       "the plan %.*s does not hold any more: by now it is %s, of %llu jobs",
                       (int)(wanted.len < 64 ? wanted.len : 64), wanted.bytes, hash,
                       (unsigned long long)total);
    return WEIR_OK;
}

/* Lets the batch of M run, and works out what its order is answered. */
static enum weir_code
begin(struct writing *w, struct making *m, const char *hash, struct weir_error *err)
{
    struct asking a = asking_of(w->store, w, m->ask);
    struct limits l;
    uint8_t id[JOB_ID];
    enum weir_code code = read_limits(&a, &l, err);
    if (code != WEIR_OK)
        return code;
    sqlite3_stmt *s = db_use(w->db, SQL_BATCH_FILLED);
    sqlite3_bind_int64(s, 1, m->n);
    bind_number(s, 2, m->now.ids / JOB_ID);
    bind_text(s, 3, text_of(hash));
    db_run(w->db, s);
    if (!batch_id(w->db, m->n, id))
        return err_set(err, WEIR_NOT_FOUND, "the batch is not there any more");
    audit_add(w, &(struct audit){ .who = l.who,
                                  .what = m->ask->what,
                                  .batch = id,
                                  .reason = l.reason,
                                  .pipeline = m->choice.filter.pipeline,
                                  .key = m->choice.filter.key,
                                  .after = "running" });
    code = batch_answer(&a, id, err);
    if (code == WEIR_OK)
        m->ask->answer = a.answer;
    return code;
}

/* Ends M in the open transaction: its order is told what comes of it after the commit. */
static void
end(struct writing *w, struct making *m)
{
    char hash[PLAN_HASH];
    struct weir_error err;
    enum weir_code code = judge(m, hash, &err);
    if (code == WEIR_OK)
        code = begin(w, m, hash, &err);
    if (code == WEIR_OK || w->db->rc != SQLITE_OK)
        return;
    batch_forget(w->db, m->n);
    op_fail(&m->ask->op, &err);
}

uint64_t
makings_turn(struct writing *w)
{
    struct list *all = &w->store->makings;
    uint64_t until = clock_mono_ns() + STEP_NS;
    if (list_empty(all))
        return UINT64_MAX;
    list_each(at, next, all)
    {
        struct making *m = list_entry(at, struct making, link);
        while (!m->now.ended && clock_mono_ns() < until)
            if (!step(w, m))
                break;
        if (m->now.ended && w->db->rc == SQLITE_OK)
            end(w, m);
    }
    return 0;
}

void
makings_turned(struct store *s, bool good)
{
    struct list told;
    list_init(&told);
    list_each(at, next, &s->makings)
    {
        struct making *m = list_entry(at, struct making, link);
        bool over = good && m->now.ended;
        if (good)
            m->committed = m->now;
        else
            m->now = m->committed;
        if (!over && m->ask->answer != NULL) /* of a commit that failed */
            value_unref(&m->ask->answer);
        if (!over) {
            op_fail(&m->ask->op, NULL);
            continue;
        }
        list_push(&told, &m->ask->op.link);
        making_free(m);
    }
    store_tell(&s->to_write, &told);
}

void
makings_end(struct store *s, struct list *told)
{
    list_each(at, next, &s->makings)
    {
        struct making *m = list_entry(at, struct making, link);
        list_push(told, &m->ask->op.link);
        making_free(m);
    }
}
