/* Pauses: what comes meanwhile is held, in order, and goes on afterwards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#define ORDERS "{\"pipeline\":\"orders\",\"who\":\"ann\"}"
#define KEY_A "{\"pipeline\":\"orders\",\"key\":\"a\",\"who\":\"ann\"}"

static const struct job_failure none;

/* Gives an order, which says that it has moved N jobs. */
static void
order(const char *what, const char *json, const char *name, int64_t n)
{
    const struct weir_value *v = ask(what, json);
    if (v == NULL)
        fail_msg("%s", err.text);
    assert_int_equal(number_in(v, name), n);
    value_unref(&v);
}

static void
new_ones_are_held_and_go_on_in_order(void **state)
{
    (void)state;
    order("pauses.make", ORDERS, "held", 0);
    struct job_accept a[3];
    for (int i = 0; i < 3; i++) {
        a[i] = new_job(i == 1 ? JOB_READY : JOB_RUNNING);
        a[i].created_ms = 1000u + (unsigned)i;
        accept_job(&a[i]);
        assert_true(a[i].held);
        assert_state(a[i].id, "held");
    }
    struct job_accept other = new_job(JOB_RUNNING);
    other.pipeline = TEXT("mails");
    accept_job(&other);
    assert_false(other.held);
    assert_int_equal(number_of("SELECT n FROM counts WHERE state = 3"), 3);

    struct job_claim c = { .max = 0 };
    claim(&c, 10);
    assert_int_equal(c.n, 0);
    order("pauses.end", ORDERS, "released", 3);
    claim(&c, 10);
    assert_int_equal(c.n, 3);
    int i = 0;
    for (struct job_claimed *j = c.jobs; j != NULL; j = j->next) {
        assert_string_equal(j->id, a[i++].id);
        assert_int_equal(j->attempt, 1);
    }
    job_claim_free(&c);
    assert_int_equal(number_of("SELECT n FROM counts WHERE state = 3"), 0);
}

static void
what_waits_is_held_and_gets_its_state_back(void **state)
{
    (void)state;
    struct job_accept ready = new_job(JOB_READY), later = new_job(JOB_SCHEDULED),
                      runs = new_job(JOB_RUNNING), retry = new_job(JOB_RUNNING);
    later.due_ms = clock_wall_ms() + 3600000;
    accept_job(&ready);
    accept_job(&later);
    accept_job(&runs);
    accept_job(&retry);
    struct job_finish f = { .attempt = 1,
                            .state = JOB_RETRYABLE,
                            .due_ms = clock_wall_ms() + 3600000 };
    memcpy(f.id, retry.id, sizeof(f.id));
    assert_int_equal(run_op(&f.op, STORE_FINISH), WEIR_OK);
    order("pauses.make", ORDERS, "held", 3);
    assert_state(runs.id, "running"); /* it goes on, and its next attempt is held */
    memcpy(f.id, runs.id, sizeof(f.id));
    assert_int_equal(run_op(&f.op, STORE_FINISH), WEIR_OK);
    assert_state(runs.id, "held");
    order("pauses.end", ORDERS, "released", 4);
    assert_state(ready.id, "ready");
    assert_state(later.id, "scheduled");
    assert_state(retry.id, "retryable");
    assert_state(runs.id, "retryable");
    assert_int_equal(number_of("SELECT sum(n) FROM counts WHERE state IN (1, 2, 6)"), 4);
}

static void
one_key_can_be_paused(void **state)
{
    (void)state;
    order("pauses.make", KEY_A, "held", 0);
    struct job_accept a = new_job(JOB_READY), b = new_job(JOB_READY), bare = new_job(JOB_READY);
    a.key = TEXT("a");
    b.key = TEXT("b");
    accept_job(&a);
    accept_job(&b);
    accept_job(&bare);
    assert_true(a.held && !b.held && !bare.held);
    order("pauses.make", ORDERS, "held", 2);
    order("pauses.end", ORDERS, "released", 2); /* but not the key's, which is paused still */
    assert_state(a.id, "held");
    order("pauses.make", ORDERS, "held", 2);
    order("pauses.end", KEY_A, "released", 0);
    order("pauses.end", ORDERS, "released", 3);
}

static void
a_replay_is_held(void **state)
{
    (void)state;
    struct job_accept a;
    dead_job(&a, "no");
    order("pauses.make", ORDERS, "held", 0);
    const struct weir_value *v = ask_of("jobs.replay", a.id, BY_ANN);
    char id[ID_UUID];
    snprintf(id, sizeof(id), "%.*s", (int)text_in(v, "id").len, text_in(v, "id").bytes);
    value_unref(&v);
    assert_state(id, "held");
    v = ask_of("jobs.cancel", id, BY_ANN);
    assert_text(text_in(v, "state"), "cancelled");
    value_unref(&v);
}

static void
a_pause_outlives_the_process(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_RUNNING), b = new_job(JOB_RUNNING);
    accept_job(&a);
    order("pauses.make", ORDERS, "held", 0);
    store_again(); /* what ran is cut, and would run again */
    assert_state(a.id, "held");
    accept_job(&b);
    assert_true(b.held);
    const struct weir_value *v = ask("pauses.list", "{}");
    const struct weir_value *one = value_at(value_field(v, "pauses"), 0);
    assert_text(text_in(one, "pipeline"), "orders");
    assert_text(text_in(one, "who"), "ann");
    assert_int_equal(number_in(one, "held"), 2);
    value_unref(&v);
    order("pauses.end", ORDERS, "released", 2);
    assert_int_equal(end_job(a.id, 1, JOB_COMPLETED, none), WEIR_CONFLICT);
    assert_int_equal(number_of("SELECT count(*) FROM audit WHERE pipeline = 'orders'"), 2);
}

static void
nobody_waits_for_one_that_is_held(void **state)
{
    (void)state;
    static const uint8_t key[JOB_ONCE] = { 1 }, content[JOB_ONCE] = { 2 };
    order("pauses.make", ORDERS, "held", 0);
    struct job_accept a[2];
    for (int i = 0; i < 2; i++) {
        a[i] = new_job(JOB_RUNNING);
        a[i].once = key;
        a[i].content = content;
        a[i].once_until_ms = clock_wall_ms() + 60000;
        a[i].once_running = ONCE_WAIT;
        accept_job(&a[i]);
    }
    assert_true(a[0].held && !a[0].repeated && a[1].repeated);
    assert_string_equal(a[1].first, a[0].id);
    assert_int_equal(a[1].first_state, JOB_HELD);
    job_accept_free(&a[1]);
}

static void
what_is_wrong_is_told(void **state)
{
    (void)state;
    assert_null(ask("pauses.make", "{\"who\":\"ann\"}"));
    assert_non_null(strstr(err.text, "pipeline must have"));
    assert_null(ask("pauses.end", ORDERS));
    assert_int_equal(err.code, WEIR_CONFLICT);
    assert_string_equal(err.text, "the pipeline 'orders' is not paused");
    order("pauses.make", KEY_A, "held", 0);
    assert_null(ask("pauses.make", KEY_A));
    assert_string_equal(err.text, "the key 'a' of the pipeline 'orders' is paused already");
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(new_ones_are_held_and_go_on_in_order),
        T(what_waits_is_held_and_gets_its_state_back),
        T(one_key_can_be_paused),
        T(a_replay_is_held),
        T(a_pause_outlives_the_process),
        T(nobody_waits_for_one_that_is_held),
        T(what_is_wrong_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
