/* base/units.c - durations, sizes, rates and percentages, see units.h.
 *
 * Figures are read as decimal fractions in integers, so that 1.5MiB is exact and what does
 * not come out even is refused rather than rounded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/units.h"

#include <stdio.h>
#include <string.h>

#define DURATION_MAX (100ull * 366 * 86400 * 1000) /* about 100 years */
#define DURATION_EXAMPLES "a duration such as 250ms, 5s, 1.5m, 2h or 3d"

struct unit {
    const char *name;
    uint64_t size;
};

static const struct unit durations[] = {
    { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

static const struct unit sizes[] = {
    { "B", 1 },
    { "KiB", 1ull << 10 },
    { "MiB", 1ull << 20 },
    { "GiB", 1ull << 30 },
    { "TiB", 1ull << 40 },
    { "KB", 1000 },
    { "MB", 1000000 },
    { "GB", 1000000000 },
    { "TB", 1000000000000 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A figure: DIGITS / SCALE, SCALE being a power of ten. */
struct figure {
    uint64_t digits;
    uint64_t scale;
};

static inline bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads "12" or "1.5" off the front of TEXT; at most 18 digits. */
static bool
read_figure(struct weir_text *text, struct figure *ret)
{
    struct figure f = { 0, 1 };
    bool fraction = false;
    size_t n = 0;
    size_t i = 0;
    for (; i < text->len; i++) {
        char c = text->bytes[i];
        if (c == '.' && !fraction && n > 0) {
            fraction = true;
            continue;
        }
        if (!is_digit(c))
            break;
        if (++n > 18)
            return false;
        f.digits = f.digits * 10 + (uint64_t)(c - '0');
        f.scale *= fraction ? 10 : 1;
    }
    if (n == 0 || text->bytes[i - 1] == '.')
        return false;
    text->bytes += i;
    text->len -= i;
    *ret = f;
    return true;
}

/* Reads the letters at the front of TEXT as a unit; its index or -1. */
static int
read_unit(struct weir_text *text, const struct unit *units, size_t n)
{
    size_t len = 0;
    while (len < text->len && !is_digit(text->bytes[len]))
        len++;
    for (size_t i = 0; i < n; i++) {
        if (!text_is((struct weir_text){ text->bytes, len }, units[i].name))
            continue;
        text->bytes += len;
        text->len -= len;
        return (int)i;
    }
    return -1;
}

/* The whole number FIGURE times SIZE; false if it is none or too large. */
static bool
times(struct figure figure, uint64_t size, uint64_t *ret)
{
    uint64_t whole = figure.digits / figure.scale;
    uint64_t part = figure.digits % figure.scale;
    uint64_t scale = figure.scale;
    while (scale > 1 && part % 10 == 0) { /* 1.50 is 1.5; and the product stays small */
        part /= 10;
        scale /= 10;
    }
    uint64_t result;
    uint64_t product;
    if (__builtin_mul_overflow(whole, size, &result) ||
        __builtin_mul_overflow(part, size, &product) || product % scale != 0)
        return false;
    return !__builtin_add_overflow(result, product / scale, ret);
}

/* Says what TEXT, which may be long, should have been. */
static enum weir_code
refuse(struct weir_error *err, struct weir_text text, const char *should)
{
    int shown = (int)(text.len < 40 ? text.len : 40);
    return err_set(err, WEIR_INVALID, "\"%.*s\" is not %s", shown,
                   text.len > 0 ? text.bytes : "", should);
}

enum weir_code
duration_parse(struct weir_text text, uint64_t *ret_ms, struct weir_error *err)
{
    uint64_t sum = 0;
    struct weir_text at = text;
    if (text_is(text, "0")) {
        *ret_ms = 0;
        return WEIR_OK;
    }
    if (text.len == 0)
        return refuse(err, text, DURATION_EXAMPLES);

    for (int last = -1; at.len > 0;) { /* 2m30s: each unit smaller than the one before */
        struct figure figure;
        uint64_t ms;
        if (!read_figure(&at, &figure))
            return refuse(err, text, DURATION_EXAMPLES);
        int unit = read_unit(&at, durations, COUNT(durations));
        if (unit <= last)
            return refuse(err, text, DURATION_EXAMPLES);
        if (!times(figure, durations[unit].size, &ms) || ms > DURATION_MAX)
            return refuse(err, text, "a whole number of milliseconds, at most 100 years");
        sum += ms;
        last = unit;
    }
    if (sum > DURATION_MAX)
        return refuse(err, text, "a whole number of milliseconds, at most 100 years");
    *ret_ms = sum;
    return WEIR_OK;
}

enum weir_code
bytes_parse(struct weir_text text, uint64_t *ret, struct weir_error *err)
{
    struct weir_text at = text;
    struct figure figure;
    uint64_t size = 1;
    uint64_t bytes;
    if (!read_figure(&at, &figure))
        return refuse(err, text, "a size such as 512, 64KiB, 1.5MiB or 1GiB");
    if (at.len > 0) {
        int unit = read_unit(&at, sizes, COUNT(sizes));
        if (unit < 0 || at.len > 0)
            return refuse(err, text, "a size such as 512, 64KiB, 1.5MiB or 1GiB");
        size = sizes[unit].size;
    }
    if (!times(figure, size, &bytes) || bytes > INT64_MAX)
        return refuse(err, text, "a whole number of bytes below 8 EiB");
    *ret = bytes;
    return WEIR_OK;
}

enum weir_code
rate_parse(struct weir_text text, struct rate *ret, struct weir_error *err)
{
    static const char should[] = "a rate such as 100/60s, 5/s or 10/m";
    struct weir_text at = text;
    struct figure figure;
    struct rate rate;
    if (!read_figure(&at, &figure) || figure.scale > 1 || figure.digits == 0)
        return refuse(err, text, should);
    if (at.len < 2 || at.bytes[0] != '/')
        return refuse(err, text, should);
    at.bytes++;
    at.len--;
    rate.count = figure.digits;
    if (is_digit(at.bytes[0])) {
        if (duration_parse(at, &rate.per_ms, NULL) != WEIR_OK || rate.per_ms == 0)
            return refuse(err, text, should);
    } else {
        int unit = read_unit(&at, durations, COUNT(durations));
        if (unit < 0 || at.len > 0)
            return refuse(err, text, should);
        rate.per_ms = durations[unit].size;
    }
    *ret = rate;
    return WEIR_OK;
}

enum weir_code
percent_parse(struct weir_text text, double *ret, struct weir_error *err)
{
    struct weir_text at = text;
    struct figure figure;
    if (!read_figure(&at, &figure) || !text_is(at, "%") || figure.digits / figure.scale > 100 ||
        (figure.digits / figure.scale == 100 && figure.digits % figure.scale > 0))
        return refuse(err, text, "a percentage from 0% to 100%, such as 50% or 0.5%");
    *ret = (double)figure.digits / ((double)figure.scale * 100);
    return WEIR_OK;
}

void
duration_text(uint64_t ms, char *ret, size_t room)
{
    char text[64];
    size_t len = 0;
    for (size_t i = 0; i < 3; i++) {
        uint64_t n = ms / durations[i].size;
        ms %= durations[i].size;
        if (n > 0)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%llu%s",
                                    (unsigned long long)n, durations[i].name);
    }
    unsigned rest = (unsigned)ms;
    if (rest >= 1000 && rest % 1000 > 0) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%u.%03u", rest / 1000,
                                rest % 1000);
        while (text[len - 1] == '0')
            len--;
        snprintf(text + len, sizeof(text) - len, "s");
    } else if (rest >= 1000) {
        snprintf(text + len, sizeof(text) - len, "%us", rest / 1000);
    } else if (rest > 0 || len == 0) {
        snprintf(text + len, sizeof(text) - len, "%ums", rest);
    }
    snprintf(ret, room, "%s", text);
}

void
bytes_text(uint64_t bytes, char *ret, size_t room)
{
    static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    unsigned i = 0;
    while (i < COUNT(names) - 1 && bytes >> (10 * (i + 1)) > 0)
        i++;
    unsigned long long whole = bytes >> (10 * i);
    unsigned tenth = 0;
    if (i > 0) /* cut, not rounded: 1023.99KiB is no 1024KiB */
        tenth = (unsigned)((bytes >> (10 * (i - 1)) & 1023) * 10 / 1024);
    if (tenth > 0)
        snprintf(ret, room, "%llu.%u%s", whole, tenth, names[i]);
    else
        snprintf(ret, room, "%llu%s", whole, names[i]);
}
