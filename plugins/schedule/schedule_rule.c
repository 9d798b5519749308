/* schedule/schedule_rule.c - see schedule_rule.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "schedule_rule.h"

#include <string.h>
#include <time.h>

#define DAY 86400

/* What is left to be read; it has a NUL at its end. */
struct cursor {
    const char *at;
};

static bool
take(struct cursor *c, char what)
{
    if (*c->at != what)
        return false;
    c->at++;
    return true;
}

static bool
take_number(struct cursor *c, int max, int *ret)
{
    int n = 0;
    const char *start = c->at;
    while (*c->at >= '0' && *c->at <= '9' && c->at - start < 4)
        n = n * 10 + (*c->at++ - '0');
    *ret = n;
    return c->at > start && n <= max;
}

/* CET, or <+03>. */
static bool
skip_name(struct cursor *c)
{
    const char *start = c->at;
    if (take(c, '<')) {
        while (*c->at != '\0' && *c->at != '>')
            c->at++;
        return take(c, '>');
    }
    while ((*c->at >= 'A' && *c->at <= 'Z') || (*c->at >= 'a' && *c->at <= 'z'))
        c->at++;
    return c->at - start >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool
take_time(struct cursor *c, int max_hours, int32_t *ret)
{
    int hours, minutes = 0, seconds = 0;
    bool minus = take(c, '-');
    if (!minus)
        (void)take(c, '+');
    if (!take_number(c, max_hours, &hours))
        return false;
    if (take(c, ':') && !take_number(c, 59, &minutes))
        return false;
    if (take(c, ':') && !take_number(c, 59, &seconds))
        return false;
    *ret = hours * 3600 + minutes * 60 + seconds;
    if (minus)
        *ret = -*ret;
    return true;
}

static bool
take_day(struct cursor *c, struct rule_day *ret)
{
    *ret = (struct rule_day){ .kind = 'D', .time = 2 * 3600 };
    if (take(c, 'M')) {
        ret->kind = 'M';
        if (!take_number(c, 12, &ret->month) || !take(c, '.') ||
            !take_number(c, 5, &ret->week) || !take(c, '.') || !take_number(c, 6, &ret->day) ||
            ret->month == 0 || ret->week == 0)
            return false;
    } else if (take(c, 'J')) {
        ret->kind = 'J';
        if (!take_number(c, 365, &ret->day) || ret->day == 0)
            return false;
    } else if (!take_number(c, 365, &ret->day)) {
        return false;
    }
    return !take(c, '/') || take_time(c, 167, &ret->time);
}

bool
rule_read(const char *text, size_t len, struct rule *ret)
{
    char copy[128];
    struct cursor c = { copy };
    if (len >= sizeof copy || memchr(text, '\0', len) != NULL)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    *ret = (struct rule){ 0 };
    if (!skip_name(&c) || !take_time(&c, 24, &ret->standard))
        return false;
    ret->standard = -ret->standard; /* written as west of Greenwich */
    if (*c.at == '\0')
        return true;
    ret->has_summer = true;
    ret->summer = ret->standard + 3600;
    if (!skip_name(&c))
        return false;
    if (*c.at != ',') {
        if (!take_time(&c, 24, &ret->summer))
            return false;
        ret->summer = -ret->summer;
    }
    return take(&c, ',') && take_day(&c, &ret->begin) && take(&c, ',') &&
           take_day(&c, &ret->end) && *c.at == '\0';
}

static int64_t
first_day(int year, int month)
{
    struct tm parts = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = 1 };
    return timegm(&parts) / DAY;
}

static bool
is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The time of D in YEAR, on a clock that is OFFSET east of UTC. */
static int64_t
moment_of(const struct rule_day *d, int year, int32_t offset)
{
    int64_t day;
    if (d->kind == 'M') {
        int64_t first = first_day(year, d->month);
        int64_t next = d->month < 12 ? first_day(year, d->month + 1) : first_day(year + 1, 1);
        int64_t weekday =
            (first + 4) % 7; /* 1970-01-01 was a Thursday; no year before is asked */
        day = first + (d->day - weekday + 7) % 7 + 7 * (d->week - 1);
        while (day >= next)
            day -= 7;
    } else {
        day = first_day(year, 1) + d->day;
        if (d->kind == 'J' && !(is_leap(year) && d->day >= 60))
            day--;
    }
    return day * DAY + d->time - offset;
}

int32_t
rule_offset(const struct rule *r, int64_t utc, int64_t *ret_until)
{
    int64_t last = INT64_MIN, until = INT64_MAX;
    time_t seconds = (time_t)utc;
    struct tm parts;
    int32_t offset = r->standard;
    *ret_until = INT64_MAX;
    if (!r->has_summer || utc < 0 || gmtime_r(&seconds, &parts) == NULL)
        return offset;
    for (int year = parts.tm_year + 1899; year <= parts.tm_year + 1901; year++) {
        int64_t begin = moment_of(&r->begin, year, r->standard);
        int64_t end = moment_of(&r->end, year, r->summer);
        if (begin <= utc && begin >= last) {
            last = begin;
            offset = r->summer;
        }
        if (end <= utc && end > last) {
            last = end;
            offset = r->standard;
        }
        if (begin > utc && begin < until)
            until = begin;
        if (end > utc && end < until)
            until = end;
    }
    *ret_until = until;
    return offset;
}
