/* schedule/schedule.c - a trigger that fires by the clock: see README.md.
 *
 * Here is what comes from the configuration; schedule_moments.c says when it fires, and
 * schedule_run.c makes it fire.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EVERY_MIN_MS 1000
#define EVERY_MAX_MS (366 * (int64_t)SCHEDULE_DAY_MS)
#define NAME_ROOM 512

static struct weir_text
text_at(const struct weir_value *config, struct weir_text key)
{
    struct weir_text text = { NULL, 0 };
    (void)host->get_text(host->get(config, key), &text);
    return text;
}

/* "1h30m" off its front: one figure with its unit; 0: neither. */
static int64_t
take_figure(struct weir_text *text)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {
        { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }
    };
    int64_t n = 0;
    while (text->len > 0 && text->bytes[0] >= '0' && text->bytes[0] <= '9' && n < 100000000) {
        n = n * 10 + (text->bytes[0] - '0');
        text->bytes++;
        text->len--;
    }
    for (unsigned i = 0; i < sizeof units / sizeof *units; i++) {
        size_t len = strlen(units[i].name);
        if (text->len < len || memcmp(text->bytes, units[i].name, len) != 0)
            continue;
        text->bytes += len;
        text->len -= len;
        return n * units[i].ms;
    }
    return 0;
}

/* The duration that TEXT is; 0: it is none. */
static int64_t
duration_of(struct weir_text text)
{
    int64_t ms = 0;
    for (unsigned i = 0; i < 5 && text.len > 0; i++) {
        int64_t figure = take_figure(&text);
        if (figure == 0)
            return 0;
        ms += figure;
    }
    return text.len == 0 ? ms : 0;
}

/* 300000 as "5m": the largest unit that comes out even. */
static char *
duration_text(int64_t ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {
        { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }
    };
    char text[32];
    unsigned i = 0;
    while (ms % units[i].ms != 0)
        i++;
    int len =
        snprintf(text, sizeof text, "%lld%s", (long long)(ms / units[i].ms), units[i].name);
    return text_copied((struct weir_text){ text, (size_t)len });
}

/* "2026-01-01T06:00:00Z"; the schema has made sure of its form. */
static uint32_t
take_start(const struct weir_value *config, struct schedule *s, struct weir_error *err)
{
    struct weir_text text = text_at(config, WEIR_TEXT("start"));
    struct tm parts = { 0 }, real;
    char room[32];
    if (text.bytes == NULL)
        return WEIR_OK;
    snprintf(room, sizeof room, "%.*s", (int)text.len, text.bytes);
    const char *end = strptime(room, "%Y-%m-%dT%H:%M:%SZ", &parts);
    time_t seconds = timegm(&parts);
    if (end == NULL || *end != '\0' || seconds < 0 || gmtime_r(&seconds, &real) == NULL)
        return refuse(err, WEIR_INVALID, "'start' must be a time in UTC such as 2026-01-01T06:00:00Z");
    char again[32];
    strftime(again, sizeof again, "%Y-%m-%dT%H:%M:%SZ", &real);
    if (strcmp(again, room) != 0)
        return refuse(err, WEIR_INVALID, "'start' is a time that does not exist");
    s->start_ms = (uint64_t)seconds * 1000;
    return WEIR_OK;
}

static uint32_t
take_every(const struct weir_value *config, int64_t every, struct schedule *s,
           struct weir_error *err)
{
    if (every < EVERY_MIN_MS || every > EVERY_MAX_MS)
        return refuse(err, WEIR_INVALID, "'every' must be from 1s to 366d");
    if (host->get(config, WEIR_TEXT("timezone")) != NULL)
        return refuse(err, WEIR_INVALID,
                      "'timezone' belongs to 'cron': 'every' goes by the time that passes; "
                      "leave it out, or move the beginning with 'start'");
    s->every_ms = (uint64_t)every;
    s->text = duration_text(every);
    return take_start(config, s, err);
}

static uint32_t
take_cron(const struct weir_value *config, struct weir_text text, struct schedule *s,
          struct weir_error *err)
{
    struct weir_text zone = text_at(config, WEIR_TEXT("timezone"));
    if (host->get(config, WEIR_TEXT("start")) != NULL)
        return refuse(err, WEIR_INVALID, "'start' belongs to 'every'; leave it out");
    if (cron_read(text, &s->cron, err) != WEIR_OK)
        return err->code;
    s->text = text_copied(text);
    s->zone = zone_open(zone.bytes != NULL ? zone : WEIR_TEXT("UTC"), err);
    return s->zone != NULL ? WEIR_OK : err->code;
}

/* cron, every, or a duration in place of cron: `schedule: 5m`. */
static uint32_t
take_times(const struct weir_value *config, struct schedule *s, struct weir_error *err)
{
    struct weir_text cron = text_at(config, WEIR_TEXT("cron"));
    int64_t every = 0;
    bool has_every = host->get_int(host->get(config, WEIR_TEXT("every")), &every);
    if (has_every == (cron.bytes != NULL))
        return refuse(err, WEIR_INVALID, "a schedule needs either 'cron' or 'every'");
    if (cron.bytes != NULL)
        every = duration_of(cron);
    return has_every || every > 0 ? take_every(config, every, s, err)
                                  : take_cron(config, cron, s, err);
}

