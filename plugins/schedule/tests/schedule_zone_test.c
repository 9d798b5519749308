/* schedule/tests/schedule_zone_test.c - time zones, and what their changes do to a schedule.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "../schedule_cron.c"
#include "../schedule_moments.c"
#include "../schedule_rule.c"
#include "../schedule_zone.c"
#include "engine/generation.h"

static struct weir_text
t(const char *text)
{
    return (struct weir_text){ text, strlen(text) };
}

static int64_t
at(const char *text)
{
    struct tm parts = { 0 };
    assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts));
    return timegm(&parts);
}

static struct zone *
zone(const char *name)
{
    struct weir_error err = { 0 };
    struct zone *z = zone_open(t(name), &err);
    if (z == NULL)
        fail_msg("%s", err.text);
    return z;
}

/* Compares with the C library, which looks at TZ; returns the next change. */
static int64_t
agrees(const struct zone *z, const char *name, time_t u)
{
    int64_t until;
    struct tm parts;
    localtime_r(&u, &parts);
    int32_t offset = zone_offset(z, u, &until);
    if (offset != parts.tm_gmtoff)
        fail_msg("%s at %lld: %d, not %ld", name, (long long)u, offset, parts.tm_gmtoff);
    assert_true(until > u);
    return until;
}

static void
the_system_agrees_on_sixty_years(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana",
        "Asia/Gaza",     "Asia/Kathmandu",   "Africa/Casablanca",   "Pacific/Apia",
        "Europe/Dublin", "America/Santiago", "Etc/GMT+12",          "UTC"
    };
    time_t end = at("2060-01-01T00:00:00Z");
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        struct zone *z = zone(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (time_t u = 0; u < end; u += 5 * 3600 - 1) {
            int64_t until = agrees(z, names[i], u);
            if (until < end)
                assert_int_equal(agrees(z, names[i], until - 1), until);
        }
        zone_close(&z);
    }
    unsetenv("TZ");
    tzset();
}

struct known {
    const char *zone;
    const char *cron;
    const char *after;
    const char *next[4]; /* one after another */
};

