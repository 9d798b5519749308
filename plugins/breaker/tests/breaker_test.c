/* breaker/tests/breaker_test.c - what breaker/README.md promises, on one shard.
 *
 * A breaker lives as long as the process: each test has one of its own name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define HEAD "name: guarded\ntrigger: { webhook: /x }\nsteps:\n  - id: guard\n    breaker: "
/* Takes request.body.ms milliseconds, and fails if request.body.fail is true. */
#define STEPS                                        \
    "    do:\n"                                      \
    "      - delay: ${ request.body?.ms ?? 0 }ms\n"  \
    "      - if: ${ request.body?.fail ?? false }\n" \
    "        set: ${ request.body.missing }\n"       \
    "      - set: fine\n"
#define FALLBACK      \
    "    fallback:\n" \
    "      - set: \"${ error.code }/${ error.status }: ${ error.message }\"\n"

/* A string, as an answer has it. */
#define JSON(text) "\"" text "\""

#define GOOD "POST /x", "{}", 200, JSON("fine")
#define BAD "POST /x", "{\"fail\":true}"

static double
state_of(const char *name)
{
    char series[128];
    snprintf(series, sizeof series, "weir_breaker_state{breaker=\"%s\"}", name);
    return stage_metric(series);
}

static double
calls_of(const char *name, const char *result)
{
    char series[128];
    snprintf(series, sizeof series, "weir_breaker_calls_total{breaker=\"%s\",result=\"%s\"}",
             name, result);
    return stage_metric(series);
}

static void
fail_times(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        stage_expect(BAD, 500, NULL);
}

/* Turns the loop until the breaker is in STATE. */
static void
await_state(const char *name, double wanted)
{
    uint64_t end = clock_mono_ms() + 10000;
    while (state_of(name) < wanted || state_of(name) > wanted) {
        assert_true(clock_mono_ms() < end);
        stage_turn(5);
    }
}

static void
it_opens_and_tells_when_to_come_back(void **state)
{
    (void)state;
    stage_load(HEAD "{ name: opens, reset_after: 60s }\n" STEPS, NULL);
    stage_expect(GOOD);
    fail_times(4);
    assert_true(state_of("opens") > 1.5); /* 4 of 5 */
    struct play *p = stage_play("POST /x", "{}");
    assert_int_equal(p->status, 503);
    assert_non_null(strstr(p->body, "breaker 'opens' is open"));
    assert_string_equal(stage_header(p, "Retry-After"), "60");
    stage_end(&p);
    assert_int_equal(calls_of("opens", "failure"), 4);
    assert_int_equal(calls_of("opens", "success"), 1);
    assert_int_equal(calls_of("opens", "rejected"), 1);
}

static void
it_closes_again_after_one_good_call(void **state)
{
    (void)state;
    stage_load(HEAD "{ name: closes, reset_after: 30ms, volume: 1 }\n" STEPS, NULL);
    fail_times(1);
    stage_expect("POST /x", "{}", 503, NULL);
    await_state("closes", 1);
    struct play *probe = stage_begin("POST /x", "{\"ms\":50}", NULL);
    stage_turn(0);
    for (unsigned i = 0; i < 10; i++) {
        struct play *p = stage_play("POST /x", "{}");
        assert_int_equal(p->status, 503);
        assert_string_equal(stage_header(p, "Retry-After"), "1");
        stage_end(&p);
    }
    stage_finish(probe);
    assert_int_equal(probe->status, 200);
    stage_end(&probe);
    assert_true(state_of("closes") < 0.5);
    stage_expect(GOOD);
    assert_int_equal(
        stage_metric("weir_breaker_transitions_total{breaker=\"closes\",to=\"half_open\"}"), 1);
}

static void
a_probe_that_fails_opens_it_again(void **state)
{
    (void)state;
    stage_load(HEAD "{ name: again, reset_after: 30ms, volume: 1 }\n" STEPS, NULL);
    fail_times(1);
    await_state("again", 1);
    fail_times(1);
    assert_true(state_of("again") > 1.5);
    await_state("again", 1);
    stage_expect(GOOD);
}

