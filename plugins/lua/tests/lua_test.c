/* lua/tests/lua_test.c - what lua/README.md and docs/lua.md promise of the language and its library.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lua_stage.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_returns_is_the_output),
        cmocka_unit_test(fields_are_read_and_null_is_nil),
        cmocka_unit_test(a_proxy_is_gone_through_in_its_order),
        cmocka_unit_test(a_write_stays_in_its_place_and_the_order_is_kept),
        cmocka_unit_test(the_table_library_works_on_proxies),
        cmocka_unit_test(whole_floats_are_keys_of_lists),
        cmocka_unit_test(keys_of_maps_are_text),
        cmocka_unit_test(strings_and_patterns_are_those_of_lua),
        cmocka_unit_test(long_searches_pause_and_go_on),
        cmocka_unit_test(the_configuration_comes_with_its_expressions),
        cmocka_unit_test(the_library_does_what_it_says),
        cmocka_unit_test(objects_are_made_with_metatables),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
