/* ws/ws_open.c - from the configuration to a trigger: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t
number(const struct trigger *t, const char *key)
{
    int64_t n = 0;
    (void)host->get_int(host->get(t->config, text_of(key)), &n);
    return n > 0 ? (uint64_t)n : 0;
}

/* What the trigger wants to hear of. */
static uint32_t
on_of(const struct weir_value *list)
{
    static const char *const names[] = { "open", "message", "close" };
    uint32_t on = 0;
    struct texts t = texts_of(list);
    for (uint32_t i = 0; i < t.n; i++)
        for (uint32_t k = 0; k < 3; k++)
            if (text_same(t.items[i], text_of(names[k])))
                on |= 1u << k;
    free(t.items);
    return on;
}

static void
take_rate(struct trigger *t)
{
    const struct weir_value *rate = host->get(t->config, WEIR_TEXT("rate"));
    int64_t count = 0;
    if (host->get_int(host->get(rate, WEIR_TEXT("count")), &count) && count > 0) {
        int64_t ms = 1000;
        (void)host->get_int(host->get(rate, WEIR_TEXT("per_ms")), &ms);
        t->rate = (uint64_t)count;
        t->per_ms = (double)count / (double)(ms > 0 ? ms : 1);
    }
}

static uint32_t
add_route(struct weir_open *open, struct trigger *t, struct weir_error *err)
{
    static const struct weir_text methods[] = { { "GET", 3 } };
    struct weir_route route = { .size = sizeof route, .methods = methods, .n_methods = 1 };
    (void)host->get_text(host->get(t->config, WEIR_TEXT("path")), &route.path);
    struct weir_text pipeline = host->pipeline_name(open);
    t->pipeline = text_copied(pipeline);
    size_t len = pipeline.len + route.path.len + 2;
    t->line = malloc(len);
    if (t->line == NULL)
        abort();
    snprintf(t->line, len, "%s %.*s", t->pipeline, (int)route.path.len, route.path.bytes);
    return host->route(open, &route, err);
}

static uint32_t
make_metric(struct weir_open *open, struct trigger *t, struct weir_error *err)
{
    static const struct weir_metric refused = {
        .size = sizeof refused,
        .kind = WEIR_COUNTER,
        .name = "weir_websocket_refused_total",
        .help = "Requests for a WebSocket that were refused before a run, by reason.",
        .labels = "pipeline reason",
    };
    t->refused = host->metric(open, &refused, err);
    return t->refused != 0 ? WEIR_OK : err->code;
}

static uint32_t
take_all(struct weir_open *open, struct trigger *t, struct weir_error *err)
{
    uint32_t whole = host->slot(open, "");
    if (whole != 0 && (host->slot_flags(open, whole) & WEIR_SLOT_CONSTANT) == 0)
        return refuse(err, WEIR_INVALID,
                      "no expression can stand in a websocket: it is set up before any event");
    const struct weir_value *config = t->config;
    t->origins = texts_of(host->get(config, WEIR_TEXT("origins")));
    t->protocols = texts_of(host->get(config, WEIR_TEXT("subprotocols")));
    t->rooms = texts_of(host->get(config, WEIR_TEXT("rooms")));
    t->on = on_of(host->get(config, WEIR_TEXT("on")));
    (void)host->get_bool(host->get(config, WEIR_TEXT("json")), &t->json);
    t->max_message = number(t, "max_message");
    t->max_queue = number(t, "max_queue");
    t->ping_ms = number(t, "ping");
    t->idle_ms = number(t, "idle_timeout");
    t->max_rooms = (uint32_t)number(t, "max_rooms");
    if (t->rooms.n > t->max_rooms)
        return refuse(err, WEIR_INVALID, "'rooms' has more rooms than 'max_rooms' allows");
    take_rate(t);
    t->seats = hub_seats(open, err);
    if (t->seats == NULL)
        return err->code;
    if (make_metric(open, t, err) != WEIR_OK)
        return err->code;
    return add_route(open, t, err);
}

uint32_t
trigger_open(struct weir_open *open, const struct weir_value *config, void **ret_conf, struct weir_error *err)
{
    struct trigger *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->config = host->ref(config);
    uint32_t code = take_all(open, t, err);
    if (code == WEIR_OK)
        *ret_conf = t;
    else
        trigger_close(t);
    return code;
}

void
trigger_close(void *conf)
{
    struct trigger *t = conf;
    free(t->origins.items);
    free(t->protocols.items);
    free(t->rooms.items);
    free(t->line);
    free(t->pipeline);
    host->unref(&t->config);
    free(t);
}
