/* Addresses that fail to prove who they are: when they are blocked, for how long, and what a flood does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>
#include <stdio.h>

#include "net/attempts.h"

static bool
miss(const char *address, uint64_t now_ms)
{
    return attempts_failed(ATTEMPTS_EDGE, text_of(address), now_ms);
}

static uint64_t
blocked(const char *address, uint64_t now_ms)
{
    return attempts_blocked(ATTEMPTS_EDGE, text_of(address), now_ms);
}

static void
so_many_failures_within_a_minute_block_for_a_minute(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_false(miss("192.0.2.1", 1000 + i));
    assert_int_equal(blocked("192.0.2.1", 1004), 0);
    assert_true(miss("192.0.2.1", 5000));
    assert_int_equal(blocked("192.0.2.1", 5000), 60000);
    assert_int_equal(blocked("192.0.2.1", 64999), 1);
    assert_false(miss("192.0.2.1", 64999)); /* what was under way moves nothing */
    assert_int_equal(blocked("192.0.2.1", 65000), 0);
    assert_int_equal(blocked("192.0.2.2", 5000), 0);
    assert_int_equal(attempts_blocked(ATTEMPTS_ADMIN, TEXT("192.0.2.1"), 5000), 0);
    struct attempts_figures f;
    attempts_figures(ATTEMPTS_EDGE, &f);
    assert_int_equal(f.failures, 6);
    assert_int_equal(f.blocks, 1);
    attempts_figures(ATTEMPTS_ADMIN, &f);
    assert_int_equal(f.failures, 0);
}

static void
failures_that_are_a_minute_old_do_not_count(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_false(miss("192.0.2.1", 1000));
    assert_false(miss("192.0.2.1", 61000));
    for (unsigned i = 0; i < 3; i++)
        assert_false(miss("192.0.2.1", 62000));
    assert_true(miss("192.0.2.1", 62000));
}

static void
an_ipv6_address_is_its_64(void **state)
{
    (void)state;
    char text[64];
    for (unsigned i = 1; i <= 5; i++) {
        snprintf(text, sizeof text, "2001:db8:1:2:%x::%x", i, i * 7);
        assert_int_equal(miss(text, 1000), i == 5);
    }
    assert_int_equal(blocked("2001:db8:1:2:ffff:ffff:ffff:ffff", 1000), 60000);
    assert_int_equal(blocked("2001:db8:1:3::1", 1000), 0);
    for (unsigned i = 1; i <= 5; i++)
        assert_int_equal(miss("::1", 1000), i == 5);
    assert_int_equal(blocked("::1", 1000), 60000);
}

static void
what_is_no_address_is_never_blocked(void **state)
{
    (void)state;
    static const char *const texts[] = { "unix", "", "1.2.3", "1.2.3.4.5", "fe80::1%eth0", "2001:db8::1::2",
                                         "1111111111111111111111111111111111111111111111111111111111111111" };
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        for (unsigned i = 0; i < 10; i++)
            assert_false(miss(texts[k], 1000));
        assert_int_equal(blocked(texts[k], 1000), 0);
    }
}

static void
a_flood_of_addresses_pushes_out_no_one_that_is_blocked(void **state)
{
    (void)state;
    char text[64];
    for (unsigned i = 0; i < 5; i++)
        (void)miss("192.0.2.1", 1000);
    for (unsigned i = 0; i < 20 * ATTEMPTS_PLACES; i++) {
        snprintf(text, sizeof text, "2001:db8:%x:%x::1", i >> 16, i & 0xffff);
        assert_false(miss(text, 2000));
    }
    assert_int_equal(blocked("192.0.2.1", 2000), 59000);
    struct attempts_figures f;
    attempts_figures(ATTEMPTS_EDGE, &f);
    assert_true(f.forgotten >= 19 * ATTEMPTS_PLACES);
}

static void
zero_counts_nothing(void **state)
{
    (void)state;
    attempts_configure(0);
    for (unsigned i = 0; i < 100; i++)
        assert_false(miss("192.0.2.1", 1000));
    assert_int_equal(blocked("192.0.2.1", 1000), 0);
}

static int
anew(void **state)
{
    (void)state;
    attempts_reset();
    attempts_configure(5);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(so_many_failures_within_a_minute_block_for_a_minute, anew),
        cmocka_unit_test_setup(failures_that_are_a_minute_old_do_not_count, anew),
        cmocka_unit_test_setup(an_ipv6_address_is_its_64, anew),
        cmocka_unit_test_setup(what_is_no_address_is_never_blocked, anew),
        cmocka_unit_test_setup(a_flood_of_addresses_pushes_out_no_one_that_is_blocked, anew),
        cmocka_unit_test_setup(zero_counts_nothing, anew),
    };
    return cmocka_run_group_tests_name("net/attempts", tests, NULL, NULL);
}
