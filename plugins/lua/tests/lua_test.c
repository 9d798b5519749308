/* lua/tests/lua_test.c - what lua/README.md and docs/lua.md promise, limits apart.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Puts a pipeline on the stage whose one node runs SCRIPT; MORE are further keys of the node.
 */
static void
load_with(const char *script, const char *more)
{
    char yaml[16384];
    size_t len = (size_t)snprintf(
        yaml, sizeof yaml,
        "name: scripts\ntrigger: { webhook: /x }\nsteps:\n"
        "  - id: before\n    set: { seen: 7 }\n"
        "  - if: ${ request.raw.size() > 0 }\n    set: ${ request.body }\n"
        "  - id: it\n%s    uses:\n"
        "      up: { set: \"${ input }\" }\n"
        "      slow: { delay: 1h }\n"
        "      wrong: { set: \"${ input.absent }\" }\n"
        "      pause: { delay: \"${ input }ms\" }\n"
        "    lua:\n%s%s      script: |\n",
        strncmp(more, "    ", 4) == 0 && more[4] != ' ' ? more : "",
        strncmp(more, "      ", 6) == 0 ? more : "",
        strstr(more, "max_time") ? ""
                                 : "      max_time: 20s\n"); /* however slow the machine is */
    for (const char *line = script; *line;
         line += strcspn(line, "\n") + (strchr(line, '\n') != NULL))
        len += (size_t)snprintf(yaml + len, sizeof yaml - len, "        %.*s\n",
                                (int)strcspn(line, "\n"), line);
    stage_load(yaml, NULL);
}

static void
gives(const char *script, const char *body, const char *answer)
{
    load_with(script, "");
    stage_expect("POST /x", body, 200, answer);
}

/* The script fails with STATUS and a text in which PART stands. */
static void
fails(const char *script, const char *body, unsigned status, const char *part)
{
    load_with(script, "");
    struct play *p = stage_play("POST /x", body);
    if (p->status != status || strstr(p->body, part) == NULL)
        fail_msg("%s\n is answered %u %s\n instead of %u %s", script, p->status, p->body,
                 status, part);
    stage_end(&p);
}

static void
what_it_returns_is_the_output(void **state)
{
    (void)state;
    gives("return input", "{\"b\":1,\"a\":[1.0,2,null,\"x\",true]}",
          "{\"b\":1,\"a\":[1.0,2,null,\"x\",true]}");
    gives("return { 1, 2.5, 'x', true, weir.null }", "{}", "[1,2.5,\"x\",true,null]");
    gives("return { b = 1, a = { } }", "{}", "{\"a\":{},\"b\":1}");
    gives("return { a = weir.array {}, b = weir.array { 1 } }", "{}", "{\"a\":[],\"b\":[1]}");
    gives("return math.maxinteger", "{}", "9223372036854775807");
    gives("return 'gr\\u{fc}n'", "{}", "\"gr\xc3\xbcn\"");
    load_with("local x = 1", "");
    stage_expect("POST /x", "{}", 204, "");
}

static void
fields_are_read_and_null_is_nil(void **state)
{
    (void)state;
    gives("return { input.a == nil, input.b == nil, input.c.d, #input.l, input.l[2], "
          "input.l[4] == nil }",
          "{\"a\":null,\"c\":{\"d\":5},\"l\":[1,2,3]}", "[true,true,5,3,2,true]");
    gives("return { type(input), type(input.l), type(input.n), math.type(input.n), "
          "math.type(input.d) }",
          "{\"l\":[],\"n\":3,\"d\":1.5}",
          "[\"table\",\"table\",\"number\",\"integer\",\"float\"]");
    gives("return { input.a == input.a, input.a == input.b, input.a ~= {} }",
          "{\"a\":{\"x\":1},\"b\":{\"x\":1}}", "[true,false,true]");
}

static void
a_proxy_is_gone_through_in_its_order(void **state)
{
    (void)state;
    gives("local out = {}\n"
          "for k, v in pairs(input) do out[#out + 1] = k .. '=' .. tostring(v) end\n"
          "return out",
          "{\"z\":1,\"n\":null,\"a\":2}", "[\"z=1\",\"n=nil\",\"a=2\"]");
    gives("local out = {}\n"
          "for i, v in ipairs(input) do out[#out + 1] = i .. '=' .. tostring(v) end\n"
          "return out",
          "[5,null,6]", "[\"1=5\",\"2=nil\",\"3=6\"]");
    gives("local out, k, v = {}\n"
          "repeat k, v = next(input, k); out[#out + 1] = k until k == nil\n"
          "return { out, next(weir.json.decode('{}')) == nil }",
          "{\"z\":1,\"n\":null,\"a\":2}", "[[\"z\",\"n\",\"a\"],true]");
    gives("input.b = 3\ninput.z = nil\nlocal out = {}\n"
          "for k in pairs(input) do out[#out + 1] = k end\nreturn out",
          "{\"z\":1,\"a\":2}", "[\"a\",\"b\"]");
    gives("local out = {}\nfor k in pairs(string) do out[#out + 1] = k end\nreturn #out > 10",
          "{}", "true");
}

