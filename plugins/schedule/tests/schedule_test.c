/* schedule/tests/schedule_test.c - what schedule/README.md promises, under a clock of its own.
 *
 * The plugin is linked in a second time, as "clockwork", with a host whose wall clock is this
 * one's and which looks at it every 20 ms.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#define SCHEDULE_LOOK_MS 20u
#include "../schedule.c"
#include "../schedule_cron.c"
#include "../schedule_moments.c"
#include "../schedule_rule.c"
#include "../schedule_run.c"
#include "../schedule_zone.c"
#include "base/clock.h"
#include "engine/generation.h"

#define NOON UINT64_C(1767268800000) /* 2026-01-01T12:00:00Z */
#define HOUR_MS UINT64_C(3600000)

#define PIPELINE(options)                          \
    "name: clock\ntrigger:\n  clockwork: " options \
    "\nsteps:\n  - log: \"fired ${ request.body.scheduled_at } ${ request.body.missed }\"\n"

static struct weir_host own_host;
static uint64_t wall;
static unsigned looks; /* at it */
static bool closed;    /* the engine takes no runs */
static bool stuck;     /* the store answers nothing */

/* An advance that waits for its answer. */
static struct {
    struct weir_text name;
    uint64_t from;
    uint64_t to;
    weir_advanced_fn *fn;
    void *arg;
} waiting;

static uint64_t
own_wall(struct weir_shard *s)
{
    (void)s;
    looks++;
    return wall;
}

static uint32_t
own_emit(struct weir_shard *s, void *state, const struct weir_value *event,
         struct weir_error *err)
{
    if (!closed)
        return host_table()->emit(s, state, event, err);
    err->code = WEIR_UNAVAILABLE;
    strcpy(err->text, "the test says so");
    return err->code;
}

static void
own_advance(struct weir_shard *s, struct weir_text name, uint64_t from, uint64_t to,
            weir_advanced_fn *fn, void *arg)
{
    if (!stuck) {
        host_table()->advance(s, name, from, to, fn, arg);
        return;
    }
    assert_null(waiting.fn);
    waiting.name = (struct weir_text){ strdup(name.bytes), name.len };
    waiting.from = from;
    waiting.to = to;
    waiting.fn = fn;
    waiting.arg = arg;
}

/* The store answers what it was asked. */
static void
unstick(void)
{
    assert_non_null(waiting.fn);
    weir_advanced_fn *fn = waiting.fn;
    waiting.fn = NULL;
    stuck = false;
    host_table()->advance(stage_shard(), waiting.name, waiting.from, waiting.to, fn,
                          waiting.arg);
    free((char *)(uintptr_t)waiting.name.bytes);
}

static int
open_stage(void **state)
{
    static struct weir_trigger_type type;
    static struct weir_plugin plugin;
    stage_open(state);
    own_host = *host_table();
    own_host.wall_ms = own_wall;
    own_host.emit = own_emit;
    own_host.advance = own_advance;
    plugin = *weir_plugin_entry(&own_host);
    type = triggers[0];
    plugin.name = type.name = "clockwork";
    type.example = "clockwork: { every: 5m }\n";
    plugin.triggers = &type;
    stage_add(&plugin);
    return 0;
}

/* What was fired is added to ALL: "01T12:00:00.000Z false, ". */
static void
collect(char *all, size_t room)
{
    char *log = stage_log();
    for (char *at = log; (at = strstr(at, "fired 2026-01-")) != NULL; at++) {
        size_t used = strlen(all);
        snprintf(all + used, room - used, "%.*s, ", (int)strcspn(at + 14, "\""), at + 14);
    }
    free(log);
}

/* WANTED is fired, and nothing else, though the clock is looked at again: if there is something
 * that looks and does not wait for the store. */
static void
expect(const char *wanted)
{
    char all[8192] = "";
    uint64_t end = clock_mono_ms() + 10000;
    do {
        stage_turn(5);
        collect(all, sizeof all);
    } while (strlen(all) < strlen(wanted) && clock_mono_ms() < end);
    unsigned before = looks;
    while (looks < before + 2 && running != NULL && waiting.fn == NULL && clock_mono_ms() < end)
        stage_turn(5);
    for (unsigned i = 0; i < 20; i++)
        stage_turn(0);
    collect(all, sizeof all);
    assert_string_equal(all, wanted);
}

