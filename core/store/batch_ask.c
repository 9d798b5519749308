/* store/batch_ask.c - batches.plan, and what it has in common with batches.make: which jobs a batch
 * is of.
 *
 * A plan and a batch take the same jobs by the same conditions: of each event that was replayed
 * the newest job alone, and none that waits in another batch. The hash over them tells whether
 * they are still the ones that somebody has looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "store/batch.h"
#include "store/filter.h"

enum { SQL_MAX = 4096, PLAN_GROUPS = 1000 };

void
batch_replayable(struct buf *sql)
{
    buf_printf(sql,
               " AND j.state IN (%d, %d, %d) AND j.superseded_by IS NULL"
               " AND NOT EXISTS(SELECT 1 FROM jobs o WHERE o.id = j.replay_of"
               "  AND o.superseded_by IS NOT j.id)"
               " AND NOT EXISTS(SELECT 1 FROM batch_items i INDEXED BY batch_items_pending"
               "  JOIN batches b ON b.n = i.batch AND b.state IN (1, 2, 5)"
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
    batch_replayable(&sql);
    buf_printf(&sql, " ORDER BY j.seq LIMIT %llu%s",
               (unsigned long long)(c->max < BATCH_ITEMS ? c->max : BATCH_ITEMS + 1), after);
    sqlite3_stmt *s = filter_make(a->db, &sql, &c->filter);
    buf_fini(&sql);
    return s;
}

void
batch_hash(struct weir_text ids, char ret[PLAN_HASH])
{
    uint8_t sum[DIGEST_MAX];
    digest(WEIR_SHA256, ids, sum);
    for (unsigned i = 0; i < (PLAN_HASH - 1) / 2; i++)
        snprintf(ret + 2 * i, 3, "%02x", sum[i]);
}

/* Counts the jobs of C, and their hash. */
static void
count_jobs(struct asking *a, struct choice *c)
{
    struct buf ids;
    buf_init(&ids, (BATCH_ITEMS + 1) * JOB_ID);
    sqlite3_stmt *s = select_jobs(a, c, "", "j.id", "");
    c->total = 0;
    while (db_row(a->db, s)) {
        struct weir_text id = column_text(s, 0);
        (void)buf_add(&ids, id.bytes, id.len, NULL);
        c->total++;
    }
    sqlite3_finalize(s);
    batch_hash(buf_content(&ids), c->hash);
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

enum weir_code
batch_choose(const struct asking *a, struct choice *c, struct weir_error *err)
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
    return WEIR_OK;
}

enum weir_code
batch_too_many(const char *what, struct weir_error *err)
{
    return err_set(err, WEIR_INVALID,
                   "%s: there are more than %u such jobs; max takes the oldest of them", what,
                   BATCH_ITEMS);
}

/* The groups of a plan: [{ pipeline, node, code, jobs }], the largest first; *RET_MORE: not all. */
static struct weir_builder *
read_groups(struct asking *a, const struct choice *c, bool *ret_more)
{
    struct weir_builder *list = builder_list();
    sqlite3_stmt *s = select_jobs(
        a, c, "SELECT pipeline, node, code, count(*) AS n FROM (", "j.pipeline, j.node, j.code",
        ") GROUP BY pipeline, node, code ORDER BY n DESC, pipeline, node, code LIMIT 1001");
    for (unsigned n = 0; db_row(a->db, s); n++) {
        *ret_more = n == PLAN_GROUPS;
        if (*ret_more)
            break;
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
    enum weir_code code = batch_choose(a, &c, err);
    if (code != WEIR_OK)
        return code;
    count_jobs(a, &c);
    if (c.total > BATCH_ITEMS)
        return batch_too_many(a->what, err);
    uint64_t all = count_all(a, &c);
    bool more = false;
    struct weir_builder *b = builder_map(), *groups = read_groups(a, &c, &more);
    answer_put_text(b, "plan", text_of(c.hash));
    put_number(b, "total", c.total);
    put_number(b, "left_out", all > c.total ? all - c.total : 0);
    put_built(b, "groups", &groups);
    if (more)
        builder_put(b, "more", &value_true);
    a->answer = builder_end(&b);
    return WEIR_OK;
}
