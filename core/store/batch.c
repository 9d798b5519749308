/* store/batch.c - what the writer does for batches of replays. See batch.h.
 *
 * Each turn is a commit of its own, between those of the shards: it sees which replays are
 * over, and makes as many new ones as the limits of the batch allow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/batch.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/replay.h"

enum {
    TURN_ITEMS = 256,      /* of a batch in one turn */
    TURN_BYTES = 16 << 20, /* of their events, but one item at least */
    SLACK_US = 100000,     /* a rate may make up for that much time that was lost */
    LOOK_AGAIN_MS = 1000,  /* if nothing wakes the writer before */
    BATCHES_A_TURN = 128   /* in one commit */
};

void
batch_row(sqlite3_stmt *s, struct batch *ret)
{
    *ret = (struct batch){ .n = (int64_t)column_number(s, 0),
                           .state = (unsigned)column_number(s, 2),
                           .open = column_number(s, 3) != 0,
                           .ended_ms = column_number(s, 7),
                           .rate = column_number(s, 8),
                           .per_ms = column_number(s, 9),
                           .next_us = column_number(s, 10),
                           .concurrency = column_number(s, 11),
                           .canary = column_number(s, 12),
                           .canary_over = column_number(s, 13) != 0,
                           .stop_on_failures = column_number(s, 14),
                           .forgiven = column_number(s, 15) };
    struct weir_text id = column_text(s, 1), why = column_text(s, 4);
    if (id.len == JOB_ID)
        memcpy(ret->id, id.bytes, JOB_ID);
    job_id_write(id, ret->name);
    snprintf(ret->why, sizeof(ret->why), "%.*s", (int)why.len, why.len > 0 ? why.bytes : "");
    for (int state = ITEM_PENDING; state < ITEM_END; state++)
        ret->items[state] = column_number(s, 15 + state);
}

void
batch_save(struct writing *w, const struct batch *b)
{
    sqlite3_stmt *s = db_use(w->db, SQL_BATCH_SAVE);
    sqlite3_bind_int64(s, 1, b->n);
    bind_number(s, 2, b->state);
    sqlite3_bind_int(s, 3, b->open);
    bind_text(s, 4, text_of(b->why));
    bind_number(s, 5, w->now_ms);
    bind_number(s, 6, b->ended_ms);
    bind_number(s, 7, b->next_us);
    bind_number(s, 8, b->canary_over);
    bind_number(s, 9, b->forgiven);
    for (int state = ITEM_PENDING; state < ITEM_END; state++)
        bind_number(s, 9 + state, b->items[state]);
    db_run(w->db, s);
}

void
batch_count(struct batch *b, enum item_state from, enum item_state to, uint64_t n)
{
    b->items[from] -= n;
    b->items[to] += n;
}

void
batch_pause(struct batch *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(b->why, sizeof(b->why), fmt, args);
    va_end(args);
    b->state = BATCH_PAUSED;
}

void
batch_paused_itself(struct writing *w, const struct batch *b)
{
    audit_add(w, &(struct audit){ .who = TEXT("weir"),
                                  .what = "batches.pause",
                                  .batch = b->id,
                                  .reason = text_of(b->why),
                                  .before = "running",
                                  .after = "paused" });
    log_say(WEIR_WARN, "the batch %s has paused itself: %s", b->name, b->why);
}

/* Puts an item of B from one state into another; REPLAY and WHY may be NULL. */
static void
item_set(struct writing *w, struct batch *b, int64_t job, enum item_state from,
         enum item_state to, const uint8_t *replay, const char *why)
{
    sqlite3_stmt *s = db_use(w->db, SQL_ITEM_SET);
    sqlite3_bind_int64(s, 1, b->n);
    sqlite3_bind_int64(s, 2, job);
    sqlite3_bind_int(s, 3, (int)to);
    if (replay != NULL)
        sqlite3_bind_blob(s, 4, replay, JOB_ID, SQLITE_STATIC);
    else
        sqlite3_bind_null(s, 4);
    bind_text(s, 5, text_of(why ? why : ""));
    db_run(w->db, s);
    batch_count(b, from, to, 1);
}

struct item {
    int64_t job;
    unsigned state; /* of its replay; 0: that is not kept any more */
    uint8_t id[JOB_ID];
};

