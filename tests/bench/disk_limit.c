/* bench/disk_limit.c - the bare limit: rows that SQLite takes a second on this file system.
 *
 *   disk_limit FOLDER BYTES ROWS-A-COMMIT SECONDS
 *
 * One table, WAL, synchronous=FULL, a row of BYTES; prints rows and commits a second. No store can be
 * faster with the same promise. tests/bench/durable.mjs builds and runs it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
check(int good, sqlite3 *db)
{
    if (good)
        return;
    fprintf(stderr, "disk_limit: %s\n", sqlite3_errmsg(db));
    exit(1);
}

int
main(int argc, char **argv)
{
    char path[512];
    sqlite3 *db;
    sqlite3_stmt *s;
    if (argc < 5)
        return 2;
    int bytes = atoi(argv[2]), rows = atoi(argv[3]);
    double seconds = atof(argv[4]);
    char *event = calloc(1, (size_t)bytes + 1);
    snprintf(path, sizeof(path), "%s/bare.db", argv[1]);
    check(sqlite3_open(path, &db) == SQLITE_OK, db);
    check(sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t(a, b)", NULL, NULL,
                       NULL) == SQLITE_OK,
          db);
    check(sqlite3_prepare_v2(db, "INSERT INTO t VALUES(?1, ?2)", -1, &s, NULL) == SQLITE_OK, db);
    long n = 0, commits = 0;
    double start = now(), took;
    do {
        check(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK, db);
        for (int i = 0; i < rows; i++, n++) {
            sqlite3_bind_int64(s, 1, n);
            sqlite3_bind_blob(s, 2, event, bytes, SQLITE_STATIC);
            check(sqlite3_step(s) == SQLITE_DONE, db);
            sqlite3_reset(s);
        }
        check(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK, db);
        commits++;
        took = now() - start;
    } while (took < seconds);
    printf("%.0f %.0f\n", (double)n / took, (double)commits / took);
    sqlite3_finalize(s);
    sqlite3_close(db);
    unlink(path);
    free(event);
    return 0;
}
