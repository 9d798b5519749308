/* unit/base/clock_test.c - what base/clock.h promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <time.h>

#include "base/clock.h"
#include "base/random.h"

static void
the_monotonic_clock_does_not_go_back(void **state)
{
    (void)state;
    uint64_t last = clock_mono_ns();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_mono_ns();
        assert_true(now >= last);
        last = now;
    }
    assert_true(clock_mono_ms() >= last / 1000000);
}

static void
the_wall_clock_is_that_of_the_system(void **state)
{
    (void)state;
    uint64_t before = (uint64_t)time(NULL) * 1000;
    uint64_t now = clock_wall_ms();
    assert_true(now + 1000 >= before && now <= before + 10000);
}

static void
times_are_written_as_the_standards_say(void **state)
{
    (void)state;
    char text[CLOCK_TEXT];
    char http[CLOCK_HTTP];
    clock_text(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    clock_http(0, http);
    assert_string_equal(http, "Thu, 01 Jan 1970 00:00:00 GMT");
    clock_text(1767323045678, text);
    assert_string_equal(text, "2026-01-02T03:04:05.678Z");
    clock_http(1767323045678, http);
    assert_string_equal(http, "Fri, 02 Jan 2026 03:04:05 GMT");
    clock_http(784111777000, http);
    assert_string_equal(http, "Sun, 06 Nov 1994 08:49:37 GMT");
    clock_text(951782400000, text);
    assert_string_equal(text, "2000-02-29T00:00:00.000Z");
}

static void
what_is_behind_the_year_9999_is_its_end(void **state)
{
    (void)state;
    char text[CLOCK_TEXT];
    char http[CLOCK_HTTP];
    clock_text(UINT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    clock_http(UINT64_MAX, http);
    assert_string_equal(http, "Fri, 31 Dec 9999 23:59:59 GMT");
}

/* Compares both forms with what the C library says. */
static void
compare(uint64_t seconds)
{
    char text[CLOCK_TEXT];
    char http[CLOCK_HTTP];
    char wanted[64];
    struct tm tm;
    time_t t = (time_t)seconds;
    gmtime_r(&t, &tm);
    strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
    clock_text(seconds * 1000, text);
    assert_string_equal(text, wanted);
    strftime(wanted, sizeof(wanted), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    clock_http(seconds * 1000, http);
    assert_string_equal(http, wanted);
}

static void
the_calendar_is_that_of_the_c_library(void **state)
{
    (void)state;
    for (uint64_t day = 0; day < 200 * 366; day++)
        compare(day * 86400 + day % 86400);
    random_seed(3);
    for (int i = 0; i < 20000; i++)
        compare(random_below(253402300800));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monotonic_clock_does_not_go_back),
        cmocka_unit_test(the_wall_clock_is_that_of_the_system),
        cmocka_unit_test(times_are_written_as_the_standards_say),
        cmocka_unit_test(what_is_behind_the_year_9999_is_its_end),
        cmocka_unit_test(the_calendar_is_that_of_the_c_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
