/* What is over goes: by age, by number, by bytes, and what belongs to it; the file stays as
 * large as what is in it; compacting, backups, exports.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#define HOUR 3600000ull
#define DAY (24 * HOUR)

static const struct job_failure none;
static uint64_t ahead_ms; /* of the wall: atomic, the writer reads it */

static uint64_t
wall(void)
{
    return clock_wall_ms() + __atomic_load_n(&ahead_ms, __ATOMIC_RELAXED);
}

static void
pass(uint64_t ms)
{
    __atomic_add_fetch(&ahead_ms, ms, __ATOMIC_RELAXED);
}

static int
set_up_keep(void **state)
{
    if (set_up_empty(state) != 0)
        return -1;
    ahead_ms = 0;
    config.keep = (struct store_keep){ .completed_ms = DAY,
                                       .cancelled_ms = 7 * DAY,
                                       .discarded_ms = 7 * DAY,
                                       .dead_ms = 30 * DAY,
                                       .audit_ms = 365 * DAY,
                                       .look_ms = 1,
                                       .wall_ms = wall };
    store_up();
    return 0;
}

static struct store_stats
stats_now(void)
{
    struct store_stats s;
    store_stats(store, &s);
    return s;
}

/* Waits until SQL says N. The test's own limit of time ends it if that never comes. */
static void
await_number(const char *sql, int64_t n)
{
    while (number_of(sql) != n)
        usleep(1000);
}

/* A job that is over in STATE, which is COMPLETED or DEAD. */
static void
over_job(struct job_accept *a, enum job_state state, struct job_finish more)
{
    *a = new_job(JOB_RUNNING);
    accept_job(a);
    more.attempt = 1;
    more.state = state;
    more.started_ms = 1000;
    more.ended_ms = clock_wall_ms();
    memcpy(more.id, a->id, sizeof(more.id));
    if (state == JOB_DEAD) {
        more.reason = JOB_EXHAUSTED_REASON;
        more.failure = (struct job_failure){ WEIR_UPSTREAM, TEXT("book"), TEXT("503") };
    }
    if (run_op(&more.op, STORE_FINISH) != WEIR_OK)
        fail_msg("%s", err.text);
}

static const char *const tables[] = { "jobs", "events", "results", "attempts", "steps" };

static void
assert_rows(int64_t jobs, int64_t events)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        char sql[64];
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", tables[i]);
        int64_t n = number_of(sql);
        if (i == 0 ? n != jobs : i == 1 ? n != events : n > events)
            fail_msg("%s has %lld rows", tables[i], (long long)n);
    }
}

/* What the store keeps of numbers is what is there. */
static void
assert_counted(void)
{
    struct store_stats s = stats_now();
    for (unsigned i = 1; i <= JOB_DISCARDED; i++) {
        char sql[96];
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM jobs WHERE state = %u", i);
        assert_int_equal(s.jobs[i], number_of(sql));
        snprintf(sql, sizeof(sql), "SELECT COALESCE(sum(n), 0) FROM counts WHERE state = %u", i);
        assert_int_equal(s.jobs[i], number_of(sql));
    }
    assert_int_equal(s.over_bytes, number_of("SELECT n FROM counts WHERE state = 0"));
    assert_int_equal(
        s.over_bytes,
        number_of("SELECT coalesce(sum(bytes), 0) FROM jobs WHERE state BETWEEN 7 AND 10"));
}

