/* breaker/breaker_state.h - one circuit breaker: a window of counts and three states.
 *
 * Behaves as npm's opossum does where that is documented: a call counts when it begins, a
 * failure when it ends; on a failure, failures / calls strictly above the threshold opens it if
 * there are enough calls; after the reset time exactly one call is let through, whose success
 * closes it and whose failure opens it again. What opossum leaves open: an answer of a call
 * that began before the last change of state changes nothing.
 *
 * Shared by all shards: its mutex is held for some dozen instructions, never over a call of
 * somebody else. Time is handed in, in milliseconds of one monotonic clock; of two threads the
 * later one may come with the earlier time, which then counts as no time passed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BREAKER_STATE_H
#define BREAKER_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define BREAKER_BUCKETS_MAX 60u

/* The numbers are those of the metric weir_breaker_state. */
enum breaker_state { BREAKER_CLOSED, BREAKER_HALF_OPEN, BREAKER_OPEN };

/* What an operator holds it at. */
enum breaker_forced { BREAKER_AUTO, BREAKER_FORCED_OPEN, BREAKER_FORCED_CLOSED };

/* How a call may end, or why there was none; the index of its count. */
enum breaker_result {
    BREAKER_SUCCESS,
    BREAKER_FAILURE,
    BREAKER_TIMEOUT,
    BREAKER_IGNORED,  /* an error that counts as success */
    BREAKER_REJECTED, /* it was open */
    BREAKER_FULL,     /* as many calls as the capacity were under way */
    BREAKER_RESULTS,
    BREAKER_NOTHING = BREAKER_RESULTS /* nobody waits any more: it counts as never begun */
};

struct breaker_settings {
    uint32_t threshold; /* of failures per million calls */
    uint32_t volume;    /* calls in the window before it may open */
    uint32_t capacity;  /* calls at once; 0: no limit */
    uint32_t buckets;   /* 1 to BREAKER_BUCKETS_MAX */
    uint64_t window_ms; /* at least BUCKETS */
    uint64_t reset_ms;
};

/* Counts of a part of the window. */
struct breaker_bucket {
    uint32_t calls; /* that began in it, those under way included */
    uint32_t results[BREAKER_RESULTS];
};

struct breaker {
    pthread_mutex_t lock;
    struct breaker_settings settings;
    enum breaker_state state;
    enum breaker_forced forced;
    uint32_t epoch; /* grows with each change of state */
    bool probing;   /* half-open, and its one call is under way */
    uint32_t in_flight;
    uint64_t now_ms;           /* the latest time that was seen */
    uint64_t since_ms;         /* of the last change of state */
    uint64_t head;             /* number of the newest bucket: time / bucket length */
    struct breaker_bucket sum; /* of all buckets */
    struct breaker_bucket buckets[BREAKER_BUCKETS_MAX]; /* by number modulo settings.buckets */
    uint64_t totals[BREAKER_RESULTS];
    uint64_t transitions[BREAKER_OPEN + 1]; /* to each state */
};

/* What a call that was let through brings back. */
struct breaker_ticket {
    uint64_t began_ms;
    uint32_t epoch;
    bool probe;
};

/* A change of state that the caller has to tell the world. */
struct breaker_change {
    bool made;
    enum breaker_state from;
    enum breaker_state to;
    enum breaker_forced forced;
    uint32_t calls; /* of the window, before it was cleared */
    uint32_t failures;
    uint64_t reset_ms;
};

enum breaker_answer { BREAKER_PASS, BREAKER_IS_OPEN, BREAKER_IS_PROBING, BREAKER_IS_FULL };

/* How it looks from outside. */
struct breaker_view {
    enum breaker_state state; /* half-open also when nothing but the time has made it so */
    enum breaker_forced forced;
    struct breaker_settings settings;
    struct breaker_bucket window;
    uint32_t in_flight;
    uint64_t since_ms;
    uint64_t retry_in_ms; /* until it is half-open; 0: it isn't open, or held so */
    uint64_t totals[BREAKER_RESULTS];
    uint64_t transitions[BREAKER_OPEN + 1];
};

/* A closed breaker. It lives as long as the process and needs no end. */
void breaker_init(struct breaker *b, const struct breaker_settings *s, uint64_t now_ms);

/* Other settings from now on; the state stays. Counts of a window of another shape stand in its
 * newest bucket. [any thread, as all below] */
void breaker_configure(struct breaker *b, const struct breaker_settings *s, uint64_t now_ms);

/* Asks to make a call. BREAKER_PASS: *ret is to be given to breaker_leave, once. Else
 * *ret_wait_ms is how long to wait before asking again; 0: unknown. */
enum breaker_answer breaker_enter(struct breaker *b, uint64_t now_ms,
                                  struct breaker_ticket *ret, uint64_t *ret_wait_ms,
                                  struct breaker_change *change);

/* The call of ticket T has ended: SUCCESS, FAILURE, TIMEOUT, IGNORED or NOTHING. */
void breaker_leave(struct breaker *b, const struct breaker_ticket *t,
                   enum breaker_result result, uint64_t now_ms, struct breaker_change *change);

/* Makes an open breaker half-open if its time has come. Returns how long that takes yet: 0 if
 * it is not open, or held so. */
uint64_t breaker_tick(struct breaker *b, uint64_t now_ms, struct breaker_change *change);

/* Holds it open or closed, or no longer. Held closed: all pass and count, nothing opens it. Let
 * go of after it was held open it is half-open, after it was held closed it is closed. */
void breaker_force(struct breaker *b, enum breaker_forced forced, uint64_t now_ms,
                   struct breaker_change *change);

void breaker_look(struct breaker *b, uint64_t now_ms, struct breaker_view *ret);

/* "closed", "half_open", "open". */
const char *breaker_state_name(enum breaker_state s);

#endif
