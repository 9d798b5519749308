/* unit/base/units_test.c - what base/units.h promises.
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

#include "base/units.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
durations_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } cases[] = {
        { "250ms", 250 },
        { "5s", 5000 },
        { "1.5m", 90000 },
        { "2h", 7200000 },
        { "3d", 259200000 },
        { "0", 0 },
        { "0s", 0 },
        { "0.25s", 250 },
        { "1.500s", 1500 },
        { "2m30s", 150000 },
        { "1d1h1m1s1ms", 90061001 },
        { "0.001s", 1 },
        { "36600d", 3162240000000 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t ms = 99;
        assert_int_equal(duration_parse(text_of(cases[i].text), &ms, NULL), WEIR_OK);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void
what_is_no_duration_is_refused_with_an_example(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "5",
        "s",
        "5 s",
        " 5s",
        "5s ",
        "-5s",
        "+5s",
        "5S",
        "5x",
        "1.s",
        ".5s",
        "1..5s",
        "1.5.5s",
        "1e3s",
        "5sec",
        "5s5s",
        "5s5m",
        "0.5ms",
        "1ms5",
        "36601d",
        "99999999999999999s",
        "9999999999999999999s",
        "00",
        "0.0000000000000001d",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        uint64_t ms = 99;
        struct weir_error err;
        assert_int_equal(duration_parse(text_of(bad[i]), &ms, &err), WEIR_INVALID);
        assert_int_equal(ms, 99);
    }
    struct weir_error err;
    uint64_t ms;
    duration_parse(TEXT("soon"), &ms, &err);
    assert_string_equal(err.text,
                        "\"soon\" is not a duration such as 250ms, 5s, 1.5m, 2h or 3d");
}

static void
sizes_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        { "0", 0 },
        { "512", 512 },
        { "7B", 7 },
        { "64KiB", 65536 },
        { "1.5MiB", 1572864 },
        { "1GiB", 1 << 30 },
        { "2TiB", 2199023255552 },
        { "64KB", 64000 },
        { "1.5MB", 1500000 },
        { "1GB", 1000000000 },
        { "8388607TiB", 8388607ull << 40 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t bytes = 99;
        assert_int_equal(bytes_parse(text_of(cases[i].text), &bytes, NULL), WEIR_OK);
        assert_int_equal(bytes, cases[i].bytes);
    }
    static const char *const bad[] = { "",       "KiB",        "1 KiB",    "1K",
                                       "1kib",   "-1",         "0.5",      "1.",
                                       "0.1KiB", "1KiB1",      "1KiB2MiB", "1e3",
                                       "0x10",   "8388608TiB", "1KiBs",    "9999999TiB" };
    for (size_t i = 0; i < COUNT(bad); i++) {
        uint64_t bytes = 99;
        assert_int_equal(bytes_parse(text_of(bad[i]), &bytes, NULL), WEIR_INVALID);
        assert_int_equal(bytes, 99);
    }
}

static void
rates_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t count, per_ms;
    } cases[] = {
        { "100/60s", 100, 60000 }, { "5/s", 5, 1000 },    { "10/m", 10, 60000 },
        { "1/1.5h", 1, 5400000 },  { "9/250ms", 9, 250 }, { "3/d", 3, 86400000 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rate rate;
        assert_int_equal(rate_parse(text_of(cases[i].text), &rate, NULL), WEIR_OK);
        assert_int_equal(rate.count, cases[i].count);
        assert_int_equal(rate.per_ms, cases[i].per_ms);
    }
    static const char *const bad[] = { "",      "5",   "5/",   "/s",   "5/x",
                                       "5/s2",  "0/s", "5/0",  "5/0s", "1.5/s",
                                       "5 / s", "5/5", "-5/s", "5//s", "5/sm" };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct rate rate;
        assert_int_equal(rate_parse(text_of(bad[i]), &rate, NULL), WEIR_INVALID);
    }
}

static void
percentages_are_fractions(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double fraction;
    } cases[] = { { "0%", 0 },   { "50%", 0.5 },  { "0.5%", 0.005 },
                  { "100%", 1 }, { "100.0%", 1 }, { "33.3%", 0.333 } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double fraction = -1;
        assert_int_equal(percent_parse(text_of(cases[i].text), &fraction, NULL), WEIR_OK);
        assert_true(fraction == cases[i].fraction);
    }
    static const char *const bad[] = { "", "%", "50", "50 %", "101%", "100.1%", "-1%", "50%%" };
    for (size_t i = 0; i < COUNT(bad); i++) {
        double fraction;
        assert_int_equal(percent_parse(text_of(bad[i]), &fraction, NULL), WEIR_INVALID);
    }
}

static void
texts_with_nul_bytes_are_no_figures(void **state)
{
    (void)state;
    uint64_t n;
    assert_int_equal(duration_parse(TEXT("5s\0"), &n, NULL), WEIR_INVALID);
    assert_int_equal(bytes_parse(TEXT("5\0"), &n, NULL), WEIR_INVALID);
    assert_int_equal(bytes_parse((struct weir_text){ NULL, 0 }, &n, NULL), WEIR_INVALID);
}

static void
durations_are_written_so_that_they_can_be_read(void **state)
{
    (void)state;
    static const struct {
        uint64_t ms;
        const char *text;
    } cases[] = {
        { 0, "0ms" },          { 250, "250ms" },       { 5000, "5s" },
        { 1500, "1.5s" },      { 150000, "2m30s" },    { 60001, "1m1ms" },
        { 61001, "1m1.001s" }, { 86400000, "1d" },     { 90061000, "1d1h1m1s" },
        { 10000, "10s" },      { 100020, "1m40.02s" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[64];
        uint64_t ms;
        duration_text(cases[i].ms, text, sizeof(text));
        assert_string_equal(text, cases[i].text);
        assert_int_equal(duration_parse(text_of(text), &ms, NULL), WEIR_OK);
        assert_int_equal(ms, cases[i].ms);
    }
    char longest[64];
    duration_text(UINT64_MAX, longest, sizeof(longest));
    assert_string_equal(longest, "213503982334d14h25m51.615s");
    char small[4];
    duration_text(150000, small, sizeof(small));
    assert_string_equal(small, "2m3");
}

static void
sizes_are_written_for_people(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        { 0, "0B" },         { 1023, "1023B" },        { 1024, "1KiB" },
        { 1536, "1.5KiB" },  { 1048575, "1023.9KiB" }, { 1048576, "1MiB" },
        { 5 << 20, "5MiB" }, { 1ull << 40, "1TiB" },   { UINT64_MAX, "15.9EiB" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[32];
        bytes_text(cases[i].bytes, text, sizeof(text));
        assert_string_equal(text, cases[i].text);
    }
}

static void
the_name_that_was_meant_is_found(void **state)
{
    (void)state;
    static const struct weir_text names[] = {
        { "timeout", 7 }, { "retry", 5 }, { "url", 3 }, { "headers", 7 }, { "do", 2 },
    };
    static const struct {
        const char *text;
        int index;
    } cases[] = {
        { "timeout", 0 },  { "tiemout", 0 },  { "timout", 0 }, { "Timeout", 0 },
        { "TIMEOUT", 0 },  { "time_out", 0 }, { "timer", -1 }, { "rety", 1 },
        { "retries", -1 }, { "ulr", 2 },      { "uri", 2 },    { "u", -1 },
        { "header", 3 },   { "haeders", 3 },  { "od", -1 },    { "doo", 4 },
        { "", -1 },        { "xyzzy", -1 },
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(nearest(text_of(cases[i].text), names, COUNT(names)), cases[i].index);
    assert_int_equal(nearest(TEXT("url"), NULL, 0), -1);
}

static void
very_long_names_are_meant_by_nobody(void **state)
{
    (void)state;
    char bytes[65];
    memset(bytes, 'a', sizeof(bytes));
    struct weir_text names[] = { { bytes, 65 }, { bytes, 64 } };
    assert_int_equal(nearest((struct weir_text){ bytes, 65 }, names, 2), -1);
    assert_int_equal(nearest((struct weir_text){ bytes, 64 }, names, 2), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(what_is_no_duration_is_refused_with_an_example),
        cmocka_unit_test(sizes_are_read),
        cmocka_unit_test(rates_are_read),
        cmocka_unit_test(percentages_are_fractions),
        cmocka_unit_test(texts_with_nul_bytes_are_no_figures),
        cmocka_unit_test(durations_are_written_so_that_they_can_be_read),
        cmocka_unit_test(sizes_are_written_for_people),
        cmocka_unit_test(the_name_that_was_meant_is_found),
        cmocka_unit_test(very_long_names_are_meant_by_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
