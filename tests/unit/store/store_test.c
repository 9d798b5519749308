/* The store itself: opening, locking, schemas, batches, order, bounds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

static void
folders_are_made_and_files_are_private(void **state)
{
    (void)state;
    struct stat st;
    snprintf(path, sizeof(path), "%s/a/b/c.db", folder);
    snprintf(url, sizeof(url), "sqlite:%s", path);
    store_up();
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct job_accept a = new_job(JOB_READY);
    accept_job(&a);
    char wal[112];
    snprintf(wal, sizeof(wal), "%s-wal", path);
    assert_int_equal(stat(wal, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* Opens URL, which fails with CODE and a text that has WORD in it. */
static void
refused(const char *at, enum weir_code code, const char *word)
{
    config.url = at;
    assert_int_equal(store_open(&config, &store, &err), code);
    assert_null(store);
    if (strstr(err.text, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, word);
}

static void
what_is_no_store_is_refused(void **state)
{
    (void)state;
    refused("postgres://host/db", WEIR_INVALID, "must be sqlite:PATH");
    refused("sqlite:", WEIR_INVALID, "must be sqlite:PATH");
    refused("sqlite:/tmp/", WEIR_INVALID, "must be sqlite:PATH");
    refused("sqlite:/dev/null/x.db", WEIR_UNAVAILABLE, "/dev/null");

    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < 1000; i++)
        fputs("these are no pages of a database\n", f);
    fclose(f);
    refused(url, WEIR_INVALID, "is no SQLite database");
    unlink(path);

    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "CREATE TABLE songs(name)", NULL, NULL, NULL);
    sqlite3_close(db);
    refused(url, WEIR_INVALID, "is a database of another program");
}

static void
a_newer_schema_is_refused(void **state)
{
    (void)state;
    store_up();
    store_close(&store);
    assert_int_equal(number_of("SELECT user_version FROM pragma_user_version"), 7);
    (void)number_of("PRAGMA user_version = 8");
    refused(url, WEIR_INVALID, "was written by a newer weir (schema 8, this one knows 7)");
    (void)number_of("PRAGMA user_version = 7");
    store_up();
}

