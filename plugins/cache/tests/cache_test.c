/* cache/tests/cache_test.c - what cache/README.md promises, in one process: hits, who waits for whom, stale
 * values, bounds, sharing, and what is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache_stage.h"

static void
a_hit_answers_without_the_block(void **state)
{
    (void)state;
    load("hits", "ttl: 1h", FRESH);
    char *first = answer("POST /hits/a", NULL, 200);
    expect_same("POST /hits/a", NULL, first, true);
    expect_same("POST /hits/b", NULL, first, false);
    expect_same("POST /hits/a", NULL, first, true);
    assert_int_equal(runs_of("hits"), 2);
    assert_int_equal(RESULT("hits", "hit"), 2);
    assert_int_equal(RESULT("hits", "miss"), 2);
    free(first);
}

static void
what_is_past_its_ttl_is_made_anew(void **state)
{
    (void)state;
    load("short", "ttl: 40ms", FRESH);
    char *first = answer("POST /short/a", NULL, 200);
    let_pass(40);
    expect_same("POST /short/a", NULL, first, false);
    assert_int_equal(runs_of("short"), 2);
    free(first);
}

static void
any_value_comes_back_as_it_was(void **state)
{
    (void)state;
    load("values", "ttl: 1h",
         "      - set: { i: 9007199254740993, d: 1.0, n: null, s: \"\\0\\u20ac\", "
         "l: [true, {}], b: \"${ base64.decode('AP8=') }\" }\n");
    char *first = answer("POST /values/a", NULL, 200);
    assert_non_null(strstr(first, "\"i\":9007199254740993,\"d\":1.0,\"n\":null"));
    assert_non_null(strstr(first, "\"b\":\"AP8=\""));
    expect_same("POST /values/a", NULL, first, true);
    assert_int_equal(runs_of("values"), 1);
    free(first);
    load("nothing", "ttl: 1h", "      - set: ${ request.body?.none ?? null }\n");
    free(answer("POST /nothing/a", "{}", 204));
    free(answer("POST /nothing/a", "{}", 204));
    assert_int_equal(runs_of("nothing"), 1);
}

static void
fifty_calls_at_once_run_the_block_once(void **state)
{
    (void)state;
    struct play *p[CALLS];
    load("many", "ttl: 1h", SLOW);
    begin_all(p, "POST /many/a", "{\"gate\":true}");
    await_held(1);
    open_gate();
    finish_all(p, 200, true);
    assert_int_equal(runs_of("many"), 1);
    assert_int_equal(RESULT("many", "miss"), 1);
    assert_int_equal(RESULT("many", "wait"), CALLS - 1);
}

static void
a_failure_is_that_of_all_who_wait_and_is_not_kept(void **state)
{
    (void)state;
    struct play *p[CALLS];
    load("fails", "ttl: 1h", SLOW);
    begin_all(p, "POST /fails/a", "{\"gate\":true,\"fail\":true}");
    await_held(1);
    open_gate();
    finish_all(p, 500, false);
    assert_int_equal(runs_of("fails"), 1);
    free(answer("POST /fails/a", "{}", 200));
    assert_int_equal(runs_of("fails"), 2);
}

static void
if_the_leader_goes_the_next_one_leads(void **state)
{
    (void)state;
    struct play *p[3];
    load("leader", "ttl: 1h", SLOW);
    for (unsigned i = 0; i < 3; i++)
        p[i] = stage_begin("POST /leader/a", "{\"gate\":true}", NULL);
    await_held(1);
    engine_gone(&p[1]->event); /* a waiter only leaves */
    stage_finish(p[1]);
    assert_int_equal(runs_of("leader"), 1);
    engine_gone(&p[0]->event);
    stage_finish(p[0]);
    await_held(1);
    assert_int_equal(runs_of("leader"), 2);
    open_gate();
    stage_finish(p[2]);
    assert_int_equal(p[2]->status, 200);
    for (unsigned i = 0; i < 3; i++)
        stage_end(&p[i]);
    assert_int_equal(RESULT("leader", "miss"), 1);
}

static void
all_may_go_and_the_next_call_begins_anew(void **state)
{
    (void)state;
    struct play *p[CALLS];
    load("gone", "ttl: 1h", SLOW);
    for (unsigned order = 0; order < 2; order++) {
        begin_all(p, "POST /gone/a", "{\"gate\":true}");
        await_held(1);
        for (unsigned i = 0; i < CALLS; i++)
            engine_gone(&p[order ? CALLS - 1 - i : i]->event);
        for (unsigned i = 0; i < CALLS; i++) {
            stage_finish(p[i]);
            stage_end(&p[i]);
        }
    }
    free(answer("POST /gone/a", "{}", 200));
}

