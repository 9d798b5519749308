/* schedule/schedule_cron.c - see schedule_cron.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "schedule_cron.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DAY 86400
#define DAYS_AHEAD 15000 /* 41 years: a 29 February on a certain weekday comes within 40 */

/* What a field may hold. */
struct field {
    const char *name;
    unsigned min;
    unsigned max;
    const char *words; /* three letters each; the first one stands for MIN */
};

enum { MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK, FIELDS };

static const struct field fields[FIELDS] = {
    { "minute", 0, 59, "" },
    { "hour", 0, 23, "" },
    { "day of the month", 1, 31, "" },
    { "month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC" },
    { "day of the week", 0, 7, "SUNMONTUEWEDTHUFRISAT" },
};

static const struct {
    const char *name;
    const char *text;
} shorts[] = {
    { "@hourly", "0 * * * *" },   { "@daily", "0 0 * * *" },   { "@midnight", "0 0 * * *" },
    { "@weekly", "0 0 * * 0" },   { "@monthly", "0 0 1 * *" }, { "@yearly", "0 0 1 1 *" },
    { "@annually", "0 0 1 1 *" },
};

static uint32_t
wrong_field(const struct field *f, struct weir_text part, struct weir_error *err)
{
    int len = (int)(part.len < 64 ? part.len : 64);
    err->code = WEIR_INVALID;
    snprintf(
        err->text, sizeof err->text,
        "the %s '%.*s' of the cron expression must be *, a number from %u to %u%s, a range "
        "such as %u-%u, either of * and a range with a step (*/2), or a list of these",
        f->name, len, part.bytes, f->min, f->max,
        f == &fields[MONTH]         ? ", a name such as JAN"
        : f == &fields[DAY_OF_WEEK] ? ", a name such as MON"
                                    : "",
        f->min, f->max);
    return WEIR_INVALID;
}

/* The text before the next character C, or all of it; *TEXT is what follows. False: the end. */
static bool
cut(struct weir_text *text, char c, struct weir_text *ret)
{
    if (text->bytes == NULL)
        return false;
    const char *at = memchr(text->bytes, c, text->len);
    *ret = (struct weir_text){ text->bytes, at ? (size_t)(at - text->bytes) : text->len };
    if (at != NULL)
        *text = (struct weir_text){ at + 1, text->len - ret->len - 1 };
    else
        text->bytes = NULL;
    return true;
}

static bool
read_number(struct weir_text text, unsigned *ret)
{
    unsigned n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9' || n > 99)
            return false;
        n = n * 10 + (unsigned)(text.bytes[i] - '0');
    }
    *ret = n;
    return text.len > 0;
}

/* A number or a name. */
static bool
read_one(const struct field *f, struct weir_text text, unsigned *ret)
{
    unsigned n = (unsigned)strlen(f->words) / 3;
    for (unsigned i = 0; i < n && text.len == 3; i++)
        if (strncasecmp(text.bytes, f->words + 3 * i, 3) == 0) {
            *ret = f->min + i;
            return true;
        }
    return read_number(text, ret) && *ret >= f->min && *ret <= f->max;
}

/* "1-5", "FRI-SUN", "7", "*". *RET_OPEN: a step may follow. */
static bool
read_range(const struct field *f, struct weir_text text, unsigned ret[2], bool *ret_open)
{
    struct weir_text low, high;
    *ret_open = true;
    ret[0] = f->min;
    ret[1] = f == &fields[DAY_OF_WEEK] ? 6 : f->max;
    if (text.len == 1 && text.bytes[0] == '*')
        return true;
    (void)cut(&text, '-', &low);
    if (!read_one(f, low, &ret[0]))
        return false;
    *ret_open = cut(&text, '-', &high);
    if (!*ret_open) {
        ret[1] = ret[0];
        return true;
    }
    if (text.bytes != NULL || !read_one(f, high, &ret[1]))
        return false;
    if (f == &fields[DAY_OF_WEEK] && ret[1] == 0)
        ret[1] = 7; /* the Sunday at the end of a week */
    return ret[0] <= ret[1];
}

/* One item of a list, added to *BITS. */
static bool
read_item(const struct field *f, struct weir_text text, uint64_t *bits)
{
    struct weir_text range, step;
    unsigned ends[2], by = 1;
    bool open;
    (void)cut(&text, '/', &range);
    if (!read_range(f, range, ends, &open))
        return false;
    if (cut(&text, '/', &step) &&
        (!open || text.bytes != NULL || !read_number(step, &by) || by == 0))
        return false;
    for (unsigned n = ends[0]; n <= ends[1]; n += by)
        *bits |= UINT64_C(1) << n;
    return true;
}

static uint32_t
read_field(const struct field *f, struct weir_text text, uint64_t *ret, struct weir_error *err)
{
    struct weir_text rest = text, item;
    *ret = 0;
    while (cut(&rest, ',', &item))
        if (!read_item(f, item, ret))
            return wrong_field(f, text, err);
    return WEIR_OK;
}

