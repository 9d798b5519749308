/* unit/value/builder_test.c - lists and maps in the making, and what keeps what alive.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "given.h"

static const char long_text[] = "a text of more than sixty-four bytes, which is not copied but "
                                "borrowed from the block that it stands in";

static void
lists_and_maps_keep_the_order(void **state)
{
    (void)state;
    struct weir_builder *b = builder_map();
    builder_put(b, "z", &value_true);
    const struct weir_value *v = value_int(5000);
    builder_set(b, "a", 1, &v);
    assert_null(v);
    builder_put(b, "", NULL);
    v = NULL;
    builder_set(b, "none", 4, &v);
    v = value_text(long_text);
    builder_set(b, "long", 4, &v);
    v = builder_end(&b);
    assert_null(b);
    assert_int_equal(v->len, 5);
    assert_true(text_is(value_as_text(value_field(v, "long")), long_text));
    struct weir_text key;
    assert_true(value_member(v, 0, &key, NULL));
    assert_true(text_is(key, "z"));
    assert_true(value_member(v, 2, &key, NULL));
    assert_int_equal(key.len, 0);
    assert_int_equal(value_type(value_field(v, "none")), WEIR_NULL);
    value_unref(&v);
}

static void
nothing_makes_the_constants(void **state)
{
    (void)state;
    struct weir_builder *b = builder_map();
    assert_ptr_equal(builder_end(&b), &value_empty_map);
    b = builder_list();
    assert_ptr_equal(builder_end(&b), &value_empty_list);
}

static void
a_key_that_is_there_gets_the_new_value(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 60; n++) {
        struct weir_builder *b = builder_map();
        for (unsigned i = 0; i < 2 * n; i++) {
            char key[16];
            (void)snprintf(key, sizeof key, "key%u", i % n);
            const struct weir_value *v = value_int(i);
            builder_set(b, key, strlen(key), &v);
        }
        const struct weir_value *map = builder_end(&b);
        assert_int_equal(map->len, n);
        for (unsigned i = 0; i < n; i++) {
            char key[16];
            (void)snprintf(key, sizeof key, "key%u", i);
            struct weir_text name;
            const struct weir_value *v;
            assert_true(value_member(map, i, &name, &v));
            assert_true(text_is(name, key));
            assert_true(v->integer == n + i);
            assert_ptr_equal(value_field(map, key), v);
        }
        assert_null(value_field(map, "key"));
        value_unref(&map);
    }
}

static void
large_lists_and_long_texts_fit(void **state)
{
    (void)state;
    struct weir_builder *b = builder_list();
    const struct weir_value *first = value_text(long_text);
    const struct weir_value *second = given("{\"k\":[1,2]}");
    for (int i = 0; i < 10000; i++) {
        const struct weir_value *v = value_ref(i % 2 ? first : second);
        builder_add(b, &v);
        v = value_text("short");
        builder_add(b, &v);
    }
    value_unref(&first);
    value_unref(&second);
    const struct weir_value *list = builder_end(&b);
    assert_int_equal(list->len, 20000);
    assert_true(text_is(value_as_text(value_at(list, 2)), long_text));
    assert_written(value_at(list, 19996), "{\"k\":[1,2]}");
    assert_true(text_is(value_as_text(value_at(list, 19999)), "short"));
    value_unref(&list);
}

static void
many_owners_are_kept(void **state)
{
    (void)state;
    struct weir_builder *b = builder_list();
    for (int i = 0; i < 100; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "%s %d", long_text, i);
        const struct weir_value *v = value_text(text);
        builder_add(b, &v);
    }
    const struct weir_value *list = builder_end(&b);
    assert_int_equal(value_at(list, 99)->len, sizeof long_text - 1 + 3);
    value_unref(&list);
}

static void
a_builder_can_be_thrown_away(void **state)
{
    (void)state;
    struct weir_builder *b = builder_map();
    for (int i = 0; i < 100; i++) {
        const struct weir_value *v = value_text(long_text);
        builder_set(b, long_text, (size_t)i, &v);
    }
    builder_free(&b);
    assert_null(b);
    builder_free(&b);
}

static void
put_copies_what_stands_on_the_stack(void **state)
{
    (void)state;
    struct weir_value items[] = { value_true, { .type = WEIR_INT, .integer = 9 } };
    struct weir_value list = { .type = WEIR_LIST, .len = 2, .items = items };
    char text[200];
    memset(text, 'x', sizeof text);
    struct weir_value string = { .type = WEIR_STRING, .len = sizeof text, .bytes = text };
    struct weir_builder *b = builder_map();
    builder_put(b, "list", &list);
    builder_put(b, "string", &string);
    memset(text, 'y', sizeof text);
    const struct weir_value *map = builder_end(&b);
    assert_written(value_field(map, "list"), "[true,9]");
    assert_int_equal(value_field(map, "string")->bytes[199], 'x');
    value_unref(&map);
}

/* Members outlive the map that they come from; a value that was made goes with its new owner. */
static void
all_of_a_map_is_put_and_what_was_made_is_taken(void **state)
{
    (void)state;
    const struct weir_value *from = given("{\"a\":[1,2],\"b\":\"x\"}");
    struct weir_builder *b = builder_map();
    builder_take(b, "b", value_text(long_text));
    builder_put_all(b, from);
    builder_put_all(b, NULL);
    builder_put_all(b, &value_true);
    builder_take(b, "none", NULL);
    value_unref(&from);
    const struct weir_value *map = builder_end(&b);
    assert_written(map, "{\"b\":\"x\",\"a\":[1,2],\"none\":null}");
    value_unref(&map);
}

static void
count_drop(void *stream)
{
    ++*(int *)stream;
}

