/* store/look.h - how a claim looks through the jobs of a pipeline that are due: in their order, and where many of
 * them are refused in a row, since their keys have no place, from key to key: however many jobs of one key are
 * waiting, those of others are found.
 *
 * First come the keys that are known to have a place again. Then it goes on where it stopped the last time, and
 * after so many keys it stops, however many there are; looks from key to key that find nothing take no more than
 * a twentieth of the writer's time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_LOOK_H
#define STORE_LOOK_H

#include "store/impl.h"

#define LOOK_KEY_MAX 1024 /* bytes of a key; that of a pipeline's concurrency is shorter */

enum look_by { LOOK_BY_DUE, LOOK_BY_FREED, LOOK_BY_KEY, LOOK_OVER };

struct look_key {
    char bytes[LOOK_KEY_MAX];
    size_t len;
};

/* One look. The writer's, in its transaction. */
struct look {
    struct writing *w;
    struct weir_text pipeline; /* borrowed */
    enum look_by by;
    sqlite3_stmt *rows;   /* at hand; NULL: none are */
    struct keyed *keyed;  /* NULL: nothing is known of keys */
    unsigned n;           /* of those that were refused by due, or of keys */
    bool refused;         /* some job was */
    bool full;            /* no job can have a place */
    bool unwanted;        /* the claim has enough of those that are due earlier */
    bool found;           /* some job by key */
    bool jump;            /* to the next key */
    bool wrapped;         /* behind the last key it goes on at the first */
    bool whole;           /* all keys were seen */
    uint64_t due_ms;      /* of the last one that was seen by due */
    int64_t seq;
    unsigned n_freed;     /* keys with a place that are still to be looked at */
    uint64_t began_ns;    /* from key to key; 0: it did not */
    struct look_key key;  /* at hand */
    struct look_key from; /* where it began */
};

/* Begins a look at PIPELINE, which stays. */
void look_begin(struct look *l, struct writing *w, struct weir_text pipeline);

/* The next job that may be claimed, a row of SQL_DUE; NULL: that was the last one. What became of the one before
 * was said. */
sqlite3_stmt *look_next(struct look *l);

/* The claim has no room for the job at hand among those that are due earlier. */
void look_unwanted(struct look *l);

/* What the gate said of the job at hand. */
void look_answered(struct look *l, enum enter_answer answer);

/* Ends it. Returns for how many milliseconds nobody need look again, unless a place is freed; 0: there may be more. */
uint64_t look_end(struct look *l);

/* -- what is known of keys, from look to look -- */

/* Owned by the caller. */
struct keys *keys_new(void);
/* NULL is accepted, and left. */
void keys_free(struct keys **k);
/* KEY has a place again. Any thread. */
void keys_freed(struct keys *k, struct weir_text pipeline, struct weir_text key);

#endif
