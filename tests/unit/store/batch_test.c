/* Batches of replays: which jobs they take, their limits, what ends and pauses them, and that
 * each job is replayed once whatever happens.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#define MAKE "\"who\":\"ann\",\"reason\":\"the bank is back\""

static const struct job_failure none;

/* Makes a batch with MORE; its id in ID. */
static void
make(char id[ID_UUID], const char *more)
{
    char json[512];
    snprintf(json, sizeof(json), "{" MAKE "%s}", more);
    const struct weir_value *v = ask("batches.make", json);
    if (v == NULL)
        fail_msg("%s", err.text);
    struct weir_text text = text_in(v, "id");
    snprintf(id, ID_UUID, "%.*s", (int)text.len, text.bytes);
    value_unref(&v);
}

/* Whether the batch has STATE, and so many items in that state. */
static bool
has(const char *id, const char *state, const char *item, int64_t n)
{
    const struct weir_value *v = ask_of("batches.show", id, "");
    assert_non_null(v);
    bool is =
        text_is(text_in(v, "state"), state) && number_in(value_field(v, "items"), item) == n;
    value_unref(&v);
    return is;
}

static void
await(const char *id, const char *state, const char *item, int64_t n)
{
    for (uint64_t end = clock_mono_ms() + 20000; !has(id, state, item, n);)
        if (clock_mono_ms() > end)
            fail_msg("the batch is not %s with %d %s", state, (int)n, item);
}

/* Claims up to MAX jobs and ends each in STATE; how many there were. */
static unsigned
work(unsigned max, enum job_state state)
{
    struct job_claim c = { .max = 0 };
    claim(&c, max);
    unsigned n = c.n;
    struct job_failure f = { WEIR_UPSTREAM, TEXT("book"), TEXT("no") };
    for (struct job_claimed *j = c.jobs; j != NULL; j = j->next)
        assert_int_equal(end_job(j->id, j->attempt, state, state == JOB_DEAD ? f : none),
                         WEIR_OK);
    job_claim_free(&c);
    return n;
}

static void
make_dead(unsigned n)
{
    struct job_accept a;
    for (unsigned i = 0; i < n; i++)
        dead_job(&a, "it said 503");
}

static void
each_job_is_replayed_once(void **state)
{
    (void)state;
    char id[ID_UUID];
    make_dead(20);
    make(id, "");
    await(id, "running", "made", 20);
    assert_int_equal(work(100, JOB_COMPLETED), 20);
    await(id, "completed", "completed", 20);
    assert_int_equal(number_of("SELECT count(*) FROM jobs WHERE replay_of IS NOT NULL"), 20);
    assert_int_equal(number_of("SELECT count(DISTINCT replay_of) FROM jobs"), 20);
    assert_int_equal(number_of("SELECT count(*) FROM events"), 40);
    ask_fails("batches.make", "{" MAKE "}", WEIR_CONFLICT,
            "all such jobs (20) were replayed already");
    ask_fails("batches.make", "{" MAKE ",\"pipeline\":\"none\"}", WEIR_NOT_FOUND, "no such job");
    assert_int_equal(
        number_of(
            "SELECT count(*) FROM audit WHERE what = 'batches.make' AND batch IS NOT NULL"),
        1);
    assert_int_equal(number_of("SELECT n FROM counts WHERE state = 7"), 20);
    assert_int_equal(number_of("SELECT n FROM counts WHERE state = 2"), 0);
}

static void
a_second_batch_leaves_out_what_waits_in_the_first(void **state)
{
    (void)state;
    char id[ID_UUID], other[ID_UUID];
    make_dead(6);
    make(id, ",\"concurrency\":1,\"max\":4");
    make(other, "");
    await(other, "running", "made", 2);
    ask_fails("batches.make", "{" MAKE "}", WEIR_CONFLICT, "wait in another batch");
    /* they are the youngest ones */
    assert_int_equal(number_of("SELECT count(*) FROM batch_items a JOIN batch_items b"
                               " ON a.batch = 1 AND b.batch = 2 AND a.job >= b.job"),
                     0);
}

