/* store/batch_ask.c - batches.plan and batches.make: which jobs a batch is of.
 *
 * A plan and a batch take the same jobs by the same statement: of each event that was replayed
 * the newest job alone, and none that waits in another batch. The hash over them tells whether
 * they are still the ones that somebody has looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/units.h"
#include "store/batch.h"
#include "store/filter.h"
#include "value/msgpack.h"

enum {
    SQL_MAX = 4096,
    FILTER_MAX = 64 << 10,
    PLAN_GROUPS = 1000,
    PLAN_HASH = 17,  /* with a NUL */
    OPEN_MAX = 100,  /* batches that are not over */
    OVER_MAX = 1000, /* batches that are, and are kept */
    CONCURRENCY_USUAL = 100
};

/* What a batch is to be of. */
struct choice {
    struct filter filter;
    uint64_t max;   /* UINT64_MAX: all */
    uint64_t total; /* jobs that are taken */
    char hash[PLAN_HASH];
};

/* Which of the jobs j that a filter takes may be replayed. */
static void
add_replayable(struct buf *sql)
{
    buf_printf(sql,
               " AND j.state IN (%d, %d, %d) AND j.superseded_by IS NULL"
               " AND NOT EXISTS(SELECT 1 FROM jobs o WHERE o.id = j.replay_of"
               "  AND o.superseded_by IS NOT j.id)"
               " AND NOT EXISTS(SELECT 1 FROM batch_items i INDEXED BY batch_items_pending"
               "  WHERE i.state = %d AND i.id = j.id)"
               " AND EXISTS(SELECT 1 FROM events e WHERE e.job = j.seq)",
               JOB_DEAD, JOB_CANCELLED, JOB_DISCARDED, ITEM_PENDING);
}

/* The jobs of C with the columns WHAT, after BEFORE, and AFTER behind it. */
static sqlite3_stmt *
select_jobs(struct asking *a, const struct choice *c, const char *before, const char *what,
            const char *after)
{
    struct buf sql;
    buf_init(&sql, SQL_MAX);
    buf_printf(&sql, "%sSELECT %s FROM jobs j", before, what);
    filter_where(&sql, &c->filter);
    add_replayable(&sql);
    buf_printf(&sql, " ORDER BY j.seq LIMIT %llu%s",
               (unsigned long long)(c->max < BATCH_ITEMS ? c->max : BATCH_ITEMS + 1), after);
    sqlite3_stmt *s = filter_make(a->db, &sql, &c->filter);
    buf_fini(&sql);
    return s;
}

/* Counts the jobs of C, and their hash. */
static void
count_jobs(struct asking *a, struct choice *c)
{
    struct buf ids;
    uint8_t sum[DIGEST_MAX];
    buf_init(&ids, (BATCH_ITEMS + 1) * JOB_ID);
    sqlite3_stmt *s = select_jobs(a, c, "", "j.id", "");
    c->total = 0;
    while (db_row(a->db, s)) {
        struct weir_text id = column_text(s, 0);
        (void)buf_add(&ids, id.bytes, id.len, NULL);
        c->total++;
    }
    sqlite3_finalize(s);
    digest(WEIR_SHA256, buf_content(&ids), sum);
    for (unsigned i = 0; i < (PLAN_HASH - 1) / 2; i++)
        snprintf(c->hash + 2 * i, 3, "%02x", sum[i]);
    buf_fini(&ids);
}

/* How many jobs the filter takes, whether they may be replayed or not. */
static uint64_t
count_all(struct asking *a, const struct choice *c)
{
    struct buf sql;
    buf_init(&sql, SQL_MAX);
    buf_puts(&sql, "SELECT count(*) FROM jobs j");
    filter_where(&sql, &c->filter);
    sqlite3_stmt *s = filter_make(a->db, &sql, &c->filter);
    uint64_t n = db_row(a->db, s) ? column_number(s, 0) : 0;
    sqlite3_finalize(s);
    buf_fini(&sql);
    return n;
}

static enum weir_code
read_choice(struct asking *a, struct choice *c, struct weir_error *err)
{
    *c = (struct choice){ .max = UINT64_MAX };
    enum weir_code code = filter_read(a, &c->filter, err);
    if (code != WEIR_OK)
        return code;
    unsigned *state = &c->filter.state;
    if (*state == 0)
        *state = JOB_DEAD;
    if (*state != JOB_DEAD && *state != JOB_CANCELLED && *state != JOB_DISCARDED)
        return err_set(
            err, WEIR_INVALID,
            "%s: state must be dead, cancelled or discarded: others are not over, or "
            "done",
            a->what);
    if (value_field(a->with, "max") != NULL &&
        (ask_number(a, "max", 0, BATCH_ITEMS, &c->max, NULL) != WEIR_OK || c->max == 0))
        return err_set(err, WEIR_INVALID, "%s: max must be a whole number from 1 to %u",
                       a->what, BATCH_ITEMS);
    count_jobs(a, c);
    if (c->total > BATCH_ITEMS)
        return err_set(err, WEIR_INVALID,
                       "%s: there are more than %u such jobs; max takes the oldest of them",
                       a->what, BATCH_ITEMS);
    return WEIR_OK;
}

/* The groups of a plan: [{ pipeline, node, code, jobs }], the largest first. */
static struct weir_builder *
read_groups(struct asking *a, const struct choice *c)
{
    struct weir_builder *list = builder_list();
    sqlite3_stmt *s = select_jobs(
        a, c, "SELECT pipeline, node, code, count(*) AS n FROM (", "j.pipeline, j.node, j.code",
        ") GROUP BY pipeline, node, code ORDER BY n DESC, pipeline, node, code LIMIT 1000");
    for (unsigned i = 0; db_row(a->db, s) && i < PLAN_GROUPS; i++) {
        struct weir_builder *b = builder_map();
        put_column(b, "pipeline", s, 0);
        put_column(b, "node", s, 1);
        put_column_code(b, "code", s, 2);
        put_number(b, "jobs", column_number(s, 3));
        const struct weir_value *v = builder_end(&b);
        builder_add(list, &v);
    }
    sqlite3_finalize(s);
    return list;
}