/* Notes how replays ended. False: there may be more of them. */
static bool
settle(struct writing *w, struct batch *b)
{
    struct item over[TURN_ITEMS];
    unsigned n = 0;
    sqlite3_stmt *s = db_use(w->db, SQL_ITEMS_OVER);
    sqlite3_bind_int64(s, 1, b->n);
    sqlite3_bind_int(s, 2, TURN_ITEMS);
    while (db_row(w->db, s) && n < TURN_ITEMS)
        over[n++] = (struct item){ .job = (int64_t)column_number(s, 0),
                                   .state = (unsigned)column_number(s, 1) };
    sqlite3_reset(s);
    for (unsigned i = 0; i < n; i++) {
        const char *why =
            over[i].state == 0 ? "its replay is over and not kept any more" : NULL;
        enum item_state to = over[i].state == JOB_COMPLETED   ? ITEM_COMPLETED
                             : over[i].state == JOB_CANCELLED ? ITEM_CANCELLED
                             : over[i].state == 0             ? ITEM_SKIPPED
                                                              : ITEM_DEAD;
        item_set(w, b, over[i].job, ITEM_MADE, to, NULL, why);
    }
    return n < TURN_ITEMS;
}

/* How many replays have failed since an operator said to go on. */
static uint64_t
failures(const struct batch *b)
{
    return b->items[ITEM_DEAD] - b->forgiven;
}

/* Pauses B if what it has seen says so. */
static void
judge(struct batch *b)
{
    uint64_t good = b->items[ITEM_COMPLETED],
             bad = b->items[ITEM_DEAD] + b->items[ITEM_CANCELLED];
    if (b->stop_on_failures > 0 && failures(b) >= b->stop_on_failures)
        batch_pause(b, "%llu of its replays are dead (stop_on_failures)",
                    (unsigned long long)failures(b));
    else if (b->canary > 0 && !b->canary_over && bad > 0)
        batch_pause(b, "one of its first %llu replays did not complete (canary)",
                    (unsigned long long)b->canary);
    else if (b->canary > 0 && good >= b->canary)
        b->canary_over = true;
}

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How many replays B may get now; in *WAIT_MS when there may be more, if its rate is in the
 * way. */
static uint64_t
allowed(const struct writing *w, struct batch *b, uint64_t *wait_ms)
{
    uint64_t made = b->items[ITEM_MADE];
    uint64_t n = made < b->concurrency ? b->concurrency - made : 0;
    if (b->canary > 0 && !b->canary_over) {
        uint64_t begun = made + b->items[ITEM_COMPLETED];
        n = least(n, begun < b->canary ? b->canary - begun : 0);
    }
    n = least(n, TURN_ITEMS);
    if (b->rate == 0 || n == 0)
        return n;
    uint64_t now_us = w->now_ms * 1000, each_us = b->per_ms * 1000 / b->rate;
    each_us = each_us > 0 ? each_us : 1;
    if (b->next_us + SLACK_US < now_us)
        b->next_us = now_us - SLACK_US;
    if (b->next_us > now_us + each_us)
        b->next_us = now_us + each_us; /* the clock was set back */
    if (b->next_us > now_us) {
        *wait_ms = (b->next_us - now_us + 999) / 1000;
        return 0;
    }
    n = least(n, (now_us - b->next_us) / each_us + 1);
    *wait_ms = (b->next_us + n * each_us - now_us) / 1000 + 1;
    return n;
}

/* Makes the replay of ITEM, or finds that it may not be made. The bytes of its event; 0: it was
 * skipped. */
static uint64_t
make(struct writing *w, struct batch *b, const struct item *item)
{
    struct source src;
    struct weir_error err;
    if (!source_find(w->db, item->id, &src)) {
        item_set(w, b, item->job, ITEM_PENDING, ITEM_SKIPPED, NULL,
                 "the job is not kept any more");
        return 0;
    }
    if (replay_check(w, &src, false, &err) != WEIR_OK) {
        item_set(w, b, item->job, ITEM_PENDING, ITEM_SKIPPED, NULL, err.text);
        return 0;
    }
    uint8_t id[JOB_ID];
    char name[ID_UUID];
    sqlite3_stmt *s = db_use(w->db, SQL_HAS_EVENT);
    sqlite3_bind_int64(s, 1, src.seq);
    uint64_t bytes = db_row(w->db, s) ? column_number(s, 0) : 0;
    sqlite3_reset(s);
    replay_write(w, &src, &(struct replay_how){ 0 }, id, name);
    item_set(w, b, item->job, ITEM_PENDING, ITEM_MADE, id, NULL);
    return bytes + 1;
}

