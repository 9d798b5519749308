/* lua/tests/lua_limits_test.c - what a script may use up, and what it hears when that is gone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lua_stage.h"

static void
log_lines_are_counted(void **state)
{
    (void)state;
    load_with("for i = 1, 10 do ctx.log('info', 'line ' .. i, { n = i }) end",
              "      max_log_lines: 3\n");
    free(stage_log());
    stage_expect("POST /x", "{}", 204, NULL);
    char *log = stage_log();
    assert_non_null(strstr(log, "line 3"));
    assert_null(strstr(log, "line 4"));
    assert_non_null(strstr(log, "more lines than it may"));
    free(log);
}

/* Each limit is counted under its name, and says which setting would raise it. */
static void
limits_are_settings_and_are_counted(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        { "instructions", "      max_instructions: 5000\n", "while true do end" },
        { "memory", "      max_memory: 1MiB\n", "return #('x'):rep(200000)" },
        { "memory", "      max_keys: 64\n",
          "local t = {}\nfor i = 1, 100 do t['k' .. i] = i end" },
        { "memory", "      max_items: 1024\n",
          "local t = {}\nfor i = 1, 1025 do t[i] = i end" },
        { "time", "      max_time: 5ms\n", "while true do end" },
        { "steps", "      max_steps: 1000\n", "return (('a'):rep(100)):find('.-.-b')" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char series[100];
        snprintf(series, sizeof series, "weir_lua_aborts_total{reason=\"%s\"}", cases[i][0]);
        double before = stage_metric(series);
        load_with(cases[i][2], cases[i][1]);
        struct play *p = stage_play("POST /x", "{}");
        assert_int_equal(p->status, 500);
        assert_non_null(strstr(p->body, "(max_"));
        stage_end(&p);
        assert_true(stage_metric(series) == (before < 0 ? 0 : before) + 1);
    }
    double before = stage_metric("weir_lua_aborts_total{reason=\"depth\"}");
    fails("local t = setmetatable({}, { __index = function(t, k) return t[k] end })\nreturn t.x", "{}", 500,
          "stack overflow");
    assert_true(stage_metric("weir_lua_aborts_total{reason=\"depth\"}") == (before < 0 ? 0 : before) + 1);
    load_with("local t = {}\nfor i = 1, 100 do t['k' .. i] = i end\nreturn #('x'):rep(200000)",
              "      max_keys: 128\n");
    stage_expect("POST /x", "{}", 200, "200000");
}

static void
work_of_other_threads_is_time_of_the_script(void **state)
{
    (void)state;
    /* The shard copies 4 MB each time, which takes it a part of the time that the digest takes. */
    load_with("local s = ('abcdefgh'):rep(500000)\nfor i = 1, 80 do weir.hmac('sha512', 'k', s) end",
              "      max_time: 400ms\n      max_memory: 128MiB\n      max_instructions: 100000000000\n");
    struct play *p = stage_play("POST /x", "{}");
    if (p->status != 500 || strstr(p->body, "it computed for longer than it may (max_time: 400 ms)") == NULL)
        fail_msg("%u %s", p->status, p->body);
    stage_end(&p);
}

static void
a_recursion_has_a_depth(void **state)
{
    (void)state;
    load_with("local function f(n)\n  if n > 0 then return 1 + f(n - 1) end\n  return 0\nend\n"
              "return f(5000)",
              "");
    stage_expect("POST /x", "{}", 200, "5000");
    load_with("local function f(n) return 1 + f(n + 1) end\nreturn f(1)", "      max_time: 20s\n");
    struct play *deep = stage_play("POST /x", "{}");
    assert_int_equal(deep->status, 500);
    assert_non_null(strstr(deep->body, "nested too deep"));
    stage_end(&deep);
}

static void
lists_have_a_length_that_can_be_set(void **state)
{
    (void)state;
    load_with("local t = {}\nfor i = 1, 1024 do t[i] = i end\nreturn #t",
              "      max_items: 1024\n");
    stage_expect("POST /x", "{}", 200, "1024");
    load_with("local t = {}\nfor i = 1, 100000 do t[i] = i end\nreturn #t",
              "      max_items: 131072\n");
    stage_expect("POST /x", "{}", 200, "100000");
    /* Short texts are in a table of Lua's own, which grows as one of a script does. */
    load_with("local all = {}\nfor i = 1, 20 do\n  local t = {}\n  for k = 1, 2000 do t[k] = "
              "'a' .. i .. '/' .. k end\n"
              "  all[i] = t\nend\nreturn #all",
              "      max_items: 2048\n");
    stage_expect("POST /x", "{}", 200, "20");
}

/* A state whose memory was used up serves the next call, also while others were in it. */
static void
a_state_without_memory_begins_anew(void **state)
{
    (void)state;
    load_with("if input.n == 1 then local t = {}\nfor i = 1, 1e9 do t[i] = i end end\n"
              "if input.n == 2 then ctx.sleep(20) end\nreturn input.n",
              "      max_memory: 1MiB\n");
    struct play *waiting = stage_begin("POST /x", "{\"n\":2}", NULL);
    for (unsigned i = 0; i < 20; i++) {
        stage_expect("POST /x", "{\"n\":1}", 500, NULL);
        stage_expect("POST /x", "{\"n\":3}", 200, "3");
    }
    stage_finish(waiting);
    assert_string_equal(waiting->body, "2");
    stage_end(&waiting);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_lines_are_counted),
        cmocka_unit_test(limits_are_settings_and_are_counted),
        cmocka_unit_test(work_of_other_threads_is_time_of_the_script),
        cmocka_unit_test(a_recursion_has_a_depth),
        cmocka_unit_test(lists_have_a_length_that_can_be_set),
        cmocka_unit_test(a_state_without_memory_begins_anew),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