static const struct known known[] = {
    { "UTC", "0 9 * * *", "2026-03-28T09:00:00Z", { "2026-03-29T09:00:00.000Z" } },
    /* Winter and summer. */
    { "Europe/Berlin",
      "0 9 * * *",
      "2026-03-27T12:00:00Z",
      { "2026-03-28T08:00:00.000Z", "2026-03-29T07:00:00.000Z", "2026-03-30T07:00:00.000Z" } },
    { "America/New_York",
      "0 9 * * MON-FRI",
      "2026-03-06T20:00:00Z",
      { "2026-03-09T13:00:00.000Z", "2026-03-10T13:00:00.000Z" } },
    /* 02:30 does not exist on that day: 03:00 is next, and once. */
    { "Europe/Berlin",
      "30 2 * * *",
      "2026-03-28T00:00:00Z",
      { "2026-03-28T01:30:00.000Z", "2026-03-29T01:00:00.000Z", "2026-03-30T00:30:00.000Z" } },
    { "Europe/Berlin",
      "*/20 2 * * *",
      "2026-03-28T01:30:00Z",
      { "2026-03-28T01:40:00.000Z", "2026-03-29T01:00:00.000Z", "2026-03-30T00:00:00.000Z" } },
    { "Europe/Berlin",
      "0 2,3 * * *",
      "2026-03-29T00:00:00Z",
      { "2026-03-29T01:00:00.000Z", "2026-03-30T00:00:00.000Z" } },
    { "America/New_York",
      "15 2 8 3 *",
      "2026-03-01T00:00:00Z",
      { "2026-03-08T07:00:00.000Z", "2027-03-08T07:15:00.000Z" } },
    /* 02:30 comes twice on that day: the first one fires. */
    { "Europe/Berlin",
      "30 2 * * *",
      "2026-10-24T12:00:00Z",
      { "2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z" } },
    { "Europe/Berlin",
      "0,30 2,3 * * *",
      "2026-10-25T00:00:00Z",
      { "2026-10-25T00:30:00.000Z", "2026-10-25T02:00:00.000Z", "2026-10-25T02:30:00.000Z" } },
    { "Europe/Berlin",
      "45 2 * * *",
      "2026-10-25T01:10:00Z", /* in the second hour */
      { "2026-10-26T01:45:00.000Z" } },
    { "America/New_York",
      "30 1 * * *",
      "2026-11-01T00:00:00Z",
      { "2026-11-01T05:30:00.000Z", "2026-11-02T06:30:00.000Z" } },
    /* Every hour is every hour that passes. */
    { "Europe/Berlin",
      "30 * * * *",
      "2026-10-25T00:00:00Z",
      { "2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z", "2026-10-25T02:30:00.000Z" } },
    { "Europe/Berlin",
      "30 * * * *",
      "2026-03-29T00:00:00Z",
      { "2026-03-29T00:30:00.000Z", "2026-03-29T01:30:00.000Z", "2026-03-29T02:30:00.000Z" } },
    { "Asia/Kathmandu",
      "0 * * * *",
      "2026-01-01T00:00:00Z",
      { "2026-01-01T00:15:00.000Z", "2026-01-01T01:15:00.000Z" } },
    /* Half an hour; a day that was left out; midnight that comes twice. */
    { "Australia/Lord_Howe",
      "15 2 * * *",
      "2026-10-03T00:00:00Z",
      { "2026-10-03T15:30:00.000Z", "2026-10-04T15:15:00.000Z" } },
    { "Pacific/Apia",
      "0 12 * * *",
      "2011-12-29T12:00:00Z",
      { "2011-12-29T22:00:00.000Z", "2011-12-30T10:00:00.000Z", "2011-12-30T22:00:00.000Z" } },
    { "America/Havana",
      "30 0 1 11 *",
      "2026-10-01T00:00:00Z",
      { "2026-11-01T04:30:00.000Z", "2027-11-01T04:30:00.000Z" } },
    /* Beyond the years that are listed, by the rule. */
    { "Europe/Berlin",
      "30 2 * * *",
      "2045-03-25T12:00:00Z",
      { "2045-03-26T01:00:00.000Z", "2045-03-27T00:30:00.000Z" } },
    { "Europe/Berlin",
      "0 0 29 2 *",
      "2026-01-01T00:00:00Z",
      { "2028-02-28T23:00:00.000Z", "2032-02-28T23:00:00.000Z" } },
};

static void
a_schedule_follows_the_clocks_of_its_zone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        const struct known *k = &known[i];
        struct weir_error err = { 0 };
        struct schedule s = { .zone = zone(k->zone) };
        assert_int_equal(cron_read(t(k->cron), &s.cron, &err), WEIR_OK);
        uint64_t ms = (uint64_t)at(k->after) * 1000;
        for (unsigned n = 0; n < 4 && k->next[n] != NULL; n++) {
            char text[32];
            ms = schedule_next(&s, ms);
            schedule_text(ms, text);
            if (strcmp(text, k->next[n]) != 0)
                fail_msg("%s in %s, %u: %s, not %s", k->cron, k->zone, n, text, k->next[n]);
        }
        zone_close(&s.zone);
    }
}

static void
what_is_no_zone_is_refused_with_what_is_near(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        { "Europe/Berln", "is Europe/Berlin meant?" },
        { "berlin", "is Europe/Berlin meant?" },
        { "New_York", "is America/New_York meant?" },
        { "Europe", "there is no time zone Europe" },
        { "../../../etc/passwd", "there is no time zone ../" },
        { "/etc/passwd", "there is no time zone" },
        { "Europe/", "there is no time zone" },
        { "Nowhere/Atall/Xyzzy", "such as Europe/Berlin or UTC" },
        { "tzdata.zi", "there is no time zone" },
        { "leapseconds", "can't be read: it is no TZif file" },
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct weir_error err = { 0 };
        assert_null(zone_open(t(wrong[i][0]), &err));
        assert_int_equal(err.code, WEIR_INVALID);
        if (strstr(err.text, wrong[i][1]) == NULL)
            fail_msg("%s: %s", wrong[i][0], err.text);
    }
}