/* A new process at a time: nothing is known but what is in the store, which is NAME's. */
static void
begin(const char *yaml, uint64_t at)
{
    stage_load("name: clock\ntrigger: { webhook: /x }\nsteps:\n  - set: 1\n", NULL);
    wall = at;
    since_ms = 0;
    stage_load(yaml, NULL);
    expect("");
}

static void
a_moment_fires_once_whatever_the_clock_does(void **state)
{
    (void)state;
    begin(PIPELINE("{ every: 1h }"), NOON + 1000);
    wall = NOON + HOUR_MS;
    expect("01T13:00:00.000Z false, ");
    wall += 1000;
    expect("");
    wall = NOON - 24 * HOUR_MS;
    expect("");
    wall = NOON + HOUR_MS;
    expect("");
    wall = NOON + 2 * HOUR_MS + 5;
    expect("01T14:00:00.000Z false, ");
    wall += 3 * HOUR_MS + HOUR_MS / 2; /* a leap over three of them */
    expect("01T17:00:00.000Z true, ");
}

static void
that_the_clock_was_set_back_is_said(void **state)
{
    (void)state;
    begin(PIPELINE("{ every: 2h }"), NOON + 1000);
    wall = NOON - HOUR_MS;
    stage_turn(30);
    char *log = stage_log();
    uint64_t end = clock_mono_ms() + 10000;
    while (strstr(log, "the clock was set back") == NULL && clock_mono_ms() < end) {
        free(log);
        stage_turn(5);
        log = stage_log();
    }
    assert_non_null(strstr(log, "it goes on after: 2026-01-01T12:00:01.000Z"));
    free(log);
}

static void
a_restart_fires_what_was_missed_and_nothing_twice(void **state)
{
    (void)state;
    const char *yaml = PIPELINE("{ every: 1h, start: \"2026-01-01T00:10:00Z\" }");
    begin(yaml, NOON);
    wall = NOON + HOUR_MS;
    expect("01T12:10:00.000Z true, ");
    begin(yaml, wall);
    stage_load("name: clock\ntrigger: { webhook: /x }\nsteps:\n  - set: 1\n", NULL);
    wall = NOON + 5 * HOUR_MS;
    since_ms = 0;
    stage_load(yaml, NULL);
    expect("01T16:10:00.000Z true, ");
}

static void
none_and_all_do_what_they_say(void **state)
{
    (void)state;
    begin(PIPELINE("{ cron: \"20 * * * *\", catch_up: all }"), NOON);
    wall = NOON + 3 * HOUR_MS;
    expect("01T12:20:00.000Z true, 01T13:20:00.000Z true, "
           "01T14:20:00.000Z true, ");
    begin(PIPELINE("{ cron: \"30 * * * *\", catch_up: none }"), NOON);
    wall = NOON + 3 * HOUR_MS;
    expect("");
    wall = NOON + 3 * HOUR_MS + HOUR_MS / 2;
    expect("01T15:30:00.000Z false, ");
}

static void
other_times_begin_anew(void **state)
{
    (void)state;
    begin(PIPELINE("\"40 * * * *\""), NOON);
    wall = NOON + HOUR_MS * 5;
    stage_load(PIPELINE("\"41 * * * *\""), NULL);
    expect("");
    stage_load(PIPELINE("{ cron: \"40 * * * *\", timezone: Europe/Berlin }"), NULL);
    expect("");
    wall = NOON + HOUR_MS * 5 + HOUR_MS * 2 / 3;
    expect("01T17:40:00.000Z false, ");
}

static void
a_run_that_can_not_start_gives_its_moment_back(void **state)
{
    (void)state;
    begin(PIPELINE("{ every: 3h }"), NOON + 1);
    closed = true;
    wall = NOON + 3 * HOUR_MS;
    expect(""); /* it was tried, and tried again */
    closed = false;
    expect("01T15:00:00.000Z false, ");
}

