/* unit/expr/functions_test.c - the table of functions, and all that are not about text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "world.h"

#include "expr/functions.h"

static void
values_are_converted(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "int('12') + int(' 1'.trim())", "13" },
        { "int('-9223372036854775808')", "-9223372036854775808" },
        { "int('+7')", "7" },
        { "int(3.99)", "3" },
        { "int(-3.99)", "-3" },
        { "int(a)", "1" },
        { "int(e)", "script: int(e): the text is no whole number of 64 bits" },
        { "int(s)", "script: int(s): the text is no whole number of 64 bits" },
        { "int(e + '9223372036854775808')",
          "script: int(e + '9223372036854775808'): the text is no whole number of 64 bits" },
        { "int(e + '1.5')", "script: int(e + '1.5'): the text is no whole number of 64 bits" },
        { "int(d * 1e300)", "script: int(d * 1e300): the number is too large for an int" },
        { "int(t)", "script: int(t): can't be made of a bool; write x ? 1 : 0" },
        { "int(nul)", "script: int(nul): can't be made of null" },
        { "double(a)", "1.0" },
        { "double(d)", "1.5" },
        { "double('1.5e-1')", "0.15" },
        { "double('1.5e3')", "1500.0" },
        { "double('-.5')", "-0.5" },
        { "double('1e')", "parse 0+12: double('1e'): the text is no number" },
        { "double('nan')", "parse 0+13: double('nan'): the text is no number" },
        { "double('0x10')", "parse 0+14: double('0x10'): the text is no number" },
        { "double('1e999')", "parse 0+15: double('1e999'): the text is no number" },
        { "double(' 1')", "parse 0+12: double(' 1'): the text is no number" },
        { "double(l)", "script: double(l): can't be made of a list" },
        { "string(a) + string(d) + string(1.0) + string(t) + string(s)",
          "\"11.51.0trueHello, W\xc3\xb6rld\"" },
        { "string(-5)", "\"-5\"" },
        { "string(b'\\xc3\\xb6')", "\"\xc3\xb6\"" },
        { "string(raw)", "script: string(raw): the bytes are no UTF-8" },
        { "string(l)",
          "script: string(l): can't be made of a list; json.encode(x) writes it as JSON" },
        { "string(nul)", "script: string(nul): can't be made of null" },
        { "bool('true') && bool('1') && bool('t') && !bool('False')", "true" },
        { "bool(t)", "true" },
        { "bool(s)", "script: bool(s): the text is neither 'true' nor 'false'" },
        { "bool(a)", "script: bool(a): can't be made of an int; compare it with something" },
        { "bytes('\xc3\xb6')", "xc3b6" },
        { "bytes(raw) == raw", "true" },
        { "bytes(a)", "script: bytes(a): can't be made of an int" },
        { "[nul, t, a, d, s, raw, l, m].map(x, type(x))",
          "[\"null\",\"bool\",\"int\",\"double\",\"string\",\"bytes\",\"list\",\"map\"]" },
        { "type(a) == 'int'", "true" },
    };
    check_rows(rows, N(rows));
}

static void
sizes_and_extremes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "size(l) + l.size()", "6" },
        { "size(m)", "4" },
        { "size(raw)", "3" },
        { "size(e)", "0" },
        { "size(a)", "script: size(a): an int has no size" },
        { "size(nul)", "script: size(nul): null has no size" },
        { "min(3, d, 2)", "1.5" },
        { "max(a, 1.0)", "1" },
        { "max(l)", "3" },
        { "min(l.map(x, -x))", "-3" },
        { "max(big, 9223372036854775808.0)", "9223372036854776000.0" },
        { "min(a)", "1" },
        { "min([])", "parse 0+7: min([]): the list is empty" },
        { "min(a, s)", "script: min(a, s): numbers are needed, and one is a string" },
        { "max(ls)", "script: max(ls): numbers are needed, and one is a string" },
    };
    check_rows(rows, N(rows));
}

static void
values_are_encoded_and_decoded(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "json.encode(m)",
          "\"{\\\"x\\\":{\\\"y\\\":2},\\\"name\\\":\\\"n\\\",\\\"nul\\\":null,"
          "\\\"with-dash\\\":7}\"" },
        { "json.encode(raw)", "\"\\\"/wB6\\\"\"" },
        { "json.decode(json.encode(m)) == m", "true" },
        { "json.decode(b'[1,2.0]')", "[1,2.0]" },
        { "json.decode(e + '{\"a\":[1,{\"b\":\"c\"}]}').a[1].b", "\"c\"" },
        { "json.decode('{')",
          "parse 0+16: json.decode('{'): line 1, column 2: expected a key in quotes" },
        { "base64.encode('hi') + base64.encode(raw)", "\"aGk=/wB6\"" },
        { "base64.decode('aGk')", "x6869" },
        { "base64.decode('_wB6') == raw", "true" },
        { "hex.encode(e) + base64.encode(b'')", "\"\"" },
        { "base64.decode(e)", "x" },
        { "hex.encode(raw)", "\"ff007a\"" },
        { "hex.encode([s, s, s, s].join('')).size()", "104" },
        { "hex.encode([s, s, s, s, s].join('')).size()", "130" },
        { "string(hex.decode(hex.encode([s, s, s, s, s].join('')))) == [s, s, s, s, s].join('')", "true" },
        { "hex.encode(l.map(x, [s, s, s, s, s, s, s].join('')).join('')).size()", "546" },
        { "hex.encode(raw) + hex.encode('a') + url.encode('/')", "\"ff007a61%2F\"" },
        { "hex.decode('FF007a') == raw", "true" },
        { "hex.decode('f')",
          "parse 0+15: hex.decode('f'): hex must have an even number of digits" },
        { "url.encode('a b/\xc3\xb6?')", "\"a%20b%2F%C3%B6%3F\"" },
        { "url.raw('a/b')", "\"a/b\"" },
        { "url.encode(a)",
          "script: url.encode(a): 'a' must be a string or bytes, and is an int" },
        { "base64.decode(raw)",
          "script: base64.decode(raw): 'raw' must be a string, and is bytes" },
    };
    check_rows(rows, N(rows));
}

static void
digests_are_bytes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "hex.encode(sha256('abc'))",
          "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"" },
        { "sha256(b'abc') == sha256('abc')", "true" },
        { "hex.encode(hmac('sha256', 'key', 'The quick brown fox jumps over the lazy dog'))",
          "\"f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8\"" },
        { "hmac('sha1', b'k', raw).size()", "20" },
        { "hmac('sha512', 'k', 'x').size()", "64" },
        { "hmac(lent, 'k', 'x')",
          "script: hmac(lent, 'k', 'x'): unknown algorithm; there are sha1, sha256, sha384, sha512" },
        { "hmac('sha1', a, 'x')",
          "script: hmac('sha1', a, 'x'): 'a' must be a string or bytes, and is an int" },
        { "sha256(l)", "script: sha256(l): 'l' must be a string or bytes, and is a list" },
    };
    check_rows(rows, N(rows));
}

static void
moments_are_written(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "now()", "1767323045678" },
        { "uuid()", "\"0197a1b2-0000-7000-8000-000000000001\"" },
        { "time.format(now())", "\"2026-01-02T03:04:05.678Z\"" },
        { "time.format(0)", "\"1970-01-01T00:00:00.000Z\"" },
        { "time.format(-1)", "\"1969-12-31T23:59:59.999Z\"" },
        { "time.format(now(), 'http')", "\"Fri, 02 Jan 2026 03:04:05 GMT\"" },
        { "time.format(now(), 'date')", "\"2026-01-02\"" },
        { "time.format(now(), '%A %d. %B %Y, %H:%M:%S,%L %z %s %F %T %a %b 100%%')",
          "\"Friday 02. January 2026, 03:04:05,678 +0000 1767323045 2026-01-02 03:04:05 Fri "
          "Jan "
          "100%\"" },
        { "time.format(951782400000, 'date')", "\"2000-02-29\"" },
        { "time.format(-62167219200000)", "\"0000-01-01T00:00:00.000Z\"" },
        { "time.format(253402300799999)", "\"9999-12-31T23:59:59.999Z\"" },
        { "time.format(253402300800000)",
          "parse 0+28: time.format(253402300800000): the time is "
          "not in the years 0 to 9999" },
        { "time.format(-62167219200001)",
          "parse 0+28: time.format(-62167219200001): the time is "
          "not in the years 0 to 9999" },
        { "time.format(s)",
          "script: time.format(s): 's' must be a whole number, and is a string" },
    };
    check_rows(rows, N(rows));
}

static void
moments_are_read(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "time.parse('2026-01-02T03:04:05.678Z')", "1767323045678" },
        { "time.parse('2026-01-02t04:04:05.6789+01:00')", "1767323045678" },
        { "time.parse('2026-01-02 03:04:05-00:30')", "1767324845000" },
        { "time.parse('1970-01-01')", "0" },
        { "time.parse('1969-12-31T23:59:59.999Z')", "-1" },
        { "time.parse('0000-01-01')", "-62167219200000" },
        { "time.parse('2016-12-31T23:59:60Z')", "1483228800000" },
        { "time.parse('Fri, 02 Jan 2026 03:04:05 GMT', 'http')", "1767323045000" },
        { "time.parse('02/Jan/2026:04:04:05 +0100', '%d/%b/%Y:%T %z')", "1767323045000" },
        { "time.parse('1767323045.678', '%s.%L')", "1767323045678" },
        { "time.parse('-1', '%s')", "-1000" },
        { "time.parse('2026-01-02T03:04:05.6Z')", "1767323045600" },
        { "time.parse('100% 2026', '100%% %Y')", "1767225600000" },
        { "time.parse('Friday 2 January 2026', '%A %d %B %Y')", "1767312000000" },
        { "time.parse('1/2/2026', '%m/%d/%Y')", "1767312000000" },
    };
    check_rows(rows, N(rows));
}

static void
what_is_no_moment_is_told(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "time.parse('Fri', '%A')",
          "parse 0+23: time.parse('Fri', '%A'): the text is no time in this layout" },
        { "time.parse('Nov', '%z')",
          "parse 0+23: time.parse('Nov', '%z'): the text is no time in this layout" },
        { "time.parse('+2460', '%z')",
          "parse 0+25: time.parse('+2460', '%z'): the text is no time in this layout" },
        { "time.parse('+2', '%z')",
          "parse 0+22: time.parse('+2', '%z'): the text is no time in this layout" },
        { "time.parse('26-01-02')",
          "parse 0+22: time.parse('26-01-02'): the text is no time in this layout" },
        { "time.parse('2026-01-02T3:04')",
          "parse 0+29: time.parse('2026-01-02T3:04'): the text is no time in this layout" },
        { "time.parse('2026-01-02X03:04')",
          "parse 0+30: time.parse('2026-01-02X03:04'): the text is no time in this layout" },
        { "time.parse('2026-01-02T03:04:05.Z')",
          "parse 0+35: time.parse('2026-01-02T03:04:05.Z'): the text is no time in this "
          "layout" },
        { "time.parse('2026-02-29')",
          "parse 0+24: time.parse('2026-02-29'): there is no such day" },
        { "time.parse('2026-13-01')",
          "parse 0+24: time.parse('2026-13-01'): there is no such day" },
        { "time.parse('2026-01-01T24:00:00Z')",
          "parse 0+34: time.parse('2026-01-01T24:00:00Z'): there is no such time of day" },
        { "time.parse(s)", "script: time.parse(s): the text is no time in this layout" },
        { "time.parse('2026-01-02T03:04:05')",
          "parse 0+33: time.parse('2026-01-02T03:04:05'): the text is no time in this layout" },
        { "time.parse('2026-01-02x', 'date')",
          "parse 0+33: time.parse('2026-01-02x', 'date'): the text is no time in this layout" },
        { "time.parse(s, s)",
          "script: time.parse(s, s): a layout is rfc3339, http, date, or has "
          "directives such as %Y-%m-%d" },
    };
    check_rows(rows, N(rows));
}

static void
every_day_of_four_centuries_comes_back(void **state)
{
    (void)state;
    struct world w;
    struct expr *e = NULL;
    world_init(&w, false);
    const struct weir_value *root = w.root;
    assert_int_equal(expr_parse(TEXT("time.parse(time.format(a)) == a"), &e, NULL, NULL),
                     WEIR_OK);
    for (int64_t day = -719528; day < 146097 - 719528; day++) {
        struct weir_builder *b = builder_map();
        const struct weir_value *ms = value_int(day * 86400000 + 12345678);
        builder_set(b, "a", 1, &ms);
        const struct weir_value *map = builder_end(&b);
        w.root = map;
        bool same = false;
        assert_int_equal(expr_eval_bool(e, &w.env, &same, NULL), WEIR_OK);
        assert_true(same);
        value_unref(&map);
    }
    w.root = root;
    expr_free(&e);
    world_fini(&w);
}

static void
what_the_environment_lacks_is_an_error(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, false);
    w.env.now_ms = NULL;
    w.env.uuid = NULL;
    assert_string_equal(world_eval(&w, "now()"), "script: now(): there is no time here");
    assert_string_equal(world_eval(&w, "uuid()"), "script: uuid(): there are no UUIDs here");
    world_fini(&w);
}

static void
the_table_has_what_a_reference_needs(void **state)
{
    (void)state;
    const struct expr_function *f;
    unsigned n = 0;
    for (; (f = expr_function_at(n)) != NULL; n++) {
        assert_ptr_equal(expr_function_find(text_of(f->name)), f);
        assert_non_null(strstr(f->usage, f->name));
        assert_int_equal(f->summary[strlen(f->summary) - 1], '.');
        assert_true(f->min_args <= f->max_args);
        assert_true(f->styles & (EXPR_FUNCTION | EXPR_METHOD));
    }
    assert_int_equal(n, 41);
    assert_null(expr_function_find(TEXT("nope")));
    assert_int_equal(expr_function_find(TEXT("hmac"))->styles, EXPR_FUNCTION | EXPR_WASHING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_converted),
        cmocka_unit_test(sizes_and_extremes),
        cmocka_unit_test(values_are_encoded_and_decoded),
        cmocka_unit_test(digests_are_bytes),
        cmocka_unit_test(moments_are_written),
        cmocka_unit_test(moments_are_read),
        cmocka_unit_test(what_is_no_moment_is_told),
        cmocka_unit_test(every_day_of_four_centuries_comes_back),
        cmocka_unit_test(what_the_environment_lacks_is_an_error),
        cmocka_unit_test(the_table_has_what_a_reference_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
