/* unit/value/json_read_test.c - what reading JSON promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "given.h"

static void
assert_refused_with(const char *json, const struct json_limits *limits, const char *why)
{
    const struct weir_value *v = NULL;
    struct weir_error err = { 0 };
    assert_int_equal(json_read(text_of(json), NULL, limits, &v, &err), WEIR_INVALID);
    assert_null(v);
    assert_string_equal(err.text, why);

    const struct weir_value *owner = value_text(json);
    assert_int_equal(json_read(value_as_text(owner), owner, limits, &v, &err), WEIR_INVALID);
    assert_string_equal(err.text, why);
    value_unref(&owner);
}

static void
assert_refused(const char *json, const char *why)
{
    assert_refused_with(json, NULL, why);
}

static void
assert_same(const char *json, const char *written)
{
    const struct weir_value *v = given(json);
    assert_written(v, written);
    value_unref(&v);
}

static void
integers_of_64_bits_are_exact(void **state)
{
    (void)state;
    const struct weir_value *v = given("[9223372036854775807, -9223372036854775808, "
                                       "9007199254740993, 0, 1000000000000000000]");
    assert_int_equal(value_type(value_at(v, 0)), WEIR_INT);
    assert_true(value_at(v, 0)->integer == INT64_MAX);
    assert_int_equal(value_type(value_at(v, 1)), WEIR_INT);
    assert_true(value_at(v, 1)->integer == INT64_MIN);
    assert_true(value_at(v, 2)->integer == 9007199254740993);
    assert_written(
        v, "[9223372036854775807,-9223372036854775808,9007199254740993,0,1000000000000000000]");
    value_unref(&v);
}

static void
other_numbers_are_doubles(void **state)
{
    (void)state;
    const struct weir_value *v =
        given("[9223372036854775808, -9223372036854775809, 1.0, 1e2, -0, 1E-400]");
    for (size_t i = 0; i < v->len; i++)
        assert_int_equal(value_type(value_at(v, i)), WEIR_DOUBLE);
    assert_written(v, "[9223372036854776000.0,-9223372036854776000.0,1.0,100.0,-0.0,0.0]");
    value_unref(&v);
    assert_refused("[1e400]", "line 1, column 2: a number out of the range of a double");
    assert_refused("-1e99999999999999999999",
                   "line 1, column 1: a number out of the range of a double");
    assert_same("0e99999999999999999999", "0.0");
    assert_same("1e-99999999999999999999", "0.0");
}

static void
of_duplicate_keys_the_last_wins_in_the_first_place(void **state)
{
    (void)state;
    assert_same("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}");
    assert_same("{\"a\":1,\"\\u0061\":[2]}", "{\"a\":[2]}");
    assert_same("{\"\":1,\"\":2}", "{\"\":2}");
    assert_refused_with("{\"a\":1,\n \"b\":2, \"a\":3}",
                        &(struct json_limits){ .unique_keys = true },
                        "line 2, column 9: a key that was there before");

    char json[4096] = "{";
    for (int i = 0; i < 100; i++)
        (void)snprintf(json + strlen(json), 40, "\"k%d\":%d,", i % 40, i);
    (void)snprintf(json + strlen(json), 40, "\"k%d\":%d}", 0, 7);
    const struct weir_value *v = given(json);
    assert_int_equal(v->len, 40);
    assert_true(value_field(v, "k0")->integer == 7);
    assert_true(value_field(v, "k39")->integer == 79);
    assert_true(value_field(v, "k19")->integer == 99);
    assert_null(value_field(v, "k40"));
    value_unref(&v);
}

static void
unique_keys_may_stand_in_different_maps(void **state)
{
    (void)state;
    const struct json_limits unique = { .unique_keys = true };
    const struct weir_value *v;
    struct weir_error err;
    assert_int_equal(
        json_read(TEXT("{\"a\":{\"a\":1},\"b\":{\"a\":1}}"), NULL, &unique, &v, &err), WEIR_OK);
    value_unref(&v);
}

static void
depth_has_a_limit(void **state)
{
    (void)state;
    char json[1200];
    for (unsigned levels = 1; levels <= 200; levels++) {
        memset(json, '[', levels);
        memset(json + levels, ']', levels);
        struct weir_text text = { json, 2 * levels };
        const struct weir_value *v = NULL;
        struct weir_error err;
        bool good = json_read(text, NULL, NULL, &v, &err) == WEIR_OK;
        assert_true(good == (levels <= 64));
        value_unref(&v);
        struct json_limits most = { .depth = 10000 };
        good = json_read(text, NULL, &most, &v, &err) == WEIR_OK;
        assert_true(good == (levels <= VALUE_DEPTH));
        value_unref(&v);
    }
    assert_refused_with("[[1]]", &(struct json_limits){ .depth = 1 },
                        "line 1, column 2: deeper than 1 levels");
}

static void
errors_say_where_and_what(void **state)
{
    (void)state;
    assert_refused("", "line 1, column 1: expected a value");
    assert_refused("  \n ", "line 2, column 2: expected a value");
    assert_refused("{\"abc\":1 \"d\":2}", "line 1, column 10: expected ',' or '}'");
    assert_refused("[1 2]", "line 1, column 4: expected ',' or ']'");
    assert_refused("[1}", "line 1, column 3: expected ',' or ']'");
    assert_refused("{\n  \"a\" 1}", "line 2, column 7: expected ':'");
    assert_refused("{a:1}", "line 1, column 2: expected a key in quotes");
    assert_refused("{\"a\":1,}", "line 1, column 8: expected a key in quotes");
    assert_refused("[1,]", "line 1, column 4: expected a value");
    assert_refused("[true, fals]", "line 1, column 8: expected a value");
    assert_refused("1 2", "line 1, column 3: expected the end");
    assert_refused("\"abc", "line 1, column 5: a string without its end");
    assert_refused("\"a\\n", "line 1, column 5: a string without its end");
    assert_refused("\"a\nb\"", "line 1, column 3: a control character has to be escaped");
    assert_refused("\"a\\n\tb\"", "line 1, column 5: a control character has to be escaped");
    assert_refused("\"\\x\"", "line 1, column 2: no such escape");
    assert_refused("\"\\u12g4\"", "line 1, column 2: \\u needs four hexadecimal digits");
    assert_refused("\"\\u12\"", "line 1, column 2: \\u needs four hexadecimal digits");
    assert_refused("[\"\xc3\xa9\xe2\x82\xac\xff\"]", "line 1, column 5: malformed UTF-8");
    assert_refused("-", "line 1, column 2: expected a digit");
    assert_refused("1.", "line 1, column 3: expected a digit");
    assert_refused("1e+", "line 1, column 3: expected a digit");
    assert_refused("012", "line 1, column 1: a number must not begin with a zero");
    assert_refused("\xef\xbb\xbf{}", "line 1, column 1: a byte order mark is not allowed");
}

static void
escapes_are_undone(void **state)
{
    (void)state;
    const struct weir_value *v =
        given("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u00e9\\u20AC\\ud83d\\ude00 long enough "
              "for large steps\"");
    static const char expected[] =
        "a\"\\/\b\f\n\r\t\0\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 long enough for large steps";
    assert_int_equal(v->len, sizeof expected - 1);
    assert_memory_equal(v->bytes, expected, v->len);
    value_unref(&v);
    assert_same("\"\\u0000\\u001f\\u007f\"", "\"\\u0000\\u001f\x7f\"");
}

static void
lone_surrogates_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "\"\\ud800\"",        "\"\\udc00\"",
                                       "\"\\ud800\\n\"",     "\"\\ud800\\u0041\"",
                                       "\"\\ud800\\ud800\"", "\"\\ud800\\u00\"" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(bad[i], "line 1, column 2: a lone surrogate");
}

static void
malformed_utf8_is_refused_at_any_place(void **state)
{
    (void)state;
    static const char *const bad[] = { "\x80",
                                       "\xc0\xaf",
                                       "\xc3",
                                       "\xe0\x9f\xbf",
                                       "\xed\xa0\x80",
                                       "\xe2\x82",
                                       "\xf0\x8f\xbf\xbf",
                                       "\xf4\x90\x80\x80",
                                       "\xf5\x80\x80\x80",
                                       "\xf0\x9f\x98" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (int before = 0; before < 40; before++) {
            char json[80];
            (void)snprintf(json, sizeof json, "\"%.*s%s\"", before,
                           "0123456789012345678901234567890123456789", bad[i]);
            const struct weir_value *v = NULL;
            struct weir_error err;
            assert_int_equal(json_read(text_of(json), NULL, NULL, &v, &err), WEIR_INVALID);
        }
    }
}

static void
strings_borrow_from_the_owner(void **state)
{
    (void)state;
    static const char json[] =
        "{\"key\":\"a string that is not escaped\",\"n\":\"esc\\u0061ped\",\"x\":[1]}";
    const struct weir_value *owner = value_text(json);
    const char *text = owner->bytes;
    const struct weir_value *v;
    struct weir_error err;
    assert_int_equal(json_read(value_as_text(owner), owner, NULL, &v, &err), WEIR_OK);
    value_unref(&owner); /* the document keeps it */
    const struct weir_value *s = value_field(v, "key");
    assert_true(s->bytes > text && s->bytes < text + sizeof json);
    assert_true(text_is(value_as_text(s), "a string that is not escaped"));
    assert_true(text_is(value_as_text(value_field(v, "n")), "escaped"));

    const struct weir_value *kept = value_ref(s);
    value_unref(&v);
    assert_true(text_is(value_as_text(kept), "a string that is not escaped"));
    value_unref(&kept);
}