static void
each_state_has_its_time(void **state)
{
    (void)state;
    struct job_accept done, dead, given_up, cancelled, waits = new_job(JOB_READY), runs;
    over_job(&done, JOB_COMPLETED, (struct job_finish){ .result = TEXT("\x07") });
    over_job(&dead, JOB_DEAD, (struct job_finish){ .trace = TEXT("\x07") });
    over_job(&given_up, JOB_DEAD, (struct job_finish){ .trace = TEXT("\x07") });
    cancelled = new_job(JOB_READY);
    accept_job(&cancelled);
    accept_job(&waits);
    runs = new_job(JOB_RUNNING);
    accept_job(&runs);
    assert_int_equal(record_step(runs.id, 1, "a", false), WEIR_OK);
    const struct weir_value *v = ask_of("jobs.cancel", cancelled.id, BY_ANN);
    value_unref(&v);
    v = ask_of("jobs.discard", given_up.id, BY_ANN);
    value_unref(&v);
    assert_counted();
    assert_int_equal(stats_now().jobs[JOB_COMPLETED], 1);

    pass(DAY - HOUR);
    await_number("SELECT count(*) FROM jobs", 6);
    pass(2 * HOUR);
    await_number("SELECT count(*) FROM jobs", 5);
    assert_null(ask_of("jobs.show", done.id, ""));
    pass(7 * DAY);
    await_number("SELECT count(*) FROM jobs", 3);
    assert_state(dead.id, "dead");
    assert_rows(3, 3);
    pass(30 * DAY);
    await_number("SELECT count(*) FROM jobs", 2);
    assert_state(waits.id, "ready");
    assert_state(runs.id, "running");
    assert_int_equal(number_of("SELECT count(*) FROM steps"), 1);
    assert_int_equal(number_of("SELECT count(*) FROM attempts"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM results"), 0);
    assert_counted();
    assert_int_equal(stats_now().removed[STORE_REMOVED_JOBS], 4);
    assert_int_equal(number_of("SELECT count(*) FROM audit"), 2);
    pass(365 * DAY);
    await_number("SELECT count(*) FROM audit", 0);
    assert_int_equal(number_of("SELECT count(*) FROM jobs"), 2);
}

static void
a_pipeline_may_say_otherwise(void **state)
{
    (void)state;
    struct job_accept longer, bare, dead = new_job(JOB_DEAD);
    over_job(&longer, JOB_COMPLETED, (struct job_finish){ .keep_ms = 3 * DAY });
    over_job(&bare, JOB_DEAD,
             (struct job_finish){
                 .payload_keep_ms = HOUR, .trace = TEXT("\x07"), .result = TEXT("\x07") });
    dead.reason = JOB_TIMEOUT_REASON;
    dead.ended_ms = clock_wall_ms();
    dead.keep_ms = 60 * DAY;
    dead.payload_keep_ms = HOUR;
    dead.trace = TEXT("\x07");
    accept_job(&dead);
    assert_counted();
    assert_int_equal(stats_now().over_bytes, 4 + 6 + 5);

    pass(2 * HOUR);
    await_number("SELECT count(*) FROM events", 1);
    assert_int_equal(number_of("SELECT count(*) FROM results"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM attempts WHERE trace IS NOT NULL"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM attempts"), 2);
    assert_state(bare.id, "dead");
    assert_null(ask_of("jobs.replay", bare.id, BY_ANN));
    assert_int_equal(err.code, WEIR_CONFLICT);
    assert_int_equal(stats_now().removed[STORE_REMOVED_PAYLOADS], 2);
    assert_counted();
    pass(2 * DAY);
    await_number("SELECT count(*) FROM jobs", 3);
    pass(DAY);
    await_number("SELECT count(*) FROM jobs", 2);
    pass(30 * DAY);
    await_number("SELECT count(*) FROM jobs", 1);
    assert_state(dead.id, "dead");
    pass(60 * DAY);
    await_number("SELECT count(*) FROM jobs", 0);
    assert_counted();
}

static void
a_key_outlives_its_job(void **state)
{
    (void)state;
    static const uint8_t key[JOB_ONCE] = "key", content[JOB_ONCE] = "content";
    struct job_accept first = new_job(JOB_RUNNING), again = new_job(JOB_RUNNING);
    first.once = again.once = key;
    first.content = again.content = content;
    first.once_until_ms = again.once_until_ms = clock_wall_ms() + 3 * DAY;
    again.once_running = ONCE_WAIT;
    accept_job(&first);
    assert_int_equal(end_job(first.id, 1, JOB_COMPLETED, none), WEIR_OK);
    pass(2 * DAY);
    await_number("SELECT count(*) FROM jobs", 0);
    accept_job(&again);
    assert_true(again.repeated);
    assert_string_equal(again.first, first.id);
    assert_int_equal(again.first_state, JOB_COMPLETED);
    job_accept_free(&again);
    assert_int_equal(number_of("SELECT count(*) FROM jobs"), 0);
    pass(2 * DAY);
    await_number("SELECT count(*) FROM once", 0);

    /* An answer that is kept for repeated events is kept as long as its key. */
    struct job_accept a;
    over_job(&a, JOB_COMPLETED,
             (struct job_finish){ .result = TEXT("\x07"), .keep_least_ms = 7 * DAY });
    over_job(&again, JOB_COMPLETED, (struct job_finish){ 0 });
    pass(2 * DAY);
    await_number("SELECT count(*) FROM jobs", 1);
    assert_state(a.id, "completed");
}

static void
the_least_worth_goes_first_by_number(void **state)
{
    (void)state;
    struct job_accept dead[4], done[6], live = new_job(JOB_READY);
    for (unsigned i = 0; i < 4; i++)
        over_job(&dead[i], JOB_DEAD, (struct job_finish){ 0 });
    for (unsigned i = 0; i < 6; i++)
        over_job(&done[i], JOB_COMPLETED, (struct job_finish){ 0 });
    accept_job(&live);
    config.keep.jobs = 6;
    store_again();
    await_number("SELECT count(*) FROM jobs", 7);
    for (unsigned i = 0; i < 4; i++)
        assert_null(ask_of("jobs.show", done[i].id, ""));
    assert_state(done[4].id, "completed");
    assert_state(dead[0].id, "dead");
    config.keep.jobs = 2;
    store_again();
    await_number("SELECT count(*) FROM jobs", 3);
    assert_null(ask_of("jobs.show", dead[1].id, ""));
    assert_state(dead[2].id, "dead");
    assert_state(live.id, "ready");
    assert_counted();
}

static void
payloads_go_by_bytes(void **state)
{
    (void)state;
    struct job_accept dead, done[6];
    over_job(&dead, JOB_DEAD, (struct job_finish){ 0 });
    for (unsigned i = 0; i < 6; i++)
        over_job(&done[i], JOB_COMPLETED, (struct job_finish){ 0 });
    assert_int_equal(stats_now().over_bytes, 28);
    config.keep.bytes = 12;
    store_again();
    await_number("SELECT count(*) FROM events", 3);
    assert_int_equal(number_of("SELECT count(*) FROM jobs"), 7);
    assert_int_equal(number_of("SELECT min(job) FROM events"), 1);
    assert_int_equal(stats_now().over_bytes, 12);
    assert_counted();
    config.keep.bytes = 1;
    store_again();
    await_number("SELECT count(*) FROM events", 0);
    assert_int_equal(number_of("SELECT count(*) FROM jobs"), 7);
    assert_counted();
}

/* What a crash has ended counts as well. */
static void
the_cut_are_counted(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_RUNNING);
    accept_job(&a);
    assert_int_equal(record_step(a.id, 1, "pay", true), WEIR_OK);
    store_again();
    assert_state(a.id, "dead");
    assert_int_equal(stats_now().over_bytes, 4);
    assert_counted();
}

/* Hands in N jobs that are over at once (a run that was not durable), BYTES each. */
static void
many(unsigned n, size_t bytes)
{
    struct job_accept *all = calloc(n, sizeof(*all));
    char *event = calloc(1, bytes);
    assert_true(all != NULL && event != NULL);
    unsigned told = n_told;
    for (unsigned i = 0; i < n; i++) {
        all[i] = new_job(JOB_DEAD);
        all[i].reason = JOB_TIMEOUT_REASON;
        all[i].created_ms = wall();
        all[i].event = (struct weir_text){ event, bytes };
        all[i].op.shard = shard;
        all[i].op.done = on_told;
        all[i].op.kind = STORE_ACCEPT;
        assert_int_equal(store_submit(store, &all[i].op, &err), WEIR_OK);
    }
    await_told(told + n);
    free(all);
    free(event);
}

static void
the_file_is_used_again(void **state)
{
    (void)state;
    uint64_t first = 0;
    for (unsigned wave = 0; wave < 6; wave++) {
        many(6000, 300);
        assert_int_equal(number_of("SELECT count(*) FROM events"), 6000);
        int64_t pages = number_of("SELECT page_count FROM pragma_page_count");
        first = first == 0 ? (uint64_t)pages : first;
        assert_true((uint64_t)pages < first + first / 5);
        pass(31 * DAY);
        await_number("SELECT count(*) FROM jobs", 0);
        assert_rows(0, 0);
    }
    assert_counted();
    assert_int_equal(stats_now().removed[STORE_REMOVED_JOBS], 36000);
}

/* Waits until the latest task is over; its error, "" if it went well. */
static void
await_task(char *ret, size_t size)
{
    for (bool running = true; running;) {
        const struct weir_value *v = ask("store.stats", "{}");
        const struct weir_value *task = value_field(v, "task");
        assert_non_null(task);
        running = value_field(task, "running")->boolean;
        struct weir_text error = text_in(task, "error");
        snprintf(ret, size, "%.*s", (int)error.len, error.bytes);
        value_unref(&v);
    }
}

static void
what_is_free_is_given_back(void **state)
{
    (void)state;
    char error[256];
    many(3000, 3000);
    pass(31 * DAY);
    await_number("SELECT count(*) FROM jobs", 0);
    store_again(); /* the WAL is in the file */
    uint64_t before = stats_now().file_bytes;
    assert_true(before > 8000000);
    struct job_accept a = new_job(JOB_READY); /* at the end of the file */
    accept_job(&a);
    const struct weir_value *v = ask("store.compact", "{\"who\":\"ann\"}");
    assert_int_equal(number_in(v, "number"), 1);
    value_unref(&v);
    await_task(error, sizeof(error));
    assert_string_equal(error, "");
    assert_int_equal(number_of("SELECT freelist_count FROM pragma_freelist_count"), 0);
    assert_state(a.id, "ready");
    store_again();
    assert_true(stats_now().file_bytes < before / 10);
    assert_state(a.id, "ready");
    assert_int_equal(number_of("SELECT count(*) FROM pragma_integrity_check WHERE "
                               "integrity_check = 'ok'"),
                     1);
}

static void
back_up(const char *file, const char *expected)
{
    char json[256], error[512];
    snprintf(json, sizeof(json), "{\"who\":\"ann\",\"file\":\"%s\"}", file);
    const struct weir_value *v = ask("store.backup", json);
    if (v == NULL) {
        snprintf(error, sizeof(error), "%s", err.text);
    } else {
        value_unref(&v);
        await_task(error, sizeof(error));
    }
    if (*expected == '\0' ? *error != '\0' : strstr(error, expected) == NULL)
        fail_msg("%s: \"%s\" is not \"%s\"", file, error, expected);
}

static void
a_backup_is_a_store(void **state)
{
    (void)state;
    struct job_accept a, b = new_job(JOB_READY);
    many(500, 5000);
    dead_job(&a, "it said 503");
    accept_job(&b);
    back_up("copy.db", "");
    back_up("copy.db", "already");
    back_up("../copy2.db", "..");
    back_up("copy.so", ".db");
    back_up("/nowhere/at/all.db", "/nowhere/at/all.db.part can't be made");
    char absolute[128], again[160];
    snprintf(absolute, sizeof(absolute), "%s/other.db", folder);
    back_up(absolute, "");
    assert_int_equal(number_of("SELECT count(*) FROM audit WHERE what = 'store.backup'"), 3);

    struct stat st;
    assert_int_equal(stat(absolute, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    store_close(&store);
    snprintf(again, sizeof(again), "sqlite:%s", absolute);
    config.url = again;
    assert_int_equal(store_open(&config, &store, &err), WEIR_OK);
    assert_state(a.id, "dead");
    assert_state(b.id, "ready");
    assert_int_equal(stats_now().jobs[JOB_DEAD], 501);
    struct job_claim c = { 0 };
    claim(&c, 10);
    assert_int_equal(c.n, 1);
    assert_string_equal(c.jobs->id, b.id);
    job_claim_free(&c);
}

static void
an_export_has_all_of_each(void **state)
{
    (void)state;
    struct job_accept a[3];
    for (unsigned i = 0; i < 3; i++)
        dead_job(&a[i], "it said 503");
    const struct weir_value *v = ask("jobs.export", "{\"limit\":2,\"state\":\"dead\"}");
    const struct weir_value *jobs = value_field(v, "jobs");
    assert_int_equal(jobs->len, 2);
    assert_text(text_in(value_at(jobs, 0), "id"), a[2].id);
    assert_int_equal(number_in(value_field(value_at(jobs, 0), "event"), "n"), 1);
    char more[96];
    struct weir_text next = text_in(v, "next");
    snprintf(more, sizeof(more), "{\"after\":\"%.*s\"}", (int)next.len, next.bytes);
    value_unref(&v);
    v = ask("jobs.export", more);
    assert_int_equal(value_field(v, "jobs")->len, 1);
    assert_null(value_field(v, "next"));
    value_unref(&v);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up_keep, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_state_has_its_time), TEST(a_pipeline_may_say_otherwise),
        TEST(a_key_outlives_its_job),  TEST(the_least_worth_goes_first_by_number),
        TEST(payloads_go_by_bytes),    TEST(the_cut_are_counted),
        TEST(the_file_is_used_again),  TEST(what_is_free_is_given_back),
        TEST(a_backup_is_a_store),     TEST(an_export_has_all_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
