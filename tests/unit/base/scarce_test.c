/* scarce_test.c - memory that is all but gone. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/scarce.h"

static void
without_a_limit_there_is_always_memory(void **state)
{
    (void)state;
    scarce_limit(0);
    assert_true(scarce_look() > 0);
    assert_false(scarce_took(SIZE_MAX / 2));
}

static void
near_the_limit_there_is_none_as_soon_as_much_was_taken(void **state)
{
    (void)state;
    uint64_t used = scarce_look();
    scarce_limit(used);
    scarce_limit(4 * used); /* not what counts */
    assert_false(scarce_took(1)); /* too little to look at it again */
    assert_true(scarce_took(used));
    assert_true(scarce_took(0));
    scarce_limit(0);
    scarce_limit(UINT64_C(1) << 60);
    (void)scarce_look();
    assert_false(scarce_took(0));
    scarce_limit(0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_limit_there_is_always_memory),
        cmocka_unit_test(near_the_limit_there_is_none_as_soon_as_much_was_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