static void
of_a_chain_the_newest_is_taken(void **state)
{
    (void)state;
    char id[ID_UUID];
    struct job_accept a;
    dead_job(&a, "it said 503");
    const struct weir_value *v = ask_of("jobs.replay", a.id, BY_ANN);
    char first[ID_UUID];
    snprintf(first, sizeof(first), "%.*s", (int)text_in(v, "id").len, text_in(v, "id").bytes);
    value_unref(&v);
    assert_int_equal(work(1, JOB_DEAD), 1);
    v = ask_of("jobs.replay", a.id, BY_ANN); /* a second replay of the same job */
    assert_non_null(v);
    value_unref(&v);
    assert_null(ask_of("jobs.replay", first, BY_ANN)); /* so the first one may not */
    assert_int_equal(err.code, WEIR_CONFLICT);
    assert_non_null(strstr(err.text, "has the event of another"));
    assert_int_equal(work(1, JOB_DEAD), 1);
    make(id, "");
    await(id, "running", "made", 1);
    assert_int_equal(work(10, JOB_COMPLETED), 1);
    await(id, "completed", "completed", 1);
    assert_null(ask_of("jobs.replay", first, BY_ANN));
    assert_int_equal(err.code, WEIR_CONFLICT);
}

static void
no_more_are_made_than_may_be_open(void **state)
{
    (void)state;
    char id[ID_UUID];
    make_dead(9);
    make(id, ",\"concurrency\":4");
    for (int left = 9; left > 0; left -= 4) {
        await(id, "running", "made", left < 4 ? left : 4);
        assert_int_equal(work(100, JOB_COMPLETED), left < 4 ? left : 4);
        await(id, left > 4 ? "running" : "completed", "completed", left > 4 ? 9 - left + 4 : 9);
    }
}

static void
a_canary_that_fails_pauses_the_rest(void **state)
{
    (void)state;
    char id[ID_UUID];
    make_dead(8);
    make(id, ",\"canary\":2");
    await(id, "running", "made", 2);
    assert_int_equal(work(1, JOB_COMPLETED), 1);
    await(id, "running", "completed", 1);
    assert_true(has(id, "running", "made", 1));
    assert_int_equal(work(100, JOB_DEAD), 1);
    await(id, "paused", "dead", 1);
    assert_true(has(id, "paused", "pending", 6));
    assert_int_equal(number_of("SELECT count(*) FROM audit WHERE what = 'batches.pause'"
                               " AND who = 'weir' AND why LIKE '%canary%'"),
                     1);
    const struct weir_value *v = ask_of("batches.resume", id, BY_ANN);
    assert_text(text_in(v, "state"), "running");
    value_unref(&v);
    await(id, "running", "made", 6);
    assert_int_equal(work(100, JOB_COMPLETED), 6);
    await(id, "completed", "completed", 7);
}

static void
a_good_canary_lets_the_rest_go(void **state)
{
    (void)state;
    char id[ID_UUID];
    make_dead(5);
    make(id, ",\"canary\":2");
    await(id, "running", "made", 2);
    assert_int_equal(work(100, JOB_COMPLETED), 2);
    await(id, "running", "made", 3);
    assert_int_equal(work(100, JOB_COMPLETED), 3);
    await(id, "completed", "completed", 5);
}

static void
failures_stop_it(void **state)
{
    (void)state;
    char id[ID_UUID];
    make_dead(6);
    make(id, ",\"concurrency\":1,\"stop_on_failures\":2");
    await(id, "running", "made", 1);
    assert_int_equal(work(100, JOB_DEAD), 1);
    await(id, "running", "made", 1);
    await(id, "running", "dead", 1);
    assert_int_equal(work(100, JOB_DEAD), 1);
    await(id, "paused", "dead", 2);
    const struct weir_value *v = ask_of("batches.resume", id, BY_ANN);
    assert_text(text_in(v, "state"), "running");
    value_unref(&v);
    await(id, "running", "made", 1);
    assert_int_equal(work(100, JOB_DEAD), 1);
    await(id, "running", "dead", 3); /* those before are forgiven */
    await(id, "running", "made", 1);
    assert_int_equal(work(100, JOB_DEAD), 1);
    await(id, "paused", "dead", 4);
}

