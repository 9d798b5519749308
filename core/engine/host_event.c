/* engine/host_event.c - the host table for triggers. See host.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/admission.h"

static struct weir_text
event_method(const struct weir_event *e)
{
    return e->method;
}

static struct weir_text
event_path(const struct weir_event *e)
{
    return e->path;
}

static struct weir_text
event_client_ip(const struct weir_event *e)
{
    return e->client_ip;
}

static struct weir_text
first_header(const struct weir_event *e, struct weir_text name)
{
    return event_header(e, name);
}

static struct weir_text
header_at(const struct weir_event *e, struct weir_text name, uint32_t index)
{
    return event_header_at(e, name, index);
}

static void
event_key(struct weir_event *e, struct weir_text key, uint64_t ttl_ms)
{
    assert(!e->decided);
    char *copy = arena_copy(e->arena, key.bytes, key.len);
    if (copy == NULL)
        abort(); /* as event_alloc */
    e->once_key = (struct weir_text){ copy, key.len };
    e->once_ttl_ms = key.len > 0 ? ttl_ms : 0;
}

static struct weir_text
event_body(const struct weir_event *e)
{
    return e->raw ? value_as_text(e->raw) : (struct weir_text){ "", 0 };
}

static void *
event_alloc(struct weir_event *e, size_t size)
{
    void *p = arena_alloc(e->arena, size);
    if (p == NULL)
        abort(); /* a trigger asks for small fixed sizes */
    return p;
}

static void
event_header_set(struct weir_event *e, struct weir_text name, struct weir_text value)
{
    event_add_header(e, name, value, false);
}

/* The event gets no run: it is answered, and let go of. */
static void
settle(struct weir_event *e)
{
    struct generation_part *part = e->part;
    e->ops->release(e);
    part_unpin(part);
}

static void
start_run(struct weir_event *e)
{
    assert(!e->decided);
    e->decided = true;
    if (e->gone)
        settle(e);
    else
        admission_offer(e);
}

static void
refuse(struct weir_event *e, const struct weir_error *err)
{
    assert(!e->decided);
    e->decided = true;
    event_answer_error(e, err);
    settle(e);
}

static void
event_reply(struct weir_event *e, const struct weir_reply *r)
{
    assert(!e->decided);
    e->decided = true;
    struct event_reply out = { .status = r->status,
                               .content_type = r->content_type,
                               .headers = r->headers,
                               .n_headers = r->n_headers,
                               .body = r->body };
    event_answer(e, &out);
    settle(e);
}

static struct weir_text
event_query_text(const struct weir_event *e)
{
    return e->query;
}

static const struct weir_header *
event_headers(const struct weir_event *e, uint32_t *ret_n)
{
    *ret_n = e->n_headers;
    return e->headers;
}

static const struct weir_header *
event_params(const struct weir_event *e, uint32_t *ret_n)
{
    *ret_n = e->n_params;
    return e->params;
}

static struct weir_shard *
event_shard(const struct weir_event *e)
{
    return e->shard;
}

static const struct weir_value *
event_peer(const struct weir_event *e)
{
    return e->peer;
}

static uint32_t
event_eval(struct weir_event *e, uint32_t handle, const struct weir_value **ret, struct weir_error *err)
{
    const struct slots *s = &e->trigger->slots;
    assert(!e->decided);
    if (handle == 0 || handle > s->n)
        return err_set(err, WEIR_NOT_FOUND, "there is no such part of the configuration");
    const struct part *part = s->parts[handle - 1];
    if (part->kind == PART_CONSTANT) {
        *ret = value_ref(part->constant);
        return WEIR_OK;
    }
    enum weir_code code = admission_eval(e, part, ret, err);
    if (code == WEIR_NOT_FOUND)
        return err_set(err, WEIR_NOT_FOUND, "%s is absent", part->pointer ? part->pointer : "the value");
    return code;
}

void
host_fill_event(struct weir_host *h)
{
    h->event_method = event_method;
    h->event_path = event_path;
    h->event_client_ip = event_client_ip;
    h->event_header = first_header;
    h->event_body = event_body;
    h->event_alloc = event_alloc;
    h->event_header_set = event_header_set;
    h->start_run = start_run;
    h->refuse = refuse;
    h->event_reply = event_reply;
    h->event_shard = event_shard;
    h->event_peer = event_peer;
    h->event_header_at = header_at;
    h->event_key = event_key;
    h->event_query_text = event_query_text;
    h->event_headers = event_headers;
    h->event_params = event_params;
    h->event_eval = event_eval;
}
