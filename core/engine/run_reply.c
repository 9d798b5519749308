/* engine/run_reply.c - what a run answers its caller. See run.h. SPDX-License-Identifier: Apache-2.0 */
#include <strings.h>

#include "base/clock.h"
#include "engine/outcome.h"
#include "engine/run.h"

static bool
same_name(struct weir_text a, struct weir_text b)
{
    return a.len == b.len && strncasecmp(a.bytes, b.bytes, a.len) == 0;
}

/* Whether somebody has said what header NAME of the reply is. */
static bool
has_header(const struct weir_event *e, const struct event_reply *reply, struct weir_text name)
{
    for (unsigned i = 0; i < reply->n_headers; i++)
        if (same_name(reply->headers[i].name, name))
            return true;
    for (const struct reply_header *h = e->reply_headers; h; h = h->next)
        if (same_name(h->header.name, name))
            return true;
    return false;
}

/* A stream of events (WHATWG HTML, server-sent events) is not to be kept, or gathered, on its way. */
static void
mark_events(struct weir_event *e, const struct event_reply *reply)
{
    static const struct weir_text type = { "text/event-stream", 17 };
    if (reply->content_type.len < type.len || strncasecmp(reply->content_type.bytes, type.bytes, type.len) != 0)
        return;
    if (!has_header(e, reply, TEXT("Cache-Control")))
        event_add_header(e, TEXT("Cache-Control"), TEXT("no-cache"), false);
    if (!has_header(e, reply, TEXT("X-Accel-Buffering")))
        event_add_header(e, TEXT("X-Accel-Buffering"), TEXT("no"), false);
}

bool
run_reply(struct run *r, const struct weir_reply *reply)
{
    if (r->event->replied)
        return false;
    const struct weir_value *body = reply->body;
    struct event_reply out = { .status = reply->status,
                               .content_type = reply->content_type,
                               .headers = reply->headers,
                               .n_headers = reply->n_headers };
    const struct weir_value *text = NULL;
    enum weir_type type = body ? value_type(body) : WEIR_NULL;
    if (r->depth > 0) {
        value_unref(&r->reply_body);
        r->reply_body = value_ref(reply->value ? reply->value : body ? body : &value_null);
    } else if (body && type != WEIR_STRING && type != WEIR_BYTES && type != WEIR_STREAM) {
        struct weir_error err = { 0 };
        text = outcome_json(body, &err);
        if (text == NULL) {
            event_answer_error(r->event, &err);
            r->reply_status = code_status(err.code);
            r->replied_ns = clock_mono_ns();
            return true;
        }
        out.body = text;
        if (out.content_type.len == 0)
            out.content_type = TEXT("application/json");
    } else {
        out.body = body;
    }
    r->streaming = out.body && value_type(out.body) == WEIR_STREAM;
    if (r->streaming)
        mark_events(r->event, &out);
    r->reply_status = out.status;
    r->replied_ns = clock_mono_ns();
    event_answer(r->event, &out);
    value_unref(&text);
    return true;
}
