/* unit/base/fault_test.c - what base/fault.h promises.
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

#include "base/fault.h"

#ifdef WEIR_FAULTS

static void
a_fault_happens_only_when_switched_on(void **state)
{
    (void)state;
    assert_false(fault(POOL_CONNECT));
    assert_true(fault_set("POOL_CONNECT", 2));
    assert_false(fault(MAILBOX_FULL));
    assert_true(fault(POOL_CONNECT));
    assert_true(fault(POOL_CONNECT));
    assert_false(fault(POOL_CONNECT));
}

static void
a_fault_without_a_count_goes_on(void **state)
{
    (void)state;
    assert_true(fault_set("READ_ONE_BYTE", UINT32_MAX));
    for (int i = 0; i < 100; i++)
        assert_true(fault(READ_ONE_BYTE));
    assert_true(fault_set("READ_ONE_BYTE", 0));
    assert_false(fault(READ_ONE_BYTE));
}

static void
a_fault_that_does_not_exist_is_refused(void **state)
{
    (void)state;
    assert_false(fault_set("READ_ONE_BYT", 1));
    assert_false(fault_set("READ_ONE_BYTES", 1));
    assert_false(fault_set("", 1));
}

static void
the_environment_switches_faults_on(void **state)
{
    (void)state;
    setenv("WEIR_FAULT", "WRITE_ONE_BYTE,MAILBOX_FULL=3,ACCEPT_EMFILE=0", 1);
    fault_from_environment();
    for (int i = 0; i < 3; i++) {
        assert_true(fault(WRITE_ONE_BYTE));
        assert_true(fault(MAILBOX_FULL));
    }
    assert_true(fault(WRITE_ONE_BYTE));
    assert_false(fault(MAILBOX_FULL));
    assert_false(fault(ACCEPT_EMFILE));
    fault_set("WRITE_ONE_BYTE", 0);

    setenv("WEIR_FAULT", "", 1);
    fault_from_environment();
    unsetenv("WEIR_FAULT");
    fault_from_environment();
    assert_false(fault(WRITE_ONE_BYTE));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_happens_only_when_switched_on),
        cmocka_unit_test(a_fault_without_a_count_goes_on),
        cmocka_unit_test(a_fault_that_does_not_exist_is_refused),
        cmocka_unit_test(the_environment_switches_faults_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void
no_fault_happens_in_a_release(void **state)
{
    (void)state;
    assert_false(fault(POOL_CONNECT));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_fault_happens_in_a_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