static void
a_write_stays_in_its_place_and_the_order_is_kept(void **state)
{
    (void)state;
    gives("input.items[2].n = 20\ninput.new = true\ninput.gone = nil\nreturn input",
          "{\"z\":1,\"gone\":0,\"items\":[{\"n\":1},{\"n\":2,\"m\":null}]}",
          "{\"z\":1,\"items\":[{\"n\":1},{\"n\":20,\"m\":null}],\"new\":true}");
    gives("local item = input.items[1]\nitem.n = item.n + 1\nreturn { input, item.n }",
          "{\"items\":[{\"n\":1}]}", "[{\"items\":[{\"n\":2}]},2]");
    gives("input[#input + 1] = 'x'\ninput[1] = weir.null\nreturn { input, #input }", "[1,2]",
          "[[null,2,\"x\"],3]");
    load_with("input.a = 2\nreturn ctx.steps.before", "");
    stage_expect("POST /x", "{\"a\":1}", 200, "{\"seen\":7}");
    fails("input[1] = 2", "{}", 500, "a map has no field of type number");
    fails("input.x = 2", "[]", 500, "a list has no field of type string");
}

static void
the_table_library_works_on_proxies(void **state)
{
    (void)state;
    gives(
        "table.insert(input, 9)\ntable.insert(input, 1, 0)\nlocal x = table.remove(input, 2)\n"
        "return { input, x, table.remove(input), table.concat(input, '-') }",
        "[1,2,3]", "[[0,2,3],1,9,\"0-2-3\"]");
    gives("table.sort(input)\nreturn input", "[3,1,2,9,7,8,6,5,4,0,11,10]",
          "[0,1,2,3,4,5,6,7,8,9,10,11]");
    gives("table.sort(input, function(a, b) return a.n > b.n end)\nreturn input",
          "[{\"n\":1},{\"n\":3},{\"n\":2}]", "[{\"n\":3},{\"n\":2},{\"n\":1}]");
    gives("local t = {}\nfor i = 1, 1000 do t[i] = (i * 7919) % 1009 end\ntable.sort(t)\n"
          "for i = 2, 1000 do if t[i - 1] > t[i] then return i end end\nreturn 'sorted'",
          "{}", "\"sorted\"");
    gives("return { table.unpack(input) }", "[1,2,3]", "[1,2,3]");
    gives("return table.move(input, 1, 2, 3, {7, 8})", "[1,2,3]", "[7,8,1,2]");
    gives("return table.pack(table.unpack(input)).n", "[1,null,3]", "3");
}

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
whole_floats_are_keys_of_lists(void **state)
{
    (void)state;
    gives("input[2.0] = 9\nreturn { input[1.0], input[2], input[2.0] }", "[1,2]", "[1,9,9]");
    fails("input[1.5] = 9", "[1,2]", 500, "a list has no field of type number");
}

static void
keys_of_maps_are_text(void **state)
{
    (void)state;
    gives("return { ['gr\\u{fc}n'] = 1 }", "{}", "{\"gr\xc3\xbcn\":1}");
    fails("return { a = { ['x\\xff\\xfe'] = 1 } }", "{}", 500,
          ".a: a map can't have the key 'x\\\\xff\\\\xfe', which is not UTF-8");
    fails("return weir.json.encode { ['\\xff'] = 1 }", "{}", 500, "which is not UTF-8");
    fails("ctx.log('info', 'x', { ['\\xff'] = 1 })", "{}", 500, "the fields: a map can't have the key");
    fails("input['\\xff'] = 1\nreturn input", "{}", 500, "which is not UTF-8");
    gives("local ok, e = pcall(weir.json.encode, { ['\\xc3'] = 1 })\nreturn ok", "{}", "false");
}

