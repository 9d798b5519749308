/* admin/store_metrics.c - metrics of the store, worked out when they are read.
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <pthread.h>

#include "admin/parts.h"
#include "engine/metrics.h"
#include "store/jobs.h"

/* A family outlives the store, and is read by any thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct store *store;

static bool
read_stats(struct store_stats *ret)
{
    pthread_mutex_lock(&lock);
    bool there = store != NULL;
    if (there)
        store_stats(store, ret);
    pthread_mutex_unlock(&lock);
    return there;
}

/* kind, name, labels, what it is worth of S, help */
#define FIGURES(X)                                                                        \
    X(COUNTER, commits_total, (double)s.commits, "Commits of the store.")                 \
    X(COUNTER, operations_total, (double)s.operations, "Operations that were committed.") \
    X(COUNTER, commit_seconds_total, (double)s.commit_ns / 1e9, "What all commits took.") \
    X(COUNTER, failures_total, (double)s.failures, "Commits that failed.")                \
    X(GAUGE, waiting, (double)s.waiting, "Operations that wait for a commit.")            \
    X(GAUGE, waiting_bytes, (double)s.waiting_bytes, "What they hold.")                   \
    X(GAUGE, file_bytes, (double)s.file_bytes, "Size of the file with its WAL.")          \
    X(GAUGE, over_bytes, (double)s.over_bytes, "Payloads of jobs that are over.")         \
    X(GAUGE, removing_max_seconds, (double)s.removing_max_ns / 1e9,                       \
      "The longest piece of removing what is over.")

#define X(kind, name, value, help)                        \
    static void name(void *arg, struct metric_sink *sink) \
    {                                                     \
        (void)arg;                                        \
        struct store_stats s;                             \
        if (read_stats(&s))                               \
            metric_sample(sink, NULL, value);             \
    }
FIGURES(X)
#undef X

static void
tell_jobs(void *arg, struct weir_text pipeline, unsigned state, uint64_t n)
{
    metric_sample(arg, (struct weir_text[]){ pipeline, text_of(job_state_word(state)) }, (double)n);
}

static void
jobs(void *arg, struct metric_sink *sink)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    if (store != NULL)
        store_jobs(store, tell_jobs, sink);
    pthread_mutex_unlock(&lock);
}

static const double commit_bounds[STORE_N_COMMIT_BOUNDS] = { STORE_COMMIT_BOUNDS };
static const double batch_bounds[STORE_N_BATCH_BOUNDS] = { STORE_BATCH_BOUNDS };

static void
commit_seconds(void *arg, struct metric_sink *sink)
{
    struct store_stats s;
    (void)arg;
    if (read_stats(&s))
        metric_sample_histogram(sink, NULL, s.commits_by_ns, (double)s.commit_ns / 1e9);
}

static void
batch_size(void *arg, struct metric_sink *sink)
{
    struct store_stats s;
    (void)arg;
    if (read_stats(&s))
        metric_sample_histogram(sink, NULL, s.batches_by_size, (double)s.operations);
}

static void
replays(void *arg, struct metric_sink *sink)
{
    struct store_stats s;
    (void)arg;
    if (read_stats(&s))
        metric_sample(sink, NULL, (double)s.replays);
}

static void
tell_oldest(void *arg, struct weir_text pipeline, uint64_t age_ms)
{
    metric_sample(arg, &pipeline, (double)age_ms / 1000);
}

static void
oldest(void *arg, struct metric_sink *sink)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    if (store != NULL)
        store_oldest(store, tell_oldest, sink);
    pthread_mutex_unlock(&lock);
}

static void
removed(void *arg, struct metric_sink *sink)
{
    struct store_stats s;
    (void)arg;
    if (!read_stats(&s))
        return;
#define X(name, word)                                       \
    metric_sample(sink, (struct weir_text[]){ TEXT(word) }, \
                  (double)s.removed[STORE_REMOVED_##name]);
    STORE_REMOVED(X)
#undef X
}

static void
collect_this(const struct weir_metric *m, void (*fn)(void *, struct metric_sink *))
{
    struct weir_error err = { 0 };
    bool good = metric_collect(m, fn, NULL, &err);
    assert(good);
    (void)good;
}

static void
collect(uint32_t kind, const char *name, const char *help, const char *labels,
        void (*fn)(void *, struct metric_sink *))
{
    struct weir_metric m = {
        .size = sizeof m, .kind = kind, .name = name, .help = help, .labels = labels
    };
    collect_this(&m, fn);
}

static void
collect_histogram(const char *name, const char *help, const double *bounds, uint32_t n,
                  void (*fn)(void *, struct metric_sink *))
{
    struct weir_metric m = { .size = sizeof m, .kind = WEIR_HISTOGRAM, .name = name, .help = help,
                             .buckets = bounds, .n_buckets = n };
    collect_this(&m, fn);
}

void
store_metrics(struct store *s)
{
    static bool made;
    pthread_mutex_lock(&lock);
    store = s;
    pthread_mutex_unlock(&lock);
    if (made || s == NULL)
        return;
    made = true;
#define X(kind, name, value, help) collect(WEIR_##kind, "weir_store_" #name, help, NULL, name);
    FIGURES(X)
#undef X
    collect(WEIR_GAUGE, "weir_jobs", "Jobs in the store.", "pipeline state", jobs);
    collect_histogram("weir_journal_commit_seconds", "What a commit of the store took.", commit_bounds,
                      STORE_N_COMMIT_BOUNDS, commit_seconds);
    collect_histogram("weir_journal_batch_size", "Operations of shards and operators in one commit.", batch_bounds,
                      STORE_N_BATCH_BOUNDS, batch_size);
    collect(WEIR_COUNTER, "weir_replays_total", "Replays that were made, edited ones and those of batches too.", NULL,
            replays);
    collect(WEIR_GAUGE, "weir_oldest_ready_job_age_seconds",
            "For how long the oldest job that waits for a place has been due; 0: none is.", "pipeline", oldest);
    collect(WEIR_COUNTER, "weir_store_removed_total", "What was removed because it was over.",
            "what", removed);
}
