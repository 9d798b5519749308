/* webhook/webhook.c - requests to a path of the edge start runs: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "webhook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "auth_schema.h"
#include "cors_schema.h"
#include "headers.h"
#include "path_schema.h"
#include "verify.h"
#include "verify_schema.h"
#include "webhook_open.h"

/* The schema of a trigger with so many options is longer than C99 promises to hold. */
#pragma GCC diagnostic ignored "-Woverlength-strings"

/* What stands before the parameters of a Content-Type. */
static struct weir_text
media_type(struct weir_text field)
{
    const char *end = memchr(field.bytes, ';', field.len);
    struct weir_text type = { field.bytes,
                              end != NULL ? (size_t)(end - field.bytes) : field.len };
    while (type.len > 0 &&
           (type.bytes[type.len - 1] == ' ' || type.bytes[type.len - 1] == '\t'))
        type.len--;
    return type;
}

/* Whether the body is of a type that is taken. A request without a body needs none. */
static bool
type_fits(const struct webhook *w, const struct weir_event *e)
{
    if (w->types.n == 0)
        return true;
    struct weir_text field = host->event_header(e, WEIR_TEXT("content-type"));
    if (field.bytes == NULL)
        return host->event_body(e).len == 0;
    struct weir_text type = media_type(field);
    for (uint32_t i = 0; i < w->types.n; i++)
        if (text_fits(type, w->types.items[i]))
            return true;
    return false;
}

void
turn_away_for(const struct webhook *w, struct weir_event *e, const struct weir_error *err, const char *reason)
{
    const struct weir_text labels[] = { text_of(w->pipeline), text_of(reason) };
    host->shard_measure(host->event_shard(e), w->rejected, labels, 1);
    host->refuse(e, err);
}

void
turn_away(const struct webhook *w, struct weir_event *e, const struct weir_error *err)
{
    turn_away_for(w, e, err, err->code == WEIR_FORBIDDEN ? "forbidden" : "invalid");
}

static void
refuse_type(const struct webhook *w, struct weir_event *e)
{
    struct weir_error err = { .code = WEIR_INVALID, .status = 415 };
    host->event_header_set(e, WEIR_TEXT("Accept"), text_of(w->accept));
    snprintf(err.text, sizeof err.text, "a body of this content type is not taken here");
    turn_away(w, e, &err);
}

static void
refuse_method(const struct webhook *w, struct weir_event *e)
{
    struct weir_error err = { .code = WEIR_INVALID, .status = 405 };
    host->event_header_set(e, WEIR_TEXT("Allow"), text_of(w->allow));
    snprintf(err.text, sizeof err.text, "the method is not allowed here");
    turn_away(w, e, &err);
}

/* What comes behind the question who sent it. */
static void
go_on(void *arg, struct weir_event *e)
{
    const struct desk *d = arg;
    const struct webhook *w = d->webhook;
    if (!type_fits(w, e)) {
        refuse_type(w, e);
    } else if (w->verify == NULL || verify_event(w, e)) {
        auth_hide(w->auth, e);
        host->start_run(e);
    }
}

static void
keep_out(void *arg, struct weir_event *e, const struct weir_error *err, const char *reason)
{
    const struct desk *d = arg;
    turn_away_for(d->webhook, e, err, reason);
}

static const struct auth_door door = { .enter = go_on, .turn_away = keep_out };

/* Whether a browser that asks for leave has its answer. */
static bool
is_preflight(const struct webhook *w, struct weir_event *e)
{
    struct weir_error err = { 0 };
    enum cors_step step = cors_preflight(w->cors, e, &err);
    if (step == CORS_REFUSED)
        turn_away(w, e, &err);
    return step != CORS_GO_ON;
}

/* What every answer has. */
static void
set_headers(const struct webhook *w, struct weir_event *e)
{
    for (uint32_t i = 0; i < w->n_headers; i++)
        host->event_header_set(e, w->headers[i].name, w->headers[i].value);
}

/* What comes before the question who sent it; true: E has its answer. */
static bool
is_settled(const struct webhook *w, struct weir_event *e)
{
    set_headers(w, e);
    if (w->cors == NULL)
        return false;
    if (is_preflight(w, e))
        return true;
    cors_allow(w->cors, e);
    if (!cors_is_stray(e, &w->methods))
        return false;
    refuse_method(w, e);
    return true;
}

