/* store/retention.c - see retention.h: what is looked at, when, and for how long.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/retention.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    SEGMENT = 4096, /* numbers of jobs */
    LOOK_MS = 10000,
    PIECE_NS = 2000000, /* a piece begins no work after that: it ends within 5 ms */
    REST = 4,           /* so many times as long as a piece took the commits go on alone */
    BEHIND = 64,        /* segments that wait; then, and beyond a limit, as long as it took */
    RETRY_MS = 10000,
    LIVE_MIN_MS = 60000, /* how soon a job that is not over is looked at again, by its age */
    LIVE_MAX_MS = 900000,
    DEAD_MS = 3600000, /* a dead one may be discarded, and is kept for another time then */
    LEVELS = 3
};

struct retention {
    struct store *store;
    uint64_t rest_ns; /* monotonic: until then nothing is done */
    uint64_t tick_ns; /* monotonic: the next look at what is there */
    uint64_t now_ms;  /* wall, of this turn */
    bool failing;
    struct besides besides;
    bool compacted; /* the latest piece was one of compacting, which takes turns with the rest */
    /* by age */
    uint64_t *look_ms; /* of each segment: wall; when something in it may be over */
    size_t n, room;
    int64_t base; /* number of the first segment */
    int64_t last; /* of jobs, when it was looked the last time */
    size_t at;    /* the segment that is walked, or where the search goes on */
    int64_t from; /* in it: the next one; 0: it is not begun */
    uint64_t soonest_ms;
    /* by number and bytes */
    unsigned level; /* 1: completed ones, 2: cancelled and discarded ones, 3: dead ones */
    int64_t cursor;
    bool whole;   /* the walk of this level has begun at the first job */
    bool in_vain; /* nothing more can go, until the next tick */
};

struct retention *
retention_new(struct store *s)
{
    struct retention *r = calloc(1, sizeof(*r));
    if (r == NULL)
        abort();
    r->store = s;
    r->level = 1;
    return r;
}

void
retention_free(struct retention **r)
{
    if (*r != NULL)
        free((*r)->look_ms);
    free(*r);
    *r = NULL;
}

uint64_t
retention_usual(const struct store *s, unsigned state)
{
    switch (state) {
    case JOB_COMPLETED:
        return s->keep.completed_ms;
    case JOB_CANCELLED:
        return s->keep.cancelled_ms;
    case JOB_DISCARDED:
        return s->keep.discarded_ms;
    case JOB_DEAD:
        return s->keep.dead_ms;
    default:
        return 0;
    }
}

static bool
is_over(unsigned state)
{
    return state >= JOB_COMPLETED && state <= JOB_DISCARDED;
}

static uint64_t
sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void
sooner(uint64_t *a, uint64_t b)
{
    *a = b < *a ? b : *a;
}

/* -- what there is -- */

static void
set_room(struct retention *r, size_t n)
{
    if (n <= r->room)
        return;
    r->room = n * 2;
    r->look_ms = reallocarray(r->look_ms, r->room, sizeof(*r->look_ms));
    if (r->look_ms == NULL)
        abort();
}

/* Brings the list of segments to the jobs from FIRST to LAST. */
static void
set_segments(struct retention *r, int64_t first, int64_t last)
{
    int64_t begin = first / SEGMENT;
    if (r->n == 0 || begin < r->base) {
        r->n = 0;
        r->base = begin;
        r->from = 0;
    }
    size_t gone = (size_t)(begin - r->base);
    gone = gone < r->n ? gone : r->n;
    if (gone > 0) {
        memmove(r->look_ms, r->look_ms + gone, (r->n - gone) * sizeof(*r->look_ms));
        r->n -= gone;
        r->from = r->at >= gone ? r->from : 0;
        r->at = r->at >= gone ? r->at - gone : 0;
    }
    r->base = begin;
    size_t n = (size_t)(last / SEGMENT - begin) + 1;
    set_room(r, n);
    while (r->n < n)
        r->look_ms[r->n++] = 0;
    r->n = n;
    if (r->at >= n)
        r->at = 0, r->from = 0;
}

