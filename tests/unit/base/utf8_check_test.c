/* unit/base/utf8_check_test.c - text in pieces is judged as it is as a whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/utf8_check.h"

/* Whether TEXT is well-formed if it comes in pieces of N bytes. */
static bool
valid_in_pieces(struct weir_text text, size_t n)
{
    struct utf8_check c = { 0 };
    for (size_t at = 0; at < text.len; at += n) {
        size_t len = text.len - at < n ? text.len - at : n;
        if (!utf8_go_on(&c, (struct weir_text){ text.bytes + at, len }))
            return false;
    }
    return utf8_whole(&c);
}

static void
pieces_are_judged_as_the_whole(void **state)
{
    (void)state;
    char bytes[4];
    for (uint32_t n = 0; n < 1u << 24; n += 7) { /* every first byte with a sample of what follows */
        uint32_t spread = n * 2654435761u;
        bytes[0] = (char)(n >> 16);
        bytes[1] = (char)(n >> 8);
        bytes[2] = (char)n;
        bytes[3] = (char)(spread >> 24);
        struct weir_text text = { bytes, 1 + n % 4 };
        bool valid = utf8_valid(text);
        assert_int_equal(valid_in_pieces(text, 1), valid);
        assert_int_equal(valid_in_pieces(text, 4), valid);
    }
}

static void
every_character_passes_in_bytes(void **state)
{
    (void)state;
    char bytes[4];
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        size_t len = utf8_write(bytes, point);
        bool surrogate = point >= 0xd800 && point <= 0xdfff;
        if (surrogate)
            continue;
        assert_true(valid_in_pieces((struct weir_text){ bytes, len }, 1));
    }
}

static void
the_first_impossible_byte_is_refused(void **state)
{
    (void)state;
    struct utf8_check c = { 0 };
    assert_true(utf8_go_on(&c, TEXT("\xf4")));
    assert_false(utf8_whole(&c));
    assert_false(utf8_go_on(&c, TEXT("\x90"))); /* above U+10FFFF, whatever follows */
    c = (struct utf8_check){ 0 };
    assert_true(utf8_go_on(&c, TEXT("\xed")));
    assert_false(utf8_go_on(&c, TEXT("\xa0"))); /* a surrogate */
}

static void
long_runs_of_ascii_end_where_they_end(void **state)
{
    (void)state;
    char text[64];
    for (size_t at = 0; at < sizeof(text) - 2; at++) {
        memset(text, 'a', sizeof(text));
        memcpy(text + at, "\xc3\xa4", 2);
        assert_true(valid_in_pieces((struct weir_text){ text, sizeof(text) }, 64));
        text[at + 1] = 'a';
        assert_false(valid_in_pieces((struct weir_text){ text, sizeof(text) }, 64));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_judged_as_the_whole),
        cmocka_unit_test(every_character_passes_in_bytes),
        cmocka_unit_test(the_first_impossible_byte_is_refused),
        cmocka_unit_test(long_runs_of_ascii_end_where_they_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
