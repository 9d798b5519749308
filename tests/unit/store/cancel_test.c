/* Jobs that are cancelled while they run: the order is kept, the shard hears of it, and how the
 * attempt ends is not undone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

static char heard[ID_UUID];
static unsigned n_heard;

static void
on_cancel(void *arg, const char *id)
{
    assert_ptr_equal(arg, &n_heard);
    snprintf(heard, sizeof(heard), "%s", id);
    n_heard++;
}

static struct job_accept
running_job(void)
{
    struct job_accept a = new_job(JOB_RUNNING);
    accept_job(&a);
    return a;
}

static void
cancel(const char *id)
{
    const struct weir_value *v = ask_of("jobs.cancel", id, BY_ANN);
    assert_non_null(v);
    assert_text(text_in(v, "state"), "running");
    assert_true(value_field(v, "cancelling")->boolean);
    value_unref(&v);
}

static void
its_shard_hears_of_it_once(void **state)
{
    (void)state;
    struct job_accept a = running_job(), b = running_job();
    n_heard = 0;
    store_listen(store, shard, on_cancel, &n_heard);
    cancel(a.id);
    while (n_heard == 0)
        shard_turn(shard, 10000);
    assert_string_equal(heard, a.id);
    assert_null(ask_of("jobs.cancel", a.id, BY_ANN));
    assert_int_equal(err.code, WEIR_CONFLICT);
    assert_non_null(strstr(err.text, "is being cancelled already"));

    store_listen_end(store, shard);
    cancel(b.id);
    store_sync(store);
    assert_state(b.id, "running");
    assert_int_equal(n_heard, 1);

    assert_int_equal(number_of("SELECT count(*) FROM audit WHERE what = 'jobs.cancel'"
                               " AND before = 'running' AND after = 'cancelled'"),
                     2);
    assert_int_equal(end_job(a.id, 1, JOB_CANCELLED, (struct job_failure){ .code = WEIR_CANCELLED }),
                     WEIR_OK);
    assert_null(ask_of("jobs.cancel", a.id, BY_ANN));
    assert_non_null(strstr(err.text, "is cancelled"));
}

static void
it_does_not_run_once_more(void **state)
{
    (void)state;
    struct job_accept tried = running_job(), back = running_job(), good = running_job(),
                      bad = running_job();
    cancel(tried.id);
    cancel(back.id);
    cancel(good.id);
    cancel(bad.id);
    struct job_failure f = { WEIR_UPSTREAM, TEXT("book"), TEXT("503") };
    assert_int_equal(end_job(tried.id, 1, JOB_RETRYABLE, f), WEIR_OK);
    assert_int_equal(end_job(back.id, 1, JOB_READY, f), WEIR_OK);
    assert_int_equal(end_job(good.id, 1, JOB_COMPLETED, (struct job_failure){ 0 }), WEIR_OK);
    assert_int_equal(end_job(bad.id, 1, JOB_DEAD, f), WEIR_OK);
    assert_state(tried.id, "cancelled");
    assert_state(back.id, "cancelled");
    assert_state(good.id, "completed");
    assert_state(bad.id, "dead");
    struct job_claim c = { 0 };
    claim(&c, 10);
    assert_int_equal(c.n, 0);
    struct store_stats stats;
    store_stats(store, &stats);
    assert_int_equal(stats.jobs[JOB_CANCELLED], 2);
    assert_int_equal(stats.jobs[JOB_RUNNING], 0);
}

static void
the_order_outlives_the_process(void **state)
{
    (void)state;
    struct job_accept a = running_job(), unsafe = running_job(), other = running_job();
    assert_int_equal(record_step(unsafe.id, 1, "charge", true), WEIR_OK);
    cancel(a.id);
    cancel(unsafe.id);
    store_again();
    assert_state(a.id, "cancelled");
    assert_state(unsafe.id, "dead"); /* nobody knows whether it was done */
    assert_state(other.id, "ready");
    struct store_stats stats;
    store_stats(store, &stats);
    assert_int_equal(stats.jobs[JOB_CANCELLED], 1);
    assert_int_equal(number_of("SELECT n FROM counts WHERE state = 9"), 1);
    assert_int_equal(number_of("SELECT n FROM counts WHERE state = 0"),
                     number_of("SELECT sum(bytes) FROM jobs WHERE state IN (8, 9)"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(its_shard_hears_of_it_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_does_not_run_once_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_order_outlives_the_process, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
