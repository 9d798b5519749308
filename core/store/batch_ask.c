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
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/map.h"
#include "store/batch.h"
#include "store/filter.h"
#include "store/where.h"

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

void
batch_hash(struct weir_text ids, char ret[PLAN_HASH])
{
    uint8_t sum[DIGEST_MAX];
    digest(WEIR_SHA256, ids, sum);
    for (unsigned i = 0; i < (PLAN_HASH - 1) / 2; i++)
        snprintf(ret + 2 * i, 3, "%02x", sum[i]);
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

/* -- a plan -- */

/* Jobs of one pipeline that failed in one step with one code. */
struct group {
    const struct weir_value *job; /* one of them; owned */
    uint64_t n;
};

struct plan {
    struct choice *c;
    struct where *where;
    struct buf ids;        /* of those that are taken: for the hash */
    struct map groups;     /* to struct group, owned */
    uint64_t all;          /* that are meant, whether they may be replayed or not */
};

static struct weir_text
text_of_member(const struct weir_value *job, const char *key)
{
    const struct weir_value *v = value_field(job, key);
    return v ? value_as_text(v) : TEXT("");
}

/* Counts JOB among those that failed as it did. */
static void
add_to_group(struct plan *p, const struct weir_value *job)
{
    struct buf key;
    buf_init(&key, SQL_MAX * 4);
    (void)buf_text(&key, text_of_member(job, "pipeline"));
    (void)buf_add(&key, "", 1, NULL);
    (void)buf_text(&key, text_of_member(job, "node"));
    (void)buf_add(&key, "", 1, NULL);
    (void)buf_text(&key, text_of_member(job, "code"));
    struct group *g = map_get(&p->groups, key.bytes, key.len);
    if (g == NULL) {
        g = calloc(1, sizeof(*g));
        if (g == NULL)
            abort();
        g->job = value_ref(job);
        (void)map_set(&p->groups, key.bytes, key.len, g);
    }
    g->n++;
    buf_fini(&key);
}

/* Counts the row of S if it is meant, and takes it if it may be replayed and there is room. */
static void
take_row(struct asking *a, struct plan *p, sqlite3_stmt *s)
{
    bool takes = column_number(s, JOB_COLUMNS_END) != 0 && p->c->total < p->c->max;
    if (!takes && p->where == NULL) {
        p->all++;
        return;
    }
    struct weir_builder *b = builder_map();
    put_job(b, s);
    const struct weir_value *job = builder_end(&b);
    bool meant = p->where == NULL || where_holds(p->where, a->db, job, (int64_t)column_number(s, 0));
    p->all += meant;
    if (meant && takes) {
        struct weir_text id = column_text(s, 1);
        (void)buf_add(&p->ids, id.bytes, id.len, NULL);
        p->c->total++;
        add_to_group(p, job);
    }
    value_unref(&job);
}

static void
read_plan(struct asking *a, struct plan *p)
{
    struct buf sql;
    buf_init(&sql, SQL_MAX * 2);
    buf_puts(&sql, "SELECT " JOB_COLUMNS ", EXISTS(SELECT 1 WHERE 1");
    batch_replayable(&sql);
    buf_puts(&sql, ") FROM jobs j");
    filter_where(&sql, &p->c->filter);
    buf_puts(&sql, " ORDER BY j.seq");
    sqlite3_stmt *s = filter_make(a->db, &sql, &p->c->filter);
    while (p->c->total <= BATCH_ITEMS && db_row(a->db, s))
        take_row(a, p, s);
    sqlite3_finalize(s);
    buf_fini(&sql);
}

static int
by_number(const void *a, const void *b)
{
    const struct group *x = *(struct group *const *)a, *y = *(struct group *const *)b;
    if (x->n != y->n)
        return x->n < y->n ? 1 : -1;
    static const char *const keys[] = { "pipeline", "node", "code" };
    for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct weir_text t = text_of_member(x->job, keys[i]), u = text_of_member(y->job, keys[i]);
        int differ = memcmp(t.bytes, u.bytes, t.len < u.len ? t.len : u.len);
        if (differ != 0 || t.len != u.len)
            return differ != 0 ? differ : t.len < u.len ? -1 : 1;
    }
    return 0;
}

/* Puts the groups of a plan, [{ pipeline, node, code, jobs }], the largest first, and MORE if there are too many;
 * and frees them. */
static void
put_groups(struct plan *p, struct weir_builder *answer)
{
    static const char *const keys[] = { "pipeline", "node", "code" };
    struct group **all = calloc(p->groups.count + 1, sizeof(struct group *));
    struct weir_builder *list = builder_list();
    const struct map_entry *entry;
    const struct weir_value *v;
    unsigned n = 0;
    if (all == NULL)
        abort();
    for (uint32_t at = 0; (entry = map_next(&p->groups, &at)) != NULL;)
        all[n++] = entry->value;
    qsort(all, n, sizeof(struct group *), by_number);
    for (unsigned i = 0; i < n; i++) {
        struct weir_builder *b = builder_map();
        for (unsigned k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
            if ((v = value_field(all[i]->job, keys[k])) != NULL)
                builder_put(b, keys[k], v);
        put_number(b, "jobs", all[i]->n);
        v = builder_end(&b);
        if (i < PLAN_GROUPS)
            builder_add(list, &v);
        value_unref(&v);
        value_unref(&all[i]->job);
        free(all[i]);
    }
    put_built(answer, "groups", &list);
    if (n > PLAN_GROUPS)
        builder_put(answer, "more", &value_true);
    free(all);
    map_fini(&p->groups);
}

enum weir_code
ask_batches_plan(struct asking *a, struct weir_error *err)
{
    struct choice c;
    struct plan p = { .c = &c };
    enum weir_code code = batch_choose(a, &c, err);
    if (code == WEIR_OK)
        code = where_read(a, &p.where, err);
    if (code != WEIR_OK)
        return code;
    buf_init(&p.ids, (BATCH_ITEMS + 1) * JOB_ID);
    map_init(&p.groups);
    read_plan(a, &p);
    batch_hash(buf_content(&p.ids), c.hash);
    buf_fini(&p.ids);
    struct weir_builder *b = builder_map();
    answer_put_text(b, "plan", text_of(c.hash));
    put_number(b, "total", c.total);
    uint64_t left_out = p.all > c.total ? p.all - c.total : 0;
    put_number(b, "left_out", left_out);
    put_groups(&p, b);
    if (where_left_out(p.where) > 0) {
        put_number(b, "unclear", where_left_out(p.where));
        answer_put_text(b, "because", where_because(p.where));
    }
    where_free(&p.where);
    a->answer = builder_end(&b);
    if (c.total <= BATCH_ITEMS)
        return WEIR_OK;
    value_unref(&a->answer);
    return batch_too_many(a->what, err);
}
