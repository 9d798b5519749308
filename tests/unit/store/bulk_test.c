/* Operations that stand together in a batch are written together, and each ends as it would alone.
 *
 * A layer below the store holds the sync of a commit back, so that all that is handed in meanwhile makes
 * the next batch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <pthread.h>

enum { MANY = 600 /* more than are written at once */ };

/* -- a VFS that is the usual one, and lets the WAL be synced when it is told to -- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool held, syncing;

static const sqlite3_io_methods *usual;
static sqlite3_io_methods holding;
static sqlite3_vfs vfs;

static int
holding_sync(sqlite3_file *f, int flags)
{
    pthread_mutex_lock(&lock);
    syncing = true;
    pthread_cond_broadcast(&changed);
    while (held)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return usual->xSync(f, flags);
}

static int
holding_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
    int rc = sqlite3_vfs_find("unix")->xOpen(v, name, f, flags, ret_flags);
    if (rc != SQLITE_OK || !(flags & SQLITE_OPEN_WAL))
        return rc;
    usual = f->pMethods;
    holding = *f->pMethods;
    holding.xSync = holding_sync;
    f->pMethods = &holding;
    return rc;
}

static int
install_vfs(void **state)
{
    (void)state;
    vfs = *sqlite3_vfs_find(NULL);
    vfs.zName = "holding";
    vfs.xOpen = holding_open;
    return sqlite3_vfs_register(&vfs, 1) == SQLITE_OK ? 0 : -1;
}

static struct job_accept first, accepts[MANY];
static struct job_finish ends[MANY + 1];
static uint32_t codes[MANY + 1];
static char keys[MANY][8];

/* Hands in a job, whose commit is held back: what comes until let_go makes one batch. */
static void
hold(void)
{
    pthread_mutex_lock(&lock);
    held = true;
    syncing = false;
    pthread_mutex_unlock(&lock);
    first = new_job(JOB_READY);
    first.op = (struct store_op){ .shard = shard, .done = on_told, .kind = STORE_ACCEPT };
    n_told = 0;
    assert_int_equal(store_submit(store, &first.op, &err), WEIR_OK);
    pthread_mutex_lock(&lock);
    while (!syncing)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

/* Lets the commits go on, until N operations behind the first one are told. */
static void
let_go(unsigned n)
{
    pthread_mutex_lock(&lock);
    held = false;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    await_told(n + 1);
}

static void
on_accepted(struct store_op *op, const struct weir_error *e)
{
    codes[(struct job_accept *)op - accepts] = e != NULL ? e->code : 0;
    on_told(op, e);
}

static void
on_ended(struct store_op *op, const struct weir_error *e)
{
    codes[(struct job_finish *)op - ends] = e != NULL ? e->code : 0;
    on_told(op, e);
}

/* Hands in job I, whose event and key say its number. */
static void
submit_new(unsigned i)
{
    struct job_accept *a = &accepts[i];
    snprintf(keys[i], sizeof(keys[i]), "%u", i);
    a->op = (struct store_op){ .shard = shard, .done = on_accepted, .kind = STORE_ACCEPT };
    a->key = a->event = text_of(keys[i]);
    assert_int_equal(store_submit(store, &a->op, &err), WEIR_OK);
}

static void
submit_end(unsigned at, unsigned i, int64_t seq, uint32_t attempt)
{
    struct job_finish *f = &ends[at];
    *f = (struct job_finish){ .op = { .shard = shard, .done = on_ended, .kind = STORE_FINISH },
                              .seq = seq,
                              .attempt = attempt,
                              .state = JOB_COMPLETED,
                              .started_ms = 2000 + i,
                              .ended_ms = 5000 + i,
                              .keep_ms = i % 2 == 0 ? 7000 + i : 0 };
    memcpy(f->id, accepts[i].id, sizeof(f->id));
    assert_int_equal(store_submit(store, &f->op, &err), WEIR_OK);
}

static void
accept_many(unsigned n)
{
    hold();
    for (unsigned i = 0; i < n; i++) {
        accepts[i] = new_job(JOB_RUNNING);
        submit_new(i);
    }
    let_go(n);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(codes[i], 0);
}

static uint64_t
commits(void)
{
    struct store_stats stats;
    store_stats(store, &stats);
    return stats.commits;
}

static void
new_jobs_of_a_batch_are_one_commit_and_a_known_identity_is_refused_alone(void **state)
{
    (void)state;
    hold();
    for (unsigned i = 0; i < MANY; i++) {
        accepts[i] = new_job(JOB_RUNNING);
        if (i % 7 == 6)
            memcpy(accepts[i].id, accepts[i - 1].id, sizeof(accepts[i].id));
        submit_new(i);
    }
    uint64_t before = commits();
    let_go(MANY);
    assert_int_equal(commits(), before + 2);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(codes[i], i % 7 == 6 ? WEIR_CONFLICT : 0);
    assert_int_equal(number_of("SELECT count(*) FROM jobs WHERE state = 4 AND attempt = 1 AND revision = 'r1'"
                               " AND created_ms = started_ms AND bytes = length(key)"),
                     MANY - MANY / 7);
    assert_int_equal(number_of("SELECT count(*) FROM jobs j JOIN events e ON e.job = j.seq"
                               " WHERE CAST(e.event AS TEXT) = j.key"),
                     MANY - MANY / 7);
    assert_int_equal(number_of("SELECT count(*) FROM events"), MANY - MANY / 7 + 1);
    assert_int_equal(number_of("SELECT n FROM counts WHERE state = 4"), MANY - MANY / 7);
    assert_int_equal(number_of("SELECT seq FROM jobs WHERE key = '599'"), accepts[599].seq);
}

/* Also backwards, with gaps, by another job's number, and by none. */
static void
ends_of_a_batch_are_one_commit_and_a_late_one_is_refused_alone(void **state)
{
    (void)state;
    accept_many(MANY);
    hold();
    for (unsigned i = MANY; i-- > 0;) {
        int64_t seq = i % 11 == 3 ? 0 : i % 13 == 4 ? accepts[(i + 1) % MANY].seq : accepts[i].seq;
        submit_end(i, i, seq, i % 5 == 2 ? 2 : 1);
    }
    submit_end(MANY, 300, accepts[300].seq, 1); /* once more */
    uint64_t before = commits();
    let_go(MANY + 1);
    assert_int_equal(commits(), before + 2);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(codes[i], i % 5 == 2 ? WEIR_CONFLICT : 0);
    assert_int_equal(codes[MANY], WEIR_CONFLICT);
    assert_int_equal(number_of("SELECT count(*) FROM jobs WHERE state = 7 AND owner IS NULL AND revision = 'r1'"
                               " AND started_ms = 2000 + CAST(key AS INT) AND updated_ms = 5000 + CAST(key AS INT)"
                               " AND ifnull(keep_ms, 0) = CASE WHEN CAST(key AS INT) % 2 = 0"
                               " THEN 7000 + CAST(key AS INT) ELSE 0 END"),
                     MANY - MANY / 5);
    assert_int_equal(number_of("SELECT count(*) FROM jobs WHERE state = 4 AND CAST(key AS INT) % 5 = 2"), MANY / 5);
    assert_int_equal(number_of("SELECT n FROM counts WHERE state = 7"), MANY - MANY / 5);
    assert_int_equal(number_of("SELECT n FROM counts WHERE state = 0"),
                     number_of("SELECT sum(bytes) FROM jobs WHERE state = 7"));
}

static void
what_comes_behind_an_order_obeys_it(void **state)
{
    (void)state;
    struct store_ask pause = { .op = { .shard = shard, .done = on_told, .kind = STORE_ASK },
                               .what = "pauses.make" };
    assert_int_equal(json_read(TEXT("{\"pipeline\":\"orders\",\"who\":\"ann\",\"reason\":\"so\"}"), NULL, NULL,
                               &pause.with, &err),
                     WEIR_OK);
    hold();
    for (unsigned i = 0; i < 10; i++) {
        if (i == 5)
            assert_int_equal(store_submit(store, &pause.op, &err), WEIR_OK);
        accepts[i] = new_job(JOB_RUNNING);
        submit_new(i);
    }
    let_go(11);
    value_unref(&pause.with);
    value_unref(&pause.answer);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(accepts[i].held, i >= 5);
    assert_int_equal(number_of("SELECT count(*) FROM jobs WHERE state = 4 AND CAST(key AS INT) < 5"), 5);
    assert_int_equal(number_of("SELECT count(*) FROM jobs WHERE state = 3 AND CAST(key AS INT) >= 5"), 5);
}

/* A trigger stands for whatever SQLite refuses of one operation alone. */
static void
one_that_breaks_the_commit_of_many_fails_alone(void **state)
{
    (void)state;
    (void)number_of("CREATE TRIGGER odd BEFORE INSERT ON events WHEN CAST(NEW.event AS TEXT) = '17' BEGIN "
                    "SELECT RAISE(ABORT, 'odd'); END");
    hold();
    for (unsigned i = 0; i < 40; i++) {
        accepts[i] = new_job(JOB_RUNNING);
        submit_new(i);
    }
    let_go(40);
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(codes[i], i == 17 ? WEIR_INTERNAL : 0);
    assert_int_equal(number_of("SELECT count(*) FROM jobs WHERE state = 4"), 39);
    assert_int_equal(number_of("SELECT n FROM counts WHERE state = 4"), 39);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            new_jobs_of_a_batch_are_one_commit_and_a_known_identity_is_refused_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_of_a_batch_are_one_commit_and_a_late_one_is_refused_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_comes_behind_an_order_obeys_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_breaks_the_commit_of_many_fails_alone, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, install_vfs, NULL);
}
