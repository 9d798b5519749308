/* unit/expr/parse_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "world.h"

static void
what_is_missing_is_named_with_its_place(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "", "parse 0+0: an expression is missing" },
        { "  ", "parse 0+0: an expression is missing" },
        { "1 +", "parse 3+0: expected a value, but the expression ends" },
        { "1 + * 2", "parse 4+1: expected a value, found '*'" },
        { "(1 + 2",
          "parse 6+0: expected ')' to close '(' at column 1, but the expression ends" },
        { "a && (b || (t)",
          "parse 14+0: expected ')' to close '(' at column 6, but the expression "
          "ends" },
        { "size(l",
          "parse 6+0: expected ')' to close '(' at column 5, but the expression ends" },
        { "size(l s)", "parse 7+1: expected ')' to close '(' at column 5, found 's'" },
        { "[1, 2",
          "parse 5+0: expected ']' to close '[' at column 1, but the expression ends" },
        { "[1 2]", "parse 3+1: expected ']' to close '[' at column 1, found '2'" },
        { "[\n1 2]", "parse 4+1: expected ']' to close '[' at column 1, found '2'" },
        { "[1,\n [2 3]]",
          "parse 8+1: expected ']' to close '[' at line 2, column 2, found '3'" },
        { "'\xc3\xa9' + (1",
          "parse 9+0: expected ')' to close '(' at column 7, but the expression "
          "ends" },
        { "l[0", "parse 3+0: expected ']' to close '[' at column 2, but the expression ends" },
        { "l[]", "parse 2+1: expected a value, found ']'" },
        { "{'a' 1}", "parse 5+1: expected ':' behind the key, found '1'" },
        { "{'a': 1",
          "parse 7+0: expected '}' to close '{' at column 1, but the expression ends" },
        { "a ? b", "parse 5+0: expected ':' for the '?' at column 3, but the expression ends" },
        { "a ? b c", "parse 6+1: expected ':' for the '?' at column 3, found 'c'" },
        { "a.", "parse 2+0: expected a name behind the dot, but the expression ends" },
        { "a?.", "parse 3+0: expected a name behind the dot, but the expression ends" },
        { "a.(b)", "parse 2+1: expected a name behind the dot, found '('" },
        { "a)", "parse 1+1: expected an operator or the end, found ')'" },
        { "a b", "parse 2+1: expected an operator or the end, found 'b'" },
        { "a ?? ", "parse 5+0: expected a value, but the expression ends" },
        { "l.map(1, 2)", "parse 6+1: expected a name for the items, as in list.map(x, result), "
                         "found '1'" },
        { "l.all(true, 2)", "parse 6+4: expected a name for the items, as in list.all(x, "
                            "condition), found 'true'" },
        { "l.map(x y)", "parse 8+1: expected ',' behind the name, found 'y'" },
        { "l[-1]", "parse 2+2: an index can't be negative; the last item is x[size(x) - 1]" },
        { "l[true]", "parse 2+4: an index is an int for a list or a string for a map" },
    };
    check_rows(rows, N(rows));
}

static void
unknown_functions_are_told_with_what_was_meant(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "lower(s)", "parse 0+5: unknown function 'lower'; did you mean 'lowerAscii'?" },
        { "s.lower()", "parse 2+5: unknown method 'lower'; did you mean 'lowerAscii'?" },
        { "s.startswith('a')",
          "parse 2+10: unknown method 'startswith'; did you mean 'startsWith'?" },
        { "s.length()", "parse 2+6: unknown method 'length'; did you mean 'size'?" },
        { "l.some(x, x)", "parse 2+4: unknown method 'some'; did you mean 'exists'?" },
        { "json.encod(s)",
          "parse 0+10: unknown function 'json.encod'; did you mean 'json.encode'?" },
        { "json.parse(s)",
          "parse 0+10: unknown function 'json.parse'; did you mean 'json.decode'?" },
        { "zzzzzz(s)", "parse 0+6: unknown function 'zzzzzz'" },
        { "trim(s)", "parse 0+4: 'trim' is a method; write text.trim()" },
        { "s.string()", "parse 2+6: 'string' is a function; write string(x)" },
        { "all(l, x, true)", "parse 0+3: 'all' is a method; write list.all(x, condition)" },
        { "m.has(x)", "parse 2+3: 'has' is a function; write has(a.b)" },
        { "m.x(1)", "parse 2+1: unknown method 'x'" },
    };
    check_rows(rows, N(rows));
}

static void
wrong_numbers_of_arguments_are_found(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "size()", "parse 0+4: size takes 1 argument: size(x)" },
        { "size(1, 2)", "parse 0+4: size takes 1 argument: size(x)" },
        { "s.size(1)", "parse 2+4: size takes no argument: size(x)" },
        { "s.trim(1)", "parse 2+4: trim takes no argument: text.trim()" },
        { "s.substring()",
          "parse 2+9: substring takes 1 to 2 arguments: text.substring(from, to?)" },
        { "s.replace('a')", "parse 2+7: replace takes 2 to 3 arguments: text.replace(part, by, "
                            "times?)" },
        { "now(1)", "parse 0+3: now takes no argument: now()" },
        { "hmac('sha256', s)", "parse 0+4: hmac takes 3 arguments: hmac(algorithm, key, x)" },
        { "min()", "parse 0+3: min takes 1 to 8 arguments: min(a, b, ...)" },
        { "min(1,2,3,4,5,6,7,8,9)", "parse 0+3: min takes 1 to 8 arguments: min(a, b, ...)" },
        { "l.map(x)", "parse 2+3: map takes 2 to 3 arguments: list.map(x, result)" },
        { "l.all(x, t, t)", "parse 2+3: all takes 2 arguments: list.all(x, condition)" },
        { "l.filter()", "parse 9+1: expected a name for the items, as in list.filter(x, "
                        "condition), found ')'" },
    };
    check_rows(rows, N(rows));
}

static void
constant_arguments_are_checked(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "s.matches('a(b')", "parse 10+5: at offset 3: missing closing parenthesis" },
        { "s.matches(1)", "parse 10+1: a regular expression is a string" },
        { "hmac('md5', s, s)", "parse 5+5: unknown algorithm; there are sha1, sha256, sha384, sha512" },
        { "hmac(1, s, s)", "parse 5+1: hmac(algorithm, key, x) needs a string here" },
        { "time.format(a, '%Q')",
          "parse 15+4: unknown directive in the layout; there are %Y %m %d "
          "%H %M %S %L %a %A %b %B %z %s %F %T %%" },
        { "time.format(a, 'abc')",
          "parse 15+5: a layout is rfc3339, http, date, or has directives "
          "such as %Y-%m-%d" },
        { "url.raw(s) + 'x'",
          "parse 0+10: url.raw() stands only for the whole of a ${ } in a url" },
        { "[url.raw('x')]",
          "parse 1+12: url.raw() stands only for the whole of a ${ } in a url" },
    };
    check_rows(rows, N(rows));
}

/* N times TEXT, between BEFORE and AFTER. */
static char *
repeated(const char *before, const char *text, size_t n, const char *after)
{
    size_t len = strlen(text);
    char *s = malloc(strlen(before) + n * len + strlen(after) + 1);
    assert_non_null(s);
    char *at = stpcpy(s, before);
    for (size_t i = 0; i < n; i++)
        at = stpcpy(at, text);
    strcpy(at, after);
    return s;
}

