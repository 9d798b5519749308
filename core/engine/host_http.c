/* engine/host_http.c - see host_http.h: the client of the shard, with trace headers and metrics.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/host_http.h"

#include <string.h>

#include "engine/host.h"
#include "engine/stand_in_call.h"

#define ADDED_HEADERS 3u

/* What a plugin sees as struct weir_http: one request of one call. In the call's arena. */
struct weir_http {
    struct weir_call *call;
    struct client_call *running; /* NULL: it has ended, or */
    struct standing *standing;   /* somebody stands in for the upstream */
    weir_http_fn *fn;
    void *arg;
    bool whole;       /* what the call answers is what comes: WEIR_HTTP_ANSWER */
    struct list link; /* in call.uses */
};

static void
forget(struct weir_http *h)
{
    list_remove(&h->link);
    h->running = NULL;
    h->standing = NULL;
}

/* Ends it without an answer. */
static void
stop(struct weir_http *h)
{
    if (h->standing)
        stand_in_drop(h->standing);
    else
        client_cancel(&h->running);
    h->standing = NULL;
}

/* C has answered, and BODY is what it has that from: should its output become the reply, that goes out as it came. */
static void
keep_heard(const struct weir_call *c, const struct weir_value *body)
{
    struct run *r = c->run;
    value_unref(&r->heard_of);
    value_unref(&r->heard);
    r->heard_of = value_ref(c->output);
    r->heard = value_ref(body);
}

static struct weir_text
json_heard(struct weir_call *c, const struct weir_value *v)
{
    const struct run *r = c->run;
    bool read = value_type(v) == WEIR_LIST || value_type(v) == WEIR_MAP;
    bool is_body = read && r->heard_of != NULL && value_field(r->heard_of, "body") == v;
    return is_body ? value_as_text(r->heard) : (struct weir_text){ NULL, 0 };
}

static void
answered(void *arg, const struct weir_http_answer *answer, const struct weir_error *err)
{
    struct weir_http *h = arg;
    struct weir_call *c = h->call;
    forget(h);
    call_enter(c);
    h->fn(h->arg, answer, err);
    if (h->whole && c->output && answer && answer->body && value_type(answer->body) == WEIR_BYTES)
        keep_heard(c, answer->body);
    call_leave(c);
}

static bool
has_header(const struct weir_http_request *r, struct weir_text name)
{
    for (uint32_t i = 0; i < r->n_headers; i++)
        if (r->headers[i].name.len == name.len &&
            strncasecmp(r->headers[i].name.bytes, name.bytes, name.len) == 0)
            return true;
    return false;
}

/* traceparent (W3C trace context, a span of its own for each request), tracestate, X-Request-ID. */
static unsigned
trace_headers(const struct weir_event *e, const struct weir_http_request *r, char parent[56],
              struct weir_header *out)
{
    unsigned n = 0;
    if (!has_header(r, TEXT("traceparent"))) {
        char span[17];
        id_hex(span, 8);
        memcpy(parent, "00-", 3);
        memcpy(parent + 3, e->trace_id, 32);
        parent[35] = '-';
        memcpy(parent + 36, span, 16);
        memcpy(parent + 52, "-00", 4);
        parent[54] = (char)('0' + (e->sampled ? 1 : 0) + (e->random_trace ? 2 : 0));
        out[n++] = (struct weir_header){ TEXT("traceparent"), { parent, 55 } };
        if (e->tracestate.len > 0)
            out[n++] = (struct weir_header){ TEXT("tracestate"), e->tracestate };
    }
    if (e->id.len > 0 && !has_header(r, TEXT("x-request-id")))
        out[n++] = (struct weir_header){ TEXT("X-Request-ID"), e->id };
    return n;
}

static struct weir_http *
http(struct weir_call *c, const struct weir_http_request *request, weir_http_fn *fn, void *arg)
{
    struct engine *e = c->run->engine;
    struct weir_http *h = arena_alloc(c->arena, sizeof *h);
    struct weir_header *headers =
        arena_take(c->arena, (request->n_headers + ADDED_HEADERS) * sizeof *headers);
    if (h == NULL || headers == NULL) {
        struct weir_error err = { 0 };
        err_set(&err, WEIR_TOO_LARGE, "the run needs more memory than it may have");
        call_enter(c);
        fn(arg, NULL, &err);
        call_leave(c);
        return NULL;
    }
    char parent[56];
    struct weir_http_request copy = *request;
    if (request->n_headers)
        memcpy(headers, request->headers, request->n_headers * sizeof *headers);
    copy.headers = headers;
    copy.n_headers += trace_headers(c->run->event, request, parent, headers + request->n_headers);
    h->call = c;
    h->fn = fn;
    h->arg = arg;
    h->whole = request->flags & WEIR_HTTP_ANSWER;
    list_push(&c->uses, &h->link);
    if (e->stand_in) {
        h->standing = stand_in_http(c, &copy, answered, h);
        return h;
    }
    struct client_request r = { .http = &copy, .deadline_ms = c->deadline_ms, .attempt = c->attempt };
    h->running = client_send(e->client, &r, answered, h);
    if (c->frame && client_is_over_budget(h->running))
        c->frame->unsent = true;
    return h;
}

static void
http_cancel(struct weir_http **h)
{
    if (*h == NULL)
        return;
    if ((*h)->running || (*h)->standing) {
        stop(*h);
        forget(*h);
    }
    *h = NULL;
}

void
host_http_drop(struct weir_call *c)
{
    for (struct list *link; (link = list_shift(&c->uses)) != NULL;)
        stop(list_entry(link, struct weir_http, link));
}

void
host_http_fail(struct weir_call *c, const struct weir_error *err)
{
    for (struct list *link; (link = list_shift(&c->uses)) != NULL;) {
        struct weir_http *h = list_entry(link, struct weir_http, link);
        stop(h);
        h->fn(h->arg, NULL, err);
    }
}

void
host_fill_http(struct weir_host *h)
{
    h->http = http;
    h->http_cancel = http_cancel;
    h->json_heard = json_heard;
}
