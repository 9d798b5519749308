/* unit/base/seal_test.c - what base/seal.h promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/seal.h"

#define KEY TEXT("correct horse battery staple")

/* The least that is allowed: the tests try many. */
static const struct seal_cost cheap = { .log_n = 10, .r = 1, .p = 1 };

static void
close_into(struct buf *b, struct weir_text text)
{
    struct weir_error err = { 0 };
    buf_init(b, 1u << 20);
    assert_int_equal(seal_close(KEY, &cheap, text, b, &err), WEIR_OK);
    assert_int_equal(b->len, SEAL_HEADER + text.len + SEAL_TAG);
}

static enum weir_code
open_text(struct weir_text key, struct weir_text sealed, struct weir_error *err)
{
    struct buf out;
    buf_init(&out, 1u << 20);
    enum weir_code code = seal_open(key, sealed, &out, err);
    assert_true(code == WEIR_OK || out.len == 0);
    buf_fini(&out);
    return code;
}

static void
what_was_sealed_is_opened_by_its_key_alone(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "a", "hush hush, and more of it than one block has" };
    struct weir_error err = { 0 };
    for (unsigned i = 0; i < 3; i++) {
        struct buf sealed, out;
        close_into(&sealed, text_of(texts[i]));
        buf_init(&out, 1000);
        assert_int_equal(seal_open(KEY, buf_content(&sealed), &out, &err), WEIR_OK);
        assert_string_equal(out.bytes, texts[i]);
        buf_fini(&out);
        assert_int_equal(open_text(TEXT("correct horse battery stable"), buf_content(&sealed), &err), WEIR_FORBIDDEN);
        assert_string_equal(err.text, "the master key is not the one it was sealed with, or the file was changed");
        assert_int_equal(open_text(TEXT(""), buf_content(&sealed), &err), WEIR_FORBIDDEN);
        buf_fini(&sealed);
    }
}

static void
two_seals_of_one_text_have_nothing_in_common(void **state)
{
    (void)state;
    struct buf a, b;
    close_into(&a, TEXT("the same"));
    close_into(&b, TEXT("the same"));
    assert_memory_equal(a.bytes, b.bytes, 20);
    assert_memory_not_equal(a.bytes + 20, b.bytes + 20, SEAL_SALT);
    assert_memory_not_equal(a.bytes + 36, b.bytes + 36, SEAL_NONCE);
    assert_memory_not_equal(a.bytes + 48, b.bytes + 48, 8);
    buf_fini(&a);
    buf_fini(&b);
}

static void
every_changed_bit_is_refused(void **state)
{
    (void)state;
    struct buf sealed;
    close_into(&sealed, TEXT("hush hush"));
    for (size_t i = 0; i < sealed.len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct weir_error err = { 0 };
            sealed.bytes[i] = (char)(sealed.bytes[i] ^ 1 << bit);
            enum weir_code code = open_text(KEY, buf_content(&sealed), &err);
            assert_true(code == WEIR_FORBIDDEN || code == WEIR_INVALID);
            assert_true(i < 20 || code == WEIR_FORBIDDEN);
            sealed.bytes[i] = (char)(sealed.bytes[i] ^ 1 << bit);
        }
    struct weir_error err = { 0 };
    assert_int_equal(open_text(KEY, buf_content(&sealed), &err), WEIR_OK);
    buf_fini(&sealed);
}

static void
every_cut_and_every_addition_is_refused(void **state)
{
    (void)state;
    struct buf sealed;
    struct weir_error err = { 0 };
    close_into(&sealed, TEXT("hush hush"));
    for (size_t len = 0; len < sealed.len; len++) {
        assert_int_equal(open_text(KEY, (struct weir_text){ sealed.bytes, len }, &err), WEIR_INVALID);
        assert_non_null(strstr(err.text, "cut off"));
    }
    buf_putc(&sealed, 'x');
    assert_int_equal(open_text(KEY, buf_content(&sealed), &err), WEIR_INVALID);
    assert_non_null(strstr(err.text, "its length is not that of its header: 10 instead of 9"));
    buf_fini(&sealed);
}

