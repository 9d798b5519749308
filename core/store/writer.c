/* store/writer.c - the thread that writes: batches, commits, telling, and what it does when the
 * disk refuses.
 *
 * What came while a commit was on its way makes the next batch; nothing waits for company. When
 * a batch can't be committed it is rolled back. Then what somebody waits for with other work at
 * hand (accepting, claiming, asking) fails, and what has happened already (steps, ends of
 * attempts) stays and is tried again every RETRY_MS, until it works or the store is closed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "loop/worker.h"
#include "store/batch.h"
#include "store/impl.h"
#include "store/retention.h"

enum { BATCH_OPS = 4096, BATCH_BYTES = 16 << 20, RETRY_MS = 500, CHECKPOINT_PAGES = 1000,
       BATCHES_MS = 10 /* after a job has ended */ };

/* The writer, on its thread. */
struct writer {
    struct store *store;
    struct list backlog; /* taken, not yet in a batch */
    struct list parked;  /* accepting, and waiting for the end of a job */
    uint64_t ticket;     /* of the last one that was taken */
    bool ending;         /* nothing more comes */
    bool failing;        /* the last batch could not be written */
    uint64_t retry_ms;   /* then: monotonic; when to try again */
    struct weir_error why;
    uint64_t batches_ms; /* monotonic; when batches of replays are looked at again */
};

static void
add(uint64_t *counter, uint64_t by)
{
    __atomic_add_fetch(counter, by, __ATOMIC_RELAXED);
}

void
store_check_lost(const struct db *db)
{
    if (!db_lost(db))
        return;
    log_say(WEIR_ERROR,
            "the disk did not take what was written to %s (fsync: %s): the process ends, "
            "because nobody knows what is on it; check the disk, then start again",
            db->path, db->system_error != 0 ? strerror(db->system_error) : "failed");
    log_stop();
    _exit(STORE_FSYNC_EXIT);
}

void
store_checkpoint(struct store *s, bool all)
{
    struct db *db = &s->writes;
    int mode = all ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    int rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, mode, NULL, NULL);
    /* A reader that is in the way, or a full disk: the WAL keeps what is in it, and the next
     * commit says what is wrong. */
    if (rc != SQLITE_OK) {
        db->rc = rc;
        db->system_error = sqlite3_system_errno(db->handle);
        store_check_lost(db);
        db_clear(db);
    }
}

bool
store_shorten(struct store *s)
{
    struct db *db = &s->writes;
    if (db->frames < db->checkpointed)
        db->checkpointed = 0; /* the WAL was begun again */
    if (db->frames - db->checkpointed < CHECKPOINT_PAGES)
        return false;
    store_checkpoint(s, false);
    db->checkpointed = db->frames;
    return true;
}

void
store_count(struct writing *w)
{
    w->moved[0] += w->store->ended_bytes;
    w->store->ended_bytes = 0;
    tally_write(w->store->tally, w->db, w->moved[0]);
}

void
op_fail(struct store_op *op, const struct weir_error *err)
{
    free(op->text);
    op->code = err != NULL ? err->code : WEIR_OK;
    op->text = err != NULL ? strdup(err->text) : NULL;
    if (err != NULL && op->text == NULL)
        abort();
}

/* The operations of one shard, on their way to it. */
struct telling {
    struct list ops;
    struct weir_shard *shard;
};

/* On the shard: tells its operations. The store may be gone by now. */
static void
tell_shard(void *arg)
{
    struct telling *t = arg;
    struct list *link;
    while ((link = list_shift(&t->ops)) != NULL) {
        struct store_op *op = list_entry(link, struct store_op, link);
        if (op->code == WEIR_OK) {
            op->done(op, NULL);
            continue;
        }
        struct weir_error err;
        (void)err_set(&err, op->code, "%s", op->text);
        free(op->text);
        op->text = NULL;
        op->done(op, &err);
    }
    free(t);
}

void
store_tell(struct queue *q, struct list *ops)
{
    while (!list_empty(ops)) {
        struct telling *t = malloc(sizeof(*t));
        if (t == NULL)
            abort();
        list_init(&t->ops);
        t->shard = list_entry(ops->next, struct store_op, link)->shard;
        uint64_t n = 0, bytes = 0;
        list_each(at, next, ops)
        {
            struct store_op *op = list_entry(at, struct store_op, link);
            if (op->shard != t->shard)
                continue;
            list_remove(at);
            list_push(&t->ops, at);
            n++;
            bytes += op->bytes;
        }
        /* Before they are told: then they are the shard's, which may look at the figures, too. */
        queue_told(q, n, bytes);
        shard_post(t->shard, tell_shard, t);
    }
}

