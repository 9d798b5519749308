/* ws/handshake.c - who may open a WebSocket: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
    if (t->origins.n == 0)
        return is_same_host(e, origin);
    for (uint32_t i = 0; i < t->origins.n; i++)
        if (text_fits(origin, t->origins.items[i]))
            return true;
    return false;
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

/* The value of a parameter of the path; empty if there is none. */
static struct weir_text
param(const struct conn *c, struct weir_text name)
{
    for (uint32_t i = 0; i < c->n_params; i++)
        if (text_same(c->params[i].name, name))
            return c->params[i].value;
    return (struct weir_text){ "", 0 };
}

/* Writes PATTERN with {name} replaced; 0: it is too long. */
static size_t
room_name(const struct conn *c, struct weir_text pattern, char room[ROOM_NAME])
{
    size_t len = 0;
    for (size_t i = 0; i < pattern.len;) {
        struct weir_text part = { pattern.bytes + i, 1 };
        const char *end = pattern.bytes[i] == '{' ? memchr(pattern.bytes + i, '}', pattern.len - i) : NULL;
        if (end != NULL) {
            part = param(c, (struct weir_text){ pattern.bytes + i + 1, (size_t)(end - pattern.bytes) - i - 1 });
            i = (size_t)(end - pattern.bytes) + 1;
        } else {
            i++;
        }
        if (part.len > ROOM_NAME - len)
            return 0;
        memcpy(room + len, part.bytes, part.len);
        len += part.len;
    }
    return len;
}

static bool
join_rooms(struct conn *c, const struct trigger *t)
{
    for (uint32_t i = 0; i < t->rooms.n; i++) {
        char name[ROOM_NAME];
        size_t len = room_name(c, t->rooms.items[i], name);
        if (!room_join(c, (struct weir_text){ name, len }))
            return false;
    }
    return true;
}

/* Makes the socket; false and ERR if the request is none for one. */
static bool
offer(struct conn *c, const struct trigger *t, struct weir_event *e, struct weir_error *err)
{
    struct weir_text protocol = choose_protocol(t, e);
    if (protocol.len > 0) {
        c->protocol = strndup(protocol.bytes, protocol.len);
        if (c->protocol == NULL)
            abort();
    }
    const struct weir_value *about = conn_about(c, "open");
    struct weir_socket_config config = {
        .size = sizeof config,
        .ping_ms = (uint32_t)t->ping_ms,
        .idle_ms = t->idle_ms,
        .max_message = t->max_message,
        .max_queue = t->max_queue,
        .protocol = protocol,
        .connection = about,
    };
    c->socket = host->socket_offer(e, &config, &conn_owner, c, err);
    host->unref(&about);
    return c->socket != NULL;
}

void
gate_accept(struct weir_event *e, void *state)
{
    struct gate *g = state;
    const struct trigger *t = g->conf;
    struct weir_error err = { 0 };
    if (!origin_allowed(t, e)) {
        (void)refuse(&err, WEIR_FORBIDDEN, "pages of this origin may not open a WebSocket here");
        turn_away(t, e, &err, "origin");
        return;
    }
    struct conn *c = conn_new(g, e);
    if (!offer(c, t, e, &err)) {
        conn_drop(c);
        turn_away(t, e, &err, "handshake");
        return;
    }
    if (!join_rooms(c, t)) {
        (void)refuse(&err, WEIR_INVALID, "the name of a room has to have 1 to %u bytes", ROOM_NAME);
        turn_away(t, e, &err, "room"); /* the socket is told to be closed */
        return;
    }
    if (t->on & ON_OPEN) {
        host->start_run(e);
        return;
    }
    struct weir_reply reply = { .size = sizeof reply, .status = 204 };
    host->event_reply(e, &reply);
}
