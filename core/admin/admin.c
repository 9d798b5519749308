/* admin/admin.c - see admin.h: the listener, and which function answers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/admin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/parts.h"
#include "net/body.h"
#include "value/json.h"

#define JSON_MAX (64u << 20)

void
answer_text(struct weir_event *e, unsigned status, const char *type, struct weir_text text)
{
    const struct weir_value *body = value_bytes(text.bytes, text.len);
    struct event_reply r = { .status = status, .content_type = text_of(type), .body = body };
    event_answer(e, &r);
    value_unref(&body);
}

void
answer_json(struct weir_event *e, unsigned status, const struct weir_value *take_v)
{
    struct buf b;
    struct weir_error err = { 0 };
    buf_init(&b, JSON_MAX);
    if (json_write_pretty(&b, take_v, &err) == WEIR_OK && buf_putc(&b, '\n'))
        answer_text(e, status, "application/json", buf_content(&b));
    else
        event_answer_error(e, &err);
    buf_fini(&b);
    value_unref(&take_v);
}

void
answer_problem(struct weir_event *e, enum weir_code code, const char *fmt, ...)
{
    struct weir_error err = { 0 };
    va_list args;
    va_start(args, fmt);
    vsnprintf(err.text, sizeof err.text, fmt, args);
    va_end(args);
    err.code = code;
    event_answer_error(e, &err);
}

struct weir_text
query_get(struct weir_event *e, const char *name)
{
    const struct weir_value *last = NULL, *all = NULL;
    struct weir_error err = { 0 };
    struct weir_text found = { NULL, 0 };
    if (query_parse(e->query, &last, &all, &err) != WEIR_OK)
        return found;
    const struct weir_value *v = value_field(last, name);
    if (v) {
        struct weir_text t = value_as_text(v);
        char *copy = arena_copy(e->arena, t.bytes, t.len);
        if (copy)
            found = (struct weir_text){ copy, t.len };
    }
    value_unref(&last);
    value_unref(&all);
    return found;
}

/* What is answered: exactly these paths (health also below), with these methods. */
struct resource {
    const char *method;
    const char *path;
    bool below; /* also /path/... */
    bool open;  /* without the token */
    void (*answer)(struct admin *a, struct weir_event *e);
};

static const struct resource resources[] = {
    { "GET", "/livez", true, true, health_live },
    { "GET", "/readyz", true, true, health_ready },
    { "GET", "/healthz", true, true, health_ready },
    { "GET", "/metrics", false, false, show_metrics },
    { "GET", "/api/v1/info", false, false, show_info },
    { "GET", "/api/v1/pipelines", true, false, show_pipelines },
    { "GET", "/api/v1/nodes", true, false, show_nodes },
    { "GET", "/api/v1/events", false, false, watch_events },
    { "GET", "/api/v1/jobs", true, false, show_jobs },
    { "POST", "/api/v1/jobs", true, false, tell_job },
    { "GET", "/api/v1/batches", true, false, show_batches },
    { "POST", "/api/v1/batches", true, false, tell_batch },
    { "GET", "/api/v1/pauses", false, false, show_pauses },
    { "POST", "/api/v1/pipelines", true, false, tell_pipeline },
    { "GET", "/api/v1/incidents", false, false, show_incidents },
    { "GET", "/api/v1/audit", false, false, show_audit },
    { "GET", "/api/v1/store", false, false, show_store },
    { "GET", "/api/v1/store/export", false, false, export_jobs },
    { "POST", "/api/v1/store/compact", false, false, compact_store },
    { "POST", "/api/v1/store/backup", false, false, back_up_store },
    { "POST", "/api/v1/reload", false, false, ask_reload },
    { "POST", "/api/v1/drain", false, false, ask_drain },
};

static bool
matches(const struct resource *r, struct weir_text path)
{
    size_t len = strlen(r->path);
    if (path.len < len || memcmp(path.bytes, r->path, len) != 0)
        return false;
    return path.len == len || (r->below && path.bytes[len] == '/');
}

static void
handle(void *arg, struct weir_event *e)
{
    struct admin *a = arg;
    bool known = false;
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
        const struct resource *r = &resources[i];
        if (!matches(r, e->path))
            continue;
        known = true;
        bool head = text_is(e->method, "HEAD") && strcmp(r->method, "GET") == 0;
        if (!head && !text_is(e->method, r->method))
            continue;
        if (admin_let_in(a, e, r->open))
            r->answer(a, e);
        return;
    }
    if (!known && is_collection(a, e)) {
        if (admin_let_in(a, e, false))
            show_collection(a, e);
        return;
    }
    struct weir_error err = { 0 };
    if (known) {
        err_set(&err, WEIR_INVALID, "this resource does not take %.*s", (int)e->method.len, e->method.bytes);
        err.status = 405;
    } else {
        err_set(&err, WEIR_NOT_FOUND, "there is no %.*s here; see /api/v1/info", (int)e->path.len, e->path.bytes);
    }
    event_answer_error(e, &err);
}

static void
gone(void *arg, struct weir_event *e)
{
    ask_gone(arg, e);
}

enum weir_code
admin_new(struct weir_shard *s, const struct admin_config *c, struct admin **ret, struct weir_error *err)
{
    bool has_token = c->token && *c->token;
    for (unsigned i = 0; i < c->addresses->n; i++)
        if (!has_token && !edge_address_is_local(&c->addresses->items[i]))
            return err_set(err, WEIR_INVALID,
                           "an address of the admin is not a loopback one: set admin.token, or listen on 127.0.0.1");
    struct admin *a = calloc(1, sizeof *a);
    if (a == NULL)
        abort();
    a->shard = s;
    a->config = *c;
    if (admin_take_tokens(a, c, err) != WEIR_OK) {
        free(a);
        return (enum weir_code)err->code;
    }
    list_init(&a->watchers);
    list_init(&a->asked);
    list_init(&a->asking);
    struct edge_config e = edge_defaults;
    e.addresses = c->addresses;
    e.tls = c->tls;
    e.handshake_ms = c->handshake_ms;
    e.handler = (struct edge_handler){ .handle = handle, .gone = gone, .arg = a };
    e.max_connections = 256;
    e.slashes = true; /* the names of a collection's items may hold them */
    e.access_log = false;
    e.metrics = false;
    if (edge_new(s, &e, &a->edge, err) != WEIR_OK) {
        free(a->token);
        free(a->read_token);
        free(a);
        return (enum weir_code)err->code;
    }
    s->slots[SHARD_ADMIN] = a;
    process_metrics(a);
    store_metrics(c->store);
    *ret = a;
    return WEIR_OK;
}

void
admin_free(struct admin **a)
{
    if (*a == NULL)
        return;
    watchers_end(*a);
    ask_end(*a);
    collections_end(*a);
    asking_end(*a);
    edge_free(&(*a)->edge);
    store_metrics(NULL);
    (*a)->shard->slots[SHARD_ADMIN] = NULL;
    free((*a)->token);
    free((*a)->read_token);
    free(*a);
    *a = NULL;
}

void
admin_shutting_down(struct admin *a)
{
    a->shutting_down = true;
}