/* An item that lies in a block keeps it; a list on the stack is made one that lasts. */
static void
lent_values_last_as_long_as_what_they_are_put_into(void **state)
{
    (void)state;
    const struct weir_value *doc = given("{\"a\":[1,2]}");
    const struct weir_value *text = value_text(long_text);
    struct weir_value copies[] = { *value_field(doc, "a"), *text, value_empty_map, value_true };
    for (unsigned i = 0; i < 4; i++)
        copies[i].flags &= (uint8_t)~VALUE_HOME;
    struct weir_value stack[] = {
        { .type = WEIR_LIST, .len = 4, .items = copies },
        { .type = WEIR_LIST, .len = 0, .items = copies },
    };
    struct weir_builder *list = builder_list();
    struct weir_builder *map = builder_map();
    for (unsigned i = 0; i < 4; i++)
        builder_add_lent(list, &copies[i]);
    builder_add_lent(list, &stack[0]);
    builder_add_lent(list, &stack[1]);
    builder_add_lent(list, NULL);
    builder_add_lent(list, text);
    builder_set_lent(map, "abc", 2, &stack[0]);
    builder_set_lent(map, "b", 1, doc);
    value_unref(&doc);
    value_unref(&text);
    const struct weir_value *v = builder_end(&list);
    assert_int_equal(v->len, 8);
    assert_written(value_at(v, 0), "[1,2]");
    assert_true(text_is(value_as_text(value_at(v, 1)), long_text));
    assert_written(value_at(v, 2), "{}");
    assert_written(value_at(v, 3), "true");
    assert_true(value_equal(value_at(value_at(v, 4), 0), value_at(v, 0)));
    assert_written(value_at(v, 5), "[]");
    assert_written(value_at(v, 6), "null");
    assert_true(text_is(value_as_text(value_at(v, 7)), long_text));
    value_unref(&v);
    v = builder_end(&map);
    assert_written(value_at(value_field(v, "ab"), 0), "[1,2]");
    assert_written(value_field(v, "b"), "{\"a\":[1,2]}");
    value_unref(&v);
}

static void
small_parts_do_not_keep_a_large_document(void **state)
{
    (void)state;
    int dropped = 0;
    struct weir_builder *b = builder_map();
    builder_put(b, "id", &(struct weir_value){ .type = WEIR_STRING, .len = 3, .bytes = "abc" });
    const struct weir_value *v = value_stream(&dropped, count_drop);
    builder_set(b, "body", 4, &v);
    const struct weir_value *large = builder_end(&b);

    b = builder_map();
    builder_put(b, "id", value_field(large, "id"));
    const struct weir_value *small = builder_end(&b);
    const struct weir_value *slice =
        value_slice(large, WEIR_STRING, value_field(large, "id")->bytes, 2);
    value_unref(&large);
    assert_int_equal(dropped, 1);
    assert_true(value_weight(small) < 300);
    assert_true(text_is(value_as_text(value_field(small, "id")), "abc"));
    assert_true(text_is(value_as_text(slice), "ab"));
    value_unref(&slice);
    value_unref(&small);
}

/* LEVELS lists and maps, one inside the other. */
static const struct weir_value *
chain(unsigned levels)
{
    const struct weir_value *v = value_text(long_text);
    for (unsigned i = 0; i < levels; i++) {
        struct weir_builder *b = i % 2 ? builder_list() : builder_map();
        if (i % 2)
            builder_add(b, &v);
        else
            builder_set(b, "next", 4, &v);
        v = builder_end(&b);
    }
    return v;
}

static void
a_chain_of_a_million_is_freed_without_recursion(void **state)
{
    (void)state;
    const struct weir_value *v = chain(1000000);
    value_unref(&v);
}

static void
deep_values_are_compared_and_refused_without_recursion(void **state)
{
    (void)state;
    const struct weir_value *a = chain(100000);
    const struct weir_value *b = chain(100000);
    const struct weir_value *c = chain(100002);
    assert_true(value_equal(a, b));
    assert_false(value_equal(a, c));

    struct buf out;
    struct weir_error err;
    buf_init(&out, 1u << 20);
    assert_int_equal(json_write(&out, a, &err), WEIR_INVALID);
    buf_fini(&out);
    value_unref(&a);
    value_unref(&b);
    value_unref(&c);
}

static void
a_chain_of_growing_lists_is_freed(void **state)
{
    (void)state;
    const struct weir_value *v = given("[[0]]");
    for (int i = 0; i < 300; i++) {
        struct weir_builder *b = builder_list();
        for (uint32_t k = 0; k < v->len; k++) {
            const struct weir_value *item = value_ref(value_at(v, k));
            builder_add(b, &item);
        }
        const struct weir_value *more = given("[1]");
        builder_add(b, &more);
        value_unref(&v);
        v = builder_end(&b);
    }
    assert_int_equal(v->len, 301);
    assert_written(value_at(v, 0), "[0]");
    value_unref(&v);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_and_maps_keep_the_order),
        cmocka_unit_test(nothing_makes_the_constants),
        cmocka_unit_test(a_key_that_is_there_gets_the_new_value),
        cmocka_unit_test(large_lists_and_long_texts_fit),
        cmocka_unit_test(many_owners_are_kept),
        cmocka_unit_test(a_builder_can_be_thrown_away),
        cmocka_unit_test(put_copies_what_stands_on_the_stack),
        cmocka_unit_test(all_of_a_map_is_put_and_what_was_made_is_taken),
        cmocka_unit_test(lent_values_last_as_long_as_what_they_are_put_into),
        cmocka_unit_test(small_parts_do_not_keep_a_large_document),
        cmocka_unit_test(a_chain_of_a_million_is_freed_without_recursion),
        cmocka_unit_test(deep_values_are_compared_and_refused_without_recursion),
        cmocka_unit_test(a_chain_of_growing_lists_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