static void
an_older_schema_becomes_todays(void **state)
{
    (void)state;
    store_up();
    store_close(&store);
    (void)number_of("INSERT INTO steps(job, path, begun, at_ms) VALUES(1, 'a', 0, 5)");
    (void)number_of("ALTER TABLE steps DROP COLUMN started_ms");
    (void)number_of("ALTER TABLE steps DROP COLUMN tries");
    (void)number_of("ALTER TABLE steps DROP COLUMN effect");
    (void)number_of("ALTER TABLE steps DROP COLUMN until_ms");
    (void)number_of("ALTER TABLE steps DROP COLUMN token");
    (void)number_of("ALTER TABLE jobs DROP COLUMN cancelling");
    (void)number_of("ALTER TABLE jobs DROP COLUMN edited");
    (void)number_of("ALTER TABLE jobs DROP COLUMN root");
    (void)number_of("DROP TABLE revisions");
    (void)number_of("DROP TABLE batch_pipelines");
    (void)number_of("DROP TABLE incidents");
    (void)number_of("ALTER TABLE marks DROP COLUMN at_ms");
    (void)number_of("DROP INDEX jobs_line");
    (void)number_of("ALTER TABLE jobs DROP COLUMN order_key");
    (void)number_of("ALTER TABLE jobs DROP COLUMN place");
    (void)number_of("ALTER TABLE jobs DROP COLUMN hold");
    (void)number_of("ALTER TABLE jobs DROP COLUMN outside");
    (void)number_of("DELETE FROM counts WHERE state = 11");
    (void)number_of("DROP INDEX jobs_due_keys");
    (void)number_of("DROP TABLE counts");
    (void)number_of("CREATE TABLE counts(state INTEGER PRIMARY KEY, n INTEGER NOT NULL)");
    (void)number_of("INSERT INTO counts(state, n) VALUES(0, 7), (2, 2), (7, 1)");
    (void)number_of("INSERT INTO jobs(id, pipeline, state, created_ms, updated_ms, due_ms, key) VALUES"
                    " (randomblob(16), 'a', 2, 1, 1, 1, 'k'), (randomblob(16), 'b', 2, 1, 1, 1, NULL),"
                    " (randomblob(16), 'a', 7, 1, 1, 1, NULL)");
    (void)number_of("DROP INDEX jobs_due");
    (void)number_of("CREATE INDEX jobs_due ON jobs(pipeline, due_ms) WHERE state IN (1, 2, 6)");
    (void)number_of("PRAGMA user_version = 1");
    store_up();
    store_close(&store);
    assert_int_equal(number_of("SELECT user_version FROM pragma_user_version"), 7);
    assert_int_equal(number_of("SELECT count(until_ms) + count(token) FROM steps"), 0);
    assert_int_equal(number_of("SELECT count(started_ms) + count(tries) + count(effect) FROM steps"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM steps WHERE path = 'a' AND at_ms = 5"), 1);
    assert_int_equal(number_of("SELECT count(*) FROM counts"), 4);
    assert_int_equal(number_of("SELECT n FROM counts WHERE pipeline = '' AND state = 0"), 7);
    assert_int_equal(number_of("SELECT n FROM counts WHERE pipeline = 'a' AND state = 2"), 1);
    assert_int_equal(number_of("SELECT count(*) FROM jobs INDEXED BY jobs_due_keys WHERE key IS NOT NULL"
                               " AND state < 7 AND state <> 3 AND state <> 4 AND pipeline = 'a'"), 1);
    store_up();
}

static void
one_process_has_the_store(void **state)
{
    (void)state;
    store_up();
    struct store *first = store;
    store = NULL;
    char word[160];
    snprintf(word, sizeof(word), "another weir (pid %d) uses %s", (int)getpid(), path);
    refused(url, WEIR_CONFLICT, word);

    pid_t child = fork();
    if (child == 0) {
        struct store *second = NULL;
        bool right = store_open(&config, &second, &err) == WEIR_CONFLICT &&
                     strstr(err.text, word) != NULL;
        _exit(right ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    store_close(&first);
    store_up();
}

/* How many rows another connection sees at the moment an operation is told. */
static int64_t seen;

static void
on_accept_look(struct store_op *op, const struct weir_error *e)
{
    seen = number_of("SELECT count(*) FROM jobs");
    on_told(op, e);
}

static void
an_operation_is_told_after_its_commit(void **state)
{
    (void)state;
    for (int i = 1; i <= 20; i++) {
        struct job_accept a = new_job(JOB_RUNNING);
        a.op =
            (struct store_op){ .shard = shard, .done = on_accept_look, .kind = STORE_ACCEPT };
        seen = 0;
        assert_int_equal(store_submit(store, &a.op, &err), WEIR_OK);
        await_told((unsigned)i);
        assert_int_equal(err.code, 0);
        assert_int_equal(seen, i);
    }
}

enum { MANY = 5000 };
static struct job_accept many[MANY];
static unsigned in_order;

static void
on_ordered(struct store_op *op, const struct weir_error *e)
{
    if (op == &many[n_told].op)
        in_order++;
    on_told(op, e);
}

static void
what_comes_together_is_committed_together_and_told_in_order(void **state)
{
    (void)state;
    in_order = 0;
    for (unsigned i = 0; i < MANY; i++) {
        many[i] = new_job(JOB_READY);
        many[i].op =
            (struct store_op){ .shard = shard, .done = on_ordered, .kind = STORE_ACCEPT };
        assert_int_equal(store_submit(store, &many[i].op, &err), WEIR_OK);
    }
    store_sync(store);
    struct store_stats stats;
    store_stats(store, &stats);
    assert_int_equal(stats.operations, MANY);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.waiting_bytes, 0);
    assert_int_equal(stats.jobs[JOB_READY], MANY);
    assert_true(stats.commits < MANY);
    assert_true(stats.batch_max > 1);
    assert_true(stats.file_bytes > 0);
    await_told(MANY);
    assert_int_equal(in_order, MANY);
    store_again();
    store_stats(store, &stats);
    assert_int_equal(stats.jobs[JOB_READY], MANY);
    assert_int_equal(number_of("SELECT count(*) FROM jobs"), MANY);
}

static void
a_bound_on_what_waits_refuses_new_jobs_and_no_ends(void **state)
{
    (void)state;
    config.max_waiting = 4096;
    store_up();
    struct job_accept running = new_job(JOB_RUNNING);
    accept_job(&running);

    /* Another program has the file: nothing is committed, so that all waits. */
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 60000); /* what the writer does after a commit may last */
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    unsigned given = 0, before = n_told;
    enum weir_code code = WEIR_OK;
    for (; code == WEIR_OK && given < 100; given++) {
        many[given] = new_job(JOB_READY);
        many[given].op =
            (struct store_op){ .shard = shard, .done = on_told, .kind = STORE_ACCEPT };
        code = store_submit(store, &many[given].op, &err);
    }
    assert_int_equal(code, WEIR_UNAVAILABLE);
    assert_string_equal(err.text, "more than 4096 bytes wait to be stored");
    struct job_finish f = { .op = { .shard = shard, .done = on_told, .kind = STORE_FINISH },
                            .attempt = 1,
                            .state = JOB_COMPLETED };
    memcpy(f.id, running.id, sizeof(f.id));
    assert_int_equal(store_submit(store, &f.op, &err), WEIR_OK);
    struct store_stats stats;
    store_stats(store, &stats);
    assert_true(stats.waiting > 0);
    assert_true(stats.waiting_bytes <= 4096 + 512);

    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(db);
    await_told(before + given - 1 + 1);
    assert_state(running.id, "completed");
    store_stats(store, &stats);
    assert_int_equal(stats.waiting_bytes, 0);
}

static void
a_bound_on_the_file_refuses_new_jobs_and_no_ends(void **state)
{
    (void)state;
    config.max_size = 400000;
    store_up();
    struct job_accept running = new_job(JOB_RUNNING);
    accept_job(&running);
    char event[10000] = "\xc5\x27\x0d"; /* msgpack: so many bytes */
    enum weir_code code = WEIR_OK;
    unsigned accepted = 0;
    for (; code == WEIR_OK && accepted < 1000; accepted++) {
        struct job_accept a = new_job(JOB_READY);
        a.event = (struct weir_text){ event, sizeof(event) };
        code = run_op(&a.op, STORE_ACCEPT);
    }
    assert_int_equal(code, WEIR_UNAVAILABLE);
    assert_string_equal(err.text, "the store has reached its size of 400000 bytes (max_size)");
    assert_in_range(accepted, 10, 60);
    assert_int_equal(end_job(running.id, 1, JOB_COMPLETED, (struct job_failure){ 0 }), WEIR_OK);
}

static void
what_waits_at_the_end_is_committed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 500; i++) {
        many[i] = new_job(JOB_READY);
        many[i].op = (struct store_op){ .shard = shard, .done = on_told, .kind = STORE_ACCEPT };
        assert_int_equal(store_submit(store, &many[i].op, &err), WEIR_OK);
    }
    store_close(&store);
    await_told(500);
    assert_int_equal(err.code, 0);
    assert_int_equal(number_of("SELECT count(*) FROM jobs"), 500);
}