static void
a_leader_out_of_time_hands_the_lead_on(void **state)
{
    (void)state;
    struct play *p[2];
#define LATE(name, more)                                                \
    "name: " name "\ntrigger: { webhook: /" name " }\nsteps:\n"         \
    "  - cache: { name: late, key: k, ttl: 1h }\n" more "    do:\n"     \
    "      - metrics: { counter: runs_late_total }\n      - gate: {}\n" \
    "      - set: done\n"
    stage_load(LATE("late", "    timeout: 30ms\n"), LATE("patient", ""), NULL);
    p[0] = stage_begin("POST /late", NULL, NULL);
    p[1] = stage_begin("POST /patient", NULL, NULL);
    stage_finish(p[0]);
    assert_int_equal(p[0]->status, 504);
    await_held(1);
    open_gate();
    stage_finish(p[1]);
    assert_int_equal(p[1]->status, 200);
    assert_int_equal(runs_of("late"), 2);
    stage_end(&p[0]);
    stage_end(&p[1]);
}

static void
a_stale_value_answers_when_the_block_fails(void **state)
{
    (void)state;
    struct play *p[CALLS];
    load("stale", "ttl: 20ms, stale_if_error: 1h", SLOW);
    char *first = answer("POST /stale/a", "{}", 200);
    let_pass(20);
    expect_same("POST /stale/a", "{\"fail\":true}", first, true);
    begin_all(p, "POST /stale/a", "{\"gate\":true,\"fail\":true}");
    await_held(1);
    open_gate();
    finish_all(p, 200, true);
    assert_int_equal(RESULT("stale", "stale"), 1 + CALLS);
    expect_same("POST /stale/a", "{}", first, false);
    free(first);
    load("nostale", "ttl: 20ms", SLOW);
    free(answer("POST /nostale/a", "{}", 200));
    let_pass(20);
    free(answer("POST /nostale/a", "{\"fail\":true}", 500));
    load("staler", "ttl: 20ms, stale_if_error: 20ms", SLOW);
    free(answer("POST /staler/a", "{}", 200));
    let_pass(40);
    free(answer("POST /staler/a", "{\"fail\":true}", 500));
}

static void
an_error_of_the_caller_has_no_stale_answer(void **state)
{
    (void)state;
    load("callers", "ttl: 20ms, stale_if_error: 1h",
         "      - foreach: ${ request.body }\n        do: [ { set: 1 } ]\n");
    free(answer("POST /callers/a", "[1]", 200));
    let_pass(20);
    struct play *p = stage_play("POST /callers/a", "{}"); /* no list: invalid */
    assert_true(p->status == 400 || p->status == 422);
    stage_end(&p);
}

static void
what_only_looks_like_an_answer_is_a_value(void **state)
{
    (void)state;
    load("looks", "ttl: 1h", "      - set: { status: 404, headers: {}, body: x }\n");
    for (unsigned i = 0; i < 2; i++)
        stage_expect("GET /looks/a", NULL, 200,
                     "{\"status\":404,\"headers\":{},\"body\":\"x\"}");
    assert_int_equal(runs_of("looks"), 1);
}

/* -- bounds -- */

static void
what_is_too_large_is_not_kept(void **state)
{
    (void)state;
    load("large", "ttl: 1h, max_entry: 200", "      - set: ${ request.body }\n");
    char body[300];
    memset(body, 'x', sizeof body);
    body[0] = body[250] = '"';
    body[251] = '\0';
    free(answer("POST /large/a", body, 200));
    free(answer("POST /large/a", body, 200));
    assert_int_equal(runs_of("large"), 2);
    assert_int_equal(REASON("large", "large"), 2);
    free(answer("POST /large/b", "\"small\"", 200));
    free(answer("POST /large/b", "\"small\"", 200));
    assert_int_equal(runs_of("large"), 3);
}

static void
what_was_used_longest_ago_makes_room(void **state)
{
    (void)state;
    char line[64];
    load("room", "ttl: 1h, max_bytes: 8KiB", FRESH);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(line, sizeof line, "POST /room/k%u", i);
        free(answer(line, NULL, 200));
        free(answer("POST /room/k0", NULL, 200));
    }
    assert_int_equal(runs_of("room"), 100); /* k0 was always in use */
    free(answer("POST /room/k1", NULL, 200));
    assert_int_equal(runs_of("room"), 101);
}

/* -- nesting, sharing -- */

static void
a_cache_in_itself_does_not_wait_for_itself(void **state)
{
    (void)state;
    const char *inner = "name: inner\ntrigger: { webhook: /inner }\nsteps:\n"
                        "  - cache: { name: self, key: k }\n    do: [ { set: 7 } ]\n";
    stage_load("name: nested\ntrigger: { webhook: /nested }\nsteps:\n"
               "  - cache: { name: self, key: k }\n    do:\n      - call: inner\n",
               inner, NULL);
    stage_expect("POST /nested", "{}", 200, "7");
}

