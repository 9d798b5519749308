/* ws/ws_open.c - from the configuration to a trigger: see README.md and sse.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES_BYTES (4u << 20)

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
    struct weir_route route = { .size = sizeof route };
    (void)host->get_text(host->get(t->config, WEIR_TEXT("path")), &route.path);
    struct weir_text *methods = cors_methods(t->cors, &t->methods, &route.n_methods);
    route.methods = methods;
    uint32_t code = host->route(open, &route, err);
    free(methods);
    return code;
}

/* The connections of the same pipeline, kind and path are a line. */
static void
name_line(struct weir_open *open, struct trigger *t)
{
    struct weir_text path = { "", 0 };
    (void)host->get_text(host->get(t->config, WEIR_TEXT("path")), &path);
    t->pipeline = text_copied(host->pipeline_name(open));
    size_t len = strlen(t->pipeline) + path.len + 8;
    t->line = malloc(len);
    if (t->line == NULL)
        abort();
    snprintf(t->line, len, "%s %s%.*s", t->pipeline, t->events ? "sse " : "", (int)path.len, path.bytes);
}

static uint32_t
make_metrics(struct weir_open *open, struct trigger *t, struct weir_error *err)
{
    static const struct weir_metric of_sockets = {
        .size = sizeof of_sockets,
        .kind = WEIR_COUNTER,
        .name = "weir_websocket_refused_total",
        .help = "Requests for a WebSocket that were refused before a run, by reason.",
        .labels = "pipeline reason",
    };
    static const struct weir_metric of_streams = {
        .size = sizeof of_streams,
        .kind = WEIR_COUNTER,
        .name = "weir_sse_refused_total",
        .help = "Requests for an event stream that were refused before a run, by reason.",
        .labels = "pipeline reason",
    };
    t->refused = host->metric(open, t->events ? &of_streams : &of_sockets, err);
    if (t->refused == 0)
        return err->code;
    return t->events ? sse_metrics(open, err) : WEIR_OK;
}

/* But for auth, which looks itself, and rooms, all is set up before there is an event. */
static uint32_t
check_fixed(struct weir_open *open, const struct trigger *t, struct weir_error *err)
{
    struct weir_text key;
    const struct weir_value *value;
    char pointer[80];
    for (size_t i = 0; host->member(t->config, i, &key, &value); i++) {
        (void)snprintf(pointer, sizeof pointer, "/%.*s", (int)(key.len < 60 ? key.len : 60), key.bytes);
        uint32_t slot = host->slot(open, pointer);
        bool own = text_same(key, WEIR_TEXT("rooms")) || text_same(key, WEIR_TEXT("auth"));
        if (!own && slot != 0 && (host->slot_flags(open, slot) & WEIR_SLOT_CONSTANT) == 0)
            return refuse(err, WEIR_INVALID, "no expression can stand in '%.*s': it is set up before any event",
                          (int)key.len, key.bytes);
    }
    return WEIR_OK;
}

static uint32_t
take_rooms(struct weir_open *open, struct trigger *t, struct weir_error *err)
{
    struct texts patterns = texts_of(host->get(t->config, WEIR_TEXT("rooms")));
    char pointer[32];
    t->rooms = zeroed(patterns.n + 1, sizeof *t->rooms);
    for (t->n_rooms = 0; t->n_rooms < patterns.n; t->n_rooms++) {
        (void)snprintf(pointer, sizeof pointer, "/rooms/%u", t->n_rooms);
        uint32_t slot = host->slot(open, pointer);
        bool constant = slot == 0 || (host->slot_flags(open, slot) & WEIR_SLOT_CONSTANT) != 0;
        t->rooms[t->n_rooms] = (struct room_rule){ patterns.items[t->n_rooms], constant ? 0 : slot };
    }
    free(patterns.items);
    if (t->n_rooms > t->max_rooms)
        return refuse(err, WEIR_INVALID, "'rooms' has more rooms than 'max_rooms' allows");
    return WEIR_OK;
}

static void
take_numbers(struct trigger *t)
{
    t->max_message = number(t, "max_message");
    t->max_queue = number(t, "max_queue");
    t->ping_ms = number(t, "ping");
    t->idle_ms = number(t, "idle_timeout");
    t->max_rooms = (uint32_t)number(t, "max_rooms");
    t->max_connections = number(t, "max_connections");
    t->retry_ms = number(t, "retry");
    t->keep_alive_ms = number(t, "keep_alive");
    t->max_age_ms = number(t, "max_age");
    take_rate(t);
}

static uint32_t
take_all(struct weir_open *open, struct trigger *t, struct weir_error *err)
{
    const struct weir_value *config = t->config;
    if (check_fixed(open, t, err) != WEIR_OK)
        return err->code;
    t->methods.items = zeroed(1, sizeof *t->methods.items);
    t->methods.items[t->methods.n++] = WEIR_TEXT("GET");
    t->origins = texts_of(host->get(config, WEIR_TEXT("origins")));
    t->protocols = texts_of(host->get(config, WEIR_TEXT("subprotocols")));
    t->on = on_of(host->get(config, WEIR_TEXT("on")));
    (void)host->get_bool(host->get(config, WEIR_TEXT("json")), &t->json);
    take_numbers(t);
    name_line(open, t);
    t->seats = hub_seats(open, err);
    if (t->seats == NULL)
        return err->code;
    t->places = host->table(open, "ws/places", sizeof(uint64_t), PLACES_BYTES);
    if (cors_new(host->get(config, WEIR_TEXT("cors")), &t->methods, &t->cors, err) != WEIR_OK ||
        take_rooms(open, t, err) != WEIR_OK || auth_open(open, &t->auth, err) != WEIR_OK ||
        make_metrics(open, t, err) != WEIR_OK)
        return err->code;
    return add_route(open, t, err);
}

static uint32_t
trigger_open(struct weir_open *open, const struct weir_value *config, bool events, void **ret_conf,
             struct weir_error *err)
{
    struct trigger *t = zeroed(1, sizeof *t);
    t->config = host->ref(config);
    t->events = events;
    uint32_t code = take_all(open, t, err);
    if (code == WEIR_OK)
        *ret_conf = t;
    else
        trigger_close(t);
    return code;
}

uint32_t
socket_open(struct weir_open *open, const struct weir_value *config, void **ret_conf, struct weir_error *err)
{
    return trigger_open(open, config, false, ret_conf, err);
}

uint32_t
events_open(struct weir_open *open, const struct weir_value *config, void **ret_conf, struct weir_error *err)
{
    return trigger_open(open, config, true, ret_conf, err);
}

void
trigger_close(void *conf)
{
    struct trigger *t = conf;
    auth_free(&t->auth);
    cors_free(t->cors);
    free(t->origins.items);
    free(t->protocols.items);
    free(t->methods.items);
    free(t->rooms);
    free(t->line);
    free(t->pipeline);
    host->unref(&t->config);
    free(t);
}
