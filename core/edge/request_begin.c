/* edge/request_begin.c - from a head to an offered event; see request.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <string.h>

#include "edge/request.h"
#include "edge/route_tree.h"
#include "edge/trace.h"
#include "engine/engine.h"

static enum weir_code
set_headers(struct request *r, const struct http_head *h, struct weir_error *err)
{
    size_t size = h->n_fields * sizeof(struct weir_header);
    struct weir_header *fields = arena_take(&r->arena, size);
    if (fields == NULL)
        return err_set(err, WEIR_TOO_LARGE, "the header of the request is too large");
    memcpy(fields, h->fields, size);
    r->event.headers = fields;
    r->event.n_headers = h->n_fields;
    return WEIR_OK;
}

/* Whether a caller's id is fit to be kept: [A-Za-z0-9._-]{1,128}. */
static bool
is_id(struct weir_text id)
{
    if (id.len == 0 || id.len > 128)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.bytes[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

static void
set_caller(struct request *r)
{
    struct weir_event *e = &r->event;
    struct weir_text id = event_header(e, TEXT("x-request-id"));
    if (is_id(id))
        e->id = id;
    if (r->connection->proxy) {
        size_t len =
            client_ip_forwarded(&r->edge->trust, e->headers, e->n_headers, r->client_ip);
        if (len > 0)
            e->client_ip.len = len;
        else
            memcpy(r->client_ip, r->connection->peer, e->client_ip.len);
    }
    trace_read(e, r->edge->config.sample);
}

/* Fills the event from a parsed head. */
static enum weir_code
set_event(struct request *r, const struct http_head *h, struct weir_error *err)
{
    r->method = method_find(h->method);
    r->keep_alive = h->keep_alive;
    r->old = h->minor == 0;
    if (r->old)
        r->event.protocol = TEXT("HTTP/1.0");
    r->event.method = h->method;
    enum weir_code code = set_headers(r, h, err);
    if (code != WEIR_OK)
        return code;
    set_caller(r);

    struct target target;
    char *bytes = (char *)(uintptr_t)h->target.bytes;
    code = r->edge->config.slashes
               ? target_read_slashes(bytes, h->target.len, &r->arena, &target, err)
               : target_read(bytes, h->target.len, &r->arena, &target, err);
    if (code != WEIR_OK)
        return code;
    r->event.path = target.path;
    r->event.query = target.query;
    r->decoded = target.decoded;
    if (target.asterisk && r->method != METHOD_OPTIONS) {
        err_set(err, WEIR_INVALID, "only OPTIONS has the target *");
        err->status = 400;
        return WEIR_INVALID;
    }
    return WEIR_OK;
}

static enum weir_code
set_params(struct request *r, const struct route_match *match, struct weir_error *err)
{
    r->event.n_params = 0;
    if (match->n_params == 0)
        return WEIR_OK;
    size_t size = match->n_params * sizeof(struct weir_header);
    for (unsigned i = 0; i < match->n_params; i++)
        size += match->param_names[i].len;
    struct weir_header *params = arena_take(&r->arena, size);
    if (params == NULL)
        return err_set(err, WEIR_TOO_LARGE, "the path of the request is too large");
    char *names = (char *)(params + match->n_params);
    for (unsigned i = 0; i < match->n_params; i++) {
        /* The names are the generation's, which may go before the event is offered. */
        struct weir_text name = match->param_names[i];
        params[i] = (struct weir_header){ { names, name.len }, match->params[i] };
        memcpy(names, name.bytes, name.len);
        names += name.len;
    }
    r->event.params = params;
    r->event.n_params = match->n_params;
    return WEIR_OK;
}

static enum weir_code
refuse_method(struct request *r, const void *routes, struct weir_error *err)
{
    struct buf allow;
    buf_init(&allow, 4096);
    route_allow(routes, r->decoded, &allow);
    event_add_header(&r->event, TEXT("Allow"), buf_content(&allow), false);
    buf_fini(&allow);
    err_set(err, WEIR_INVALID, "this path does not take that method");
    err->status = 405;
    return WEIR_INVALID;
}

/* Finds who takes the request. */
static enum weir_code
find_route(struct request *r, struct weir_error *err)
{
    const struct edge_config *config = &r->edge->config;
    if (config->handler.handle != NULL) {
        r->max_body = config->max_body;
        return WEIR_OK;
    }
    r->own = r->port->own && route_reserved(r->decoded);
    if (r->own) {
        r->max_body = config->max_body;
        return WEIR_OK;
    }
    struct route_match match;
    const void *routes = r->port->routes(r->edge->shard);
    enum route_answer answer = route_find(routes, r->event.method, r->decoded, &match);
    if (answer == ROUTE_METHOD)
        return refuse_method(r, routes, err);
    if (answer == ROUTE_UNKNOWN)
        return err_set(err, WEIR_NOT_FOUND, "nothing is served at this path");
    r->trigger = match.trigger;
    r->max_body = match.max_body > 0 ? match.max_body : config->max_body;
    r->route = match.name;
    r->event.route = match.pattern;
    r->event.hides_path = r->trigger != NULL && engine_hides_path(r->trigger);
    r->event.hides_auth = r->trigger != NULL && engine_hides_auth(r->trigger);
    return set_params(r, &match, err);
}

/* Whether the process is so short of memory that the request has to be refused. */
static bool
short_of_memory(const struct request *r)
{
    enum memory_step step = r->edge->memory.step;
    return step == MEMORY_REFUSE_ALL ||
           (step == MEMORY_REFUSE_NEW && r->connection->served == 0);
}

/* OPTIONS *: what the server as a whole can do, so nothing in particular. */
static void
answer_asterisk(struct request *r)
{
    struct event_reply reply = { .status = 204 };
    r->answered = true;
    request_reply(r, &reply);
}

/* Refuses a request whose route or size is not right; its body was not read. */
static void
refuse_body(struct request *r, const struct http_head *h, const struct weir_error *err)
{
    bool large = err->code == WEIR_TOO_LARGE;
    /* One who waits for 100 Continue may send the body or not: nobody knows what follows. */
    r->close |= h->expect_continue;
    request_refuse(r, err, large ? REFUSAL_BODY_SIZE : REFUSAL_COUNT);
}

static enum weir_code
check_length(const struct request *r, const struct http_head *h, struct weir_error *err)
{
    if (!h->has_length || h->length <= r->max_body)
        return WEIR_OK;
    return err_set(err, WEIR_TOO_LARGE, "the body is larger than %llu bytes",
                   (unsigned long long)r->max_body);
}

static bool
wants_continue(const struct request *r, const struct http_head *h)
{
    return h->expect_continue && !r->old && r->body.kind != HTTP_BODY_NONE;
}

/* Whether all of the body came with the head. */
static bool
is_whole(const struct request *r)
{
    const struct connection *c = r->connection;
    return r->body.kind == HTTP_BODY_NONE ||
           (r->h2 == NULL && r->body.kind == HTTP_BODY_LENGTH && r->length <= c->end - c->start);
}

/* Has the engine look at the head of a request whose body is still to come; true: it is refused, and may be
 * gone. */
static bool
is_screened_out(struct request *r, const struct http_head *h)
{
    if (r->port->screen == NULL || r->trigger == NULL || is_whole(r))
        return false;
    bool close = r->close;
    r->held = r->screened = true;
    r->close |= h->expect_continue; /* as in refuse_body */
    if (r->port->screen(&r->event, r->trigger))
        return true;
    r->held = r->screened = false;
    r->close = close;
    return false;
}

void
request_begin(struct request *r, char *bytes, size_t len)
{
    const struct protocol *protocol = r->connection->protocol;
    struct http_head *h = &r->edge->head;
    struct weir_error err;
    enum weir_code code = http_request_parse(bytes, len, &r->edge->config.head, h, &err);
    if (code != WEIR_OK) {
        request_refuse_head(r, &err);
        return;
    }
    r->head_len = len;
    protocol->framed(r, h);
    r->length = h->has_length ? h->length : 0;
    code = set_event(r, h, &err);
    if (code != WEIR_OK) {
        r->close = true; /* as behind any other malformed request */
        request_refuse(r, &err, REFUSAL_TARGET);
        return;
    }
    if (short_of_memory(r)) {
        request_refuse_memory(r);
        return;
    }
    if (r->connection->kind == EDGE_REDIRECT) {
        r->close |= h->expect_continue; /* the body comes, or it does not: nobody knows */
        request_redirect(r, h->authority);
        return;
    }
    if (r->decoded.bytes[0] == '*' && r->body.kind == HTTP_BODY_NONE) {
        answer_asterisk(r);
        return;
    }
    code = find_route(r, &err);
    if (code == WEIR_OK)
        code = check_length(r, h, &err);
    if (code != WEIR_OK) {
        refuse_body(r, h, &err);
        return;
    }
    if (is_screened_out(r, h))
        return;
    if (!wants_continue(r, h) || protocol->proceed(r))
        protocol->take_body(r);
}

void
request_offer(struct request *r)
{
    struct weir_error err;
    /* Routes may have changed while the body came, and the trigger may be gone. */
    if (r->late && find_route(r, &err) != WEIR_OK) {
        request_refuse(r, &err, REFUSAL_COUNT);
        return;
    }
    r->connection->protocol->offered(r);
    r->skip = 0;
    r->body.kind = HTTP_BODY_NONE;
    r->held = true;
    const struct edge_handler *handler = &r->edge->config.handler;
    r->handled = handler->handle != NULL;
    if (r->handled)
        handler->handle(handler->arg, &r->event);
    else if (r->own)
        r->port->own(&r->event);
    else
        r->port->offer(&r->event, r->trigger);
}
