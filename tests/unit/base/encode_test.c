/* unit/base/encode_test.c - what base/encode.h promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/random.h"

static int
set_up(void **state)
{
    static struct buf b;
    buf_init(&b, 100000);
    *state = &b;
    return 0;
}

static int
tear_down(void **state)
{
    buf_fini(*state);
    return 0;
}

static void
hex_goes_both_ways(void **state)
{
    struct buf *b = *state;
    assert_true(hex_encode(b, TEXT("\x00\x7f\x80\xffZ")));
    assert_string_equal(b->bytes, "007f80ff5a");
    buf_reset(b);
    assert_int_equal(hex_decode(b, TEXT("007F80fF5a"), NULL), WEIR_OK);
    assert_int_equal(b->len, 5);
    assert_memory_equal(b->bytes, "\x00\x7f\x80\xffZ", 6);
}

static void
every_byte_has_two_digits(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        char want[3], got[3] = "";
        snprintf(want, sizeof want, "%02x", i);
        assert_ptr_equal(hex_put(got, (uint8_t)i), got + 2);
        assert_string_equal(got, want);
    }
}

static void
bad_hex_is_refused_and_adds_nothing(void **state)
{
    struct buf *b = *state;
    struct weir_error err;
    buf_puts(b, "x");
    static const char *const bad[] = { "0",    "0g",   "g0",   "00 0", "0x",
                                       "00@0", "00`0", "00/0", "00:0", "\xc3\xa4" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(hex_decode(b, text_of(bad[i]), &err), WEIR_INVALID);
        assert_string_equal(b->bytes, "x");
    }
}

static void
base64_is_that_of_rfc_4648(void **state)
{
    struct buf *b = *state;
    static const struct {
        const char *plain, *text, *url;
    } cases[] = {
        { "", "", "" },
        { "f", "Zg==", "Zg" },
        { "fo", "Zm8=", "Zm8" },
        { "foo", "Zm9v", "Zm9v" },
        { "foob", "Zm9vYg==", "Zm9vYg" },
        { "fooba", "Zm9vYmE=", "Zm9vYmE" },
        { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
        { "\xfb\xff\xfe", "+//+", "-__-" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buf_reset(b);
        assert_true(base64_encode(b, text_of(cases[i].plain), false));
        assert_string_equal(b->bytes, cases[i].text);
        buf_reset(b);
        assert_true(base64_encode(b, text_of(cases[i].plain), true));
        assert_string_equal(b->bytes, cases[i].url);
        buf_reset(b);
        assert_int_equal(base64_decode(b, text_of(cases[i].text), NULL), WEIR_OK);
        assert_string_equal(b->bytes, cases[i].plain);
        buf_reset(b);
        assert_int_equal(base64_decode(b, text_of(cases[i].url), NULL), WEIR_OK);
        assert_string_equal(b->bytes, cases[i].plain);
    }
}

static void
bad_base64_is_refused_and_adds_nothing(void **state)
{
    struct buf *b = *state;
    buf_puts(b, "x");
    static const char *const bad[] = {
        "Z",
        "Zg=",
        "Zg===",
        "Zm9v=",
        "=",
        "==",
        "====",
        "Z===",
        "Zm9vY",
        "Zm 9v",
        "Zm9v\n",
        "Zm9*",
        "Zg==Zg==",
        "Zh==",
        "Zm9=",
        "Zm=v",
        "\xff\xff\xff\xff",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(base64_decode(b, text_of(bad[i]), NULL), WEIR_INVALID);
        assert_string_equal(b->bytes, "x");
    }
}

static void
random_bytes_survive_every_encoding(void **state)
{
    struct buf *b = *state;
    struct buf back;
    char bytes[300];
    buf_init(&back, 300);
    for (size_t len = 0; len < sizeof(bytes); len++) {
        random_bytes(bytes, len);
        struct weir_text text = { bytes, len };
        for (int way = 0; way < 4; way++) {
            buf_reset(b);
            buf_reset(&back);
            assert_true(way == 0   ? hex_encode(b, text)
                        : way == 1 ? url_encode(b, text)
                                   : base64_encode(b, text, way == 2));
            assert_int_equal(way == 0   ? hex_decode(&back, buf_content(b), NULL)
                             : way == 1 ? url_decode(&back, buf_content(b), true, NULL)
                                        : base64_decode(&back, buf_content(b), NULL),
                             WEIR_OK);
            assert_int_equal(back.len, len);
            assert_memory_equal(back.bytes, bytes, len);
        }
    }
    buf_fini(&back);
}

static void
percent_encoding_leaves_unreserved_characters_alone(void **state)
{
    struct buf *b = *state;
    assert_true(url_encode(b, TEXT("aZ09-._~ /?%+\xc3\xa4\x00")));
    assert_string_equal(b->bytes, "aZ09-._~%20%2F%3F%25%2B%C3%A4%00");
}

static void
a_plus_is_a_blank_in_forms_only(void **state)
{
    struct buf *b = *state;
    assert_int_equal(url_decode(b, TEXT("a+b%2bc%20"), true, NULL), WEIR_OK);
    assert_string_equal(b->bytes, "a b+c ");
    buf_reset(b);
    assert_int_equal(url_decode(b, TEXT("a+b%2Bc"), false, NULL), WEIR_OK);
    assert_string_equal(b->bytes, "a+b+c");
}

static void
a_bad_escape_is_refused_and_adds_nothing(void **state)
{
    struct buf *b = *state;
    struct weir_error err;
    static const char *const bad[] = { "%", "a%", "a%1", "%1g", "%g1", "%%20", "% 1" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(url_decode(b, text_of(bad[i]), false, &err), WEIR_INVALID);
        assert_int_equal(b->len, 0);
    }
    assert_string_equal(err.text, "% must be followed by two hex digits");
}

static void
a_full_buffer_takes_no_encoding(void **state)
{
    (void)state;
    struct buf b;
    struct weir_error err;
    buf_init(&b, 3);
    assert_false(hex_encode(&b, TEXT("ab")));
    assert_false(base64_encode(&b, TEXT("a"), false));
    assert_true(base64_encode(&b, TEXT("a"), true));
    assert_false(url_encode(&b, TEXT("  ")));
    assert_int_equal(hex_decode(&b, TEXT("0011"), &err), WEIR_TOO_LARGE);
    assert_int_equal(base64_decode(&b, TEXT("AAAA"), &err), WEIR_TOO_LARGE);
    assert_int_equal(url_decode(&b, TEXT("ab"), false, &err), WEIR_TOO_LARGE);
    assert_string_equal(b.bytes, "YQ");
    buf_fini(&b);
}

int
main(void)
{
#define ENCODING(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ENCODING(hex_goes_both_ways),
        ENCODING(every_byte_has_two_digits),
        ENCODING(bad_hex_is_refused_and_adds_nothing),
        ENCODING(base64_is_that_of_rfc_4648),
        ENCODING(bad_base64_is_refused_and_adds_nothing),
        ENCODING(random_bytes_survive_every_encoding),
        ENCODING(percent_encoding_leaves_unreserved_characters_alone),
        ENCODING(a_plus_is_a_blank_in_forms_only),
        ENCODING(a_bad_escape_is_refused_and_adds_nothing),
        ENCODING(a_full_buffer_takes_no_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
