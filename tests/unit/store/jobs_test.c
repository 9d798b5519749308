/* Jobs: the ways they go, who may change them, claims, waiting for them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

static const struct job_failure none;

static void
a_job_runs_and_completes(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_RUNNING);
    accept_job(&a);
    assert_state(a.id, "running");
    assert_int_equal(end_job(a.id, 1, JOB_COMPLETED, none), WEIR_OK);

    const struct weir_value *v = ask_of("jobs.show", a.id, "");
    assert_text(text_in(v, "state"), "completed");
    assert_text(text_in(v, "pipeline"), "orders");
    assert_text(text_in(v, "revision"), "r1");
    assert_int_equal(number_in(v, "attempt"), 1);
    assert_int_equal(number_in(value_field(v, "event"), "n"), 1);
    const struct weir_value *attempt = value_at(value_field(v, "attempts"), 0);
    assert_int_equal(number_in(attempt, "attempt"), 1);
    assert_int_equal(number_in(attempt, "started_ms"), 1000);
    assert_null(value_at(value_field(v, "attempts"), 1));
    assert_null(value_field(v, "code"));
    value_unref(&v);
}

static void
a_late_writer_changes_nothing(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_RUNNING);
    accept_job(&a);
    assert_int_equal(end_job(a.id, 2, JOB_COMPLETED, none), WEIR_CONFLICT);
    assert_non_null(strstr(err.text, "has attempt 1 by now, not 2"));
    struct job_failure f = { WEIR_TIMEOUT, TEXT("book"), TEXT("too late") };
    assert_int_equal(end_job(a.id, 1, JOB_RETRYABLE, f), WEIR_OK);
    assert_int_equal(end_job(a.id, 1, JOB_COMPLETED, none), WEIR_CONFLICT);
    assert_non_null(strstr(err.text, "is retryable: attempt 1 is over"));
    assert_int_equal(record_step(a.id, 1, "book", false), WEIR_CONFLICT);

    struct job_claim c = { 0 };
    claim(&c, 10);
    assert_int_equal(c.n, 1);
    assert_int_equal(c.jobs->attempt, 2);
    job_claim_free(&c);
    assert_int_equal(end_job(a.id, 1, JOB_DEAD, f), WEIR_CONFLICT);
    assert_state(a.id, "running");
    assert_int_equal(number_of("SELECT count(*) FROM steps"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM attempts"), 1);

    char nobody[ID_UUID];
    id_uuid4(nobody);
    assert_int_equal(end_job(nobody, 1, JOB_COMPLETED, none), WEIR_NOT_FOUND);
    assert_int_equal(end_job("nobody", 1, JOB_COMPLETED, none), WEIR_INVALID);
}

static void
a_failing_operation_spoils_no_other(void **state)
{
    (void)state;
    struct job_accept first = new_job(JOB_READY), twice = first, last = new_job(JOB_READY);
    accept_job(&first);
    assert_int_equal(run_op(&twice.op, STORE_ACCEPT), WEIR_CONFLICT);
    assert_non_null(strstr(err.text, "already"));

    /* in one batch, most likely */
    struct job_accept *ops[] = { &twice, &last };
    unsigned before = n_told;
    for (int i = 0; i < 2; i++) {
        ops[i]->op = (struct store_op){ .shard = shard, .done = on_told, .kind = STORE_ACCEPT };
        assert_int_equal(store_submit(store, &ops[i]->op, &err), WEIR_OK);
    }
    await_told(before + 2);
    assert_int_equal(err.code, 0);
    assert_int_equal(number_of("SELECT count(*) FROM jobs"), 2);
    assert_int_equal(number_of("SELECT count(*) FROM events"), 2);
    struct store_stats stats;
    store_stats(store, &stats);
    assert_int_equal(stats.jobs[JOB_READY], 2);

    struct job_accept odd = new_job(JOB_READY);
    memcpy(odd.id, "no-uuid", 8);
    assert_int_equal(run_op(&odd.op, STORE_ACCEPT), WEIR_INVALID);
    odd = new_job(JOB_READY);
    odd.pipeline = TEXT("");
    assert_int_equal(run_op(&odd.op, STORE_ACCEPT), WEIR_INVALID);
}

static void
accept_due(const char *pipeline, enum job_state state, uint64_t due_ms, char ret_id[ID_UUID])
{
    struct job_accept a = new_job(state);
    a.pipeline = text_of(pipeline);
    a.due_ms = due_ms;
    if (state == JOB_READY)
        a.created_ms = due_ms;
    accept_job(&a);
    memcpy(ret_id, a.id, ID_UUID);
}

