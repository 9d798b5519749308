/* engine/run_call.c - a pipeline that another one calls: a run inside a run. See run.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/run.h"

#include <stdlib.h>
#include <string.h>

/* What the event of a called pipeline is: it has no one to answer but the calling node. */
struct inner {
    struct weir_event event;
    struct arena arena;
};

static void
inner_reply(struct weir_event *e, const struct event_reply *reply)
{
    (void)e;
    (void)reply; /* run_reply has kept the body */
}

static void
inner_release(struct weir_event *e)
{
    struct inner *in = (struct inner *)(void *)e;
    value_unref(&e->body);
    value_unref(&e->auth);
    value_unref(&e->connection);
    arena_fini(&in->arena);
    free(in);
}

static const struct event_ops inner_ops = { .reply = inner_reply, .release = inner_release };

static struct weir_event *
inner_event(const struct weir_event *outer, const struct flow *f, const struct weir_value *body)
{
    struct inner *in = calloc(1, sizeof *in);
    if (in == NULL)
        abort();
    arena_init(&in->arena, 1024, 1u << 20);
    struct weir_event *e = &in->event;
    e->ops = &inner_ops;
    e->shard = outer->shard;
    e->arena = &in->arena;
    e->method = TEXT("CALL");
    e->path = text_of(arena_printf(&in->arena, "/%s", f->pipeline->name));
    e->client_ip = text_of(arena_copy(&in->arena, outer->client_ip.bytes, outer->client_ip.len));
    e->id = text_of(arena_copy(&in->arena, outer->id.bytes, outer->id.len));
    e->body = value_ref(body);
    e->auth = outer->auth ? value_ref(outer->auth) : NULL;
    e->connection = outer->connection ? value_ref(outer->connection) : NULL;
    memcpy(e->trace_id, outer->trace_id, sizeof e->trace_id);
    memcpy(e->parent_span, outer->span_id, sizeof e->parent_span);
    id_hex(e->span_id, 8);
    e->sampled = outer->sampled;
    e->random_trace = outer->random_trace;
    e->decided = true;
    return e;
}

#define CALL_DEPTH 8u

void
run_call(struct weir_call *call, const struct flow *f, const struct weir_value *body, weir_answer_fn *fn,
         void *arg)
{
    struct run *outer = call->run;
    if (outer->depth + 1 > CALL_DEPTH) {
        struct weir_error err = { 0 };
        err_set(&err, WEIR_INVALID, "pipelines call each other more than %u deep", CALL_DEPTH);
        call_tell(call, fn, arg, NULL, &err);
        return;
    }
    if (f->broken || f->units == NULL) {
        struct weir_error err = { 0 };
        err_set(&err, WEIR_INTERNAL, "the pipeline '%s' can't be loaded as it is now", f->pipeline->name);
        call_tell(call, fn, arg, NULL, &err);
        return;
    }
    struct weir_event *e = inner_event(outer->event, f, body);
    struct run *r = run_new(outer->engine, outer->part, f, e);
    e->run = r;
    r->depth = outer->depth + 1;
    r->caller = call;
    r->fn = fn;
    r->arg = arg;
    list_push(&call->children, &r->sibling);
    run_begin(r);
}