static void
what_is_read_from_a_secret_is_secret(void **state)
{
    (void)state;
    const struct weir_value *plain = value_text("{\"a\":[1,\"x\"]}");
    const struct weir_value *owner = value_flagged(&plain, VALUE_SECRET);
    const struct weir_value *v;
    struct weir_error err;
    assert_int_equal(json_read(value_as_text(owner), owner, NULL, &v, &err), WEIR_OK);
    assert_true(value_is_secret(v));
    assert_true(value_is_secret(value_field(v, "a")));
    assert_true(value_is_secret(value_at(value_field(v, "a"), 0)));
    assert_true(value_is_secret(value_at(value_field(v, "a"), 1)));
    value_unref(&v);
    value_unref(&owner);
}

static void
large_documents_are_read_whole(void **state)
{
    (void)state;
    struct buf json;
    buf_init(&json, 16u << 20);
    assert_true(buf_putc(&json, '['));
    for (int i = 0; i < 50000; i++)
        assert_true(buf_printf(&json,
                               "%s{\"id\":%d,\"name\":\"item %d\",\"tags\":[\"a\",\"\\n\"]}",
                               i > 0 ? "," : "", i, i));
    assert_true(buf_putc(&json, ']'));
    const struct weir_value *v = given(json.bytes);
    assert_int_equal(v->len, 50000);
    assert_true(value_field(value_at(v, 49999), "id")->integer == 49999);
    assert_written(v, json.bytes);
    value_unref(&v);
    buf_fini(&json);
}