static void
claims_bring_what_is_due_oldest_first(void **state)
{
    (void)state;
    uint64_t now = clock_wall_ms();
    char a[ID_UUID], b[ID_UUID], c[ID_UUID], d[ID_UUID], later[ID_UUID];
    accept_due("zoo", JOB_READY, now - 3000, a);
    accept_due("orders", JOB_SCHEDULED, now - 2000, b);
    accept_due("orders", JOB_READY, now - 4000, c);
    accept_due("alpha", JOB_READY, now - 1000, d);
    accept_due("alpha", JOB_SCHEDULED, now + 3600000, later);

    struct weir_text skip[] = { TEXT("nothing"), TEXT("orders") };
    struct job_claim claimed = { .skip = skip, .n_skip = 2 };
    claim(&claimed, 1);
    assert_int_equal(claimed.n, 1);
    assert_string_equal(claimed.jobs->id, a);
    assert_text(claimed.jobs->pipeline, "zoo");
    assert_text(claimed.jobs->event, "\x81\xa1n\x01");
    assert_int_equal(claimed.jobs->attempt, 1);
    assert_int_equal(claimed.jobs->revision.len, 0);
    assert_null(claimed.jobs->records);
    job_claim_free(&claimed);

    claimed = (struct job_claim){ 0 };
    claim(&claimed, 10);
    assert_int_equal(claimed.n, 3);
    assert_string_equal(claimed.jobs->id, c);
    assert_string_equal(claimed.jobs->next->id, b);
    assert_string_equal(claimed.jobs->next->next->id, d);
    assert_null(claimed.jobs->next->next->next);
    job_claim_free(&claimed);
    assert_null(claimed.jobs);

    claim(&claimed, 10);
    assert_int_equal(claimed.n, 0);
    assert_null(claimed.jobs);
    assert_state(later, "scheduled");
}

static void
steps_are_recorded_brought_by_claims_and_dropped_at_the_end(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_RUNNING);
    accept_job(&a);
    assert_int_equal(record_step(a.id, 1, "zeta", true), WEIR_OK);
    assert_int_equal(record_step(a.id, 1, "alpha[0]", false), WEIR_OK);
    assert_int_equal(record_step(a.id, 1, "zeta", false), WEIR_OK);
    assert_int_equal(record_step(a.id, 1, "pay", true), WEIR_OK);
    struct job_failure f = { WEIR_UPSTREAM, TEXT("pay"), TEXT("503") };
    assert_int_equal(end_job(a.id, 1, JOB_RETRYABLE, f), WEIR_OK);

    struct job_claim c = { 0 };
    claim(&c, 10);
    assert_int_equal(c.n, 1);
    assert_text(c.jobs->revision, "r1");
    struct job_record *r = c.jobs->records;
    assert_text(r->path, "zeta");
    assert_int_equal(r->kind, RECORD_OVER);
    assert_text(r->output, "\x07");
    assert_int_equal(r->at_ms, 2000);
    assert_text(r->next->path, "alpha[0]");
    assert_text(r->next->next->path, "pay");
    assert_int_equal(r->next->next->kind, RECORD_BEGUN);
    assert_null(r->next->next->next);
    job_claim_free(&c);

    const struct weir_value *v = ask_of("jobs.show", a.id, "");
    assert_text(text_in(value_at(value_field(v, "steps"), 0), "path"), "zeta");
    assert_int_equal(number_in(value_at(value_field(v, "steps"), 0), "output"), 7);
    /* newest first: the one under way, then the one that failed */
    const struct weir_value *attempts = value_field(v, "attempts");
    assert_int_equal(number_in(value_at(attempts, 0), "attempt"), 2);
    assert_text(text_in(value_at(attempts, 1), "code"), "upstream");
    assert_text(text_in(value_at(attempts, 1), "message"), "503");
    value_unref(&v);

    assert_int_equal(end_job(a.id, 2, JOB_COMPLETED, none), WEIR_OK);
    assert_int_equal(number_of("SELECT count(*) FROM steps"), 0);
    assert_state(a.id, "completed");
}