enum weir_code
ask_batches_plan(struct asking *a, struct weir_error *err)
{
    struct choice c;
    enum weir_code code = read_choice(a, &c, err);
    if (code != WEIR_OK)
        return code;
    uint64_t all = count_all(a, &c);
    struct weir_builder *b = builder_map(), *groups = read_groups(a, &c);
    answer_put_text(b, "plan", text_of(c.hash));
    put_number(b, "total", c.total);
    put_number(b, "left_out", all > c.total ? all - c.total : 0);
    put_built(b, "groups", &groups);
    a->answer = builder_end(&b);
    return WEIR_OK;
}

/* -- batches.make -- */

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
read_limits(struct asking *a, struct limits *l, struct weir_error *err)
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

/* Whether the jobs of C may become a batch now. */
static enum weir_code
check_choice(struct asking *a, const struct choice *c, struct weir_error *err)
{
    struct weir_text plan;
    enum weir_code code = ask_text(a, "plan", &plan, err);
    if (code != WEIR_OK)
        return code;
    if (c->total == 0) {
        uint64_t all = count_all(a, c);
        return all == 0 ? err_set(err, WEIR_NOT_FOUND, "there is no such job")
                        : err_set(err, WEIR_CONFLICT,
                                  "all such jobs (%llu) were replayed already, wait in another "
                                  "batch, or have no event any more",
                                  (unsigned long long)all);
    }
    if (plan.len > 0 && !text_is(plan, c->hash))
        return err_set(err, WEIR_CONFLICT,
                       "the plan %.*s does not hold any more: by now it is %s, of %llu jobs",
                       (int)(plan.len < 64 ? plan.len : 64), plan.bytes, c->hash,
                       (unsigned long long)c->total);
    sqlite3_stmt *s = db_use(a->db, SQL_BATCHES_LEFT);
    uint64_t left = db_row(a->db, s) ? column_number(s, 0) : 0;
    sqlite3_reset(s);
    if (left >= OPEN_MAX)
        return err_set(err, WEIR_CONFLICT,
                       "%d batches are not over, which is as many as there may be", OPEN_MAX);
    return WEIR_OK;
}

/* The oldest batch that is over goes with its items, if too many are kept. */
static void
forget_old(struct asking *a)
{
    sqlite3_stmt *s = db_use(a->db, SQL_BATCH_OLD);
    sqlite3_bind_int(s, 1, OVER_MAX);
    int64_t n = db_row(a->db, s) ? (int64_t)column_number(s, 0) : 0;
    sqlite3_reset(s);
    if (n == 0)
        return;
    static const enum sql drops[] = { SQL_BATCH_DROP, SQL_BATCH_DROP_ITEMS,
                                      SQL_BATCH_DROP_PIPELINES };
    for (unsigned i = 0; i < sizeof(drops) / sizeof(drops[0]); i++) {
        s = db_use(a->db, drops[i]);
        sqlite3_bind_int64(s, 1, n);
        db_run(a->db, s);
    }
}

/* The parameters that say which jobs it is of, as msgpack. */
static void
write_filter(const struct asking *a, struct buf *out)
{
    static const char *const names[] = { "state",    "pipeline", "code", "node",
                                         "since_ms", "key",      "max" };
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
write_batch(struct asking *a, const struct choice *c, const struct limits *l,
            const uint8_t id[JOB_ID])
{
    struct buf filter;
    buf_init(&filter, FILTER_MAX);
    write_filter(a, &filter);
    sqlite3_stmt *s = db_use(a->db, SQL_BATCH_MAKE);
    sqlite3_bind_blob(s, 1, id, JOB_ID, SQLITE_STATIC);
    bind_blob(s, 2, buf_content(&filter));
    bind_text(s, 3, text_of(c->hash));
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

enum weir_code
ask_batches_make(struct asking *a, struct weir_error *err)
{
    struct choice c;
    struct limits l;
    enum weir_code code = read_limits(a, &l, err);
    if (code == WEIR_OK)
        code = read_choice(a, &c, err);
    if (code == WEIR_OK)
        code = check_choice(a, &c, err);
    if (code != WEIR_OK)
        return code;
    char name[ID_UUID], insert[160];
    uint8_t id[JOB_ID];
    id_uuid7(a->w->now_ms, name);
    (void)job_id_read(text_of(name), id);
    forget_old(a);
    int64_t n = write_batch(a, &c, &l, id);
    snprintf(insert, sizeof(insert), "%lld, j.seq, j.id, %d", (long long)n, ITEM_PENDING);
    sqlite3_stmt *s =
        select_jobs(a, &c, "INSERT INTO batch_items(batch, job, id, state) ", insert, "");
    uint64_t items = (uint64_t)db_run(a->db, s);
    sqlite3_finalize(s);
    s = db_use(a->db, SQL_BATCH_PIPELINES);
    sqlite3_bind_int64(s, 1, n);
    db_run(a->db, s);
    s = db_use(a->db, SQL_BATCH_FILLED);
    sqlite3_bind_int64(s, 1, n);
    bind_number(s, 2, items);
    db_run(a->db, s);
    audit_add(a->w, &(struct audit){ .who = l.who,
                                     .what = a->what,
                                     .batch = id,
                                     .reason = l.reason,
                                     .pipeline = c.filter.pipeline,
                                     .key = c.filter.key,
                                     .after = "running" });
    return batch_answer(a, id, err);
}
