/* store/store.c - see store.h: opening, closing, handing in.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/store.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crash.h"
#include "base/random.h"
#include "store/asks.h"
#include "store/bulk.h"
#include "store/impl.h"
#include "store/look.h"
#include "store/retention.h"
#include "store/task.h"
#include "value/value.h"

enum {
    MAX_WAITING = 64 << 20,
    MAX_ASKS = 256,       /* that wait for the reader */
    ASK_BYTES = 64 << 10, /* what one counts as */
    OP_BYTES = 256,       /* what an operation counts as beside its texts */
    CRASHES_MAX = 5,
    INCIDENT_MS = 3600 * 1000
};

/* The threads, with a stack for the signal that may end them. */
static void *
write_thread(void *arg)
{
    crash_thread_begin();
    (void)store_writer(arg);
    crash_thread_end();
    return NULL;
}

static void *
read_thread(void *arg)
{
    crash_thread_begin();
    (void)store_reader(arg);
    crash_thread_end();
    return NULL;
}

/* Starts a thread that leaves signals to the main one. */
static bool
start_thread(pthread_t *thread, const char *name, void *(*fn)(void *), struct store *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(thread, NULL, fn, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        pthread_setname_np(*thread, name);
    return started;
}

static enum weir_code
start(struct store *s, const char *url, struct weir_error *err)
{
    enum weir_code code = store_lock(s, url, err);
    if (code == WEIR_OK)
        code = db_open(&s->writes, s->path, true, err);
    if (code == WEIR_OK)
        code = store_migrate(&s->writes, err);
    if (code == WEIR_OK)
        code = store_recover(s, err);
    if (code == WEIR_OK)
        code = db_open(&s->reads, s->path, false, err);
    if (code != WEIR_OK)
        return code;
    s->writer_runs = start_thread(&s->writer, "store-write", write_thread, s);
    s->reader_runs = start_thread(&s->reader, "store-read", read_thread, s);
    if (!s->writer_runs || !s->reader_runs)
        return err_set(err, WEIR_UNAVAILABLE, "the store's threads can't be started");
    return WEIR_OK;
}

/* A number that no process before has had; SQLite's numbers have a sign, and 0 means none. */
static uint64_t
new_owner(void)
{
    uint64_t owner;
    random_bytes(&owner, sizeof(owner));
    return (owner & INT64_MAX) | 1;
}

enum weir_code
store_open(const struct store_config *config, struct store **ret, struct weir_error *err)
{
    struct store *s = calloc(1, sizeof(*s));
    if (s == NULL)
        abort();
    s->lock = -1;
    s->owner = new_owner();
    s->max_waiting = config->max_waiting ? config->max_waiting : MAX_WAITING;
    s->max_size = config->max_size;
    s->crashes_max = config->crashes_max ? config->crashes_max : CRASHES_MAX;
    s->from_outside = config->from_outside;
    s->incident_ms = config->incident_ms ? config->incident_ms : INCIDENT_MS;
    s->keep = config->keep;
    s->retention = retention_new(s);
    s->oldest = oldest_new();
    s->tally = tally_new();
    s->bulk = bulk_new(s->owner);
    s->stuck = stuck_new();
    s->keys = keys_new();
    s->task = task_new();
    queue_init(&s->to_write);
    queue_init(&s->to_read);
    list_init(&s->waits);
    list_init(&s->listeners);
    list_init(&s->makings);

    enum weir_code code = start(s, config->url, err);
    if (code == WEIR_OK)
        *ret = s;
    else
        store_close(&s);
    return code;
}

void
store_close(struct store **store)
{
    struct store *s = *store;
    if (s == NULL)
        return;
    task_end(s->task);
    queue_end(&s->to_read);
    if (s->reader_runs)
        pthread_join(s->reader, NULL);
    queue_end(&s->to_write);
    if (s->writer_runs)
        pthread_join(s->writer, NULL);
    waits_end(s);
    listeners_end(s);

    db_close(&s->reads);
    if (s->writer_runs)
        store_checkpoint(s, true);
    db_close(&s->writes);
    retention_free(&s->retention);
    oldest_free(&s->oldest);
    tally_free(&s->tally);
    bulk_free(&s->bulk);
    stuck_free(&s->stuck);
    keys_free(&s->keys);
    task_free(&s->task);
    store_unlock(s);
    queue_fini(&s->to_read);
    queue_fini(&s->to_write);
    free(s->path);
    free(s);
    *store = NULL;
}

void
store_sync(struct store *s)
{
    queue_sync(&s->to_write);
    queue_sync(&s->to_read);
}

void
store_unpark(struct store *s)
{
    __atomic_store_n(&s->unparked, true, __ATOMIC_RELAXED);
    queue_nudge(&s->to_write);
}

void
store_give_up(struct store *s)
{
    __atomic_store_n(&s->given_up, true, __ATOMIC_RELAXED);
    queue_nudge(&s->to_write);
}

static size_t
failure_bytes(const struct job_failure *f)
{
    return f->node.len + f->message.len;
}

/* The memory of what a callback brings: of anybody, and as large as the edge lets a body be. At most
 * MAX. */
static size_t
output_bytes(const struct store_ask *ask, uint64_t max)
{
    const struct weir_value *output = ask->with ? value_field(ask->with, "output") : NULL;
    size_t bytes = output ? value_weight_all(output) : 0;
    return bytes < max ? bytes : max;
}

/* What OP counts as while it waits: the memory that its texts hold. */
static size_t
op_bytes(const struct store_op *op, uint64_t max)
{
    switch (op->kind) {
    case STORE_ACCEPT: {
        const struct job_accept *a = (const struct job_accept *)op;
        return OP_BYTES + a->pipeline.len + a->event.len + a->trace.len +
               failure_bytes(&a->failure);
    }
    case STORE_STEP: {
        const struct job_step *step = (const struct job_step *)op;
        return OP_BYTES + step->path.len + step->output.len + failure_bytes(&step->failure);
    }
    case STORE_FINISH: {
        const struct job_finish *f = (const struct job_finish *)op;
        return OP_BYTES + f->trace.len + f->result.len + failure_bytes(&f->failure);
    }
    case STORE_ASK:
        return ASK_BYTES + output_bytes((const struct store_ask *)op, max);
    case STORE_CLAIM:
    case STORE_BEGIN:
        return OP_BYTES;
    }
    abort();
}

enum weir_code
store_submit(struct store *s, struct store_op *op, struct weir_error *err)
{
    op->code = WEIR_OK;
    op->text = NULL;
    op->parked = false;
    op->bytes = op_bytes(op, s->max_waiting);
    bool asks = op->kind == STORE_ASK;
    if (asks) {
        ((struct store_ask *)op)->answer = NULL;
        ((struct store_ask *)op)->cancels = false;
        ((struct store_ask *)op)->batch = 0;
    }

    if (asks && !store_ask_writes(((struct store_ask *)op)->what)) {
        if (queue_add(&s->to_read, op, true, (uint64_t)MAX_ASKS * ASK_BYTES))
            return WEIR_OK;
        return err_set(err, WEIR_UNAVAILABLE, "the store has %d questions to answer before",
                       MAX_ASKS);
    }
    if (queue_add(&s->to_write, op, asks || op->kind == STORE_ACCEPT, s->max_waiting))
        return WEIR_OK;
    if (queue_ending(&s->to_write))
        return err_set(err, WEIR_UNAVAILABLE, "the store is closing");
    return err_set(err, WEIR_UNAVAILABLE, "more than %llu bytes wait to be stored",
                   (unsigned long long)s->max_waiting);
}

static uint64_t
file_bytes(const char *path, const char *suffix)
{
    char *name = NULL;
    struct stat st;
    if (asprintf(&name, "%s%s", path, suffix) < 0)
        abort();
    bool there = stat(name, &st) == 0;
    free(name);
    return there ? (uint64_t)st.st_size : 0;
}

void
store_stats(const struct store *s, struct store_stats *ret)
{
    const struct store_stats *now = &s->stats;
    *ret = (struct store_stats){
        .commits = __atomic_load_n(&now->commits, __ATOMIC_RELAXED),
        .operations = __atomic_load_n(&now->operations, __ATOMIC_RELAXED),
        .failures = __atomic_load_n(&now->failures, __ATOMIC_RELAXED),
        .commit_ns = __atomic_load_n(&now->commit_ns, __ATOMIC_RELAXED),
        .replays = __atomic_load_n(&now->replays, __ATOMIC_RELAXED),
        .batch_max = __atomic_load_n(&now->batch_max, __ATOMIC_RELAXED),
        .file_bytes = file_bytes(s->path, "") + file_bytes(s->path, "-wal"),
    };
    struct queue *q = (struct queue *)&s->to_write;
    pthread_mutex_lock(&q->lock);
    ret->waiting = q->waiting;
    ret->waiting_bytes = q->bytes;
    pthread_mutex_unlock(&q->lock);
    for (unsigned i = 0; i < STORE_STATES; i++)
        ret->jobs[i] = __atomic_load_n(&now->jobs[i], __ATOMIC_RELAXED);
    for (unsigned i = 0; i <= STORE_N_COMMIT_BOUNDS; i++)
        ret->commits_by_ns[i] = __atomic_load_n(&now->commits_by_ns[i], __ATOMIC_RELAXED);
    for (unsigned i = 0; i <= STORE_N_BATCH_BOUNDS; i++)
        ret->batches_by_size[i] = __atomic_load_n(&now->batches_by_size[i], __ATOMIC_RELAXED);
    ret->over_bytes = ret->jobs[0];
    ret->jobs[0] = 0;
    for (unsigned i = 0; i < STORE_REMOVALS; i++)
        ret->removed[i] = __atomic_load_n(&now->removed[i], __ATOMIC_RELAXED);
    ret->removing_ns = __atomic_load_n(&now->removing_ns, __ATOMIC_RELAXED);
    ret->removing_max_ns = __atomic_load_n(&now->removing_max_ns, __ATOMIC_RELAXED);
}
