/* cache/flight.h - who waits for whom: of all that want a key at once on a shard one is the
 * leader.
 *
 * A flight has a leader, which looks the key up and runs its block, and those who wait. It ends
 * with an outcome for all of them. If the leader goes away without one, who has waited longest
 * leads. Waiters are told in the next turn of the loop, so that no run goes on inside another.
 *
 * Nobody waits for itself: a run that leads does not begin to wait for one that waits. The
 * blocks of caches may be nested as one likes, then.
 *
 * A place is a name on a shard; it lasts as long as a node of the name is there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CACHE_FLIGHT_H
#define CACHE_FLIGHT_H

#include "cache.h"
#include "entry.h"

struct flight;
struct place;

/* What all get. */
struct outcome {
    const struct weir_value *value; /* owned; NULL: the error */
    struct weir_error err;          /* owns its detail */
    struct weir_text result;        /* of the metric, for those who waited */
    bool answer;                    /* it answers the caller as it is */
    bool alone;                     /* it is of no use to others: they see for themselves */
};

/* One call of a cache; its data, in its memory. */
struct caller {
    struct weir_call *call;
    const struct seat *seat;
    struct flight *flight; /* NULL: nobody else is concerned */
    struct caller *next;   /* of those who wait */
    struct caller *prev;
    struct weir_command *command; /* while Redis is asked */
    struct entry stale;           /* what it answers if the block fails */
    unsigned epoch;               /* of its key, when it looked */
    unsigned run;                 /* a hash, while it waits */
    bool waits;
    bool store_failed;
    struct key key;
};

/* The place of NAMED on the shard, made at first use. */
struct place *place_enter(struct weir_shard *shard, struct named *named);
void place_leave(struct place *p);
struct weir_shard *place_shard(const struct place *p);

/* A command whose reply only a counter waits for; it is forgotten with the place. */
struct sent {
    struct place *place;
    struct sent *next;
    struct sent *prev;
    struct weir_command *command;
    const struct store *store; /* its node is there as long as the place */
};
struct sent *sent_new(struct place *p, const struct store *s);
void sent_free(struct sent *s);

/* C waits for the flight of its key, and is told by block.c's block_lead or block_told; or it
 * leads a new one; or neither, if waiting would never end. Returns whether it waits. */
bool flight_join(struct caller *c);
/* The leader has O; it is copied. C has no flight any more. */
void flight_end(struct caller *c, const struct outcome *o);
/* C goes away, waiting or leading. */
void flight_leave(struct caller *c);

/* block.c: it is C's turn to look and to run its block. C may be gone after it. */
void block_lead(struct caller *c);
/* block.c: what C waited for; O is lent. */
void block_told(struct caller *c, const struct outcome *o);

void outcome_free(struct outcome *o);

#endif