/* Moves what fits into one commit from the backlog to BATCH. */
static uint64_t
cut_batch(struct writer *w, struct list *batch)
{
    uint64_t n = 0, bytes = 0;
    while (!list_empty(&w->backlog) && n < BATCH_OPS && bytes < BATCH_BYTES) {
        struct store_op *op = list_entry(list_shift(&w->backlog), struct store_op, link);
        list_push(batch, &op->link);
        op->barred = false;
        bytes += op->bytes;
        n++;
    }
    return n;
}

/* What may fail of OPS is moved to TOLD with the reason. ALL: the rest, too. */
static void
refuse(struct list *ops, struct list *told, const struct weir_error *why, bool all)
{
    list_each(at, next, ops)
    {
        struct store_op *op = list_entry(at, struct store_op, link);
        if (!all && !op->barred && (op->kind == STORE_STEP || op->kind == STORE_FINISH))
            continue;
        list_remove(at);
        list_push(told, at);
        if (!op->barred)
            op_fail(op, why);
    }
}

/* Whether this is the last try of what can't be written. */
static bool
tries_no_more(const struct writer *w)
{
    const struct store *s = w->store;
    return w->ending || queue_ending(&w->store->to_write) || __atomic_load_n(&s->given_up, __ATOMIC_RELAXED);
}

/* The batch could not be written. */
static void
batch_failed(struct writer *w, struct writing *g, struct list *batch)
{
    store_check_lost(g->db);
    (void)db_failed(g->db, &w->why);
    writing_undo(g, batch, NULL);
    add(&w->store->stats.failures, 1);
    if (!w->failing)
        log_say(WEIR_ERROR,
                "nothing can be stored: %s; new jobs are refused, what runs is tried again "
                "every %d ms",
                w->why.text, RETRY_MS);
    w->failing = true;
    w->retry_ms = clock_mono_ms() + RETRY_MS;

    struct list told;
    list_init(&told);
    refuse(batch, &told, &w->why, tries_no_more(w));
    while (!list_empty(batch)) { /* back to the front, in order */
        struct list *last = batch->prev;
        list_remove(last);
        list_unshift(&w->backlog, last);
    }
    store_tell(&w->store->to_write, &told);
}

/* The batch is on the disk. */
static void
batch_written(struct writer *w, const struct writing *g, uint64_t n, uint64_t ns)
{
    writing_counted(g, ns);
    writing_batch_counted(w->store, n);
    if (w->failing)
        log_say(WEIR_INFO, "%s can be written again", w->store->path);
    w->failing = false;
}

/* Whether BATCH may have ended a job: its attempt is over, or an operator has ended it. */
static bool
has_ended_some(const struct list *batch)
{
    for (const struct list *at = batch->next; at != batch; at = at->next) {
        enum store_kind kind = list_entry(at, const struct store_op, link)->kind;
        if (kind == STORE_FINISH || kind == STORE_ASK || kind == STORE_BEGIN) /* which may be held */
            return true;
    }
    return false;
}

/* Parks what has to wait, and lets go of what need not any more. */
static void
park(struct writer *w, struct list *batch)
{
    bool ended = has_ended_some(batch);
    list_each(at, next, batch)
    {
        struct store_op *op = list_entry(at, struct store_op, link);
        if (!op->parked)
            continue;
        list_remove(at);
        if (op->kind == STORE_ASK) {
            makings_add(w->store, (struct store_ask *)op);
            w->batches_ms = 0;
        } else {
            list_push(&w->parked, at);
        }
    }
    /* Also those of this batch: the job may have ended behind them in it. */
    list_each(at, next, &w->parked)
    {
        struct store_op *op = list_entry(at, struct store_op, link);
        if (!ended || !once_over(w->store, (struct job_accept *)op))
            continue;
        list_remove(at);
        list_push(batch, at);
        op->parked = false;
    }
}

/* Nobody waits for the end of a job any more. */
static void
unpark(struct writer *w)
{
    struct list told;
    struct weir_error err;
    list_init(&told);
    (void)err_set(&err, WEIR_UNAVAILABLE, "this server ends");
    makings_end(w->store, &w->parked);
    refuse(&w->parked, &told, &err, true);
    store_tell(&w->store->to_write, &told);
}