static enum catch_up
catch_up_of(const struct weir_value *config)
{
    struct weir_text text = text_at(config, WEIR_TEXT("catch_up"));
    return text.len == 4 && memcmp(text.bytes, "none", 4) == 0  ? CATCH_UP_NONE
           : text.len == 3 && memcmp(text.bytes, "all", 3) == 0 ? CATCH_UP_ALL
                                                                : CATCH_UP_LAST;
}

/* The mark belongs to a pipeline and its times: with other times it begins anew, so that what
 * was never scheduled is not caught up. */
static uint32_t
make_name(struct weir_open *open, const struct weir_value *config, struct schedule *s,
          struct weir_error *err)
{
    char text[NAME_ROOM + 1], start[32] = "";
    struct weir_text pipeline = host->pipeline_name(open);
    struct weir_text zone = text_at(config, WEIR_TEXT("timezone"));
    if (s->start_ms != 0)
        schedule_text(s->start_ms, start);
    int len = snprintf(text, sizeof text, "schedule %.*s: %s%s%.*s%s", (int)pipeline.len,
                       pipeline.bytes, s->text, zone.len > 0 || start[0] != '\0' ? " " : "",
                       (int)zone.len, zone.len > 0 ? zone.bytes : "", start);
    if ((size_t)len >= sizeof text)
        return refuse(err, WEIR_INVALID, "the name of the pipeline must be shorter for a schedule");
    s->name = text_copied((struct weir_text){ text, (size_t)len });
    return WEIR_OK;
}

static void
schedule_close(void *conf)
{
    struct schedule *s = conf;
    zone_close(&s->zone);
    free(s->text);
    free(s->name);
    free(s);
}

static uint32_t
schedule_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
              struct weir_error *err)
{
    struct schedule *s = zeroed(1, sizeof *s);
    int64_t jitter = 0;
    (void)host->get_int(host->get(config, WEIR_TEXT("jitter")), &jitter);
    s->jitter_ms = (uint64_t)jitter;
    s->catch_up = catch_up_of(config);
    uint32_t code = take_times(config, s, err);
    if (code == WEIR_OK && (jitter < 0 || jitter > (int64_t)SCHEDULE_DAY_MS))
        code = refuse(err, WEIR_INVALID, "'jitter' must be from 0s to 24h");
    if (code == WEIR_OK)
        code = make_name(open, config, s, err);
    if (code == WEIR_OK)
        *ret_conf = s;
    else
        schedule_close(s);
    return code;
}

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "When a run is started.",
    "type": "object",
    "additionalProperties": false,
    "x-weir-shorthand": "cron",
    "properties": {
        "cron": {
            "description": "Five fields: minute, hour, day of the month, month, day of the week; or @hourly, @daily, @weekly, @monthly, @yearly. In the short form, where this is all there is, a duration stands for every.",
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "x-weir-literal": true,
            "examples": ["0 9 * * MON-FRI", "*/15 8-17 * * *", "@daily"]
        },
        "timezone": {
            "description": "The zone whose clocks cron means: a name of the system's zones. UTC if it is left out.",
            "type": "string",
            "minLength": 1,
            "maxLength": 64,
            "x-weir-literal": true,
            "examples": ["Europe/Berlin", "America/New_York"]
        },
        "every": {
            "description": "The time from one firing to the next, from 1s to 366d.",
            "type": "string",
            "format": "duration",
            "x-weir-literal": true,
            "examples": ["5m", "1h"]
        },
        "start": {
            "description": "The first firing of every, in UTC; the others follow from it. 1970-01-01T00:00:00Z if it is left out: 5m fires at minutes 0, 5, 10.",
            "type": "string",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
            "x-weir-literal": true,
            "examples": ["2026-01-01T06:00:00Z"]
        },
        "jitter": {
            "description": "Each firing is later by up to this, so that not all come at once; never later than the next one. How much follows from pipeline, schedule and time: it is the same each time it is worked out.",
            "type": "string",
            "format": "duration",
            "default": "0s",
            "x-weir-literal": true,
            "examples": ["30s"]
        },
        "catch_up": {
            "description": "What becomes of firings that were missed while nothing ran, or because the clock leapt forward: none of them, the last one, or all (the last 100). What was missed more than 24 hours ago stays missed.",
            "enum": ["none", "last", "all"],
            "default": "last",
            "x-weir-literal": true,
            "examples": ["all"]
        }
    }
});
/* clang-format on */

static const struct weir_trigger_type triggers[] = {
    {
        .size = sizeof(struct weir_trigger_type),
        .name = "schedule",
        .summary = "Starts a run by the clock: by a cron expression, or after each interval.",
        .config_schema = schema,
        .example = "schedule: { cron: \"0 9 * * MON-FRI\", timezone: Europe/Berlin }\n",
        .open = schedule_open,
        .attach = schedule_attach,
        .start = schedule_start,
        .stop = schedule_stop,
        .detach = schedule_detach,
        .close = schedule_close,
    },
};

PLUGIN("schedule", PLUGIN_TRIGGERS(triggers));
