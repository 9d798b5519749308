/* event/tests/event_test.c - what event/README.md promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/host.h"

#define HEARD "name: heard\ntrigger:\n  event: "
#define STEPS "\nsteps:\n  - log: \"heard ${ request.body }\"\n"
#define ENDED "weir_runs_total{pipeline=\"heard\",outcome=\"completed\"}"

static void
publish(const char *topic, const char *key, const char *text)
{
    const struct weir_host *host = host_table();
    struct weir_builder *map = host->map_new();
    const struct weir_value *v = host->string((struct weir_text){ text, strlen(text) });
    host->map_set(map, (struct weir_text){ key, strlen(key) }, &v);
    const struct weir_value *event = host->build(&map);
    host->publish(stage_shard(), (struct weir_text){ topic, strlen(topic) }, event);
    host->unref(&event);
}

/* How many runs NAME has come to end, after all has had time to happen. */
static double
runs(void)
{
    for (unsigned i = 0; i < 20; i++)
        stage_turn(0);
    double n = stage_metric(ENDED);
    return n < 0 ? 0 : n;
}

static void
an_event_starts_a_run_with_its_members_and_topic(void **state)
{
    (void)state;
    stage_load(HEARD "{ on: breaker.open }" STEPS, NULL);
    double before = runs();
    free(stage_log());
    publish("breaker.open", "breaker", "payment");
    assert_int_equal(runs() - before, 1);
    char *log = stage_log();
    assert_non_null(
        strstr(log, "{\\\"event\\\":\\\"breaker.open\\\",\\\"breaker\\\":\\\"payment\\\"}"));
    free(log);
}

static void
assert_no_event(const char *on, const char *why)
{
    stage_refuses(why, HEARD "%s" STEPS, on);
}

static void
an_event_that_nobody_publishes_is_refused(void **state)
{
    (void)state;
    assert_no_event("job.ded", "'on': there is no event 'job.ded'; there are breaker.open, breaker.half_open, breaker.close, job.dead, incident");
    assert_no_event("[incident, breaker.opened]", "there is no event 'breaker.opened'");
    assert_no_event("\"job.d.*\"", "there is no event 'job.d.*'");
    assert_no_event("job", "there is no event 'job'");
    stage_load(HEARD "[\"job.*\", \"br*\", incident, incidental, mine.own]" STEPS, NULL);
}

static void
other_events_do_not(void **state)
{
    (void)state;
    stage_load(HEARD "breaker.open" STEPS, NULL);
    double before = runs();
    publish("breaker.opened", "breaker", "payment");
    publish("breaker.close", "breaker", "payment");
    assert_int_equal(runs() - before, 0);
}

static void
topics_that_overlap_start_one_run(void **state)
{
    (void)state;
    stage_load(HEARD
               "[breaker.open, \"breaker.*\", breaker.open, \"breaker.o*\", other.thing]" STEPS,
               NULL);
    double before = runs();
    publish("breaker.open", "breaker", "payment");
    assert_int_equal(runs() - before, 1);
    publish("breaker.close", "breaker", "payment");
    assert_int_equal(runs() - before, 2);
    publish("other.thing", "breaker", "payment");
    assert_int_equal(runs() - before, 3);
}

static void
after_a_reload_it_is_one_run_still(void **state)
{
    (void)state;
    stage_load(HEARD "breaker.open" STEPS, NULL);
    double before = runs();
    publish("breaker.open", "breaker", "told after the reload");
    stage_load(HEARD "breaker.open" STEPS, NULL);
    assert_int_equal(runs() - before, 1);
    publish("breaker.open", "breaker", "payment");
    assert_int_equal(runs() - before, 2);
    stage_load("name: heard\ntrigger: { webhook: /x }\nsteps:\n  - set: 1\n", NULL);
    publish("breaker.open", "breaker", "payment");
    assert_int_equal(runs() - before, 2);
}

static void
a_breaker_starts_a_pipeline(void **state)
{
    (void)state;
    stage_load(HEARD "\"breaker.*\"" STEPS,
               "name: guarded\ntrigger: { webhook: /x }\nsteps:\n"
               "  - breaker: { name: told, volume: 1, reset_after: 20ms }\n"
               "    do:\n      - set: ${ request.body.value }\n",
               NULL);
    double before = runs();
    stage_expect("POST /x", "{}", 500, NULL);
    assert_int_equal(runs() - before, 1);
    uint64_t end = clock_mono_ms() + 10000;
    while (runs() - before < 2 && clock_mono_ms() < end)
        stage_turn(5);
    stage_expect("POST /x", "{\"value\":1}", 200, "1");
    assert_int_equal(runs() - before, 3);
}

static void
a_pipeline_that_causes_its_own_event_comes_to_an_end(void **state)
{
    (void)state;
    stage_load("name: heard\ntrigger:\n  - event: \"breaker.*\"\n  - webhook: /x\nsteps:\n"
               "  - breaker: { name: itself, volume: 1, reset_after: 1h }\n"
               "    do:\n      - set: ${ request.body.nope }\n    catch: []\n",
               NULL);
    double before = runs();
    stage_expect("POST /x", "{}", 204, NULL);
    assert_int_equal(runs() - before, 2); /* the request, and the one opening */
}

static void
a_storm_is_cut_off(void **state)
{
    (void)state;
    stage_load(HEARD "storm.*" STEPS, NULL);
    double before = runs();
    free(stage_log());
    for (unsigned i = 0; i < 500; i++)
        publish("storm.here", "n", "x");
    double started = runs() - before;
    assert_true(started >= 100 && started <= 200); /* a second may have ended in between */
    char *log = stage_log();
    assert_non_null(strstr(log, "the event 'storm.here' starts no run: more than 100"));
    free(log);
}

static void
what_is_no_topic_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "\"*.open\"", "[]", "Breaker", "{}", "{ on: 7 }" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char yaml[256];
        snprintf(yaml, sizeof yaml, HEARD "%s" STEPS, bad[i]);
        free(stage_refused(yaml));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_starts_a_run_with_its_members_and_topic),
        cmocka_unit_test(an_event_that_nobody_publishes_is_refused),
        cmocka_unit_test(other_events_do_not),
        cmocka_unit_test(topics_that_overlap_start_one_run),
        cmocka_unit_test(after_a_reload_it_is_one_run_still),
        cmocka_unit_test(a_breaker_starts_a_pipeline),
        cmocka_unit_test(a_pipeline_that_causes_its_own_event_comes_to_an_end),
        cmocka_unit_test(a_storm_is_cut_off),
        cmocka_unit_test(what_is_no_topic_is_refused),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
