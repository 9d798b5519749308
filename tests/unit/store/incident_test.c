/* Failures of a kind that was not seen before, or not for a while.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

/* A job dies of MESSAGE: what its end says of that. */
static struct job_incident
dies(const char *message)
{
    struct job_accept a = new_job(JOB_RUNNING);
    accept_job(&a);
    struct job_finish f = { .attempt = 1,
                            .state = JOB_DEAD,
                            .reason = JOB_EXHAUSTED_REASON,
                            .failure = { WEIR_UPSTREAM, TEXT("book"), text_of(message) } };
    memcpy(f.id, a.id, sizeof(f.id));
    f.incident.is = true; /* as the stack may have it */
    assert_int_equal(run_op(&f.op, STORE_FINISH), WEIR_OK);
    return f.incident;
}

static void
the_first_one_of_a_kind_is_told(void **state)
{
    (void)state;
    struct job_incident i = dies("order 17: 503");
    assert_true(i.is);
    assert_int_equal(i.alike, 1);
    assert_int_equal(strlen(i.fingerprint), 16);
    assert_false(dies("order 18: 503").is); /* the same, but for a number */
    assert_true(dies("refused the connection").is);
    store_again();
    assert_false(dies("order 19: 503").is); /* over a restart */

    struct job_accept kept = new_job(JOB_DEAD);
    kept.reason = JOB_EXHAUSTED_REASON;
    kept.failure = (struct job_failure){ WEIR_TIMEOUT, TEXT("book"), TEXT("late") };
    accept_job(&kept);
    assert_true(kept.incident.is); /* of a run that was not durable */
    struct job_accept alive = new_job(JOB_READY);
    alive.incident.is = true;
    accept_job(&alive);
    assert_false(alive.incident.is);
}

static void
it_is_told_again_after_a_silence(void **state)
{
    (void)state;
    (void)dies("503");
    (void)dies("503");
    assert_int_equal(number_of("SELECT count(*) FROM incidents"), 1);
    (void)number_of("UPDATE incidents SET last_ms = last_ms - 3590000");
    assert_false(dies("503").is); /* an hour is the usual time; that it came is noted */
    (void)number_of("UPDATE incidents SET last_ms = last_ms - 3590000");
    assert_false(dies("503").is);
    (void)number_of("UPDATE incidents SET last_ms = last_ms - 3600000");
    struct job_incident i = dies("503");
    assert_true(i.is);
    assert_int_equal(i.alike, 5);
}

static void
what_is_silent_is_forgotten_and_there_is_a_bound(void **state)
{
    (void)state;
    store_close(&store);
    (void)number_of("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
                    " INSERT INTO incidents SELECT 'kind ' || i, i + 9e15 FROM n");
    (void)number_of("INSERT INTO incidents VALUES('old', 1000)");
    config.keep.look_ms = 20;
    store_up();
    for (uint64_t end = clock_mono_ms() + 20000;
         number_of("SELECT count(*) FROM incidents WHERE fingerprint = 'old'") > 0;)
        if (clock_mono_ms() > end)
            fail_msg("what is silent is not forgotten");
    for (int i = 0; i < 3; i++)
        (void)dies(i == 0 ? "a" : i == 1 ? "b" : "c");
    assert_true(number_of("SELECT count(*) FROM incidents") <= 10000);
    assert_int_equal(number_of("SELECT count(*) FROM incidents WHERE fingerprint = 'kind 1'"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(the_first_one_of_a_kind_is_told),
        TEST(it_is_told_again_after_a_silence),
        TEST(what_is_silent_is_forgotten_and_there_is_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