/* Checks how the answer for N times OPEN, MIDDLE, N times CLOSE begins. */
static void
nested(const char *open, size_t n, const char *middle, const char *close, const char *gives)
{
    char *tail = repeated(middle, close, n, "");
    char *text = repeated("", open, n, tail);
    struct world w;
    world_init(&w, false);
    const char *got = world_eval(&w, text);
    if (strncmp(got, gives, strlen(gives)) != 0)
        fail_msg("%zu x %s gives %s", n, open, got);
    world_fini(&w);
    free(text);
    free(tail);
}

static void
nesting_is_bounded(void **state)
{
    (void)state;
    nested("(", 63, "1", ")", "1");
    nested("(", 64, "1", ")", "parse 64+1: nested too deeply: more than 64 levels");
    nested("(", 5000, "1", ")", "parse 64+1: nested too deeply");
    nested("[", 63, "1", "]", "[[[");
    nested("[", 5000, "1", "]", "parse 64+1: nested too deeply");
    nested("{'a':", 2000, "1", "}", "parse 316+3: nested too deeply");
    nested("!", 63, "t", "", "false");
    nested("!", 9000, "t", "", "parse 64+1: nested too deeply");
    nested("-", 9000, "a", "", "parse 64+1: nested too deeply");
    nested("size(", 2000, "s", ")", "parse 320+4: nested too deeply");
    nested("t?1:", 63, "1", "", "1");
    nested("t?1:", 4000, "1", "", "parse 254+1: nested too deeply");
    nested("nope??", 63, "1", "", "1");
    nested("nope??", 2000, "1", "", "parse 384+4: nested too deeply");
    nested("l[", 5000, "0", "]", "parse 128+1: nested too deeply");
    nested("l.map(x,", 9, "1", ")", "parse 70+1: more than 8 macros inside each other");
}

static void
rows_of_operators_are_bounded(void **state)
{
    (void)state;
    nested("a+", 255, "a", "", "256");
    nested("a+", 256, "a", "", "parse 0+513: too many operators in a row: more than 256");
    nested("a+", 8000, "a", "", "parse 0+513: too many operators in a row");
    nested("t&&", 255, "t", "", "true");
    nested("t||", 5000, "t", "", "parse 0+769: too many operators in a row");
    nested("", 255, "s", ".trim()", "\"Hello");
    nested("", 2000, "s", ".trim()", "parse 0+1793: too many operators in a row");
    nested("", 5000, "m", ".x", "script: m.x has no field 'x'");
    nested("", 5000, "m.nope?", ".x", "absent");
}

static void
many_operands_side_by_side_are_fine(void **state)
{
    (void)state;
    char *text = repeated("size([", "a,", 8000, "])");
    struct world w;
    world_init(&w, false);
    assert_string_equal(world_eval(&w, text), "8000");
    world_fini(&w);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing_is_named_with_its_place),
        cmocka_unit_test(unknown_functions_are_told_with_what_was_meant),
        cmocka_unit_test(wrong_numbers_of_arguments_are_found),
        cmocka_unit_test(constant_arguments_are_checked),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(rows_of_operators_are_bounded),
        cmocka_unit_test(many_operands_side_by_side_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
