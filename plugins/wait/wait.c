/* wait/wait.c - lets go of a durable run until a time has come, or somebody calls back: see
 * README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "plugin.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define FOR_MAX (400 * DAY_MS)
#define FOR_CALLBACK (7 * DAY_MS) /* if nothing else is said */

enum { WAITING };

struct wait {
    uint32_t for_slot; /* 0: absent, as the next one */
    uint32_t until_slot;
    uint32_t block; /* do; UINT32_MAX: there is none */
    bool callback;
};

/* One call; its data. */
struct waiting {
    struct weir_call *call;
    const struct wait *wait;
    uint32_t running; /* the number of its block + 1; 0: none runs */
};

static uint32_t
wait_open(struct weir_open *open, const struct weir_value *config, void **ret_conf, struct weir_error *err)
{
    struct wait w = { .for_slot = host->slot(open, "/for"),
                      .until_slot = host->slot(open, "/until"),
                      .block = host->block_find(open, "do") };
    (void)host->get_bool(host->get(config, WEIR_TEXT("callback")), &w.callback);
    if (w.for_slot != 0 && w.until_slot != 0)
        return refuse(err, WEIR_INVALID,
                      "'for' and 'until' say the same thing twice: leave one of them out");
    if (w.for_slot == 0 && w.until_slot == 0 && !w.callback)
        return refuse(err, WEIR_INVALID, "wait needs one of 'for', 'until' and 'callback: true'");
    if (w.block != UINT32_MAX && !w.callback)
        return refuse(err, WEIR_INVALID, "'do' is for 'callback: true': it tells somebody the URL");
    struct wait *copy = zeroed(1, sizeof *copy);
    *copy = w;
    *ret_conf = copy;
    return WEIR_OK;
}

/* -- how long -- */

/* Reads a date and time of RFC 3339, in UTC or with an offset; false if it is none. */
static bool
read_time(struct weir_text text, int64_t *ret_ms)
{
    char copy[40], zone[8] = "", sign;
    struct tm tm = { 0 };
    int year, month, used = 0, hours, minutes;
    double seconds;
    if (text.len >= sizeof copy)
        return false;
    snprintf(copy, sizeof copy, "%.*s", (int)text.len, text.bytes);
    if (sscanf(copy, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%lf%n%7s", &year, &month, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
               &seconds, &used, zone) < 7 ||
        year < 1970 || month < 1 || month > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
        tm.tm_min > 59 || seconds < 0 || seconds >= 61)
        return false;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    int64_t ms = (int64_t)timegm(&tm) * 1000 + (int64_t)(seconds * 1000);
    if (zone[0] == 'Z' || zone[0] == 'z') {
        *ret_ms = ms;
        return zone[1] == '\0';
    }
    if (sscanf(zone, "%c%2d:%2d", &sign, &hours, &minutes) != 3 || (sign != '+' && sign != '-'))
        return false;
    int64_t offset = (hours * INT64_C(60) + minutes) * 60000;
    *ret_ms = sign == '+' ? ms - offset : ms + offset;
    return true;
}

/* The time that 'until' gives. */
static uint32_t
until_of(const struct weir_value *v, int64_t *ret_ms, struct weir_error *err)
{
    struct weir_text text;
    if (host->get_int(v, ret_ms) || (host->get_text(v, &text) && read_time(text, ret_ms)))
        return WEIR_OK;
    return refuse(err, WEIR_INVALID,
                  "'until' must be a time like 2026-12-24T18:00:00Z, or milliseconds since 1970");
}

/* When the wait of CALL is over, by the wall clock. */
static uint32_t
work_out(struct weir_call *call, const struct wait *w, uint64_t *ret, struct weir_error *err)
{
    const struct weir_value *v = NULL;
    int64_t now = (int64_t)host->wall_ms(host->shard(call)), ms = FOR_CALLBACK, until = 0;
    uint32_t code = WEIR_OK;
    if (w->for_slot != 0) {
        code = host->eval(call, w->for_slot, &v, err);
        ms = -1;
        if (code == WEIR_OK)
            (void)host->get_int(v, &ms);
    } else if (w->until_slot != 0) {
        code = host->eval(call, w->until_slot, &v, err);
        if (code == WEIR_OK)
            code = until_of(v, &until, err);
        ms = until > now ? until - now : 0;
    }
    host->unref(&v);
    if (code == WEIR_OK && (ms < 0 || ms > FOR_MAX))
        code = refuse(err, WEIR_INVALID, "a wait must be from 0s to 400d");
    *ret = (uint64_t)(now + ms);
    return code;
}

