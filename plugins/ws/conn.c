/* ws/conn.c - a connection: its handshake as later events see it, its messages, its end; see ws.h.
 *
 * Messages of one connection run one after the other, so that they have an order; a few may wait,
 * then no more is read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAIL_MAX 16u

/* -- from the request to a connection -- */

/* Copies T to *AT, which moves behind it. */
static struct weir_text
put(char **at, struct weir_text t)
{
    char *bytes = *at;
    if (t.len > 0)
        memcpy(bytes, t.bytes, t.len);
    *at += t.len;
    return (struct weir_text){ bytes, t.len };
}

static size_t
pairs_len(const struct weir_header *pairs, uint32_t n)
{
    size_t len = 0;
    for (uint32_t i = 0; i < n; i++)
        len += pairs[i].name.len + pairs[i].value.len;
    return len;
}

static struct weir_header *
put_pairs(char **at, const struct weir_header *from, uint32_t n)
{
    struct weir_header *pairs = zeroed(n + 1, sizeof *pairs);
    for (uint32_t i = 0; i < n; i++)
        pairs[i] = (struct weir_header){ put(at, from[i].name), put(at, from[i].value) };
    return pairs;
}

static void
copy_request(struct conn *c, struct weir_event *e)
{
    const struct weir_header *headers = host->event_headers(e, &c->n_headers);
    const struct weir_header *params = host->event_params(e, &c->n_params);
    struct weir_text path = host->event_path(e);
    struct weir_text query = host->event_query_text(e);
    struct weir_text ip = host->event_client_ip(e);
    size_t len = path.len + query.len + ip.len + pairs_len(headers, c->n_headers) + pairs_len(params, c->n_params);
    char *at = c->texts = malloc(len + 1);
    if (at == NULL)
        abort();
    c->path = put(&at, path);
    c->query = put(&at, query);
    c->client_ip = put(&at, ip);
    c->headers = put_pairs(&at, headers, c->n_headers);
    c->params = put_pairs(&at, params, c->n_params);
}

/* The number of the shard, then what nobody can guess. */
static void
make_id(struct conn *c)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[ID_BYTES];
    host->random(bytes, sizeof bytes);
    bytes[0] = (uint8_t)c->hub->index;
    far_tag(bytes + 1);
    for (unsigned i = 0; i < ID_BYTES; i++) {
        c->id[2 * i] = digits[bytes[i] >> 4];
        c->id[2 * i + 1] = digits[bytes[i] & 15];
    }
}

struct conn *
conn_new(struct gate *g, struct weir_event *e)
{
    struct conn *c = zeroed(1, sizeof *c);
    c->hub = g->hub;
    c->hub->users++;
    c->line = line_get(g->hub, g->conf->line);
    c->events = g->conf->events;
    const struct weir_value *auth = host->event_auth(e);
    c->auth = auth != NULL ? host->ref(auth) : NULL;
    c->max_rooms = g->conf->max_rooms;
    c->max_queue = g->conf->max_queue;
    c->on = g->conf->on;
    c->tokens = (double)g->conf->rate;
    c->tokens_ms = host->now_ms(c->hub->shard);
    c->end = &c->first;
    link_init(&c->seats);
    make_id(c);
    copy_request(c, e);
    names_add(&c->hub->conns, (struct weir_text){ c->id, ID_TEXT }, c);
    return c;
}

static void
set_text(struct weir_builder *map, const char *key, struct weir_text text)
{
    const struct weir_value *v = host->string(text);
    if (v == NULL)
        v = host->bytes(text);
    map_take(map, text_of(key), v);
}

