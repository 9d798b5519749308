/* unit/value/value_test.c - what value/value.h promises of single values and of reading.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "given.h"

#include <pthread.h>

static unsigned dropped;

static void
drop(void *stream)
{
    (void)stream;
    dropped++;
}

static void
constants_are_not_counted(void **state)
{
    (void)state;
    const struct weir_value *v = &value_true;
    assert_ptr_equal(value_ref(v), &value_true);
    value_unref(&v);
    assert_null(v);
    value_unref(&v);
    assert_int_equal(value_weight(&value_null), 0);

    const struct weir_value *a = value_int(-16);
    const struct weir_value *b = value_int(1023);
    assert_int_equal(value_weight(a), 0);
    assert_int_equal(value_weight(b), 0);
    assert_true(a->integer == -16 && b->integer == 1023);
    for (int64_t i = -20; i < 1100; i++) {
        const struct weir_value *v_i = value_int(i);
        assert_true(v_i->type == WEIR_INT && v_i->integer == i);
        value_unref(&v_i);
    }
    assert_int_equal(value_string(NULL, 0)->len, 0);
    assert_int_equal(value_type(value_bytes(NULL, 0)), WEIR_BYTES);
    assert_ptr_equal(value_double(0.0 / 0.0), &value_null);
    assert_ptr_equal(value_double(1e308 * 10), &value_null);
}

static void
strings_are_copied_and_bytes_can_be_given(void **state)
{
    (void)state;
    char text[] = "some text";
    const struct weir_value *v = value_text(text);
    text[0] = 'S';
    assert_true(text_is(value_as_text(v), "some text"));
    value_unref(&v);

    char *given_away = malloc(1000);
    memset(given_away, 'x', 1000);
    v = value_take(WEIR_BYTES, given_away, 1000);
    assert_ptr_equal(v->bytes, given_away);
    assert_true(value_weight(v) >= 1000);
    value_unref(&v);
    assert_int_equal(value_as_text(&value_true).len, 0);
}

static void
a_slice_keeps_its_owner(void **state)
{
    (void)state;
    char text[200];
    memset(text, 'a', sizeof text);
    for (size_t len = 0; len < sizeof text; len += 50) {
        const struct weir_value *owner = value_string(text, sizeof text);
        const struct weir_value *slice = value_slice(owner, WEIR_STRING, owner->bytes + 1, len);
        value_unref(&owner);
        assert_int_equal(slice->len, len);
        assert_memory_equal(slice->bytes, text, len);
        value_unref(&slice);
    }

    const struct weir_value *plain = value_string(text, sizeof text);
    const struct weir_value *secret = value_flagged(&plain, VALUE_SECRET);
    const struct weir_value *part = value_slice(secret, WEIR_STRING, secret->bytes, 3);
    assert_true(value_is_secret(part));
    value_unref(&part);
    value_unref(&secret);
}

static void
a_stream_is_dropped_once(void **state)
{
    (void)state;
    dropped = 0;
    int stream;
    const struct weir_value *v = value_stream(&stream, drop);
    const struct weir_value *again = value_ref(v);
    struct weir_builder *b = builder_map();
    builder_set(b, "body", 4, &again);
    const struct weir_value *map = builder_end(&b);
    value_unref(&v);
    assert_int_equal(dropped, 0);
    assert_ptr_equal(value_field(map, "body")->stream, &stream);
    value_unref(&map);
    assert_int_equal(dropped, 1);
}

static void
what_stands_on_the_stack_is_boxed(void **state)
{
    (void)state;
    struct weir_value n = { .type = WEIR_INT, .integer = 7 };
    const struct weir_value *v = value_box(&n);
    assert_int_equal(value_weight(v), 0);
    n.flags = VALUE_SECRET;
    v = value_box(&n);
    assert_true(value_is_secret(v) && v->integer == 7);
    value_unref(&v);

    char text[] = "on the stack";
    n = (struct weir_value){ .type = WEIR_STRING, .len = sizeof text - 1, .bytes = text };
    v = value_box(&n);
    memset(text, 0, sizeof text);
    assert_true(text_is(value_as_text(v), "on the stack"));

    struct weir_value copy = *v; /* of a counted one: boxed as a value of its own */
    const struct weir_value *boxed = value_box(&copy);
    assert_ptr_not_equal(boxed, &copy);
    assert_true(value_equal(boxed, v));
    value_unref(&boxed);
    boxed = value_box(v); /* is counted already */
    assert_ptr_equal(boxed, v);
    value_unref(&boxed);
    value_unref(&v);

    copy = value_true;
    assert_ptr_equal(value_box(&copy), &value_true);
    copy = value_empty_map;
    assert_ptr_equal(value_box(&copy), &value_empty_map);
    assert_ptr_equal(value_box(&value_empty_list), &value_empty_list);
}

static void
lists_on_the_stack_are_boxed_whole(void **state)
{
    (void)state;
    const struct weir_value *doc =
        given("{\"deep\":[\"a text that is longer than what is copied: 64 bytes "
              "and more than that\"]}");
    struct weir_value inner[] = { { .type = WEIR_DOUBLE, .number = 0.5 }, value_true };
    struct weir_value items[] = {
        { .type = WEIR_INT, .integer = 1 },
        { .type = WEIR_LIST, .len = 2, .items = inner },
        *value_field(doc, "deep"),
        *value_at(value_field(doc, "deep"), 0),
    };
    items[2].flags = 0;
    struct weir_value list = { .type = WEIR_LIST, .len = 4, .items = items };
    const struct weir_value *v = value_box(&list);
    value_unref(&doc);
    assert_written(
        v,
        "[1,[0.5,true],[\"a text that is longer than what is copied: 64 bytes and more than "
        "that\"],\"a text that is longer than what is copied: 64 bytes and more than that\"]");
    value_unref(&v);
}