/* Sees which jobs there are. Numbers are given out again when the last ones were removed. */
static void
look_around(struct retention *r)
{
    sqlite3_stmt *s = db_use(&r->store->writes, SQL_TIDY_LAST);
    int64_t first = 0, last = 0;
    if (db_row(&r->store->writes, s)) {
        first = (int64_t)column_number(s, 0);
        last = (int64_t)column_number(s, 1);
    }
    sqlite3_reset(s);
    if (last == 0) {
        r->n = 0;
        r->last = 0;
        return;
    }
    set_segments(r, first, last);
    if (last == r->last)
        return;
    int64_t from = (last < r->last ? last : r->last) / SEGMENT - r->base;
    for (size_t i = from > 0 ? (size_t)from : 0; i < r->n; i++)
        sooner(&r->look_ms[i], sum(r->now_ms, LIVE_MIN_MS));
    r->last = last;
}

static void
read_row(sqlite3_stmt *s, struct tidy_row *row)
{
    *row = (struct tidy_row){ .seq = (int64_t)column_number(s, 0),
                              .state = (unsigned)column_number(s, 1),
                              .updated_ms = column_number(s, 2),
                              .keep_ms = column_number(s, 3),
                              .payload_keep_ms = column_number(s, 4),
                              .bytes = column_number(s, 5),
                              .created_ms = column_number(s, 6),
                              .pipeline = column_text(s, 7) };
}

/* -- by age -- */

/* What is to be done with a job now, and *SOONEST: when it has to be looked at again. */
static enum tidy_verdict
judge(const struct retention *r, const struct tidy_row *row, uint64_t *soonest)
{
    uint64_t now = r->now_ms;
    if (!is_over(row->state)) {
        uint64_t wait = (now > row->created_ms ? now - row->created_ms : 0) / 8;
        wait = wait < LIVE_MIN_MS ? LIVE_MIN_MS : wait > LIVE_MAX_MS ? LIVE_MAX_MS : wait;
        sooner(soonest, sum(now, wait));
        return TIDY_KEEP;
    }
    uint64_t keep = row->keep_ms > 0 ? row->keep_ms : retention_usual(r->store, row->state);
    uint64_t end = keep > 0 ? sum(row->updated_ms, keep) : UINT64_MAX;
    if (end <= now)
        return TIDY_REMOVE;
    sooner(soonest, end);
    if (row->state == JOB_DEAD)
        sooner(soonest, sum(now, DEAD_MS));
    if (row->payload_keep_ms == 0 || row->bytes == 0)
        return TIDY_KEEP;
    end = sum(row->updated_ms, row->payload_keep_ms);
    if (end <= now)
        return TIDY_EMPTY;
    sooner(soonest, end);
    return TIDY_KEEP;
}

static unsigned
n_due(const struct retention *r)
{
    unsigned n = 0;
    for (size_t i = 0; i < r->n && n < BEHIND; i++)
        n += r->look_ms[i] <= r->now_ms;
    return n;
}

/* Finds the next segment that is due, unless one is begun. */
static bool
find_due(struct retention *r)
{
    if (r->n > 0 && r->from > 0)
        return true;
    for (size_t i = 0; i < r->n; i++) {
        size_t at = (r->at + i) % r->n;
        if (r->look_ms[at] > r->now_ms)
            continue;
        r->at = at;
        return true;
    }
    return false;
}

