/* unit/engine/retry_test.c - what engine/retry.h promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "base/random.h"
#include "engine/retry.h"

static struct node node;
static struct node_type type;
static struct unit unit = { .node = &node };

static int
reset(void **state)
{
    (void)state;
    node = (struct node){ .retry = { .attempts = 3, .exponential = true, .initial_ms = 100, .max_ms = 1000 },
                          .type = &type };
    type.abi = (struct weir_node_type){ .effect = WEIR_EFFECT_IDEMPOTENT };
    return 0;
}

static bool
wanted(uint32_t done, const struct weir_error *err)
{
    uint64_t wait;
    return retry_wanted(&unit, done, err, &wait);
}

static uint64_t
pause_after(uint32_t done, uint32_t retry_after_ms)
{
    struct weir_error err = { .code = WEIR_TIMEOUT, .retry_after_ms = retry_after_ms };
    uint64_t wait = UINT64_MAX;
    assert_true(retry_wanted(&unit, done, &err, &wait));
    return wait;
}

static void
attempts_count_the_first(void **state)
{
    (void)state;
    struct weir_error err = { .code = WEIR_UPSTREAM };
    assert_true(wanted(1, &err));
    assert_true(wanted(2, &err));
    assert_false(wanted(3, &err));
    node.retry.attempts = 1;
    assert_false(wanted(1, &err));
}

static void
what_is_marked_later_is_retried_if_nothing_is_said(void **state)
{
    (void)state;
    for (uint32_t code = WEIR_INVALID; code <= WEIR_CANCELLED; code++) {
        struct weir_error err = { .code = code };
        assert_int_equal(wanted(1, &err), code_is_later(code));
    }
}

static void
codes_and_statuses_that_are_named_replace_the_default(void **state)
{
    (void)state;
    unsigned statuses[] = { 404, 503 };
    node.retry.codes = 1u << WEIR_SCRIPT;
    assert_true(wanted(1, &(struct weir_error){ .code = WEIR_SCRIPT }));
    assert_false(wanted(1, &(struct weir_error){ .code = WEIR_TIMEOUT }));
    node.retry.codes = 1; /* only statuses */
    node.retry.statuses = statuses;
    node.retry.n_statuses = 2;
    assert_true(wanted(1, &(struct weir_error){ .code = WEIR_UPSTREAM, .status = 404 }));
    assert_false(wanted(1, &(struct weir_error){ .code = WEIR_UPSTREAM, .status = 500 }));
    /* an error without a status has that of its code, as in error.status */
    assert_true(wanted(1, &(struct weir_error){ .code = WEIR_UNAVAILABLE }));
}

static void
what_is_unsafe_is_retried_only_if_it_was_not_sent(void **state)
{
    (void)state;
    struct weir_error sent = { .code = WEIR_TIMEOUT, .sent = 1 };
    struct weir_error unsent = { .code = WEIR_TIMEOUT };
    assert_true(wanted(1, &sent));
    type.abi.effect = WEIR_EFFECT_UNSAFE;
    assert_false(wanted(1, &sent));
    assert_true(wanted(1, &unsent));
    node.effect_given = true; /* what the author says counts */
    node.effect = WEIR_EFFECT_NONE;
    assert_true(wanted(1, &sent));
}

static void
pauses_double_up_to_the_maximum(void **state)
{
    (void)state;
    node.retry.attempts = UINT32_MAX;
    static const uint64_t expected[] = { 100, 200, 400, 800, 1000, 1000 };
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(pause_after(i + 1, 0), expected[i]);
    assert_int_equal(pause_after(1000000, 0), 1000);
    node.retry.exponential = false;
    assert_int_equal(pause_after(5, 0), 100);
}

static void
jitter_draws_from_the_whole_pause(void **state)
{
    (void)state;
    random_seed(1);
    node.retry.jitter = true;
    uint64_t least = UINT64_MAX, most = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t wait = pause_after(1, 0);
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
    }
    assert_in_range(least, 0, 10);
    assert_in_range(most, 90, 100);
}

static void
retry_after_is_the_least_pause(void **state)
{
    (void)state;
    assert_int_equal(pause_after(1, 5000), 5000);
    assert_int_equal(pause_after(1, 50), 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(attempts_count_the_first, reset),
        cmocka_unit_test_setup(what_is_marked_later_is_retried_if_nothing_is_said, reset),
        cmocka_unit_test_setup(codes_and_statuses_that_are_named_replace_the_default, reset),
        cmocka_unit_test_setup(what_is_unsafe_is_retried_only_if_it_was_not_sent, reset),
        cmocka_unit_test_setup(pauses_double_up_to_the_maximum, reset),
        cmocka_unit_test_setup(jitter_draws_from_the_whole_pause, reset),
        cmocka_unit_test_setup(retry_after_is_the_least_pause, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