static void
a_probe_whose_caller_leaves_makes_room_for_the_next(void **state)
{
    (void)state;
    stage_load(HEAD "{ name: leaves, reset_after: 30ms, volume: 1 }\n" STEPS, NULL);
    fail_times(1);
    await_state("leaves", 1);
    for (unsigned i = 0; i < 3; i++) {
        struct play *probe = stage_begin("POST /x", "{\"ms\":3600000}", NULL);
        stage_turn(0);
        stage_expect("POST /x", "{}", 503, NULL);
        engine_gone(&probe->event);
        stage_finish(probe);
        stage_end(&probe);
    }
    stage_expect(GOOD);
    assert_true(state_of("leaves") < 0.5);
}

static void
the_fallback_runs_once_with_the_error(void **state)
{
    (void)state;
    stage_load(HEAD "{ name: falls, reset_after: 60s, volume: 2 }\n" STEPS FALLBACK, NULL);
    stage_expect(BAD, 200, JSON("script/500: request.body has no field 'missing'"));
    stage_expect(BAD, 200, JSON("script/500: request.body has no field 'missing'"));
    stage_expect("POST /x", "{}", 200, JSON("unavailable/503: breaker 'falls' is open"));
}

static void
the_error_of_a_fallback_is_the_callers(void **state)
{
    (void)state;
    stage_load(HEAD "{ name: twice, volume: 100 }\n" STEPS
                    "    fallback:\n      - set: ${ request.body.nope }\n"
                    "    catch:\n      - set: \"${ error.node }: ${ error.code }\"\n",
               NULL);
    struct play *p = stage_play("POST /x", "{\"fail\":true}");
    assert_int_equal(p->status, 200);
    assert_non_null(strstr(p->body, ": script"));
    assert_null(strstr(p->body, "guard:"));
    stage_end(&p);
    assert_int_equal(calls_of("twice", "failure"), 1);
}

static void
the_nearest_error_is_meant(void **state)
{
    (void)state;
    stage_load(HEAD "{ name: nearest, volume: 100 }\n" STEPS "    fallback:\n"
                    "      - id: inner\n"
                    "        set: ${ request.body.nope }\n"
                    "        catch:\n"
                    "          - set: \"${ error.node }\"\n"
                    "      - set: \"${ steps.inner }, ${ error.node }\"\n",
               NULL);
    stage_expect(BAD, 200, JSON("inner, guard"));
}

static void
a_timeout_ends_the_steps_and_counts_as_failure(void **state)
{
    (void)state;
    stage_load(HEAD
               "{ name: slow, timeout: 20ms, volume: 2, reset_after: 60s }\n"
               "    do:\n      - delay: 1h\n        catch: []\n      - set: late\n" FALLBACK,
               NULL);
    const char *text = JSON("timeout/504: breaker 'slow': its steps took longer than 20 ms");
    stage_expect("POST /x", "{}", 200, text);
    stage_expect("POST /x", "{}", 200, text);
    stage_expect("POST /x", "{}", 200, JSON("unavailable/503: breaker 'slow' is open"));
    assert_int_equal(calls_of("slow", "timeout"), 2);
    assert_int_equal(calls_of("slow", "failure"), 0);
}

static void
a_timeout_without_a_fallback_is_the_nodes_error(void **state)
{
    (void)state;
    stage_load(HEAD "{ name: bare, timeout: 20ms }\n    do:\n      - delay: 1h\n", NULL);
    struct play *p = stage_play("POST /x", "{}");
    assert_int_equal(p->status, 504);
    assert_non_null(strstr(p->body, "took longer than 20 ms"));
    stage_end(&p);
}

static void
a_timeout_inside_is_a_failure_and_no_timeout_of_the_breaker(void **state)
{
    (void)state;
    stage_load(HEAD "{ name: inside, timeout: 10s }\n"
                    "    do:\n      - delay: 1h\n        timeout: 10ms\n",
               NULL);
    stage_expect("POST /x", "{}", 504, NULL);
    assert_int_equal(calls_of("inside", "failure"), 1);
    assert_int_equal(calls_of("inside", "timeout"), 0);
}

