/* lua/tests/lua_blocks_test.c - large blocks are kept for those that come next, for a while,
 * and no more of them than there may be.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "../blocks.c"

#define MIB ((size_t)1 << 20)

static int
enter(void **state)
{
    (void)state;
    blocks_enter();
    return 0;
}

static int
leave_all(void **state)
{
    (void)state;
    blocks_leave();
    return blocks_kept() == 0 && blocks.n == 0 ? 0 : -1;
}

static char *
block(size_t size)
{
    char *b = block_resize(NULL, 0, size);
    memset(b, 'x', size);
    return b;
}

static void
a_block_that_was_given_back_is_taken_by_what_fits(void **state)
{
    (void)state;
    char *b = block(2 * MIB + 25);
    block_free(b, 2 * MIB + 25);
    assert_true(blocks_kept() >= 2 * MIB + 25);
    char *larger = block(2 * MIB + MIB / 4); /* the same room */
    assert_ptr_equal(larger, b);
    assert_int_equal(blocks_kept(), 0);
    char *other = block(2 * MIB);
    assert_ptr_not_equal(other, b);
    block_free(larger, 2 * MIB + MIB / 4);
    block_free(other, 2 * MIB);
}

static void
small_blocks_and_huge_ones_go_back_at_once(void **state)
{
    (void)state;
    block_free(block(BLOCK_LARGE - 1), BLOCK_LARGE - 1);
    block_free(block(BLOCKS_KEPT_MAX), BLOCKS_KEPT_MAX);
    assert_int_equal(blocks_kept(), 0);
}

static void
what_was_in_a_block_stays_however_its_size_changes(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        10,  3000,    BLOCK_LARGE - 1, BLOCK_LARGE, BLOCK_LARGE + 1, 300000, 290000,
        MIB, MIB + 1, 3 * MIB,         MIB,         200000,          100000, 2 * MIB
    };
    for (unsigned round = 0; round < 3;
         round++) { /* from the second on there are blocks to take */
        size_t len = 10;
        char *b = block(len);
        memcpy(b, "0123456789", 10);
        for (unsigned i = 1; i < sizeof sizes / sizeof sizes[0]; i++) {
            size_t least = len < sizes[i] ? len : sizes[i];
            b[least - 1] = (char)('a' + i);
            b = block_resize(b, len, sizes[i]);
            len = sizes[i];
            assert_memory_equal(b, "012345678", 9);
            assert_int_equal(b[least - 1], 'a' + i);
            memset(b + 9, 'y', len - 9);
        }
        block_free(b, len);
        assert_true(blocks_kept() > 0);
    }
}

static void
no_more_is_kept_than_may_be(void **state)
{
    (void)state;
    char *many[100];
    for (unsigned i = 0; i < 100; i++)
        many[i] = block(MIB);
    for (unsigned i = 0; i < 100; i++) {
        block_free(many[i], MIB);
        assert_true(blocks_kept() <= BLOCKS_KEPT_MAX);
    }
    assert_int_equal(blocks_kept(), BLOCKS_KEPT_MAX);
    for (unsigned i = 0; i < 100; i++)
        many[i] = block(BLOCK_LARGE);
    for (unsigned i = 0; i < 100; i++)
        block_free(many[i], BLOCK_LARGE);
    assert_int_equal(blocks.n, KEPT_MAX);
}

static void
what_nobody_takes_is_freed_after_a_while_one_by_one(void **state)
{
    (void)state;
    char *a = block(MIB), *b = block(MIB), *c = block(MIB);
    block_free(a, MIB);
    block_free(b, MIB);
    for (unsigned i = 0; i < 5; i++)
        assert_true(blocks_age());
    block_free(c, MIB);
    for (unsigned i = 0; i < 5; i++)
        assert_true(blocks_age());
    assert_int_equal(blocks_kept(), 3 * MIB);
    assert_true(blocks_age());
    assert_int_equal(blocks_kept(), 2 * MIB);
    assert_true(blocks_age());
    assert_int_equal(blocks_kept(), MIB);
    for (unsigned i = 0; i < 3; i++)
        assert_true(blocks_age());
    assert_false(blocks_age());
    assert_int_equal(blocks_kept(), 0);
}

static void
nothing_is_kept_where_nobody_is(void **state)
{
    (void)state;
    block_free(block(MIB), MIB);
    blocks_leave();
    assert_int_equal(blocks_kept(), 0);
    block_free(block(MIB), MIB);
    assert_int_equal(blocks_kept(), 0);
    blocks_enter();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_block_that_was_given_back_is_taken_by_what_fits,
                                        enter, leave_all),
        cmocka_unit_test_setup_teardown(small_blocks_and_huge_ones_go_back_at_once, enter,
                                        leave_all),
        cmocka_unit_test_setup_teardown(what_was_in_a_block_stays_however_its_size_changes,
                                        enter, leave_all),
        cmocka_unit_test_setup_teardown(no_more_is_kept_than_may_be, enter, leave_all),
        cmocka_unit_test_setup_teardown(what_nobody_takes_is_freed_after_a_while_one_by_one,
                                        enter, leave_all),
        cmocka_unit_test_setup_teardown(nothing_is_kept_where_nobody_is, enter, leave_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
