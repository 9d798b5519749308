/* Claims that need places, jobs that wait in memory, and jobs that crashes have cut often.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdatomic.h>

#include "stage.h"
#include "store/impl.h"

/* Places as the tests have them; the store's thread asks. */
static atomic_uint open_places, entered, left;
static atomic_bool full_for_all;
static _Atomic(const char *) opened; /* a key below "closed" that has places nevertheless */

static enum enter_answer
enter(struct weir_text pipeline, struct weir_text key)
{
    if (!text_is(pipeline, "orders"))
        return ENTER_FREE;
    const char *open = atomic_load(&opened);
    if (key.len >= 6 && memcmp(key.bytes, "closed", 6) == 0 && (open == NULL || !text_is(key, open)))
        return ENTER_CLOSED;
    if (atomic_load(&open_places) == 0)
        return atomic_load(&full_for_all) ? ENTER_FULL : ENTER_CLOSED;
    atomic_fetch_sub(&open_places, 1);
    atomic_fetch_add(&entered, 1);
    return ENTER_PLACED;
}

static bool
leave(struct weir_text pipeline, struct weir_text key)
{
    assert(text_is(pipeline, "orders") && !text_is(key, "closed"));
    atomic_fetch_add(&open_places, 1);
    atomic_fetch_add(&left, 1);
    return false;
}

static const struct claim_gate gate = { .enter = enter, .leave = leave };

static int
set_up_places(void **state)
{
    atomic_store(&open_places, 0);
    atomic_store(&entered, 0);
    atomic_store(&left, 0);
    atomic_store(&full_for_all, true);
    atomic_store(&opened, NULL);
    return set_up(state);
}

static unsigned
claim_placed(struct job_claim *c, unsigned max)
{
    *c = (struct job_claim){ .max = max, .gate = &gate };
    if (run_op(&c->op, STORE_CLAIM) != WEIR_OK)
        fail_msg("%s", err.text);
    return c->n;
}

/* A job that waits since MS ago. */
static void
wait_since(const char *pipeline, const char *key, uint64_t ms, struct job_accept *ret)
{
    *ret = new_job(JOB_READY);
    ret->pipeline = text_of(pipeline);
    ret->key = text_of(key);
    ret->created_ms -= ms;
    accept_job(ret);
}

static void
a_pipeline_without_a_place_is_stepped_over(void **state)
{
    (void)state;
    struct job_accept first, other;
    struct job_claim c;
    wait_since("orders", "", 2000, &first);
    wait_since("mails", "", 1000, &other);
    assert_int_equal(claim_placed(&c, 10), 1);
    assert_string_equal(c.jobs->id, other.id);
    assert_false(c.jobs->placed);
    job_claim_free(&c);

    /* Until it is said that a place is free it is not even asked for. */
    atomic_store(&open_places, 1);
    assert_int_equal(claim_placed(&c, 10), 0);
    store_place_free(store, TEXT("orders"), TEXT(""));
    assert_int_equal(claim_placed(&c, 10), 1);
    assert_string_equal(c.jobs->id, first.id);
    assert_true(c.jobs->placed);
    assert_int_equal(c.jobs->key.len, 0);
    assert_int_equal(atomic_load(&left), 0);
    job_claim_free(&c);
}

static void
a_key_without_a_place_is_stepped_over(void **state)
{
    (void)state;
    struct job_accept closed, open;
    struct job_claim c;
    atomic_store(&open_places, 1);
    wait_since("orders", "closed", 2000, &closed);
    wait_since("orders", "open", 1000, &open);
    assert_int_equal(claim_placed(&c, 10), 1);
    assert_string_equal(c.jobs->id, open.id);
    assert_text(c.jobs->key, "open");
    job_claim_free(&c);
    assert_state(closed.id, "ready");
}

static void
the_place_of_a_job_that_an_older_one_displaces_is_left(void **state)
{
    (void)state;
    struct job_accept younger, older;
    struct job_claim c;
    atomic_store(&open_places, 1);
    wait_since("orders", "", 1000, &younger);
    wait_since("zoo", "", 2000, &older); /* it is come upon later */
    assert_int_equal(claim_placed(&c, 1), 1);
    assert_string_equal(c.jobs->id, older.id);
    assert_int_equal(atomic_load(&entered), 1);
    assert_int_equal(atomic_load(&left), 1);
    job_claim_free(&c);
    assert_state(younger.id, "ready");
}

/* So many jobs of KEYS keys ("closed0000" ...) that have waited for longer than any other. */
static void
wait_closed(unsigned keys, unsigned jobs)
{
    char sql[512];
    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %u)"
             " INSERT INTO jobs(id, pipeline, state, created_ms, updated_ms, due_ms, key)"
             " SELECT randomblob(16), 'orders', 2, 1000, 1000, 1000 + i, printf('closed%%04d', i %% %u) FROM n",
             jobs, keys);
    (void)number_of(sql);
    count_anew();
}

