/* lua/tests/lua_calls_test.c - what calls ask for and wait for, and how many of them share a state.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lua_stage.h"

static void
lent_nodes_are_asked_and_answer(void **state)
{
    (void)state;
    gives("local out, err = ctx.up { n = input.n }\nreturn { out.n, err == nil }", "{\"n\":3}",
          "[3,true]");
    gives("local out, err = ctx.wrong {}\nreturn { out == nil, err.code, err.message, "
          "tostring(err) }",
          "{}",
          "[true,\"script\",\"input has no field 'absent'\",\"script: input has no field "
          "'absent'\"]");
    gives("local sum = 0\nfor i = 1, 300 do sum = sum + ctx.up(i) end\nreturn sum", "{}",
          "45150");
    gives("local ok, out = pcall(function() return ctx.up(1) + 1 end)\nreturn { ok, out }",
          "{}", "[true,2]");
    fails("local out, err = ctx.wrong {}\nreturn nil, err", "{}", 500,
          "input has no field 'absent'");
    gives(
        "local t = {}\nfor w in ('a b c'):gmatch('%a') do t[#t + 1] = ctx.up(w) end\nreturn t",
        "{}", "[\"a\",\"b\",\"c\"]");
    gives("return (('abc'):gsub('.', function(c) return ctx.up(c):upper() end))", "{}",
          "\"ABC\"");
    gives("local t = { 3, 1, 2 }\ntable.sort(t, function(a, b) return ctx.up(a) < ctx.up(b) "
          "end)\nreturn t",
          "{}", "[1,2,3]");
}

static void
functions_run_side_by_side(void **state)
{
    (void)state;
    gives("return ctx.all { function() ctx.sleep(3) return 'a' end, function() return 'b' end, "
          "function() end, function() return ctx.up(1) end }",
          "{}", "[\"a\",\"b\",null,1]");
    gives("local out, err = ctx.all { function() ctx.slow(1) end, function() return nil, { "
          "code = 'limited', "
          "message = 'x' } end }\nreturn { out == nil, err.code }",
          "{}", "[true,\"limited\"]");
    gives("local out, err = ctx.all { function() ctx.sleep(3600000) end, function() "
          "error('no') end }\n"
          "return { out == nil, err.message }",
          "{}", "[true,\"scripts/it:1: no\"]");
    gives("local function two() return ctx.all { function() return 1 end, function() return "
          "ctx.up(2) end } end\n"
          "return ctx.all { two, two }",
          "{}", "[[1,2],[1,2]]");
    gives("return ctx.all {}", "{}", "{}");
    fails("ctx.all { 1 }", "{}", 500, "a list of functions is needed");
}

/* What has ended leaves nothing behind while its call goes on. */
static void
functions_side_by_side_can_be_had_again_and_again(void **state)
{
    (void)state;
    load_with(
        "local n = 0\nfor i = 1, 2000 do\n"
        "  local a = ctx.all { function() return 1 end, function() return ctx.up(2) end }\n"
        "  n = n + a[1] + a[2]\nend\n"
        "for i = 1, 300 do ctx.all { function() ctx.pause(1) end, function() error('x') end } "
        "end\n"
        "return n",
        "      max_time: 10s\n");
    stage_expect("POST /x", "{}", 200, "6000");
}

static void
time_is_that_of_the_shard(void **state)
{
    (void)state;
    gives("local t = ctx.now()\nctx.sleep(30)\nreturn ctx.now() - t >= 15", "{}", "true");
    gives("return ctx.deadline() == nil", "{}", "true");
    load_with("return ctx.deadline() <= 60000 and ctx.deadline() > 0", "    timeout: 1m\n");
    stage_expect("POST /x", "{}", 200, "true");
}

static void
a_deadline_ends_what_waits(void **state)
{
    (void)state;
    static const char *const scripts[] = { "ctx.sleep(3600000)", "ctx.slow {}",
                                           "ctx.all { function() ctx.slow {} end, function() "
                                           "ctx.sleep(3600000) end }",
                                           "pcall(ctx.sleep, 3600000)" };
    for (size_t i = 0; i < 4; i++) {
        load_with(scripts[i], "    timeout: 20ms\n");
        stage_expect("POST /x", "{}", 504, NULL);
    }
}

