/* bench/store_bench.c - how many jobs the store takes a second, beside what the disk can do.
 *
 *   store_bench FOLDER [BYTES [JOBS]]
 *
 * For 1, 8, 64 and 512 jobs at once, each accepted (event of BYTES, 300 if it is left out) and
 * then completed: jobs a second, commits a second, the mean and largest batch, and what the
 * store's threads and the shard use of a processor for a job. Before that the bare limit: a
 * loop that inserts rows of the same size into one table of SQLite, WAL and FULL, 1 and 64 a
 * commit. For people who work on core/store; no test runs it, and it is built by hand: cc -O2
 * -D_GNU_SOURCE -Icore tests/bench/store_bench.c -o store_bench
 *      build/release/core/lib{store,loop,expr,value,base}.a -lsqlite3 -levent -lczmq -lzmq -lcrypto
 *      -lmsgpackc -lpcre2-8 -lm
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/jobs.h"

enum { AT_ONCE_MAX = 512 };

/* One job after the other. */
struct line {
    union {
        struct job_accept accept;
        struct job_finish finish;
    };
    struct weir_text event;
};

static struct weir_shard *shard;
static struct store *store;
static struct weir_error err;
static struct line lines[AT_ONCE_MAX];
static uint64_t begun, ended, jobs;

static void
check(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "%s: %s\n", what, err.text);
    exit(1);
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
        .event = line->event,
        .created_ms = clock_wall_ms(),
    };
    id_uuid7(line->accept.created_ms, line->accept.id);
    check(store_submit(store, &line->accept.op, &err) == WEIR_OK, "accept");
}

static void
on_finished(struct store_op *op, const struct weir_error *e)
{
    check(e == NULL, "finish");
    ended++;
    next_job((struct line *)op);
}

static void
on_accepted(struct store_op *op, const struct weir_error *e)
{
    struct line *line = (struct line *)op;
    check(e == NULL, "accepted");
    char id[ID_UUID];
    memcpy(id, line->accept.id, sizeof(id));
    line->finish = (struct job_finish){
        .op = { .shard = shard, .done = on_finished, .kind = STORE_FINISH },
        .attempt = 1,
        .state = JOB_COMPLETED,
        .started_ms = clock_wall_ms(),
    };
    line->finish.ended_ms = line->finish.started_ms;
    memcpy(line->finish.id, id, sizeof(id));
    check(store_submit(store, &line->finish.op, &err) == WEIR_OK, "finish");
}

static double
cpu_us(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void
measure_store(unsigned at_once, struct weir_text event)
{
    struct store_stats before, after;
    store_stats(store, &before);
    begun = ended = 0;
    double whole = cpu_us(RUSAGE_SELF), own = cpu_us(RUSAGE_THREAD);
    uint64_t start = clock_mono_ns();
    for (unsigned i = 0; i < at_once; i++) {
        lines[i].event = event;
        next_job(&lines[i]);
    }
    while (ended < jobs)
        shard_turn(shard, 10000);
    double s = (double)(clock_mono_ns() - start) / 1e9, n = (double)jobs;
    own = cpu_us(RUSAGE_THREAD) - own;
    whole = cpu_us(RUSAGE_SELF) - whole;
    store_stats(store, &after);
    double commits = (double)(after.commits - before.commits);
    printf("  %3u at once: %7.0f jobs/s, %6.0f commits/s, batch %5.1f (max so far %llu), store "
           "%5.1f us/job, shard %4.1f us/job, file %.1f MB\n",
           at_once, n / s, commits / s, 2 * n / commits, (unsigned long long)after.batch_max,
           (whole - own) / n, own / n, (double)after.file_bytes / 1e6);
}

static void
measure_bare(const char *folder, unsigned rows, struct weir_text event)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/bare.db", folder);
    sqlite3 *db;
    sqlite3_stmt *s;
    check(sqlite3_open(path, &db) == SQLITE_OK, path);
    sqlite3_exec(db,
                 "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE IF NOT "
                 "EXISTS t(a, b)",
                 NULL, NULL, NULL);
    sqlite3_prepare_v2(db, "INSERT INTO t VALUES(?1, ?2)", -1, &s, NULL);
    uint64_t n = rows == 1 ? jobs / 20 : jobs, start = clock_mono_ns();
    for (uint64_t i = 0; i < n; i++) {
        if (i % rows == 0)
            sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
        sqlite3_bind_int64(s, 1, (sqlite3_int64)i);
        sqlite3_bind_blob(s, 2, event.bytes, (int)event.len, SQLITE_STATIC);
        check(sqlite3_step(s) == SQLITE_DONE, "insert");
        sqlite3_reset(s);
        if (i % rows == rows - 1)
            check(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK, "commit");
    }
    double seconds = (double)(clock_mono_ns() - start) / 1e9;
    printf("  bare, %2u rows a commit: %7.0f rows/s\n", rows, (double)n / seconds);
    sqlite3_finalize(s);
    sqlite3_close(db);
    unlink(path);
}

int
main(int argc, char **argv)
{
    if (argc < 2)
        return 1;
    size_t bytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 300;
    jobs = argc > 3 ? strtoul(argv[3], NULL, 10) : 100000;
    struct weir_text event = { calloc(1, bytes + 1), bytes };
    measure_bare(argv[1], 1, event);
    measure_bare(argv[1], 64, event);

    char url[512];
    snprintf(url, sizeof(url), "sqlite:%s/bench.db", argv[1]);
    struct store_config config = { .url = url };
    check(shard_new(0, &shard, &err) == WEIR_OK, "shard");
    check(store_open(&config, &store, &err) == WEIR_OK, "store");
    uint64_t all = jobs;
    for (unsigned at_once = 1; at_once <= AT_ONCE_MAX; at_once *= 8) {
        jobs = at_once == 1 ? all / 20 : all;
        measure_store(at_once, event);
    }
    store_close(&store);
    shard_free(&shard);
    free((void *)event.bytes);
    return 0;
}
