/* engine/job_event.c - see job_event.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/job_event.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/encode.h"
#include "engine/flow.h"
#include "value/msgpack.h"

#define VERSION 1

/* The flags of a trace, as traceparent has them. */
#define TRACE_SAMPLED 1
#define TRACE_RANDOM 2

static const struct weir_value *
text_value(struct weir_text t)
{
    return utf8_valid(t) ? value_string(t.bytes, t.len) : value_bytes(t.bytes, t.len);
}

static void
put_text(struct weir_builder *b, const char *key, struct weir_text t)
{
    if (t.len == 0)
        return;
    const struct weir_value *v = text_value(t);
    builder_set(b, key, strlen(key), &v);
}

static void
put_pairs(struct weir_builder *b, const char *key, const struct weir_header *pairs, unsigned n)
{
    if (n == 0)
        return;
    struct weir_builder *list = builder_list();
    for (unsigned i = 0; i < n; i++) {
        struct weir_builder *pair = builder_list();
        const struct weir_value *v = text_value(pairs[i].name);
        builder_add(pair, &v);
        v = text_value(pairs[i].value);
        builder_add(pair, &v);
        v = builder_end(&pair);
        builder_add(list, &v);
    }
    const struct weir_value *v = builder_end(&list);
    builder_set(b, key, strlen(key), &v);
}

static unsigned
trigger_number(const struct weir_event *e)
{
    return (unsigned)(e->trigger - e->trigger->flow->triggers);
}

enum weir_code
job_event_write(struct buf *out, const struct weir_event *e, struct weir_error *err)
{
    struct weir_builder *b = builder_map();
    const struct weir_value *v = value_int(VERSION);
    builder_set(b, "v", 1, &v);
    v = value_int(trigger_number(e));
    builder_set(b, "trigger", 7, &v);
    put_text(b, "method", e->method);
    put_text(b, "path", e->path);
    put_text(b, "query", e->query);
    put_text(b, "client_ip", e->client_ip);
    put_text(b, "id", e->id);
    put_text(b, "route", e->route);
    put_pairs(b, "headers", e->headers, e->n_headers);
    put_pairs(b, "params", e->params, e->n_params);
    put_text(b, "trace", text_of(e->trace_id));
    v = value_int((e->sampled ? TRACE_SAMPLED : 0) | (e->random_trace ? TRACE_RANDOM : 0));
    builder_set(b, "flags", 5, &v);
    put_text(b, "tracestate", e->tracestate);
    if (e->once_ttl_ms > 0 && e->once_ttl_ms < INT64_MAX) {
        v = value_int((int64_t)e->once_ttl_ms);
        builder_set(b, "once_ttl", 8, &v);
    }
    if (e->raw)
        builder_put(b, "raw", e->raw);
    else if (e->body)
        builder_put(b, "body", e->body);
    v = builder_end(&b);
    enum weir_code code = msgpack_write(out, v, err);
    value_unref(&v);
    return code;
}

/* An event of the store: all texts are those of the value that it was read from. */
struct stored {
    struct weir_event event;
    struct arena arena;
    const struct weir_value *value; /* owned */
};

static void
stored_reply(struct weir_event *e, const struct event_reply *r)
{
    (void)e;
    (void)r; /* whoever sent it has his answer: 202 */
}

static void
stored_release(struct weir_event *e)
{
    struct stored *s = (struct stored *)(void *)e;
    value_unref(&e->raw);
    value_unref(&e->body);
    value_unref(&s->value);
    arena_fini(&s->arena);
    free(s);
}

static const struct event_ops stored_ops = { .reply = stored_reply, .release = stored_release };

static struct weir_text
text_at(const struct weir_value *v, const char *key)
{
    const struct weir_value *field = value_field(v, key);
    return field ? value_as_text(field) : TEXT("");
}

/* The pairs under KEY, in the arena of S. */
static const struct weir_header *
pairs_at(struct stored *s, const char *key, unsigned *ret_n)
{
    const struct weir_value *list = value_field(s->value, key);
    unsigned n = list && value_type(list) == WEIR_LIST ? list->len : 0;
    struct weir_header *pairs = n > 0 ? arena_alloc(&s->arena, n * sizeof *pairs) : NULL;
    *ret_n = pairs ? n : 0;
    for (unsigned i = 0; i < *ret_n; i++) {
        const struct weir_value *name = value_at(value_at(list, i), 0);
        const struct weir_value *value = value_at(value_at(list, i), 1);
        pairs[i].name = name ? value_as_text(name) : TEXT("");
        pairs[i].value = value ? value_as_text(value) : TEXT("");
    }
    return pairs;
}

/* The trace goes on where it stood when the event was accepted. */
static void
read_trace(const struct stored *s, struct weir_event *e)
{
    struct weir_text trace = text_at(s->value, "trace");
    id_hex(e->span_id, 8);
    if (trace.len != EVENT_TRACE - 1) {
        id_hex(e->trace_id, 16);
        e->random_trace = true;
        return;
    }
    memcpy(e->trace_id, trace.bytes, trace.len);
    const struct weir_value *flags = value_field(s->value, "flags");
    int64_t bits = flags && value_type(flags) == WEIR_INT ? flags->integer : 0;
    e->sampled = (bits & TRACE_SAMPLED) != 0;
    e->random_trace = (bits & TRACE_RANDOM) != 0;
    e->tracestate = text_at(s->value, "tracestate");
}

static void
fill(struct stored *s)
{
    struct weir_event *e = &s->event;
    e->method = text_at(s->value, "method");
    e->path = text_at(s->value, "path");
    e->query = text_at(s->value, "query");
    e->client_ip = text_at(s->value, "client_ip");
    e->id = text_at(s->value, "id");
    e->route = text_at(s->value, "route");
    e->headers = pairs_at(s, "headers", &e->n_headers);
    e->params = pairs_at(s, "params", &e->n_params);
    const struct weir_value *ttl = value_field(s->value, "once_ttl");
    e->once_ttl_ms = ttl && ttl->type == WEIR_INT && ttl->integer > 0 ? (uint64_t)ttl->integer : 0;
    const struct weir_value *raw = value_field(s->value, "raw");
    const struct weir_value *body = value_field(s->value, "body");
    e->raw = raw ? value_ref(raw) : NULL;
    e->body = body ? value_ref(body) : NULL;
    read_trace(s, e);
}

enum weir_code
job_event_read(struct weir_text bytes, struct weir_shard *shard, struct weir_event **ret, unsigned *ret_trigger,
               struct weir_error *err)
{
    const struct weir_value *v = NULL;
    if (msgpack_read(bytes, &v, err) != WEIR_OK)
        return err_set(err, WEIR_INTERNAL, "the stored event can't be read: %.300s", err->text);
    const struct weir_value *version = value_field(v, "v");
    const struct weir_value *trigger = value_field(v, "trigger");
    if (version == NULL || version->type != WEIR_INT || version->integer != VERSION || trigger == NULL ||
        trigger->type != WEIR_INT) {
        value_unref(&v);
        return err_set(err, WEIR_INTERNAL, "the stored event is of another version than this weir reads");
    }
    struct stored *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    arena_init(&s->arena, 1024, 1u << 20);
    s->value = v;
    s->event.ops = &stored_ops;
    s->event.shard = shard;
    s->event.arena = &s->arena;
    s->event.decided = true;
    fill(s);
    *ret = &s->event;
    *ret_trigger = trigger->integer >= 0 && trigger->integer < 1000 ? (unsigned)trigger->integer : UINT32_MAX;
    return WEIR_OK;
}
