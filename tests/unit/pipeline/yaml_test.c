/* tests/unit/pipeline/yaml_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

#include "pipeline/yaml.h"
#include "value/json.h"

/* TEXT as JSON, or what was said about it. */
static void
assert_reads(const char *text, size_t len, const char *expected)
{
    struct diags d;
    struct buf out;
    struct weir_error err;
    diags_init(&d);
    buf_init(&out, 1u << 20);
    struct yaml *y = yaml_read("a.yaml", (struct weir_text){ text, len }, &d);
    if (y == NULL) {
        diags_sort(&d);
        write_diags(&d, &out);
    } else if (y->root != NULL) {
        const struct weir_value *v = yaml_value(y->root);
        assert_int_equal(json_write(&out, v, &err), WEIR_OK);
        value_unref(&v);
    }
    if (strcmp(out.bytes, expected) != 0)
        fail_msg("yaml:\n%.300s\nread:\n%.300s\nexpected:\n%s", text, out.bytes, expected);
    yaml_free(&y);
    buf_fini(&out);
    diags_fini(&d);
}

#define READS(text, expected) assert_reads(text, sizeof(text) - 1, expected)

static void
scalars_follow_the_core_schema(void **state)
{
    (void)state;
    READS("[null, Null, ~, '', true, FALSE, yes, no, on]",
          "[null,null,null,\"\",true,false,\"yes\",\"no\",\"on\"]");
    READS("[1, -1, +1, 007, 0x1F, 0o17, 9223372036854775807, 0b1, 1_000]",
          "[1,-1,1,7,31,15,9223372036854775807,\"0b1\",\"1_000\"]");
    READS("[1.5, .5, 5., 1e3, -1.5E-3, +.5, 1.0, 9223372036854775808]",
          "[1.5,0.5,5.0,1000.0,-0.0015,0.5,1.0,9223372036854776000.0]");
    READS("['1', \"true\", 1.2.3, 0x, 1e, 2001-01-01, --, .]",
          "[\"1\",\"true\",\"1.2.3\",\"0x\",\"1e\",\"2001-01-01\",\"--\",\".\"]");
}

static void
blocks_and_flows_are_alike(void **state)
{
    (void)state;
    READS("a:\n  - 1\n  - b: 2\n    c: [3, {d: 4}]\n'e f': \"g\\n\"\n",
          "{\"a\":[1,{\"b\":2,\"c\":[3,{\"d\":4}]}],\"e f\":\"g\\n\"}");
    READS("a: |\n  x\n   y\n\nb: >-\n  x\n  y\n", "{\"a\":\"x\\n y\\n\",\"b\":\"x y\"}");
    READS("", "");
    READS("# nothing\n", "");
    READS("a: 1\n...\n", "{\"a\":1}");
    READS("---\na: 1\n", "{\"a\":1}");
}

/* libfyaml 0.7.12 reads 'x''''y' as x''' and leaks where many quotes follow each other. */
static void
quotes_in_single_quotes_are_kept(void **state)
{
    (void)state;
    READS("'x''''y'", "\"x''y\"");
    READS("''''''''''''''''''", "\"''''''''\"");
    READS("'a \n  b\n\n  ''c '", "\"a b\\n'c \"");
}

static void
double_quotes_have_escapes_and_folds(void **state)
{
    (void)state;
    READS("\"a\\tb\\x41\\u00e9\\U0001F600\\\"\"", "\"a\\tbA\xc3\xa9\xf0\x9f\x98\x80\\\"\"");
    READS("\"a \\\n  b \n\n c\\n \n d\"", "\"a b\\nc\\n d\"");
    READS("\"a\\\n\n  \\  b\"", "\"a\\n  b\"");
    READS("\"\\0\\_\\L\"", "\"\\u0000\xc2\xa0\xe2\x80\xa8\"");
    READS("\"\\q\"", "1:2+1 W0101 invalid escape 'q' in double-quoted string\n");
}

/* libfyaml 0.7.12 loses an empty line before an indented one, and puts a NUL behind. */
static void
block_scalars_fold_and_chomp(void **state)
{
    (void)state;
    READS("k: >\n  z\n\n   a\n  b\n  c\n\n  d\n\n", "{\"k\":\"z\\n\\n a\\nb c\\nd\\n\"}");
    READS("k: >-\n\n  z\n\n\n  a\n", "{\"k\":\"\\nz\\n\\na\"}");
    READS("k: |+\n  z\n\n\nj: 1\n", "{\"k\":\"z\\n\\n\\n\",\"j\":1}");
    READS("k: |2-\n    z\n   y\n", "{\"k\":\"  z\\n y\"}");
    READS("- k: &a |1 # c > |\n    z\n", "[{\"k\":\" z\\n\"}]");
    READS("k: |\n  a\n# c\n\nj: |\n  b", "{\"k\":\"a\\n\",\"j\":\"b\"}");
    READS("k: |\n\n\nj: >+\n\n", "{\"k\":\"\",\"j\":\"\\n\"}");
    READS("k: |", "{\"k\":\"\"}");
}

