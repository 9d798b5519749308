/* unit/value/msgpack_test.c - what value/msgpack.h promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "given.h"

#include "value/msgpack.h"

/* Writes and reads V, which has to come back with the same kinds; gives the bytes' number. */
static size_t
assert_comes_back(const struct weir_value *v)
{
    struct buf out;
    struct weir_error err = { 0 };
    const struct weir_value *again = NULL;
    buf_init(&out, 64u << 20);
    assert_int_equal(msgpack_write(&out, v, &err), WEIR_OK);
    if (msgpack_read(buf_content(&out), &again, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(value_type(v), value_type(again));
    assert_true(value_equal(v, again));

    struct buf second;
    buf_init(&second, 64u << 20);
    assert_int_equal(msgpack_write(&second, again, &err), WEIR_OK);
    assert_true(text_equal(buf_content(&out), buf_content(&second)));
    size_t len = out.len;
    buf_fini(&second);
    buf_fini(&out);
    value_unref(&again);
    return len;
}

static void
all_types_come_back(void **state)
{
    (void)state;
    const struct weir_value *v =
        given("{\"n\":null,\"t\":true,\"f\":false,\"i\":[0,1,-1,127,128,-32,-33,255,256,65535,"
              "65536,-128,"
              "-129,-32768,-32769,4294967295,4294967296,-2147483649,9223372036854775807,"
              "-9223372036854775808],\"d\":[0.5,1.0,-0.0,1e300],\"s\":\"\\u0000\xc3\xa9\","
              "\"m\":{},\"l\":[]}");
    assert_comes_back(v);
    assert_int_equal(value_type(value_at(value_field(v, "d"), 1)), WEIR_DOUBLE);
    value_unref(&v);

    static const size_t lengths[] = { 0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536 };
    char *text = calloc(1, 65536);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        v = value_bytes(text, lengths[i]);
        assert_comes_back(v);
        value_unref(&v);
        v = value_string(text, lengths[i]);
        assert_comes_back(v);
        value_unref(&v);
        struct weir_builder *list = builder_list();
        struct weir_builder *map = builder_map();
        for (size_t k = 0; k < lengths[i]; k++) {
            char key[24];
            (void)snprintf(key, sizeof key, "%zu", k);
            builder_put(map, key, &value_true);
            v = value_int((int64_t)k);
            builder_add(list, &v);
        }
        v = builder_end(&list);
        assert_comes_back(v);
        value_unref(&v);
        v = builder_end(&map);
        assert_comes_back(v);
        value_unref(&v);
    }
    free(text);
}

static void
numbers_are_as_short_as_they_can_be(void **state)
{
    (void)state;
    const struct weir_value *v = given("{\"a\":[1,-1,200]}");
    assert_int_equal(assert_comes_back(v), 1 + 2 + 1 + 1 + 1 + 2);
    value_unref(&v);
}

static const struct weir_value *
read_bytes(const char *bytes, size_t len, const char *why)
{
    char *exact = malloc(len + (len == 0)); /* so that reading past the end is seen */
    memcpy(exact, bytes, len);
    const struct weir_value *v = NULL;
    struct weir_error err = { 0 };
    enum weir_code code = msgpack_read((struct weir_text){ exact, len }, &v, &err);
    free(exact);
    assert_int_equal(code, why != NULL ? WEIR_INVALID : WEIR_OK);
    if (why != NULL) {
        assert_null(v);
        assert_non_null(strstr(err.text, why));
    }
    return v;
}

#define GOOD(literal) read_bytes(literal, sizeof(literal) - 1, NULL)
#define BAD(literal, why) (void)read_bytes(literal, sizeof(literal) - 1, why)

static void
forms_of_other_writers_are_read(void **state)
{
    (void)state;
    const struct weir_value *v = GOOD("\xca\x3f\x00\x00\x00");
    assert_true(v->type == WEIR_DOUBLE && v->number == 0.5);
    value_unref(&v);
    v = GOOD("\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
    assert_true(v->type == WEIR_DOUBLE && v->number == 0x1p64);
    value_unref(&v);
    v = GOOD("\xcf\x00\x00\x00\x00\x00\x00\x00\x05");
    assert_true(v->type == WEIR_INT && v->integer == 5);
    value_unref(&v);
    v = GOOD("\xd3\xff\xff\xff\xff\xff\xff\xff\xfe");
    assert_true(v->type == WEIR_INT && v->integer == -2);
    value_unref(&v);
    v = GOOD("\xd0\x80");
    assert_true(v->integer == -128);
    value_unref(&v);
    v = GOOD("\xdb\x00\x00\x00\x01x");
    assert_true(text_is(value_as_text(v), "x"));
    value_unref(&v);
    v = GOOD("\xdf\x00\x00\x00\x02\xa1x\x01\xa1x\x02");
    assert_written(v, "{\"x\":2}");
    value_unref(&v);
    v = GOOD("\xdd\x00\x00\x00\x02\x90\x80");
    assert_written(v, "[[],{}]");
    value_unref(&v);
}

static void
what_is_no_value_is_refused(void **state)
{
    (void)state;
    BAD("", "the end is missing");
    BAD("\x01\x01", "more than one value");
    BAD("\xc1", "an extension or an unused form");
    BAD("\xd4\x01\x01", "an extension or an unused form");
    BAD("\xc7\x01\x01\x01", "an extension or an unused form");
    BAD("\x81\x01\x01", "a key that is no string");
    BAD("\x81\x90\x01", "a key that is no string");
    BAD("\x81\xc4\x01x\x01", "a key that is no string");
    BAD("\xa1\xff", "malformed UTF-8");
    BAD("\x81\xa1\xff\x01", "malformed UTF-8");
    BAD("\xa2x", "the end is missing");
    BAD("\xcb\x00", "the end is missing");
    BAD("\xdd\xff\xff\xff\xff\x01", "more children than bytes");
    BAD("\xdf\xff\xff\xff\xff\xa1x\x01", "more children than bytes");
    BAD("\xc6\xff\xff\xff\xff\x01", "the end is missing");
    BAD("\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", "not finite");
    BAD("\xca\x7f\xc0\x00\x00", "not finite");
    BAD("\x92\x01", "more children than bytes");
    BAD("\x91\x92\x01", "more children than bytes");
}

static void
depth_has_a_limit(void **state)
{
    (void)state;
    char bytes[VALUE_DEPTH + 2];
    memset(bytes, '\x91', sizeof bytes);
    bytes[VALUE_DEPTH] = 1;
    const struct weir_value *v = read_bytes(bytes, VALUE_DEPTH + 1, NULL);
    assert_comes_back(v);

    struct weir_builder *b = builder_list();
    builder_add(b, &v);
    v = builder_end(&b);
    struct buf out;
    struct weir_error err;
    buf_init(&out, 1000);
    assert_int_equal(msgpack_write(&out, v, &err), WEIR_INVALID);
    buf_fini(&out);
    value_unref(&v);
    bytes[VALUE_DEPTH] = '\x91';
    bytes[VALUE_DEPTH + 1] = 1;
    (void)read_bytes(bytes, VALUE_DEPTH + 2, "too many levels");
}

static void
what_does_not_fit_is_told(void **state)
{
    (void)state;
    const struct weir_value *v = given("{\"key\":[1,2.5,true,null,\"text\"]}");
    for (size_t max = 0; max < 25; max++) {
        struct buf out;
        struct weir_error err;
        buf_init(&out, max);
        assert_int_equal(msgpack_write(&out, v, &err), max < 23 ? WEIR_TOO_LARGE : WEIR_OK);
        buf_fini(&out);
    }
    value_unref(&v);

    struct weir_value stream = { .type = WEIR_STREAM };
    struct buf out;
    struct weir_error err;
    buf_init(&out, 100);
    assert_int_equal(msgpack_write(&out, &stream, &err), WEIR_INVALID);
    buf_fini(&out);
}

/* A map of one member "k" that is a list of the text of LEN bytes of C and of I, written in pieces. */
static void
assert_pieces(char c, size_t len, int64_t i)
{
    struct buf out;
    struct weir_error err;
    const struct weir_value *v = NULL;
    size_t at;
    char *bytes = malloc(len + 1);
    memset(bytes, c, len);
    buf_init(&out, 1u << 20);
    assert_true(buf_puts(&out, "before") && msgpack_begin_map(&out, &at));
    assert_true(msgpack_put_text(&out, TEXT("k")) && msgpack_put_list(&out, 2));
    assert_true(msgpack_put_text(&out, (struct weir_text){ bytes, len }) && msgpack_put_int(&out, i));
    msgpack_end_map(&out, at, 1);
    buf_shift(&out, strlen("before"));
    if (msgpack_read(buf_content(&out), &v, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    const struct weir_value *list = value_field(v, "k");
    assert_int_equal(value_type(value_at(list, 0)), (unsigned char)c < 0x80 ? WEIR_STRING : WEIR_BYTES);
    assert_true(text_equal(value_as_text(value_at(list, 0)), (struct weir_text){ bytes, len }));
    assert_true(value_at(list, 1)->integer == i);
    value_unref(&v);
    buf_fini(&out);
    free(bytes);
}

static void
pieces_are_read_as_the_value_that_they_make(void **state)
{
    (void)state;
    static const size_t lengths[] = { 0, 1, 31, 32, 255, 256, 65535, 65536 };
    static const int64_t ints[] = { 0, 127, 128, -1, INT64_MAX, INT64_MIN, 70000, 5 };
    for (unsigned i = 0; i < 8; i++) {
        assert_pieces('a', lengths[i], ints[i]);
        if (lengths[i] > 0)
            assert_pieces('\xff', lengths[i], ints[i]);
    }
    struct buf small;
    buf_init(&small, 4);
    assert_false(msgpack_put_text(&small, TEXT("four")));
    buf_fini(&small);
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
    assert_comes_back(v);
    value_unref(&v);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_types_come_back),
        cmocka_unit_test(numbers_are_as_short_as_they_can_be),
        cmocka_unit_test(forms_of_other_writers_are_read),
        cmocka_unit_test(what_is_no_value_is_refused),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(pieces_are_read_as_the_value_that_they_make),
        cmocka_unit_test(the_naughty_strings_come_back_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
