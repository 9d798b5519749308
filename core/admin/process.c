/* admin/process.c - metrics that are worked out when they are read: the process, loops, mailboxes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "admin/parts.h"
#include "base/log.h"
#include "engine/gate.h"
#include "engine/metrics.h"
#include "engine/once.h"
#include "engine/tail.h"
#include "net/attempts.h"

static void
cpu_seconds(void *arg, struct metric_sink *sink)
{
    (void)arg;
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) == 0)
        metric_sample(sink, NULL,
                      (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                          (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
}

static void
resident_bytes(void *arg, struct metric_sink *sink)
{
    (void)arg;
    FILE *f = fopen("/proc/self/statm", "r");
    long total, resident;
    if (f == NULL)
        return;
    if (fscanf(f, "%ld %ld", &total, &resident) == 2)
        metric_sample(sink, NULL, (double)resident * (double)sysconf(_SC_PAGESIZE));
    fclose(f);
}

static void
open_descriptors(void *arg, struct metric_sink *sink)
{
    (void)arg;
    DIR *d = opendir("/proc/self/fd");
    if (d == NULL)
        return;
    unsigned n = 0;
    while (readdir(d))
        n++;
    closedir(d);
    metric_sample(sink, NULL, n > 3 ? n - 3 : 0); /* without ".", ".." and D itself */
}

static void
max_descriptors(void *arg, struct metric_sink *sink)
{
    (void)arg;
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0)
        metric_sample(sink, NULL, (double)l.rlim_cur);
}

static uint64_t started_ms;

static void
start_time(void *arg, struct metric_sink *sink)
{
    (void)arg;
    metric_sample(sink, NULL, (double)started_ms / 1000.0);
}

static void
build_info(void *arg, struct metric_sink *sink)
{
    (void)arg;
    struct weir_text labels[] = { TEXT(WEIR_VERSION), TEXT(ABI_TEXT) };
    metric_sample(sink, labels, 1);
}

static unsigned shards;

static void
mailbox_depths(void *arg, struct metric_sink *sink)
{
    (void)arg;
    char name[24] = "keeper";
    struct weir_text label = text_of(name);
    metric_sample(sink, &label, (double)mail_depth(name));
    for (unsigned i = 0; i < shards; i++) {
        snprintf(name, sizeof name, "shard-%u", i);
        label = text_of(name);
        metric_sample(sink, &label, (double)mail_depth(name));
    }
}

static void
log_losses(void *arg, struct metric_sink *sink)
{
    (void)arg;
    metric_sample(sink, NULL, (double)log_dropped());
}

static void
tail_losses(void *arg, struct metric_sink *sink)
{
    (void)arg;
    metric_sample(sink, NULL, (double)tail_lost());
}

static void
waiting_for_place(void *arg, struct metric_sink *sink)
{
    (void)arg;
    metric_sample(sink, NULL, gate_waiting());
}

/* What is remembered of idempotency keys, of pipelines that are not durable. */
#define KEYS(X)              \
    X(keys_there, entries)   \
    X(keys_bytes, bytes)     \
    X(keys_waiting, waiting) \
    X(keys_lost, forgotten)

#define X(name, member)                              \
    static void name(void *arg, struct metric_sink *sink) \
    {                                                \
        (void)arg;                                   \
        struct once_usage u;                         \
        once_usage(&u);                              \
        metric_sample(sink, NULL, (double)u.member); \
    }
KEYS(X)
#undef X

/* Who fails to prove who he is. */
#define ATTEMPTS(X)              \
    X(auth_failures, failures)   \
    X(auth_blocks, blocks)       \
    X(auth_forgotten, forgotten)

#define X(name, member)                                                   \
    static void name(void *arg, struct metric_sink *sink)                 \
    {                                                                     \
        (void)arg;                                                        \
        struct attempts_figures f;                                        \
        for (unsigned at = 0; at < ATTEMPTS_N_AT; at++) {                 \
            struct weir_text label = text_of(attempts_at_name((enum attempts_at)at)); \
            attempts_figures((enum attempts_at)at, &f);                   \
            metric_sample(sink, &label, (double)f.member);                \
        }                                                                 \
    }
ATTEMPTS(X)
#undef X

static void
collect(uint32_t kind, const char *name, const char *help, const char *labels,
        void (*fn)(void *, struct metric_sink *))
{
    struct weir_metric m = { .size = sizeof m, .kind = kind, .name = name, .help = help, .labels = labels };
    struct weir_error err = { 0 };
    bool good = metric_collect(&m, fn, NULL, &err);
    assert(good);
    (void)good;
}

void
process_metrics(const struct admin *a)
{
    started_ms = a->config.started_wall_ms;
    shards = a->config.n_shards;
    collect(WEIR_COUNTER, "process_cpu_seconds_total", "CPU time, user and system.", NULL, cpu_seconds);
    collect(WEIR_GAUGE, "process_resident_memory_bytes", "Resident memory.", NULL, resident_bytes);
    collect(WEIR_GAUGE, "process_open_fds", "Open file descriptors.", NULL, open_descriptors);
    collect(WEIR_GAUGE, "process_max_fds", "File descriptors that may be open.", NULL, max_descriptors);
    collect(WEIR_GAUGE, "process_start_time_seconds", "When the process started, since 1970.", NULL, start_time);
    collect(WEIR_GAUGE, "weir_build_info", "The version that runs.", "version abi", build_info);
    collect(WEIR_GAUGE, "weir_mailbox_depth", "Messages that wait in a mailbox.", "actor", mailbox_depths);
    collect(WEIR_COUNTER, "weir_log_dropped_total", "Lines of the log that were lost.", NULL, log_losses);
    collect(WEIR_GAUGE, "weir_concurrency_waiting", "Events in line for a place of their pipeline's concurrency.", NULL,
            waiting_for_place);
    collect(WEIR_GAUGE, "weir_idempotency_keys", "Idempotency keys in memory.", NULL, keys_there);
    collect(WEIR_GAUGE, "weir_idempotency_memory_bytes", "What they and their answers take.", NULL, keys_bytes);
    collect(WEIR_GAUGE, "weir_idempotency_waiting", "Events that wait for the answer of one like them.", NULL,
            keys_waiting);
    collect(WEIR_COUNTER, "weir_idempotency_forgotten_total", "Keys that made room before their time.", NULL,
            keys_lost);
    collect(WEIR_COUNTER, "weir_auth_failures_total", "Credentials that were not good.", "at", auth_failures);
    collect(WEIR_COUNTER, "weir_auth_blocks_total", "Addresses that are turned away for a minute after that.", "at",
            auth_blocks);
    collect(WEIR_COUNTER, "weir_auth_forgotten_total", "Addresses whose failures made room before their time.", "at",
            auth_forgotten);
    collect(WEIR_COUNTER, "weir_tail_dropped_total", "Live events that were lost.", NULL, tail_losses);
}
