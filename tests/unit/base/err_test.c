/* unit/base/err_test.c - what base/err.h promises.
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

#include "base/err.h"

static void
an_error_is_read_from_outside_in(void **state)
{
    (void)state;
    struct weir_error err;
    assert_int_equal(err_set(&err, WEIR_INVALID, "'%s' must be a duration", "timeout"),
                     WEIR_INVALID);
    assert_int_equal(err_in(&err, "step %s", "book"), WEIR_INVALID);
    assert_int_equal(err_in(&err, "pipeline %s", "orders"), WEIR_INVALID);
    assert_string_equal(err.text, "pipeline orders: step book: 'timeout' must be a duration");
}

static void
setting_an_error_drops_what_was_there(void **state)
{
    (void)state;
    struct weir_error err = { .status = 422, .retry_after_ms = 7, .sent = 1 };
    err.detail = (const struct weir_value *)&err;
    err_set(&err, WEIR_TIMEOUT, "late");
    assert_int_equal(err.code, WEIR_TIMEOUT);
    assert_int_equal(err.status, 0);
    assert_int_equal(err.retry_after_ms, 0);
    assert_int_equal(err.sent, 0);
    assert_null(err.detail);
}

static void
an_error_may_quote_its_own_old_text(void **state)
{
    (void)state;
    struct weir_error err;
    err_set(&err, WEIR_UPSTREAM, "refused");
    err_set(&err, WEIR_UNAVAILABLE, "gave up: %s", err.text);
    assert_string_equal(err.text, "gave up: refused");
    err_in(&err, "%s", err.text);
    assert_string_equal(err.text, "gave up: refused: gave up: refused");
}

static void
nobody_has_to_listen_to_an_error(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, WEIR_LIMITED, "x"), WEIR_LIMITED);
    assert_int_not_equal(err_in(NULL, "x"), WEIR_OK);
}

static void
a_long_text_is_cut_at_a_whole_character(void **state)
{
    (void)state;
    struct weir_error err;
    char text[600];
    /* LEAD shifts the place of the cut through a character of each length. */
    static const char *const characters[] = { "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x8c\x8a" };
    for (size_t c = 0; c < 3; c++) {
        size_t n = strlen(characters[c]);
        for (size_t lead = 0; lead < n; lead++) {
            size_t len = lead;
            memset(text, 'x', lead);
            for (; len + n < sizeof(text); len += n)
                memcpy(text + len, characters[c], n);
            text[len] = '\0';
            err_set(&err, WEIR_INVALID, "%s", text);
            assert_int_equal((strlen(err.text) - lead) % n, 0);
            assert_true(strlen(err.text) > sizeof(err.text) - 5);
            err_in(&err, "y");
            assert_int_equal((strlen(err.text) - lead - 3) % n, 0);
            assert_memory_equal(err.text, "y: ", 3);
        }
    }
}

static void
a_place_that_fills_the_text_is_cut_too(void **state)
{
    (void)state;
    struct weir_error err;
    char text[600];
    memset(text, 'p', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    err_set(&err, WEIR_INVALID, "short");
    err_in(&err, "%s", text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void
every_code_has_a_name_that_leads_back_to_it(void **state)
{
    (void)state;
    for (uint32_t code = 1; code <= WEIR_CANCELLED; code++) {
        const char *name = code_name(code);
        assert_int_equal(code_find(name, strlen(name)), code);
        assert_true(code_status(code) >= 400 && code_status(code) < 600);
        assert_true(strlen(code_text(code)) > 5);
    }
    assert_string_equal(code_name(WEIR_TOO_LARGE), "too_large");
    assert_string_equal(code_name(0), "ok");
    assert_string_equal(code_name(99), "internal");
    assert_int_equal(code_find("TOO_LARGE", 9), 0);
    assert_int_equal(code_find("ok", 2), 0);
    assert_int_equal(code_find(NULL, 0), 0);
}

static void
codes_know_their_status_and_whether_to_try_again(void **state)
{
    (void)state;
    assert_int_equal(code_status(WEIR_TIMEOUT), 504);
    assert_int_equal(code_status(1000), 500);
    assert_true(code_is_later(WEIR_UPSTREAM));
    assert_true(code_is_later(WEIR_LIMITED));
    assert_false(code_is_later(WEIR_INVALID));
    assert_false(code_is_later(WEIR_CANCELLED));
    assert_false(code_is_later(UINT32_MAX));
}

static void
texts_are_compared_by_their_bytes(void **state)
{
    (void)state;
    assert_true(text_is(TEXT("abc"), "abc"));
    assert_false(text_is(TEXT("abc"), "ab"));
    assert_false(text_is(TEXT("a\0c"), "a"));
    assert_true(text_is((struct weir_text){ NULL, 0 }, ""));
    assert_true(text_equal(TEXT("a\0c"), TEXT("a\0c")));
    assert_false(text_equal(TEXT("a\0c"), TEXT("a\0d")));
    assert_int_equal(text_of(NULL).len, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_read_from_outside_in),
        cmocka_unit_test(setting_an_error_drops_what_was_there),
        cmocka_unit_test(an_error_may_quote_its_own_old_text),
        cmocka_unit_test(nobody_has_to_listen_to_an_error),
        cmocka_unit_test(a_long_text_is_cut_at_a_whole_character),
        cmocka_unit_test(a_place_that_fills_the_text_is_cut_too),
        cmocka_unit_test(every_code_has_a_name_that_leads_back_to_it),
        cmocka_unit_test(codes_know_their_status_and_whether_to_try_again),
        cmocka_unit_test(texts_are_compared_by_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
