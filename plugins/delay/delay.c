/* delay/delay.c - waits, and lets what flows go on: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "plugin.h"

#define MAX_MS (INT64_C(24) * 60 * 60 * 1000)

enum { WAITING };

struct delay {
    uint32_t slot; /* 0: MS is it */
    int64_t ms;
};

/* One call that waits; its data. */
struct wait {
    struct weir_call *call;
    struct weir_timer *timer; /* owned */
};

static uint32_t
check(int64_t ms, struct weir_error *err)
{
    return ms >= 0 && ms <= MAX_MS ? WEIR_OK
                                   : refuse(err, WEIR_INVALID, "'duration' must be from 0s to 24h");
}

static uint32_t
delay_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
           struct weir_error *err)
{
    struct delay d = { .slot = host->slot(open, "/duration") };
    if (d.slot == 0 || host->slot_flags(open, d.slot) & WEIR_SLOT_CONSTANT) {
        d.slot = 0;
        (void)host->get_int(host->get(config, WEIR_TEXT("duration")), &d.ms);
        if (check(d.ms, err) != WEIR_OK)
            return err->code;
    }
    struct delay *copy = zeroed(1, sizeof *copy);
    *copy = d;
    *ret_conf = copy;
    return WEIR_OK;
}

static void
wait_over(void *arg)
{
    struct wait *w = arg;
    host->timer_stop(&w->timer);
    host->count(w->call, WAITING, -1);
    host->done(w->call, NULL);
}

static void
wait_start(struct weir_call *call, int64_t ms)
{
    if (ms == 0) {
        host->done(call, NULL);
        return;
    }
    struct wait *w = host->alloc(call, sizeof *w);
    host->set_data(call, w);
    w->call = call;
    w->timer = host->timer_start(host->shard(call), (uint64_t)ms, wait_over, w);
    host->count(call, WAITING, +1);
}

/* Waits for as long as an expression says. */
static void
evaluate(struct weir_call *call, const struct delay *d)
{
    struct weir_error err = { 0 };
    const struct weir_value *v = NULL;
    int64_t ms = -1;
    if (host->eval(call, d->slot, &v, &err) == WEIR_OK) {
        (void)host->get_int(v, &ms);
        host->unref(&v);
        if (check(ms, &err) == WEIR_OK) {
            wait_start(call, ms);
            return;
        }
    }
    fail_with(call, &err);
}

static void
delay_run(struct weir_call *call, void *state)
{
    const struct delay *d = state;
    if (d->slot == 0)
        wait_start(call, d->ms);
    else
        evaluate(call, d);
}

static void
delay_cancel(struct weir_call *call, void *state)
{
    (void)state;
    struct wait *w = host->data(call);
    host->timer_stop(&w->timer);
    host->count(call, WAITING, -1);
    cut_short(call, "the wait was cut short");
}

static const struct weir_metric metrics[] = {
    [WAITING] = {
        .size = sizeof(struct weir_metric),
        .kind = WEIR_GAUGE,
        .name = "weir_delay_waiting",
        .help = "Calls of delay nodes that wait.",
    },
};

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "How long to wait.",
    "type": "object",
    "additionalProperties": false,
    "required": ["duration"],
    "x-weir-shorthand": "duration",
    "properties": {
        "duration": {
            "description": "How long to wait: 0s to 24h. The deadlines around the node hold all the same.",
            "type": "string",
            "format": "duration",
            "examples": ["250ms", "5s", "${ input.seconds }s"]
        }
    }
});
/* clang-format on */

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .flags = WEIR_TAP,
        .name = "delay",
        .summary = "Waits for some time; blocks nobody else.",
        .config_schema = schema,
        .example = "- delay: 250ms\n",
        .output = "null; what flows into the node flows on",
        PLUGIN_METRICS(metrics),
        .effect = WEIR_EFFECT_NONE,
        .open = delay_open,
        .run = delay_run,
        .cancel = delay_cancel,
        .close = free,
    },
};

PLUGIN("delay", PLUGIN_NODES(nodes));