/* Puts BYTE at AT of a good seal; opening it has to say TEXT. */
static void
assert_refused(size_t at, unsigned byte, const char *text)
{
    struct buf sealed;
    struct weir_error err = { 0 };
    close_into(&sealed, TEXT("hush hush"));
    sealed.bytes[at] = (char)byte;
    assert_int_equal(open_text(KEY, buf_content(&sealed), &err), WEIR_INVALID);
    assert_non_null(strstr(err.text, text));
    buf_fini(&sealed);
}

static void
a_header_that_asks_for_too_much_is_refused_before_anything_is_computed(void **state)
{
    (void)state;
    assert_refused(0, 'w', "no sealed file");
    assert_refused(8, 2, "version 2 of the format; this weir knows version 1 only");
    assert_refused(9, 63, "scrypt with N = 2^63, r = 1, p = 1 is out of bounds");
    assert_refused(9, 21, "out of bounds");
    assert_refused(9, 9, "out of bounds");
    assert_refused(9, 0, "out of bounds");
    assert_refused(10, 0xff, "r = 65281");
    assert_refused(11, 33, "r = 33");
    assert_refused(11, 0, "r = 0");
    assert_refused(12, 0xff, "p = 65281");
    assert_refused(13, 17, "p = 17");
    assert_refused(13, 0, "p = 0");
    assert_refused(15, 1, "out of bounds");
    assert_refused(16, 0xff, "its length is not that of its header");
    assert_refused(17, 0x01, "it is cut off: 9 of 65545 bytes are there");

    struct seal_cost most = { .log_n = 20, .r = 3, .p = 1 }; /* 384 MiB */
    struct weir_error err = { 0 };
    struct buf out;
    buf_init(&out, 1000);
    assert_int_equal(seal_close(KEY, &most, TEXT("x"), &out, &err), WEIR_INVALID);
    most = (struct seal_cost){ .log_n = 18, .r = 8, .p = 5 };
    assert_int_equal(seal_close(KEY, &most, TEXT("x"), &out, &err), WEIR_INVALID);
    assert_int_equal(out.len, 0);
    buf_fini(&out);
    buf_init(&out, 64);
    assert_int_equal(seal_close(KEY, &cheap, TEXT("x"), &out, &err), WEIR_TOO_LARGE);
    buf_fini(&out);
}

/* Made by node's crypto (scryptSync, aes-256-gcm) by the layout in seal.h, salt 00..0f, nonce
 * 10..1b. */
static void
a_seal_of_another_implementation_is_opened(void **state)
{
    (void)state;
    static const uint8_t sealed[] = {
        0x57, 0x45, 0x49, 0x52, 0x53, 0x45, 0x41, 0x4c, 0x01, 0x0a, 0x00, 0x02,
        0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x09, 0x00, 0x01, 0x02, 0x03,
        0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
        0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b,
        0x08, 0xaa, 0x7b, 0xef, 0x29, 0xdd, 0xf6, 0x57, 0xb9, 0xe9, 0x48, 0xce,
        0x37, 0x14, 0x85, 0x4d, 0x7b, 0xfe, 0x0f, 0x3b, 0x23, 0x26, 0x0b, 0x2c,
        0xdc,
    };
    struct weir_error err = { 0 };
    struct buf out;
    buf_init(&out, 100);
    assert_int_equal(seal_open(KEY, (struct weir_text){ (const char *)sealed, sizeof sealed }, &out, &err), WEIR_OK);
    assert_string_equal(out.bytes, "hush hush");
    buf_fini(&out);
}

static void
the_usual_cost_is_allowed_and_works(void **state)
{
    (void)state;
    struct buf sealed, out;
    struct weir_error err = { 0 };
    buf_init(&sealed, 1000);
    buf_init(&out, 1000);
    assert_int_equal(seal_close(KEY, &seal_cost_usual, TEXT("x"), &sealed, &err), WEIR_OK);
    assert_int_equal(seal_open(KEY, buf_content(&sealed), &out, &err), WEIR_OK);
    assert_string_equal(out.bytes, "x");
    buf_fini(&sealed);
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_is_opened_by_its_key_alone),
        cmocka_unit_test(two_seals_of_one_text_have_nothing_in_common),
        cmocka_unit_test(every_changed_bit_is_refused),
        cmocka_unit_test(every_cut_and_every_addition_is_refused),
        cmocka_unit_test(a_header_that_asks_for_too_much_is_refused_before_anything_is_computed),
        cmocka_unit_test(a_seal_of_another_implementation_is_opened),
        cmocka_unit_test(the_usual_cost_is_allowed_and_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
