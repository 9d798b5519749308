/* Disks that refuse: full ones, files that may not grow, an fsync that fails.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <signal.h>
#include <sys/resource.h>

/* -- a VFS that is the usual one, and fails when it is told to -- */

static int write_result;  /* atomic: what a write answers, if it is not SQLITE_OK */
static int sync_result;   /* atomic: the same of an fsync... */
static bool sync_of_main; /* ...of the file itself; else of the WAL */

/* The usual methods of the file itself (0) and of its WAL (1), and with them ours. */
static const sqlite3_io_methods *usual[2];
static sqlite3_io_methods faulty[2];
static sqlite3_vfs vfs;

static unsigned
which(sqlite3_file *f)
{
    return f->pMethods == &faulty[0] ? 0 : 1;
}

static int
faulty_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at)
{
    int rc = __atomic_load_n(&write_result, __ATOMIC_ACQUIRE);
    return rc != SQLITE_OK ? rc : usual[which(f)]->xWrite(f, bytes, n, at);
}

static int
faulty_sync(sqlite3_file *f, int flags)
{
    int rc = __atomic_load_n(&sync_result, __ATOMIC_ACQUIRE);
    if (rc != SQLITE_OK && which(f) == (sync_of_main ? 0 : 1))
        return rc;
    return usual[which(f)]->xSync(f, flags);
}

static int
faulty_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
    int rc = sqlite3_vfs_find("unix")->xOpen(v, name, f, flags, ret_flags);
    if (rc != SQLITE_OK || f->pMethods == NULL)
        return rc;
    unsigned i = (flags & SQLITE_OPEN_MAIN_DB) ? 0 : 1;
    usual[i] = f->pMethods;
    faulty[i] = *f->pMethods;
    faulty[i].xWrite = faulty_write;
    faulty[i].xSync = faulty_sync;
    f->pMethods = &faulty[i];
    return rc;
}

static int
install_vfs(void **state)
{
    (void)state;
    vfs = *sqlite3_vfs_find(NULL);
    vfs.zName = "faulty";
    vfs.xOpen = faulty_open;
    return sqlite3_vfs_register(&vfs, 1) == SQLITE_OK ? 0 : -1;
}

static void
set_writes(int rc)
{
    __atomic_store_n(&write_result, rc, __ATOMIC_RELEASE);
}

/* Hands in the end of a job, and does not wait. */
static struct job_finish ending;

static void
on_ended(struct store_op *op, const struct weir_error *e)
{
    (void)op;
    ending.attempt = e == NULL ? 100 : 200; /* says how it went */
}

static void
begin_to_end(const char *id)
{
    ending =
        (struct job_finish){ .op = { .shard = shard, .done = on_ended, .kind = STORE_FINISH },
                             .attempt = 1,
                             .state = JOB_COMPLETED };
    memcpy(ending.id, id, sizeof(ending.id));
    assert_int_equal(store_submit(store, &ending.op, &err), WEIR_OK);
}

static void
a_full_disk_refuses_new_jobs_and_loses_no_end(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_RUNNING), b = new_job(JOB_READY);
    accept_job(&a);
    set_writes(SQLITE_FULL);
    assert_int_equal(run_op(&b.op, STORE_ACCEPT), WEIR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "the disk is full"));
    begin_to_end(a.id);
    struct job_claim c = { .max = 1 };
    assert_int_equal(run_op(&c.op, STORE_CLAIM), WEIR_UNAVAILABLE);
    assert_null(c.jobs);
    assert_null(ask_of("jobs.cancel", a.id, BY_ANN));
    assert_int_equal(err.code, WEIR_UNAVAILABLE);
    assert_int_equal(run_op(&b.op, STORE_ACCEPT), WEIR_UNAVAILABLE);
    assert_int_equal(ending.attempt, 1);
    struct store_stats stats;
    store_stats(store, &stats);
    assert_int_equal(stats.waiting, 1);
    assert_true(stats.failures > 0);
    assert_state(a.id, "running"); /* reading goes on */

    set_writes(SQLITE_OK);
    while (ending.attempt == 1)
        shard_turn(shard, 10000);
    assert_int_equal(ending.attempt, 100);
    assert_state(a.id, "completed");
    assert_int_equal(run_op(&b.op, STORE_ACCEPT), WEIR_OK);
    store_stats(store, &stats);
    assert_int_equal(stats.waiting_bytes, 0);
    assert_int_equal(stats.jobs[JOB_COMPLETED], 1);
    assert_int_equal(stats.jobs[JOB_READY], 1);
}

