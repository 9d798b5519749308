/* Jobs of one order key: one after another, whatever becomes of the first one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include "store/sql.h"

static const struct job_failure none;
static bool hold;

/* A job with that order key. */
static struct job_accept
job_of(const char *key, enum job_state state)
{
    struct job_accept a = new_job(state);
    a.order_key = text_of(key);
    a.order_hold = hold;
    accept_job(&a);
    return a;
}

static enum weir_code
ends(const struct job_accept *a, enum job_state state)
{
    const struct job_failure f = { WEIR_UPSTREAM, TEXT("book"), TEXT("no") };
    return end_job(a->id, 1, state, state == JOB_COMPLETED ? none : f);
}

/* Claims all that may run: it is the job ID alone; NULL: none. */
static void
claims(const char *id)
{
    struct job_claim c = { 0 };
    claim(&c, 10);
    assert_int_equal(c.n, id != NULL);
    if (id != NULL)
        assert_string_equal(c.jobs->id, id);
    job_claim_free(&c);
}

static void
one_runs_after_the_other_in_order(void **state)
{
    (void)state;
    hold = false;
    struct job_accept a = job_of("k", JOB_RUNNING), b = job_of("k", JOB_RUNNING),
                      c = job_of("k", JOB_READY), other = job_of("x", JOB_RUNNING),
                      free_one = job_of("", JOB_RUNNING);
    assert_false(a.blocked);
    assert_true(b.blocked);
    assert_true(c.blocked);
    assert_false(other.blocked);
    assert_false(free_one.blocked);
    assert_state(b.id, "blocked");
    claims(NULL);
    assert_int_equal(ends(&a, JOB_COMPLETED), WEIR_OK);
    claims(b.id);
    assert_state(c.id, "blocked");
    assert_int_equal(ends(&b, JOB_DEAD), WEIR_OK); /* and frees it */
    claims(c.id);
    struct job_accept d = job_of("k", JOB_RUNNING);
    assert_true(d.blocked);
    assert_int_equal(ends(&c, JOB_CANCELLED), WEIR_OK);
    claims(d.id);
    assert_int_equal(ends(&d, JOB_COMPLETED), WEIR_OK);
    struct job_accept e = job_of("k", JOB_RUNNING);
    assert_false(e.blocked); /* nobody is left */
    struct store_stats s;
    store_stats(store, &s);
    assert_int_equal(s.jobs[JOB_BLOCKED], 0);
    assert_int_equal(number_of("SELECT n FROM counts WHERE state = 11"), 0);
}

static void
a_first_one_that_will_be_tried_again_blocks(void **state)
{
    (void)state;
    hold = false;
    struct job_accept a = job_of("k", JOB_RUNNING), b = job_of("k", JOB_RUNNING);
    struct job_finish f = { .attempt = 1,
                            .state = JOB_RETRYABLE,
                            .due_ms = clock_wall_ms() + 3600000,
                            .failure = { WEIR_UPSTREAM, TEXT("book"), TEXT("no") } };
    memcpy(f.id, a.id, sizeof(f.id));
    assert_int_equal(run_op(&f.op, STORE_FINISH), WEIR_OK);
    claims(NULL);
    const struct weir_value *v = ask_of("jobs.cancel", b.id, BY_ANN); /* from the middle */
    value_unref(&v);
    struct job_accept c = job_of("k", JOB_RUNNING);
    assert_true(c.blocked);
    claims(NULL);
    v = ask_of("jobs.cancel", a.id, BY_ANN);
    assert_text(text_in(v, "state"), "cancelled");
    value_unref(&v);
    claims(c.id);
}

static void
the_line_outlives_the_process(void **state)
{
    (void)state;
    hold = false;
    struct job_accept a = job_of("k", JOB_RUNNING), b = job_of("k", JOB_RUNNING),
                      x = job_of("x", JOB_RUNNING), y = job_of("x", JOB_RUNNING);
    assert_int_equal(record_step(x.id, 1, "charge", true), WEIR_OK);
    store_again();
    assert_state(a.id, "ready"); /* it was cut, and goes on first */
    assert_state(b.id, "blocked");
    assert_state(x.id, "dead"); /* an unsafe step was cut: the next one goes on */
    assert_state(y.id, "ready");
    struct job_claim c = { 0 };
    claim(&c, 10);
    assert_int_equal(c.n, 2);
    job_claim_free(&c);
    assert_int_equal(end_job(a.id, 2, JOB_COMPLETED, none), WEIR_OK);
    claims(b.id);
}

