/* breaker/breaker_tell.c - log, events and metrics of breakers: see breaker.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "breaker.h"

void
breaker_put_int(struct weir_builder *map, struct weir_text key, uint64_t i)
{
    map_take(map, key, host->integer((int64_t)i));
}

void
breaker_put_text(struct weir_builder *map, struct weir_text key, const char *text)
{
    const struct weir_value *v =
        text != NULL ? host->string((struct weir_text){ text, strlen(text) }) : host->null();
    host->map_set(map, key, &v);
}

void
breaker_put_double(struct weir_builder *map, struct weir_text key, double d)
{
    map_take(map, key, host->number(d));
}

void
breaker_put_time(struct weir_builder *map, struct weir_text key, uint64_t wall_ms)
{
    char text[40];
    struct tm parts;
    time_t seconds = (time_t)(wall_ms / 1000);
    size_t len = gmtime_r(&seconds, &parts)
                     ? strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts)
                     : 0;
    snprintf(text + len, sizeof text - len, ".%03uZ", (unsigned)(wall_ms % 1000));
    breaker_put_text(map, key, text);
}

static const char *
forced_name(enum breaker_forced f)
{
    static const char *const names[] = { NULL, "open", "closed" };
    return names[f];
}

/* What the log and the event have in common. */
static struct weir_builder *
describe(const struct named *n, const struct breaker_change *c)
{
    struct weir_builder *map = host->map_new();
    breaker_put_text(map, WEIR_TEXT("breaker"), n->name);
    breaker_put_text(map, WEIR_TEXT("from"), breaker_state_name(c->from));
    breaker_put_text(map, WEIR_TEXT("to"), breaker_state_name(c->to));
    breaker_put_int(map, WEIR_TEXT("failures"), c->failures);
    breaker_put_int(map, WEIR_TEXT("calls"), c->calls);
    return map;
}

static void
log_change(const struct named *n, const struct breaker_change *c, const char *pipeline)
{
    static const char *const states[] = { "closed", "half-open", "open" };
    char text[160];
    char why[64] = ", by an operator";
    struct weir_builder *map = describe(n, c);
    if (pipeline != NULL) {
        breaker_put_text(map, WEIR_TEXT("pipeline"), pipeline);
        snprintf(why, sizeof why, ": %u of %u calls failed", c->failures, c->calls);
    }
    const struct weir_value *fields = host->build(&map);
    snprintf(text, sizeof text, "breaker '%s' is %s%s", n->name, states[c->to],
             c->to == BREAKER_OPEN || pipeline == NULL ? why : "");
    host->say(c->to == BREAKER_OPEN ? WEIR_WARN : WEIR_INFO,
              (struct weir_text){ text, strlen(text) }, fields);
    host->unref(&fields);
}

static void
publish(struct weir_shard *shard, const struct named *n, const struct breaker_change *c)
{
    static const char *const topics[] = { "breaker.close", "breaker.half_open",
                                          "breaker.open" };
    const char *topic = topics[c->to];
    struct weir_builder *map = describe(n, c);
    breaker_put_time(map, WEIR_TEXT("at"), host->wall_ms(shard));
    breaker_put_double(map, WEIR_TEXT("error_rate"),
                       c->calls ? (double)c->failures / c->calls : 0);
    breaker_put_text(map, WEIR_TEXT("forced"), forced_name(c->forced));
    breaker_put_int(map, WEIR_TEXT("reset_after_ms"), c->reset_ms);
    map_take(map, WEIR_TEXT("pipelines"), breaker_name_pipelines(n));
    const struct weir_value *event = host->build(&map);
    host->publish(shard, (struct weir_text){ topic, strlen(topic) }, event);
    host->unref(&event);
}

void
breaker_tell(struct weir_shard *shard, const struct named *n,
             const struct breaker_change *change, const char *pipeline)
{
    if (!change->made)
        return;
    log_change(n, change, pipeline);
    publish(shard, n, change);
}

/* -- metrics, worked out when they are read: a call costs them nothing -- */

static struct weir_text
text_of(const char *text)
{
    return (struct weir_text){ text, strlen(text) };
}

static void
sample_state(struct named *n, void *sink)
{
    struct breaker_view view;
    breaker_look(&n->breaker, breaker_now_ms(), &view);
    host->sample(sink, &(struct weir_text){ n->name, strlen(n->name) }, (double)view.state);
}

static void
sample_calls(struct named *n, void *sink)
{
    static const char *const results[] = {
        [BREAKER_SUCCESS] = "success",   [BREAKER_FAILURE] = "failure",
        [BREAKER_TIMEOUT] = "timeout",   [BREAKER_IGNORED] = "ignored",
        [BREAKER_REJECTED] = "rejected", [BREAKER_FULL] = "full",
    };
    struct breaker_view view;
    breaker_look(&n->breaker, breaker_now_ms(), &view);
    for (unsigned i = 0; i < BREAKER_RESULTS; i++) {
        struct weir_text labels[] = { text_of(n->name), text_of(results[i]) };
        host->sample(sink, labels, (double)view.totals[i]);
    }
}

static void
sample_transitions(struct named *n, void *sink)
{
    struct breaker_view view;
    breaker_look(&n->breaker, breaker_now_ms(), &view);
    for (unsigned i = 0; i <= BREAKER_OPEN; i++) {
        struct weir_text labels[] = { text_of(n->name), text_of(breaker_state_name(i)) };
        host->sample(sink, labels, (double)view.transitions[i]);
    }
}

static void
collect_states(void *arg, struct weir_sink *sink)
{
    (void)arg;
    breaker_names_each(sample_state, sink);
}

static void
collect_calls(void *arg, struct weir_sink *sink)
{
    (void)arg;
    breaker_names_each(sample_calls, sink);
}

static void
collect_transitions(void *arg, struct weir_sink *sink)
{
    (void)arg;
    breaker_names_each(sample_transitions, sink);
}

void
breaker_metrics(void)
{
    static const struct {
        struct weir_metric metric;
        weir_collect_fn *fn;
    } all[] = {
        { { .size = sizeof(struct weir_metric),
            .kind = WEIR_GAUGE,
            .name = "weir_breaker_state",
            .help = "State of a circuit breaker: 0 closed, 1 half-open, 2 open.",
            .labels = "breaker" },
          collect_states },
        { { .size = sizeof(struct weir_metric),
            .kind = WEIR_COUNTER,
            .name = "weir_breaker_calls_total",
            .help = "Calls of circuit breakers by how they ended.",
            .labels = "breaker result" },
          collect_calls },
        { { .size = sizeof(struct weir_metric),
            .kind = WEIR_COUNTER,
            .name = "weir_breaker_transitions_total",
            .help = "Changes of state of circuit breakers.",
            .labels = "breaker to" },
          collect_transitions },
    };
    static bool made;
    struct weir_error err = { 0 };
    for (unsigned i = 0; i < sizeof all / sizeof *all && !made; i++)
        (void)host->metric_collect(&all[i].metric, all[i].fn, NULL,
                                   &err); /* the names are this one's */
    made = true;
}