const struct weir_value *
conn_about(const struct conn *c, const char *event)
{
    struct weir_builder *map = host->map_new();
    set_text(map, "id", (struct weir_text){ c->id, ID_TEXT });
    set_text(map, "event", text_of(event));
    set_text(map, "kind", c->events ? WEIR_TEXT("sse") : WEIR_TEXT("websocket"));
    for (uint32_t i = 0; c->events && i < c->n_headers; i++)
        if (text_same(c->headers[i].name, WEIR_TEXT("last-event-id")))
            set_text(map, "last_event_id", c->headers[i].value);
    if (c->protocol != NULL)
        set_text(map, "protocol", text_of(c->protocol));
    if (c->code != 0) {
        map_take(map, WEIR_TEXT("code"), host->integer(c->code));
        set_text(map, "reason", text_of(c->reason));
    }
    return host->build(&map);
}

/* -- messages -- */

static void
drop_mail(struct conn *c)
{
    struct mail *m = c->first;
    c->mail_bytes -= host->len(m->message);
    c->n_mail--;
    c->first = m->next;
    if (c->first == NULL)
        c->end = &c->first;
    host->unref(&m->message);
    free(m);
}

static void
conn_free(struct conn *c)
{
    struct hub *h = c->hub;
    while (c->first != NULL)
        drop_mail(c);
    line_leave(h, &c->line);
    host->unref(&c->about);
    host->unref(&c->auth);
    free(c->protocol);
    free(c->texts);
    free(c->headers);
    free(c->params);
    free(c);
    hub_leave(h);
}

/* Nobody can reach it any more. */
static void
vanish(struct conn *c)
{
    c->socket = NULL;
    place_give(c);
    room_leave_all(c);
    names_remove(&c->hub->conns, (struct weir_text){ c->id, ID_TEXT });
}

bool
conn_send(struct conn *c, struct message *m)
{
    if (!c->events)
        return host->socket_send(c->socket, m->value);
    if (m->lines == NULL)
        m->lines = lines_of(m);
    return sse_send(c, m->lines);
}

/* Sends the problem ERR (RFC 9457), as the reply of a run that could not even begin. */
static void
send_problem(struct conn *c, const struct weir_error *err, uint32_t status, const char *code)
{
    if (c->socket == NULL)
        return;
    char type[64];
    snprintf(type, sizeof type, "urn:weir:problem:%s", code);
    struct weir_builder *map = host->map_new();
    set_text(map, "type", text_of(type));
    map_take(map, WEIR_TEXT("status"), host->integer(status));
    set_text(map, "detail", text_of(err->text));
    const struct weir_value *v = host->build(&map);
    (void)host->socket_send(c->socket, v);
    host->unref(&v);
}

static void
told(void *arg, const struct weir_reply *reply)
{
    struct conn *c = arg;
    if (reply == NULL) {
        c->running = false;
        if (!c->working)
            conn_work(c);
        return;
    }
    if (reply->body != NULL && c->socket != NULL)
        (void)host->socket_send(c->socket, reply->body);
}

/* Starts the run of an event of C. False: there is none. */
static bool
start(struct conn *c, const char *method, const struct weir_value *body, const struct weir_value *about)
{
    struct weir_emit e = {
        .size = sizeof e,
        .method = text_of(method),
        .path = c->path,
        .query = c->query,
        .client_ip = c->client_ip,
        .headers = c->headers,
        .n_headers = c->n_headers,
        .params = c->params,
        .n_params = c->n_params,
        .body = body,
        .connection = about,
        .auth = c->auth,
    };
    struct weir_error err = { 0 };
    struct gate *gate = c->line->gate;
    if (gate == NULL)
        return false;
    c->running = true;
    if (host->emit_request(c->hub->shard, gate, &e, told, c, &err) == WEIR_OK)
        return true;
    c->running = false;
    send_problem(c, &err, 503, "unavailable");
    host->unref(&err.detail);
    return false;
}

static void
start_message(struct conn *c)
{
    const struct weir_value *message = c->first->message;
    const struct weir_value *body = host->ref(message);
    struct weir_text text;
    struct weir_error err = { 0 };
    bool json = c->line->gate != NULL && c->line->gate->conf->json;
    drop_mail(c);
    if (json && host->get_text(body, &text)) {
        const struct weir_value *parsed = NULL;
        if (host->json_read(text, &parsed, &err) != WEIR_OK) {
            send_problem(c, &err, 400, "invalid");
            host->unref(&err.detail);
            host->unref(&body);
            return;
        }
        host->unref(&body);
        body = parsed;
    }
    if (c->about == NULL)
        c->about = conn_about(c, "message");
    (void)start(c, "MESSAGE", body, c->about);
    host->unref(&body);
}

