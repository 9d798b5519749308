/* tests/unit/pipeline/yaml_place_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

#include "pipeline/yaml.h"

/* Each letter from A to Z stands once in the decoded scalar and once in the source: the place
 * that is found for it must be that of the source. */
static void
assert_letters_found(const char *text)
{
    struct diags d;
    diags_init(&d);
    struct yaml *y = yaml_read("a", text_of(text), &d);
    assert_non_null(y);
    const struct yaml_node *n = yaml_get(y->root, "k");
    assert_non_null(n);
    unsigned found = 0;
    for (size_t i = 0; i < n->text.len; i++) {
        if (n->text.bytes[i] < 'A' || n->text.bytes[i] > 'Z')
            continue;
        struct mark m = yaml_place(y, n, i, 1);
        const char *line = yaml_line(y, m.line);
        unsigned column = 1;
        while (*line != n->text.bytes[i] && *line != '\n' && *line != '\0')
            column += (*line++ & 0xc0) != 0x80;
        if (*line != n->text.bytes[i] || m.column != column || m.len != 1)
            fail_msg("%c: found at %u:%u+%u, is at column %u in\n%s", n->text.bytes[i], m.line,
                     m.column, m.len, column, text);
        found++;
    }
    assert_true(found > 0);
    yaml_free(&y);
    diags_fini(&d);
}

static void
plain_scalars_fold(void **state)
{
    (void)state;
    assert_letters_found("k: A b C\n");
    assert_letters_found("k: A b\n   C d\n\n    E\tF   # G\n");
    assert_letters_found("k:\n  A\n  \xc3\xa9 B\n");
}

static void
quoted_scalars_have_escapes(void **state)
{
    (void)state;
    assert_letters_found("k: 'A ''B'' ''''C'\n");
    assert_letters_found("k: 'A\n   B\n\n   ''C'\n");
    assert_letters_found("k: \"A \\\"B\\\" \\\\C \\n D\\tE\\/F\"\n");
    assert_letters_found("k: \"A \\x61\\u00e9\\U0001F600 B\"\n");
    assert_letters_found("k: \"\\x0a\\u0020A\\_B\\N\\L\\PC\\0D\\e\\a\\b\\f\\r\\vE\"\n");
    assert_letters_found("k: \"A\\\n   B\\\n   \\  C\n\n  D \\n\n  E\"\n");
    assert_letters_found("k: \"\xf0\x9f\x98\x80 A \xc3\xa9 B\"\n");
}

static void
block_scalars_lose_their_indentation(void **state)
{
    (void)state;
    assert_letters_found("k: |\n  A\n    B\n\n  C\n   D\n");
    assert_letters_found("k: |2-\n    A\n  B\n");
    assert_letters_found("k: >\n  A\n  B\n\n  C\n    D\n  E\n\n\n  F\n");
    assert_letters_found("k: >+\n\n  A b\n  C\n\n");
    assert_letters_found("k: | # c\n\n  \xc3\xa9 A\n  \tB\n");
}

static void
ranges_end_behind_their_last_character(void **state)
{
    (void)state;
    struct diags d;
    diags_init(&d);
    struct yaml *y = yaml_read("a", TEXT("k: \"a\\u00e9bc\\n d\"\n"), &d);
    const struct yaml_node *n = yaml_get(y->root, "k");
    struct mark m = yaml_place(y, n, 0, 4);
    assert_int_equal(m.column, 5);
    assert_int_equal(m.len, 8); /* a \u00e9 b */
    m = yaml_place(y, n, n->text.len, 1);
    assert_int_equal(m.column, 18);
    assert_int_equal(m.len, 1);
    yaml_free(&y);
    diags_fini(&d);
}

static void
marks_cover_scalars_with_their_quotes(void **state)
{
    (void)state;
    struct diags d;
    diags_init(&d);
    struct yaml *y =
        yaml_read("a", TEXT("\xc3\xa9: 'b c'\nd:\ne: {f: 1}\ng:\n  - h: |\n      x\n"), &d);
    const struct yaml_node *r = y->root;
    assert_int_equal(r->items[0]->mark.line, 1);
    assert_int_equal(r->items[0]->mark.column, 4);
    assert_int_equal(r->items[0]->mark.len, 5);
    assert_int_equal(r->items[1]->mark.line, 2); /* left out: its key's */
    assert_int_equal(r->items[1]->mark.column, 1);
    assert_int_equal(r->items[2]->mark.column, 4);
    assert_int_equal(r->items[3]->items[0]->mark.line, 5);
    assert_int_equal(r->items[3]->items[0]->mark.column, 5);
    assert_int_equal(r->items[3]->items[0]->items[0]->mark.line, 6);
    assert_int_equal(r->items[3]->items[0]->items[0]->mark.column, 7);
    yaml_free(&y);
    diags_fini(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_scalars_fold),
        cmocka_unit_test(quoted_scalars_have_escapes),
        cmocka_unit_test(block_scalars_lose_their_indentation),
        cmocka_unit_test(ranges_end_behind_their_last_character),
        cmocka_unit_test(marks_cover_scalars_with_their_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