static void
strings_and_patterns_are_those_of_lua(void **state)
{
    (void)state;
    gives("return { ('hello'):upper(), ('x'):rep(3, ','), #('\\0'):rep(5), ('abc'):byte(-1), "
          "string.format('%5.1f|%s|%q|%d', 1.25, true, 'a\\n', 3) }",
          "{}", "[\"HELLO\",\"x,x,x\",5,99,\"  1.2|true|\\\"a\\\\\\n\\\"|3\"]");
    gives("return { ('a.b'):find('.', 1, true), ('key = value'):match('^(%w+)%s*=%s*(%w+)$') }",
          "{}", "[2,\"key\",\"value\"]");
    gives("local out = {}\nfor k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do out[k] = v "
          "end\nreturn out",
          "{}", "{\"a\":\"1\",\"b\":\"2\"}");
    gives("return { ('abc'):gsub('%w', '%0%0') }", "{}", "[\"aabbcc\",3]");
    gives("return { ('hello world'):gsub('o', { o = '0' }, 1) }", "{}", "[\"hell0 world\",1]");
    gives("return { ('abc'):gsub('', '-'), ('abc'):gsub('b*', 'x') }", "{}",
          "[\"-a-b-c-\",\"xaxcx\",3]");
    gives("return (('abc def'):gsub('%w+', function(w) return #w > 2 and w:upper() end))", "{}",
          "\"ABC DEF\"");
    gives("return { ('f(a(b)c)d'):match('%b()'), ('THE (quick) fox'):find('%f[%a]%a+%f[%A]', "
          "5) }",
          "{}", "[\"(a(b)c)\",6,10]");
    gives("return { ('abab'):match('(a)(b)%1%2'), ('  x '):match('^%s*(.-)%s*$'), "
          "('x'):match('()') }",
          "{}", "[\"a\",\"x\",1]");
    gives("return { utf8.len('gr\\u{fc}n'), utf8.char(8364), '10' + 1, 10 .. '' }", "{}",
          "[4,\"\xe2\x82\xac\",11,\"10\"]");
}

/* Searches that go over many slices find what short ones find. */
static void
long_searches_pause_and_go_on(void **state)
{
    (void)state;
    load_with("local s = (('a'):rep(60) .. 'b '):rep(30)\n"
              "local p = 'a-a-(a-)b'\n"
              "local x, n = s:gsub(p, '<%1>')\n"
              "local y, m = s:gsub(p, function(c) return '<' .. c .. '>' end)\n"
              "local z, k = 0, 0\n"
              "for c in s:gmatch(p) do z, k = z + #c, k + 1 end\n"
              "local from, to = (('a'):rep(150)):find('a-a-a-b')\n"
              "return { x == y, n, m, k, z, #x, from == nil, (s:match('^a-a-a-a-(b) ')) }",
              "      max_steps: 100000000\n      max_time: 10s\n");
    stage_expect("POST /x", "{}", 200, "[true,30,30,30,1800,1890,true,\"b\"]");
}

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
    struct play *p = stage_begin("POST /x", "{}", NULL);
    stage_turn(0);
    engine_gone(&p->event);
    stage_finish(p);
    stage_end(&p);
    assert_int_equal(engine_runs(stage_shard()), 0);
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
    char *text =
        stage_refused("name: a\ntrigger: { webhook: /x }\nsteps:\n  - id: it\n    lua: |\n"
                      "      local x =\n      return\n");
    assert_non_null(strstr(text, "a/it:2: unexpected symbol near 'return'"));
    free(text);
    text = stage_refused("name: a\ntrigger: { webhook: /x }\nsteps:\n  - lua: {}\n");
    assert_non_null(strstr(text, "one of 'script' and 'file'"));
    free(text);
    text = stage_refused(
        "name: a\ntrigger: { webhook: /x }\nsteps:\n  - lua: { file: nope.lua }\n");
    assert_non_null(strstr(text, "nope.lua"));
    free(text);
}

static void
the_configuration_comes_with_its_expressions(void **state)
{
    (void)state;
    load_with("return { config.a, config.b.c }",
              "      config: { a: 1, b: { c: \"${ request.body.n }\" } }\n");
    stage_expect("POST /x", "{\"n\":5}", 200, "[1,5]");
    load_with("return weir.merge(config, { b = 2 })", "      config: { a: 1 }\n");
    stage_expect("POST /x", "{}", 200, "{\"a\":1,\"b\":2}");
}

