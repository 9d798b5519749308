/* breaker/breaker.c - stops asking who doesn't answer: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "breaker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a caller is told to wait while the one call of a half-open breaker is under way. */
#define PROBE_WAIT_MS 1000u

/* One call that is under way; its data. */
struct guarded {
    struct weir_call *call;
    struct seat *seat;
    struct breaker_ticket ticket;
    uint64_t
        until_ms; /* of its steps, on the shard's clock; UINT64_MAX: no limit of their own */
    bool counted; /* the breaker was told how it ended: what runs now is the fallback */
};

/* -- the reset time -- */

static void watch_reset(struct seat *seat);

static void
reset_due(void *arg)
{
    watch_reset(arg);
}

/* Opens are ended by a timer of the shard that saw the opening, so that the world hears of it
 * in time. (The next call and whoever looks would find out by themselves.) */
static void
watch_reset(struct seat *seat)
{
    struct breaker_change change;
    struct named *n = seat->node->named;
    host->timer_stop(&seat->timer);
    uint64_t left = breaker_tick(&n->breaker, breaker_now_ms(), &change);
    breaker_tell(seat->shard, n, &change, seat->node->pipeline);
    if (left > 0)
        seat->timer = host->timer_start(seat->shard, left, reset_due, seat);
}

static uint32_t
breaker_attach(struct weir_shard *shard, void *conf, void **ret_state, struct weir_error *err)
{
    (void)err;
    struct node *node = conf;
    struct seat *seat = zeroed(1, sizeof *seat);
    seat->node = node;
    seat->shard = shard;
    breaker_name_attach(node);
    watch_reset(seat); /* the generation before may have left it open */
    *ret_state = seat;
    return WEIR_OK;
}

static void
breaker_detach(void *state)
{
    struct seat *seat = state;
    host->timer_stop(&seat->timer);
    breaker_name_detach(seat->node);
    free(seat);
}

/* A change of state was made by a call of this seat. */
static void
tell(struct seat *seat, const struct breaker_change *change)
{
    if (!change->made)
        return;
    breaker_tell(seat->shard, seat->node->named, change, seat->node->pipeline);
    if (change->to == BREAKER_OPEN)
        watch_reset(seat);
}

/* -- the fallback -- */

/* What error is in the fallback: as in a catch. */
static const struct weir_value *
error_value(struct weir_call *call, const struct node *node, const struct weir_error *err)
{
    char room[32];
    struct weir_builder *map = host->map_new();
    map_take(map, WEIR_TEXT("code"), host->string(breaker_code_name(err->code, room)));
    breaker_put_text(map, WEIR_TEXT("message"), err->text);
    breaker_put_text(map, WEIR_TEXT("node"), node->id);
    breaker_put_int(map, WEIR_TEXT("status"), breaker_status_of(err));
    breaker_put_int(map, WEIR_TEXT("attempt"), host->attempt(call));
    map_take(map, WEIR_TEXT("detail"), err->detail != NULL ? host->ref(err->detail) : host->null());
    breaker_put_int(map, WEIR_TEXT("retry_after_ms"), err->retry_after_ms);
    return host->build(&map);
}

/* The call is answered with ERR, or with what the fallback makes of it. */
static void
fall_back(struct weir_call *call, const struct node *node, const struct weir_error *err)
{
    if (node->fallback == UINT32_MAX) {
        host->fail(call, err);
        return;
    }
    const struct weir_value *error = error_value(call, node, err);
    const struct weir_value *const vars[] = { error };
    (void)host->block(call, node->fallback, NULL, vars, UINT64_MAX, pass_on, call);
    host->unref(&error);
}

/* -- calls -- */

/* { breaker, tried: false }: an attempt of a job that comes to this does not count. */
static const struct weir_value *
not_tried(const char *name)
{
    struct weir_builder *b = host->map_new();
    map_take(b, WEIR_TEXT("breaker"), host->string((struct weir_text){ name, strlen(name) }));
    map_take(b, WEIR_TEXT("tried"), host->boolean(false));
    return host->build(&b);
}

