/* bench/retention_bench.c - what removing costs the commits: the longest one, with and without.
 *
 *   retention_bench FOLDER [JOBS [BYTES]]
 *
 * Waves of JOBS (100000) jobs with events of BYTES (300), at most 64 at once, each accepted and
 * then completed. In the first CALM waves nothing is removed; in each one that follows all jobs
 * of the wave before are over by age, and go while it comes in. Of each wave: jobs a second,
 * how long an accept and a finish took at most and in 999 of 1000 cases, the longest piece of
 * removing, and the size of the file. At the end one event of 16 MiB is removed. For people who
 * work on core/store; built by hand as store_bench.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/jobs.h"

enum { AT_ONCE = 64, CALM = 4, WAVES = 12, DAY = 86400000 };

struct line {
    union {
        struct job_accept accept;
        struct job_finish finish;
    };
    uint64_t begun_ns;
};

static struct weir_shard *shard;
static struct store *store;
static struct weir_error err;
static struct weir_text event;
static struct line lines[AT_ONCE];
static uint64_t jobs, begun, ended, n_took;
static uint32_t *took_us;
static uint64_t ahead_ms;

static uint64_t
wall(void)
{
    return clock_wall_ms() + __atomic_load_n(&ahead_ms, __ATOMIC_RELAXED);
}

static void
check(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "%s: %s\n", what, err.text);
    exit(1);
}

static void
note(const struct line *line)
{
    took_us[n_took++] = (uint32_t)((clock_mono_ns() - line->begun_ns) / 1000);
}

static void on_accepted(struct store_op *op, const struct weir_error *e);

static void
next_job(struct line *line)
{
    if (begun == jobs)
        return;
    begun++;
    line->accept = (struct job_accept){
        .op = { .shard = shard, .done = on_accepted, .kind = STORE_ACCEPT },
        .state = JOB_RUNNING,
        .pipeline = TEXT("orders"),
        .revision = TEXT("0123456789abcdef"),
        .event = event,
        .created_ms = wall(),
    };
    id_uuid7(line->accept.created_ms, line->accept.id);
    line->begun_ns = clock_mono_ns();
    check(store_submit(store, &line->accept.op, &err) == WEIR_OK, "accept");
}

static void
on_finished(struct store_op *op, const struct weir_error *e)
{
    check(e == NULL, "finish");
    note((struct line *)op);
    ended++;
    next_job((struct line *)op);
}

static void
on_accepted(struct store_op *op, const struct weir_error *e)
{
    struct line *line = (struct line *)op;
    char id[ID_UUID];
    check(e == NULL, "accepted");
    note(line);
    memcpy(id, line->accept.id, sizeof(id));
    line->finish = (struct job_finish){
        .op = { .shard = shard, .done = on_finished, .kind = STORE_FINISH },
        .attempt = 1,
        .state = JOB_COMPLETED,
        .started_ms = wall(),
    };
    line->finish.ended_ms = line->finish.started_ms;
    memcpy(line->finish.id, id, sizeof(id));
    line->begun_ns = clock_mono_ns();
    check(store_submit(store, &line->finish.op, &err) == WEIR_OK, "finish");
}

static int
by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void
wave(unsigned number)
{
    struct store_stats before, s;
    store_stats(store, &before);
    begun = ended = n_took = 0;
    uint64_t start = clock_mono_ns();
    for (unsigned i = 0; i < AT_ONCE; i++)
        next_job(&lines[i]);
    while (ended < jobs)
        shard_turn(shard, 10000);
    double seconds = (double)(clock_mono_ns() - start) / 1e9;
    store_stats(store, &s);
    qsort(took_us, n_took, sizeof(*took_us), by_size);
    printf("  wave %2u: %6.0f jobs/s, longest %6.2f ms, 99.9 %%: %6.2f ms; removed %7llu in "
           "%5.2f s, longest piece %5.2f ms; file %6.1f MB\n",
           number, (double)jobs / seconds, took_us[n_took - 1] / 1e3,
           took_us[n_took - 1 - n_took / 1000] / 1e3,
           (unsigned long long)(s.removed[STORE_REMOVED_JOBS] -
                                before.removed[STORE_REMOVED_JOBS]),
           (double)(s.removing_ns - before.removing_ns) / 1e9, (double)s.removing_max_ns / 1e6,
           (double)s.file_bytes / 1e6);
}

/* Waits until all that is over is removed; how long that took. */
static void
settle(uint64_t left)
{
    struct store_stats s;
    uint64_t start = clock_mono_ns();
    do {
        usleep(1000);
        store_stats(store, &s);
    } while (s.jobs[JOB_COMPLETED] > left);
    printf("           the rest was gone after %.2f s\n",
           (double)(clock_mono_ns() - start) / 1e9);
}

int
main(int argc, char **argv)
{
    if (argc < 2)
        return 1;
    jobs = argc > 2 ? strtoul(argv[2], NULL, 10) : 100000;
    event.len = argc > 3 ? strtoul(argv[3], NULL, 10) : 300;
    event.bytes = calloc(1, 17 << 20);
    took_us = calloc(jobs * 2, sizeof(*took_us));
    char url[512];
    snprintf(url, sizeof(url), "sqlite:%s/retention.db", argv[1]);
    struct store_config config = {
        .url = url, .keep = { .completed_ms = DAY, .look_ms = 100, .wall_ms = wall }
    };
    check(shard_new(0, &shard, &err) == WEIR_OK, "shard");
    check(store_open(&config, &store, &err) == WEIR_OK, "store");
    for (unsigned i = 0; i < WAVES; i++) {
        wave(i);
        if (i + 1 < CALM)
            continue;
        settle(i + 1 == CALM ? jobs * CALM : jobs);
        __atomic_add_fetch(&ahead_ms, DAY + 120000, __ATOMIC_RELAXED);
    }
    settle(0);
    jobs = 1;
    event.len = 16 << 20;
    wave(WAVES);
    __atomic_add_fetch(&ahead_ms, DAY + 120000, __ATOMIC_RELAXED);
    settle(0);
    jobs = 0;
    struct store_stats s;
    store_stats(store, &s);
    printf("  after an event of 16 MiB: longest piece %.2f ms\n",
           (double)s.removing_max_ns / 1e6);
    store_close(&store);
    shard_free(&shard);
    return 0;
}