static void
however_many_of_one_key_wait_others_are_found(void **state)
{
    (void)state;
    struct job_accept older, younger, last;
    struct job_claim c;
    wait_closed(1, 3000);
    wait_since("orders", "zoo", 3000, &older);
    wait_since("orders", "ant", 2000, &younger);
    wait_since("orders", "zoo", 1000, &last);
    atomic_store(&full_for_all, false);
    atomic_store(&open_places, 2);
    assert_int_equal(claim_placed(&c, 10), 2);
    assert_string_equal(c.jobs->id, older.id);
    assert_string_equal(c.jobs->next->id, younger.id);
    job_claim_free(&c);
    assert_state(last.id, "ready");
    assert_int_equal(atomic_load(&left), 0);

    atomic_store(&open_places, 1);
    store_place_free(store, TEXT("orders"), TEXT("zoo"));
    assert_int_equal(claim_placed(&c, 10), 1);
    assert_string_equal(c.jobs->id, last.id);
    job_claim_free(&c);
}

static void
the_oldest_of_other_keys_come_first(void **state)
{
    (void)state;
    struct job_accept older, younger;
    struct job_claim c;
    wait_closed(1, 3000);
    wait_since("orders", "zoo", 2000, &older);
    wait_since("orders", "ant", 1000, &younger);
    atomic_store(&open_places, 5);
    assert_int_equal(claim_placed(&c, 1), 1);
    assert_string_equal(c.jobs->id, older.id);
    assert_int_equal(atomic_load(&entered) - atomic_load(&left), 1);
    job_claim_free(&c);
    assert_int_equal(claim_placed(&c, 1), 1);
    assert_string_equal(c.jobs->id, younger.id);
    job_claim_free(&c);
}

static void
a_look_from_key_to_key_goes_on_where_it_stopped(void **state)
{
    (void)state;
    struct job_accept job;
    struct job_claim c;
    unsigned claims = 1;
    wait_closed(2000, 4000);
    wait_since("orders", "zoo", 1000, &job);
    atomic_store(&open_places, 1);
    for (; claim_placed(&c, 10) == 0; claims++)
        usleep(1000); /* it rests between */
    assert_true(claims >= 2000 / 256);
    assert_string_equal(c.jobs->id, job.id);
    job_claim_free(&c);
}

static void
a_key_that_has_a_place_again_is_found_at_once(void **state)
{
    (void)state;
    struct job_claim c;
    wait_closed(2000, 4000);
    atomic_store(&open_places, 5);
    assert_int_equal(claim_placed(&c, 10), 0);
    assert_int_equal(claim_placed(&c, 10), 0);
    atomic_store(&opened, "closed1900");
    store_place_free(store, TEXT("orders"), TEXT("closed1900"));
    assert_int_equal(claim_placed(&c, 10), 2);
    assert_text(c.jobs->key, "closed1900");
    assert_text(c.jobs->next->key, "closed1900");
    job_claim_free(&c);
    assert_int_equal(atomic_load(&open_places), 3);
}

static void
on_due(void *arg)
{
    (*(unsigned *)arg)++;
}

static void
nobody_is_told_of_jobs_without_a_place(void **state)
{
    (void)state;
    struct job_accept job;
    struct job_claim c;
    unsigned woken = 0;
    wait_since("orders", "", 1000, &job);
    assert_int_equal(claim_placed(&c, 10), 0);
    store_wait(store, shard, on_due, &woken);
    store_sync(store);
    shard_turn(shard, 0);
    assert_int_equal(woken, 0);
    store_place_free(store, TEXT("orders"), TEXT(""));
    while (woken == 0)
        shard_turn(shard, 10000);
}

static void
a_job_that_waits_in_memory_has_not_begun(void **state)
{
    (void)state;
    struct job_accept waits = new_job(JOB_RUNNING), runs = new_job(JOB_RUNNING);
    waits.waits = true;
    accept_job(&waits);
    accept_job(&runs);
    store_again();
    assert_int_equal(number_of("SELECT sum(attempt * 10 + crashes) FROM jobs"), 11); /* of the other one alone */
    assert_state(waits.id, "ready");
    assert_state(runs.id, "ready");
}

static enum weir_code
begin(const char *id, bool *ret_held)
{
    struct job_begin b = { .held = false };
    snprintf(b.id, sizeof(b.id), "%s", id);
    enum weir_code code = run_op(&b.op, STORE_BEGIN);
    *ret_held = b.held;
    return code;
}

static void
it_begins_or_is_held(void **state)
{
    (void)state;
    bool held;
    struct job_accept one = new_job(JOB_RUNNING), two = new_job(JOB_RUNNING);
    one.waits = two.waits = true;
    accept_job(&one);
    accept_job(&two);
    assert_int_equal(begin(one.id, &held), WEIR_OK);
    assert_false(held);
    assert_int_equal(begin(one.id, &held), WEIR_CONFLICT);
    assert_int_equal(end_job(one.id, 1, JOB_COMPLETED, (struct job_failure){ 0 }), WEIR_OK);

    const struct weir_value *v = ask("pauses.make", "{\"pipeline\":\"orders\",\"who\":\"ann\"}");
    value_unref(&v);
    assert_int_equal(begin(two.id, &held), WEIR_OK);
    assert_true(held);
    assert_state(two.id, "held");
    assert_int_equal(begin("01890000-0000-7000-8000-000000000000", &held), WEIR_NOT_FOUND);
}

