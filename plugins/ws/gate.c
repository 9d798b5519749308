/* ws/gate.c - who may open a WebSocket or an event stream: see README.md and sse.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RETRY_MS 5000

static bool
same_letters(struct weir_text a, struct weir_text b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.bytes, b.bytes, a.len) == 0);
}

/* Whether a page of ORIGIN was served by the host that it calls. */
static bool
is_same_host(const struct weir_event *e, struct weir_text origin)
{
    struct weir_text own = host->event_header(e, WEIR_TEXT("host"));
    const char *slashes = memmem(origin.bytes, origin.len, "://", 3);
    if (slashes == NULL || own.bytes == NULL)
        return false;
    size_t head = (size_t)(slashes - origin.bytes) + 3;
    return same_letters(own, (struct weir_text){ origin.bytes + head, origin.len - head });
}

/* Browsers always say where a page comes from, and nothing else keeps it from using the cookies of
 * its visitors here (RFC 6455 10.2). */
static bool
origin_allowed(const struct trigger *t, const struct weir_event *e)
{
    struct weir_text origin = host->event_header(e, WEIR_TEXT("origin"));
    if (origin.bytes == NULL)
        return true;
    if (t->cors != NULL && cors_allows(t->cors, origin))
        return true;
    if (t->origins.n == 0)
        return is_same_host(e, origin);
    return cors_fits(&t->origins, origin);
}

static struct weir_text
trim(struct weir_text t)
{
    while (t.len > 0 && (t.bytes[0] == ' ' || t.bytes[0] == '\t'))
        t = (struct weir_text){ t.bytes + 1, t.len - 1 };
    while (t.len > 0 && (t.bytes[t.len - 1] == ' ' || t.bytes[t.len - 1] == '\t'))
        t.len--;
    return t;
}

/* The first item of LIST that is one of ours; empty: none. */
static struct weir_text
first_known(const struct trigger *t, struct weir_text list)
{
    while (list.len > 0) {
        const char *comma = memchr(list.bytes, ',', list.len);
        size_t len = comma != NULL ? (size_t)(comma - list.bytes) : list.len;
        struct weir_text item = trim((struct weir_text){ list.bytes, len });
        for (uint32_t i = 0; i < t->protocols.n; i++)
            if (text_same(item, t->protocols.items[i]))
                return t->protocols.items[i];
        len += comma != NULL;
        list = (struct weir_text){ list.bytes + len, list.len - len };
    }
    return (struct weir_text){ "", 0 };
}

/* The subprotocol that the caller wants most, of those that are spoken here. */
static struct weir_text
choose_protocol(const struct trigger *t, const struct weir_event *e)
{
    uint32_t n;
    const struct weir_header *headers = host->event_headers(e, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (!text_same(headers[i].name, WEIR_TEXT("sec-websocket-protocol")))
            continue;
        struct weir_text known = first_known(t, headers[i].value);
        if (known.len > 0)
            return known;
    }
    return (struct weir_text){ "", 0 };
}

static void
turn_away(const struct trigger *t, struct weir_event *e, const struct weir_error *err, const char *reason)
{
    const struct weir_text labels[] = { text_of(t->pipeline), text_of(reason) };
    host->shard_measure(host->event_shard(e), t->refused, labels, 1);
    host->refuse(e, err);
}

static struct weir_socket_config
socket_config(const struct trigger *t)
{
    return (struct weir_socket_config){
        .size = sizeof(struct weir_socket_config),
        .kind = t->events ? WEIR_SOCKET_BODY : WEIR_SOCKET_WEBSOCKET,
        .content_type = WEIR_TEXT("text/event-stream"),
        .ping_ms = (uint32_t)t->ping_ms,
        .idle_ms = t->idle_ms,
        .max_message = t->max_message,
        .max_queue = t->max_queue,
    };
}

/* Makes the socket; false and ERR if the request is none for one. */
static bool
offer(struct conn *c, const struct trigger *t, struct weir_event *e, struct weir_error *err)
{
    struct weir_socket_config config = socket_config(t);
    config.protocol = t->events ? (struct weir_text){ "", 0 } : choose_protocol(t, e);
    if (config.protocol.len > 0)
        c->protocol = text_copied(config.protocol);
    config.connection = conn_about(c, "open");
    c->socket = host->socket_offer(e, &config, &conn_owner, c, err);
    host->unref(&config.connection);
    return c->socket != NULL;
}

/* What comes behind the question who it is. */
static void
enter(void *arg, struct weir_event *e)
{
    struct gate *g = arg;
    const struct trigger *t = g->conf;
    struct weir_error err = { 0 };
    auth_hide(t->auth, e);
    struct conn *c = conn_new(g, e);
    if (!place_take(c, t)) {
        conn_drop(c);
        (void)refuse(&err, WEIR_UNAVAILABLE, "as many connections as may be are open here");
        err.retry_after_ms = RETRY_MS;
        turn_away(t, e, &err, "connections");
    } else if (!offer(c, t, e, &err)) {
        conn_drop(c);
        turn_away(t, e, &err, "handshake");
    } else if (!gate_join(c, t, e, &err)) {
        turn_away(t, e, &err, "room"); /* the socket is told to be closed */
        host->unref(&err.detail);
    } else if (t->on & ON_OPEN) {
        host->start_run(e);
    } else {
        struct weir_reply reply = { .size = sizeof reply, .status = 204 };
        host->event_reply(e, &reply);
    }
}

static void
keep_out(void *arg, struct weir_event *e, const struct weir_error *err, const char *reason)
{
    const struct gate *g = arg;
    turn_away(g->conf, e, err, reason);
}

const struct auth_door gate_door = { .enter = enter, .turn_away = keep_out };

static void
refuse_method(const struct trigger *t, struct weir_event *e)
{
    struct weir_error err = { .status = 405 };
    host->event_header_set(e, WEIR_TEXT("Allow"), WEIR_TEXT("GET"));
    (void)refuse(&err, WEIR_INVALID, "the method is not allowed here");
    turn_away(t, e, &err, "handshake");
}

/* What pages of other sites are told of an event stream. Whether E has its answer. */
static bool
answer_cors(const struct trigger *t, struct weir_event *e)
{
    struct weir_error err = { 0 };
    if (t->cors == NULL)
        return false;
    enum cors_step step = cors_preflight(t->cors, e, &err);
    if (step == CORS_REFUSED)
        turn_away(t, e, &err, "origin");
    if (step != CORS_GO_ON)
        return true;
    cors_allow(t->cors, e);
    if (!cors_is_stray(e, &t->methods))
        return false;
    refuse_method(t, e);
    return true;
}

void
gate_accept(struct weir_event *e, void *state)
{
    struct gate *g = state;
    const struct trigger *t = g->conf;
    struct weir_error err = { 0 };
    if (t->events) { /* proxies are to keep nothing back, and nothing for later */
        host->event_header_set(e, WEIR_TEXT("Cache-Control"), WEIR_TEXT("no-store"));
        host->event_header_set(e, WEIR_TEXT("X-Accel-Buffering"), WEIR_TEXT("no"));
    }
    if (answer_cors(t, e))
        return;
    if (!origin_allowed(t, e)) {
        (void)refuse(&err, WEIR_FORBIDDEN, "pages of this origin may not open a connection here");
        turn_away(t, e, &err, "origin");
    } else if (g->guard != NULL) {
        guard_check(g->guard, e);
    } else {
        enter(g, e);
    }
}
