/* expr/moment.c - see moment.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/moment.h"

#include <string.h>

/* A moment as people write it. */
struct civil {
    int64_t year; /* 0 to 9999 */
    unsigned month;
    unsigned day;
    unsigned hour;
    unsigned minute;
    unsigned second; /* 60 is read as the next minute's 0 */
    unsigned ms;
    unsigned week_day; /* 0: Sunday            */
    int offset;        /* minutes east of UTC  */
    bool is_unix;      /* UNIX counts instead  */
    int64_t unix_s;
};

static const char *const days[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                    "Thursday", "Friday", "Saturday" };
static const char *const months[] = { "January",   "February", "March",    "April",
                                      "May",       "June",     "July",     "August",
                                      "September", "October",  "November", "December" };

enum { DAY_S = 24 * 60 * 60, FROM_YEAR_0_TO_1970 = 719528, DAYS_OF_400_YEARS = 146097 };

static bool
is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned
days_in_month(int64_t year, unsigned month)
{
    static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return lengths[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

/* Days from the first of January of the year 0 to that of YEAR. */
static int64_t
days_before_year(int64_t year)
{
    if (year == 0)
        return 0;
    int64_t last = year - 1; /* year 0 is a leap year */
    return 365 * year + last / 4 - last / 100 + last / 400 + 1;
}

static int64_t
days_since_1970(const struct civil *c)
{
    int64_t n = days_before_year(c->year) + c->day - 1 - FROM_YEAR_0_TO_1970;
    for (unsigned m = 1; m < c->month; m++)
        n += days_in_month(c->year, m);
    return n;
}

/* False: before the year 0 or after 9999. */
static bool
civil_of(int64_t ms, struct civil *ret)
{
    const int64_t least = -(int64_t)FROM_YEAR_0_TO_1970 * DAY_S * 1000;
    const int64_t end = (days_before_year(10000) - FROM_YEAR_0_TO_1970) * DAY_S * 1000;
    if (ms < least || ms >= end)
        return false;
    int64_t from_0 = ms - least;
    int64_t day = from_0 / 1000 / DAY_S;
    unsigned s = (unsigned)(from_0 / 1000 % DAY_S);
    struct civil c = { .unix_s = from_0 / 1000 + least / 1000,
                       .ms = (unsigned)(from_0 % 1000),
                       .second = s % 60,
                       .minute = s / 60 % 60,
                       .hour = s / 3600,
                       .week_day = (unsigned)((day + 6) % 7),
                       .month = 1 };
    c.year = day * 400 / DAYS_OF_400_YEARS;
    while (days_before_year(c.year) > day)
        c.year--;
    while (days_before_year(c.year + 1) <= day)
        c.year++;
    day -= days_before_year(c.year);
    while (day >= days_in_month(c.year, c.month))
        day -= days_in_month(c.year, c.month++);
    c.day = (unsigned)day + 1;
    *ret = c;
    return true;
}

static enum weir_code
ms_of(const struct civil *c, int64_t *ret, struct weir_error *err)
{
    if (c->is_unix) {
        *ret = c->unix_s * 1000 + c->ms;
        return WEIR_OK;
    }
    if (c->month < 1 || c->month > 12 || c->day < 1 ||
        c->day > days_in_month(c->year, c->month))
        return err_set(err, WEIR_INVALID, "there is no such day");
    if (c->hour > 23 || c->minute > 59 || c->second > 60)
        return err_set(err, WEIR_INVALID, "there is no such time of day");
    int64_t s = days_since_1970(c) * DAY_S + c->hour * 3600 + c->minute * 60 + c->second;
    *ret = (s - c->offset * 60) * 1000 + c->ms;
    return WEIR_OK;
}

/* What a name or a directive stands for in other directives; NULL: for nothing. */
static const char *
pattern_of(struct weir_text name)
{
    return text_is(name, "rfc3339") ? "%Y-%m-%dT%H:%M:%S.%LZ"
           : text_is(name, "http")  ? "%a, %d %b %Y %H:%M:%S GMT"
           : text_is(name, "date")  ? "%Y-%m-%d"
           : text_is(name, "F")     ? "%Y-%m-%d"
           : text_is(name, "T")     ? "%H:%M:%S"
                                    : NULL;
}

static bool
is_directive(char c)
{
    return c != '\0' && strchr("YmdHMSLaAbBzsFT%", c) != NULL;
}

enum weir_code
moment_check(struct weir_text layout, struct weir_error *err)
{
    if (pattern_of(layout) != NULL && layout.len > 1)
        return WEIR_OK;
    bool any = false;
    for (size_t i = 0; i < layout.len; i++) {
        if (layout.bytes[i] != '%')
            continue;
        any = true;
        i++;
        if (i == layout.len || !is_directive(layout.bytes[i]))
            return err_set(err, WEIR_INVALID,
                           "unknown directive in the layout; there are %%Y %%m %%d %%H %%M %%S "
                           "%%L %%a %%A %%b %%B %%z %%s %%F %%T %%%%");
    }
    return any ? WEIR_OK
               : err_set(err, WEIR_INVALID,
                         "a layout is rfc3339, http, date, or has directives "
                         "such as %%Y-%%m-%%d");
}

/* -- writing -- */

static bool
write_directive(struct buf *out, const struct civil *c, char directive)
{
    switch (directive) {
    case 'Y':
        return buf_printf(out, "%04d", (int)c->year);
    case 'm':
        return buf_printf(out, "%02u", c->month);
    case 'd':
        return buf_printf(out, "%02u", c->day);
    case 'H':
        return buf_printf(out, "%02u", c->hour);
    case 'M':
        return buf_printf(out, "%02u", c->minute);
    case 'S':
        return buf_printf(out, "%02u", c->second);
    case 'L':
        return buf_printf(out, "%03u", c->ms);
    case 'a':
        return buf_printf(out, "%.3s", days[c->week_day]);
    case 'A':
        return buf_puts(out, days[c->week_day]);
    case 'b':
        return buf_printf(out, "%.3s", months[c->month - 1]);
    case 'B':
        return buf_puts(out, months[c->month - 1]);
    case 'z':
        return buf_puts(out, "+0000");
    case 's':
        return buf_printf(out, "%lld", (long long)c->unix_s);
    default:
        return buf_putc(out, '%');
    }
}

/* Writes by a pattern in which %F and %T may stand, too. */
static bool
write_pattern(struct buf *out, const struct civil *c, struct weir_text pattern)
{
    bool good = true;
    for (size_t i = 0; good && i < pattern.len; i++) {
        if (pattern.bytes[i] != '%') {
            good = buf_putc(out, pattern.bytes[i]);
            continue;
        }
        i++;
        char d = pattern.bytes[i];
        const char *more = pattern_of((struct weir_text){ pattern.bytes + i, 1 });
        if (more == NULL)
            good = write_directive(out, c, d);
        for (; good && more != NULL && *more != '\0'; more++)
            good = *more == '%' ? write_directive(out, c, *++more) : buf_putc(out, *more);
    }
    return good;
}

enum weir_code
moment_format(struct buf *out, int64_t ms, struct weir_text layout, struct weir_error *err)
{
    struct civil c;
    enum weir_code code = moment_check(layout, err);
    if (code != WEIR_OK)
        return code;
    if (!civil_of(ms, &c))
        return err_set(err, WEIR_INVALID, "the time is not in the years 0 to 9999");
    const char *named = layout.len > 1 ? pattern_of(layout) : NULL;
    if (!write_pattern(out, &c, named != NULL ? text_of(named) : layout))
        return err_set(err, WEIR_TOO_LARGE, "more than %zu bytes", out->max);
    return WEIR_OK;
}

/* -- reading -- */

/* A text that is being read. */
struct reader {
    struct weir_text text;
    size_t at;
    struct civil c;
};

static inline char
peek(const struct reader *r)
{
    return r->at < r->text.len ? r->text.bytes[r->at] : '\0';
}

static bool
read_char(struct reader *r, char c)
{
    if (r->at == r->text.len || r->text.bytes[r->at] != c)
        return false;
    r->at++;
    return true;
}

/* Reads from LEAST to MOST digits. */
static bool
read_digits(struct reader *r, unsigned least, unsigned most, unsigned *ret)
{
    unsigned n = 0;
    unsigned value = 0;
    for (; n < most && peek(r) >= '0' && peek(r) <= '9'; n++, r->at++)
        value = value * 10 + (unsigned)(peek(r) - '0');
    *ret = value;
    return n >= least;
}

/* Reads a fraction of a second; what is less than a millisecond is cut off. */
static bool
read_fraction(struct reader *r)
{
    unsigned n = 0;
    unsigned ms = 0;
    for (; peek(r) >= '0' && peek(r) <= '9'; n++, r->at++)
        if (n < 3)
            ms = ms * 10 + (unsigned)(peek(r) - '0');
    for (unsigned i = n; i < 3; i++)
        ms *= 10;
    r->c.ms = ms;
    return n > 0;
}

/* Reads one of N names, whole or its first three letters. */
static bool
read_name(struct reader *r, const char *const *names, unsigned n, bool whole, unsigned *ret)
{
    for (unsigned i = 0; i < n; i++) {
        size_t len = whole ? strlen(names[i]) : 3;
        if (r->text.len - r->at >= len && memcmp(r->text.bytes + r->at, names[i], len) == 0) {
            r->at += len;
            *ret = i;
            return true;
        }
    }
    return false;
}

/* Reads Z, +HHMM or +HH:MM. */
static bool
read_offset(struct reader *r)
{
    unsigned hours;
    unsigned minutes;
    char sign = peek(r);
    if (sign == 'Z' || sign == 'z') {
        r->at++;
        return true;
    }
    if (sign != '+' && sign != '-')
        return false;
    r->at++;
    if (!read_digits(r, 2, 2, &hours))
        return false;
    (void)read_char(r, ':'); /* may be left out */
    if (!read_digits(r, 2, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    int offset = (int)(hours * 60 + minutes);
    r->c.offset = sign == '-' ? -offset : offset;
    return true;
}

static bool
read_unix(struct reader *r)
{
    bool negative = read_char(r, '-');
    int64_t s = 0;
    unsigned n = 0;
    for (; n < 13 && peek(r) >= '0' && peek(r) <= '9'; n++, r->at++)
        s = s * 10 + (peek(r) - '0');
    r->c.is_unix = true;
    r->c.unix_s = negative ? -s : s;
    return n > 0;
}

static bool
read_directive(struct reader *r, char directive)
{
    unsigned n;
    switch (directive) {
    case 'Y':
        if (!read_digits(r, 4, 4, &n))
            return false;
        r->c.year = n;
        return true;
    case 'm':
        return read_digits(r, 1, 2, &r->c.month);
    case 'd':
        return read_digits(r, 1, 2, &r->c.day);
    case 'H':
        return read_digits(r, 1, 2, &r->c.hour);
    case 'M':
        return read_digits(r, 1, 2, &r->c.minute);
    case 'S':
        return read_digits(r, 1, 2, &r->c.second);
    case 'L':
        return read_fraction(r);
    case 'a':
    case 'A':
        return read_name(r, days, 7, directive == 'A', &n);
    case 'b':
    case 'B':
        if (!read_name(r, months, 12, directive == 'B', &n))
            return false;
        r->c.month = n + 1;
        return true;
    case 'z':
        return read_offset(r);
    case 's':
        return read_unix(r);
    default:
        return read_char(r, '%');
    }
}

static bool
read_pattern(struct reader *r, struct weir_text pattern)
{
    bool good = true;
    for (size_t i = 0; good && i < pattern.len; i++) {
        if (pattern.bytes[i] != '%') {
            good = read_char(r, pattern.bytes[i]);
            continue;
        }
        i++;
        char d = pattern.bytes[i];
        const char *more = pattern_of((struct weir_text){ pattern.bytes + i, 1 });
        if (more == NULL)
            good = read_directive(r, d);
        for (; good && more != NULL && *more != '\0'; more++)
            good = *more == '%' ? read_directive(r, *++more) : read_char(r, *more);
    }
    return good;
}

/* Reads RFC 3339; a blank for the T, and a date alone, will do. */
static bool
read_rfc3339(struct reader *r)
{
    unsigned year;
    if (!read_digits(r, 4, 4, &year) || !read_char(r, '-') ||
        !read_digits(r, 2, 2, &r->c.month) || !read_char(r, '-') ||
        !read_digits(r, 2, 2, &r->c.day))
        return false;
    r->c.year = year;
    if (r->at == r->text.len)
        return true;
    if (!read_char(r, 'T') && !read_char(r, 't') && !read_char(r, ' '))
        return false;
    if (!read_digits(r, 2, 2, &r->c.hour) || !read_char(r, ':') ||
        !read_digits(r, 2, 2, &r->c.minute) || !read_char(r, ':') ||
        !read_digits(r, 2, 2, &r->c.second))
        return false;
    if (read_char(r, '.') && !read_fraction(r))
        return false;
    return read_offset(r);
}

enum weir_code
moment_parse(struct weir_text text, struct weir_text layout, int64_t *ret_ms,
             struct weir_error *err)
{
    struct reader r = { .text = text, .c = { .year = 1970, .month = 1, .day = 1 } };
    enum weir_code code = moment_check(layout, err);
    if (code != WEIR_OK)
        return code;
    const char *named = layout.len > 1 ? pattern_of(layout) : NULL;
    bool good = text_is(layout, "rfc3339")
                    ? read_rfc3339(&r)
                    : read_pattern(&r, named != NULL ? text_of(named) : layout);
    if (!good || r.at != text.len)
        return err_set(err, WEIR_INVALID, "the text is no time in this layout");
    return ms_of(&r.c, ret_ms, err);
}