static void
steps_of_a_completed_job_stay_if_they_are_to(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_RUNNING);
    accept_job(&a);
    assert_int_equal(record_step(a.id, 1, "zeta", false), WEIR_OK);
    assert_int_equal(record_step(a.id, 1, "each/1~2", false), WEIR_OK);
    assert_int_equal(record_step(a.id, 1, "each/2", true), WEIR_OK);
    int64_t before = number_of("SELECT n FROM counts WHERE state = 0");
    struct job_finish f = { .attempt = 1, .state = JOB_COMPLETED, .keep_steps = true };
    snprintf(f.id, sizeof(f.id), "%s", a.id);
    assert_int_equal(run_op(&f.op, STORE_FINISH), WEIR_OK);
    assert_state(a.id, "completed");
    assert_int_equal(number_of("SELECT count(*) FROM steps"), 3);
    /* they count as what it holds, so that the store's limits find them */
    int64_t bytes = number_of("SELECT bytes FROM jobs");
    assert_true(bytes > number_of("SELECT length(event) FROM events") + 3 * 64);
    store_sync(store);
    assert_int_equal(number_of("SELECT n FROM counts WHERE state = 0") - before, bytes);

    const struct weir_value *v = ask_of("jobs.show", a.id, "");
    const struct weir_value *one = value_at(value_field(v, "steps"), 0);
    assert_text(text_in(one, "path"), "zeta");
    assert_int_equal(number_in(one, "started_ms"), 1900);
    assert_int_equal(number_in(one, "took_ms"), 100);
    assert_int_equal(number_in(one, "tries"), 2);
    assert_text(text_in(one, "effect"), "unsafe");
    value_unref(&v);
    v = ask_of("jobs.step", a.id, ",\"step\":\"each\"");
    assert_text(text_in(value_at(value_field(v, "steps"), 0), "path"), "each/1~2");
    assert_text(text_in(value_at(value_field(v, "steps"), 1), "path"), "each/2");
    assert_null(value_at(value_field(v, "steps"), 2));
    value_unref(&v);
    v = ask_of("jobs.step", a.id, ",\"step\":\"each/1\"");
    assert_null(value_at(value_field(v, "steps"), 1));
    value_unref(&v);
    assert_null(ask_of("jobs.step", a.id, ",\"step\":\"eac\""));
    assert_int_equal(err.code, WEIR_NOT_FOUND);
}

static void
see_oldest(void *arg, struct weir_text pipeline, uint64_t age_ms)
{
    uint64_t *ages = arg;
    ages[text_is(pipeline, "orders") ? 0 : 1] = age_ms;
}

static void
the_oldest_job_that_waits_is_told_of(void **state)
{
    (void)state;
    char id[ID_UUID];
    uint64_t now = clock_wall_ms(), ages[2] = { 0, 7 };
    accept_due("orders", JOB_READY, now - 5000, id);
    accept_due("orders", JOB_READY, now - 60000, id);
    accept_due("parcels", JOB_SCHEDULED, now + 60000, id);
    for (unsigned i = 0; i < 100 && (ages[0] < 60000 || ages[1] != 0); i++) {
        store_oldest(store, see_oldest, ages);
        usleep(50000);
    }
    assert_in_range(ages[0], 60000, 70000);
    assert_int_equal(ages[1], 0);
}

static void
a_job_that_is_given_back_has_not_had_its_attempt(void **state)
{
    (void)state;
    char id[ID_UUID];
    uint64_t due = clock_wall_ms() - 5000;
    accept_due("orders", JOB_READY, due, id);
    struct job_claim c = { 0 };
    claim(&c, 1);
    job_claim_free(&c);
    assert_int_equal(end_job(id, 1, JOB_READY, none), WEIR_OK);
    store_again();
    const struct weir_value *v = ask_of("jobs.show", id, "");
    assert_text(text_in(v, "state"), "ready");
    assert_int_equal(number_in(v, "attempt"), 0);
    assert_int_equal(number_in(v, "due_ms"), due);
    assert_null(value_field(v, "crashes"));
    assert_null(value_at(value_field(v, "attempts"), 0));
    value_unref(&v);
    claim(&c, 1);
    assert_int_equal(c.n, 1);
    assert_int_equal(c.jobs->attempt, 1);
    job_claim_free(&c);
}

static void
a_failed_run_is_kept_as_a_dead_job(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_DEAD);
    a.reason = JOB_TIMEOUT_REASON;
    a.failure = (struct job_failure){ WEIR_TIMEOUT, TEXT("fetch"), TEXT("after 5000 ms") };
    a.trace = TEXT("\x92\x01\x02");
    a.started_ms = 10;
    a.ended_ms = 20;
    accept_job(&a);
    const struct weir_value *v = ask_of("jobs.show", a.id, "");
    assert_text(text_in(v, "state"), "dead");
    assert_text(text_in(v, "reason"), "timeout");
    assert_text(text_in(v, "code"), "timeout");
    assert_int_equal(text_in(v, "fingerprint").len, 16);
    const struct weir_value *attempt = value_at(value_field(v, "attempts"), 0);
    assert_int_equal(number_in(attempt, "ended_ms"), 20);
    assert_int_equal(value_at(value_field(attempt, "trace"), 1)->integer, 2);
    value_unref(&v);
}