static void
one_large_map_is_found_by_key(void **state)
{
    (void)state;
    struct buf json;
    buf_init(&json, 16u << 20);
    assert_true(buf_putc(&json, '{'));
    for (int i = 0; i < 20000; i++)
        assert_true(buf_printf(&json, "%s\"key-%d\":%d", i > 0 ? "," : "", i, i));
    assert_true(buf_putc(&json, '}'));
    const struct weir_value *v = given(json.bytes);
    assert_int_equal(v->len, 20000);
    for (int i = 0; i < 20000; i++) {
        char key[24];
        (void)snprintf(key, sizeof key, "key-%d", i);
        assert_true(value_field(v, key)->integer == i);
    }
    assert_null(value_field(v, "key-20000"));
    assert_written(v, json.bytes);
    value_unref(&v);
    buf_fini(&json);
}

static void
each_cut_of_a_document_is_refused(void **state)
{
    (void)state;
    static const char json[] =
        "{\"a\":[1,2.5e1,true,null,false,\"x\\u00e9\xc3\xa9\"],\"bb\":{\"c\":{},\"d\":[]}}";
    for (size_t len = 0; len < sizeof json - 1; len++) {
        char *cut = malloc(len + (len == 0)); /* so that reading past the end is seen */
        memcpy(cut, json, len);
        const struct weir_value *owner = value_take(WEIR_BYTES, cut, len);
        const struct weir_value *v = NULL;
        struct weir_error err;
        assert_int_equal(json_read(value_as_text(owner), owner, NULL, &v, &err), WEIR_INVALID);
        assert_int_equal(json_read(value_as_text(owner), NULL, NULL, &v, &err), WEIR_INVALID);
        value_unref(&owner);
    }
    assert_same(
        json,
        "{\"a\":[1,25.0,true,null,false,\"x\xc3\xa9\xc3\xa9\"],\"bb\":{\"c\":{},\"d\":[]}}");
}

static void
short_documents_cost_little_memory(void **state)
{
    (void)state;
    const struct weir_value *v = given("{\"a\":1}");
    assert_true(value_weight(v) < 512);
    value_unref(&v);
    v = given("true");
    assert_ptr_equal(v, &value_true);
    value_unref(&v);
    v = given("[]");
    assert_ptr_equal(v, &value_empty_list);
    value_unref(&v);

    char json[10241];
    memset(json, ',', sizeof json); /* the smallest values side by side */
    for (size_t i = 1; i < sizeof json; i += 2)
        json[i] = '0';
    json[0] = '[';
    json[sizeof json - 1] = ']';
    struct weir_error err;
    assert_int_equal(json_read((struct weir_text){ json, sizeof json }, NULL, NULL, &v, &err),
                     WEIR_OK);
    assert_true(value_weight(v) < 256 * 1024);
    value_unref(&v);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_64_bits_are_exact),
        cmocka_unit_test(other_numbers_are_doubles),
        cmocka_unit_test(of_duplicate_keys_the_last_wins_in_the_first_place),
        cmocka_unit_test(unique_keys_may_stand_in_different_maps),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(errors_say_where_and_what),
        cmocka_unit_test(escapes_are_undone),
        cmocka_unit_test(lone_surrogates_are_refused),
        cmocka_unit_test(malformed_utf8_is_refused_at_any_place),
        cmocka_unit_test(strings_borrow_from_the_owner),
        cmocka_unit_test(what_is_read_from_a_secret_is_secret),
        cmocka_unit_test(large_documents_are_read_whole),
        cmocka_unit_test(one_large_map_is_found_by_key),
        cmocka_unit_test(each_cut_of_a_document_is_refused),
        cmocka_unit_test(short_documents_cost_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