static void
a_pause_holds_who_comes_to_be_first(void **state)
{
    (void)state;
    hold = false;
    struct job_accept a = job_of("k", JOB_RUNNING), b = job_of("k", JOB_RUNNING);
    const struct weir_value *v = ask("pauses.make", "{\"pipeline\":\"orders\",\"who\":\"ann\"}");
    assert_int_equal(number_in(v, "held"), 0);
    value_unref(&v);
    struct job_accept c = job_of("k", JOB_RUNNING);
    assert_true(c.blocked);
    assert_false(c.held);
    assert_int_equal(ends(&a, JOB_COMPLETED), WEIR_OK);
    assert_state(b.id, "held");
    claims(NULL);
    v = ask("pauses.end", "{\"pipeline\":\"orders\",\"who\":\"ann\"}");
    assert_int_equal(number_in(v, "released"), 1);
    value_unref(&v);
    claims(b.id);
    assert_state(c.id, "blocked");
}

/* Replays the job ID; the id of the new one. */
static void
replay(const char *id, char ret[ID_UUID])
{
    const struct weir_value *v = ask_of("jobs.replay", id, BY_ANN);
    if (v == NULL)
        fail_msg("%s", err.text);
    snprintf(ret, ID_UUID, "%.*s", (int)text_in(v, "id").len, text_in(v, "id").bytes);
    value_unref(&v);
}

static void
a_dead_one_holds_its_key_if_it_is_to(void **state)
{
    (void)state;
    char id[ID_UUID];
    hold = true;
    struct job_accept a = job_of("k", JOB_RUNNING), b = job_of("k", JOB_RUNNING);
    assert_int_equal(ends(&a, JOB_DEAD), WEIR_OK);
    claims(NULL);
    struct job_accept c = job_of("k", JOB_RUNNING);
    assert_true(c.blocked);
    const struct weir_value *v = ask_of("jobs.show", a.id, "");
    assert_true(value_field(v, "holds")->boolean);
    assert_text(text_in(v, "order_key"), "k");
    value_unref(&v);
    store_again();
    claims(NULL);

    replay(a.id, id); /* it takes the place, and dies, too */
    claims(id);
    assert_int_equal(end_job(id, 1, JOB_DEAD, (struct job_failure){ .code = WEIR_UPSTREAM }), WEIR_OK);
    claims(NULL);
    char again[ID_UUID];
    replay(id, again);
    v = ask_of("jobs.cancel", again, BY_ANN); /* the place goes back */
    value_unref(&v);
    claims(NULL);
    replay(id, again);
    claims(again);
    assert_int_equal(end_job(again, 1, JOB_COMPLETED, none), WEIR_OK);
    claims(b.id);
    assert_int_equal(ends(&b, JOB_DEAD), WEIR_OK);
    claims(NULL);
    v = ask_of("jobs.discard", b.id, BY_ANN);
    assert_text(text_in(v, "state"), "discarded");
    value_unref(&v);
    claims(c.id);
}

/* Each replay of an event finds the place, whichever of them holds it. */
static void
an_ancestor_takes_its_place_again(void **state)
{
    (void)state;
    char ids[5][ID_UUID];
    hold = true;
    struct job_accept a = job_of("k", JOB_RUNNING), b = job_of("k", JOB_RUNNING);
    assert_int_equal(ends(&a, JOB_DEAD), WEIR_OK);
    const char *of[] = { a.id, a.id, ids[0], ids[1], a.id };
    for (unsigned i = 0; i < 5; i++) {
        replay(of[i], ids[i]);
        claims(ids[i]);
        bool last = i == 4;
        struct job_failure f = { .code = last ? WEIR_OK : WEIR_UPSTREAM };
        assert_int_equal(end_job(ids[i], 1, last ? JOB_COMPLETED : JOB_DEAD, f), WEIR_OK);
        claims(last ? b.id : NULL);
    }
}

/* While one of them runs, another waits for its end. */
static void
a_place_is_not_taken_from_one_that_runs(void **state)
{
    (void)state;
    char one[ID_UUID], other[ID_UUID], third[ID_UUID], fourth[ID_UUID];
    hold = true;
    struct job_accept a = job_of("k", JOB_RUNNING);
    assert_int_equal(ends(&a, JOB_DEAD), WEIR_OK);
    replay(a.id, one);
    claims(one);
    assert_int_equal(end_job(one, 1, JOB_DEAD, (struct job_failure){ .code = WEIR_UPSTREAM }), WEIR_OK);
    replay(a.id, other);
    claims(other);
    assert_int_equal(end_job(other, 1, JOB_DEAD, (struct job_failure){ .code = WEIR_UPSTREAM }), WEIR_OK);
    replay(one, third);
    claims(third);
    replay(other, fourth);
    assert_state(fourth, "blocked");
    claims(NULL);
    assert_int_equal(end_job(third, 1, JOB_COMPLETED, none), WEIR_OK);
    claims(fourth);
}

