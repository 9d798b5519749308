/* event/event.c - starts a run for what other nodes publish: see README.md.
 *
 * Each shard hears what is published on it, so that of all shards one starts the run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

#define TOPICS_MAX 32u

/* A pipeline may cause what starts it. Its events come a turn of the loop later each, so
 * nothing stands still; what comes faster than this is dropped, so that nothing else is crowded
 * out. */
#define RUNS_PER_SECOND 100u

struct trigger {
    const struct weir_value *config;     /* owned; TOPICS point into it */
    struct weir_text topics[TOPICS_MAX]; /* none of them is told what another one is told */
    uint32_t n;
};

/* A trigger on one shard. */
struct ear {
    const struct trigger *conf;
    struct weir_shard *shard;
    struct weir_subscription *subscriptions[TOPICS_MAX]; /* owned; NULL: stopped */
    uint64_t second;                                     /* that is under way */
    uint32_t started;                                    /* runs in it */
    uint32_t dropped;                                    /* events in it */
};

/* Whether everything that B is told A is told as well. */
static bool
covers(struct weir_text a, struct weir_text b)
{
    bool prefix = a.len > 0 && a.bytes[a.len - 1] == '*';
    size_t len = prefix ? a.len - 1 : a.len;
    return (prefix ? b.len >= len : b.len == len) && memcmp(a.bytes, b.bytes, len) == 0;
}

/* An event starts one run, also if two of the topics fit it. */
static void
add_topic(struct trigger *t, struct weir_text topic)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->n; i++)
        if (covers(t->topics[i], topic))
            return;
    for (uint32_t i = 0; i < t->n; i++)
        if (!covers(topic, t->topics[i]))
            t->topics[kept++] = t->topics[i];
    t->topics[kept++] = topic;
    t->n = kept;
}

static void
event_close(void *conf)
{
    struct trigger *t = conf;
    host->unref(&t->config);
    free(t);
}

/* What weir itself publishes. */
static const char *const ours[] = { "breaker.open", "breaker.half_open", "breaker.close", "job.dead", "incident" };
#define OURS "breaker.open, breaker.half_open, breaker.close, job.dead, incident"

/* Whether TOPIC is of a kind that weir publishes itself, and none that it does. A plugin's own may be any other. */
static bool
is_never_told(struct weir_text topic)
{
    bool kin = false;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        size_t len = strlen(ours[i]), kind = strcspn(ours[i], ".");
        if (covers(topic, (struct weir_text){ ours[i], len }))
            return false;
        kin = kin || (topic.len >= kind && memcmp(topic.bytes, ours[i], kind) == 0 &&
                      (topic.len == kind || topic.bytes[kind] == '.'));
    }
    return kin;
}

/* Adds each topic of ON, which is a text or a list; false: one is none that anybody is told, and RET_WRONG is it. */
static bool
take_topics(struct trigger *t, const struct weir_value *on, struct weir_text *ret_wrong)
{
    bool list = host->type(on) == WEIR_LIST;
    for (size_t i = 0; i < (list ? host->len(on) : 1); i++) {
        if (!host->get_text(list ? host->at(on, i) : on, ret_wrong))
            continue;
        if (is_never_told(*ret_wrong))
            return false;
        add_topic(t, *ret_wrong);
    }
    return true;
}

static uint32_t
event_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
           struct weir_error *err)
{
    (void)open;
    struct weir_text wrong;
    struct trigger *t = zeroed(1, sizeof *t);
    t->config = host->ref(config);
    *ret_conf = t;
    if (take_topics(t, host->get(config, WEIR_TEXT("on")), &wrong))
        return WEIR_OK;
    (void)refuse(err, WEIR_INVALID, "'on': there is no event '%.*s'; there are " OURS, (int)wrong.len,
                 wrong.bytes);
    event_close(t);
    return WEIR_INVALID;
}

static uint32_t
event_attach(struct weir_shard *shard, void *conf, void **ret_state, struct weir_error *err)
{
    (void)err;
    struct ear *e = zeroed(1, sizeof *e);
    e->conf = conf;
    e->shard = shard;
    *ret_state = e;
    return WEIR_OK;
}

