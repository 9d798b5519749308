/* cli/test_event.c - the event of a test, and its caller. See test_scene.h. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/id.h"
#include "cli/test_scene.h"
#include "expr/template.h"
#include "loop/stream.h"
#include "value/json.h"

#define BODY_MAX (256u << 20)

static void
drained(void *arg, const char *bytes, size_t len, const struct weir_error *err)
{
    struct play *p = arg;
    (void)bytes;
    if (len == 0)
        engine_reply_sent(&p->event, err);
}

static void
replied(struct weir_event *e, const struct event_reply *r)
{
    struct play *p = (struct play *)(void *)e;
    struct stream *stream;
    p->status = r->status;
    snprintf(p->type, sizeof p->type, "%.*s", (int)r->content_type.len, r->content_type.bytes);
    for (unsigned i = 0; i < r->n_headers; i++) {
        char name[128];
        size_t len = r->headers[i].name.len < sizeof name ? r->headers[i].name.len : sizeof name;
        for (size_t k = 0; k < len; k++) {
            char c = r->headers[i].name.bytes[k];
            name[k] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
        const struct weir_value *v = value_string(r->headers[i].value.bytes, r->headers[i].value.len);
        builder_set(p->headers, name, len, &v);
    }
    if (r->body && value_type(r->body) == WEIR_STREAM) {
        p->body = value_text("(a stream)");
        if (stream_take(r->body, drained, p, &stream))
            stream_drop(&stream);
        engine_reply_sent(e, NULL);
    } else if (r->body) {
        p->body = value_ref(r->body);
    }
}

static void
released(struct weir_event *e)
{
    struct play *p = (struct play *)(void *)e;
    p->released = true;
    value_unref(&e->raw);
    value_unref(&e->auth);
    value_unref(&e->body);
    value_unref(&e->connection);
}

static const struct event_ops ops = { .reply = replied, .release = released };

/* A text of the test in the memory of the play. */
static struct weir_text
kept(struct play *p, struct weir_text t, const char *otherwise)
{
    if (t.len == 0)
        t = text_of(otherwise);
    return (struct weir_text){ arena_copy(&p->arena, t.bytes, t.len), t.len };
}

static void
fill_headers(struct play *p, const struct weir_value *request)
{
    const struct weir_value *map = scene_member(request, "headers"), *v;
    bool typed = false, json = value_field(request, "json") != NULL, text = scene_member(request, "text") != NULL;
    struct weir_header *list = arena_alloc(&p->arena, ((map ? map->len : 0) + 1) * sizeof *list);
    unsigned n = 0;
    struct weir_text key;
    for (size_t i = 0; map && value_member(map, i, &key, &v); i++) {
        char *name = arena_copy(&p->arena, key.bytes, key.len);
        for (size_t k = 0; k < key.len; k++)
            name[k] = (char)(name[k] >= 'A' && name[k] <= 'Z' ? name[k] + 32 : name[k]);
        struct buf b;
        struct weir_error err;
        buf_init(&b, 1u << 16);
        if (text_of_value(v, &b, &err) != WEIR_OK)
            buf_reset(&b);
        list[n].name = (struct weir_text){ name, key.len };
        list[n].value = kept(p, buf_content(&b), "");
        typed |= text_is(list[n].name, "content-type");
        buf_fini(&b);
        n++;
    }
    if (!typed && (json || text)) {
        list[n].name = TEXT("content-type");
        list[n++].value = json ? TEXT("application/json") : TEXT("text/plain");
    }
    p->event.headers = list;
    p->event.n_headers = n;
}

static void
fill_body(struct play *p, const struct weir_value *request)
{
    const struct weir_value *json = value_field(request, "json"), *text = scene_member(request, "text");
    struct buf b;
    struct weir_error err;
    if (json == NULL && text == NULL)
        return;
    buf_init(&b, BODY_MAX);
    enum weir_code code = json ? json_write(&b, json, &err) : text_of_value(text, &b, &err);
    if (code != WEIR_OK)
        buf_reset(&b);
    p->event.raw = value_bytes(b.bytes, b.len);
    buf_fini(&b);
}

void
scene_event(struct play *p)
{
    struct weir_event *e = &p->event;
    const struct weir_value *request = scene_member(p->test->value, "request"), *event = value_field(p->test->value, "event");
    struct weir_text path = scene_text(request, "path");
    char *id = arena_alloc(&p->arena, ID_UUID);
    id_uuid7(clock_wall_ms(), id);
    e->ops = &ops;
    e->shard = p->shard;
    e->arena = &p->arena;
    const char *query = path.len > 0 ? memchr(path.bytes, '?', path.len) : NULL;
    e->query = kept(p, query ? (struct weir_text){ query + 1, (size_t)(path.bytes + path.len - query - 1) }
                             : scene_text(request, "query"), "");
    e->path = kept(p, query ? (struct weir_text){ path.bytes, (size_t)(query - path.bytes) } : path, "/");
    e->method = kept(p, scene_text(request, "method"), request ? "POST" : "EMIT");
    e->client_ip = kept(p, scene_text(request, "client_ip"), "127.0.0.1");
    e->id = kept(p, scene_text(request, "id"), id);
    id_hex(e->trace_id, 16);
    e->random_trace = true;
    id_hex(e->span_id, 8);
    const struct weir_value *auth = request ? value_field(request, "auth") : NULL;
    if (auth && value_type(auth) == WEIR_MAP) /* what the webhook would find out; it asks no more */
        e->auth = value_ref(auth);
    if (request) {
        fill_headers(p, request);
        fill_body(p, request);
        const struct weir_value *connection = scene_member(request, "connection");
        e->connection = connection ? value_ref(connection) : NULL;
        e->quiet = connection != NULL;
    } else if (event) {
        e->body = value_ref(event);
        e->decided = true;
    }
}

