/* tests/unit/author/js_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "author/js.h"

static bool
find_node(void *arg, struct weir_text name, struct js_base *ret)
{
    (void)arg;
    if (text_is(name, "Webhook"))
        *ret = (struct js_base){ .text = "request", .shape = JS_REQUEST };
    else if (text_is(name, "Get user"))
        *ret = (struct js_base){ .text = "steps.get_user.body" };
    else if (text_is(name, "Maybe"))
        *ret = (struct js_base){ .text = "steps.maybe", .maybe = true };
    else if (text_is(name, "Whole"))
        *ret = (struct js_base){ .text = "steps.whole", .shape = JS_ANSWER };
    else if (text_is(name, "Error"))
        *ret = (struct js_base){ .text = "request.body", .shape = JS_FAILURE };
    else
        return false;
    return true;
}

static const struct js_names names = { .json = { .text = "input" }, .node = find_node };

static void
assert_becomes(const char *js, const char *as)
{
    struct arena a;
    const char *why = "nothing";
    arena_init(&a, 0, SIZE_MAX);
    const char *text = js_expression(&a, text_of(js), &names, &why);
    if (text == NULL)
        fail_msg("%s: %s", js, why);
    assert_string_equal(text, as);
    arena_fini(&a);
}

static void
assert_none(const char *js, const char *reason)
{
    struct arena a;
    const char *why = "nothing";
    arena_init(&a, 0, SIZE_MAX);
    const char *text = js_expression(&a, text_of(js), &names, &why);
    if (text != NULL)
        fail_msg("%s became %s", js, text);
    if (strstr(why, reason) == NULL)
        fail_msg("%s: %s", js, why);
    arena_fini(&a);
}

static void
data_of_nodes_is_found_by_every_spelling(void **state)
{
    (void)state;
    assert_becomes(" $json.user.name ", "input.user.name");
    assert_becomes("$json[\"first name\"].x", "input[\"first name\"].x");
    assert_becomes("$json.items[0].id", "input.items[0].id");
    assert_becomes("$json", "input");
    assert_becomes("$input.item.json.a", "input.a");
    assert_becomes("$input.first().json.a", "input.a");
    assert_becomes("items[0].json.a", "input.a");
    assert_becomes("$('Webhook').item.json.body.id", "request.body.id");
    assert_becomes("$node[\"Webhook\"].json[\"headers\"]['x-id']", "request.headers[\"x-id\"]");
    assert_becomes("$node.Webhook.json.query.q", "request.query.q");
    assert_becomes("$items(\"Get user\")[0].json.name", "steps.get_user.body.name");
    assert_becomes("$('Get user').first().json.in", "steps.get_user.body[\"in\"]");
    assert_becomes("$('Maybe').last().json.a.b", "steps.maybe?.a.b");
    assert_becomes("$('Maybe').item.json", "steps.maybe ?? null");
    assert_becomes("$('Maybe').item.json['a b']", "(steps.maybe ?? {})[\"a b\"]");
    assert_becomes("$('Whole').item.json.statusCode", "steps.whole.status");
    assert_becomes("$('Error').item.json.execution.error.message", "request.body.message");
    assert_becomes("$env.API_URL + '/x'", "string(env.API_URL) + \"/x\"");
    assert_becomes("$item(0).$node[\"Webhook\"].json.body", "request.body");
    assert_none("$('Webhook').item.json.foo", "not 'foo'");
    assert_none("$('Nobody').item.json.foo", "no node 'Nobody'");
    assert_none("$('Get user').all()", "one item");
    assert_none("$('Error').item.json.execution.error.stack", "no counterpart");
    assert_none("$credentials.key", "secrets");
}

static void
operators_keep_their_meaning(void **state)
{
    (void)state;
    assert_becomes("$json.a === 'x'", "input.a == \"x\"");
    assert_becomes("$json.a != undefined", "(input.a ?? null) != null");
    assert_becomes("null == $json.a", "(input.a ?? null) == null");
    assert_becomes("$json.a !== undefined", "has(input.a)");
    assert_becomes("$json.a.b === undefined", "!has(input.a.b)");
    assert_becomes("$json.a === null", "has(input.a) && input.a == null");
    assert_becomes("($json.a !== null) ? 1 : 2", "(!has(input.a) || input.a != null) ? 1 : 2");
    assert_becomes("$json.a ?? $json.b ?? 1", "(input.a ?? input.b) ?? 1");
    assert_becomes("$json.a > 1 || $json.b < 2 && true", "input.a > 1 || input.b < 2 && true");
    assert_becomes("($json.a > 1 || false) && true", "(input.a > 1 || false) && true");
    assert_becomes("$json.a ? 1 : 2", "!((input.a ?? null) in [null, false, 0, \"\"]) ? 1 : 2");
    assert_becomes("!$json.a", "((input.a ?? null) in [null, false, 0, \"\"])");
    assert_becomes("1 + 2 * ($json.n - 1)", "1 + 2 * (input.n - 1)");
    assert_becomes("`a ${ $json.b } c`", "\"a \" + string(input.b) + \" c\"");
    assert_becomes("`${ `x${1}` }`", "(\"x\" + string(1))");
    assert_becomes("{ a: 1, 'b c': [$json.x, null] }", "{\"a\": 1, \"b c\": [input.x, null]}");
    assert_becomes("-$json.n", "-input.n");
    assert_becomes(".5 + 1.", "0.5 + 1.0");
    assert_becomes("/* c */ 1 // d", "1");
    assert_none("$json.a | 1", "no counterpart");
    assert_none("$json.a.trim() ?? 'x'", "default");
    assert_none("[...$json.a]", "'...'");
    assert_none("x => 1", "x has no counterpart");
    assert_none("1 +", "ends early");
    assert_none("(1", "')' is missing");
    assert_none("'abc", "without end");
    assert_none("0x10", "number");
    assert_none("", "ends early");
}

