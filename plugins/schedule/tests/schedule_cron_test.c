/* schedule/tests/schedule_cron_test.c - cron expressions: what they mean, and what is refused.
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

static struct weir_text
t(const char *text)
{
    return (struct weir_text){ text, strlen(text) };
}

static int64_t
at(const char *text)
{
    struct tm parts = { 0 };
    assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &parts));
    return timegm(&parts);
}

static const char *
shown(int64_t local)
{
    static char text[32];
    struct tm parts;
    time_t seconds = (time_t)local;
    assert_non_null(gmtime_r(&seconds, &parts));
    strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts);
    return text;
}

struct known {
    const char *cron;
    const char *from;
    const char *next;
    const char *then;
};

/* 2026-01-01 is a Thursday. */
static const struct known known[] = {
    { "* * * * *", "2026-01-01 00:00:00", "2026-01-01 00:00", "2026-01-01 00:01" },
    { "* * * * *", "2026-01-01 00:00:01", "2026-01-01 00:01", "2026-01-01 00:02" },
    { "* * * * *", "2026-12-31 23:59:30", "2027-01-01 00:00", "2027-01-01 00:01" },
    { "*/15 * * * *", "2026-01-01 10:46:00", "2026-01-01 11:00", "2026-01-01 11:15" },
    { "10-40/15 * * * *", "2026-01-01 10:00:00", "2026-01-01 10:10", "2026-01-01 10:25" },
    { "*/25 * * * *", "2026-01-01 10:26:00", "2026-01-01 10:50", "2026-01-01 11:00" },
    { "5,10-12 3 * * *", "2026-01-01 03:06:00", "2026-01-01 03:10", "2026-01-01 03:11" },
    { "0 9 * * MON-FRI", "2026-01-02 09:01:00", "2026-01-05 09:00", "2026-01-06 09:00" },
    { "0 9 * * mon-fri", "2026-01-02 09:00:00", "2026-01-02 09:00", "2026-01-05 09:00" },
    { "0 9 * * 1-5", "2026-01-03 00:00:00", "2026-01-05 09:00", "2026-01-06 09:00" },
    { "0 0 * * 7", "2026-01-01 00:00:00", "2026-01-04 00:00", "2026-01-11 00:00" },
    { "0 0 * * SUN", "2026-01-01 00:00:00", "2026-01-04 00:00", "2026-01-11 00:00" },
    { "0 0 * * FRI-SUN", "2026-01-03 00:01:00", "2026-01-04 00:00", "2026-01-09 00:00" },
    { "0 0 * * 5-7", "2026-01-03 00:01:00", "2026-01-04 00:00", "2026-01-09 00:00" },
    { "0 0 * * SUN-TUE", "2026-01-01 00:00:00", "2026-01-04 00:00", "2026-01-05 00:00" },
    { "0 12 31 * *", "2026-01-31 12:01:00", "2026-03-31 12:00", "2026-05-31 12:00" },
    { "0 0 29 2 *", "2026-01-01 00:00:00", "2028-02-29 00:00", "2032-02-29 00:00" },
    { "0 0 29 FEB *", "2096-03-01 00:00:00", "2104-02-29 00:00", "2108-02-29 00:00" },
    { "0 0 1 JAN,jul *", "2026-01-01 00:01:00", "2026-07-01 00:00", "2027-01-01 00:00" },
    /* Either of two day fields that are restricted. */
    { "0 0 13 * FRI", "2026-01-01 00:00:00", "2026-01-02 00:00", "2026-01-09 00:00" },
    { "0 0 13 * FRI", "2026-01-10 00:00:00", "2026-01-13 00:00", "2026-01-16 00:00" },
    /* A field that begins with * restricts, but is no alternative. */
    { "0 0 */2 * FRI", "2026-01-01 00:00:00", "2026-01-09 00:00", "2026-01-23 00:00" },
    { "0 0 13 * */5", "2026-01-01 00:00:00", "2026-02-13 00:00", "2026-03-13 00:00" },
    { "@hourly", "2026-01-01 10:00:01", "2026-01-01 11:00", "2026-01-01 12:00" },
    { "@daily", "2026-01-01 10:00:00", "2026-01-02 00:00", "2026-01-03 00:00" },
    { "@weekly", "2026-01-01 10:00:00", "2026-01-04 00:00", "2026-01-11 00:00" },
    { "@monthly", "2026-01-01 10:00:00", "2026-02-01 00:00", "2026-03-01 00:00" },
    { "@Yearly", "2026-01-01 10:00:00", "2027-01-01 00:00", "2028-01-01 00:00" },
    { "  0\t 0  * *   *  ", "2026-01-01 10:00:00", "2026-01-02 00:00", "2026-01-03 00:00" },
};