static void
the_library_does_what_it_says(void **state)
{
    (void)state;
    gives("return { weir.json.encode({ a = { 1, weir.null } }), "
          "weir.json.decode('[1,{\"a\":null}]') }",
          "{}", "[\"{\\\"a\\\":[1,null]}\",[1,{\"a\":null}]]");
    gives("local v, err = weir.json.decode('{')\nreturn { v == nil, err.code }", "{}",
          "[true,\"invalid\"]");
    gives("return { weir.base64.encode('hello'), weir.base64.decode('aGVsbG8='), "
          "weir.base64.decode('aGVsbG8'), "
          "weir.hex.encode('\\1\\255'), weir.hex.decode('01FF') == '\\1\\255', "
          "weir.base64.decode('*') == nil }",
          "{}", "[\"aGVsbG8=\",\"hello\",\"hello\",\"01ff\",true,true]");
    gives(
        "return { weir.hex.encode(weir.sha256('abc')), weir.hex.encode(weir.hmac('sha256', "
        "'key', 'x')):sub(1, 8) }",
        "{}",
        "[\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"4fc3b7ea\"]");
    gives("return { #weir.uuid(), weir.uuid() ~= weir.uuid(), "
          "weir.uuid():match('^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$') ~= nil }",
          "{}", "[36,true,true]");
    gives("return { weir.get(input, '/a/1/b~1c'), weir.get(input, '/a/7') == nil, weir.get({ { "
          "5 } }, '/0/0') }",
          "{\"a\":[0,{\"b/c\":4}]}", "[4,true,5]");
    gives("return { weir.get(input, ''), weir.get(input, '/a~1b'), weir.get(input, '/') }", "{\"a/b\":1,\"\":2}",
          "[{\"a/b\":1,\"\":2},1,2]");
    gives("return { weir.get({ 5 }, '/00') == nil, weir.get({ 5 }, '/99999999999999999999') == nil, "
          "weir.get({ 5 }, '/-') == nil }", "{}", "[true,true,true]");
    fails("return weir.get({ b = 1 }, 'a/b')", "{}", 500, "scripts/it:1: a JSON pointer begins with '/': 'a/b'");
    fails("return weir.get({ b = 1 })", "{}", 500, "scripts/it:1: bad argument #2 to 'get' (string expected, got nil)");
    gives("return weir.merge(input, { b = weir.null, z = 1 })", "{\"c\":1,\"b\":2,\"a\":null}",
          "{\"c\":1,\"b\":null,\"a\":null,\"z\":1}");
    gives("return { weir.merge({ a = 1 }, input), weir.null == nil, tostring(weir.null) }",
          "{\"a\":2}", "[{\"a\":2},false,\"null\"]");
}

static void
objects_are_made_with_metatables(void **state)
{
    (void)state;
    gives("local Point = {}\nPoint.__index = Point\n"
          "function Point.new(x) return setmetatable({ x = x }, Point) end\n"
          "function Point:double() return Point.new(self.x * 2) end\n"
          "Point.__add = function(a, b) return Point.new(a.x + b.x) end\n"
          "Point.__tostring = function(p) return 'P' .. p.x end\n"
          "local p = Point.new(2):double() + Point.new(1)\n"
          "return { p.x, tostring(p), getmetatable(p) == Point, p }",
          "{}", "[5,\"P5\",true,{\"x\":5}]");
}

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
        cmocka_unit_test(what_it_returns_is_the_output),
        cmocka_unit_test(fields_are_read_and_null_is_nil),
        cmocka_unit_test(a_proxy_is_gone_through_in_its_order),
        cmocka_unit_test(a_write_stays_in_its_place_and_the_order_is_kept),
        cmocka_unit_test(the_table_library_works_on_proxies),
        cmocka_unit_test(every_error_has_its_place_and_the_name_of_what_was_called),
        cmocka_unit_test(a_value_of_the_engine_is_an_error_like_a_table),
        cmocka_unit_test(whole_floats_are_keys_of_lists),
        cmocka_unit_test(keys_of_maps_are_text),
        cmocka_unit_test(strings_and_patterns_are_those_of_lua),
        cmocka_unit_test(long_searches_pause_and_go_on),
        cmocka_unit_test(lent_nodes_are_asked_and_answer),
        cmocka_unit_test(functions_run_side_by_side),
        cmocka_unit_test(functions_side_by_side_can_be_had_again_and_again),
        cmocka_unit_test(time_is_that_of_the_shard),
        cmocka_unit_test(a_deadline_ends_what_waits),
        cmocka_unit_test(a_caller_that_goes_away_ends_it),
        cmocka_unit_test(errors_have_code_place_and_traceback),
        cmocka_unit_test(what_does_not_compile_is_refused_at_load),
        cmocka_unit_test(the_configuration_comes_with_its_expressions),
        cmocka_unit_test(the_library_does_what_it_says),
        cmocka_unit_test(objects_are_made_with_metatables),
        cmocka_unit_test(log_lines_are_counted),
        cmocka_unit_test(limits_are_settings_and_are_counted),
        cmocka_unit_test(work_of_other_threads_is_time_of_the_script),
        cmocka_unit_test(a_recursion_has_a_depth),
        cmocka_unit_test(lists_have_a_length_that_can_be_set),
        cmocka_unit_test(many_calls_of_one_script_wait_at_once),
        cmocka_unit_test(a_state_without_memory_begins_anew),
        cmocka_unit_test(answers_come_while_a_call_waits_for_its_turn),
        cmocka_unit_test(long_scripts_take_turns),
        cmocka_unit_test(a_long_script_can_be_cancelled_between_its_slices),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