/* No call is made: the breaker is open, or as many as its capacity are under way. */
static void
reject(struct weir_call *call, const struct node *node, enum breaker_answer why,
       uint64_t wait_ms)
{
    const char *name = node->named->name;
    struct weir_error err = { .code = WEIR_UNAVAILABLE };
    if (why == BREAKER_IS_FULL) {
        snprintf(err.text, sizeof err.text,
                 "breaker '%s' has as many calls under way as its capacity", name);
    } else if (why == BREAKER_IS_PROBING) {
        err.retry_after_ms = PROBE_WAIT_MS;
        snprintf(err.text, sizeof err.text, "breaker '%s' is half-open: one call is under way",
                 name);
    } else {
        err.retry_after_ms = (uint32_t)(wait_ms > 0 ? wait_ms : node->settings.reset_ms);
        snprintf(err.text, sizeof err.text, "breaker '%s' is open", name);
    }
    const struct weir_value *detail = why == BREAKER_IS_FULL ? NULL : not_tried(name);
    err.detail = detail;
    fall_back(call, node, &err);
    host->unref(&detail);
}

/* How the steps ended, for the breaker. */
static enum breaker_result
result_of(const struct guarded *g, const struct weir_error *err)
{
    if (err == NULL)
        return BREAKER_SUCCESS;
    if (err->code == WEIR_CANCELLED)
        return BREAKER_NOTHING;
    if (breaker_ignores(g->seat->node, err))
        return BREAKER_IGNORED;
    bool own = err->code == WEIR_TIMEOUT && host->now_ms(g->seat->shard) >= g->until_ms;
    return own ? BREAKER_TIMEOUT : BREAKER_FAILURE;
}

static void
leave(struct guarded *g, enum breaker_result result)
{
    struct breaker_change change;
    g->counted = true;
    breaker_leave(&g->seat->node->named->breaker, &g->ticket, result, breaker_now_ms(),
                  &change);
    tell(g->seat, &change);
}

/* Where the steps took too long, the sentence of the engine is about a deadline around them. */
static struct weir_error
timeout_error(const struct node *node, const struct weir_error *err)
{
    struct weir_error own = { .code = WEIR_TIMEOUT, .sent = err->sent };
    snprintf(own.text, sizeof own.text, "breaker '%s': its steps took longer than %llu ms",
             node->named->name, (unsigned long long)node->timeout_ms);
    return own;
}

static void
steps_ended(void *arg, const struct weir_value *output, const struct weir_error *err)
{
    struct guarded *g = arg;
    enum breaker_result result = result_of(g, err);
    struct weir_error own;
    leave(g, result);
    if (result == BREAKER_SUCCESS) {
        const struct weir_value *v = host->ref(output);
        host->done(g->call, &v);
        return;
    }
    if (result == BREAKER_TIMEOUT) {
        own = timeout_error(g->seat->node, err);
        err = &own;
    }
    if (result == BREAKER_TIMEOUT || result == BREAKER_FAILURE)
        fall_back(g->call, g->seat->node, err);
    else
        host->fail(g->call, err);
}

static void
breaker_run(struct weir_call *call, void *state)
{
    struct seat *seat = state;
    const struct node *node = seat->node;
    struct breaker_ticket ticket;
    struct breaker_change change;
    uint64_t wait_ms;
    enum breaker_answer answer =
        breaker_enter(&node->named->breaker, breaker_now_ms(), &ticket, &wait_ms, &change);
    tell(seat, &change);
    if (answer != BREAKER_PASS) {
        reject(call, node, answer, wait_ms);
        return;
    }
    struct guarded *g = host->alloc(call, sizeof *g);
    host->set_data(call, g);
    *g = (struct guarded){
        .call = call, .seat = seat, .ticket = ticket, .until_ms = UINT64_MAX
    };
    if (node->timeout_ms > 0)
        g->until_ms = host->now_ms(seat->shard) + node->timeout_ms;
    (void)host->block(call, node->block, NULL, NULL, g->until_ms, steps_ended, g);
}

/* The caller went away, and the call counts as nothing; or a deadline around the breaker has
 * passed, which says of the steps what the breaker's own timeout would. */
