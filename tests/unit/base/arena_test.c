/* unit/base/arena_test.c - what base/arena.h promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <stdalign.h>
#include <string.h>

#include "base/arena.h"

static void
pieces_are_aligned_zeroed_and_apart(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 256, 1 << 20);
    char *last = NULL;
    for (size_t size = 1; size < 600; size += 7) {
        char *p = arena_alloc(&a, size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, size);
        if (last != NULL)
            assert_int_equal((unsigned char)last[0], 0xff);
        last = p;
        assert_non_null(arena_copy(&a, "odd", 3)); /* leaves the end unaligned */
    }
    arena_fini(&a);
}

static void
an_arena_that_was_not_used_has_no_memory(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0, 100);
    assert_null(a.blocks);
    arena_reset(&a);
    arena_fini(&a);
    arena_fini(&a);
}

static void
the_maximum_is_exact(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0, 1000);
    assert_null(arena_alloc(&a, 1001));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_copy(&a, "", SIZE_MAX));
    assert_non_null(arena_alloc(&a, 1000));
    assert_null(arena_alloc(&a, 1));
    assert_null(arena_copy(&a, "", 0));
    arena_reset(&a);
    assert_non_null(arena_copy(&a, "x", 1));
    assert_null(arena_alloc(&a, 999));
    assert_non_null(arena_alloc(&a, 980));
    arena_fini(&a);
}

static void
what_padding_takes_counts_too(void **state)
{
    (void)state;
    struct arena a;
    unsigned n = 0;
    arena_init(&a, 0, 16000);
    while (arena_alloc(&a, 1) != NULL)
        n++;
    assert_in_range(n, 1000, 1004); /* a new block starts without padding */
    arena_fini(&a);
}

static void
a_reset_keeps_the_first_block_and_no_other(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1024, 1 << 20);
    void *first = arena_alloc(&a, 100);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++)
            assert_non_null(arena_alloc(&a, 100));
        assert_non_null(arena_alloc(&a, 100000));
        arena_reset(&a);
        assert_int_equal(a.used, 0);
        assert_ptr_equal(arena_alloc(&a, 100), first);
    }
    arena_fini(&a);
}

static void
a_large_first_piece_does_not_become_the_kept_block(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1024, 1 << 20);
    char *large = arena_alloc(&a, 500000);
    memset(large, 1, 500000);
    arena_reset(&a);
    char *small = arena_alloc(&a, 1);
    assert_int_equal(a.end - small, 1024);
    arena_fini(&a);
}

static void
a_large_piece_leaves_the_current_block_in_use(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1024, 1 << 20);
    char *one = arena_take(&a, 16);
    assert_non_null(arena_take(&a, 10000));
    char *two = arena_take(&a, 16);
    assert_ptr_equal(two, one + 16);
    arena_fini(&a);
}

static void
copies_have_a_nul_behind_them(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0, 5000);
    assert_string_equal(arena_copy(&a, "abcdef", 3), "abc");
    assert_string_equal(arena_copy(&a, NULL, 0), "");
    assert_string_equal(arena_printf(&a, "%d-%s", 5, "x"), "5-x");
    const char *wide = arena_printf(&a, "%0300d", 1);
    assert_int_equal(strlen(wide), 300);
    assert_null(arena_printf(&a, "%06000d", 1));
    arena_fini(&a);
}

static void
nothing_may_be_read_behind_a_piece(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    struct arena a;
    arena_init(&a, 0, 5000);
    char *p = arena_take(&a, 16);
    extern int __asan_address_is_poisoned(void const volatile *addr);
    assert_false(__asan_address_is_poisoned(p + 15));
    assert_true(__asan_address_is_poisoned(p + 16));
    arena_reset(&a);
    assert_true(__asan_address_is_poisoned(p));
    arena_fini(&a);
#else
    skip();
#endif
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_zeroed_and_apart),
        cmocka_unit_test(an_arena_that_was_not_used_has_no_memory),
        cmocka_unit_test(the_maximum_is_exact),
        cmocka_unit_test(what_padding_takes_counts_too),
        cmocka_unit_test(a_reset_keeps_the_first_block_and_no_other),
        cmocka_unit_test(a_large_first_piece_does_not_become_the_kept_block),
        cmocka_unit_test(a_large_piece_leaves_the_current_block_in_use),
        cmocka_unit_test(copies_have_a_nul_behind_them),
        cmocka_unit_test(nothing_may_be_read_behind_a_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
