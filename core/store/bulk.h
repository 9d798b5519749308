/* store/bulk.h - the usual operations of a batch, many to a statement.
 *
 * An event that runs at once and a job that completes with nothing to keep are nearly all that a busy
 * store writes, and half of what a statement costs it costs once: cursors on the table and on each of its
 * indexes, and the registers. So those that stand together in a batch are collected, and written by three
 * statements that read them as rows: of the table "accepting", and by the functions ends() and ending().
 * What is not as usual is left to job_write.c. The writer's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_BULK_H
#define STORE_BULK_H

#include "store/job.h"

#define BULK_MAX 256u /* of each kind, before they are written */

struct writing;
struct db;

/* A new job that runs at once. */
struct bulk_new {
    struct job_accept *op;
    uint8_t id[JOB_ID];
    int64_t seq; /* its number in the table, if it comes to stand there */
    uint64_t due_ms;
};

/* A job that completes; in the order of SEQ. */
struct bulk_end {
    struct job_finish *op;
    uint8_t id[JOB_ID];
    int64_t seq;
    uint64_t keep_ms;
    bool done; /* its row was there, and of this attempt */
};

struct bulk {
    struct bulk_new news[BULK_MAX];
    unsigned n_new;
    struct bulk_end ends[BULK_MAX];
    unsigned n_ends;
    uint64_t owner;
    uint64_t now_ms;
    unsigned at; /* the end that was found last */
};

/* For the store of OWNER. */
struct bulk *bulk_new(uint64_t owner);
/* Frees it; NULL is accepted and left. DB, which reads it, is closed. */
void bulk_free(struct bulk **b);

/* Lets the statements of DB read what is in B, which lives as long as DB. */
void bulk_attach(struct bulk *b, struct db *db);

/* Forgets what was collected: a transaction begins. */
void bulk_clear(struct bulk *b);

/* Takes OP, to be written by bulk_write at the latest; false: it is not as usual. */
bool bulk_take(struct writing *w, struct store_op *op);

/* Writes what was collected, and fails what can't be (op_fail). After an error of the connection nobody
 * knows whose it is: the batch is rolled back, and each operation has to be written by itself. */
void bulk_write(struct writing *w);

#endif