static void
a_deadline_around_it_counts_as_timeout(void **state)
{
    (void)state;
    stage_load(HEAD "{ name: around, volume: 1, reset_after: 60s }\n" STEPS
                    "    timeout: 20ms\n",
               NULL);
    stage_expect("POST /x", "{\"ms\":3600000}", 504, NULL);
    assert_int_equal(calls_of("around", "timeout"), 1);
    assert_true(state_of("around") > 1.5);
    stage_load("name: whole\ntimeout: 20ms\ntrigger: { webhook: /x }\nsteps:\n"
               "  - foreach: [1]\n    do:\n      - breaker: whole\n        do:\n"
               "          - delay: 1h\n",
               NULL);
    stage_expect("POST /x", "{}", 504, NULL);
    assert_int_equal(calls_of("whole", "timeout"), 1);
}

static void
a_caller_that_leaves_counts_as_nothing(void **state)
{
    (void)state;
    stage_load(HEAD "{ name: gone, volume: 1 }\n" STEPS, NULL);
    for (unsigned i = 0; i < 5; i++)
        stage_leave("POST /x", "{\"ms\":3600000}");
    assert_true(state_of("gone") < 0.5);
    assert_int_equal(calls_of("gone", "failure") + calls_of("gone", "timeout"), 0);
}

static void
calls_above_the_capacity_are_rejected(void **state)
{
    (void)state;
    stage_load(HEAD "{ name: narrow, capacity: 2, volume: 1 }\n" STEPS FALLBACK, NULL);
    struct play *p[2];
    for (unsigned i = 0; i < 2; i++)
        p[i] = stage_begin("POST /x", "{\"ms\":20}", NULL);
    stage_turn(0);
    for (unsigned i = 0; i < 3; i++)
        stage_expect("POST /x", "{}", 200,
                     JSON("unavailable/503: breaker 'narrow' has as many calls under way as "
                          "its capacity"));
    for (unsigned i = 0; i < 2; i++) {
        stage_finish(p[i]);
        assert_string_equal(p[i]->body, JSON("fine"));
        stage_end(&p[i]);
    }
    stage_expect(GOOD);
    assert_int_equal(calls_of("narrow", "full"), 3);
    assert_true(state_of("narrow") < 0.5);
}

static void
what_is_ignored_counts_as_success_and_has_no_fallback(void **state)
{
    (void)state;
    stage_load(HEAD "{ name: ignores, volume: 1, ignore: [script, 404] }\n" STEPS FALLBACK,
               NULL);
    fail_times(5);
    assert_true(state_of("ignores") < 0.5);
    assert_int_equal(calls_of("ignores", "ignored"), 5);
    stage_load(HEAD "{ name: by_status, volume: 1, ignore: [500] }\n" STEPS FALLBACK, NULL);
    fail_times(5);
    stage_load(HEAD "{ name: not_this, volume: 1, ignore: [501, upstream] }\n" STEPS FALLBACK,
               NULL);
    stage_expect(BAD, 200, NULL);
    assert_true(state_of("not_this") > 1.5);
}

static void
an_error_of_the_caller_is_no_failure(void **state)
{
    (void)state;
    stage_load(
        HEAD
        "{ name: callers, volume: 1 }\n"
        "    do:\n      - foreach: ${ request.body }\n        do: [ { set: 1 } ]\n" FALLBACK,
        NULL);
    for (unsigned i = 0; i < 3; i++) {
        struct play *p = stage_play("POST /x", "{}"); /* no list: invalid */
        assert_true(p->status == 400 || p->status == 422);
        stage_end(&p);
    }
    assert_true(state_of("callers") < 0.5);
}

static void
it_is_kept_over_a_reload_and_takes_new_options(void **state)
{
    (void)state;
    stage_load(HEAD "{ name: kept, volume: 1, reset_after: 60s }\n" STEPS, NULL);
    fail_times(1);
    stage_load(HEAD "{ name: kept, volume: 1, reset_after: 60s }\n" STEPS, NULL);
    stage_expect("POST /x", "{}", 503, NULL);
    stage_load(HEAD "{ name: kept, volume: 1, reset_after: 30ms }\n" STEPS, NULL);
    await_state("kept", 1);
    stage_expect(GOOD);
    assert_true(state_of("kept") < 0.5);
}

