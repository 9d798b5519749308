/* engine/host_emit.c - the host table for events that a trigger makes by itself. See host.h.
 *
 * The reply of such an event goes to a function of the trigger. A body of type stream is handed on
 * as a stream of ours, so that whoever reads it need not know that the run waits for its end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/host.h"

#include <stdlib.h>

#include "base/clock.h"
#include "engine/admission.h"
#include "loop/stream.h"

#define EVENT_FIRST 2048u
#define EVENT_MAX (1u << 20)

struct emitted {
    struct weir_event event;
    struct arena arena;
    weir_emitted_fn *fn; /* NULL: nobody wants to know */
    void *arg;
    struct stream *inner; /* the body of the reply; NULL: none, or it is over */
    struct stream *outer; /* what is read instead */
};

/* -- a reply that is a stream -- */

static void
relay_pull(void *source)
{
    struct emitted *m = source;
    stream_pull(m->inner);
}

/* Whoever reads it has read all, or wants no more. */
static void
relay_close(void *source)
{
    struct emitted *m = source;
    if (m->inner == NULL)
        return;
    stream_drop(&m->inner);
    struct weir_error err = { 0 };
    err_set(&err, WEIR_CANCELLED, "the caller went away");
    engine_reply_sent(&m->event, &err);
}

static const struct stream_source relay = { .pull = relay_pull, .close = relay_close };

static void
relay_piece(void *arg, const char *bytes, size_t len, const struct weir_error *err)
{
    struct emitted *m = arg;
    if (len > 0) {
        stream_give(m->outer, bytes, len, NULL);
        return;
    }
    struct weir_error copy;
    if (err) {
        copy = *err;
        copy.detail = NULL;
    }
    struct stream *outer = m->outer;
    stream_drop(&m->inner);
    stream_give(outer, "", 0, err ? &copy : NULL);
    engine_reply_sent(&m->event, err ? &copy : NULL); /* M may be gone with this */
}

/* The stream that stands for BODY; owned. NULL: somebody else reads it. */
static const struct weir_value *
relayed(struct emitted *m, const struct weir_value *body)
{
    if (!stream_take(body, relay_piece, m, &m->inner))
        return NULL;
    return stream_new(&relay, m, stream_length(body), &m->outer);
}

/* -- events -- */

static void
emitted_reply(struct weir_event *e, const struct event_reply *r)
{
    struct emitted *m = (struct emitted *)(void *)e;
    bool streams = r->body && value_type(r->body) == WEIR_STREAM;
    if (m->fn == NULL && !streams)
        return;
    const struct weir_value *body = streams ? relayed(m, r->body) : NULL;
    struct weir_reply reply = { .size = sizeof reply,
                                .status = r->status,
                                .headers = r->headers,
                                .n_headers = r->n_headers,
                                .content_type = r->content_type,
                                .body = streams ? body : r->body };
    if (m->fn)
        m->fn(m->arg, &reply);
    value_unref(&body); /* if nobody has taken it, it is closed now */
}

static void
emitted_release(struct weir_event *e)
{
    struct emitted *m = (struct emitted *)(void *)e;
    weir_emitted_fn *fn = m->fn;
    void *arg = m->arg;
    value_unref(&e->body);
    value_unref(&e->connection);
    value_unref(&e->auth);
    arena_fini(&m->arena);
    free(m);
    if (fn)
        fn(arg, NULL);
}

static const struct event_ops emitted_ops = { .reply = emitted_reply, .release = emitted_release };

/* The trigger of this shard whose state that is. */
static struct trigger_unit *
trigger_of(const struct generation_part *part, const void *state)
{
    const struct generation *g = part->generation;
    for (unsigned i = 0; i < g->pipelines.n; i++)
        for (unsigned k = 0; k < g->flows[i].pipeline->n_triggers; k++) {
            struct trigger_unit *t = &g->flows[i].triggers[k];
            if (trigger_state(part, t) == state)
                return t;
        }
    return NULL;
}

/* A new event of the trigger with that state; NULL and ERR: it can't have a run now, which is said
 * to the trigger: nobody else would hear of it. */
