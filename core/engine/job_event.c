/* engine/job_event.c - see job_event.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/job_event.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/encode.h"
#include "engine/flow.h"
#include "value/msgpack.h"

#define VERSION 1
#define USUAL 768 /* bytes of most events, without the body: so much room is made at once */

/* The flags of a trace, as traceparent has them. */
#define TRACE_SAMPLED 1
#define TRACE_RANDOM 2

/* An event on its way into bytes: one map. It is written without a value in between, since that is half of
 * what a shard does for a durable event. */
struct packing {
    struct buf *out;
    struct weir_error *err; /* filled if a value could not be written */
    uint16_t n;             /* members so far */
    bool full;
    bool told; /* ERR says why */
};

/* Begins a member; its value follows. */
static bool
key(struct packing *p, struct weir_text name)
{
    p->n++;
    p->full = p->full || !msgpack_put_text(p->out, name);
    return !p->full;
}

static void
put_int(struct packing *p, struct weir_text name, int64_t i)
{
    if (key(p, name))
        p->full = !msgpack_put_int(p->out, i);
}

static void
put_text(struct packing *p, struct weir_text name, struct weir_text t)
{
    if (t.len > 0 && key(p, name))
        p->full = !msgpack_put_text(p->out, t);
}

static void
put_value(struct packing *p, struct weir_text name, const struct weir_value *v)
{
    if (v && key(p, name))
        p->told = p->full = msgpack_write(p->out, v, p->err) != WEIR_OK;
}

static void
put_pairs(struct packing *p, struct weir_text name, const struct weir_header *pairs, unsigned n)
{
    if (n == 0 || !key(p, name))
        return;
    bool good = msgpack_put_list(p->out, n);
    for (unsigned i = 0; good && i < n; i++)
        good = msgpack_put_list(p->out, 2) && msgpack_put_text(p->out, pairs[i].name) &&
               msgpack_put_text(p->out, pairs[i].value);
    p->full = !good;
}

static unsigned
trigger_number(const struct weir_event *e)
{
    return (unsigned)(e->trigger - e->trigger->flow->triggers);
}

enum weir_code
job_event_write(struct buf *out, const struct weir_event *e, struct weir_error *err)
{
    struct packing p = { .out = out, .err = err };
    size_t at;
    p.full = buf_reserve(out, USUAL + (e->raw ? e->raw->len : 0)) == NULL || !msgpack_begin_map(out, &at);
    if (p.full)
        return err_set(err, WEIR_TOO_LARGE, "the event takes more than %zu bytes", out->max);
    put_int(&p, TEXT("v"), VERSION);
    put_int(&p, TEXT("trigger"), trigger_number(e));
    put_text(&p, TEXT("method"), e->method);
    put_text(&p, TEXT("path"), e->path);
    put_text(&p, TEXT("query"), e->query);
    put_text(&p, TEXT("client_ip"), e->client_ip);
    put_text(&p, TEXT("id"), e->id);
    put_text(&p, TEXT("route"), e->route);
    put_pairs(&p, TEXT("headers"), e->headers, e->n_headers);
    put_pairs(&p, TEXT("params"), e->params, e->n_params);
    put_text(&p, TEXT("trace"), text_of(e->trace_id));
    put_value(&p, TEXT("auth"), e->auth);
    put_int(&p, TEXT("flags"), (e->sampled ? TRACE_SAMPLED : 0) | (e->random_trace ? TRACE_RANDOM : 0));
    put_text(&p, TEXT("tracestate"), e->tracestate);
    if (e->once_ttl_ms > 0 && e->once_ttl_ms < INT64_MAX)
        put_int(&p, TEXT("once_ttl"), (int64_t)e->once_ttl_ms);
    put_value(&p, TEXT("connection"), e->connection);
    put_value(&p, TEXT("mask"), e->trigger->flow->pipeline->mask);
    put_value(&p, e->raw ? TEXT("raw") : TEXT("body"), e->raw ? e->raw : e->body);
    if (p.full && !p.told)
        return err_set(err, WEIR_TOO_LARGE, "the event takes more than %zu bytes", out->max);
    if (p.full)
        return (enum weir_code)err->code;
    msgpack_end_map(out, at, p.n);
    return WEIR_OK;
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
    value_unref(&e->auth);
    value_unref(&e->connection);
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
    const struct weir_value *auth = value_field(s->value, "auth");
    e->auth = auth ? value_ref(auth) : NULL;
    read_trace(s, e);
    const struct weir_value *connection = value_field(s->value, "connection");
    e->connection = connection ? value_ref(connection) : NULL;
}

enum weir_code
job_event_read(struct weir_text bytes, struct weir_shard *shard, struct weir_event **ret, unsigned *ret_trigger,
               struct weir_error *err)
{
    const struct weir_value *v = NULL;
    if (msgpack_read(bytes, &v, err) != WEIR_OK)
        return err_set(err, WEIR_INTERNAL, "the stored event can't be read: %.300s", err->text);
    return job_event_of(v, shard, ret, ret_trigger, err);
}

enum weir_code
job_event_of(const struct weir_value *take_v, struct weir_shard *shard, struct weir_event **ret, unsigned *ret_trigger,
             struct weir_error *err)
{
    const struct weir_value *v = take_v;
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