static void
event_detach(void *state)
{
    free(state);
}

static void
complain(struct weir_text topic, const char *why)
{
    char text[256];
    int len = snprintf(text, sizeof text, "the event '%.*s' starts no run: %s",
                       (int)(topic.len < 64 ? topic.len : 64), topic.bytes, why);
    size_t used = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    host->say(WEIR_WARN, (struct weir_text){ text, used }, NULL);
}

/* Whether one more run may start in this second; complains once in each. */
static bool
may_start(struct ear *e, struct weir_text topic)
{
    uint64_t second = host->now_ms(e->shard) / 1000;
    if (second != e->second)
        e->started = e->dropped = 0;
    e->second = second;
    if (e->started < RUNS_PER_SECOND) {
        e->started++;
        return true;
    }
    if (e->dropped++ == 0)
        complain(topic, "more than 100 came within a second");
    return false;
}

/* The members of the event, and its topic as "event"; owned by the caller. */
static const struct weir_value *
body_of(struct weir_text topic, const struct weir_value *event)
{
    struct weir_builder *map = host->map_new();
    const struct weir_value *v = host->string(topic);
    struct weir_text key;
    const struct weir_value *member;
    if (v != NULL)
        host->map_set(map, WEIR_TEXT("event"), &v);
    for (size_t i = 0; host->type(event) == WEIR_MAP && host->member(event, i, &key, &member);
         i++) {
        if (key.len == 5 && memcmp(key.bytes, "event", 5) == 0)
            continue;
        map_take(map, key, host->ref(member));
    }
    if (host->type(event) != WEIR_MAP)
        map_take(map, WEIR_TEXT("value"), host->ref(event));
    return host->build(&map);
}

static void
told(void *arg, struct weir_text topic, const struct weir_value *event)
{
    struct ear *e = arg;
    struct weir_error err = { 0 };
    if (!may_start(e, topic))
        return;
    const struct weir_value *body = body_of(topic, event);
    if (host->emit(e->shard, e, body, &err) != WEIR_OK)
        complain(topic, err.text);
    host->unref(&err.detail);
    host->unref(&body);
}

static void
event_start(void *state)
{
    struct ear *e = state;
    for (uint32_t i = 0; i < e->conf->n; i++)
        e->subscriptions[i] = host->subscribe(e->shard, e->conf->topics[i], told, e);
}

static void
event_stop(void *state)
{
    struct ear *e = state;
    for (uint32_t i = 0; i < e->conf->n; i++)
        host->unsubscribe(&e->subscriptions[i]);
}

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "Which events start a run.",
    "type": "object",
    "additionalProperties": false,
    "required": ["on"],
    "x-weir-shorthand": "on",
    "properties": {
        "on": {
            "description": "A topic, or a list of topics; a * at the end stands for anything. Breakers publish breaker.open, breaker.half_open and breaker.close.",
            "anyOf": [
                { "type": "string", "pattern": "^[a-z0-9_.-]{1,63}[a-z0-9_*-]$" },
                { "type": "array", "minItems": 1, "maxItems": 32, "items": { "type": "string", "pattern": "^[a-z0-9_.-]{1,63}[a-z0-9_*-]$" } }
            ],
            "x-weir-literal": true,
            "examples": ["breaker.open", ["breaker.open", "breaker.close"], "breaker.*"]
        }
    }
});
/* clang-format on */

static const struct weir_trigger_type triggers[] = {
    {
        .size = sizeof(struct weir_trigger_type),
        .name = "event",
        .summary = "Starts a run for what other nodes publish: a breaker that opens, for one.",
        .config_schema = schema,
        .example = "event: { on: [breaker.open, breaker.close] }\n",
        .open = event_open,
        .attach = event_attach,
        .start = event_start,
        .stop = event_stop,
        .detach = event_detach,
        .close = event_close,
    },
};

PLUGIN("event", PLUGIN_TRIGGERS(triggers));
