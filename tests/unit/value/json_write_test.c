/* unit/value/json_write_test.c - what writing JSON promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "given.h"

static void
bytes_become_base64(void **state)
{
    (void)state;
    struct weir_builder *b = builder_list();
    const struct weir_value *v = value_bytes("\x00\xff\x10", 3);
    builder_add(b, &v);
    v = value_bytes("", 0);
    builder_add(b, &v);
    v = value_int(-1);
    builder_add(b, &v);
    v = builder_end(&b);
    assert_written(v, "[\"AP8Q\",\"\",-1]");
    value_unref(&v);
}

static void
streams_are_refused(void **state)
{
    (void)state;
    struct weir_value stream = { .type = WEIR_STREAM };
    struct buf out;
    struct weir_error err;
    buf_init(&out, 100);
    assert_int_equal(json_write(&out, &stream, &err), WEIR_INVALID);
    assert_string_equal(err.text, "a stream is no JSON");
    buf_fini(&out);
}

static void
people_get_line_breaks(void **state)
{
    (void)state;
    const struct weir_value *v = given("{\"a\":[1,{\"b\":[]}],\"c\":{}, \"d\":\"x\"}");
    struct buf out;
    struct weir_error err;
    buf_init(&out, 1000);
    assert_int_equal(json_write_pretty(&out, v, &err), WEIR_OK);
    assert_string_equal(out.bytes, "{\n"
                                   "  \"a\": [\n"
                                   "    1,\n"
                                   "    {\n"
                                   "      \"b\": []\n"
                                   "    }\n"
                                   "  ],\n"
                                   "  \"c\": {},\n"
                                   "  \"d\": \"x\"\n"
                                   "}");
    buf_fini(&out);
    value_unref(&v);
}

static void
what_does_not_fit_is_told(void **state)
{
    (void)state;
    static const char json[] = "{\"key\":[1,2.5,true,null,\"text \\u0001 \\n\"],\"e\":{}}";
    const struct weir_value *v = given(json);
    for (size_t max = 0; max < sizeof json + 4; max++) {
        struct buf out;
        struct weir_error err;
        buf_init(&out, max);
        bool fits = max >= sizeof json - 1;
        assert_int_equal(json_write(&out, v, &err), fits ? WEIR_OK : WEIR_TOO_LARGE);
        if (fits)
            assert_string_equal(out.bytes, json);
        else
            assert_true(out.len <= max);
        buf_fini(&out);
    }
    value_unref(&v);
}

static void
output_is_appended(void **state)
{
    (void)state;
    const struct weir_value *v = given("[1]");
    struct buf out;
    struct weir_error err;
    buf_init(&out, 100);
    assert_true(buf_puts(&out, "data: "));
    assert_int_equal(json_write(&out, v, &err), WEIR_OK);
    assert_int_equal(json_write(&out, &value_null, &err), WEIR_OK);
    assert_string_equal(out.bytes, "data: [1]null");
    buf_fini(&out);
    value_unref(&v);
}

static void
strings_are_escaped_at_any_place(void **state)
{
    (void)state;
    for (int before = 0; before < 40; before++) {
        for (int c = 1; c < 128; c++) {
            char text[64];
            (void)snprintf(text, sizeof text, "%.*s%c\xc3\xa9 tail", before,
                           "0123456789012345678901234567890123456789", c);
            const struct weir_value *v = value_text(text);
            struct buf out;
            struct weir_error err;
            buf_init(&out, 1000);
            assert_int_equal(json_write(&out, v, &err), WEIR_OK);
            bool plain = c >= 0x20 && c != '"' && c != '\\';
            assert_true(plain == (out.len == strlen(text) + 2));
            const struct weir_value *again = given(out.bytes);
            assert_true(value_equal(v, again));
            value_unref(&again);
            value_unref(&v);
            buf_fini(&out);
        }
    }
}

static void
bytes_that_are_not_utf8_are_replaced_in_strings(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 100);
    assert_true(json_write_string(&out, TEXT("a\"\n\xff\xc3\xa9\xed\xa0\x80\xf0\x9f")));
    assert_string_equal(out.bytes,
                        "\"a\\\"\\n\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                        "\xef\xbf\xbd\xef\xbf\xbd\"");
    buf_reset(&out);
    assert_true(json_write_string(&out, (struct weir_text){ NULL, 0 }));
    assert_string_equal(out.bytes, "\"\"");
    buf_fini(&out);
    buf_init(&out, 3);
    assert_false(json_write_string(&out, TEXT("ab")));
    assert_true(json_write_string(&out, TEXT("")) || out.len <= 3);
    buf_fini(&out);
}

/* LEVELS lists, one inside the other. */
static const struct weir_value *
nested(unsigned levels)
{
    const struct weir_value *v = value_int(5000);
    for (unsigned i = 0; i < levels; i++) {
        struct weir_builder *b = builder_list();
        builder_add(b, &v);
        v = builder_end(&b);
    }
    return v;
}

static void
deeper_values_than_the_limit_are_refused(void **state)
{
    (void)state;
    for (unsigned levels = VALUE_DEPTH; levels <= VALUE_DEPTH + 1; levels++) {
        const struct weir_value *v = nested(levels);
        struct buf out;
        struct weir_error err;
        buf_init(&out, 1000);
        bool good = levels == VALUE_DEPTH;
        assert_int_equal(json_write(&out, v, &err), good ? WEIR_OK : WEIR_INVALID);
        if (!good)
            assert_string_equal(err.text, "deeper than 128 levels");
        buf_fini(&out);
        value_unref(&v);
    }
}

static void
the_naughty_strings_come_back_unchanged(void **state)
{
    (void)state;
    size_t len;
    char *bytes = file_content(WEIR_SHARED_DATA "/naughty-strings.json", &len);
    if (bytes == NULL) {
        print_message("skipped: the list of naughty strings is not there\n");
        skip();
    }
    const struct weir_value *v;
    struct weir_error err;
    assert_int_equal(json_read((struct weir_text){ bytes, len }, NULL, NULL, &v, &err),
                     WEIR_OK);
    free(bytes);
    assert_true(v->len > 500);

    struct buf out;
    buf_init(&out, 1u << 20);
    assert_int_equal(json_write(&out, v, &err), WEIR_OK);
    const struct weir_value *again = given(out.bytes);
    assert_true(value_equal(v, again));
    assert_written(again, out.bytes);
    buf_fini(&out);
    value_unref(&again);
    value_unref(&v);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_become_base64),
        cmocka_unit_test(streams_are_refused),
        cmocka_unit_test(people_get_line_breaks),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(output_is_appended),
        cmocka_unit_test(strings_are_escaped_at_any_place),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced_in_strings),
        cmocka_unit_test(deeper_values_than_the_limit_are_refused),
        cmocka_unit_test(the_naughty_strings_come_back_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