static void
an_end_that_can_not_be_stored_is_told_at_the_close(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_RUNNING);
    accept_job(&a);
    set_writes(SQLITE_IOERR_WRITE);
    begin_to_end(a.id);
    store_close(&store);
    set_writes(SQLITE_OK);
    while (ending.attempt == 1)
        shard_turn(shard, 10000);
    assert_int_equal(ending.attempt, 200);
    store_up();
    assert_state(a.id, "ready");
}

static unsigned woken;

static void
on_due(void *arg)
{
    (void)arg;
    woken++;
}

static void
who_waits_is_told_when_the_disk_takes_something_again(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_READY), b = new_job(JOB_READY);
    accept_job(&a);
    set_writes(SQLITE_FULL);
    assert_int_equal(run_op(&b.op, STORE_ACCEPT), WEIR_UNAVAILABLE);
    set_writes(SQLITE_OK);
    woken = 0;
    store_wait(store, shard, on_due, NULL);
    while (woken == 0)
        shard_turn(shard, 10000);
    struct job_claim c = { 0 };
    claim(&c, 10);
    assert_int_equal(c.n, 1);
    job_claim_free(&c);
}

/* The operating system's own refusal, in the middle of a write. */
static void
a_file_that_may_not_grow(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_RUNNING);
    accept_job(&a);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 300000;
    setrlimit(RLIMIT_FSIZE, &small);
    static char event[50000] = "\xc5\xc3\x4d"; /* msgpack: so many bytes */
    enum weir_code code = WEIR_OK;
    unsigned accepted = 0;
    while (code == WEIR_OK && accepted < 100) {
        struct job_accept b = new_job(JOB_READY);
        b.event = (struct weir_text){ event, sizeof(event) };
        code = run_op(&b.op, STORE_ACCEPT);
        accepted += code == WEIR_OK;
    }
    struct weir_error why = err;
    begin_to_end(a.id);
    struct job_accept b = new_job(JOB_READY);
    b.event = (struct weir_text){ event, sizeof(event) };
    enum weir_code again = run_op(&b.op, STORE_ACCEPT);
    setrlimit(RLIMIT_FSIZE, &before);

    assert_int_equal(code, WEIR_UNAVAILABLE);
    assert_non_null(strstr(why.text, "disk I/O error"));
    assert_int_equal(again, WEIR_UNAVAILABLE);
    while (ending.attempt == 1)
        shard_turn(shard, 10000);
    assert_int_equal(ending.attempt, 100);
    store_again();
    struct store_stats stats;
    store_stats(store, &stats);
    assert_int_equal(stats.jobs[JOB_READY], accepted);
    assert_int_equal(stats.jobs[JOB_COMPLETED], 1);
    assert_int_equal(number_of("SELECT count(*) FROM jobs"), accepted + 1);
    assert_int_equal(number_of("SELECT count(*) FROM events"), accepted + 1);
}

static uint32_t codes[5];
static struct job_accept jobs[5];

static void
on_told_its_code(struct store_op *op, const struct weir_error *e)
{
    codes[(struct job_accept *)op - jobs] = e != NULL ? e->code : 0;
    on_told(op, e);
}

/* A trigger stands for whatever SQLite refuses of one operation alone. A claim among them has
 * to be given back when their batch is rolled back. */