static void
jobs_that_were_cut_often_run_alone(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_RUNNING), b = new_job(JOB_RUNNING);
    struct job_claim c;
    atomic_store(&open_places, 100);
    accept_job(&a);
    accept_job(&b);
    store_again();
    assert_int_equal(claim_placed(&c, 10), 2); /* one crash says little */
    job_claim_free(&c);
    store_again();
    while (claim_placed(&c, 10) == 0) /* a moment passes after the second */
        usleep(1000);
    assert_int_equal(c.n, 1);
    char first[ID_UUID];
    memcpy(first, c.jobs->id, sizeof(first));
    job_claim_free(&c);
    assert_int_equal(claim_placed(&c, 10), 0);
    assert_int_equal(end_job(first, 3, JOB_COMPLETED, (struct job_failure){ 0 }), WEIR_OK);
    while (claim_placed(&c, 10) == 0) /* it was put off a little */
        usleep(1000);
    assert_string_not_equal(c.jobs->id, first);
    job_claim_free(&c);
}

static void
a_pipeline_without_places_is_looked_at_soon_once_more_of_its_jobs_wait(void **state)
{
    (void)state;
    struct stuck *s = stuck_new();
    stuck_note(s, TEXT("orders"), stuck_look(s), 3600000);
    stuck_changed(s, TEXT("mails"));
    assert_in_range(stuck_for(s, TEXT("orders"), true), 3000000, 3600000);
    stuck_changed(s, TEXT("orders"));
    assert_in_range(stuck_for(s, TEXT("orders"), true), 0, 10);
    stuck_changed(s, TEXT("orders")); /* none is noted any more, or it is that soon already */
    assert_in_range(stuck_for(s, TEXT("orders"), true), 0, 10);
    stuck_free(&s);
}

static void
jobs_of_a_free_key_do_not_wait_for_those_of_others(void **state)
{
    (void)state;
    struct job_accept closed, open, later = new_job(JOB_SCHEDULED);
    struct job_claim c;
    atomic_store(&open_places, 1);
    wait_since("orders", "closed", 2000, &closed);
    later.pipeline = TEXT("orders");
    later.key = TEXT("later");
    later.due_ms = clock_wall_ms() + 300;
    accept_job(&later);
    assert_int_equal(claim_placed(&c, 10), 0);
    assert_in_range(stuck_for(store->stuck, TEXT("orders"), true), 0, 300); /* a second, if there were no other */
    while (claim_placed(&c, 10) == 0)
        usleep(1000);
    assert_string_equal(c.jobs->id, later.id);
    job_claim_free(&c);

    assert_int_equal(claim_placed(&c, 10), 0);
    atomic_store(&open_places, 1);
    wait_since("orders", "open", 1000, &open);
    assert_in_range(stuck_for(store->stuck, TEXT("orders"), true), 0, 10);
    while (claim_placed(&c, 10) == 0)
        usleep(1000);
    assert_string_equal(c.jobs->id, open.id);
    job_claim_free(&c);
    assert_state(closed.id, "ready");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pipeline_without_a_place_is_stepped_over, set_up_places, tear_down),
        cmocka_unit_test_setup_teardown(a_key_without_a_place_is_stepped_over, set_up_places, tear_down),
        cmocka_unit_test_setup_teardown(the_place_of_a_job_that_an_older_one_displaces_is_left, set_up_places, tear_down),
        cmocka_unit_test_setup_teardown(however_many_of_one_key_wait_others_are_found, set_up_places, tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_of_other_keys_come_first, set_up_places, tear_down),
        cmocka_unit_test_setup_teardown(a_look_from_key_to_key_goes_on_where_it_stopped, set_up_places, tear_down),
        cmocka_unit_test_setup_teardown(a_key_that_has_a_place_again_is_found_at_once, set_up_places, tear_down),
        cmocka_unit_test_setup_teardown(nobody_is_told_of_jobs_without_a_place, set_up_places, tear_down),
        cmocka_unit_test_setup_teardown(a_job_that_waits_in_memory_has_not_begun, set_up_places, tear_down),
        cmocka_unit_test_setup_teardown(it_begins_or_is_held, set_up_places, tear_down),
        cmocka_unit_test_setup_teardown(jobs_that_were_cut_often_run_alone, set_up_places, tear_down),
        cmocka_unit_test(a_pipeline_without_places_is_looked_at_soon_once_more_of_its_jobs_wait),
        cmocka_unit_test_setup_teardown(jobs_of_a_free_key_do_not_wait_for_those_of_others, set_up_places, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