static void
the_rate_is_kept(void **state)
{
    (void)state;
    char id[ID_UUID];
    make_dead(4);
    make(id, ",\"rate\":\"10/1s\"");
    await(id, "running", "made", 4);
    /* the first one at once, 100 ms for each other, and 100 ms of slack */
    assert_true(number_of("SELECT max(created_ms) - min(created_ms) FROM jobs"
                          " WHERE replay_of IS NOT NULL") >= 199);
}

/* A job of PIPELINE that is dead. */
static void
make_dead_of(const char *pipeline)
{
    struct job_accept a = new_job(JOB_RUNNING);
    a.pipeline = text_of(pipeline);
    accept_job(&a);
    struct job_failure f = { WEIR_UPSTREAM, TEXT("book"), TEXT("no") };
    assert_int_equal(end_job(a.id, 1, JOB_DEAD, f), WEIR_OK);
}

static int64_t
trip(const char *pipelines)
{
    char json[128];
    snprintf(json, sizeof(json), "{\"breaker\":\"bank\",\"pipelines\":%s}", pipelines);
    const struct weir_value *v = ask("batches.trip", json);
    int64_t n = number_in(v, "paused");
    value_unref(&v);
    return n;
}

static void
it_pauses_itself_when_a_peer_is_away(void **state)
{
    (void)state;
    char mixed[ID_UUID], other[ID_UUID];
    make_dead(2);
    make_dead_of("pay");
    make(mixed, ",\"concurrency\":1");
    make_dead_of("ship");
    make_dead_of("ship");
    make(other, ",\"pipeline\":\"ship\",\"concurrency\":1");
    await(mixed, "running", "made", 1);
    await(other, "running", "made", 1);
    assert_int_equal(trip("[\"none\"]"), 0);
    assert_int_equal(trip("[\"none\",\"pay\"]"), 1);
    assert_int_equal(trip("[\"pay\"]"), 0);
    assert_true(has(mixed, "paused", "pending", 2));
    assert_true(has(other, "running", "pending", 1));
    const struct weir_value *v = ask_of("batches.show", mixed, "");
    assert_text(text_in(v, "why"), "the breaker 'bank' of the pipeline 'pay' is open");
    value_unref(&v);
    assert_int_equal(number_of("SELECT count(*) FROM audit WHERE who = 'weir' AND what ="
                               " 'batches.pause' AND why LIKE 'the breaker%'"),
                     1);
    assert_int_equal(work(10, JOB_COMPLETED), 2); /* what was made goes on */
    await(other, "running", "pending", 0);
    assert_int_equal(trip("[\"ship\"]"), 0); /* it has asked for all already */
    v = ask_of("batches.resume", mixed, BY_ANN);
    assert_text(text_in(v, "state"), "running");
    value_unref(&v);
    await(mixed, "running", "made", 1);
}

/* N dead jobs, written by another program. */
static void
fill_dead(unsigned n)
{
    char sql[1024];
    struct job_accept a;
    dead_job(&a, "it said 503");
    store_close(&store);
    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < %u)"
             " INSERT INTO jobs(id, pipeline, state, created_ms, updated_ms, code, node, message,"
             " fingerprint) SELECT randomblob(16), pipeline, 8, created_ms, updated_ms, code, node,"
             " message, fingerprint FROM n, jobs",
             n);
    (void)number_of(sql);
    (void)number_of("INSERT INTO events SELECT seq, x'81a16e01' FROM jobs WHERE seq > 1");
    (void)number_of("UPDATE counts SET n = (SELECT count(*) FROM jobs) WHERE state = 8");
    store_up();
}

