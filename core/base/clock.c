/* base/clock.c - see clock.h.
 *
 * The calendar is reckoned here because gmtime_r takes a lock of the whole process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define LAST_MS 253402300799999u /* the end of the year 9999 */

uint64_t
clock_mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

uint64_t
clock_mono_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static _Atomic uint64_t held_ms;

void
clock_wall_hold(uint64_t ms)
{
    atomic_store(&held_ms, ms);
}

uint64_t
clock_wall_ms(void)
{
    uint64_t held = atomic_load_explicit(&held_ms, memory_order_relaxed);
    if (held != 0)
        return held;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec < 0 ? 0 : (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct date {
    unsigned year;
    unsigned month;   /* 0 to 11 */
    unsigned day;     /* 1 to 31 */
    unsigned weekday; /* 0: Sunday */
    unsigned second;  /* of the day */
};

/* Days from 1970 to the start of YEAR. */
static unsigned
days_before(unsigned year)
{
    unsigned past = year - 1;
    unsigned leap_days = past / 4 - past / 100 + past / 400;
    return (year - 1970) * 365 + leap_days - 477; /* 477 leap days before 1970 */
}

static struct date
date_of(uint64_t wall_ms)
{
    static const unsigned starts[2][13] = {
        { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 },
        { 0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366 },
    };
    uint64_t seconds = wall_ms / 1000;
    unsigned days = (unsigned)(seconds / 86400);

    unsigned year = 1970 + days / 366; /* never too late, hardly ever by more than one */
    while (days_before(year + 1) <= days)
        year++;
    unsigned day = days - days_before(year);
    const unsigned *start = starts[(year % 4 == 0 && year % 100 != 0) || year % 400 == 0];
    unsigned month = day / 32;
    while (start[month + 1] <= day)
        month++;
    return (struct date){
        .year = year,
        .month = month,
        .day = day - start[month] + 1,
        .weekday = (days + 4) % 7,
        .second = (unsigned)(seconds % 86400),
    };
}

/* Writes the last N decimal digits of X. */
static void
digits(char *ret, unsigned n, unsigned x)
{
    while (n-- > 0) {
        ret[n] = (char)('0' + x % 10);
        x /= 10;
    }
}

/* Writes HH:MM:SS. */
static void
time_of_day(char *ret, unsigned second)
{
    digits(ret, 2, second / 3600);
    digits(ret + 3, 2, second / 60 % 60);
    digits(ret + 6, 2, second % 60);
}

void
clock_text(uint64_t wall_ms, char ret[CLOCK_TEXT])
{
    if (wall_ms > LAST_MS)
        wall_ms = LAST_MS;
    struct date d = date_of(wall_ms);
    memcpy(ret, "0000-00-00T00:00:00.000Z", CLOCK_TEXT);
    digits(ret, 4, d.year);
    digits(ret + 5, 2, d.month + 1);
    digits(ret + 8, 2, d.day);
    time_of_day(ret + 11, d.second);
    digits(ret + 20, 3, (unsigned)(wall_ms % 1000));
}

void
clock_http(uint64_t wall_ms, char ret[CLOCK_HTTP])
{
    if (wall_ms > LAST_MS)
        wall_ms = LAST_MS;
    struct date d = date_of(wall_ms);
    memcpy(ret, "Sun, 00 Jan 0000 00:00:00 GMT", CLOCK_HTTP);
    memcpy(ret, &"SunMonTueWedThuFriSat"[3 * d.weekday], 3);
    digits(ret + 5, 2, d.day);
    memcpy(ret + 8, &"JanFebMarAprMayJunJulAugSepOctNovDec"[3 * d.month], 3);
    digits(ret + 12, 4, d.year);
    time_of_day(ret + 17, d.second);
}