/* The bytes of a zone's file. */
static size_t
file_bytes(const char *name, uint8_t *ret, size_t room)
{
    char path[128];
    snprintf(path, sizeof path, FOLDER "/%s", name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t len = fread(ret, 1, room, f);
    fclose(f);
    assert_true(len > 100 && len < room);
    return len;
}

/* A copy of exactly LEN bytes, so that a sanitizer sees who reads beyond it. */
static struct zone *
read_exact(const uint8_t *bytes, size_t len)
{
    struct weir_error err = { 0 };
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    struct zone *z = zone_read(copy, len, &err);
    assert_int_equal(z == NULL, err.code == WEIR_INVALID);
    free(copy);
    return z;
}

static void
a_file_that_is_cut_off_is_refused(void **state)
{
    (void)state;
    static uint8_t bytes[8192];
    size_t len = file_bytes("Europe/Berlin", bytes, sizeof bytes);
    for (size_t n = 0; n < len; n++)
        assert_null(read_exact(bytes, n));
    struct zone *z = read_exact(bytes, len);
    assert_non_null(z);
    zone_close(&z);
}

static void
a_file_that_is_damaged_does_no_harm(void **state)
{
    (void)state;
    static uint8_t bytes[8192];
    size_t len = file_bytes("Asia/Gaza", bytes, sizeof bytes);
    for (size_t n = 0; n < len; n++) {
        uint8_t was = bytes[n];
        for (unsigned k = 0; k < 3; k++) {
            bytes[n] = (uint8_t[]){ 0, 0xff, (uint8_t)(was ^ 0x80) }[k];
            struct zone *z = read_exact(bytes, len);
            int64_t until = 0;
            for (int64_t u = 0; z != NULL && u < 4000000000; u += 100000000) {
                int32_t offset = zone_offset(z, u, &until);
                assert_true(offset > -OFFSET_MAX && offset < OFFSET_MAX && until > u);
            }
            zone_close(&z);
        }
        bytes[n] = was;
    }
}

static void
rules_are_read(void **state)
{
    (void)state;
    static const char *const good[] = { "UTC0",
                                        "<+0545>-5:45",
                                        "EST5EDT,M3.2.0,M11.1.0",
                                        "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
                                        "IST-1GMT0,M10.5.0,M3.5.0/1",
                                        "EST5EDT,0/0,J365/25" };
    static const char *const bad[] = { "",
                                       "CET",
                                       "CET-",
                                       "CET-1CEST",
                                       "CET-1CEST,",
                                       "CET-1CEST,M3.5.0",
                                       "CET-1CEST,M13.5.0,M10.5.0",
                                       "CET-1CEST,M0.5.0,M10.5.0",
                                       "CET-1CEST,M3.6.0,M10.5.0",
                                       "CET-1CEST,J0,J9",
                                       "CET-25",
                                       "CET-1CEST,M3.5.0,M10.5.0/3x",
                                       "<CET-1",
                                       "CET-1:60" };
    struct rule r;
    int64_t until;
    for (unsigned i = 0; i < sizeof good / sizeof *good; i++)
        if (!rule_read(good[i], strlen(good[i]), &r))
            fail_msg("%s", good[i]);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        if (rule_read(bad[i], strlen(bad[i]), &r))
            fail_msg("%s", bad[i]);
    /* Summer all the year, as RFC 9636 writes it. */
    assert_true(rule_read("EST5EDT,0/0,J365/25", 19, &r));
    for (int64_t u = at("2026-01-01T00:00:00Z"); u < at("2029-01-01T00:00:00Z"); u += 1800)
        assert_int_equal(rule_offset(&r, u, &until), -4 * 3600);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_system_agrees_on_sixty_years),
        cmocka_unit_test(a_schedule_follows_the_clocks_of_its_zone),
        cmocka_unit_test(what_is_no_zone_is_refused_with_what_is_near),
        cmocka_unit_test(a_file_that_is_cut_off_is_refused),
        cmocka_unit_test(a_file_that_is_damaged_does_no_harm),
        cmocka_unit_test(rules_are_read),
    };
    host = host_table();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