/* libfyaml 0.7.12 takes the key behind an empty block scalar for its text. */
static void
an_empty_block_scalar_swallows_nothing(void **state)
{
    (void)state;
    READS("o:\n  k: |\n  j: 1\n",
          "2:4+3 W0101 the text behind | or > must be indented more than its key\n");
    READS("- lua: |\n  id: x\n",
          "1:6+3 W0101 the text behind | or > must be indented more than its key\n");
}

static void
keys_are_texts_whatever_they_look_like(void **state)
{
    (void)state;
    READS("{200: a, true: b, null: c, 1.5: d, \"\": e}",
          "{\"200\":\"a\",\"true\":\"b\",\"null\":\"c\",\"1.5\":\"d\",\"\":\"e\"}");
    READS("1: a\n'1': b\n", "2:2+1 W0107 the key '1' stands in line 1 already\n");
}

static void
aliases_stand_for_their_anchors(void **state)
{
    (void)state;
    READS("a: &x { b: 1 }\nc: *x\nd: [*x, *x]\n",
          "{\"a\":{\"b\":1},\"c\":{\"b\":1},\"d\":[{\"b\":1},{\"b\":1}]}");
    READS("a: *x\n", "1:4+2 W0113 there is no anchor '&x' that ends before it\n");
    READS("a: &x [1, *x]\n", "1:11+2 W0113 there is no anchor '&x' that ends before it\n");
    READS("a: &x b\n*x : c\n", "2:1+2 W0110 an alias can't be a key\n");
}