static void
a_caller_that_goes_away_ends_it(void **state)
{
    (void)state;
    load_with("ctx.all { function() ctx.slow {} end, function() ctx.sleep(3600000) end }", "");
    stage_leave("POST /x", "{}");
}

static void
many_calls_of_one_script_wait_at_once(void **state)
{
    (void)state;
    load_with("ctx.pause(5)\nctx.sleep(5)\nreturn input.n", "");
    struct play *plays[100];
    for (unsigned i = 0; i < 100; i++) {
        char body[32];
        snprintf(body, sizeof body, "{\"n\":%u}", i);
        plays[i] = stage_begin("POST /x", body, NULL);
    }
    for (unsigned i = 0; i < 100; i++) {
        stage_finish(plays[i]);
        assert_int_equal(plays[i]->status, 200);
        assert_int_equal(atoi(plays[i]->body), i);
        stage_end(&plays[i]);
    }
}

/* An answer that comes while the call waits for its turn is not lost, nor taken before it. */
static void
answers_come_while_a_call_waits_for_its_turn(void **state)
{
    (void)state;
    load_with("local function work()\n  local n = 0\n  for i = 1, 30000 do n = n + i % 7 end\n "
              " return n\nend\n"
              "local all = {}\nfor i = 1, 20 do all[i] = function() ctx.up(1) work() "
              "ctx.pause(1) work() return i end end\n"
              "local out = ctx.all(all)\nlocal n = 0\nfor _, i in ipairs(out) do n = n + i "
              "end\nreturn n",
              "      max_time: 10s\n");
    struct play *plays[10];
    for (unsigned i = 0; i < 10; i++)
        plays[i] = stage_begin("POST /x", "{}", NULL);
    for (unsigned i = 0; i < 10; i++) {
        stage_finish(plays[i]);
        assert_string_equal(plays[i]->body, "210");
        stage_end(&plays[i]);
    }
}

static void
long_scripts_take_turns(void **state)
{
    (void)state;
    load_with("if input.n == 0 then return 0 end\nwhile true do end", "      max_time: 1s\n");
    struct play *plays[5];
    for (unsigned i = 0; i < 5; i++)
        plays[i] = stage_begin("POST /x", "{\"n\":1}", NULL);
    stage_expect("POST /x", "{\"n\":0}", 200, "0");
    for (unsigned i = 0; i < 5; i++)
        assert_false(plays[i]->released); /* the short one was not behind them */
    for (unsigned i = 0; i < 5; i++) {
        stage_finish(plays[i]);
        assert_int_equal(plays[i]->status, 500);
        stage_end(&plays[i]);
    }
}

static void
a_long_script_can_be_cancelled_between_its_slices(void **state)
{
    (void)state;
    load_with("while true do end", "      max_time: 100ms\n");
    struct play *a = stage_begin("POST /x", "{}", NULL);
    struct play *b = stage_begin("POST /x", "{}", NULL);
    stage_turn(0);
    engine_gone(&a->event);
    stage_finish(a);
    stage_finish(b);
    assert_int_equal(b->status, 500);
    stage_end(&a);
    stage_end(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lent_nodes_are_asked_and_answer),
        cmocka_unit_test(functions_run_side_by_side),
        cmocka_unit_test(functions_side_by_side_can_be_had_again_and_again),
        cmocka_unit_test(time_is_that_of_the_shard),
        cmocka_unit_test(a_deadline_ends_what_waits),
        cmocka_unit_test(a_caller_that_goes_away_ends_it),
        cmocka_unit_test(many_calls_of_one_script_wait_at_once),
        cmocka_unit_test(answers_come_while_a_call_waits_for_its_turn),
        cmocka_unit_test(long_scripts_take_turns),
        cmocka_unit_test(a_long_script_can_be_cancelled_between_its_slices),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