static unsigned noted;
static const char *last_note;

static void
note(void *arg, const char *what)
{
    (void)arg;
    noted++;
    last_note = what;
}

static void
assert_noted(const char *js, const char *part)
{
    struct arena a;
    struct js_names with = names;
    const char *why = "nothing";
    with.note = note;
    noted = 0;
    arena_init(&a, 0, SIZE_MAX);
    if (js_expression(&a, text_of(js), &with, &why) == NULL)
        fail_msg("%s: %s", js, why);
    if (part == NULL ? noted > 0 : noted != 1 || strstr(last_note, part) == NULL)
        fail_msg("%s: %u notes, %s", js, noted, noted > 0 ? last_note : "");
    arena_fini(&a);
}

/* What only looks the same: each of these once came out otherwise, without a word. */
static void
values_are_those_of_javascript(void **state)
{
    (void)state;
    assert_becomes("$json.a / 2", "double(input.a) / 2");
    assert_becomes("$json.a / 2.5 / $json.b", "input.a / 2.5 / input.b");
    assert_becomes("$json.a || 'none'",
                   "!((input.a ?? null) in [null, false, 0, \"\"]) ? input.a : \"none\"");
    assert_becomes("$json.a && 'yes'",
                   "!((input.a ?? null) in [null, false, 0, \"\"]) ? \"yes\" : (input.a ?? null)");
    assert_becomes("$json.a.trim() || 'x'", "input.a.trim() != \"\" ? input.a.trim() : \"x\"");
    assert_becomes("$json.n > 1 && 'many'", "input.n > 1 ? \"many\" : false");
    assert_becomes("!($json.a || $json.b)",
                   "!(!((input.a ?? null) in [null, false, 0, \"\"]) || "
                   "!((input.b ?? null) in [null, false, 0, \"\"]))");
    assert_becomes("$json.a == 1 ? 'x' : 'y'",
                   "(input.a ?? null) in [1, \"1\", true] ? \"x\" : \"y\"");
    assert_becomes("$json.a == 'abc'", "input.a == \"abc\"");
    assert_becomes("$json.a != '5'", "!((input.a ?? null) in [\"5\", 5])");
    assert_becomes("$json.a == true", "(input.a ?? null) in [true, 1, \"1\"]");
    assert_becomes("$json.a == ''", "(input.a ?? null) in [\"\", 0, false]");
    assert_becomes("$('Webhook').item.json.query.n + 1", "request.query.n + string(1)");
    assert_becomes("$('Webhook').item.json.query.n * 2", "double(request.query.n) * 2");
    assert_becomes("$('Webhook').item.json.query.n > 5", "double(request.query.n) > 5");
    assert_becomes("$json.a?.b", "input.a?.b");
    assert_becomes("`a\\n\\u00e9${ 1 }`", "\"a\\né\" + string(1)");
    assert_becomes("'\\ud83d\\ude00\\x01'", "\"😀\\u0001\"");
    assert_becomes("$json.list.map(input => input.a + $json.b * 1)",
                   "input.list.map(input_, input_.a + input.b * 1)");
    assert_becomes("'half: ' + $json.a / 2",
                   "\"half: \" + string([double(input.a) / 2].map(n, n == int(n) ? int(n) : n)[0])");
    assert_none("$json.a.replace('x', '$&y')", "'$'");
    assert_none("/a/m.test($json.a)", "flag");
    assert_none("'\\0'", "no character");
    assert_none("$('Webhook').item.json.headers['X-Id']", "lower case");
    assert_noted("$json.a + $json.b", "'+'");
    assert_noted("$json.a == $json.b", "'=='");
    assert_noted("$json.a.toLowerCase()", "a-z");
    assert_noted("$now.toFormat('HH:mm')", "UTC");
    assert_noted("JSON.stringify($json, null, 2)", "line breaks");
    assert_noted("$today.toMillis()", "UTC");
    assert_noted("new Date().toISOString() + $now.toUTC().toISO()", NULL);
    assert_noted("$json.a === $json.b && $json.n + 1 > 2", NULL);
}