static void
breaker_cancel(struct weir_call *call, void *state)
{
    (void)state;
    struct guarded *g = host->data(call);
    if (g != NULL && !g->counted) {
        struct weir_error late = { .code = WEIR_TIMEOUT };
        bool passed = host->now_ms(g->seat->shard) >= host->deadline_ms(call);
        leave(g, !passed                                 ? BREAKER_NOTHING
                 : breaker_ignores(g->seat->node, &late) ? BREAKER_IGNORED
                                                         : BREAKER_TIMEOUT);
    }
    cut_short(call, "the guarded steps were cut short");
}

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "Which breaker, and when it opens. All nodes of one name share one breaker, over all pipelines and threads.",
    "type": "object",
    "additionalProperties": false,
    "required": ["name"],
    "x-weir-shorthand": "name",
    "x-weir-resource": { "kind": "breakers", "name": "name", "own": [] },
    "properties": {
        "name": {
            "description": "The breaker: usually the name of what is called.",
            "type": "string",
            "pattern": "^[a-z0-9_.-]{1,64}$",
            "x-weir-literal": true,
            "examples": ["payment", "crm.internal"]
        },
        "timeout": {
            "description": "How long the steps of do may take; then they are cut short, and the call has failed. Left out: no limit but those around the node.",
            "type": "string",
            "format": "duration",
            "x-weir-literal": true,
            "examples": ["5s"]
        },
        "error_threshold": {
            "description": "Opens when more than this share of the calls in the window has failed.",
            "type": "string",
            "format": "percent",
            "default": "50%",
            "x-weir-literal": true,
            "examples": ["30%"]
        },
        "reset_after": {
            "description": "How long it stays open before one call is let through.",
            "type": "string",
            "format": "duration",
            "default": "30s",
            "x-weir-literal": true,
            "examples": ["60s"]
        },
        "window": {
            "description": "The time that is looked back upon.",
            "type": "string",
            "format": "duration",
            "default": "10s",
            "x-weir-literal": true,
            "examples": ["1m"]
        },
        "buckets": {
            "description": "How many parts the window has; the oldest one leaves it at a time.",
            "type": "integer",
            "minimum": 1,
            "maximum": 60,
            "default": 10,
            "x-weir-literal": true,
            "examples": [6]
        },
        "volume": {
            "description": "How many calls must be in the window before it may open. A half-open breaker opens at its one failure all the same.",
            "type": "integer",
            "minimum": 0,
            "maximum": 1000000,
            "default": 5,
            "x-weir-literal": true,
            "examples": [20]
        },
        "capacity": {
            "description": "How many calls may be under way at once; more are rejected. Left out: no limit.",
            "type": "integer",
            "minimum": 1,
            "maximum": 1000000,
            "x-weir-literal": true,
            "examples": [100]
        },
        "ignore": {
            "description": "Codes and statuses of errors that count as success. The caller gets them, and no fallback runs.",
            "type": "array",
            "maxItems": 32,
            "items": {
                "anyOf": [
                    { "type": "integer", "minimum": 100, "maximum": 599 },
                    { "type": "string", "enum": ["invalid", "unauthorized", "forbidden", "not_found", "conflict", "too_large", "limited", "unavailable", "upstream", "timeout", "script", "internal"] }
                ]
            },
            "x-weir-literal": true,
            "examples": [[501, "script"]]
        }
    }
});
/* clang-format on */

static const struct weir_block_type blocks[] = {
    {
        .size = sizeof(struct weir_block_type),
        .path = "do",
        .runs = WEIR_MAYBE, /* not while it is open */
        .required = 1,
        .summary = "The steps that are guarded; skipped while the breaker is open.",
    },
    {
        .size = sizeof(struct weir_block_type),
        .path = "fallback",
        .runs = WEIR_MAYBE,
        .names = "error",
        .summary = "Runs instead of an error: of do, a timeout, or the breaker's own.",
    },
};

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .name = "breaker",
        .summary =
            "A circuit breaker: stops asking a peer that fails, and tries it again later.",
        .config_schema = schema,
        .example = "- id: paid\n"
                   "  breaker: { name: payment, timeout: 5s, error_threshold: 20%, "
                   "reset_after: 60s }\n"
                   "  do:\n"
                   "    - http: { method: POST, url: \"https://pay.example/charges\", json: "
                   "\"${ input }\" }\n"
                   "  fallback:\n"
                   "    - reply: { status: 503, json: { error: true, message: \"${ "
                   "error.message }\" } }\n",
        .output = "the last output of 'do', or of 'fallback' if that ran",
        PLUGIN_BLOCKS(blocks),
        .effect = WEIR_EFFECT_UNSAFE, /* its steps may be anything */
        .open = breaker_open,
        .attach = breaker_attach,
        .run = breaker_run,
        .cancel = breaker_cancel,
        .detach = breaker_detach,
        .close = breaker_close,
    },
};

static const struct weir_collection collections[] = {
    {
        .size = sizeof(struct weir_collection),
        .name = "breakers",
        .summary =
            "Circuit breakers: their states and counts. They can be held open or closed.",
        .verbs = "open close auto",
        .ask = breaker_ask,
    },
};

const struct weir_plugin *
weir_plugin_entry(const struct weir_host *h)
{
    static const struct weir_plugin plugin = {
        PLUGIN_HEAD("breaker"),
        PLUGIN_NODES(nodes),
        PLUGIN_COLLECTIONS(collections),
    };
    host = h;
    breaker_metrics();
    return &plugin;
}
