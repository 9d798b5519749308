/* client_budget_test.c - how many retries an upstream gets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/client_parts.h"
#include "peer.h"

static void
a_fifth_of_the_traffic_may_be_retries(void **state)
{
    (void)state;
    struct upstream_budget b = { .second = 0 };
    uint64_t now = 1000000;
    for (unsigned i = 0; i < 1000; i++)
        assert_true(upstream_budget_draw(&b, now + i * 9, 0.2, false));
    unsigned allowed = 0;
    while (upstream_budget_draw(&b, now + 9000, 0.2, true))
        allowed++;
    assert_int_equal(allowed, 200);
    assert_false(upstream_budget_draw(&b, now + 9999, 0.2, true));
    /* ten seconds later, traffic and retries are forgotten, and ten are allowed in any case */
    now += 20000;
    allowed = 0;
    while (upstream_budget_draw(&b, now, 0.2, true))
        allowed++;
    assert_int_equal(allowed, 10);
    /* the window slides: what was drawn now comes back in ten seconds, not before */
    assert_false(upstream_budget_draw(&b, now + 9999, 0.2, true));
    assert_true(upstream_budget_draw(&b, now + 10000, 0.2, true));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fifth_of_the_traffic_may_be_retries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
