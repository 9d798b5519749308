/* lua/tests/lua_faults_test.c - errors of scripts: what they say, where they point, and what they are to the engine.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lua_stage.h"

static void
every_error_has_its_place_and_the_name_of_what_was_called(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "for i, v in ipairs(input.nope) do end", "bad argument #1 to 'ipairs' (table expected, got nil)" },
        { "return string.format('%d', 1.5)", "bad argument #2 to 'format' (number has no integer representation)" },
        { "return string.upper(nil)", "bad argument #1 to 'upper' (string expected, got nil)" },
        { "return utf8.char(-1)", "bad argument #1 to 'char' (value out of range)" },
        { "return string.char(256)", "bad argument #1 to 'char' (value out of range)" },
        { "return tonumber('z', 99)", "bad argument #2 to 'tonumber' (base out of range)" },
        { "return (string.unpack('i4', 'a'))", "bad argument #2 to 'unpack' (data string too short)" },
        { "return string.pack('i17', 1)", "integral size (17) out of limits [1,16]" },
        { "return next({}, 'zz')", "invalid key to 'next'" },
        { "table.sort { 1, 'x' }", "attempt to compare string with number" },
        { "table.sort(nil)", "bad argument #1 to 'sort' (table expected, got nil)" },
        { "return (('abc'):gsub('b', '%9'))", "'%9' in the replacement is no capture" },
        { "return (string.gsub('abc', nil, 'x'))", "bad argument #2 to 'gsub' (string expected, got nil)" },
        { "return (('abc'):gsub(nil, 'x'))", "bad argument #1 to 'gsub' (string expected, got nil)" },
        { "return table.sort(nil)", "bad argument #1 to 'sort' (table expected, got nil)" },
        { "return string.gsub('a', 'a', true)", "bad argument #3 to 'gsub' (string, table or function expected, got boolean)" },
        { "return weir.get({}, 'a')", "a JSON pointer begins with '/': 'a'" },
        { "return math.floor('x')", "bad argument #1 to 'floor' (number expected, got string)" },
        { "return ('x'):rep({})", "bad argument #1 to 'rep' (number expected, got table)" },
        { "assert(false, 'no')", "no" },
        { "assert(false)", "assertion failed!" },
        { "return input.a.b", "attempt to index a nil value (field 'a')" },
        { "return table.concat({ {} })", "the value at index 1 of 'concat' is a table, not text" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char script[300], expected[300];
        snprintf(script, sizeof script, "local x = 1\n%s", cases[i][0]);
        snprintf(expected, sizeof expected, "\"detail\":\"scripts/it:2: %s\"", cases[i][1]);
        fails(script, "{}", 500, expected);
        snprintf(script, sizeof script, "local x = 1\nlocal ok, e = pcall(function()\n%s\nend)\nreturn e", cases[i][0]);
        load_with(script, "");
        snprintf(expected, sizeof expected, strcmp(cases[i][1], "no") == 0 ? "\"%s\"" : "\"scripts/it:3: %s\"",
                 cases[i][1]);
        stage_expect("POST /x", "{}", 200, expected);
    }
    gives("local ok, e = pcall(string.format, '%d', 1.5)\nreturn e", "{}",
          "\"scripts/it:1: bad argument #2 to 'string.format' (number has no integer representation)\"");
    gives("local ok, e = pcall(table.sort, nil)\nreturn e", "{}",
          "\"scripts/it:1: bad argument #1 to 'sort' (table expected, got nil)\"");
    gives("local ok, e = xpcall(table.sort, function(e) return '<' .. e .. '>' end, nil)\nreturn e", "{}",
          "\"<scripts/it:1: bad argument #1 to 'sort' (table expected, got nil)>\"");
    gives("local ok, e = pcall(error, 'mine')\nreturn e", "{}", "\"mine\"");
    gives("local ok, e = pcall(error, 'mine', 0)\nreturn e", "{}", "\"mine\"");
    gives("local ok, e = pcall(string.gsub, 'abc', 'b', function()\nerror('mine') end)\nreturn e", "{}",
          "\"scripts/it:2: mine\"");
    fails("local f = function()\nerror('mine', 2)\nend\nf()", "{}", 500, "\"scripts/it:4: mine\"");
    fails("error('mine', 0)", "{}", 500, "\"detail\":\"mine\"");
    fails("return (string.gsub('aaa', 'a', function(x)\nreturn x.y.z end))", "{}", 500,
          "scripts/it:2: attempt to index a nil value (field 'y')");
    gives("local r = ctx.all { function() return 1 end, function() return ('x'):rep({}) end }\nreturn r or 'failed'",
          "{}", "\"failed\"");
}

static void
a_value_of_the_engine_is_an_error_like_a_table(void **state)
{
    (void)state;
    static const char err[] = "{\"code\":\"limited\",\"message\":\"not so fast\",\"retry_after_ms\":2000}";
    fails("error(input)", err, 429, "\"detail\":\"not so fast\"");
    fails("return nil, input", err, 429, "\"detail\":\"not so fast\"");
    fails("input.code = 'timeout'\nerror(input)", err, 504, "not so fast");
    fails("error(input)", "[1]", 500, "an error of type table");
    fails("error(input)", "{}", 500, "an error without a message");
    fails("return nil, { code = 'nosuch', message = 'mine' }", "{}", 500,
          "\"detail\":\"mine (there is no error code 'nosuch')\"");
    fails("error { code = 7, message = 'mine' }", "{}", 500, "mine (there is no error code 'number')");
    fails("error(input)", "{\"code\":\"nosuch\",\"message\":\"mine\"}", 500,
          "mine (there is no error code 'nosuch')");
    fails("error { code = 'nosuch', message = ('x'):rep(1000) }", "{}", 500,
          "xxx (there is no error code 'nosuch')");
}

static void
errors_have_code_place_and_traceback(void **state)
{
    (void)state;
    fails("local function f(x)\n  return x.a.b\nend\nreturn f({})", "{}", 500,
          "scripts/it:2: attempt to index a nil value (field 'a')");
    fails("weir.fail('not_found', 'no such user')", "{}", 404, "no such user");
    fails("return nil, { code = 'limited', message = 'later', retry_after_ms = 2000 }", "{}",
          429, "later");
    fails("return nil, 'plain'", "{}", 500, "plain");
    gives("local ok, err = pcall(weir.fail, 'conflict', 'x', { detail = { a = 1 } })\n"
          "return { ok, err.code, err.message, err.detail.a }",
          "{}", "[false,\"conflict\",\"x\",1]");
    gives("return { xpcall(function() error('no', 0) end, function(m) return m .. '!' end) }",
          "{}", "[false,\"no!\"]");
    stage_load("name: scripts\ntrigger: { webhook: /x }\nsteps:\n"
               "  - lua: |\n      local function inner() error('deep') end\n      inner()\n"
               "    catch:\n      - set: ${ error.detail.traceback }\n",
               NULL);
    struct play *p = stage_play("POST /x", "{}");
    assert_non_null(strstr(p->body, "scripts/steps_0_lua:1 in 'inner'"));
    assert_non_null(strstr(p->body, "scripts/steps_0_lua:2"));
    stage_end(&p);
}

static void
what_does_not_compile_is_refused_at_load(void **state)
{
    (void)state;
    stage_refuses("a/it:2: unexpected symbol near 'return'",
                  "name: a\ntrigger: { webhook: /x }\nsteps:\n  - id: it\n    lua: |\n"
                  "      local x =\n      return\n");
    stage_refuses("one of 'script' and 'file'",
                  "name: a\ntrigger: { webhook: /x }\nsteps:\n  - lua: {}\n");
    stage_refuses("nope.lua",
                  "name: a\ntrigger: { webhook: /x }\nsteps:\n  - lua: { file: nope.lua }\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_its_place_and_the_name_of_what_was_called),
        cmocka_unit_test(a_value_of_the_engine_is_an_error_like_a_table),
        cmocka_unit_test(errors_have_code_place_and_traceback),
        cmocka_unit_test(what_does_not_compile_is_refused_at_load),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
