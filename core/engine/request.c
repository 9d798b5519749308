/* engine/request.c - the event as expressions see it, made piece by piece as it is asked for.
 * See run.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/run.h"

#include <string.h>

#include "base/encode.h"
#include "net/body.h"

enum weir_code
request_body(struct run *r, const struct weir_value **ret, struct weir_error *err)
{
    struct weir_event *e = r->event;
    if (e->body) {
        *ret = e->body;
        return WEIR_OK;
    }
    if (r->body == NULL) {
        if (e->raw == NULL || e->raw->len == 0)
            r->body = value_ref(&value_null);
        else if (body_parse(event_header(e, TEXT("content-type")), e->raw, &r->body, err) != WEIR_OK) {
            err_in(err, "request.body");
            return (enum weir_code)err->code;
        }
    }
    *ret = r->body;
    return WEIR_OK;
}

/* Pairs as a map; of repeats the values are joined by ", " (RFC 9110 5.3). */
static const struct weir_value *
pairs(const struct weir_header *list, unsigned n)
{
    struct weir_builder *b = builder_map();
    for (unsigned i = 0; i < n; i++) {
        bool seen = false;
        for (unsigned k = 0; k < i && !seen; k++)
            seen = text_equal(list[k].name, list[i].name);
        if (seen)
            continue;
        struct buf joined;
        buf_init(&joined, 1u << 20);
        for (unsigned k = i; k < n; k++) {
            if (!text_equal(list[k].name, list[i].name))
                continue;
            if (k > i)
                (void)buf_puts(&joined, ", ");
            (void)buf_text(&joined, list[k].value);
        }
        bool text = utf8_valid(buf_content(&joined));
        const struct weir_value *v = text ? value_string(joined.bytes, joined.len) : value_bytes(joined.bytes, joined.len);
        builder_set(b, list[i].name.bytes, list[i].name.len, &v);
        buf_fini(&joined);
    }
    return builder_end(&b);
}

/* One header: the usual single field is lent as it stands in the request. */
static enum weir_code
one_header(struct run *r, struct weir_text name, struct weir_value *ret)
{
    const struct weir_header *only = NULL;
    for (unsigned i = 0; i < r->event->n_headers; i++) {
        if (!text_equal(r->event->headers[i].name, name))
            continue;
        if (only)
            goto many;
        only = &r->event->headers[i];
    }
    if (only == NULL)
        return WEIR_NOT_FOUND;
    *ret = (struct weir_value){ .type = utf8_valid(only->value) ? WEIR_STRING : WEIR_BYTES,
                                .len = (uint32_t)only->value.len,
                                .bytes = only->value.bytes };
    return WEIR_OK;
many:
    if (r->headers == NULL)
        r->headers = pairs(r->event->headers, r->event->n_headers);
    *ret = *value_get(r->headers, name.bytes, name.len);
    return WEIR_OK;
}

static enum weir_code
one_param(struct run *r, struct weir_text name, struct weir_value *ret)
{
    for (unsigned i = 0; i < r->event->n_params; i++) {
        const struct weir_header *p = &r->event->params[i];
        if (!text_equal(p->name, name))
            continue;
        *ret = (struct weir_value){ .type = utf8_valid(p->value) ? WEIR_STRING : WEIR_BYTES,
                                    .len = (uint32_t)p->value.len,
                                    .bytes = p->value.bytes };
        return WEIR_OK;
    }
    return WEIR_NOT_FOUND;
}

static enum weir_code
need_query(struct run *r, struct weir_error *err)
{
    if (r->query)
        return WEIR_OK;
    return query_parse(r->event->query, &r->query, &r->query_all, err);
}

static enum weir_code
text_value(struct weir_value *ret, struct weir_text t)
{
    *ret = (struct weir_value){ .type = WEIR_STRING, .len = (uint32_t)t.len, .bytes = t.bytes };
    return WEIR_OK;
}

/* The fields of request; each is a function of the run. */
enum field { F_METHOD, F_PATH, F_PARAMS, F_QUERY, F_QUERY_ALL, F_HEADERS, F_BODY, F_RAW, F_CLIENT_IP, F_ID, F_AUTH,
             F_CONNECTION, F_COUNT };
