/* pipeline/format.c - see format.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/format.h"

#include <string.h>

#include "base/units.h"

/* Values of 64 bits without a sign that are too large for an int count as the largest. */
static const struct weir_value *
whole(uint64_t number)
{
    return value_int(number > INT64_MAX ? INT64_MAX : (int64_t)number);
}

static const struct weir_value *
duration(struct weir_text text, struct weir_error *err)
{
    uint64_t ms;
    return duration_parse(text, &ms, err) == WEIR_OK ? whole(ms) : NULL;
}

static const struct weir_value *
bytes(struct weir_text text, struct weir_error *err)
{
    uint64_t n;
    return bytes_parse(text, &n, err) == WEIR_OK ? whole(n) : NULL;
}

static const struct weir_value *
rate(struct weir_text text, struct weir_error *err)
{
    struct rate r;
    if (rate_parse(text, &r, err) != WEIR_OK)
        return NULL;
    struct weir_builder *b = builder_map();
    const struct weir_value *count = whole(r.count);
    const struct weir_value *per = whole(r.per_ms);
    builder_set(b, "count", 5, &count);
    builder_set(b, "per_ms", 6, &per);
    return builder_end(&b);
}

static const struct weir_value *
percent(struct weir_text text, struct weir_error *err)
{
    double fraction;
    return percent_parse(text, &fraction, err) == WEIR_OK ? value_double(fraction) : NULL;
}

static const struct {
    const char *name;
    const char *example;
    const struct weir_value *(*read)(struct weir_text, struct weir_error *);
} formats[] = {
    { "duration", "a duration such as 5s", duration },
    { "bytes", "a size such as 64KiB", bytes },
    { "rate", "a rate such as 100/60s", rate },
    { "percent", "a percentage such as 50%", percent },
};

const char *
format_find(struct weir_text name)
{
    for (unsigned i = 0; i < sizeof formats / sizeof *formats; i++)
        if (text_is(name, formats[i].name))
            return formats[i].name;
    return NULL;
}

const struct weir_value *
format_value(const char *format, struct weir_text text, struct weir_error *err)
{
    for (unsigned i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].name, format) == 0)
            return formats[i].read(text, err);
    err_set(err, WEIR_INTERNAL, "unknown format '%s'", format);
    return NULL;
}

const char *
format_example(const char *format)
{
    for (unsigned i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].name, format) == 0)
            return formats[i].example;
    return "a text";
}
