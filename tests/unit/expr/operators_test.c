/* unit/expr/operators_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "world.h"

static void
arithmetic_of_ints_is_exact_and_refuses_to_overflow(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "1 + 2 * 3", "7" },
        { "(1 + 2) * 3", "9" },
        { "10 - 2 - 3", "5" },
        { "2 * 3 % 4", "2" },
        { "7 / 2", "3" },
        { "-7 / 2", "-3" },
        { "-7 % 3", "-1" },
        { "7 % -3", "1" },
        { "--1", "1" },
        { "- 5", "-5" },
        { "-a", "-1" },
        { "-9223372036854775808", "-9223372036854775808" },
        { "9223372036854775807", "9223372036854775807" },
        { "big - 1 + 1", "9223372036854775807" },
        { "big + 1", "script: big + 1: the result is too large for an int" },
        { "-big - 2", "script: -big - 2: the result is too large for an int" },
        { "big * 2", "script: big * 2: the result is too large for an int" },
        { "(-big - 1) / -1", "script: (-big - 1) / -1: the result is too large for an int" },
        { "(-big - 1) % -1", "script: (-big - 1) % -1: the result is too large for an int" },
        { "-(-big - 1)", "script: -(-big - 1): the result is too large for an int" },
        { "a / 0", "script: a / 0: division by zero" },
        { "a % 0", "script: a % 0: division by zero" },
    };
    check_rows(rows, N(rows));
}

static void
ints_and_doubles_mix_and_give_doubles(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "a + 1.5", "2.5" },
        { "1.5 - a", "0.5" },
        { "d * b", "3.0" },
        { "d / b", "0.75" },
        { "1.0 + 1.0", "2.0" },
        { "-d", "-1.5" },
        { "d / 0", "script: d / 0: division by zero" },
        { "1e308 * (d * 10.0)",
          "script: 1e308 * (d * 10.0): the result is too large for a double" },
        { "d % b", "script: d % b: % works on ints only; int(x) makes one" },
    };
    check_rows(rows, N(rows));
}

static void
plus_joins_strings_bytes_and_lists(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "s + '!'", "\"Hello, W\xc3\xb6rld!\"" },
        { "e + e", "\"\"" },
        { "raw + b'a'", "xff007a61" },
        { "l + [4] + l", "[1,2,3,4,1,2,3]" },
        { "[] + []", "[]" },
        { "s + raw", "script: s + raw: there is no '+' for a string and bytes" },
        { "s + a",
          "script: s + a: there is no '+' for a string and an int; string(x) makes text "
          "of a number" },
        { "a + s",
          "script: a + s: there is no '+' for an int and a string; string(x) makes text "
          "of a number" },
        { "s - a",
          "script: s - a: there is no '-' for a string and an int; int(x) and double(x) "
          "make numbers of text" },
        { "m + m", "script: m + m: there is no '+' for a map and a map" },
        { "t + 1", "script: t + 1: there is no '+' for a bool and an int" },
        { "nul + 1", "script: nul + 1: there is no '+' for null and an int" },
        { "-s", "script: -s: only a number can be negative, and this is a string" },
    };
    check_rows(rows, N(rows));
}

static void
equality_is_of_values_and_never_fails(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "1 == 1.0", "true" },
        { "a != 1.0", "false" },
        { "big == 9223372036854775808.0", "false" },
        { "'a' == b'a'", "false" },
        { "'1' == a", "false" },
        { "nul == null", "true" },
        { "a == null", "false" },
        { "t == true", "true" },
        { "l == [1, 2.0, 3]", "true" },
        { "l == [1, 2]", "false" },
        { "mm == {'k2': 2, 'k1': 1.0}", "true" },
        { "mm == {'k2': 2, 'k3': 1}", "false" },
        { "[[1], {'a': []}] == [[1.0], {'a': []}]", "true" },
        { "raw == b'\\xff\\x00z'", "true" },
        { "s == 'Hello, W\\u00f6rld'", "true" },
        { "m?.nope == null", "true" },
        { "m?.nope != null", "false" },
        { "nope?.x == 'y'", "false" },
    };
    check_rows(rows, N(rows));
}

static void
order_is_of_numbers_strings_bytes_and_bools(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "1 < 1.5", "true" },
        { "2 <= 2.0", "true" },
        { "big < 9223372036854775808.0", "true" },
        { "'a' < 'b'", "true" },
        { "'a' < 'ab'", "true" },
        { "'' < 'a'", "true" },
        { "'\\uffff' < '\\U00010000'", "true" },
        { "b'\\xff' > b'\\x00'", "true" },
        { "false < true", "true" },
        { "true >= true", "true" },
        { "a > 0 && a < 2", "true" },
        { "a < s",
          "script: a < s: there is no '<' for an int and a string; int(x) and double(x) "
          "make numbers of text" },
        { "nul < a", "script: nul < a: there is no '<' for null and an int" },
        { "l < l", "script: l < l: there is no '<' for a list and a list" },
    };
    check_rows(rows, N(rows));
}

static void
in_looks_into_lists_and_keys(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "2 in l", "true" },
        { "2.0 in l", "true" },
        { "'2' in l", "false" },
        { "[1] in [[1], 2]", "true" },
        { "null in [nul]", "true" },
        { "'x' in m", "true" },
        { "'y' in m", "false" },
        { "1 in m", "false" },
        { "1 in []", "false" },
        { "'h' in s",
          "script: 'h' in s: 'in' looks into a list or a map, and this is a string; "
          "write text.contains(part)" },
        { "1 in a", "script: 1 in a: 'in' looks into a list or a map, and this is an int" },
    };
    check_rows(rows, N(rows));
}

static void
logic_takes_bools_and_forgives_errors_of_the_side_that_does_not_matter(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "t && f", "false" },
        { "t && t", "true" },
        { "f || t", "true" },
        { "f || f", "false" },
        { "!t", "false" },
        { "!!t", "true" },
        { "f || t && f", "false" },
        { "nope || t", "true" },
        { "t || nope", "true" },
        { "nope && f", "false" },
        { "f && nope", "false" },
        { "a && f", "false" },
        { "broken == 1 || t", "true" },
        { "(broken || broken) && f", "false" },
        { "(broken || nope) || (nope || broken) || t", "true" },
        { "broken || f", "invalid: the body is no JSON" },
        { "f || broken", "invalid: the body is no JSON" },
        { "nope || f", "script: there is no 'nope' here" },
        { "nope && broken", "script: there is no 'nope' here" },
        { "a && t", "script: a: must be a bool, and is an int" },
        { "t && s", "script: s: must be a bool, and is a string" },
        { "!nul", "script: nul: must be a bool, and is null" },
        { "!m?.nope", "script: m?.nope: nothing is there; give it a default with ??" },
    };
    check_rows(rows, N(rows));
}

static void
the_conditional_evaluates_one_branch(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "t ? 1 : nope", "1" },
        { "f ? nope : 2", "2" },
        { "a > 5 ? 'x' : a > 0 ? 'y' : 'z'", "\"y\"" },
        { "t ? f ? 1 : 2 : 3", "2" },
        { "f || t ? 1 : 2", "1" },
        { "a==1?.5:2", "0.5" },
        { "a ? 1 : 2", "script: a: must be a bool, and is an int" },
        { "(t ? l : m)[0]", "1" },
        { "t ? m?.nope : 1", "absent" },
    };
    check_rows(rows, N(rows));
}

static void
constants_are_folded_while_parsing(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "'a' + 1",
          "parse 0+7: 'a' + 1: there is no '+' for a string and an int; string(x) makes "
          "text of a number" },
        { "t ? 1 : ('a' < 1)",
          "parse 9+7: 'a' < 1: there is no '<' for a string and an int; int(x) "
          "and double(x) make numbers of text" },
        { "a + (1 / 0)", "parse 5+5: 1 / 0: division by zero" },
        { "s + 'x'.substring(3)",
          "parse 4+16: 'x'.substring(3): 3 is no place in a text of 1 characters" },
        { "1 / 0 > 0 || true", "true" },
        { "true || 1 / 0 > 0", "true" },
        { "false && 1 / 0 > 0", "false" },
        { "1 / 0 > 0 && false", "false" },
        { "false ? 1 / 0 : 2", "2" },
        { "t || 1 / 0 > 0", "parse 5+5: 1 / 0: division by zero" },
        { "[1, 2 + 3, 'a' + 'b']", "[1,5,\"ab\"]" },
        { "{'a': 1 + 1}.a", "2" },
        { "!1", "parse 0+2: 1: must be a bool, and is an int" },
    };
    check_rows(rows, N(rows));
}

static void
what_is_made_on_the_way_is_kept_till_the_end(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "([a] + [a] + [a] + [a] + [a] + [a] + [a] + [a] + [a] + [a] + [a] + [a]).size()",
          "12" },
        { "[[a], [a], [a], [a], [a], [a], [a], [a], [a], [a], [a], [a]].size()", "12" },
        { "[a] == [a] && [b] == [b] && [a] != [b] && [s] + [s] + [s] + [s] == [s, s, s, s]",
          "true" },
    };
    check_rows(rows, N(rows));
}

static void
values_too_deep_to_be_compared_are_an_error(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, false);
    const struct weir_value *deep = value_int(1);
    for (unsigned i = 0; i < VALUE_DEPTH + 1; i++) {
        struct weir_builder *b = builder_list();
        builder_add(b, &deep);
        deep = builder_end(&b);
    }
    struct weir_builder *map = builder_map();
    builder_set(map, "deep", 4, &deep);
    value_unref(&w.root);
    w.root = builder_end(&map);
    assert_string_equal(world_eval(&w, "deep == deep"),
                        "script: deep == deep: nested too deeply to be compared");
    assert_string_equal(world_eval(&w, "deep[0] == deep[0]"), "true");
    world_fini(&w);
}

#define SMILES "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"

static void
a_quoted_part_is_cut_at_a_whole_character(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "'" SMILES SMILES SMILES SMILES "' + a",
        "'-" SMILES SMILES SMILES SMILES "' + a",
        "'--" SMILES SMILES SMILES SMILES "' + a",
        "m['---" SMILES SMILES SMILES SMILES "']",
        "m['" SMILES SMILES SMILES SMILES SMILES "']",
        "m['-" SMILES SMILES SMILES SMILES SMILES "']",
        "(a '-" SMILES SMILES SMILES SMILES SMILES "'",
        "(a '--" SMILES SMILES SMILES SMILES SMILES "'",
    };
    struct world w;
    world_init(&w, false);
    for (size_t i = 0; i < N(texts); i++) {
        const char *gives = world_eval(&w, texts[i]);
        assert_true(strncmp(gives, "script: ", 8) == 0 || strncmp(gives, "parse ", 6) == 0);
        assert_true(utf8_valid(text_of(gives)));
    }
    world_fini(&w);
}

static void
a_condition_is_evaluated_without_a_value(void **state)
{
    (void)state;
    struct world w;
    struct weir_error err = { 0 };
    struct expr *e = NULL;
    bool holds = false;
    world_init(&w, false);
    assert_int_equal(expr_parse(TEXT("a == 1"), &e, NULL, NULL), WEIR_OK);
    assert_int_equal(expr_eval_bool(e, &w.env, &holds, &err), WEIR_OK);
    assert_true(holds);
    expr_free(&e);
    expr_free(&e);

    assert_int_equal(expr_parse(TEXT("m?.nope"), &e, NULL, NULL), WEIR_OK);
    assert_int_equal(expr_eval_bool(e, &w.env, &holds, &err), WEIR_SCRIPT);
    assert_string_equal(err.text, "m?.nope: nothing is there; give it a default with ??");
    assert_int_equal(expr_eval_bool(e, &w.env, &holds, NULL), WEIR_SCRIPT);
    expr_free(&e);
    assert_int_equal(expr_parse(TEXT("1 +"), &e, NULL, NULL), WEIR_INVALID);
    world_fini(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic_of_ints_is_exact_and_refuses_to_overflow),
        cmocka_unit_test(ints_and_doubles_mix_and_give_doubles),
        cmocka_unit_test(plus_joins_strings_bytes_and_lists),
        cmocka_unit_test(equality_is_of_values_and_never_fails),
        cmocka_unit_test(order_is_of_numbers_strings_bytes_and_bools),
        cmocka_unit_test(in_looks_into_lists_and_keys),
        cmocka_unit_test(
            logic_takes_bools_and_forgives_errors_of_the_side_that_does_not_matter),
        cmocka_unit_test(the_conditional_evaluates_one_branch),
        cmocka_unit_test(constants_are_folded_while_parsing),
        cmocka_unit_test(what_is_made_on_the_way_is_kept_till_the_end),
        cmocka_unit_test(values_too_deep_to_be_compared_are_an_error),
        cmocka_unit_test(a_quoted_part_is_cut_at_a_whole_character),
        cmocka_unit_test(a_condition_is_evaluated_without_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