static void
a_replay_of_one_that_has_let_go_stands_at_the_end(void **state)
{
    (void)state;
    char id[ID_UUID];
    hold = false;
    struct job_accept a = job_of("k", JOB_RUNNING), b = job_of("k", JOB_RUNNING);
    assert_int_equal(ends(&a, JOB_DEAD), WEIR_OK);
    replay(a.id, id);
    assert_state(id, "blocked");
    claims(b.id);
    assert_int_equal(ends(&b, JOB_COMPLETED), WEIR_OK);
    claims(id);
}

static uint64_t now_ms;

static uint64_t
wall(void)
{
    return now_ms;
}

static void
one_that_holds_is_not_removed(void **state)
{
    (void)state;
    hold = true;
    struct job_accept a = job_of("k", JOB_RUNNING), b = job_of("k", JOB_RUNNING),
                      lone = new_job(JOB_RUNNING);
    accept_job(&lone);
    assert_int_equal(ends(&a, JOB_DEAD), WEIR_OK);
    assert_int_equal(ends(&lone, JOB_DEAD), WEIR_OK);
    store_close(&store);
    now_ms = clock_wall_ms() + 1000000;
    config.keep = (struct store_keep){ .dead_ms = 1000, .look_ms = 20, .wall_ms = wall };
    store_up();
    for (uint64_t end = clock_mono_ms() + 20000; number_of("SELECT count(*) FROM jobs") > 2;)
        if (clock_mono_ms() > end)
            fail_msg("nothing is removed");
    assert_state(a.id, "dead");
    assert_state(b.id, "blocked");
}

/* Steps of SQLite's machine that STATEMENT takes to its end, with those parameters. */
static int
cost(const char *statement, const char *pipeline, int64_t number)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, statement, -1, &s, NULL), SQLITE_OK);
    sqlite3_bind_text(s, 1, pipeline, -1, SQLITE_STATIC);
    if (number != 0)
        sqlite3_bind_int64(s, 2, number);
    else
        sqlite3_bind_text(s, 2, "k", -1, SQLITE_STATIC);
    while (sqlite3_step(s) == SQLITE_ROW)
        continue;
    int steps = sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return steps;
}

static const char *
text_of_sql(enum sql which)
{
    static const char *const texts[] = {
#define X(name, text) [SQL_##name] = text,
        STATEMENTS(X)
#undef X
    };
    return texts[which];
}

static void
a_claim_costs_the_same_however_many_are_blocked(void **state)
{
    (void)state;
    hold = false;
    const char *due = text_of_sql(SQL_DUE), *next = text_of_sql(SQL_NEXT_PIPELINE),
               *head = text_of_sql(SQL_LINE_HEAD);
    struct job_accept a = job_of("k", JOB_READY), b = job_of("k", JOB_READY);
    assert_true(b.blocked);
    int before[] = { cost(due, "orders", INT64_MAX), cost(next, "", 1), cost(head, "orders", 0) };
    (void)number_of("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
                    " INSERT INTO jobs(id, pipeline, state, created_ms, updated_ms, due_ms, order_key,"
                    " place) SELECT randomblob(16), 'orders', 11, 1, 1, 1, 'k', 100 + i FROM n");
    count_anew();
    assert_int_equal(cost(due, "orders", INT64_MAX), before[0]);
    assert_int_equal(cost(next, "", 1), before[1]);
    assert_int_equal(cost(head, "orders", 0), before[2]);
    claims(a.id);
    assert_int_equal(ends(&a, JOB_COMPLETED), WEIR_OK);
    claims(b.id);
}

static void
a_key_has_a_bound(void **state)
{
    (void)state;
    static char key[2000];
    memset(key, 'k', sizeof(key) - 1);
    struct job_accept a = new_job(JOB_READY);
    a.order_key = text_of(key);
    assert_int_equal(run_op(&a.op, STORE_ACCEPT), WEIR_INVALID);
    assert_non_null(strstr(err.text, "order key"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(one_runs_after_the_other_in_order),
        TEST(a_first_one_that_will_be_tried_again_blocks),
        TEST(the_line_outlives_the_process),
        TEST(a_pause_holds_who_comes_to_be_first),
        TEST(a_dead_one_holds_its_key_if_it_is_to),
        TEST(an_ancestor_takes_its_place_again),
        TEST(a_place_is_not_taken_from_one_that_runs),
        TEST(a_replay_of_one_that_has_let_go_stands_at_the_end),
        TEST(one_that_holds_is_not_removed),
        TEST(a_claim_costs_the_same_however_many_are_blocked),
        TEST(a_key_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