/* Splits at blanks; returns how many parts there are, FIELDS + 1 if there are more. */
static unsigned
split(struct weir_text text, struct weir_text ret[FIELDS])
{
    unsigned n = 0;
    for (size_t i = 0; i < text.len;) {
        size_t start = i;
        while (i < text.len && text.bytes[i] != ' ' && text.bytes[i] != '\t')
            i++;
        if (i > start && n == FIELDS)
            return FIELDS + 1;
        if (i > start)
            ret[n++] = (struct weir_text){ text.bytes + start, i - start };
        i += i < text.len;
    }
    return n;
}

static uint32_t
read_short(struct weir_text *text, struct weir_error *err)
{
    for (unsigned i = 0; i < sizeof shorts / sizeof *shorts; i++)
        if (strlen(shorts[i].name) == text->len &&
            strncasecmp(shorts[i].name, text->bytes, text->len) == 0) {
            *text = (struct weir_text){ shorts[i].text, strlen(shorts[i].text) };
            return WEIR_OK;
        }
    return refuse(err, WEIR_INVALID,
                  "'%.*s' is none of @hourly, @daily, @weekly, @monthly and @yearly",
                  (int)(text->len < 64 ? text->len : 64), text->bytes);
}

uint32_t
cron_read(struct weir_text text, struct cron *ret, struct weir_error *err)
{
    struct weir_text parts[FIELDS];
    uint64_t bits[FIELDS];
    int64_t some;
    if (text.len > 0 && text.bytes[0] == '@' && read_short(&text, err) != WEIR_OK)
        return WEIR_INVALID;
    unsigned n = split(text, parts);
    if (n != FIELDS)
        return refuse(err, WEIR_INVALID,
                      "a cron expression has five fields (minute, hour, day of the month, month, day "
                      "of the week), such as '0 9 * * MON-FRI'; this one has %s%u",
                      n > FIELDS ? "at least " : "", n);
    for (unsigned i = 0; i < FIELDS; i++)
        if (read_field(&fields[i], parts[i], &bits[i], err) != WEIR_OK)
            return WEIR_INVALID;
    uint64_t week = bits[DAY_OF_WEEK];
    *ret = (struct cron){
        .minutes = bits[MINUTE],
        .hours = (uint32_t)bits[HOUR],
        .days = (uint32_t)bits[DAY_OF_MONTH],
        .months = (uint32_t)bits[MONTH],
        .weekdays = (uint32_t)((week | week >> 7) & 0x7f),
        .any_day = parts[DAY_OF_MONTH].bytes[0] == '*',
        .any_weekday = parts[DAY_OF_WEEK].bytes[0] == '*',
    };
    if (cron_next(ret, 0, &some))
        return WEIR_OK;
    return refuse(err, WEIR_INVALID,
                  "no month of '%.*s' has such a day: this cron expression never fires",
                  (int)(text.len < 64 ? text.len : 64), text.bytes);
}

/* As Vixie cron does: of two day fields that are both restricted, one is enough. */
static bool
fits_day(const struct cron *c, int64_t day)
{
    time_t seconds = (time_t)(day * DAY);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL || !(c->months >> (parts.tm_mon + 1) & 1))
        return false;
    bool in_month = c->days >> parts.tm_mday & 1;
    bool in_week = c->weekdays >> parts.tm_wday & 1;
    return c->any_day || c->any_weekday ? in_month && in_week : in_month || in_week;
}

/* The first set bit of BITS at or after N; -1: none. */
static int
bit_after(uint64_t bits, unsigned n)
{
    bits = n < 64 ? bits >> n << n : 0;
    return bits != 0 ? __builtin_ctzll(bits) : -1;
}

/* The first minute of a day at or after MINUTE; -1: none. */
static int
minute_after(const struct cron *c, unsigned minute)
{
    int hour = bit_after(c->hours, minute / 60);
    int m = hour == (int)(minute / 60) ? bit_after(c->minutes, minute % 60) : -1;
    if (hour >= 0 && m < 0) {
        if (hour == (int)(minute / 60))
            hour = bit_after(c->hours, minute / 60 + 1);
        m = bit_after(c->minutes, 0);
    }
    return hour < 0 ? -1 : hour * 60 + m;
}

bool
cron_next(const struct cron *c, int64_t local, int64_t *ret)
{
    int64_t minutes = local / 60 + (local % 60 > 0);
    if (local < 0) /* nobody asks for a time before 1970 */
        minutes = 0;
    int64_t first = minutes / (DAY / 60);
    for (int64_t day = first; day < first + DAYS_AHEAD; day++) {
        int m = minute_after(c, day == first ? (unsigned)(minutes % (DAY / 60)) : 0);
        if (m < 0 || !fits_day(c, day))
            continue;
        *ret = day * DAY + (int64_t)m * 60;
        return true;
    }
    return false;
}

bool
cron_is_hourly(const struct cron *c)
{
    return c->hours == 0xffffff;
}