static void
each_has_its_next_times(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        const struct known *k = &known[i];
        struct weir_error err = { 0 };
        struct cron c;
        int64_t next;
        if (cron_read(t(k->cron), &c, &err) != WEIR_OK)
            fail_msg("%s: %s", k->cron, err.text);
        assert_true(cron_next(&c, at(k->from), &next));
        if (strcmp(shown(next), k->next) != 0)
            fail_msg("%s from %s: %s, not %s", k->cron, k->from, shown(next), k->next);
        assert_true(cron_next(&c, next + 60, &next));
        if (strcmp(shown(next), k->then) != 0)
            fail_msg("%s after %s: %s, not %s", k->cron, k->next, shown(next), k->then);
    }
}

/* What is wrong, and what the error has to say. */
static const char *const wrong[][2] = {
    { "", "five fields" },
    { "* * * *", "has 4" },
    { "* * * * * *", "at least 6" },
    { "0 0 1 1 * 2026 x", "at least 6" },
    { "60 * * * *", "the minute '60'" },
    { "* 24 * * *", "the hour '24'" },
    { "* * 0 * *", "the day of the month '0'" },
    { "* * 32 * *", "from 1 to 31" },
    { "* * * 13 *", "the month '13'" },
    { "* * * JANUARY *", "the month 'JANUARY'" },
    { "* * * * 8", "the day of the week '8'" },
    { "* * * * L", "the day of the week 'L'" },
    { "5-1 * * * *", "the minute '5-1'" },
    { "*/0 * * * *", "the minute '*/0'" },
    { "5/15 * * * *", "the minute '5/15'" },
    { "*/ * * * *", "the minute '*/'" },
    { "*/5/5 * * * *", "the minute '*/5/5'" },
    { "1-2-3 * * * *", "the minute '1-2-3'" },
    { "-5 * * * *", "the minute '-5'" },
    { "1- * * * *", "the minute '1-'" },
    { "1,,2 * * * *", "the minute '1,,2'" },
    { "1, * * * *", "the minute '1,'" },
    { "+1 * * * *", "the minute '+1'" },
    { "99999999999999999999 * * * *", "the minute '9999" },
    { "@reboot", "none of @hourly" },
    { "@", "none of @hourly" },
    { "0 0 30 2 *", "never fires" },
    { "0 0 31 2,4,6,9,11 *", "never fires" },
};

static void
what_is_wrong_is_named(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct weir_error err = { 0 };
        struct cron c;
        assert_int_equal(cron_read(t(wrong[i][0]), &c, &err), WEIR_INVALID);
        assert_int_equal(err.code, WEIR_INVALID);
        if (strstr(err.text, wrong[i][1]) == NULL)
            fail_msg("%s: %s", wrong[i][0], err.text);
    }
}

/* The same as looking at every minute one after another. */
static void
no_minute_is_left_out(void **state)
{
    (void)state;
    static const char *const texts[] = { "7,*/13 1-5/2,22 * * *", "0 6 1,15 * TUE",
                                         "59 23 28-31 2,12 *", "*/7 */5 */3 */2 */2" };
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct weir_error err = { 0 };
        struct cron c;
        int64_t next = 0, from = at("2027-12-01 00:00:00");
        assert_int_equal(cron_read(t(texts[i]), &c, &err), WEIR_OK);
        for (int64_t m = from; m < from + 100 * DAY; m += 60) {
            bool fits = c.minutes >> m / 60 % 60 & 1 && c.hours >> m / 3600 % 24 & 1 &&
                        fits_day(&c, m / DAY);
            assert_true(cron_next(&c, m, &next));
            assert_int_equal(next == m, fits);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_next_times),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(no_minute_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
