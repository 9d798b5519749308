/* edge/refuse.c - answers of the edge itself; see request.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "edge/request.h"
#include "edge/route_tree.h"
#include "net/problem.h"

/* A body that nobody wants is read and thrown away up to so many bytes; else the connection
 * ends, which costs the caller another one. */
#define SKIP_MAX (64u * 1024u)

/* Sends the problem document of ERR. */
static void
answer(struct request *r, const struct weir_error *err)
{
    char seconds[16];
    int len = snprintf(seconds, sizeof(seconds), "%u",
                       (unsigned)((err->retry_after_ms + 999ull) / 1000));
    struct weir_header headers[] = { { TEXT("X-Content-Type-Options"), TEXT("nosniff") },
                                     { TEXT("Retry-After"), { seconds, (size_t)len } } };
    struct buf document;
    buf_init(&document, PROBLEM_MAX);
    (void)problem_write(&document, err, r->event.id); /* texts of ours: it fits */
    const struct weir_value *body = value_string(document.bytes, document.len);
    struct event_reply reply = {
        .status = problem_status(err),
        .content_type = TEXT(PROBLEM_TYPE),
        .headers = headers,
        .n_headers = err->retry_after_ms > 0 ? 2 : 1,
        .body = body,
        .error = err,
    };
    r->answered = true;
    buf_fini(&document);
    request_reply(r, &reply);
    value_unref(&body);
}

/* What the trigger of the path wants on every answer; a malformed target has none. */
static void
add_route_headers(struct request *r)
{
    unsigned n = 0;
    if (r->edge == NULL || (r->connection != NULL && r->connection->kind == EDGE_REDIRECT))
        return;
    if (r->edge->config.handler.handle != NULL || r->own || r->decoded.len == 0)
        return;
    const struct weir_header *h =
        route_headers(r->port->routes(r->edge->shard), r->event.method, r->decoded, &n);
    for (unsigned i = 0; i < n; i++)
        event_add_header(&r->event, h[i].name, h[i].value, false);
}

void
request_drop_body(struct request *r)
{
    bool begun = r->bytes != NULL || r->late;
    if (r->body.kind == HTTP_BODY_LENGTH && !begun && !r->close && r->length <= SKIP_MAX) {
        r->skip = r->length;
        r->unread = true; /* should the connection end with this answer */
    } else if (r->body.kind != HTTP_BODY_NONE) {
        r->close = r->unread = true;
    }
}

void
request_refuse(struct request *r, const struct weir_error *err, enum refusal why)
{
    if (why != REFUSAL_COUNT)
        edge_refused(r->edge, why);
    request_drop_body(r);
    add_route_headers(r);
    answer(r, err);
}

void
request_refuse_memory(struct request *r)
{
    struct weir_error err;
    err_set(&err, WEIR_UNAVAILABLE, "this server is short of memory");
    err.retry_after_ms = 1000;
    r->close = true;
    edge_warn_memory(r->edge);
    request_refuse(r, &err, REFUSAL_MEMORY);
}

void
request_refuse_head(struct request *r, const struct weir_error *err)
{
    enum refusal why = REFUSAL_MALFORMED;
    if (err->status == 431)
        why = REFUSAL_HEAD_SIZE;
    else if (err->status == 414)
        why = REFUSAL_TARGET;
    r->close = r->unread = true;
    request_refuse(r, err, why);
}

void
request_fail(struct request *r, const char *text)
{
    struct weir_error err;
    err_set(&err, WEIR_INTERNAL, "%s", text);
    r->event.reply_headers = NULL;
    answer(r, &err);
}
