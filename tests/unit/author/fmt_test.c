/* tests/unit/author/fmt_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "author/diff.h"
#include "author/fmt.h"
#include "pipeline/file.h"

/* Lays TEXT out, and what comes of it once more; the caller frees the result. */
static char *
laid_out(const char *text)
{
    struct diags d;
    struct buf once, twice;
    struct weir_error err = { 0 };
    diags_init(&d);
    buf_init(&once, 1u << 22);
    buf_init(&twice, 1u << 22);
    if (fmt_text("a.yaml", text_of(text), &once, &d, &err) != WEIR_OK)
        fail_msg("%s\n%s", err.text, text);
    assert_int_equal(fmt_text("a.yaml", buf_content(&once), &twice, &d, &err), WEIR_OK);
    assert_string_equal(once.bytes, twice.bytes);
    buf_fini(&twice);
    diags_fini(&d);
    return buf_give(&once, NULL);
}

static void
assert_laid_out(const char *text, const char *as)
{
    char *fresh = laid_out(text);
    assert_string_equal(fresh, as);
    free(fresh);
}

static void
blocks_are_indented_by_two(void **state)
{
    (void)state;
    assert_laid_out("steps:\n- id:   a\n  set:\n       x : 1\n",
                    "steps:\n  - id: a\n    set:\n      x: 1\n");
    assert_laid_out("a:\n-\n  b: 1\n- - c\n  - d\n", "a:\n  - b: 1\n  - - c\n    - d\n");
    assert_laid_out("a:\n  1\nb:\n\n  c: d\n", "a: 1\nb:\n  c: d\n");
    assert_laid_out("---\na: 1\n...\n", "a: 1\n");
    assert_laid_out("a: 1", "a: 1\n");
    assert_laid_out("? a\n: b\n", "a: b\n");
    assert_laid_out("a: 1\r\nb: 2  \r\n", "a: 1\nb: 2\n");
    assert_laid_out("a:\nb: ~\n", "a:\nb: ~\n");
}

static void
brackets_are_spaced(void **state)
{
    (void)state;
    assert_laid_out("a: {b: 1,c:    [ x ,y,], \"d\":e }\n",
                    "a: { b: 1, c: [x, y], \"d\": e }\n");
    assert_laid_out("a: { }\nb: [ ]\n", "a: {}\nb: []\n");
    assert_laid_out("a: {b, c: }\nd: [x: , y: 1]\n", "a: { b, c }\nd: [{ x }, y: 1]\n");
    assert_laid_out("a: [1,\n        2,   3]\n", "a: [1,\n  2, 3]\n");
}

static void
brackets_that_open_a_line_become_blocks(void **state)
{
    (void)state;
    assert_laid_out("a: {\n    b: 1, # one\n    # two\n    c: [\n      x,\n      { y: 1 }\n    "
                    "  ],\n    d: {}\n  }\n",
                    "a:\n  b: 1 # one\n  # two\n  c:\n    - x\n    - { y: 1 }\n  d: {}\n");
    assert_laid_out("- [\n  a, b\n  ]\n", "- - a\n  - b\n");
}

static void
comments_stay_with_what_they_belong_to(void **state)
{
    (void)state;
    assert_laid_out("# top\n\n\n\nname: x     # why\n# below\n",
                    "# top\n\nname: x # why\n# below\n");
    assert_laid_out(
        "steps:\n- id: a\n  set: 1\n  # of a\n\n# of b\n- id: b # b\n# of the top\ncatch: []\n",
        "steps:\n  - id: a\n    set: 1\n    # of a\n\n  # of b\n  - id: b # b\n# of the top\n"
        "catch: []\n");
    assert_laid_out("a: # one\n  # two\n  b\nc: # three\n  # four\n  d: e\n",
                    "a: # one\n  # two\n  b\nc: # three\n  # four\n  d: e\n");
    assert_laid_out("a: [1, # one\n  # two\n  2 # three\n  , 3 # four\n  # five\n  ]\n",
                    "a: [1, # one\n  # two\n  2, # three\n  3 # four\n  # five\n  ]\n");
    assert_laid_out("a:\n# at the left\n  b: 1\n", "a:\n  # at the left\n  b: 1\n");
    assert_laid_out("# nothing else", "# nothing else\n");
    assert_laid_out("", "");
}