static void
methods_have_counterparts(void **state)
{
    (void)state;
    assert_becomes("$json.a.toLowerCase().trim()", "input.a.lowerAscii().trim()");
    assert_becomes("$json.a.split(',').length", "size(input.a.split(\",\"))");
    assert_becomes("$json.a.slice(0, 10)", "input.a.substring(0, min(10, size(input.a)))");
    assert_becomes("$json.a.substr(2, 3)",
                   "input.a.substring(min(2, size(input.a)), min(5, size(input.a)))");
    assert_becomes("$json.a.substring(4, 0)", "input.a.substring(0, min(4, size(input.a)))");
    assert_becomes("[1, 2].includes($json.a)", "input.a in [1, 2]");
    assert_becomes("$json.t.trim().includes('x')", "input.t.trim().contains(\"x\")");
    assert_becomes("$json.t.split(',').includes('x')", "\"x\" in input.t.split(\",\")");
    assert_becomes("$json.a.includes('x') && true",
                   "(type(input.a) == \"list\" ? \"x\" in input.a : input.a.contains(\"x\")) && true");
    assert_becomes("parseInt($json.n, 10)", "int(input.n)");
    assert_becomes("$json.a.replace('x', 'y')", "input.a.replace(\"x\", \"y\", 1)");
    assert_becomes("$json.a.toString()", "string(input.a)");
    assert_becomes("$json.list.map(x => x.id).join(', ')", "input.list.map(x, x.id).join(\", \")");
    assert_becomes("$json.list.find((x) => x.id === 2).name",
                   "input.list.filter(x, x.id == 2)[0].name");
    assert_becomes("JSON.stringify($json.body, null, 2)", "json.encode(input.body)");
    assert_becomes("encodeURIComponent($json.q)", "url.encode(input.q)");
    assert_becomes("parseInt($json.n) + 1", "int(input.n) + 1");
    assert_becomes("$json.a.isEmpty()", "size(input.a ?? \"\") == 0");
    assert_becomes("/^a+$/i.test($json.a)", "input.a.matches(\"(?i)^a+$\")");
    assert_none("$json.a.slice(-3)", "slice");
    assert_none("$json.a.replace(/x/g, '')", "regular expression");
    assert_none("$json.a.frobnicate()", "'.frobnicate()'");
    assert_none("$json.l.map(x => { return 1 })", "several lines");
    assert_none("(() => 1)()", "no counterpart");
}

static void
times_are_formatted(void **state)
{
    (void)state;
    assert_becomes("$now", "time.format(now())");
    assert_becomes("$now.format('yyyy-MM-dd HH:mm')", "time.format(now(), \"%Y-%m-%d %H:%M\")");
    assert_becomes("new Date().toISOString()", "time.format(now())");
    assert_becomes("Date.now()", "now()");
    assert_becomes("$now.minus({ days: 2 }).toISO()", "time.format(now() - 172800000)");
    assert_none("$now.format('LLL')", "format of a time");
    assert_none("new Date($json.x)", "no counterpart");
}

static void
texts_hold_expressions(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0, SIZE_MAX);
    struct js_text t = js_template(&a, TEXT("=Hello {{ $json.name }}, ${not mine} {{$fromAI('x')}}!"),
                                   &names);
    assert_int_equal(t.expressions, 2);
    assert_int_equal(t.failed, 1);
    assert_true(text_equal(t.text, TEXT("Hello ${ input.name }, $${not mine} "
                                        "${ input[\"TODO {{$fromAI('x')}}\"] }!")));
    assert_non_null(strstr(t.why, "$fromAI"));
    t = js_template(&a, TEXT("=Total: $${{ $json.a }} ${{ $json.b / 2 }}"), &names);
    assert_true(text_equal(t.text, TEXT("Total: ${ \"$$\" }${ input.a } ${ \"$\" }"
                                        "${ [double(input.b) / 2].map(n, n == int(n) ? int(n) : n)[0] }")));
    t = js_template(&a, TEXT("={{ {a: {b: 1}} }}"), &names);
    assert_true(text_equal(t.text, TEXT("${ {\"a\": {\"b\": 1}} }")));
    t = js_template(&a, TEXT("={{ {a: 1}}}"), &names);
    assert_true(text_equal(t.text, TEXT("${ {\"a\": 1} }")));
    t = js_template(&a, TEXT("{{ open"), &names);
    assert_true(text_equal(t.text, TEXT("{{ open")));
    const char *why;
    assert_string_equal(js_operand(&a, TEXT("={{ $json.a }}"), &names, &why), "input.a");
    assert_string_equal(js_operand(&a, TEXT("x{{ $json.a }}y"), &names, &why),
                        "\"x\" + string(input.a) + \"y\"");
    assert_string_equal(js_operand(&a, TEXT("a \"b\""), &names, &why), "\"a \\\"b\\\"\"");
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_of_nodes_is_found_by_every_spelling),
        cmocka_unit_test(operators_keep_their_meaning),
        cmocka_unit_test(values_are_those_of_javascript),
        cmocka_unit_test(methods_have_counterparts),
        cmocka_unit_test(times_are_formatted),
        cmocka_unit_test(texts_hold_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