static void
a_large_one_is_made_bit_by_bit(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    char id[ID_UUID];
    fill_dead(MANY);
    struct store_stats before, after;
    store_stats(store, &before);
    make(id, ",\"rate\":\"1/1h\"");
    store_stats(store, &after);
    assert_true(after.commits - before.commits > 2); /* not all in one */
    assert_int_equal(number_of("SELECT count(*) FROM batch_items"), MANY);
    const struct weir_value *v = ask_of("batches.show", id, "");
    assert_text(text_in(v, "state"), "running");
    assert_int_equal(number_in(v, "total"), MANY);
    value_unref(&v);
    v = ask("batches.plan", "{\"max\":100}"); /* they all wait there */
    assert_int_equal(number_in(v, "total"), 0);
    value_unref(&v);

    v = ask_of("batches.cancel", id, BY_ANN);
    assert_text(text_in(v, "state"), "cancelled");
    value_unref(&v);
    v = ask("batches.plan", "{}"); /* at once, and not when all its items are gone over */
    assert_true(number_in(v, "total") >= MANY - 1);
    value_unref(&v);
    for (uint64_t end = clock_mono_ms() + 20000;
         number_of("SELECT count(*) FROM batch_items WHERE state = 1") > 0;)
        if (clock_mono_ms() > end)
            fail_msg("its items are not cancelled");
}

static void
one_that_was_being_made_goes_at_the_next_start(void **state)
{
    (void)state;
    char id[ID_UUID];
    fill_dead(3000);
    make(id, ",\"rate\":\"1/1h\"");
    store_close(&store);
    (void)number_of("UPDATE batches SET state = 5, pending = NULL");
    (void)number_of("DELETE FROM batch_items WHERE job > 2000");
    store_up();
    assert_null(ask_of("batches.show", id, ""));
    assert_int_equal(err.code, WEIR_NOT_FOUND);
    const struct weir_value *v = ask("batches.list", "{}");
    assert_null(value_at(value_field(v, "batches"), 0));
    value_unref(&v);
    for (uint64_t end = clock_mono_ms() + 20000;
         number_of("SELECT (SELECT count(*) FROM batch_items) + (SELECT count(*) FROM batches)"
                   " + (SELECT count(*) FROM batch_pipelines)") > 0;)
        if (clock_mono_ms() > end)
            fail_msg("it does not go");
    make(id, ",\"rate\":\"1/1h\"");
    const struct weir_value *again = ask_of("batches.show", id, "");
    assert_true(number_in(again, "total") >= 2999); /* but for one that was replayed before */
    value_unref(&again);
}

static void
what_is_wrong_is_found_when_all_is_known(void **state)
{
    (void)state;
    char id[ID_UUID];
    fill_dead(2000);
    ask_fails("batches.make", "{" MAKE ",\"plan\":\"0123456789abcdef\"}", WEIR_CONFLICT,
            "does not hold any more: by now it is ");
    const struct weir_value *v = ask("batches.plan", "{\"max\":1500}");
    char more[64];
    snprintf(more, sizeof(more), ",\"max\":1500,\"plan\":\"%.*s\"", (int)text_in(v, "plan").len,
             text_in(v, "plan").bytes);
    value_unref(&v);
    make(id, more); /* the same jobs, found by steps */
    v = ask_of("batches.show", id, "");
    assert_int_equal(number_in(v, "total"), 1500);
    value_unref(&v);
    assert_int_equal(number_of("SELECT max(job) FROM batch_items i JOIN batches b ON b.n = i.batch"
                               " WHERE b.state = 1"),
                     1500);
}