static struct emitted *
emitted_new(struct weir_shard *shard, const void *state, struct weir_error *err)
{
    struct engine *en = engine_of(shard);
    struct trigger_unit *t = en->current ? trigger_of(en->current, state) : NULL;
    if (t == NULL) {
        err_set(err, WEIR_NOT_FOUND, "the trigger belongs to no running generation");
        return NULL;
    }
    enum admission_refusal closed = admission_closed(en);
    if (closed != ADMISSION_OPEN) {
        admission_count(shard, t->flow, closed);
        err_set(err, WEIR_UNAVAILABLE, "%s", admission_text_of(closed));
        return NULL;
    }
    struct emitted *m = calloc(1, sizeof *m);
    if (m == NULL)
        abort();
    arena_init(&m->arena, EVENT_FIRST, EVENT_MAX);
    struct weir_event *e = &m->event;
    char *id = arena_alloc(&m->arena, ID_UUID);
    id_uuid7(clock_wall_ms(), id);
    e->ops = &emitted_ops;
    e->shard = shard;
    e->arena = &m->arena;
    e->method = TEXT("EMIT");
    e->path = text_of(t->flow->pipeline->name);
    e->id = text_of(id);
    id_hex(e->trace_id, 16);
    e->random_trace = true;
    id_hex(e->span_id, 8);
    e->trigger = t;
    e->part = en->current;
    part_pin(e->part);
    e->decided = true;
    return m;
}

static uint32_t
emit(struct weir_shard *shard, void *state, const struct weir_value *body, struct weir_error *err)
{
    struct emitted *m = emitted_new(shard, state, err);
    if (m == NULL)
        return err->code;
    m->event.body = value_ref(body);
    admission_offer(&m->event);
    return WEIR_OK;
}

/* A copy of T in the arena; false: there is no room. */
static bool
copy_text(struct arena *a, struct weir_text t, struct weir_text *ret)
{
    char *bytes = arena_copy(a, t.bytes ? t.bytes : "", t.len);
    *ret = (struct weir_text){ bytes, t.len };
    return bytes != NULL;
}

static bool
copy_pairs(struct arena *a, const struct weir_header *from, uint32_t n, const struct weir_header **ret)
{
    struct weir_header *pairs = arena_take(a, (n + 1) * sizeof *pairs);
    if (pairs == NULL)
        return false;
    *ret = pairs;
    for (uint32_t i = 0; i < n; i++)
        if (!copy_text(a, from[i].name, &pairs[i].name) || !copy_text(a, from[i].value, &pairs[i].value))
            return false;
    return true;
}

static bool
fill(struct weir_event *e, const struct weir_emit *from)
{
    struct arena *a = e->arena;
    e->n_headers = from->n_headers;
    e->n_params = from->n_params;
    e->quiet = true;
    return copy_text(a, from->method, &e->method) && copy_text(a, from->path, &e->path) &&
           copy_text(a, from->query, &e->query) && copy_text(a, from->client_ip, &e->client_ip) &&
           copy_pairs(a, from->headers, from->n_headers, &e->headers) &&
           copy_pairs(a, from->params, from->n_params, &e->params);
}

static uint32_t
emit_request(struct weir_shard *shard, void *state, const struct weir_emit *from, weir_emitted_fn *fn, void *arg,
             struct weir_error *err)
{
    struct emitted *m = emitted_new(shard, state, err);
    if (m == NULL)
        return err->code;
    struct weir_event *e = &m->event;
    if (!fill(e, from)) {
        struct generation_part *part = e->part;
        emitted_release(e);
        part_unpin(part);
        return err_set(err, WEIR_TOO_LARGE, "the headers of the event are too large");
    }
    e->body = value_ref(from->body ? from->body : &value_null);
    e->connection = from->connection ? value_ref(from->connection) : NULL;
    bool says_who = from->size > offsetof(struct weir_emit, auth) && from->auth; /* older plugins have no word for it */
    e->auth = says_who ? value_ref(from->auth) : NULL;
    m->fn = fn;
    m->arg = arg;
    admission_offer(e);
    return WEIR_OK;
}

void
host_fill_emit(struct weir_host *h)
{
    h->emit = emit;
    h->emit_request = emit_request;
}