static void
start_farewell(struct conn *c)
{
    c->farewell = false;
    const struct weir_value *about = conn_about(c, "close");
    (void)start(c, "CLOSE", NULL, about);
    host->unref(&about);
}

/* Reads on if there is room for what comes. */
static void
hold(struct conn *c)
{
    const struct gate *gate = c->line->gate;
    uint64_t most = gate != NULL ? gate->conf->max_message : 0;
    bool full = c->n_mail >= MAIL_MAX || c->mail_bytes > most;
    if (c->socket != NULL && full != c->held)
        host->socket_hold(c->socket, c->held = full);
}

/* Whether so much waits for the caller that nothing more is to be made for it: who sends faster than
 * it reads waits for itself. */
static bool
is_crowded(const struct conn *c)
{
    /* By the bound that the socket itself knows: it tells when it is drained below that one. */
    return c->socket != NULL && host->socket_queued(c->socket) > c->max_queue;
}

void
conn_work(struct conn *c)
{
    c->working = true;
    while (!c->running && c->first != NULL && !is_crowded(c))
        start_message(c);
    if (!c->running && c->first == NULL && c->farewell)
        start_farewell(c);
    c->working = false;
    hold(c);
    if (c->socket == NULL && !c->running)
        conn_free(c);
}

/* Whether one more message may come now (a token bucket that holds one period's worth). */
static bool
within_rate(struct conn *c, const struct trigger *t)
{
    if (t->rate == 0)
        return true;
    uint64_t now_ms = host->now_ms(c->hub->shard);
    c->tokens += (double)(now_ms - c->tokens_ms) * t->per_ms;
    c->tokens_ms = now_ms;
    if (c->tokens > (double)t->rate)
        c->tokens = (double)t->rate;
    if (c->tokens < 1)
        return false;
    c->tokens -= 1;
    return true;
}

/* -- what the socket tells -- */

static void
on_opened(void *arg, const struct weir_value *body)
{
    struct conn *c = arg;
    struct message m = { .value = body };
    c->opened = true;
    if (c->events)
        sse_opened(c);
    if (body != NULL)
        (void)conn_send(c, &m);
    host->unref(&m.lines);
}

static void
on_message(void *arg, const struct weir_value *message)
{
    struct conn *c = arg;
    if (c->line->gate != NULL && !within_rate(c, c->line->gate->conf)) {
        host->socket_close(c->socket, 1008, WEIR_TEXT("messages come faster than is allowed"));
        return;
    }
    if ((c->on & ON_MESSAGE) == 0)
        return;
    struct mail *m = malloc(sizeof *m);
    if (m == NULL)
        abort();
    *m = (struct mail){ .message = host->ref(message) };
    *c->end = m;
    c->end = &m->next;
    c->n_mail++;
    c->mail_bytes += host->len(message);
    if (!c->working)
        conn_work(c);
}

static void
on_closed(void *arg, uint32_t code, struct weir_text reason)
{
    struct conn *c = arg;
    if (c->events)
        sse_closed(c, code);
    c->code = code;
    snprintf(c->reason, sizeof c->reason, "%.*s", (int)reason.len, reason.bytes);
    c->farewell = c->opened && (c->on & ON_CLOSE) != 0;
    vanish(c);
    if (!c->working)
        conn_work(c);
}

static void
on_drained(void *arg)
{
    struct conn *c = arg;
    if (!c->working)
        conn_work(c);
}

const struct weir_socket_owner conn_owner = {
    .size = sizeof conn_owner,
    .opened = on_opened,
    .message = on_message,
    .closed = on_closed,
    .drained = on_drained,
};

void
conn_drop(struct conn *c)
{
    vanish(c);
    conn_free(c);
}