/* -- the call -- */

static void
fail(struct weir_call *call, const struct weir_error *err)
{
    host->count(call, WAITING, -1);
    host->fail(call, err);
}

/* The time has come, or the callback. */
static void
over(void *arg, const struct weir_value *output, const struct weir_error *err)
{
    struct waiting *w = arg;
    if (err) {
        fail(w->call, err);
        return;
    }
    const struct weir_value *v = host->ref(output);
    host->count(w->call, WAITING, -1);
    host->done(w->call, &v);
}

/* All are told who might call back. */
static void
told(void *arg, const struct weir_value *output, const struct weir_error *err)
{
    struct waiting *w = arg;
    (void)output;
    w->running = 0;
    if (err)
        fail(w->call, err);
    else
        host->wait(w->call, over, w);
}

/* The wait is in the store. */
static void
opened(void *arg, const struct weir_value *output, const struct weir_error *err)
{
    struct waiting *w = arg;
    if (err)
        fail(w->call, err);
    else if (w->wait->block == UINT32_MAX)
        host->wait(w->call, over, w);
    else
        w->running = host->block(w->call, w->wait->block, NULL, &output, UINT64_MAX, told, w) + 1;
}

static void
wait_run(struct weir_call *call, void *state)
{
    const struct wait *wait = state;
    struct weir_error err = { 0 };
    uint64_t until;
    struct waiting *w = host->alloc(call, sizeof *w);
    w->call = call;
    w->wait = wait;
    host->set_data(call, w);
    host->count(call, WAITING, +1);
    if (work_out(call, wait, &until, &err) == WEIR_OK)
        host->wait_open(call, until, wait->callback ? WEIR_WAIT_CALLBACK : 0, opened, w);
    else
        fail(call, &err);
    host->unref(&err.detail);
}

static void
wait_cancel(struct weir_call *call, void *state)
{
    (void)state;
    struct waiting *w = host->data(call);
    if (w->running > 0)
        host->block_cancel(call, w->running - 1);
    else
        fail(call, &(struct weir_error){ .code = WEIR_CANCELLED, .text = "the wait was cut short" });
}

static const struct weir_metric metrics[] = {
    [WAITING] = {
        .size = sizeof(struct weir_metric),
        .kind = WEIR_GAUGE,
        .name = "weir_wait_open",
        .help = "Calls of wait nodes that are in memory; those of runs that were let go of are in "
                "weir_jobs{state=\"waiting\"}.",
    },
};

static const struct weir_block_type blocks[] = {
    {
        .size = sizeof(struct weir_block_type),
        .path = "do",
        .runs = WEIR_ONCE,
        .names = "callback",
        .summary = "Tells somebody callback.url, before the wait begins.",
    },
};

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "How long to wait, or for what.",
    "type": "object",
    "additionalProperties": false,
    "x-weir-shorthand": "for",
    "properties": {
        "for": {
            "description": "How long to wait, or at most for the callback: 0s to 400d.",
            "type": "string",
            "format": "duration",
            "examples": ["5m", "3d", "${ input.days }d"]
        },
        "until": {
            "description": "Until when, or at most: a time of RFC 3339, or milliseconds since 1970.",
            "type": ["string", "integer"],
            "examples": ["2026-12-24T18:00:00Z", "${ now() + 3600000 }"]
        },
        "callback": {
            "description": "Waits for a POST to callback.url, a URL of this wait alone, which works once. Without for and until it waits for 7d; if nobody calls, the node fails with timeout.",
            "type": "boolean",
            "default": false,
            "examples": [true]
        }
    }
});
/* clang-format on */

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .flags = WEIR_TAP | WEIR_WAITS,
        .name = "wait",
        .summary = "Lets go of the run until a time has come, or somebody calls back; over restarts.",
        .config_schema = schema,
        .example = "- wait: 3d\n",
        .output = "null, or the body that the callback brought; what flows into the node flows on",
        PLUGIN_BLOCKS(blocks),
        PLUGIN_METRICS(metrics),
        .effect = WEIR_EFFECT_NONE,
        .open = wait_open,
        .run = wait_run,
        .cancel = wait_cancel,
        .close = free,
    },
};

PLUGIN("wait", PLUGIN_NODES(nodes));
