/* unit/base/utf8_test.c - the UTF-8 of base/encode.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <string.h>

#include "base/encode.h"

static void
every_code_point_is_written_and_read_back(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        char bytes[4];
        size_t n = utf8_write(bytes, c);
        if (c >= 0xd800 && c <= 0xdfff) {
            assert_int_equal(n, 0);
            continue;
        }
        size_t at = 0;
        struct weir_text text = { bytes, n };
        if (!utf8_valid(text) || utf8_next(text, &at) != c || at != n || utf8_count(text) != 1)
            fail_msg("U+%04X", c);
    }
    char bytes[4];
    assert_int_equal(utf8_write(bytes, 0x110000), 0);
    assert_int_equal(utf8_write(bytes, UINT32_MAX), 0);
}

/* Well-formed by table 3-7, written down a second time in another way: by the value. */
static bool
is_well_formed(const unsigned char *p, size_t n)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (n == 1)
        return p[0] < 0x80;
    unsigned lead = n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0;
    unsigned mask = n == 2 ? 0xe0 : n == 3 ? 0xf0 : 0xf8;
    if ((p[0] & mask) != lead)
        return false;
    uint32_t c = p[0] & ~mask;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return false;
        c = c << 6 | (p[i] & 0x3f);
    }
    return c >= least[n] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

static void
exactly_the_sequences_of_the_standard_are_valid(void **state)
{
    (void)state;
    static const unsigned char edges[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90,
                                           0x9f, 0xa0, 0xbf, 0xc0, 0xff };
    for (unsigned lead = 0; lead < 256; lead++)
        for (unsigned i = 0; i < 10 * 10 * 10; i++) {
            unsigned char p[4] = { (unsigned char)lead, edges[i % 10], edges[i / 10 % 10],
                                   edges[i / 100] };
            for (size_t n = 1; n <= 4; n++) {
                size_t at = 0;
                struct weir_text text = { (const char *)p, n };
                bool good = utf8_next(text, &at) != UINT32_MAX && at == n;
                assert_int_equal(good, is_well_formed(p, n));
            }
        }
}

static void
a_fault_is_found_at_every_place(void **state)
{
    (void)state;
    char bytes[40];
    for (size_t len = 1; len <= sizeof(bytes); len++)
        for (size_t i = 0; i < len; i++) {
            memset(bytes, 'x', len);
            assert_true(utf8_valid((struct weir_text){ bytes, len }));
            bytes[i] = (char)0x80;
            assert_false(utf8_valid((struct weir_text){ bytes, len }));
            bytes[i] = (char)0xc3; /* good only with another byte behind it */
            assert_false(utf8_valid((struct weir_text){ bytes, len }));
            if (i + 1 < len) {
                bytes[i + 1] = (char)0xa4;
                assert_true(utf8_valid((struct weir_text){ bytes, len }));
                assert_int_equal(utf8_count((struct weir_text){ bytes, len }), len - 1);
            }
        }
    assert_true(utf8_valid((struct weir_text){ NULL, 0 }));
}

static void
reading_goes_on_behind_a_malformed_byte(void **state)
{
    (void)state;
    struct weir_text text = TEXT("a\xff\xe2\x82z\xe2\x82\xac");
    static const uint32_t wanted[] = { 'a', UINT32_MAX, UINT32_MAX, UINT32_MAX, 'z', 0x20ac };
    size_t at = 0;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        assert_int_equal(utf8_next(text, &at), wanted[i]);
    assert_int_equal(at, text.len);
}

static void
prefixes_end_between_code_points(void **state)
{
    (void)state;
    struct weir_text text = TEXT("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x8c\x8az");
    static const size_t wanted[] = { 0, 1, 3, 6, 10, 11, 11 };
    for (size_t n = 0; n < sizeof(wanted) / sizeof(wanted[0]); n++)
        assert_int_equal(utf8_prefix(text, n), wanted[n]);
    assert_int_equal(utf8_prefix(text, SIZE_MAX), 11);
    assert_int_equal(utf8_count(text), 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_is_written_and_read_back),
        cmocka_unit_test(exactly_the_sequences_of_the_standard_are_valid),
        cmocka_unit_test(a_fault_is_found_at_every_place),
        cmocka_unit_test(reading_goes_on_behind_a_malformed_byte),
        cmocka_unit_test(prefixes_end_between_code_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