static void
write_batch(struct writer *w)
{
    struct list batch;
    list_init(&batch);
    uint64_t n = cut_batch(w, &batch), start = clock_mono_ns();
    struct writing g = { .store = w->store, .db = &w->store->writes };
    writing_batch(&g, &batch);
    if (g.db->rc != SQLITE_OK) {
        batch_failed(w, &g, &batch);
        return;
    }
    batch_written(w, &g, n, clock_mono_ns() - start);
    if (has_ended_some(&batch) && w->batches_ms > clock_mono_ms() + BATCHES_MS)
        w->batches_ms = clock_mono_ms() + BATCHES_MS;
    park(w, &batch);
    struct cancels *cancels = cancels_take(&batch);
    store_tell(&w->store->to_write, &batch);
    cancels_tell(w->store, &cancels);
    (void)store_shorten(w->store);
}

/* Fails what may fail at once, until it is time to try again. */
static void
refuse_backlog(struct writer *w)
{
    struct list told;
    list_init(&told);
    refuse(&w->backlog, &told, &w->why, false);
    store_tell(&w->store->to_write, &told);
}

/* How long it is until the next try; 0: now, or nothing has failed. */
static uint64_t
pause_ms(const struct writer *w)
{
    uint64_t now = clock_mono_ms();
    return w->failing && !tries_no_more(w) && now < w->retry_ms ? w->retry_ms - now : 0;
}

/* Waits for something to do, for QUIET_MS at most, and takes all that has come. */
static void
gather(struct writer *w, uint64_t quiet_ms)
{
    struct queue *q = &w->store->to_write;
    uint64_t pause = pause_ms(w);
    if (pause > 0 && pause < quiet_ms)
        quiet_ms = pause;
    uint64_t until = quiet_ms == UINT64_MAX ? UINT64_MAX : clock_mono_ms() + quiet_ms;
    w->ticket = queue_take(q, &w->backlog, until);
    w->ending = queue_ending(q);
    if (w->ending) /* what came just before the end; nothing comes any more */
        w->ticket = queue_take(q, &w->backlog, 0);
}

/* Works on batches of replays, if it is time for that. Returns in how many milliseconds it will
 * be; UINT64_MAX: there are none. */
static uint64_t
turn_batches(struct writer *w)
{
    uint64_t now = clock_mono_ms();
    if (w->store->batches_due)
        w->batches_ms = 0;
    w->store->batches_due = false;
    if (now >= w->batches_ms) {
        uint64_t wait_ms = batches_turn(w->store);
        w->batches_ms = wait_ms == UINT64_MAX ? UINT64_MAX : now + wait_ms;
    }
    return w->batches_ms == UINT64_MAX ? UINT64_MAX
           : w->batches_ms > now       ? w->batches_ms - now
                                       : 0;
}

void *
store_writer(void *arg)
{
    struct store *s = arg;
    struct writer w = { .store = s };
    list_init(&w.backlog);
    list_init(&w.parked);
    uint64_t quiet_ms = 0; /* how long nothing has to be done for those who wait for jobs */
    while (!w.ending || !list_empty(&w.backlog)) {
        if (list_empty(&w.backlog) || pause_ms(&w) > 0)
            gather(&w, quiet_ms);
        if (__atomic_load_n(&s->unparked, __ATOMIC_RELAXED))
            unpark(&w);
        if (pause_ms(&w) > 0)
            refuse_backlog(&w);
        else if (!list_empty(&w.backlog))
            write_batch(&w);
        if (list_empty(&w.backlog))
            queue_settle(&s->to_write, w.ticket);
        /* Claims would fail now; those who wait are told when it is worth a try. */
        uint64_t pause = pause_ms(&w);
        uint64_t batch_ms = pause > 0 || w.ending ? UINT64_MAX : turn_batches(&w);
        quiet_ms = pause > 0 ? pause : waits_tell(s);
        quiet_ms = batch_ms < quiet_ms ? batch_ms : quiet_ms;
        uint64_t tidy_ms = pause > 0 || w.ending ? UINT64_MAX : retention_turn(s);
        quiet_ms = tidy_ms < quiet_ms ? tidy_ms : quiet_ms;
        uint64_t oldest_ms = pause > 0 || w.ending ? UINT64_MAX : oldest_turn(s);
        quiet_ms = oldest_ms < quiet_ms ? oldest_ms : quiet_ms;
        quiet_ms = s->batches_due ? 0 : quiet_ms;
    }
    unpark(&w);
    return NULL;
}
