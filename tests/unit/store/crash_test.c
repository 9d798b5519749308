/* Processes that are killed at any moment: what was told is there, what ran is taken up again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <signal.h>

#include "base/random.h"

/* -- the process that is killed -- */

static int out; /* tells the test what it was told */

static void
say(char what, const char *id)
{
    char line[64];
    int len = snprintf(line, sizeof(line), "%c %s\n", what, id);
    if (write(out, line, (size_t)len) != len)
        _exit(3);
}

enum { AT_ONCE = 32 };

/* One job after the other, some at once. */
struct line {
    union {
        struct job_accept accept; /* the first members of both are a store_op */
        struct job_finish finish;
    };
    struct store_op *op;
};
static struct line lines[AT_ONCE];

static void on_accepted(struct store_op *op, const struct weir_error *e);

static void
next_job(struct line *line)
{
    line->accept = new_job(JOB_RUNNING);
    line->accept.op =
        (struct store_op){ .shard = shard, .done = on_accepted, .kind = STORE_ACCEPT };
    if (store_submit(store, &line->accept.op, &err) != WEIR_OK)
        _exit(4);
}

static void
on_finished(struct store_op *op, const struct weir_error *e)
{
    struct line *line = (struct line *)op;
    if (e != NULL)
        _exit(5);
    say('F', line->finish.id);
    next_job(line);
}

static void
on_accepted(struct store_op *op, const struct weir_error *e)
{
    struct line *line = (struct line *)op;
    if (e != NULL)
        _exit(6);
    say('A', line->accept.id);
    char id[ID_UUID];
    memcpy(id, line->accept.id, sizeof(id));
    line->finish = (struct job_finish){ .attempt = 1, .state = JOB_COMPLETED };
    line->finish.op =
        (struct store_op){ .shard = shard, .done = on_finished, .kind = STORE_FINISH };
    memcpy(line->finish.id, id, sizeof(id));
    if (store_submit(store, &line->finish.op, &err) != WEIR_OK)
        _exit(7);
}

static void
work_until_killed(void)
{
    for (int i = 0; i < AT_ONCE; i++)
        next_job(&lines[i]);
    for (;;)
        shard_turn(shard, 10000);
}

/* Starts a process that opens the store and does WORK; *RET is what it says. */
static pid_t
start_process(void (*work)(void), FILE **ret)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(fds[0]);
        out = fds[1];
        config.url = url;
        if (shard_new(0, &shard, &err) != WEIR_OK ||
            store_open(&config, &store, &err) != WEIR_OK)
            _exit(2);
        n_told = 0;
        work();
        kill(getpid(), SIGKILL);
    }
    close(fds[1]);
    *ret = fdopen(fds[0], "r");
    return child;
}