/* Makes up to MAX replays of B; false: it was stopped by their size, or by skipped ones. */
static bool
make_some(struct writing *w, struct batch *b, uint64_t max)
{
    struct item items[TURN_ITEMS];
    unsigned n = 0;
    sqlite3_stmt *s = db_use(w->db, SQL_ITEMS_PENDING);
    sqlite3_bind_int64(s, 1, b->n);
    sqlite3_bind_int64(s, 2, (int64_t)max);
    while (db_row(w->db, s) && n < TURN_ITEMS) {
        struct weir_text id = column_text(s, 1);
        items[n] = (struct item){ .job = (int64_t)column_number(s, 0) };
        if (id.len == JOB_ID)
            memcpy(items[n].id, id.bytes, JOB_ID);
        n++;
    }
    sqlite3_reset(s);
    uint64_t each_us = b->rate > 0 ? b->per_ms * 1000 / b->rate : 0, bytes = 0;
    bool all = true;
    for (unsigned i = 0; i < n && w->db->rc == SQLITE_OK; i++) {
        if (bytes >= TURN_BYTES)
            return false;
        uint64_t size = make(w, b, &items[i]);
        bytes += size;
        if (size > 0)
            b->next_us += each_us;
        else
            all = false;
    }
    return all;
}

/* One turn of B; in how many milliseconds there should be the next one. */
static uint64_t
work(struct writing *w, struct batch *b)
{
    struct batch before = *b;
    uint64_t wait_ms = LOOK_AGAIN_MS;
    if (b->state == BATCH_GONE)
        return batch_drop_some(w, b) ? LOOK_AGAIN_MS : 0;
    if (b->state == BATCH_MAKING)
        return LOOK_AGAIN_MS;
    bool settled = settle(w, b), all = true, cancelled = true;
    if (b->state == BATCH_CANCELLED)
        cancelled = batch_cancel_some(w, b);
    if (b->state == BATCH_RUNNING)
        judge(b);
    if (b->state == BATCH_RUNNING && !w->no_room) {
        uint64_t max = allowed(w, b, &wait_ms);
        if (max > 0 && b->items[ITEM_PENDING] > 0) {
            uint64_t pending = b->items[ITEM_PENDING];
            all = make_some(w, b, max) && pending - b->items[ITEM_PENDING] < TURN_ITEMS;
        }
    }
    if (b->state == BATCH_RUNNING && b->items[ITEM_PENDING] + b->items[ITEM_MADE] == 0) {
        b->state = BATCH_COMPLETED;
        b->ended_ms = w->now_ms;
    }
    b->open = b->state == BATCH_RUNNING || b->items[ITEM_MADE] > 0 || !cancelled;
    if (memcmp(&before, b, sizeof(before)) != 0)
        batch_save(w, b);
    if (b->state == BATCH_PAUSED && before.state == BATCH_RUNNING)
        batch_paused_itself(w, b);
    return settled && all && cancelled ? wait_ms : 0;
}

/* The next open batch behind number N. */
static bool
next_open(struct db *db, int64_t n, struct batch *ret)
{
    sqlite3_stmt *s = db_use(db, SQL_BATCH_NEXT);
    sqlite3_bind_int64(s, 1, n);
    if (!db_row(db, s))
        return false;
    batch_row(s, ret);
    sqlite3_reset(s);
    return true;
}

uint64_t
batches_turn(struct store *s)
{
    struct writing w = { .store = s, .db = &s->writes };
    struct batch b = { 0 };
    if (!next_open(w.db, 0, &b)) {
        db_clear(w.db);
        return UINT64_MAX;
    }
    uint64_t wait_ms = LOOK_AGAIN_MS, start = clock_mono_ns();
    writing_begin(&w);
    b.n = 0;
    for (unsigned i = 0; i < BATCHES_A_TURN && next_open(w.db, b.n, &b); i++)
        wait_ms = least(wait_ms, work(&w, &b));
    wait_ms = least(wait_ms, makings_turn(&w));
    bool good = writing_end(&w, start);
    makings_turned(s, good);
    if (good)
        __atomic_add_fetch(&s->stats.removed[STORE_REMOVED_BATCHES], w.removed_batches,
                           __ATOMIC_RELAXED);
    return good ? wait_ms : LOOK_AGAIN_MS;
}
