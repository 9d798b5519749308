/* Jobs counted by pipeline and state: that the file has them right is looked at behind each test of the store (stage.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

/* What is told of one pipeline and state, or of all. */
struct told {
    struct weir_text pipeline;
    unsigned state;
    int64_t n; /* -1: nothing */
    unsigned rows;
};

static void
tell(void *arg, struct weir_text pipeline, unsigned state, uint64_t n)
{
    struct told *t = arg;
    t->rows++;
    if (t->state == state && text_equal(t->pipeline, pipeline))
        t->n = (int64_t)n;
}

static int64_t
told_of(const char *pipeline, unsigned state)
{
    struct told t = { .pipeline = text_of(pipeline), .state = state, .n = -1 };
    store_sync(store);
    store_jobs(store, tell, &t);
    return t.n;
}

static struct job_accept
job_in(const char *pipeline, enum job_state state)
{
    struct job_accept a = new_job(state);
    a.pipeline = text_of(pipeline);
    accept_job(&a);
    return a;
}

static void
each_pipeline_is_counted_by_state(void **state)
{
    (void)state;
    struct job_accept done = job_in("a", JOB_RUNNING), dead = job_in("a", JOB_RUNNING);
    (void)job_in("b", JOB_READY);
    assert_int_equal(told_of("a", JOB_RUNNING), 2);
    assert_int_equal(told_of("b", JOB_READY), 1);
    assert_int_equal(told_of("b", JOB_RUNNING), -1);
    assert_int_equal(end_job(done.id, 1, JOB_COMPLETED, (struct job_failure){ 0 }), WEIR_OK);
    assert_int_equal(end_job(dead.id, 1, JOB_DEAD, (struct job_failure){ WEIR_UPSTREAM, TEXT("n"), TEXT("m") }), WEIR_OK);
    assert_int_equal(told_of("a", JOB_RUNNING), 0); /* there was one */
    assert_int_equal(told_of("a", JOB_COMPLETED), 1);
    assert_int_equal(told_of("a", JOB_DEAD), 1);
    store_again();
    assert_int_equal(told_of("a", JOB_RUNNING), -1);
    assert_int_equal(told_of("a", JOB_COMPLETED), 1);
    assert_int_equal(told_of("b", JOB_READY), 1);
}

static void
what_a_crash_has_cut_is_counted_where_it_is_now(void **state)
{
    (void)state;
    config.crashes_max = 2;
    store_again();
    struct job_accept waits = new_job(JOB_RUNNING), unsafe = job_in("a", JOB_RUNNING);
    waits.waits = true;
    waits.pipeline = TEXT("c");
    accept_job(&waits);
    (void)job_in("b", JOB_RUNNING);
    assert_int_equal(record_step(unsafe.id, 1, "pay", true), WEIR_OK);
    store_again();
    assert_int_equal(told_of("a", JOB_DEAD), 1);
    assert_int_equal(told_of("b", JOB_READY), 1);
    assert_int_equal(told_of("c", JOB_READY), 1);
    struct job_claim c = { .max = 0 };
    claim(&c, 10);
    assert_int_equal(c.n, 2);
    job_claim_free(&c);
    assert_int_equal(told_of("b", JOB_RUNNING), 1);
    store_again();
    assert_int_equal(told_of("b", JOB_DEAD), 1); /* once too often */
    assert_int_equal(told_of("c", JOB_READY), 1);
}

static void
of_very_many_pipelines_some_are_told_of_together(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%u", i);
        (void)job_in(name, JOB_READY);
    }
    (void)job_in("other", JOB_READY);
    struct told t = { .pipeline = TEXT("other"), .state = JOB_READY };
    store_sync(store);
    store_jobs(store, tell, &t);
    assert_int_equal(t.rows, 256);
    assert_int_equal(t.n, 300 - 255 + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_pipeline_is_counted_by_state, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_crash_has_cut_is_counted_where_it_is_now, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_very_many_pipelines_some_are_told_of_together, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