/* Who may not enter is not listened to. */
static bool
webhook_screen(struct weir_event *e, void *state)
{
    struct desk *d = state;
    const struct webhook *w = d->webhook;
    struct weir_text type = host->event_header(e, WEIR_TEXT("content-type"));
    if (is_settled(w, e))
        return true;
    if (d->guard != NULL && guard_screen(d->guard, e))
        return true;
    if ((d->guard != NULL && host->event_auth(e) == NULL) || type.bytes == NULL || type_fits(w, e))
        return false;
    refuse_type(w, e);
    return true;
}

static void
webhook_accept(struct weir_event *e, void *state)
{
    struct desk *d = state;
    const struct webhook *w = d->webhook;
    if (is_settled(w, e))
        return;
    if (d->guard != NULL)
        guard_check(d->guard, e);
    else
        go_on(d, e);
}

static uint32_t
webhook_attach(struct weir_shard *s, void *conf, void **ret_state, struct weir_error *err)
{
    (void)err;
    struct desk *d = zeroed(1, sizeof *d);
    d->webhook = conf;
    d->guard = guard_new(s, d->webhook->auth, &door, d);
    *ret_state = d;
    return WEIR_OK;
}

static void
webhook_detach(void *state)
{
    struct desk *d = state;
    guard_free(&d->guard);
    free(d);
}

static uint32_t
webhook_sign(struct weir_event *e, void *state, struct weir_header *ret, uint32_t *ret_n, struct weir_error *err)
{
    const struct desk *d = state;
    return verify_sign(d->webhook, e, ret, ret_n, err);
}

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "Where requests come in, and which are taken.",
    "type": "object",
    "additionalProperties": false,
    "required": ["path"],
    "x-weir-shorthand": "path",
    "properties": {
        ) PATH_SCHEMA(["/orders", "/gateway/{service}/{action}", "/files/{rest*}"]) WEIR_JSON(,
        "methods": {
            "description": "The methods that are taken; others are answered with 405.",
            "type": "array",
            "items": { "type": "string", "pattern": "^[A-Z][A-Z-]{0,30}$" },
            "minItems": 1,
            "maxItems": 16,
            "uniqueItems": true,
            "default": ["POST"],
            "examples": [["GET", "POST"]]
        },
        "content_types": {
            "description": "The media types of bodies that are taken, with * as a wildcard; others are answered with 415. Left out: every type.",
            "type": "array",
            "items": { "type": "string", "minLength": 1, "maxLength": 200 },
            "minItems": 1,
            "maxItems": 32,
            "examples": [["application/json"], ["text/*", "application/*+json"]]
        },
        "max_body": {
            "description": "The largest body that is taken; a larger one is answered with 413. Left out: the edge's limit.",
            "type": ["string", "integer"],
            "format": "bytes",
            "minimum": 1,
            "examples": ["64KiB", "5MiB"]
        },
        ) CORS_SCHEMA WEIR_JSON(,
        ) AUTH_SCHEMA WEIR_JSON(,
        "verify":) " " VERIFY_SCHEMA WEIR_JSON(,
        ) HEADERS_SCHEMA WEIR_JSON(,
        "response_headers": {
            "x-weir-named": { "kind": "headers" },
            "description": "Headers of every reply, also of refusals. A reply node's own headers win.",
            "type": "object",
            "maxProperties": 50,
            "propertyNames": { "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" },
            "additionalProperties": { "type": "string" },
            "examples": [{ "Cache-Control": "no-store" }]
        }
    },
    "$defs": {) AUTH_DEFS WEIR_JSON(}
});
/* clang-format on */

static const struct weir_trigger_type triggers[] = {
    {
        .size = sizeof(struct weir_trigger_type),
        .name = "webhook",
        .summary = "Starts a run for each request to a path of the edge.",
        .config_schema = schema,
        .example = "webhook:\n"
                   "  path: /orders/{shop}\n"
                   "  methods: [POST, PUT]\n"
                   "  content_types: [application/json]\n"
                   "  max_body: 64KiB\n"
                   "  cors: { origins: [\"https://app.example\"] }\n",
        .open = webhook_open,
        .attach = webhook_attach,
        .accept = webhook_accept,
        .detach = webhook_detach,
        .close = webhook_close,
        .sign = webhook_sign,
        .screen = webhook_screen,
    },
};

PLUGIN("webhook", PLUGIN_TRIGGERS(triggers));