static void
pipelines_share_it_by_name(void **state)
{
    (void)state;
    stage_load(
        HEAD "{ name: shared, volume: 1, reset_after: 60s }\n" STEPS,
        "name: other\ntrigger: { webhook: /y }\nsteps:\n"
        "  - breaker: { name: shared, volume: 1, reset_after: 60s }\n    do:\n      - set: y\n"
        "  - if: ${ false }\n    breaker: another\n    do:\n      - set: z\n",
        NULL);
    stage_expect("POST /y", "{}", 200, JSON("y"));
    fail_times(2);
    stage_expect("POST /y", "{}", 503, NULL);
    assert_true(state_of("another") < 0.5);
}

static void
each_change_is_logged(void **state)
{
    (void)state;
    stage_load(HEAD "{ name: logged, volume: 1, reset_after: 20ms }\n" STEPS, NULL);
    free(stage_log());
    fail_times(1);
    await_state("logged", 1);
    stage_turn(5);
    stage_expect(GOOD);
    char *log = stage_log();
    assert_non_null(strstr(log, "breaker 'logged' is open: 1 of 1 calls failed"));
    assert_non_null(strstr(log, "breaker 'logged' is half-open"));
    assert_non_null(strstr(log, "breaker 'logged' is closed"));
    assert_non_null(strstr(log, "\"pipeline\":\"guarded\""));
    free(log);
}

static void
it_becomes_half_open_by_itself_also_over_a_reload(void **state)
{
    (void)state;
    const char *series = "weir_breaker_transitions_total{breaker=\"alone\",to=\"half_open\"}";
    stage_load(HEAD "{ name: alone, volume: 1, reset_after: 50ms }\n" STEPS, NULL);
    fail_times(1);
    stage_load(HEAD "{ name: alone, volume: 1, reset_after: 50ms }\n" STEPS, NULL);
    uint64_t end = clock_mono_ms() + 10000;
    while (stage_metric(series) < 1 && clock_mono_ms() < end)
        stage_turn(5);
    assert_int_equal(stage_metric(series), 1);
}

static void
what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        { "{ name: Big }", "name" },
        { "{ name: ok, error_threshold: 101% }", "error_threshold" },
        { "{ name: ok, window: 50ms }", "window" },
        { "{ name: ok, buckets: 61 }", "buckets" },
        { "{ name: ok, reset_after: 0s }", "reset_after" },
        { "{ name: ok, ignore: [nope] }", "ignore" },
        { "{ name: ok, volum: 5 }", "did you mean 'volume'" },
        { "{}", "name" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        stage_refuses(bad[i][1], HEAD "%s\n" STEPS, bad[i][0]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_opens_and_tells_when_to_come_back),
        cmocka_unit_test(it_closes_again_after_one_good_call),
        cmocka_unit_test(a_probe_that_fails_opens_it_again),
        cmocka_unit_test(a_probe_whose_caller_leaves_makes_room_for_the_next),
        cmocka_unit_test(the_fallback_runs_once_with_the_error),
        cmocka_unit_test(the_error_of_a_fallback_is_the_callers),
        cmocka_unit_test(the_nearest_error_is_meant),
        cmocka_unit_test(a_timeout_ends_the_steps_and_counts_as_failure),
        cmocka_unit_test(a_timeout_without_a_fallback_is_the_nodes_error),
        cmocka_unit_test(a_timeout_inside_is_a_failure_and_no_timeout_of_the_breaker),
        cmocka_unit_test(a_deadline_around_it_counts_as_timeout),
        cmocka_unit_test(a_caller_that_leaves_counts_as_nothing),
        cmocka_unit_test(calls_above_the_capacity_are_rejected),
        cmocka_unit_test(what_is_ignored_counts_as_success_and_has_no_fallback),
        cmocka_unit_test(an_error_of_the_caller_is_no_failure),
        cmocka_unit_test(it_is_kept_over_a_reload_and_takes_new_options),
        cmocka_unit_test(pipelines_share_it_by_name),
        cmocka_unit_test(each_change_is_logged),
        cmocka_unit_test(it_becomes_half_open_by_itself_also_over_a_reload),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