static unsigned told_at[4];

static void
on_shard(struct store_op *op, const struct weir_error *e)
{
    if (e == NULL && pthread_equal(pthread_self(), op->shard->thread))
        told_at[op->shard->index]++;
}

/* Returns what went wrong, or NULL. */
static const void *
use_shard(unsigned index)
{
    struct weir_shard *s = NULL;
    struct weir_error e;
    struct job_accept *jobs = &many[index * 1000];
    if (shard_new(index, &s, &e) != WEIR_OK)
        return "no shard";
    for (unsigned i = 0; i < 1000; i++) {
        jobs[i] = new_job(JOB_READY);
        jobs[i].op = (struct store_op){ .shard = s, .done = on_shard, .kind = STORE_ACCEPT };
        if (store_submit(store, &jobs[i].op, &e) != WEIR_OK)
            return "refused";
    }
    while (told_at[index] < 1000)
        shard_turn(s, 10000);
    shard_free(&s);
    return NULL;
}

static void *
one_shard(void *arg)
{
    return (void *)use_shard(*(unsigned *)arg);
}

static void
each_shard_is_told_its_own(void **state)
{
    (void)state;
    pthread_t threads[4];
    unsigned index[4];
    memset(told_at, 0, sizeof(told_at));
    for (unsigned i = 0; i < 4; i++) {
        index[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, one_shard, &index[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    assert_int_equal(number_of("SELECT count(*) FROM jobs"), 4000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(folders_are_made_and_files_are_private, set_up_empty,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_store_is_refused, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(a_newer_schema_is_refused, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(an_older_schema_becomes_todays, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(one_process_has_the_store, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(an_operation_is_told_after_its_commit, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            what_comes_together_is_committed_together_and_told_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bound_on_what_waits_refuses_new_jobs_and_no_ends,
                                        set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(a_bound_on_the_file_refuses_new_jobs_and_no_ends,
                                        set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(what_waits_at_the_end_is_committed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_shard_is_told_its_own, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
