/* tests/unit/pipeline/diag_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

#include "value/json.h"

static void
text_shows_the_line_and_a_caret(void **state)
{
    (void)state;
    struct diags d;
    struct buf out;
    diags_init(&d);
    buf_init(&out, 4096);
    diags_add(&d, "pipelines/orders.yaml", (struct mark){ 27, 5, 6 }, "    timout: 10s\nnext",
              DIAG_KEY_UNKNOWN, "did you mean 'timeout'?", "unknown key '%s' in step 'book'",
              "timout");
    diags_text(&d, false, &out);
    assert_string_equal(out.bytes,
                        "pipelines/orders.yaml:27:5: error[W0204]: unknown key 'timout' "
                        "in step 'book'\n"
                        "   27 |     timout: 10s\n"
                        "      |     ^^^^^^ did you mean 'timeout'?\n");
    assert_int_equal(d.errors, 1);
    buf_fini(&out);
    diags_fini(&d);
}

static void
a_file_as_a_whole_has_no_line(void **state)
{
    (void)state;
    struct diags d;
    struct buf out;
    diags_init(&d);
    buf_init(&out, 4096);
    diags_add(&d, "a.yaml", (struct mark){ 0 }, NULL, DIAG_NO_PIPELINES, "a hint", "nothing");
    diags_text(&d, false, &out);
    assert_string_equal(out.bytes, "a.yaml: warning[W0115]: nothing\n      | a hint\n");
    assert_int_equal(d.warnings, 1);
    buf_fini(&out);
    diags_fini(&d);
}

static void
colours_are_only_there_when_asked_for(void **state)
{
    (void)state;
    struct diags d;
    struct buf out;
    diags_init(&d);
    buf_init(&out, 4096);
    diags_add(&d, "a", (struct mark){ 1, 1, 1 }, "x", DIAG_YAML_SYNTAX, NULL, "bad");
    diags_text(&d, true, &out);
    assert_non_null(strstr(out.bytes, "\033[1;31merror[W0101]\033[0m"));
    buf_reset(&out);
    diags_text(&d, false, &out);
    assert_null(strchr(out.bytes, '\033'));
    buf_fini(&out);
    diags_fini(&d);
}

static void
the_caret_stays_in_a_window_of_a_long_line(void **state)
{
    (void)state;
    char line[4096];
    memset(line, 'x', sizeof line);
    line[3000] = '\n';
    line[2000] = '!';
    struct diags d;
    struct buf out;
    diags_init(&d);
    buf_init(&out, 4096);
    diags_add(&d, "a", (struct mark){ 1, 2001, 1 }, line, DIAG_YAML_SYNTAX, NULL, "bad");
    diags_text(&d, false, &out);
    const char *first = strstr(out.bytes, "    1 | ");
    const char *second = strstr(out.bytes, "      | ");
    assert_non_null(first);
    assert_non_null(second);
    assert_int_equal(strchr(first, '!') - first, strchr(second, '^') - second);
    assert_true(strcspn(first, "\n") < 200);
    buf_fini(&out);
    diags_fini(&d);
}

static void
tabs_and_wide_characters_keep_the_caret_in_place(void **state)
{
    (void)state;
    struct diags d;
    struct buf out;
    diags_init(&d);
    buf_init(&out, 4096);
    diags_add(&d, "a", (struct mark){ 1, 4, 2 }, "\t\xc3\xa9 xy", DIAG_YAML_SYNTAX, NULL,
              "bad");
    diags_text(&d, false, &out);
    assert_non_null(strstr(out.bytes, "      | \t  ^^\n"));
    buf_fini(&out);
    diags_fini(&d);
}

static void
they_are_sorted_and_equal_ones_dropped(void **state)
{
    (void)state;
    struct diags d;
    struct buf out;
    diags_init(&d);
    buf_init(&out, 4096);
    diags_add(&d, "b", (struct mark){ 1, 1, 1 }, NULL, DIAG_YAML_SYNTAX, NULL, "three");
    diags_add(&d, "a", (struct mark){ 2, 9, 1 }, NULL, DIAG_YAML_SYNTAX, NULL, "two");
    diags_add(&d, "a", (struct mark){ 2, 1, 1 }, NULL, DIAG_YAML_SYNTAX, NULL, "one");
    diags_add(&d, "a", (struct mark){ 2, 1, 1 }, NULL, DIAG_YAML_SYNTAX, NULL, "one");
    diags_sort(&d);
    write_diags(&d, &out);
    assert_string_equal(out.bytes, "2:1+1 W0101 one\n2:9+1 W0101 two\n1:1+1 W0101 three\n");
    assert_int_equal(d.errors, 3);
    buf_fini(&out);
    diags_fini(&d);
}

static void
no_more_than_a_thousand_are_kept_but_all_are_counted(void **state)
{
    (void)state;
    struct diags d;
    diags_init(&d);
    for (unsigned i = 0; i < 1500; i++)
        diags_add(&d, "a", (struct mark){ i + 1, 1, 1 }, NULL, DIAG_YAML_SYNTAX, NULL, "bad");
    assert_int_equal(d.n, 1000);
    assert_int_equal(d.errors, 1500);
    assert_true(d.full);
    diags_fini(&d);
}

static void
values_have_what_is_known(void **state)
{
    (void)state;
    struct diags d;
    struct buf out;
    struct weir_error err;
    diags_init(&d);
    buf_init(&out, 4096);
    diags_add(&d, "a", (struct mark){ 2, 3, 4 }, "x", DIAG_ENV_UNSET, "h", "m \xff");
    diags_add(&d, "b", (struct mark){ 0 }, NULL, DIAG_YAML_SYNTAX, NULL, "n");
    const struct weir_value *v = diags_value(&d);
    assert_int_equal(json_write(&out, v, &err), WEIR_OK);
    assert_string_equal(out.bytes,
                        "[{\"file\":\"a\",\"line\":2,\"column\":3,\"length\":4,"
                        "\"severity\":\"warning\",\"code\":\"W0313\",\"message\":\"m ?\","
                        "\"hint\":\"h\"},{\"file\":\"b\",\"severity\":\"error\","
                        "\"code\":\"W0101\",\"message\":\"n\"}]");
    value_unref(&v);
    buf_fini(&out);
    diags_fini(&d);
}

static void
every_code_has_its_own_number_a_title_and_an_explanation(void **state)
{
    (void)state;
    for (unsigned i = DIAG_NONE + 1; i < DIAG_CODE_COUNT; i++) {
        enum diag_code code = (enum diag_code)i;
        assert_int_equal(diag_find(diag_name(code)), code);
        assert_int_equal(strlen(diag_name(code)), 5);
        assert_true(strlen(diag_title(code)) > 5);
        const char *text = diag_explanation(code);
        assert_true(strlen(text) > 20);
        assert_int_equal(text[strlen(text) - 1], '\n');
        for (const char *at = text; *at != '\0'; at += strcspn(at, "\n") + 1)
            assert_true(strcspn(at, "\n") <= 90);
    }
    assert_int_equal(diag_find("w0204"), DIAG_KEY_UNKNOWN);
    assert_int_equal(diag_find("W9999"), DIAG_NONE);
    assert_int_equal(diag_find("W0000"), DIAG_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_shows_the_line_and_a_caret),
        cmocka_unit_test(a_file_as_a_whole_has_no_line),
        cmocka_unit_test(colours_are_only_there_when_asked_for),
        cmocka_unit_test(the_caret_stays_in_a_window_of_a_long_line),
        cmocka_unit_test(tabs_and_wide_characters_keep_the_caret_in_place),
        cmocka_unit_test(they_are_sorted_and_equal_ones_dropped),
        cmocka_unit_test(no_more_than_a_thousand_are_kept_but_all_are_counted),
        cmocka_unit_test(values_have_what_is_known),
        cmocka_unit_test(every_code_has_its_own_number_a_title_and_an_explanation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