static void
children_keep_their_document(void **state)
{
    (void)state;
    const struct weir_value *doc = given("{\"a\":{\"b\":[10,20,{\"c\":\"deep down\"}]}}");
    const struct weir_value *c =
        value_ref(value_field(value_at(value_field(value_field(doc, "a"), "b"), 2), "c"));
    value_unref(&doc);
    assert_true(text_is(value_as_text(c), "deep down"));
    value_unref(&c);
}

static void
reading_past_the_end_gives_nothing(void **state)
{
    (void)state;
    const struct weir_value *v = given("{\"a\":[1],\"n\":null}");
    assert_null(value_field(v, "b"));
    assert_null(value_field(NULL, "b"));
    assert_null(value_field(value_field(v, "n"), "b"));
    assert_null(value_at(value_field(v, "a"), 1));
    assert_null(value_at(v, 0));
    assert_null(value_at(NULL, 0));
    struct weir_text key;
    const struct weir_value *child;
    assert_true(value_member(v, 1, &key, &child));
    assert_true(text_is(key, "n"));
    assert_ptr_equal(child, value_field(v, "n"));
    assert_true(value_member(v, 0, NULL, NULL));
    assert_false(value_member(v, 2, &key, &child));
    assert_false(value_member(child, 0, &key, &child));
    assert_false(value_member(NULL, 0, &key, &child));
    value_unref(&v);
}

static void
assert_pointer(const struct weir_value *v, const char *pointer, const char *json)
{
    const struct weir_value *found = value_pointer(v, pointer, strlen(pointer));
    if (json == NULL)
        assert_null(found);
    else
        assert_written(found, json);
}

static void
pointers_are_those_of_rfc_6901(void **state)
{
    (void)state;
    const struct weir_value *v =
        given("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,"
              "\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8,\"~1\":9}");
    assert_pointer(v, "/foo", "[\"bar\",\"baz\"]");
    assert_pointer(v, "/foo/0", "\"bar\"");
    assert_pointer(v, "/", "0");
    assert_pointer(v, "/a~1b", "1");
    assert_pointer(v, "/c%d", "2");
    assert_pointer(v, "/e^f", "3");
    assert_pointer(v, "/g|h", "4");
    assert_pointer(v, "/i\\j", "5");
    assert_pointer(v, "/k\"l", "6");
    assert_pointer(v, "/ ", "7");
    assert_pointer(v, "/m~0n", "8");
    assert_pointer(v, "/~01", "9");
    assert_ptr_equal(value_pointer(v, "", 0), v);
    assert_ptr_equal(value_pointer(v, NULL, 0), v);
    static const char *const none[] = { "foo",     "/foo/2",           "/foo/00", "/foo/-",
                                        "/foo/",   "/foo/0/",          "/m~2n",   "/m~",
                                        "/foo/0a", "/foo/99999999999", "//",      "/foo/-1",
                                        "/nope/x" };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_pointer(v, none[i], NULL);
    value_unref(&v);
}

static void
types_have_the_names_of_expressions(void **state)
{
    (void)state;
    assert_string_equal(value_type_name(WEIR_NULL), "null");
    assert_string_equal(value_type_name(WEIR_DOUBLE), "double");
    assert_string_equal(value_type_name(WEIR_STREAM), "stream");
    assert_string_equal(value_type_name((enum weir_type)77), "unknown");
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *
share(void *arg)
{
    const struct weir_value *v = arg;
    for (int i = 0; i < ROUNDS; i++) {
        const struct weir_value *list = value_ref(value_field(v, "list"));
        assert_true(value_at(list, 2)->integer == 3);
        struct weir_builder *b = builder_map();
        builder_put(b, "v", list);
        const struct weir_value *map = builder_end(&b);
        value_unref(&list);
        assert_int_equal(value_field(map, "v")->len, 3);
        value_unref(&map);
    }
    value_unref(&v);
    return NULL;
}

static void
threads_share_values(void **state)
{
    (void)state;
    const struct weir_value *v = given("{\"list\":[1,2,3]}");
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, share, (void *)(uintptr_t)value_ref(v)), 0);
    value_unref(&v); /* the last thread frees it */
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_are_not_counted),
        cmocka_unit_test(strings_are_copied_and_bytes_can_be_given),
        cmocka_unit_test(a_slice_keeps_its_owner),
        cmocka_unit_test(a_stream_is_dropped_once),
        cmocka_unit_test(what_stands_on_the_stack_is_boxed),
        cmocka_unit_test(lists_on_the_stack_are_boxed_whole),
        cmocka_unit_test(children_keep_their_document),
        cmocka_unit_test(reading_past_the_end_gives_nothing),
        cmocka_unit_test(pointers_are_those_of_rfc_6901),
        cmocka_unit_test(types_have_the_names_of_expressions),
        cmocka_unit_test(threads_share_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