#define NAME(text) { text, sizeof(text) - 1 }
static const struct weir_text field_names[F_COUNT] = {
    [F_METHOD] = NAME("method"), [F_PATH] = NAME("path"),           [F_PARAMS] = NAME("params"),
    [F_QUERY] = NAME("query"),   [F_QUERY_ALL] = NAME("query_all"), [F_HEADERS] = NAME("headers"),
    [F_BODY] = NAME("body"),     [F_RAW] = NAME("raw"),             [F_CLIENT_IP] = NAME("client_ip"),
    [F_ID] = NAME("id"),         [F_AUTH] = NAME("auth"),           [F_CONNECTION] = NAME("connection"),
};

/* Their lengths and first letters tell them apart. */
static enum field
field_of(struct weir_text name)
{
    static const uint8_t by_len[] = { [2] = F_ID, [3] = F_RAW, [4] = F_BODY, [5] = F_QUERY, [6] = F_PARAMS,
                                      [7] = F_HEADERS, [9] = F_CLIENT_IP, [10] = F_CONNECTION };
    if (name.len >= sizeof by_len)
        return F_COUNT;
    enum field f = (enum field)by_len[name.len];
    switch (name.len > 0 ? name.bytes[0] : 0) {
    case 'm':
        f = F_METHOD;
        break;
    case 'a':
        f = F_AUTH;
        break;
    case 'p':
        f = name.len == 4 ? F_PATH : f;
        break;
    case 'q':
        f = name.len == 9 ? F_QUERY_ALL : f;
        break;
    }
    return text_equal(name, field_names[f]) ? f : F_COUNT;
}

static enum weir_code
get_field(struct run *r, enum field f, struct weir_value *ret, struct weir_error *err)
{
    const struct weir_value *v = NULL;
    switch (f) {
    case F_METHOD:
        return text_value(ret, r->event->method);
    case F_PATH:
        return text_value(ret, r->event->path);
    case F_CLIENT_IP:
        return text_value(ret, r->event->client_ip);
    case F_ID:
        return text_value(ret, r->event->id);
    case F_PARAMS:
        if (r->params == NULL)
            r->params = pairs(r->event->params, r->event->n_params);
        v = r->params;
        break;
    case F_HEADERS:
        if (r->headers == NULL)
            r->headers = pairs(r->event->headers, r->event->n_headers);
        v = r->headers;
        break;
    case F_QUERY:
    case F_QUERY_ALL:
        if (need_query(r, err) != WEIR_OK)
            return (enum weir_code)err->code;
        v = f == F_QUERY ? r->query : r->query_all;
        break;
    case F_BODY:
        if (request_body(r, &v, err) != WEIR_OK)
            return (enum weir_code)err->code;
        break;
    case F_RAW:
        v = r->event->raw ? r->event->raw : &value_null;
        break;
    case F_AUTH:
        v = r->event->auth ? r->event->auth : &value_null;
        break;
    case F_CONNECTION:
        v = r->event->connection ? r->event->connection : &value_null;
        break;
    case F_COUNT:
        return WEIR_NOT_FOUND;
    }
    *ret = *v;
    return WEIR_OK;
}

/* The whole request as one map. */
static enum weir_code
whole(struct run *r, struct weir_value *ret, struct weir_error *err)
{
    if (r->request == NULL) {
        struct weir_builder *b = builder_map();
        for (unsigned i = 0; i < F_COUNT; i++) {
            struct weir_value v;
            if (get_field(r, (enum field)i, &v, err) != WEIR_OK) {
                builder_free(&b);
                return (enum weir_code)err->code;
            }
            const struct weir_value *boxed = value_box(&v);
            builder_set(b, field_names[i].bytes, field_names[i].len, &boxed);
        }
        r->request = builder_end(&b);
    }
    *ret = *r->request;
    return WEIR_OK;
}

enum weir_code
request_find(struct run *r, const struct weir_text *path, unsigned n, struct weir_value *ret,
             unsigned *ret_used, struct weir_error *err)
{
    if (n == 1) {
        *ret_used = 1;
        return whole(r, ret, err);
    }
    enum field f = field_of(path[1]);
    if (n > 2 && (f == F_HEADERS || f == F_PARAMS)) {
        *ret_used = 3;
        return f == F_HEADERS ? one_header(r, path[2], ret) : one_param(r, path[2], ret);
    }
    *ret_used = 2;
    return get_field(r, f, ret, err);
}