static void
walk_segment(struct retention *r, struct tidy *t)
{
    struct db *db = &r->store->writes;
    int64_t begin = (r->base + (int64_t)r->at) * SEGMENT, end = begin + SEGMENT - 1;
    if (r->from == 0) {
        r->from = begin > 0 ? begin : 1;
        r->soonest_ms = UINT64_MAX;
    }
    sqlite3_stmt *s = db_use(db, SQL_TIDY_SCAN);
    sqlite3_bind_int64(s, 1, r->from);
    sqlite3_bind_int64(s, 2, end);
    struct tidy_row row;
    bool more = false;
    while (!more && db_row(db, s)) {
        read_row(s, &row);
        enum tidy_verdict verdict = judge(r, &row, &r->soonest_ms);
        more = !tidy_row(t, &row, verdict);
    }
    sqlite3_reset(s);
    if (more) {
        r->from = row.seq + 1;
        return;
    }
    r->look_ms[r->at] = r->soonest_ms;
    r->from = 0;
}

/* -- by number and bytes -- */

/* How much more than the limits allow there is. */
struct excess {
    uint64_t jobs;
    uint64_t bytes;
};

static uint64_t
count_of(const struct store *s, unsigned state)
{
    return __atomic_load_n(&s->stats.jobs[state], __ATOMIC_RELAXED);
}

static uint64_t
beyond(uint64_t is, uint64_t limit)
{
    /* A little more is let be, so that not each commit is followed by a piece for one job. */
    return limit > 0 && is > limit + limit / 128 ? is - limit : 0;
}

static struct excess
find_excess(const struct store *s)
{
    uint64_t jobs = 0;
    for (unsigned state = JOB_COMPLETED; state <= JOB_DISCARDED; state++)
        jobs += count_of(s, state);
    return (struct excess){ beyond(jobs, s->keep.jobs), beyond(count_of(s, 0), s->keep.bytes) };
}

static bool
is_of_level(unsigned level, unsigned state)
{
    return level == 1   ? state == JOB_COMPLETED
           : level == 2 ? state == JOB_CANCELLED || state == JOB_DISCARDED
                        : state == JOB_DEAD;
}

/* Goes on to those that are worth more, when no more of this level can go. */
static void
end_of_level(struct retention *r)
{
    r->cursor = 0;
    if (r->whole) {
        r->level = r->level % LEVELS + 1;
        r->in_vain = r->level == 1;
    }
    r->whole = true;
}

/* What is to be done with a job while there is too much. Of bytes alone only what it holds
 * goes: what happened to it is still known then. */
static enum tidy_verdict
judge_excess(const struct retention *r, const struct tidy_row *row, struct excess *x)
{
    if (!is_of_level(r->level, row->state) ||
        (x->jobs == 0 && (x->bytes == 0 || row->bytes == 0)))
        return TIDY_KEEP;
    x->bytes -= row->bytes < x->bytes ? row->bytes : x->bytes;
    if (x->jobs == 0)
        return TIDY_EMPTY;
    x->jobs--;
    return TIDY_REMOVE;
}

static void
walk_excess(struct retention *r, struct tidy *t, struct excess x)
{
    struct db *db = &r->store->writes;
    sqlite3_stmt *s = db_use(db, SQL_TIDY_SCAN);
    sqlite3_bind_int64(s, 1, r->cursor);
    sqlite3_bind_int64(s, 2, INT64_MAX);
    struct tidy_row row;
    bool more = false, enough = false;
    r->whole |= r->cursor == 0;
    while (!more && !enough && db_row(db, s)) {
        read_row(s, &row);
        r->cursor = row.seq + 1;
        enum tidy_verdict verdict = judge_excess(r, &row, &x);
        more = !tidy_row(t, &row, verdict);
        enough = x.jobs == 0 && x.bytes == 0;
    }
    sqlite3_reset(s);
    if (!more && !enough) {
        end_of_level(r);
    } else if (enough) { /* next time those come first again that are worth least */
        r->cursor = r->level == 1 ? r->cursor : 0;
        r->level = 1;
        r->whole = false;
    }
}

/* -- turns -- */

