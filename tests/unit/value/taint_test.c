/* unit/value/taint_test.c - secrets: how the mark goes on, and how they are masked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "given.h"

static const struct weir_value *
secret(const char *json)
{
    const struct weir_value *v = given(json);
    return value_flagged(&v, VALUE_SECRET);
}

static void
a_list_or_map_that_holds_a_secret_is_secret(void **state)
{
    (void)state;
    struct weir_builder *b = builder_list();
    const struct weir_value *v = value_int(1);
    builder_add(b, &v);
    v = builder_end(&b);
    assert_false(value_is_secret(v));

    b = builder_list();
    builder_add(b, &v);
    v = secret("\"s\"");
    builder_add(b, &v);
    v = builder_end(&b);
    assert_true(value_is_secret(v));
    assert_false(value_is_secret(value_at(v, 0)));
    assert_true(value_is_secret(value_at(v, 1)));

    b = builder_map();
    builder_put(b, "k", v);
    value_unref(&v);
    v = builder_end(&b);
    assert_true(value_is_secret(v));
    value_unref(&v);
}

/* A list on the stack is marked for what it holds, or else as a whole. */
static void
a_marked_list_on_the_stack_is_boxed_as_it_is_meant(void **state)
{
    (void)state;
    struct weir_value items[] = { { .type = WEIR_INT, .integer = 1 }, { .type = WEIR_INT, .integer = 2 } };
    struct weir_value list = { .type = WEIR_LIST, .flags = VALUE_SECRET, .len = 2, .items = items };
    const struct weir_value *v = value_box(&list);
    assert_true(value_is_secret(v) && value_is_secret(value_at(v, 0)) && value_is_secret(value_at(v, 1)));
    value_unref(&v);
    items[1].flags = VALUE_SECRET;
    v = value_box(&list);
    assert_true(value_is_secret(v) && value_is_secret(value_at(v, 1)));
    assert_false(value_is_secret(value_at(v, 0)));
    value_unref(&v);
}

static void
marking_a_value_marks_all_in_it(void **state)
{
    (void)state;
    const struct weir_value *v = secret("{\"a\":[1,{\"b\":null}],\"c\":\"x\",\"e\":[]}");
    assert_written(v, "{\"a\":[1,{\"b\":null}],\"c\":\"x\",\"e\":[]}");
    static const char *const all[] = { "", "/a", "/a/0", "/a/1", "/a/1/b", "/c", "/e" };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_true(value_is_secret(value_pointer(v, all[i], strlen(all[i]))));
    value_unref(&v);
}

static void
a_dynamic_child_does_not_make_its_parent_dynamic(void **state)
{
    (void)state;
    const struct weir_value *v = value_text("expression");
    v = value_flagged(&v, VALUE_DYNAMIC);
    assert_true(v->flags & VALUE_DYNAMIC);
    assert_false(value_is_secret(v));
    struct weir_builder *b = builder_map();
    builder_set(b, "e", 1, &v);
    v = builder_end(&b);
    assert_false(v->flags & VALUE_DYNAMIC);
    assert_true(value_field(v, "e")->flags & VALUE_DYNAMIC);

    v = value_flagged(&v, VALUE_DYNAMIC);
    assert_true(v->flags & VALUE_DYNAMIC);
    assert_written(v, "{\"e\":\"expression\"}");
    value_unref(&v);
    v = given("[]");
    v = value_flagged(&v, VALUE_DYNAMIC | VALUE_SECRET);
    assert_true(v->flags & VALUE_DYNAMIC && v->flags & VALUE_SECRET);
    value_unref(&v);
}

static void
only_secrets_are_masked(void **state)
{
    (void)state;
    struct weir_builder *b = builder_map();
    const struct weir_value *v = given("{\"open\":[1,\"x\"]}");
    builder_set(b, "plain", 5, &v);
    v = secret("{\"token\":\"abc\",\"n\":5,\"none\":null,\"list\":[true,[]],\"e\":{}}");
    builder_set(b, "hidden", 6, &v);
    v = value_text("in front");
    builder_set(b, "behind", 6, &v);
    v = builder_end(&b);
    const struct weir_value *masked = value_masked(v);
    value_unref(&v);
    assert_false(value_is_secret(masked));
    assert_written(
        masked, "{\"plain\":{\"open\":[1,\"x\"]},\"hidden\":{\"token\":\"***\",\"n\":\"***\","
                "\"none\":null,\"list\":[\"***\",[]],\"e\":{}},\"behind\":\"in front\"}");
    value_unref(&masked);
}

static void
masking_what_is_not_secret_is_a_reference(void **state)
{
    (void)state;
    const struct weir_value *v = given("[1,2]");
    const struct weir_value *masked = value_masked(v);
    assert_ptr_equal(masked, v);
    value_unref(&masked);
    value_unref(&v);

    v = secret(
        "\"a long secret that is longer than what is copied from place to place, really\"");
    masked = value_masked(v);
    assert_written(masked, "\"***\"");
    value_unref(&masked);
    value_unref(&v);
}

static void
deep_values_are_marked_and_masked_without_recursion(void **state)
{
    (void)state;
    const struct weir_value *v = value_text("x");
    for (int i = 0; i < 100000; i++) {
        struct weir_builder *b = builder_list();
        builder_add(b, &v);
        v = builder_end(&b);
    }
    v = value_flagged(&v, VALUE_SECRET);
    const struct weir_value *masked = value_masked(v);
    const struct weir_value *in = masked;
    const struct weir_value *marked = v;
    while (in->type == WEIR_LIST) {
        assert_true(value_is_secret(marked));
        in = value_at(in, 0);
        marked = value_at(marked, 0);
    }
    assert_true(value_is_secret(marked));
    assert_true(text_is(value_as_text(in), "***"));
    value_unref(&masked);
    value_unref(&v);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_or_map_that_holds_a_secret_is_secret),
        cmocka_unit_test(a_marked_list_on_the_stack_is_boxed_as_it_is_meant),
        cmocka_unit_test(marking_a_value_marks_all_in_it),
        cmocka_unit_test(a_dynamic_child_does_not_make_its_parent_dynamic),
        cmocka_unit_test(only_secrets_are_masked),
        cmocka_unit_test(masking_what_is_not_secret_is_a_reference),
        cmocka_unit_test(deep_values_are_marked_and_masked_without_recursion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