static void
a_reload_amid_a_firing_loses_none_and_doubles_none(void **state)
{
    (void)state;
    begin(PIPELINE("{ every: 4h }"), NOON + 1);
    stuck = true;
    wall = NOON + 4 * HOUR_MS;
    expect("");
    stuck = false; /* the next generation's own question is answered before */
    stage_load(PIPELINE("{ every: 4h }"), NULL);
    unstick();
    expect("01T16:00:00.000Z false, ");
    stuck = true;
    wall = NOON + 8 * HOUR_MS;
    expect("");
    stage_load("name: clock\ntrigger: { webhook: /x }\nsteps:\n  - set: 1\n", NULL);
    unstick(); /* its pipeline has no schedule any more */
    expect("");
}

static void
two_of_the_same_times_are_one(void **state)
{
    (void)state;
    begin("name: clock\ntrigger:\n  - clockwork: 6h\n  - clockwork: { every: 6h }\nsteps:\n"
          "  - log: \"fired ${ request.body.scheduled_at } ${ request.body.schedule }\"\n",
          NOON + 1);
    wall = NOON + 6 * HOUR_MS;
    expect("01T18:00:00.000Z 6h, ");
}

static void
what_is_wrong_is_refused_with_its_reason(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        { "{}", "either 'cron' or 'every'" },
        { "{ cron: \"@daily\", every: 5m }", "either 'cron' or 'every'" },
        { "{ every: 999ms }", "'every' must be from 1s to 366d" },
        { "{ every: 400d }", "'every' must be from 1s to 366d" },
        { "10ms", "'every' must be from 1s to 366d" },
        { "5x", "five fields" },
        { "\"0 0 30 2 *\"", "never fires" },
        { "\"61 * * * *\"", "the minute '61'" },
        { "{ every: 5m, timezone: UTC }", "'timezone' belongs to 'cron'" },
        { "{ cron: \"@daily\", start: \"2026-01-01T00:00:00Z\" }",
          "'start' belongs to 'every'" },
        { "{ every: 5m, start: \"2026-02-30T00:00:00Z\" }", "does not exist" },
        { "{ every: 5m, start: \"2026-13-01T00:00:00Z\" }", "'start' must be a time in UTC" },
        { "{ every: 5m, jitter: 25h }", "'jitter' must be from 0s to 24h" },
        { "{ cron: \"@daily\", timezone: Europe/Berlni }", "is Europe/Berlin meant?" },
        { "{ cron: \"@daily\", catch_up: some }", "catch_up" },
        { "{ cron: \"${ env.X }\" }", "cron" },
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
        stage_refuses(wrong[i][1], "name: clock\ntrigger:\n  schedule: %s\nsteps:\n  - set: 1\n",
                      wrong[i][0]);
}

static void
durations_are_told_from_cron(void **state)
{
    (void)state;
    assert_int_equal(duration_of(WEIR_TEXT("5m")), 300000);
    assert_int_equal(duration_of(WEIR_TEXT("1h30m")), 5400000);
    assert_int_equal(duration_of(WEIR_TEXT("1500ms")), 1500);
    assert_int_equal(duration_of(WEIR_TEXT("2d")), 172800000);
    assert_int_equal(duration_of(WEIR_TEXT("5")), 0);
    assert_int_equal(duration_of(WEIR_TEXT("")), 0);
    assert_int_equal(duration_of(WEIR_TEXT("m")), 0);
    assert_int_equal(duration_of(WEIR_TEXT("@daily")), 0);
    assert_int_equal(duration_of(WEIR_TEXT("5 4 * * *")), 0);
    assert_int_equal(duration_of(WEIR_TEXT("99999999999999999999d")), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_fires_once_whatever_the_clock_does),
        cmocka_unit_test(that_the_clock_was_set_back_is_said),
        cmocka_unit_test(a_restart_fires_what_was_missed_and_nothing_twice),
        cmocka_unit_test(none_and_all_do_what_they_say),
        cmocka_unit_test(other_times_begin_anew),
        cmocka_unit_test(a_run_that_can_not_start_gives_its_moment_back),
        cmocka_unit_test(a_reload_amid_a_firing_loses_none_and_doubles_none),
        cmocka_unit_test(two_of_the_same_times_are_one),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_reason),
        cmocka_unit_test(durations_are_told_from_cron),
    };
    return cmocka_run_group_tests(tests, open_stage, stage_close);
}
