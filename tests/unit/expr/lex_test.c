/* unit/expr/lex_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "world.h"

static void
numbers_are_ints_or_doubles(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "0", "0" },
        { "007", "7" },
        { "0x1F", "31" },
        { "0xffFF", "65535" },
        { "0x7fffffffffffffff", "9223372036854775807" },
        { "1.5", "1.5" },
        { ".5", "0.5" },
        { "1e3", "1000.0" },
        { "1E+3", "1000.0" },
        { "25e-1", "2.5" },
        { "1.0", "1.0" },
        { "0x", "parse 0+2: 0x needs hexadecimal digits behind it" },
        { "0x8000000000000000", "parse 0+18: the number is too large for an int of 64 bits" },
        { "0x10000000000000000", "parse 0+19: the number is too large for an int of 64 bits" },
        { "9223372036854775808", "parse 0+19: the number is too large for an int of 64 bits" },
        { "99999999999999999999", "parse 0+20: the number is too large for an int of 64 bits" },
        { "1e999", "parse 0+5: the number is too large for a double" },
        { "1u", "parse 1+1: there are no unsigned numbers; leave the 'u' out" },
        { "12ab",
          "parse 2+1: a number can't be followed by a letter; names start with a letter" },
        { "1.5x",
          "parse 3+1: a number can't be followed by a letter; names start with a letter" },
    };
    check_rows(rows, N(rows));
}

static void
strings_have_the_quotes_and_escapes_of_cel(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "'a' + \"b\"", "\"ab\"" },
        { "\"it's\" + 'a \"b\"'", "\"it'sa \\\"b\\\"\"" },
        { "''", "\"\"" },
        { "'\\\\ \\' \\\" \\` \\?'", "\"\\\\ ' \\\" ` ?\"" },
        { "'\\a\\b\\f\\n\\r\\t\\v'", "\"\\u0007\\b\\f\\n\\r\\t\\u000b\"" },
        { "'\\x41\\X42\\103'", "\"ABC\"" },
        { "'\\xe9' == '\\u00e9' && '\\351' == '\\U000000e9'", "true" },
        { "'\\U0001F600'", "\"\xf0\x9f\x98\x80\"" },
        { "'\xc3\xa9'", "\"\xc3\xa9\"" },
        { "r'\\d+\\n'", "\"\\\\d+\\\\n\"" },
        { "R\"\\\"", "\"\\\\\"" },
        { "'''a'b\nc'''", "\"a'b\\nc\"" },
        { "\"\"\"\"a\"\"\"", "\"\\\"a\"" },
        { "r'''\\'''", "\"\\\\\"" },
        { "'abc", "parse 0+1: the string is not closed: a ' is missing" },
        { "a + \"abc'", "parse 4+1: the string is not closed: a \" is missing" },
        { "'ab\ncd'", "parse 0+1: the string is not closed: a ' is missing" },
        { "'''ab'", "parse 0+3: the string is not closed: three ' are missing" },
        { "'a\\", "parse 0+1: the string is not closed: a ' is missing" },
        { "'a\\q'",
          "parse 2+2: unknown escape; there are \\\\ \\' \\\" \\n \\r \\t \\xHH \\uHHHH, "
          "and r'...' has none" },
        { "'\\x4'", "parse 1+2: the escape is too short; write \\xHH, \\uHHHH, \\UHHHHHHHH or "
                    "\\OOO" },
        { "'\\u12'", "parse 1+2: the escape is too short; write \\xHH, \\uHHHH, \\UHHHHHHHH or "
                     "\\OOO" },
        { "'\\09'", "parse 1+2: the escape is too short; write \\xHH, \\uHHHH, \\UHHHHHHHH or "
                    "\\OOO" },
        { "'\\ud800'", "parse 1+6: the escape is no character of Unicode" },
        { "'\\U00110000'", "parse 1+10: the escape is no character of Unicode" },
    };
    check_rows(rows, N(rows));
}

static void
bytes_have_octets_for_escapes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "b'a\\xff\\377\\x00'", "x61ffff00" },
        { "B\"\xc3\xa9\"", "xc3a9" },
        { "rb'\\x'", "x5c78" },
        { "bR'\\x'", "x5c78" },
        { "b''", "x" },
        { "b'\\u00e9'",
          "parse 2+2: unknown escape; there are \\\\ \\' \\\" \\n \\r \\t \\xHH" },
        { "bb'a'", "parse 2+3: expected an operator or the end, found ''a''" },
    };
    check_rows(rows, N(rows));
}

static void
what_other_languages_write_is_answered_with_advice(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "a = 1", "parse 2+1: '=' is not an operator; write '==' to compare" },
        { "a === 1", "parse 2+3: there is no '==='; write '=='" },
        { "a !== 1", "parse 2+3: there is no '!=='; write '!='" },
        { "a & b", "parse 2+1: '&' is not an operator; write '&&'" },
        { "a | trim",
          "parse 2+1: '|' is not an operator; write '||', and call functions as x.f()" },
        { "a and b", "parse 2+3: expected an operator or the end, found 'and'; write '&&'" },
        { "a or b", "parse 2+2: expected an operator or the end, found 'or'; write '||'" },
        { "not a", "parse 4+1: expected an operator or the end, found 'a'" },
        { "s contains 'a'",
          "parse 2+8: expected an operator or the end, found 'contains'; write "
          "x.contains('...')" },
        { "l.0", "parse 1+2: expected an operator or the end, found '.0'; an item of a list is "
                 "reached by [0]" },
        { "m.\"x\"",
          "parse 2+3: expected a name behind the dot (a key is reached by [\"key\"]), "
          "found '\"x\"'" },
        { "m.?x", "parse 1+2: there is no '.?'; write '?.'" },
        { "`a`", "parse 0+1: strings stand between ' or \"" },
        { "$a", "parse 0+1: '$' starts nothing here; names stand alone, as in steps.x" },
        { "a;", "parse 1+1: an expression does not end with ';'" },
        { "a // b", "parse 2+2: there are no comments here, and no '//'" },
        { "a ** b", "parse 2+2: there is no '**'; write x * x" },
        { "if", "parse 0+2: 'if' is a word of the language and no name" },
        { "a @ b", "parse 2+1: '@' can't stand here" },
        { "\xc3\xa9", "parse 0+2: '\xc3\xa9' can't stand here" },
        { "a \x01", "parse 2+1: a control character (U+0001) can't stand here" },
    };
    check_rows(rows, N(rows));
}

static void
blanks_may_stand_between_all_tokens(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "  a\t+\r\n b  ", "3" }, { "m\n.x\n[ 'y' ]", "2" },
        { "s . size ( )", "12" },  { "a+b", "3" },
        { "a-b", "-1" },           { "a?b:0", "script: a: must be a bool, and is an int" },
    };
    check_rows(rows, N(rows));
}

static void
a_text_that_is_not_utf8_or_too_long_is_refused(void **state)
{
    (void)state;
    struct expr *e = NULL;
    struct expr_place place = { 9, 9 };
    struct weir_error err;
    assert_int_equal(expr_parse(TEXT("'\xff'"), &e, &place, &err), WEIR_INVALID);
    assert_string_equal(err.text, "an expression must be UTF-8");
    assert_int_equal(place.offset, 0);

    char *text = malloc(16385);
    assert_non_null(text);
    memset(text, ' ', 16385);
    text[0] = '1';
    assert_int_equal(expr_parse((struct weir_text){ text, 16384 }, &e, &place, &err), WEIR_OK);
    expr_free(&e);
    assert_int_equal(expr_parse((struct weir_text){ text, 16385 }, &e, &place, &err),
                     WEIR_INVALID);
    assert_string_equal(err.text, "an expression may have at most 16 KiB");
    free(text);

    assert_int_equal(expr_parse((struct weir_text){ "1\0 2", 4 }, &e, &place, &err),
                     WEIR_INVALID);
    assert_int_equal(place.offset, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_ints_or_doubles),
        cmocka_unit_test(strings_have_the_quotes_and_escapes_of_cel),
        cmocka_unit_test(bytes_have_octets_for_escapes),
        cmocka_unit_test(what_other_languages_write_is_answered_with_advice),
        cmocka_unit_test(blanks_may_stand_between_all_tokens),
        cmocka_unit_test(a_text_that_is_not_utf8_or_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
