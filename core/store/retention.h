/* store/retention.h - what is over goes: by age, by number, by bytes. The writer's thread.
 *
 * It is done between batches in pieces of a few milliseconds. A piece is a transaction of its
 * own that is not waited for on the disk: if the machine stops, it is done again. After each
 * piece commits have the thread for some time before the next.
 *
 * By age the jobs are walked in segments of consecutive numbers. Of each is known, in memory
 * alone, when something in it will be over; a segment is read again then, and not before. So
 * the intake pays for no index, and what is kept for long is not read again and again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_RETENTION_H
#define STORE_RETENTION_H

#include "store/impl.h"

struct retention;

/* Nothing is looked at before the first turn. */
struct retention *retention_new(struct store *s);
/* Frees it; NULL is accepted and left. */
void retention_free(struct retention **r);

/* Does a piece, if something is to be done and its time has come. Returns after how many
 * milliseconds it wants to be called again. No transaction is open. */
uint64_t retention_turn(struct store *s);

/* How long a job that is over in STATE is kept, if its pipeline says nothing; 0: for ever. */
uint64_t retention_usual(const struct store *s, unsigned state);

/* -- tidy.c: removing -- */

/* What happens to a job. */
enum tidy_verdict {
    TIDY_KEEP,
    TIDY_EMPTY, /* what it holds goes */
    TIDY_REMOVE
};

/* A job as the walk sees it. */
struct tidy_row {
    int64_t seq;
    unsigned state;
    uint64_t updated_ms;
    uint64_t keep_ms;
    uint64_t payload_keep_ms;
    uint64_t bytes;
    uint64_t created_ms;
    struct weir_text pipeline; /* borrowed */
};

/* Neighbours that have one verdict, and are removed at once. */
struct tidy {
    struct writing w;
    uint64_t deadline_ns; /* of the piece */
    enum tidy_verdict verdict;
    int64_t first, last;
    uint64_t n, bytes;
    uint64_t by_state[STORE_STATES];
    uint64_t removed[STORE_REMOVALS];
};

/* Begins a piece, in a transaction. */
void tidy_begin(struct tidy *t, struct store *s, uint64_t now_ms, uint64_t deadline_ns);
/* Takes the row in; false: the piece has used up its time. */
bool tidy_row(struct tidy *t, const struct tidy_row *row, enum tidy_verdict verdict);
/* Carries out what was taken in. */
void tidy_flush(struct tidy *t);
/* Ends the piece; false: nothing of it has happened, and the connection has the error. */
bool tidy_end(struct tidy *t);

/* -- besides.c: what is no job -- */

enum besides_kind {
    BESIDES_KEYS,      /* of idempotency */
    BESIDES_INCIDENTS,
    BESIDES_BATCHES,   /* with marks */
    BESIDES_AUDIT,
    BESIDES_KINDS
};

/* Which kinds are to be looked at. */
struct besides {
    bool due[BESIDES_KINDS];
    unsigned kind; /* that is looked at next: they take turns */
};

/* Whether there is one. */
bool besides_due(const struct besides *b);
/* Looks at the next one of those, and removes what there is of it until the piece's time is over. */
void besides_drop(struct besides *b, struct tidy *t);

/* -- compact.c -- */

/* Gives pages back that are free, if a task wants it, until DEADLINE_NS. False: none does. */
bool compact_piece(struct store *s, uint64_t deadline_ns);
bool compact_wanted(const struct store *s);

#endif
