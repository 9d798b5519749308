/* unit/expr/template_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "world.h"

static void
one_whole_expression_keeps_its_type(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "${ a }", "1" },
        { "${a}", "1" },
        { "${ l }", "[1,2,3]" },
        { "${ nul }", "null" },
        { "${ raw }", "xff007a" },
        { "${ m?.nope }", "absent" },
        { "${ {'a': {'b': 1}} }", "{\"a\":{\"b\":1}}" },
        { "${ {'a': 1}.a }", "1" },
        { "${ '}' + \"}${\" }", "\"}}${\"" },
        { "${ a\n+\n1 }", "2" },
    };
    check_templates(TEMPLATE_VALUE, rows, N(rows));
}

static void
parts_are_joined_as_text(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "", "\"\"" },
        { "plain", "\"plain\"" },
        { " ${ a }", "\" 1\"" },
        { "${ a }${ b }", "\"12\"" },
        { "a ${ s } b ${ d } c", "\"a Hello, W\xc3\xb6rld b 1.5 c\"" },
        { "${ nul }|${ t }|${ 1.0 }|${ -5 }|${ e }", "\"|true|1.0|-5|\"" },
        { "l: ${ l } m: ${ mm }", "\"l: [1,2,3] m: {\\\"k1\\\":1,\\\"k2\\\":2}\"" },
        { "\xc3\xb6 ${ lent }", "\"\xc3\xb6 lent\"" },
        { "${ nul }${ e }", "\"\"" },
        { "x ${ raw }",
          "script: raw: bytes can't stand in a text; string(x), base64.encode(x) and "
          "hex.encode(x) make text of them" },
        { "x ${ m?.nope }", "script: m?.nope: nothing is there; give it a default with ??" },
        { "x ${ m?.nope ?? '-' }", "\"x -\"" },
        { "x ${ nope }", "script: there is no 'nope' here" },
        { "x ${ broken }", "invalid: the body is no JSON" },
    };
    check_templates(TEMPLATE_VALUE, rows, N(rows));
}

static void
a_doubled_dollar_escapes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "$${ a }", "\"${ a }\"" },
        { "$$${ a }", "\"$${ a }\"" },
        { "${ a }$${ a }${ a }", "\"1${ a }1\"" },
        { "$a $ {a} $$ $", "\"$a $ {a} $$ $\"" },
        { "}${ a }{", "\"}1{\"" },
    };
    check_templates(TEMPLATE_VALUE, rows, N(rows));
    assert_true(template_needed(TEXT("a ${ b }")));
    assert_true(template_needed(TEXT("$${")));
    assert_false(template_needed(TEXT("a $ { b }")));
    assert_false(template_needed(TEXT("")));
    assert_false(template_needed(TEXT("$")));
}

static void
faults_have_their_place_in_the_text(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "abc ${ a", "parse 4+2: this '${' is not closed: a '}' is missing" },
        { "abc ${ a + ", "parse 4+2: this '${' is not closed: a '}' is missing" },
        { "abc ${ size(a", "parse 4+2: this '${' is not closed: a '}' is missing" },
        { "abc ${ 'x }", "parse 7+1: the string is not closed: a ' is missing" },
        { "abc ${ size(a }", "parse 14+1: expected ')' to close '(' at column 12, found '}'" },
        { "abc ${ {'a': 1 }", "parse 4+2: this '${' is not closed: a '}' is missing" },
        { "abc ${ a b }", "parse 9+1: expected an operator or '}', found 'b'" },
        { "abc ${}", "parse 4+3: an expression is missing between '${' and '}'" },
        { "abc ${ a } ${  }", "parse 11+5: an expression is missing between '${' and '}'" },
        { "abc ${ 'a' + 1 }", "parse 7+7: 'a' + 1: there is no '+' for a string and an int; "
                              "string(x) makes text of a number" },
        { "abc\n${ (a }",
          "parse 10+1: expected ')' to close '(' at line 2, column 4, found '}'" },
        { "\xff", "parse 0+0: a text must be UTF-8" },
        { "abc ${ ${ a } }",
          "parse 7+1: '$' starts nothing here; names stand alone, as in steps.x" },
    };
    check_templates(TEMPLATE_VALUE, rows, N(rows));
}

static void
an_expression_in_a_long_text_is_bounded(void **state)
{
    (void)state;
    struct template *t = NULL;
    struct weir_error err;
    struct expr_place place;
    size_t len = (1 << 20) + 1;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, ' ', len);
    text[0] = '$';
    text[1] = '{';
    assert_int_equal(
        template_parse((struct weir_text){ text, 30000 }, TEMPLATE_VALUE, &t, &place, &err),
        WEIR_INVALID);
    text[2] = 'a';
    text[10] = '}';
    assert_int_equal(
        template_parse((struct weir_text){ text, len - 1 }, TEMPLATE_VALUE, &t, &place, &err),
        WEIR_OK);
    template_free(&t);
    template_free(&t);
    assert_int_equal(
        template_parse((struct weir_text){ text, len }, TEMPLATE_VALUE, &t, &place, &err),
        WEIR_INVALID);
    assert_string_equal(err.text, "a text with expressions may have at most 1 MiB");
    text[10] = ' ';
    memset(text + 2, 'a', 30000);
    assert_int_equal(
        template_parse((struct weir_text){ text, 40000 }, TEMPLATE_VALUE, &t, &place, &err),
        WEIR_INVALID);
    assert_string_equal(err.text, "an expression may have at most 16 KiB");
    text[2] = '\'';
    assert_int_equal(
        template_parse((struct weir_text){ text, 40000 }, TEMPLATE_VALUE, &t, &place, &err),
        WEIR_INVALID);
    assert_string_equal(err.text, "an expression may have at most 16 KiB");
    for (size_t i = 0; i + 5 < len; i += 5)
        memcpy(text + i, "${a} ", 5);
    assert_int_equal(
        template_parse((struct weir_text){ text, 5000 }, TEMPLATE_VALUE, &t, &place, &err),
        WEIR_OK);
    template_free(&t);
    assert_int_equal(
        template_parse((struct weir_text){ text, 5010 }, TEMPLATE_VALUE, &t, &place, &err),
        WEIR_INVALID);
    assert_string_equal(err.text, "a text may have at most 1000 expressions");
    assert_int_equal(place.offset, 5000);
    free(text);
}

static void
text_is_appended_up_to_what_fits(void **state)
{
    (void)state;
    struct world w;
    struct template *t = NULL;
    struct weir_error err = { 0 };
    struct buf out;
    world_init(&w, false);
    buf_init(&out, 16);
    assert_true(buf_puts(&out, "> "));
    assert_int_equal(template_parse(TEXT("${ s } "), TEMPLATE_VALUE, &t, NULL, NULL), WEIR_OK);
    assert_int_equal(template_eval_text(t, &w.env, &out, NULL, &err), WEIR_OK);
    assert_string_equal(out.bytes, "> Hello, W\xc3\xb6rld ");
    assert_int_equal(template_eval_text(t, &w.env, &out, NULL, &err), WEIR_SCRIPT);
    assert_string_equal(err.text, "s: more than 16 bytes");
    template_free(&t);
    buf_reset(&out);

    assert_int_equal(template_parse(TEXT("${ a }"), TEMPLATE_VALUE, &t, NULL, NULL), WEIR_OK);
    assert_true(template_is_whole(t));
    assert_int_equal(template_eval_text(t, &w.env, &out, NULL, NULL), WEIR_OK);
    assert_string_equal(out.bytes, "1");
    template_free(&t);
    assert_int_equal(template_parse(TEXT("${ m?.nope }"), TEMPLATE_VALUE, &t, NULL, NULL),
                     WEIR_OK);
    assert_int_equal(template_eval_text(t, &w.env, &out, NULL, &err), WEIR_NOT_FOUND);
    template_free(&t);
    buf_fini(&out);
    world_fini(&w);
}

static void
forget(void *stream)
{
    (void)stream;
}

static void
values_become_text(void **state)
{
    (void)state;
    struct buf out;
    struct weir_error err;
    const struct weir_value *stream = value_stream(&out, forget);
    buf_init(&out, 100);
    assert_int_equal(text_of_value(&value_null, &out, &err), WEIR_OK);
    assert_int_equal(out.len, 0);
    assert_int_equal(text_of_value(&value_true, &out, &err), WEIR_OK);
    assert_int_equal(text_of_value(&value_empty_list, &out, &err), WEIR_OK);
    assert_string_equal(out.bytes, "true[]");
    assert_int_equal(text_of_value(stream, &out, &err), WEIR_SCRIPT);
    assert_string_equal(err.text, "a stream can't stand in a text");
    value_unref(&stream);
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_whole_expression_keeps_its_type),
        cmocka_unit_test(parts_are_joined_as_text),
        cmocka_unit_test(a_doubled_dollar_escapes),
        cmocka_unit_test(faults_have_their_place_in_the_text),
        cmocka_unit_test(an_expression_in_a_long_text_is_bounded),
        cmocka_unit_test(text_is_appended_up_to_what_fits),
        cmocka_unit_test(values_become_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