static void
results_are_kept(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_RUNNING);
    a.event = TEXT("\xc1 is no msgpack");
    accept_job(&a);
    struct job_finish f = {
        .attempt = 1, .state = JOB_COMPLETED, .result = TEXT("\x2a"), .revision = TEXT("r2")
    };
    memcpy(f.id, a.id, sizeof(f.id));
    assert_int_equal(run_op(&f.op, STORE_FINISH), WEIR_OK);
    const struct weir_value *v = ask_of("jobs.show", a.id, "");
    assert_int_equal(number_in(v, "result"), 42);
    assert_text(text_in(v, "revision"), "r1");
    assert_int_equal(value_type(value_field(v, "event")), WEIR_BYTES);
    value_unref(&v);
}

static unsigned woken, woken_other;

static void
on_due(void *arg)
{
    (*(unsigned *)arg)++;
}

static void
await_woken(unsigned n)
{
    while (woken < n)
        shard_turn(shard, 10000);
}

static void
a_shard_that_waits_is_told_once(void **state)
{
    (void)state;
    woken = woken_other = 0;
    char id[ID_UUID];
    accept_due("orders", JOB_READY, clock_wall_ms(), id);
    store_wait(store, shard, on_due, &woken); /* it is there already */
    await_woken(1);

    struct job_claim c = { 0 };
    claim(&c, 1);
    job_claim_free(&c);
    store_wait(store, shard, on_due, &woken_other);
    store_wait(store, shard, on_due, &woken); /* replaces it */
    accept_due("orders", JOB_READY, clock_wall_ms(), id);
    await_woken(2);
    accept_due("orders", JOB_READY, clock_wall_ms(), id);
    store_sync(store);
    shard_turn(shard, 0);
    assert_int_equal(woken, 2);
    assert_int_equal(woken_other, 0);
}

static void
a_shard_that_waits_is_told_when_the_time_has_come(void **state)
{
    (void)state;
    woken = 0;
    char id[ID_UUID];
    uint64_t due = clock_wall_ms() + 150;
    accept_due("orders", JOB_SCHEDULED, due, id);
    store_wait(store, shard, on_due, &woken);
    await_woken(1);
    assert_true(clock_wall_ms() >= due);
    struct job_claim c = { 0 };
    claim(&c, 1);
    assert_int_equal(c.n, 1);
    assert_string_equal(c.jobs->id, id);
    job_claim_free(&c);
}

static void
a_wait_that_has_ended_is_not_called(void **state)
{
    (void)state;
    woken = woken_other = 0;
    char id[ID_UUID];
    store_wait(store, shard, on_due, &woken);
    store_wait_end(store, shard);
    store_wait_end(store, shard);
    accept_due("orders", JOB_READY, clock_wall_ms(), id);

    /* Posted, and ended before the shard has run it: the writer has looked at those who wait
     * when it comes to the second operation. */
    store_wait(store, shard, on_due, &woken);
    struct job_claim first = { .op = { .shard = shard, .done = on_told, .kind = STORE_CLAIM } };
    struct job_claim second = first;
    unsigned before = n_told;
    assert_int_equal(store_submit(store, &first.op, &err), WEIR_OK);
    store_sync(store);
    assert_int_equal(store_submit(store, &second.op, &err), WEIR_OK);
    store_sync(store);
    store_wait_end(store, shard);
    await_told(before + 2);
    assert_int_equal(woken, 0);

    /* The same with the end of the store. */
    store_wait(store, shard, on_due, &woken_other);
    store_close(&store);
    shard_turn(shard, 0);
    shard_turn(shard, 0);
    assert_int_equal(woken_other, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_job_runs_and_completes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_late_writer_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failing_operation_spoils_no_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(claims_bring_what_is_due_oldest_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            steps_are_recorded_brought_by_claims_and_dropped_at_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_job_that_waits_is_told_of, set_up, tear_down),
        cmocka_unit_test_setup_teardown(steps_of_a_completed_job_stay_if_they_are_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_job_that_is_given_back_has_not_had_its_attempt,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_run_is_kept_as_a_dead_job, set_up, tear_down),
        cmocka_unit_test_setup_teardown(results_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_shard_that_waits_is_told_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_shard_that_waits_is_told_when_the_time_has_come,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wait_that_has_ended_is_not_called, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