static void
an_operation_that_breaks_its_commit_fails_alone(void **state)
{
    (void)state;
    (void)number_of("CREATE TRIGGER odd BEFORE INSERT ON events WHEN NEW.event = x'ff' BEGIN "
                    "SELECT RAISE(ABORT, 'odd'); END");
    struct job_claim c = { .op = { .shard = shard, .done = on_told, .kind = STORE_CLAIM },
                           .max = 10 };
    for (int i = 0; i < 5; i++) {
        jobs[i] = new_job(JOB_READY);
        if (i % 2 == 1)
            jobs[i].event = TEXT("\xff");
        jobs[i].op =
            (struct store_op){ .shard = shard, .done = on_told_its_code, .kind = STORE_ACCEPT };
        assert_int_equal(store_submit(store, &jobs[i].op, &err), WEIR_OK);
        if (i == 2)
            assert_int_equal(store_submit(store, &c.op, &err), WEIR_OK);
    }
    await_told(6);
    for (int i = 0; i < 5; i++)
        assert_int_equal(codes[i], i % 2 == 1 ? WEIR_INTERNAL : 0);
    assert_int_equal(c.n, 2);
    job_claim_free(&c);
    struct store_stats stats;
    store_stats(store, &stats);
    assert_int_equal(stats.jobs[JOB_RUNNING], 2);
    assert_int_equal(stats.jobs[JOB_READY], 1);
    assert_int_equal(number_of("SELECT count(*) FROM jobs"), 3);
    assert_int_equal(number_of("SELECT sum(n) FROM counts"), 3);
}

/* In a process of its own, whose log is OUT: jobs are accepted while an fsync of the WAL, or of
 * the file itself, fails. It says what it was told. */
static void
accept_until_it_ends(int out, bool of_main)
{
    dup2(out, STDERR_FILENO);
    dup2(out, STDOUT_FILENO);
    config.url = url;
    if (shard_new(0, &shard, &err) != WEIR_OK || store_open(&config, &store, &err) != WEIR_OK)
        _exit(2);
    sync_of_main = of_main;
    __atomic_store_n(&sync_result, SQLITE_IOERR_FSYNC, __ATOMIC_RELEASE);
    static char event[50000] = "\xc5\xc3\x4d";
    for (int i = 0; i < 2000; i++) {
        struct job_accept a = new_job(JOB_READY);
        a.event = (struct weir_text){ event, sizeof(event) };
        (void)run_op(&a.op, STORE_ACCEPT);
        if (dprintf(out, "told %u\n", err.code) < 0)
            _exit(3);
    }
    _exit(0);
}

/* Reads all that the process says; its exit code. */
static int
process_with_failing_fsync(bool of_main, char *said, size_t size)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        accept_until_it_ends(fds[1], of_main);
    close(fds[1]);
    size_t len = 0;
    ssize_t n;
    while (len < size - 1 && (n = read(fds[0], said + len, size - 1 - len)) > 0)
        len += (size_t)n;
    said[len] = '\0';
    close(fds[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void
nothing_is_told_after_a_failed_fsync(void **state)
{
    (void)state;
    char said[8192];
    assert_int_equal(process_with_failing_fsync(false, said, sizeof(said)), 74);
    assert_null(strstr(said, "told"));
    assert_non_null(strstr(said, "fsync"));
    store_up();
    struct job_accept a = new_job(JOB_READY);
    accept_job(&a);
}

static void
a_checkpoint_whose_fsync_failed_ends_the_process_too(void **state)
{
    (void)state;
    char said[65536];
    assert_int_equal(process_with_failing_fsync(true, said, sizeof(said)), 74);
    assert_non_null(strstr(said, "fsync"));
    /* what was told before is in the WAL, which was synced */
    int64_t told = 0;
    for (const char *at = said; (at = strstr(at, "told 0")) != NULL; at++)
        told++;
    assert_true(told > 0);
    store_up();
    assert_true(number_of("SELECT count(*) FROM jobs") >= told);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk_refuses_new_jobs_and_loses_no_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_end_that_can_not_be_stored_is_told_at_the_close,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_waits_is_told_when_the_disk_takes_something_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_may_not_grow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_operation_that_breaks_its_commit_fails_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_told_after_a_failed_fsync, set_up_empty,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_checkpoint_whose_fsync_failed_ends_the_process_too,
                                        set_up_empty, tear_down),
    };
    return cmocka_run_group_tests(tests, install_vfs, NULL);
}
