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

static enum weir_code
get_field(struct run *r, enum known field, struct weir_value *ret, struct weir_error *err)
{
    const struct weir_value *v = NULL;
    switch (field) {
    case KNOWN_METHOD:
        return text_value(ret, r->event->method);
    case KNOWN_PATH:
        return text_value(ret, r->event->path);
    case KNOWN_CLIENT_IP:
        return text_value(ret, r->event->client_ip);
    case KNOWN_ID:
        return text_value(ret, r->event->id);
    case KNOWN_PARAMS:
        if (r->params == NULL)
            r->params = pairs(r->event->params, r->event->n_params);
        v = r->params;
        break;
    case KNOWN_HEADERS:
        if (r->headers == NULL)
            r->headers = pairs(r->event->headers, r->event->n_headers);
        v = r->headers;
        break;
    case KNOWN_QUERY:
    case KNOWN_QUERY_ALL:
        if (need_query(r, err) != WEIR_OK)
            return (enum weir_code)err->code;
        v = field == KNOWN_QUERY ? r->query : r->query_all;
        break;
    case KNOWN_BODY:
        if (request_body(r, &v, err) != WEIR_OK)
            return (enum weir_code)err->code;
        break;
    case KNOWN_RAW:
        v = r->event->raw ? r->event->raw : &value_null;
        break;
    case KNOWN_AUTH:
        v = r->event->auth ? r->event->auth : &value_null;
        break;
    case KNOWN_CONNECTION:
        v = r->event->connection ? r->event->connection : &value_null;
        break;
    default:
        return WEIR_NOT_FOUND;
    }
    *ret = *v;
    return WEIR_OK;
}

/* The whole request as one map. */
static enum weir_code
whole(struct run *r, struct weir_value *ret, struct weir_error *err)
{
    static const enum known fields[] = {
#define X(name, text) KNOWN_##name,
        REQUEST_FIELDS(X)
#undef X
    };
    if (r->request == NULL) {
        struct weir_builder *b = builder_map();
        for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++) {
            struct weir_value v;
            if (get_field(r, fields[i], &v, err) != WEIR_OK) {
                builder_free(&b);
                return (enum weir_code)err->code;
            }
            const struct weir_value *boxed = value_box(&v);
            struct weir_text name = known_field(fields[i]);
            builder_set(b, name.bytes, name.len, &boxed);
        }
        r->request = builder_end(&b);
    }
    *ret = *r->request;
    return WEIR_OK;
}

enum weir_code
request_find(struct run *r, const struct expr_path *path, struct weir_value *ret, unsigned *ret_used,
             struct weir_error *err)
{
    switch ((enum known)path->known.what) {
    case KNOWN_PARAM:
        *ret_used = 3;
        return one_param(r, path->keys[2], ret);
    case KNOWN_HEADER:
        *ret_used = 3;
        return one_header(r, path->keys[2], ret);
    case KNOWN_REQUEST:
        *ret_used = 1;
        return whole(r, ret, err);
    default:
        *ret_used = 2;
        return get_field(r, (enum known)path->known.what, ret, err);
    }
}
