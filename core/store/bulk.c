/* store/bulk.c - see bulk.h: what is collected, and how it is written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/bulk.h"

#include <stdlib.h>
#include <string.h>

#include "store/impl.h"

/* Jobs that end are looked for in ranges of numbers; so many that don't may stand between two that do. */
enum { GAP = 3 };

struct bulk *
bulk_new(uint64_t owner)
{
    struct bulk *b = calloc(1, sizeof(*b));
    if (b == NULL)
        abort();
    b->owner = owner;
    return b;
}

void
bulk_free(struct bulk **b)
{
    free(*b);
    *b = NULL;
}

void
bulk_clear(struct bulk *b)
{
    b->n_new = 0;
    b->n_ends = 0;
}

static bool
take_new(struct writing *w, struct job_accept *a)
{
    struct bulk *b = w->store->bulk;
    struct weir_error err;
    struct bulk_new *n = &b->news[b->n_new];
    if (a->state != JOB_RUNNING || a->waits || a->once || a->order_key.len > 0 || w->paused ||
        !job_id_read(text_of(a->id), n->id) || job_accept_check(w, a, &err) != WEIR_OK)
        return false;
    a->blocked = a->held = false;
    a->incident.is = false;
    n->op = a;
    n->due_ms = store_due(w, a->created_ms, a->created_ms);
    b->n_new++;
    return true;
}

static bool
take_end(struct writing *w, struct job_finish *f)
{
    struct bulk *b = w->store->bulk;
    job_suspect_over(w->store, f->id);
    struct bulk_end e = { .op = f, .seq = f->seq, .keep_ms = job_keep_ms(w, f) };
    if (f->seq <= 0 || f->state != JOB_COMPLETED || f->trace.len > 0 || f->result.len > 0 ||
        !job_id_read(text_of(f->id), e.id))
        return false;
    unsigned at = b->n_ends++;
    for (; at > 0 && b->ends[at - 1].seq > e.seq; at--)
        b->ends[at] = b->ends[at - 1];
    b->ends[at] = e;
    return true;
}

bool
bulk_take(struct writing *w, struct store_op *op)
{
    struct bulk *b = w->store->bulk;
    if (b->n_new == BULK_MAX || b->n_ends == BULK_MAX)
        bulk_write(w);
    if (w->db->rc != SQLITE_OK)
        return false;
    return op->kind == STORE_ACCEPT   ? take_new(w, (struct job_accept *)op)
           : op->kind == STORE_FINISH ? take_end(w, (struct job_finish *)op)
                                      : false;
}

/* The number behind the last job's. */
static int64_t
next_seq(struct db *db)
{
    sqlite3_stmt *s = db_use(db, SQL_LAST_JOB);
    int64_t last = db_row(db, s) ? (int64_t)column_number(s, 0) : 0;
    sqlite3_reset(s);
    return last + 1;
}

/* Fails those whose identity some job had before. */
static void
refuse_known(struct writing *w)
{
    struct bulk *b = w->store->bulk;
    for (unsigned i = 0; i < b->n_new && w->db->rc == SQLITE_OK; i++) {
        struct bulk_new *n = &b->news[i];
        sqlite3_stmt *s = db_use(w->db, SQL_FIND);
        sqlite3_bind_blob(s, 1, n->id, JOB_ID, SQLITE_STATIC);
        bool stored = db_row(w->db, s) && (int64_t)column_number(s, 0) == n->seq;
        sqlite3_reset(s);
        if (stored)
            continue;
        struct weir_error err;
        (void)err_set(&err, WEIR_CONFLICT, "there is a job %s already", n->op->id);
        op_fail(&n->op->op, &err);
        n->op = NULL;
    }
}

/* Writes the one that stands alone. */
static void
write_one(struct writing *w, struct store_op *op)
{
    struct weir_error err;
    enum weir_code code = op->kind == STORE_ACCEPT ? job_accept_write(w, (struct job_accept *)op, &err)
                                                   : job_finish_write(w, (struct job_finish *)op, &err);
    if (code != WEIR_OK && w->db->rc == SQLITE_OK)
        op_fail(op, &err);
}

static void
write_new(struct writing *w)
{
    struct bulk *b = w->store->bulk;
    if (b->n_new == 1) {
        write_one(w, &b->news[0].op->op);
        return;
    }
    int64_t seq = next_seq(w->db);
    for (unsigned i = 0; i < b->n_new; i++)
        b->news[i].seq = b->news[i].op->seq = seq++;
    if (db_run(w->db, db_use(w->db, SQL_ACCEPT_MANY)) != (int)b->n_new)
        refuse_known(w);
    db_run(w->db, db_use(w->db, SQL_EVENT_MANY));
    for (unsigned i = 0; i < b->n_new; i++)
        if (b->news[i].op != NULL)
            job_moved(w, b->news[i].op->pipeline, 0, JOB_RUNNING);
}

/* Ends those from FROM on whose numbers stand together; returns which one comes next. */
static unsigned
write_range(struct writing *w, unsigned from)
{
    struct bulk *b = w->store->bulk;
    unsigned to = from + 1;
    while (to < b->n_ends && b->ends[to].seq - b->ends[to - 1].seq <= GAP + 1)
        to++;
    b->at = from;
    sqlite3_stmt *s = db_use(w->db, SQL_COMPLETE_MANY);
    sqlite3_bind_int64(s, 1, b->ends[from].seq);
    sqlite3_bind_int64(s, 2, b->ends[to - 1].seq);
    db_run(w->db, s);
    return to;
}

static void
write_ends(struct writing *w)
{
    struct bulk *b = w->store->bulk;
    b->now_ms = w->now_ms;
    for (unsigned i = 0; i < b->n_ends && b->n_ends > 1 && w->db->rc == SQLITE_OK;)
        i = write_range(w, i);
    for (unsigned i = 0; i < b->n_ends && w->db->rc == SQLITE_OK; i++) {
        if (b->ends[i].done)
            job_completed(w);
        else
            write_one(w, &b->ends[i].op->op);
    }
}

void
bulk_write(struct writing *w)
{
    struct bulk *b = w->store->bulk;
    if (b->n_ends > 0 && w->db->rc == SQLITE_OK)
        write_ends(w);
    if (b->n_new > 0 && w->db->rc == SQLITE_OK)
        write_new(w);
    bulk_clear(b);
}