static void
those_that_are_over_go(void **state)
{
    (void)state;
    char id[ID_UUID];
    make_dead(3);
    make(id, "");
    await(id, "running", "made", 3);
    assert_int_equal(work(10, JOB_COMPLETED), 3);
    await(id, "completed", "completed", 3);
    store_close(&store);
    config.keep.look_ms = 20;
    config.keep.batches_ms = 3600000;
    (void)number_of("UPDATE batches SET ended_ms = ended_ms - 3000000");
    store_up();
    await(id, "completed", "completed", 3); /* its time has not come */
    store_close(&store);
    (void)number_of("UPDATE batches SET ended_ms = ended_ms - 3000000");
    store_up();
    for (uint64_t end = clock_mono_ms() + 20000;
         number_of("SELECT (SELECT count(*) FROM batch_items) + (SELECT count(*) FROM batches)") > 0;)
        if (clock_mono_ms() > end)
            fail_msg("it does not go");
    struct store_stats s;
    for (store_stats(store, &s); s.removed[STORE_REMOVED_BATCHES] != 1;)
        store_stats(store, &s);
}

static void
it_can_be_paused_and_cancelled(void **state)
{
    (void)state;
    char id[ID_UUID];
    make_dead(5);
    make(id, ",\"concurrency\":2");
    await(id, "running", "made", 2);
    const struct weir_value *v = ask_of("batches.pause", id, BY_ANN);
    assert_text(text_in(v, "why"), "ann: she knows why");
    value_unref(&v);
    assert_null(ask_of("batches.pause", id, BY_ANN));
    assert_int_equal(err.code, WEIR_CONFLICT);
    assert_int_equal(work(100, JOB_COMPLETED), 2);
    await(id, "paused", "completed", 2);
    assert_true(has(id, "paused", "pending", 3));
    v = ask_of("batches.cancel", id, BY_ANN);
    assert_text(text_in(v, "state"), "cancelled");
    value_unref(&v);
    assert_true(has(id, "cancelled", "cancelled", 3));
    assert_null(ask_of("batches.resume", id, BY_ANN));
    assert_int_equal(err.code, WEIR_CONFLICT);
    make(id, ""); /* what was cancelled may be replayed by another */
    await(id, "running", "made", 3);
}

static void
what_was_replayed_meanwhile_is_skipped(void **state)
{
    (void)state;
    char id[ID_UUID];
    struct job_accept a;
    make_dead(1);
    dead_job(&a, "it said 503");
    make(id, ",\"concurrency\":1");
    await(id, "running", "made", 1);
    const struct weir_value *v = ask_of("jobs.replay", a.id, BY_ANN);
    assert_non_null(v);
    value_unref(&v);
    assert_int_equal(work(100, JOB_COMPLETED), 2);
    await(id, "completed", "skipped", 1);
    v = ask_of("batches.show", id, ",\"state\":\"skipped\"");
    const struct weir_value *item = value_at(value_field(v, "jobs"), 0);
    assert_text(text_in(item, "job"), a.id);
    assert_non_null(strstr(value_as_text(value_field(item, "why")).bytes, "was replayed as"));
    value_unref(&v);
}

static void
it_goes_on_after_a_restart(void **state)
{
    (void)state;
    char id[ID_UUID];
    make_dead(7);
    make(id, ",\"concurrency\":3");
    await(id, "running", "made", 3);
    store_again();
    assert_true(has(id, "running", "made", 3));
    assert_int_equal(work(100, JOB_COMPLETED), 3);
    store_again();
    await(id, "running", "completed", 3);
    await(id, "running", "made", 3);
    assert_int_equal(work(100, JOB_COMPLETED), 3);
    await(id, "running", "completed", 6);
    assert_int_equal(work(100, JOB_COMPLETED), 1);
    await(id, "completed", "completed", 7);
    assert_int_equal(number_of("SELECT count(*) FROM jobs"), 14);
}