static void
two_runs_do_not_wait_for_each_other(void **state)
{
    (void)state;
    struct play *p[2];
    stage_load("name: crossed\ntrigger: { webhook: /crossed }\nsteps:\n"
               "  - cache: { name: crossed, key: \"${ request.body.a }\" }\n    do:\n"
               "      - gate: {}\n"
               "      - cache: { name: crossed, key: \"${ request.body.b }\" }\n        do:\n"
               "          - set: 8\n",
               NULL);
    p[0] = stage_begin("POST /crossed", "{\"a\":1,\"b\":2}", NULL);
    p[1] = stage_begin("POST /crossed", "{\"a\":2,\"b\":1}", NULL);
    await_held(2);
    open_gate();
    for (unsigned i = 0; i < 2; i++) {
        stage_finish(p[i]);
        assert_string_equal(p[i]->body, "8");
        stage_end(&p[i]);
    }
}

static void
pipelines_share_by_name_and_over_a_reload(void **state)
{
    (void)state;
    char one[1024], two[1024];
    write_yaml(one, sizeof one, "shared", "ttl: 1h", FRESH);
    snprintf(two, sizeof two,
             "name: other\ntrigger: { webhook: /other }\nsteps:\n"
             "  - cache_get: { name: shared, key: a }\n");
    stage_load(one, two, NULL);
    char *first = answer("POST /shared/a", NULL, 200);
    expect_same("POST /other", NULL, first, true);
    stage_load(one, NULL);
    expect_same("POST /shared/a", NULL, first, true);
    free(first);
    stage_load("name: unnamed\ntrigger: { webhook: /u }\nsteps:\n"
               "  - id: step\n    cache: { key: k }\n    do: [ { set: 1 } ]\n",
               NULL);
    stage_expect("POST /u", NULL, 200, "1");
    assert_int_equal(RESULT("unnamed/step", "miss"), 1);
}

/* -- what is refused -- */

static void
expect_refused(const char *step, const char *why)
{
    stage_refuses(why, "name: x\ntrigger: { webhook: /x }\nsteps:\n  - %s\n", step);
}

static void
what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        { "{ cache: { ttl: 1s }, do: [ { set: 1 } ] }", "key" },
        { "{ cache: { key: k } }", "do" },
        { "{ cache: { key: k, ttl: 0s }, do: [ { set: 1 } ] }", "longer than 0s" },
        { "{ cache: { key: k, ttl: 400d }, do: [ { set: 1 } ] }", "366d" },
        { "{ cache: { key: k, stale_if_error: 400d }, do: [ { set: 1 } ] }", "366d" },
        { "{ cache: { key: k, store: \"http://x\" }, do: [ { set: 1 } ] }", "redis://" },
        { "{ cache: { key: k, max_bytes: 1 }, do: [ { set: 1 } ] }", "max_bytes" },
        { "{ cache: { key: k, tll: 1s }, do: [ { set: 1 } ] }", "did you mean 'ttl'" },
        { "{ cache_get: { key: k } }", "name" },
        { "{ cache_set: { name: n } }", "key" },
        { "{ cache_drop: { key: k } }", "name" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_refused(bad[i][0], bad[i][1]);
}

static void
an_empty_key_is_an_error(void **state)
{
    (void)state;
    stage_load("name: empty\ntrigger: { webhook: /x }\nsteps:\n"
               "  - cache: { key: \"${ request.body?.key ?? '' }\" }\n    do: [ { set: 1 } ]\n",
               NULL);
    struct play *p = stage_play("POST /x", "{}");
    assert_int_equal(p->status, 400);
    assert_non_null(strstr(p->body, "the 'key' of the cache is empty"));
    stage_end(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hit_answers_without_the_block),
        cmocka_unit_test(what_is_past_its_ttl_is_made_anew),
        cmocka_unit_test(any_value_comes_back_as_it_was),
        cmocka_unit_test(fifty_calls_at_once_run_the_block_once),
        cmocka_unit_test(a_failure_is_that_of_all_who_wait_and_is_not_kept),
        cmocka_unit_test(if_the_leader_goes_the_next_one_leads),
        cmocka_unit_test(all_may_go_and_the_next_call_begins_anew),
        cmocka_unit_test(a_leader_out_of_time_hands_the_lead_on),
        cmocka_unit_test(a_stale_value_answers_when_the_block_fails),
        cmocka_unit_test(an_error_of_the_caller_has_no_stale_answer),
        cmocka_unit_test(what_only_looks_like_an_answer_is_a_value),
        cmocka_unit_test(what_is_too_large_is_not_kept),
        cmocka_unit_test(what_was_used_longest_ago_makes_room),
        cmocka_unit_test(a_cache_in_itself_does_not_wait_for_itself),
        cmocka_unit_test(two_runs_do_not_wait_for_each_other),
        cmocka_unit_test(pipelines_share_by_name_and_over_a_reload),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(an_empty_key_is_an_error),
    };
    return cmocka_run_group_tests(tests, open_stage, stage_close);
}
