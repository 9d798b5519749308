/* ratelimit/decide.h - what a limit says of one request, given what was counted under its key.
 *
 * Functions of an entry and a time, nothing else: the in-process store calls them with a
 * stripe locked, tests with a time of their own. script.c says the same for Redis; a test
 * plays both side by side.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RATELIMIT_DECIDE_H
#define RATELIMIT_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIMIT_MAX 1000000000u                       /* what a limit or a burst may be */
#define WINDOW_MAX_MS (UINT64_C(31) * 24 * 3600000) /* and how long its window */
#define RUNS_MAX 8192u /* a log of a higher limit is as fine as a window in this many parts */
#define UNIT 65536u    /* parts that a token is counted in */

enum algorithm { SLIDING_LOG, SLIDING_WINDOW, TOKEN_BUCKET };

struct rate {
    uint32_t limit;
    uint32_t capacity;  /* of a token bucket; else the limit */
    uint64_t window_ms; /* from 1 */
    uint64_t step_ms;   /* stamps of the log are multiples of it; 1 unless the limit is high */
};

struct ask {
    enum algorithm algorithm;
    struct rate rate;
    uint64_t cost;   /* 0: look only */
    uint64_t now_ms; /* on a clock that does not jump */
};

struct verdict {
    bool allowed;
    bool full; /* there was no memory to count it: a store error, and no verdict */
    uint64_t used;
    uint64_t remaining;
    uint64_t reset_ms; /* from now until more remains; 0: nothing is used */
    uint64_t retry_ms; /* from now until it would be allowed; 0: it is, or never will be */
};

struct ring;

/* What is kept of a key: 16 bytes, for the most part all there is. */
struct entry {
    uint32_t expires_s; /* from then on nothing of it counts */
    uint8_t kind;       /* 0: nothing is counted */
    uint8_t policy;     /* whose it is; the store's business */
    uint16_t more;
    union {
        struct {
            uint32_t at; /* ms, its low half */
            uint32_t count;
        } one;             /* a log of one stamp */
        struct ring *ring; /* a log of more */
        struct {
            uint32_t now; /* counted in the window of index MORE (its low half) */
            uint32_t before;
        } windows;
        struct {
            uint32_t at;
            uint32_t used; /* UNITs, the low half; the high one is MORE */
        } bucket;
    } u;
};

/* Where a log takes memory from; as host->table_realloc. */
struct memory {
    void *(*resize)(void *arg, void *memory, size_t old_len, size_t new_len);
    void *arg;
};

/* The rate of a limit. CAPACITY 0: the limit. False if a bucket takes longer than WINDOW_MAX_MS
 * to run empty, or a figure is out of its range. */
bool rate_make(uint64_t limit, uint64_t window_ms, uint64_t capacity, struct rate *ret);

/* Decides, and counts what is allowed. */
void decide(struct entry *e, const struct ask *a, const struct memory *m, struct verdict *ret);

/* Whether nothing of E counts any more. */
bool entry_is_over(const struct entry *e, uint64_t now_ms);

/* Forgets all that was counted. */
void entry_clear(struct entry *e, const struct memory *m);

#endif