static void
await_killed(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* Does WORK in a process that then kills itself. */
static void
crash_after(void (*work)(void))
{
    FILE *f;
    pid_t child = start_process(work, &f);
    await_killed(child);
    fclose(f);
}

/* -- tests -- */

/* Whether the file has the job ID in the state that is wanted (0: in any). */
static bool
has_job(sqlite3 *db, const char *id, int state)
{
    char sql[160], hex[33];
    int n = 0;
    for (const char *at = id; *at != '\0' && *at != '\n'; at++)
        if (*at != '-')
            hex[n++] = *at;
    hex[n] = '\0';
    snprintf(sql, sizeof(sql),
             "SELECT state FROM jobs JOIN events ON job = seq WHERE id = x'%s'", hex);
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    bool has =
        sqlite3_step(s) == SQLITE_ROW && (state == 0 || sqlite3_column_int(s, 0) == state);
    sqlite3_finalize(s);
    return has;
}

/* One round; returns how many operations had been told. */
static unsigned
kill_while_it_works(void)
{
    FILE *f;
    pid_t child = start_process(work_until_killed, &f);
    static char told[200000][40];
    unsigned n = 0, kill_at = 1 + (unsigned)random_below(1000);
    while (n < 200000 && fgets(told[n], sizeof(told[n]), f) != NULL)
        if (++n == kill_at)
            kill(child, SIGKILL);
    await_killed(child);
    fclose(f);
    assert_true(n >= kill_at);

    store_up();
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    for (unsigned i = 0; i < n; i++)
        if (!has_job(db, told[i] + 2, told[i][0] == 'F' ? JOB_COMPLETED : 0))
            fail_msg("told, and not there: %s", told[i]);
    sqlite3_close(db);
    assert_int_equal(number_of("SELECT count(*) FROM jobs WHERE state = 4"), 0);
    /* at most those in flight run again */
    assert_in_range(number_of("SELECT count(*) FROM jobs WHERE state = 2"), 0, AT_ONCE);
    (void)number_of("UPDATE jobs SET state = 9 WHERE state = 2");
    assert_int_equal(
        number_of("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
        0);
    store_close(&store);
    return n;
}

static void
what_was_told_is_there_after_a_kill(void **state)
{
    (void)state;
    unsigned told = 0;
    for (int round = 0; round < 30; round++)
        told += kill_while_it_works();
    assert_true(told > 30);
}

enum { MANY = 10000 };

static void
run_many(void)
{
    static struct job_accept many[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        many[i] = new_job(JOB_RUNNING);
        many[i].op = (struct store_op){ .shard = shard, .done = on_told, .kind = STORE_ACCEPT };
        if (store_submit(store, &many[i].op, &err) != WEIR_OK)
            _exit(4);
    }
    store_sync(store);
}

static void
ten_thousand_running_jobs_are_taken_up(void **state)
{
    (void)state;
    crash_after(run_many);
    uint64_t start = clock_mono_ms();
    store_up();
    print_message("opened in %d ms\n", (int)(clock_mono_ms() - start));
    struct store_stats stats;
    store_stats(store, &stats);
    assert_int_equal(stats.jobs[JOB_READY], MANY);
    assert_int_equal(stats.jobs[JOB_RUNNING], 0);
    assert_int_equal(number_of("SELECT count(*) FROM jobs WHERE state = 2 AND crashes = 1"),
                     MANY);
    struct job_claim c = { 0 };
    claim(&c, 64);
    assert_int_equal(c.n, 64);
    assert_int_equal(c.jobs->attempt, 2);
    assert_int_equal(c.jobs->crashes, 1);
    job_claim_free(&c);
}

static char job_id[ID_UUID];

static void
run_one(void)
{
    struct job_accept a = new_job(JOB_RUNNING);
    memcpy(a.id, job_id, ID_UUID);
    accept_job(&a);
}

static void
claim_it(void)
{
    struct job_claim c = { 0 };
    for (claim(&c, 1); c.n == 0; claim(&c, 1)) /* a moment passes after the second crash */
        usleep(1000);
}

static void
a_job_that_crashes_too_often_is_dead(void **state)
{
    (void)state;
    config.crashes_max = 3;
    id_uuid7(clock_wall_ms(), job_id);
    crash_after(run_one);
    crash_after(claim_it);
    store_up();
    assert_state(job_id, "retryable");
    store_close(&store);
    crash_after(claim_it);
    store_up();
    const struct weir_value *v = ask_of("jobs.show", job_id, "");
    assert_text(text_in(v, "state"), "dead");
    assert_text(text_in(v, "reason"), "crash loop");
    assert_text(text_in(v, "message"), "the process ended while it ran, once too often");
    assert_int_equal(number_in(v, "crashes"), 3);
    assert_int_equal(text_in(v, "fingerprint").len, 16);
    const struct weir_value *attempts = value_field(v, "attempts");
    assert_text(text_in(value_at(attempts, 0), "message"), "the process ended while it ran");
    assert_int_equal(number_in(value_at(attempts, 2), "attempt"), 1);
    assert_null(value_at(attempts, 3));
    value_unref(&v);
    v = ask("incidents.list", "{}");
    assert_int_equal(number_in(value_at(value_field(v, "incidents"), 0), "count"), 1);
    value_unref(&v);
}

/* It counts a quarter. */
static void
a_job_that_is_cut_from_outside_is_dead_much_later(void **state)
{
    (void)state;
    config.crashes_max = 2;
    config.from_outside = true;
    id_uuid7(clock_wall_ms(), job_id);
    crash_after(run_one);
    for (int cuts = 2; cuts <= 7; cuts++)
        crash_after(claim_it);
    store_up();
    assert_state(job_id, "ready");
    const struct weir_value *v = ask_of("jobs.show", job_id, "");
    assert_int_equal(number_in(v, "crashes"), 7);
    assert_text(text_in(value_at(value_field(v, "attempts"), 0), "message"), "the process was ended from outside while it ran");
    value_unref(&v);
    store_close(&store);
    crash_after(claim_it);
    store_up();
    v = ask_of("jobs.show", job_id, "");
    assert_text(text_in(v, "reason"), "crash loop");
    value_unref(&v);
    config.from_outside = false;
}

static void
begin_unsafe(void)
{
    run_one();
    (void)record_step(job_id, 1, "look", false);
    (void)record_step(job_id, 1, "pay", true);
}

static void
end_unsafe(void)
{
    begin_unsafe();
    (void)record_step(job_id, 1, "pay", false);
}

static void
an_unsafe_step_that_was_cut_is_not_run_again(void **state)
{
    (void)state;
    id_uuid7(clock_wall_ms(), job_id);
    crash_after(begin_unsafe);
    store_up();
    const struct weir_value *v = ask_of("jobs.show", job_id, "");
    assert_text(text_in(v, "state"), "dead");
    assert_text(text_in(v, "reason"), "unknown effect");
    assert_text(text_in(v, "node"), "pay");
    assert_int_equal(value_field(value_at(value_field(v, "steps"), 1), "begun")->boolean, true);
    value_unref(&v);
    store_close(&store);

    /* The same with its end on the disk. */
    id_uuid7(clock_wall_ms(), job_id);
    crash_after(end_unsafe);
    store_up();
    struct job_claim c = { 0 };
    claim(&c, 10);
    assert_int_equal(c.n, 1);
    assert_string_equal(c.jobs->id, job_id);
    assert_text(c.jobs->records->next->path, "pay");
    assert_int_equal(c.jobs->records->next->kind, RECORD_OVER);
    job_claim_free(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_empty, tear_down)
        TEST(what_was_told_is_there_after_a_kill),
        TEST(ten_thousand_running_jobs_are_taken_up),
        TEST(a_job_that_crashes_too_often_is_dead),
        TEST(a_job_that_is_cut_from_outside_is_dead_much_later),
        TEST(an_unsafe_step_that_was_cut_is_not_run_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