static void
texts_stay_as_they_are(void **state)
{
    (void)state;
    assert_laid_out("a: |\n     one  \n       two\n\n     three\nb: 2\n",
                    "a: |\n  one  \n    two\n\n  three\nb: 2\n");
    assert_laid_out("a:\n    b: >+\n        keep\n\n\n    c: d\n",
                    "a:\n  b: >+\n    keep\n\n\n  c: d\n");
    assert_laid_out("a:\n    b: |2-  # why\n        in\n      out\n",
                    "a:\n  b: |2- # why\n      in\n    out\n");
    assert_laid_out("a: \"x\n      y \\\n      z\"\nb: 'p''q\n\n  r'\nc: plain\n     more\n",
                    "a: \"x\n  y \\\n  z\"\nb: 'p''q\n\n  r'\nc: plain\n  more\n");
    assert_laid_out("a: ${ x }\nb: '${ y }'\n", "a: ${ x }\nb: '${ y }'\n");
    assert_laid_out("a: |\nb: 1\n", "a: |\nb: 1\n");
    assert_laid_out("a: |+\n\n\nb: 1\n", "a: |+\n\n\nb: 1\n");
}

static void
anchors_and_aliases_stay(void **state)
{
    (void)state;
    assert_laid_out("a:   &x\n   b: 1\nc:  *x\nd: [*x,  &y z,*y]\n",
                    "a: &x\n  b: 1\nc: *x\nd: [*x, &y z, *y]\n");
    assert_laid_out("a:\n- &x\n  b: 1\n- &y c: 2\n- *x\n",
                    "a:\n  - &x\n    b: 1\n  - &y c: 2\n  - *x\n");
    assert_laid_out("a: &x\nb: &y { c: 1 }\n", "a: &x\nb: &y { c: 1 }\n");
}

static void
what_is_no_yaml_is_told(void **state)
{
    (void)state;
    struct diags d;
    struct buf out;
    struct weir_error err;
    diags_init(&d);
    buf_init(&out, 4096);
    assert_int_equal(fmt_text("a.yaml", TEXT("a: [1\nb: 2\n"), &out, &d, &err), WEIR_INVALID);
    assert_int_equal(d.errors, 1);
    assert_int_equal(fmt_text("a.yaml", TEXT("? a\n  b\n: c\n"), &out, &d, &err),
                     WEIR_INTERNAL);
    assert_non_null(strstr(err.text, "stays as it is"));
    assert_int_equal(out.len, 0);
    buf_fini(&out);
    diags_fini(&d);
}

/* Every file of FOLDER below the source. */
static unsigned
format_folder(const char *folder)
{
    char path[4096];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/%s", WEIR_SOURCE, folder);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        struct buf text;
        struct weir_error err;
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s/%s", WEIR_SOURCE, folder, e->d_name);
        buf_init(&text, 1u << 20);
        if (file_read(path, &text, &err) == WEIR_OK) {
            struct diags d;
            struct buf out;
            diags_init(&d);
            buf_init(&out, 1u << 22);
            enum weir_code code = fmt_text(path, buf_content(&text), &out, &d, &err);
            if (code == WEIR_INTERNAL)
                fail_msg("%s: %s", path, err.text);
            if (code == WEIR_OK) {
                free(laid_out(text.bytes));
                n++;
            }
            buf_fini(&out);
            diags_fini(&d);
        }
        buf_fini(&text);
    }
    closedir(dir);
    return n;
}

static void
every_pipeline_keeps_its_meaning(void **state)
{
    (void)state;
    assert_true(format_folder("pipelines") >= 10);
    assert_true(format_folder("tests/fuzz/seeds/fmt") >= 5);
}

static void
a_diff_shows_what_changes_with_lines_around(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    diff_text(TEXT("1\n2\n3\n4\n5\n6\n7\n"), TEXT("1\n2\n3\n4\nfive\n6\n7"), "x", false, &out);
    assert_string_equal(
        out.bytes,
        "--- x\n+++ x (formatted)\n@@ -2,6 +2,6 @@\n 2\n 3\n 4\n-5\n+five\n 6\n-7\n+7\n"
        "\\ no line end\n");
    buf_reset(&out);
    diff_text(TEXT("a\nb\n"), TEXT("a\nb\n"), "x", false, &out);
    assert_int_equal(out.len, 0);
    diff_text(TEXT(""), TEXT("a\n"), "x", false, &out);
    assert_string_equal(out.bytes, "--- x\n+++ x (formatted)\n@@ -0,0 +1,1 @@\n+a\n");
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_indented_by_two),
        cmocka_unit_test(brackets_are_spaced),
        cmocka_unit_test(brackets_that_open_a_line_become_blocks),
        cmocka_unit_test(comments_stay_with_what_they_belong_to),
        cmocka_unit_test(texts_stay_as_they_are),
        cmocka_unit_test(anchors_and_aliases_stay),
        cmocka_unit_test(what_is_no_yaml_is_told),
        cmocka_unit_test(every_pipeline_keeps_its_meaning),
        cmocka_unit_test(a_diff_shows_what_changes_with_lines_around),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