static void
a_plan_holds_until_something_changes(void **state)
{
    (void)state;
    char id[ID_UUID], more[64];
    make_dead(3);
    const struct weir_value *v = ask("batches.plan", "{\"pipeline\":\"orders\"}");
    assert_int_equal(number_in(v, "total"), 3);
    const struct weir_value *group = value_at(value_field(v, "groups"), 0);
    assert_text(text_in(group, "pipeline"), "orders");
    assert_text(text_in(group, "node"), "book");
    assert_text(text_in(group, "code"), "upstream");
    assert_int_equal(number_in(group, "jobs"), 3);
    struct weir_text plan = text_in(v, "plan");
    assert_int_equal(plan.len, 16);
    snprintf(more, sizeof(more), ",\"plan\":\"%.*s\"", (int)plan.len, plan.bytes);
    value_unref(&v);
    make_dead(1);
    char json[256];
    snprintf(json, sizeof(json), "{" MAKE "%s}", more);
    ask_fails("batches.make", json, WEIR_CONFLICT, "does not hold any more");
    v = ask("batches.plan", "{}");
    plan = text_in(v, "plan");
    snprintf(more, sizeof(more), ",\"plan\":\"%.*s\"", (int)plan.len, plan.bytes);
    value_unref(&v);
    make(id, more);
    await(id, "running", "made", 4);
}

static void
a_plan_says_if_it_has_not_all_groups(void **state)
{
    (void)state;
    fill_dead(1001);
    store_close(&store);
    (void)number_of("UPDATE jobs SET node = 'n' || seq");
    store_up();
    const struct weir_value *v = ask("batches.plan", "{}");
    assert_non_null(value_at(value_field(v, "groups"), 999));
    assert_null(value_at(value_field(v, "groups"), 1000));
    assert_non_null(value_field(v, "more"));
    value_unref(&v);
    v = ask("batches.plan", "{\"max\":1000}");
    assert_non_null(value_at(value_field(v, "groups"), 999));
    assert_null(value_field(v, "more"));
    value_unref(&v);
}

static void
wrong_parameters_are_named(void **state)
{
    (void)state;
    make_dead(1);
    ask_fails("batches.make", "{}", WEIR_INVALID, "who must say");
    ask_fails("batches.make", "{" MAKE ",\"state\":\"completed\"}", WEIR_INVALID,
            "state must be dead");
    ask_fails("batches.make", "{" MAKE ",\"rate\":\"fast\"}", WEIR_INVALID,
            "rate must be one such as");
    ask_fails("batches.make", "{" MAKE ",\"rate\":\"0/1s\"}", WEIR_INVALID,
            "rate must be one such as");
    ask_fails("batches.make", "{" MAKE ",\"max\":0}", WEIR_INVALID, "max must be");
    ask_fails("batches.make", "{" MAKE ",\"concurrency\":0}", WEIR_INVALID,
            "concurrency must be");
    ask_fails("batches.make", "{" MAKE ",\"concurrency\":1001}", WEIR_INVALID,
            "concurrency must be");
    ask_fails("batches.make", "{" MAKE ",\"canary\":-1}", WEIR_INVALID, "canary must be");
    ask_fails("batches.show", "{\"id\":\"x\"}", WEIR_INVALID, "a batch's UUID");
    ask_fails("batches.show", "{\"id\":\"01900000-0000-7000-8000-000000000000\"}", WEIR_NOT_FOUND,
            "there is no batch 01900000");
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(each_job_is_replayed_once),
        T(a_second_batch_leaves_out_what_waits_in_the_first),
        T(of_a_chain_the_newest_is_taken),
        T(no_more_are_made_than_may_be_open),
        T(a_canary_that_fails_pauses_the_rest),
        T(a_good_canary_lets_the_rest_go),
        T(failures_stop_it),
        T(the_rate_is_kept),
        T(it_pauses_itself_when_a_peer_is_away),
        T(a_large_one_is_made_bit_by_bit),
        T(one_that_was_being_made_goes_at_the_next_start),
        T(what_is_wrong_is_found_when_all_is_known),
        T(those_that_are_over_go),
        T(it_can_be_paused_and_cancelled),
        T(what_was_replayed_meanwhile_is_skipped),
        T(it_goes_on_after_a_restart),
        T(a_plan_holds_until_something_changes),
        T(a_plan_says_if_it_has_not_all_groups),
        T(wrong_parameters_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
