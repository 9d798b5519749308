/* unit/expr/functions_text_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "world.h"

static void
texts_are_searched(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "s.contains('W\xc3\xb6')", "true" },
        { "s.contains('')", "true" },
        { "s.contains('w')", "false" },
        { "e.contains('a')", "false" },
        { "e.contains('')", "true" },
        { "s.startsWith('Hello')", "true" },
        { "s.startsWith('ello')", "false" },
        { "s.startsWith('')", "true" },
        { "e.startsWith('a')", "false" },
        { "s.endsWith('rld')", "true" },
        { "s.endsWith('Hello, World, and more')", "false" },
        { "raw.contains(b'\\x00')", "true" },
        { "raw.startsWith(b'\\xff')", "true" },
        { "raw.contains('a')",
          "script: raw.contains('a'): a string can't be looked for in bytes" },
        { "a.contains('1')",
          "script: a.contains('1'): 'a' must be a string or bytes, and is an int" },
        { "l.contains(1)",
          "script: l.contains(1): 'l' must be a string or bytes, and is a list" },
        { "s.contains(a)",
          "script: s.contains(a): 'a' must be a string or bytes, and is an int" },
    };
    check_rows(rows, N(rows));
}

static void
regular_expressions_match_anywhere(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "s.matches('W.rld')", "true" },
        { "s.matches('^W')", "false" },
        { "matches(s, '^[A-Z]')", "true" },
        { "s.matches('^' + 'Hello')", "true" },
        { "s.matches(ls[0])", "false" },
        { "s.matches(lent + '(')",
          "script: s.matches(lent + '('): at offset 5: missing closing parenthesis" },
        { "raw.matches('a')",
          "script: raw.matches('a'): 'raw' must be a string, and is bytes" },
        { "s.matches(a)", "script: s.matches(a): 'a' must be a string, and is an int" },
        { "('a'.replace('a', lent) + "
          "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!').matches('(a+)+$')",
          "script: ('a'.replace('a', lent) + 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...: the "
          "regular expression takes too many steps" },
    };
    check_rows(rows, N(rows));
}

static void
places_are_counted_in_code_points(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "s.size()", "12" },
        { "size('\xe6\x97\xa5\xe6\x9c\xac')", "2" },
        { "s.indexOf('r')", "9" },
        { "s.indexOf('zz')", "-1" },
        { "s.indexOf('')", "0" },
        { "s.indexOf('l', 4)", "10" },
        { "s.indexOf('', 12)", "12" },
        { "s.indexOf('l', 13)",
          "script: s.indexOf('l', 13): 13 is no place in a text of 12 characters" },
        { "s.indexOf('l', a - 2)",
          "script: s.indexOf('l', a - 2): -1 is no place in a text of 12 "
          "characters" },
        { "s.substring(7)", "\"W\xc3\xb6rld\"" },
        { "s.substring(8, 9)", "\"\xc3\xb6\"" },
        { "s.substring(12)", "\"\"" },
        { "s.substring(0, 0)", "\"\"" },
        { "s.substring(b * 1.0, 4)", "\"ll\"" },
        { "s.substring(13)",
          "script: s.substring(13): 13 is no place in a text of 12 characters" },
        { "s.substring(5, 2)",
          "script: s.substring(5, 2): it would end (2) before it starts (5)" },
        { "s.substring('1')",
          "script: s.substring('1'): ''1'' must be a whole number, and is a "
          "string" },
        { "s.substring(d)",
          "script: s.substring(d): 'd' must be a whole number, and is a double" },
    };
    check_rows(rows, N(rows));
}

static void
texts_are_edited(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "s.replace('l', 'L')", "\"HeLLo, W\xc3\xb6rLd\"" },
        { "s.replace('l', '')", "\"Heo, W\xc3\xb6rd\"" },
        { "s.replace('l', 'LLL', 1)", "\"HeLLLlo, W\xc3\xb6rld\"" },
        { "s.replace('l', 'x', 0) == s", "true" },
        { "s.replace('l', 'x', -1)", "\"Hexxo, W\xc3\xb6rxd\"" },
        { "s.replace('zz', 'x') == s", "true" },
        { "'aaa'.replace('aa', 'b')", "\"ba\"" },
        { "'h\xc3\xb6'.replace('', '_')", "\"_h_\xc3\xb6_\"" },
        { "'ho'.replace('', '_', 2)", "\"_h_o\"" },
        { "''.replace('', '_')", "\"_\"" },
        { "' \\t\\na b\\u00a0\\u3000'.trim()", "\"a b\"" },
        { "'  '.trim()", "\"\"" },
        { "e.trim()", "\"\"" },
        { "'\xc3\xa9'.trim()", "\"\xc3\xa9\"" },
        { "s.lowerAscii()", "\"hello, w\xc3\xb6rld\"" },
        { "s.upperAscii()", "\"HELLO, W\xc3\xb6RLD\"" },
        { "'\xc3\x84@[`{'.lowerAscii()", "\"\xc3\x84@[`{\"" },
        { "a.trim()", "script: a.trim(): 'a' must be a string, and is an int" },
        { "raw.lowerAscii()",
          "script: raw.lowerAscii(): 'raw' must be a string, and is bytes" },
    };
    check_rows(rows, N(rows));
}

static void
texts_are_split_and_joined(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "s.split(', ')", "[\"Hello\",\"W\xc3\xb6rld\"]" },
        { "'a,b,,c,'.split(',')", "[\"a\",\"b\",\"\",\"c\",\"\"]" },
        { "'a,b,c'.split(',', 2)", "[\"a\",\"b,c\"]" },
        { "'a,b,c'.split(',', 1)", "[\"a,b,c\"]" },
        { "'a,b,c'.split(',', 0)", "[]" },
        { "'a,b,c'.split(',', -1)", "[\"a\",\"b\",\"c\"]" },
        { "'a,b,c'.split(',', 9)", "[\"a\",\"b\",\"c\"]" },
        { "'abc'.split('')", "[\"a\",\"b\",\"c\"]" },
        { "'\xc3\xb6' + 'x'", "\"\xc3\xb6x\"" },
        { "'\xc3\xb6x'.split('')", "[\"\xc3\xb6\",\"x\"]" },
        { "'abc'.split('', 2)", "[\"a\",\"bc\"]" },
        { "e.split(',')", "[\"\"]" },
        { "e.split('')", "[]" },
        { "ls.join()", "\"xy\"" },
        { "ls.join(', ')", "\"x, y\"" },
        { "[].join('-')", "\"\"" },
        { "[s].join('-') == s", "true" },
        { "l.join('-')",
          "script: l.join('-'): item 0 is an int and no string; x.map(i, string(i)) "
          "makes strings" },
        { "s.join('-')",
          "script: s.join('-'): a list of strings is needed, and this is a string" },
        { "ls.join(a)", "script: ls.join(a): 'a' must be a string, and is an int" },
    };
    check_rows(rows, N(rows));
}

static void
long_texts_give_the_same_as_short_ones(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "[1,2,3,4,5,6,7,8].map(i, s + s + s + s).join('').size()", "384" },
        { "[1,2,3,4,5,6,7,8].map(i, s.replace('l', 'LLLLLLLLLLLLLLLLLLLLLLLLLLLLLL')).join('')"
          ".contains('Hello')",
          "false" },
        { "(s + s + s + s + s + s + s + s + s + s + s + s + s).substring(143)",
          "\"dHello, W\xc3\xb6rld\"" },
        { "(s + s + s + s + s + s + s + s + s + s + s + s + s).split('W').size()", "14" },
    };
    check_rows(rows, N(rows));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_searched),
        cmocka_unit_test(regular_expressions_match_anywhere),
        cmocka_unit_test(places_are_counted_in_code_points),
        cmocka_unit_test(texts_are_edited),
        cmocka_unit_test(texts_are_split_and_joined),
        cmocka_unit_test(long_texts_give_the_same_as_short_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
