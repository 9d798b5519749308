/* store/batch.h - a batch of replays: what it is, and its row in the file.
 *
 * A batch is a list of jobs (its items), taken once by a filter, whose replays the writer makes
 * bit by bit. An item and its new job are written in one transaction: so each is made once,
 * whatever ends the process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_BATCH_H
#define STORE_BATCH_H

#include "store/ask.h"
#include "store/filter.h"

/* name, number, word. The numbers are in the file: append only. */
#define BATCH_STATES(X)                                                          \
    X(RUNNING, 1, "running")                                                     \
    X(PAUSED, 2, "paused")       /* by an operator, or by itself: why says it */ \
    X(COMPLETED, 3, "completed") /* all items are over */                        \
    X(CANCELLED, 4, "cancelled")                                                 \
    X(MAKING, 5, "making")       /* its items are being looked for */            \
    X(GONE, 6, "gone")           /* its items go, and then it does: never shown */

enum batch_state {
#define X(name, number, word) BATCH_##name = number,
    BATCH_STATES(X)
#undef X
};

/* The same of an item; MADE: its replay is there, and not over. */
#define ITEM_STATES(X)                                                      \
    X(PENDING, 1, "pending")                                                \
    X(MADE, 2, "made")                                                      \
    X(COMPLETED, 3, "completed") /* its replay is, as with the next two */  \
    X(DEAD, 4, "dead")                                                      \
    X(CANCELLED, 5, "cancelled") /* or it was pending when its batch was */ \
    X(SKIPPED, 6, "skipped")     /* nothing was replayed: its WHY says that */

enum item_state {
#define X(name, number, word) ITEM_##name = number,
    ITEM_STATES(X)
#undef X
        ITEM_END
};

#define BATCH_WHY 256
#define BATCH_ITEMS 100000u     /* of a batch */
#define BATCH_CONCURRENCY 1000u /* replays of a batch that are not over */

struct batch {
    int64_t n;
    uint8_t id[JOB_ID];
    char name[ID_UUID]; /* the id as text */
    unsigned state;
    bool open;           /* the writer has something to do for it */
    char why[BATCH_WHY]; /* it is paused */
    uint64_t ended_ms;
    uint64_t rate; /* so many replays in PER_MS; 0: no such limit */
    uint64_t per_ms;
    uint64_t next_us; /* wall; when the next one may be made */
    uint64_t concurrency;
    uint64_t canary;
    bool canary_over; /* its first replays were good, or an operator said to go on */
    uint64_t stop_on_failures;
    uint64_t forgiven;        /* failures that do not count any more */
    uint64_t items[ITEM_END]; /* how many there are, by state */
};

/* -- batch_ask.c: which jobs it is of -- */

#define PLAN_HASH 17 /* with a NUL */

struct choice {
    struct filter filter;
    uint64_t max;   /* UINT64_MAX: all */
    uint64_t total; /* jobs that are taken: of a plan */
    char hash[PLAN_HASH];
};

/* Reads the filter and max of an order or a plan; where is the caller's to read. */
enum weir_code batch_choose(const struct asking *a, struct choice *ret,
                            struct weir_error *err) MUST_USE;
/* Appends the conditions by which a job j may be replayed, each with AND. */
void batch_replayable(struct buf *sql);
/* The hash over identities that lie one behind the other. */
void batch_hash(struct weir_text ids, char ret[PLAN_HASH]);
/* WEIR_INVALID: that there are more than BATCH_ITEMS. */
enum weir_code batch_too_many(const char *what, struct weir_error *err) MUST_USE;

/* -- batch_make.c: those that are being made -- */

/* ASK has made an empty batch, which is committed. It is told later. */
void makings_add(struct store *s, struct store_ask *ask);
/* Goes on with all of them, for some milliseconds, in an open transaction. UINT64_MAX: there are
 * none. */
uint64_t makings_turn(struct writing *w);
/* That transaction is committed (GOOD), or rolled back: tells those that are made. */
void makings_turned(struct store *s, bool good);
/* Moves the orders of all to TOLD: the process ends. */
void makings_end(struct store *s, struct list *told);

/* -- batch_gone.c -- */

/* Removes some items of B, which is GONE, and at last B itself: then true. */
bool batch_drop_some(struct writing *w, const struct batch *b);
/* Cancels some items of B, which is CANCELLED; false: there may be more. */
bool batch_cancel_some(struct writing *w, const struct batch *b);
/* Batch N goes, bit by bit; nobody sees it from now on. */
void batch_forget(struct db *db, int64_t n);
/* Those go that are over and are too many, too large in all, or too old; and those that were being
 * made when the process before ended (START). */
void batches_tidy(struct store *s, struct db *db, uint64_t now_ms, bool start);
/* The identity of batch N. */
bool batch_id(struct db *db, int64_t n, uint8_t ret[JOB_ID]);

/* -- batch.c -- */

/* Reads a row of BATCH_COLUMNS. */
void batch_row(sqlite3_stmt *s, struct batch *ret);

/* Writes what may have changed. */
void batch_save(struct writing *w, const struct batch *b);

/* Moves N items in the counts. */
void batch_count(struct batch *b, enum item_state from, enum item_state to, uint64_t n);

/* Answers with the batch ID. */
enum weir_code batch_answer(struct asking *a, const uint8_t id[JOB_ID],
                            struct weir_error *err) MUST_USE;

/* Tells of B, which nobody but the store has paused: in the audit and the log. */
void batch_paused_itself(struct writing *w, const struct batch *b);

/* Pauses B with a reason. */
void batch_pause(struct batch *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
