/* unit/value/equal_test.c - when values are equal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "given.h"

static void
assert_equal_json(const char *a, const char *b, bool equal)
{
    const struct weir_value *va = given(a);
    const struct weir_value *vb = given(b);
    if (value_equal(va, vb) != equal || value_equal(vb, va) != equal)
        fail_msg("%s and %s", a, b);
    assert_true(value_equal(va, va));
    value_unref(&va);
    value_unref(&vb);
}

static void
numbers_are_equal_across_kinds(void **state)
{
    (void)state;
    assert_equal_json("1", "1.0", true);
    assert_equal_json("-0", "0", true);
    assert_equal_json("[1,{\"a\":2.0}]", "[1.0,{\"a\":2}]", true);
    assert_equal_json("9007199254740993", "9007199254740992.0", false);
    assert_equal_json("9223372036854775807", "9223372036854775808", false);
    assert_equal_json("1", "true", false);
    assert_equal_json("0", "null", false);
}

static void
maps_are_compared_without_order(void **state)
{
    (void)state;
    assert_equal_json("{\"a\":1,\"b\":[2]}", "{\"b\":[2],\"a\":1}", true);
    assert_equal_json("{\"a\":1,\"b\":2}", "{\"a\":1}", false);
    assert_equal_json("{\"a\":1,\"b\":2}", "{\"a\":1,\"c\":2}", false);
    assert_equal_json("{\"a\":null}", "{\"b\":null}", false);
    assert_equal_json("[1,2]", "[2,1]", false);
    assert_equal_json("[]", "{}", false);
    assert_equal_json("[]", "[]", true);
    assert_equal_json("{}", "{}", true);
    assert_equal_json("[[],[[]]]", "[[],[[]]]", true);
    assert_equal_json("\"a\"", "\"b\"", false);
    assert_equal_json("\"\"", "\"\"", true);

    struct weir_builder *up = builder_map();
    struct weir_builder *down = builder_map();
    for (int i = 0; i < 500; i++) {
        char key[16];
        const struct weir_value *v = value_int(i);
        (void)snprintf(key, sizeof key, "%d", i);
        builder_set(up, key, strlen(key), &v);
        v = value_int(499 - i);
        (void)snprintf(key, sizeof key, "%d", 499 - i);
        builder_set(down, key, strlen(key), &v);
    }
    const struct weir_value *a = builder_end(&up);
    const struct weir_value *b = builder_end(&down);
    assert_true(value_equal(a, b));
    value_unref(&a);
    value_unref(&b);
}

static void
strings_never_equal_bytes(void **state)
{
    (void)state;
    const struct weir_value *s = value_text("abc");
    const struct weir_value *b = value_bytes("abc", 3);
    assert_false(value_equal(s, b));
    assert_true(value_equal(b, b));
    value_unref(&s);
    value_unref(&b);
    assert_false(value_equal(value_string("", 0), value_bytes("", 0)));
}

static int
compare(const char *a, const char *b)
{
    const struct weir_value *va = given(a);
    const struct weir_value *vb = given(b);
    int c = value_compare_numbers(va, vb);
    int back = value_compare_numbers(vb, va);
    assert_int_equal(c, -back);
    value_unref(&va);
    value_unref(&vb);
    return c;
}

static void
numbers_are_compared_exactly(void **state)
{
    (void)state;
    assert_int_equal(compare("1", "2"), -1);
    assert_int_equal(compare("2", "2.0"), 0);
    assert_int_equal(compare("2", "2.5"), -1);
    assert_int_equal(compare("3", "2.5"), 1);
    assert_int_equal(compare("-2", "-2.5"), 1);
    assert_int_equal(compare("-3", "-2.5"), -1);
    assert_int_equal(compare("9007199254740993", "9007199254740992.0"), 1);
    assert_int_equal(compare("9223372036854775807", "9223372036854775808.0"), -1);
    assert_int_equal(compare("-9223372036854775808", "-9223372036854775808.0"), 0);
    assert_int_equal(compare("-9223372036854775808", "-1e300"), 1);
    assert_int_equal(compare("5", "1e300"), -1);
    assert_int_equal(compare("0", "-0.0"), 0);
    assert_int_equal(compare("0", "5e-324"), -1);
    assert_int_equal(compare("0.5", "0.25"), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_equal_across_kinds),
        cmocka_unit_test(maps_are_compared_without_order),
        cmocka_unit_test(strings_never_equal_bytes),
        cmocka_unit_test(numbers_are_compared_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
