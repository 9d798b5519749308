/* store/writing_batch.c - a batch of operations in one transaction, without those that would break it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/log.h"
#include "store/bulk.h"
#include "store/impl.h"

/* Carries out OP in the open transaction. */
static enum weir_code
apply(struct writing *w, struct store_op *op, struct weir_error *err)
{
    switch (op->kind) {
    case STORE_ACCEPT:
        return job_accept_write(w, (struct job_accept *)op, err);
    case STORE_CLAIM:
        return job_claim_write(w, (struct job_claim *)op, err);
    case STORE_BEGIN:
        return job_begin_write(w, (struct job_begin *)op, err);
    case STORE_STEP:
        return job_step_write(w, (struct job_step *)op, err);
    case STORE_FINISH:
        return job_finish_write(w, (struct job_finish *)op, err);
    case STORE_ASK:
        return ask_do(w->store, w->db, w, (struct store_ask *)op, err);
    }
    abort();
}

/* Takes back what OP has been given by a batch that is rolled back. */
static void
take_back(struct store *s, struct store_op *op)
{
    if (op->kind == STORE_CLAIM)
        job_claim_undo(s, (struct job_claim *)op);
    if (op->kind == STORE_ASK) {
        value_unref(&((struct store_ask *)op)->answer);
        ((struct store_ask *)op)->cancels = false;
    }
    if (op->kind == STORE_ACCEPT)
        job_accept_free((struct job_accept *)op);
    op->parked = false;
    if (!op->barred)
        op_fail(op, NULL);
}

/* Whether the error says that one operation can't be written, whatever the disk does. */
static bool
is_of_one(const struct db *db)
{
    switch (db->rc & 0xff) {
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_ERROR:
        return true;
    default:
        return false;
    }
}

/* Writes all of BATCH that is not barred. Returns the operation that broke it, or NULL: then
 * db->rc says whether it is committed. */
static struct store_op *
try_batch(struct writing *w, struct list *batch)
{
    struct db *db = w->db;
    writing_begin(w);
    if (db->rc != SQLITE_OK)
        return NULL;
    list_each(at, next, batch)
    {
        struct store_op *op = list_entry(at, struct store_op, link);
        if (op->barred || (!w->singly && bulk_take(w, op)))
            continue;
        struct weir_error err;
        bulk_write(w); /* what OP comes behind */
        if (db->rc != SQLITE_OK)
            return NULL;
        if (apply(w, op, &err) != WEIR_OK && db->rc == SQLITE_OK)
            op_fail(op, &err);
        if (db->rc != SQLITE_OK)
            return is_of_one(db) ? op : NULL;
    }
    bulk_write(w);
    store_count(w);
    db_run(db, db_use(db, SQL_COMMIT));
    return NULL;
}

void
writing_undo(struct writing *w, struct list *batch, struct store_op *broke)
{
    struct weir_error err;
    (void)db_failed(w->db, &err);
    db_rollback(w->db);
    list_each(at, next, batch) take_back(w->store, list_entry(at, struct store_op, link));
    if (broke == NULL)
        return;
    broke->barred = true;
    err.code = WEIR_INTERNAL;
    op_fail(broke, &err);
    log_say(WEIR_ERROR, "an operation can't be stored: %s", err.text);
}

void
writing_batch(struct writing *w, struct list *batch)
{
    for (;;) {
        struct store_op *broke = try_batch(w, batch);
        bool together = broke == NULL && !w->singly && is_of_one(w->db);
        if (broke == NULL && !together)
            return;
        writing_undo(w, batch, broke);
        w->singly = w->singly || together;
    }
}
