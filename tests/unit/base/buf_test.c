/* unit/base/buf_test.c - what base/buf.h promises.
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

#include "base/buf.h"

static void
what_does_not_fit_is_refused_whole(void **state)
{
    (void)state;
    struct buf b;
    struct weir_error err;
    buf_init(&b, 5);
    assert_int_equal(buf_add(&b, "abc", 3, &err), WEIR_OK);
    assert_int_equal(buf_add(&b, "def", 3, &err), WEIR_TOO_LARGE);
    assert_string_equal(err.text, "more than 5 bytes");
    assert_string_equal(b.bytes, "abc");
    assert_int_equal(buf_add(&b, "de", 2, NULL), WEIR_OK);
    assert_int_equal(buf_add(&b, "f", 1, NULL), WEIR_TOO_LARGE);
    assert_false(buf_putc(&b, 'f'));
    assert_false(buf_printf(&b, "%d", 1));
    assert_string_equal(b.bytes, "abcde");
    assert_true(b.room <= 6);
    buf_fini(&b);
}

static void
an_empty_buffer_has_a_nul_and_no_memory(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    assert_string_equal(b.bytes, "");
    assert_int_equal(b.room, 0);
    assert_true(buf_puts(&b, ""));
    assert_true(buf_text(&b, (struct weir_text){ NULL, 0 }));
    assert_true(buf_printf(&b, "%s", ""));
    assert_non_null(buf_reserve(&b, 0));
    buf_seal(&b, 0);
    buf_reset(&b);
    buf_shift(&b, 0);
    assert_int_equal(buf_content(&b).len, 0);
    buf_fini(&b);
    buf_fini(&b);
}

static void
all_ways_to_append_agree(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    assert_true(buf_puts(&b, "one "));
    assert_true(buf_text(&b, TEXT("t\0o ")));
    assert_true(buf_putc(&b, '3'));
    assert_true(buf_printf(&b, " %s-%d", "four", 4));
    char *at = buf_reserve(&b, 10);
    memcpy(at, "!!", 2);
    buf_seal(&b, 2);
    assert_int_equal(b.len, strlen("one t.o 3 four-4!!"));
    assert_memory_equal(b.bytes, "one t\0o 3 four-4!!", b.len + 1);
    buf_fini(&b);
}

static void
printf_grows_the_buffer_as_far_as_needed(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 300);
    assert_true(buf_printf(&b, "%0250d", 7));
    assert_int_equal(b.len, 250);
    assert_false(buf_printf(&b, "%051d", 7));
    assert_int_equal(strlen(b.bytes), 250);
    assert_true(buf_printf(&b, "%050d", 7));
    assert_int_equal(strlen(b.bytes), 300);
    buf_fini(&b);
}

static void
a_buffer_holds_exactly_its_maximum(void **state)
{
    (void)state;
    for (size_t max = 0; max < 200; max++) {
        struct buf b;
        buf_init(&b, max);
        for (size_t i = 0; i < max; i++)
            assert_true(buf_putc(&b, 'x'));
        assert_false(buf_putc(&b, 'x'));
        assert_null(buf_reserve(&b, 1));
        assert_null(buf_reserve(&b, SIZE_MAX));
        assert_int_equal(strlen(b.bytes), max);
        buf_fini(&b);
    }
}

static void
shifting_drops_the_front(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    buf_puts(&b, "abcdef");
    buf_shift(&b, 2);
    assert_string_equal(b.bytes, "cdef");
    buf_shift(&b, 4);
    assert_string_equal(b.bytes, "");
    buf_fini(&b);
}

static void
a_reset_keeps_the_memory(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    buf_puts(&b, "abc");
    const char *bytes = b.bytes;
    buf_reset(&b);
    assert_string_equal(b.bytes, "");
    buf_puts(&b, "d");
    assert_ptr_equal(b.bytes, bytes);
    assert_string_equal(b.bytes, "d");
    buf_fini(&b);
}

static void
bytes_that_are_given_away_belong_to_the_taker(void **state)
{
    (void)state;
    struct buf b;
    size_t len;
    buf_init(&b, 100);
    buf_puts(&b, "abc");
    char *bytes = buf_give(&b, &len);
    assert_string_equal(bytes, "abc");
    assert_int_equal(len, 3);
    free(bytes);
    assert_string_equal(b.bytes, "");
    bytes = buf_give(&b, NULL);
    assert_string_equal(bytes, "");
    free(bytes);
    assert_true(buf_puts(&b, "again"));
    buf_fini(&b);
}

static void
a_lent_room_is_used_until_it_is_too_small(void **state)
{
    (void)state;
    char room[8];
    struct buf b;
    buf_init_in(&b, 20, room, sizeof room);
    assert_string_equal(b.bytes, "");
    assert_true(buf_puts(&b, "1234567"));
    assert_ptr_equal(b.bytes, room);
    assert_true(buf_putc(&b, '8'));
    assert_ptr_not_equal(b.bytes, room);
    assert_string_equal(b.bytes, "12345678");
    assert_false(buf_puts(&b, "more than 20 bytes"));
    buf_fini(&b);

    buf_init_in(&b, 3, room, sizeof room); /* no more than its maximum, however large the room */
    assert_true(buf_puts(&b, "abc"));
    assert_false(buf_putc(&b, 'd'));
    buf_fini(&b);

    size_t len;
    buf_init_in(&b, 20, room, sizeof room);
    assert_true(buf_puts(&b, "given"));
    char *bytes = buf_give(&b, &len);
    assert_ptr_not_equal(bytes, room);
    assert_string_equal(bytes, "given");
    assert_int_equal(len, 5);
    free(bytes);
    buf_fini(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_refused_whole),
        cmocka_unit_test(an_empty_buffer_has_a_nul_and_no_memory),
        cmocka_unit_test(all_ways_to_append_agree),
        cmocka_unit_test(printf_grows_the_buffer_as_far_as_needed),
        cmocka_unit_test(a_buffer_holds_exactly_its_maximum),
        cmocka_unit_test(shifting_drops_the_front),
        cmocka_unit_test(a_reset_keeps_the_memory),
        cmocka_unit_test(bytes_that_are_given_away_belong_to_the_taker),
        cmocka_unit_test(a_lent_room_is_used_until_it_is_too_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
