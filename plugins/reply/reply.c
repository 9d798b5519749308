/* reply/reply.c - answers the caller: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "reply.h"

#include <string.h>

/* What one reply holds until it is sent. */
struct making {
    struct weir_reply reply;
    const struct weir_value *headers;      /* owned */
    const struct weir_value *content_type; /* owned */
    const struct weir_value *body;         /* owned */
    const struct weir_value *value;        /* what the body was written from; owned */
};

static void *
call_memory(void *arg, size_t size)
{
    return host->alloc(arg, size);
}

static uint32_t
make_status(struct weir_call *call, const struct reply_node *r, struct making *m,
            struct weir_error *err)
{
    const struct weir_value *v = NULL;
    int64_t status = 200;
    if (piece_eval(call, &r->status, &v, err) != WEIR_OK)
        return err->code;
    bool ok = v == NULL || host->get_int(v, &status);
    host->unref(&v);
    if (!ok || status < 200 || status > 599)
        return refuse(err, WEIR_INVALID, "'status' must be a number from 200 to 599");
    m->reply.status = (uint32_t)status;
    return WEIR_OK;
}

static uint32_t
make_headers(struct weir_call *call, const struct reply_node *r, struct making *m,
             struct weir_error *err)
{
    struct fields fields = r->fields;
    if (r->headers.slot != 0 &&
        (host->eval(call, r->headers.slot, &m->headers, err) != WEIR_OK ||
         fields_read(m->headers, call_memory, call, &fields, err) != WEIR_OK))
        return err->code;
    m->reply.headers = fields.items;
    m->reply.n_headers = fields.n;
    if (fields.content_type.bytes != NULL)
        m->reply.content_type = fields.content_type;

    if (piece_eval(call, &r->content_type, &m->content_type, err) != WEIR_OK)
        return err->code;
    if (m->content_type == NULL)
        return WEIR_OK;
    struct weir_text type = { "", 0 };
    (void)host->get_text(m->content_type, &type);
    if (type.len == 0 || memchr(type.bytes, '\n', type.len) ||
        memchr(type.bytes, '\r', type.len) || memchr(type.bytes, '\0', type.len))
        return refuse(err, WEIR_INVALID,
                      "'content_type' must be a media type such as text/html");
    m->reply.content_type = type;
    return WEIR_OK;
}

static uint32_t
make_json(struct weir_call *call, const struct reply_node *r, struct making *m,
          struct weir_error *err)
{
    if (m->reply.content_type.len == 0)
        m->reply.content_type = WEIR_TEXT("application/json");
    if (piece_eval(call, &r->body, &m->value, err) != WEIR_OK)
        return err->code;
    m->reply.value = m->value;
    if (r->json == NULL)
        return host->json_write(m->value, &m->body, err);
    m->body = host->ref(r->json);
    return WEIR_OK;
}

static uint32_t
make_body(struct weir_call *call, const struct reply_node *r, struct making *m,
          struct weir_error *err)
{
    uint32_t code = WEIR_OK;
    if (r->form == JSON_BODY)
        code = make_json(call, r, m, err);
    else if (r->form != NO_BODY)
        code = piece_eval(call, &r->body, &m->body, err);
    if (r->form == TEXT_BODY && m->reply.content_type.len == 0)
        m->reply.content_type = WEIR_TEXT("text/plain; charset=utf-8");
    if (code == WEIR_OK && r->form == ANY_BODY && host->type(m->body) == WEIR_NULL)
        host->unref(&m->body); /* null is no body */
    m->reply.body = m->body;
    return code;
}

static void
reply_run(struct weir_call *call, void *state)
{
    const struct reply_node *r = state;
    struct making m = { .reply = { .size = sizeof m.reply } };
    struct weir_error err;
    err.code = WEIR_OK; /* the rest is written by whoever sets the code */
    err.status = err.retry_after_ms = err.sent = 0;
    err.detail = NULL;
    bool ok = make_status(call, r, &m, &err) == WEIR_OK &&
              make_headers(call, r, &m, &err) == WEIR_OK &&
              make_body(call, r, &m, &err) == WEIR_OK;
    if (ok)
        (void)host->reply(call, &m.reply); /* a later one does nothing */
    host->unref(&m.headers);
    host->unref(&m.content_type);
    host->unref(&m.body);
    host->unref(&m.value);
    if (ok) {
        host->done(call, NULL);
        return;
    }
    fail_with(call, &err);
}

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "The answer. Only the first reply of a run is sent; the pipeline goes on behind it.",
    "type": "object",
    "additionalProperties": false,
    "x-weir-shorthand": "status",
    "properties": {
        "status": {
            "description": "The HTTP status.",
            "type": "integer",
            "minimum": 200,
            "maximum": 599,
            "default": 200,
            "examples": [201, 404]
        },
        "json": {
            "description": "The body, written as JSON.",
            "examples": [{ "id": "${ steps.order.id }" }]
        },
        "text": {
            "description": "The body, as text.",
            "type": "string",
            "examples": ["Thank you."]
        },
        "body": {
            "description": "The body: a string, bytes or a stream as they are, null for none, anything else as JSON.",
            "examples": ["${ steps.image.body }"]
        },
        "content_type": {
            "description": "The media type of the body. Left out: what fits the body.",
            "type": "string",
            "minLength": 1,
            "examples": ["text/html; charset=utf-8", "application/xml"]
        },
        "headers": {
            "description": "Header fields by name. A list repeats a field, null leaves it out.",
            "type": "object",
            "maxProperties": 100,
            "examples": [{ "Location": "/orders/${ steps.order.id }", "Cache-Control": "no-store" }],
            "additionalProperties": {
                "type": ["string", "number", "boolean", "null", "array"],
                "items": { "type": ["string", "number", "boolean"] }
            }
        }
    }
});
/* clang-format on */

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .flags = WEIR_TAP,
        .name = "reply",
        .summary = "Answers the caller at once; the pipeline goes on behind it.",
        .config_schema = schema,
        .example = "- reply:\n"
                   "    status: 201\n"
                   "    headers: { Location: \"/orders/${ request.body.id }\" }\n"
                   "    json: { id: \"${ request.body.id }\", taken: true }\n",
        .output = "null; what flows into the node flows on",
        .effect = WEIR_EFFECT_NONE,
        .open = reply_open,
        .run = reply_run,
        .close = reply_close,
    },
};

PLUGIN("reply", PLUGIN_NODES(nodes));