static void
aliases_are_bounded(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10000);
    buf_puts(&b, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (unsigned i = 1; i < 10; i++)
        buf_printf(&b, "a%u: &a%u [*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u]\n", i, i,
                   i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    assert_reads(b.bytes, b.len, "5:38+3 W0113 the aliases stand for too much\n");
    buf_fini(&b);
}

static void
what_yaml_allows_but_a_pipeline_does_not_is_refused(void **state)
{
    (void)state;
    READS("a: !!str 1\n", "1:4+5 W0108 a tag; quote the scalar to make it a string\n");
    READS("a: !x {}\n", "1:4+2 W0108 a tag; quote the scalar to make it a string\n");
    READS("a: &x {}\nb:\n  <<: *x\n",
          "3:3+2 W0109 the merge key '<<' is not part of YAML 1.2\n");
    READS("'<<': 1\n", "{\"<<\":1}");
    READS("? [a]\n: 1\n", "1:3+1 W0110 a list or map can't be a key\n");
    READS("{a: 1}: 2\n", "1:1+1 W0110 a list or map can't be a key\n");
    READS(": 2\n", "1:1+1 W0110 a key must be a scalar\n");
    READS("a: 1\n---\nb: 2\n", "2:1+3 W0111 a second document; a file holds one pipeline\n");
    READS("# x\n%YAML 1.1\n---\na: 1\n",
          "2:1+9 W0111 a YAML directive; the file is read as YAML 1.2\n");
    READS("[.nan, -.INF, 1e400, 0x8000000000000000]",
          "1:2+4 W0112 a number that has no value in JSON\n"
          "1:8+5 W0112 a number that has no value in JSON\n"
          "1:15+5 W0112 a number that has no value in JSON\n"
          "1:22+18 W0112 a number that has no value in JSON\n");
    READS("a: 1\nb: 2\n\"a\": 3\n", "3:2+1 W0107 the key 'a' stands in line 1 already\n");
}

static void
bytes_are_checked_before_the_parser_sees_them(void **state)
{
    (void)state;
    READS("a: \xff\n", "1:4+1 W0104 byte 0xff is not UTF-8\n");
    READS("a: \xc3\xa9\xc3\n", "1:5+1 W0104 byte 0xc3 is not UTF-8\n");
    READS("a: x\x01\n", "1:5+1 W0105 control character U+0001\n");
    READS("a: x\0\n", "1:5+1 W0105 control character U+0000\n");
    READS("a: x\xc2\x85\n", "1:5+1 W0105 control character U+0085\n");
    READS("a: 1\rb: 2\n", "1:5+1 W0105 a carriage return without a line feed\n");
    READS("a: 1\r\nb: |\r\n  x\r\n  y\r\n", "{\"a\":1,\"b\":\"x\\ny\\n\"}");
    READS("\xef\xbb\xbf"
          "a: 1\n",
          "{\"a\":1}");
    READS("a: \"\\x07 \\u00e9 \\ud83d\"\n",
          "1:17+1 W0101 double-quoted scalar has invalid UTF8 escape\n");
    READS("a:\n\tb: 1\n", "2:1+1 W0106 a tab in the indentation\n");
    READS("a:\n  \tb: 1\n", "2:3+1 W0106 a tab in the indentation\n");
    READS("a: 1\n\t\n\n", "{\"a\":1}");
    READS("a: |\n  x\n  \ty\n", "{\"a\":\"x\\n\\ty\\n\"}");
    READS("a:\t1\n", "{\"a\":1}");
}

static void
size_and_depth_are_bounded(void **state)
{
    (void)state;
    size_t len = YAML_MAX + 1;
    char *text = malloc(len + 1);
    memset(text, '#', len);
    text[len] = '\0';
    assert_reads(text, YAML_MAX, "");
    assert_reads(text, len, "W0103 1048577 bytes; a file has at most 1 MiB\n");

    memset(text, '[', 200);
    assert_reads(text, 200, "1:129+1 W0114 more than 128 levels\n");
    memset(text + 128, ']', 128);
    struct diags d;
    diags_init(&d);
    struct yaml *y = yaml_read("a", (struct weir_text){ text, 256 }, &d);
    assert_non_null(y);
    assert_int_equal(y->root->height, 128);
    yaml_free(&y);

    text[0] = '[';
    for (unsigned i = 0; i < 100000; i++)
        memcpy(text + 1 + 2 * i, "1,", 2);
    text[200001] = ']';
    assert_reads(text, 200002, "1:200001+1 W0114 more than 100,000 values\n");
    free(text);
    diags_fini(&d);
}

static void
syntax_errors_say_what_is_missing(void **state)
{
    (void)state;
    READS("a: \"x\nb: 1\n", "1:4+1 W0101 the double quote is not closed\n");
    READS("a: 'x\nb: 1\n", "1:4+1 W0101 the single quote is not closed\n");
    READS("a: {b: 1\n", "2:1+1 W0101 a ',' or '}' is missing\n");
    READS("a: [1\n", "2:1+1 W0101 a ']' is missing\n");
    READS("a: b: c\n",
          "1:5+1 W0101 a second ': ' in one line; a text that holds ': ' needs quotes\n");
    READS("a:\n  b: 1\n c: 2\n", "3:2+1 W0101 the indentation fits no line above\n");
}

static void
a_bare_expression_that_yaml_refuses_gets_its_quotes(void **state)
{
    (void)state;
    READS("a: ${ x ? \"y: z\" : 1 }\n",
          "1:4+19 W0404 YAML can't read a bare expression here; it must be quoted"
          " | write: a: '${ x ? \"y: z\" : 1 }'\n");
    READS("- b: { c: ${ x }, d: ${ 'y' } }\n",
          "1:11+6 W0404 YAML can't read a bare expression here; it must be quoted"
          " | write: - b: { c: \"${ x }\", d: \"${ 'y' }\" }\n");
    READS("b: [a, ${ x } z]\n",
          "1:8+8 W0404 YAML can't read a bare expression here; it must be quoted"
          " | write: b: [a, \"${ x } z\"]\n");
    READS("m: ${ a }: it's ${ b }  # c\n",
          "1:4+19 W0404 YAML can't read a bare expression here; it must be quoted"
          " | write: m: \"${ a }: it's ${ b }\"  # c\n");
    READS("a: \"${ x: y }\nb: 1\n", "1:4+1 W0101 the double quote is not closed\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_follow_the_core_schema),
        cmocka_unit_test(blocks_and_flows_are_alike),
        cmocka_unit_test(quotes_in_single_quotes_are_kept),
        cmocka_unit_test(double_quotes_have_escapes_and_folds),
        cmocka_unit_test(block_scalars_fold_and_chomp),
        cmocka_unit_test(an_empty_block_scalar_swallows_nothing),
        cmocka_unit_test(keys_are_texts_whatever_they_look_like),
        cmocka_unit_test(aliases_stand_for_their_anchors),
        cmocka_unit_test(aliases_are_bounded),
        cmocka_unit_test(what_yaml_allows_but_a_pipeline_does_not_is_refused),
        cmocka_unit_test(bytes_are_checked_before_the_parser_sees_them),
        cmocka_unit_test(size_and_depth_are_bounded),
        cmocka_unit_test(syntax_errors_say_what_is_missing),
        cmocka_unit_test(a_bare_expression_that_yaml_refuses_gets_its_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