/* The error of a piece: it is tried again later. */
static void
piece_failed(struct retention *r)
{
    struct db *db = &r->store->writes;
    struct weir_error err;
    store_check_lost(db);
    (void)db_failed(db, &err);
    db_rollback(db);
    if (!r->failing)
        log_say(WEIR_ERROR, "what is over can't be removed from the store: %s", err.text);
    r->failing = true;
    r->from = 0;
    r->n = 0; /* all is walked again */
    r->last = 0;
    r->rest_ns = clock_mono_ns() + (uint64_t)RETRY_MS * 1000000;
}

/* Does a piece of what is most urgent; false: there is nothing. */
static bool
do_piece(struct retention *r, uint64_t deadline_ns)
{
    struct store *s = r->store;
    if (store_shorten(s)) /* that takes as long as a piece */
        return true;
    r->compacted = !r->compacted && compact_piece(s, deadline_ns);
    if (r->compacted)
        return true;
    struct excess x = r->in_vain ? (struct excess){ 0 } : find_excess(s);
    bool excess = x.jobs > 0 || x.bytes > 0, due = !excess && find_due(r);
    if (!excess && !due && !besides_due(&r->besides))
        return compact_wanted(s);
    struct tidy t;
    tidy_begin(&t, s, r->now_ms, deadline_ns);
    if (excess)
        walk_excess(r, &t, x);
    else if (due)
        walk_segment(r, &t);
    else
        besides_drop(&r->besides, &t);
    if (tidy_end(&t))
        look_around(r);
    return true;
}

static void
tick(struct retention *r, uint64_t now_ns)
{
    uint64_t every_ms = r->store->keep.look_ms > 0 ? r->store->keep.look_ms : LOOK_MS;
    r->tick_ns = now_ns + every_ms * 1000000;
    memset(r->besides.due, true, sizeof(r->besides.due));
    r->in_vain = false;
    look_around(r);
}

static uint64_t
ms_until(uint64_t then_ns, uint64_t now_ns)
{
    return then_ns > now_ns ? (then_ns - now_ns + 999999) / 1000000 : 1;
}

/* Notes how long the piece took, and lets the commits go on. */
static void
rest(struct retention *r, uint64_t begun_ns)
{
    struct store_stats *stats = &r->store->stats;
    uint64_t now_ns = clock_mono_ns(), took = now_ns - begun_ns;
    struct excess x = find_excess(r->store);
    bool behind = x.jobs > r->store->keep.jobs / 16 || x.bytes > r->store->keep.bytes / 16 ||
                  n_due(r) >= BEHIND;
    __atomic_add_fetch(&stats->removing_ns, took, __ATOMIC_RELAXED);
    if (took > stats->removing_max_ns)
        __atomic_store_n(&stats->removing_max_ns, took, __ATOMIC_RELAXED);
    r->rest_ns = now_ns + took * (behind ? 1 : REST);
}

uint64_t
retention_turn(struct store *s)
{
    struct retention *r = s->retention;
    uint64_t now_ns = clock_mono_ns();
    if (now_ns < r->rest_ns)
        return ms_until(r->rest_ns, now_ns);
    r->now_ms = s->keep.wall_ms != NULL ? s->keep.wall_ms() : clock_wall_ms();
    if (now_ns >= r->tick_ns)
        tick(r, now_ns);
    bool some = s->writes.rc == SQLITE_OK && do_piece(r, now_ns + PIECE_NS);
    if (s->writes.rc != SQLITE_OK)
        piece_failed(r);
    else if (some)
        r->failing = false;
    if (!some)
        return ms_until(r->failing ? r->rest_ns : r->tick_ns, now_ns);
    db_exec(&s->writes, "PRAGMA synchronous = FULL");
    if (s->writes.rc != SQLITE_OK)
        abort(); /* nothing but memory can be lacking, and commits have to be on the disk */
    if (!r->failing)
        rest(r, now_ns);
    return ms_until(r->rest_ns, clock_mono_ns());
}
