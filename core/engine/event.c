/* engine/event.c - see event.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/event.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "engine/job.h"
#include "engine/once.h"
#include "net/problem.h"

struct weir_text
event_header(const struct weir_event *e, struct weir_text name)
{
    return event_header_at(e, name, 0);
}

struct weir_text
event_header_at(const struct weir_event *e, struct weir_text name, unsigned index)
{
    for (unsigned i = 0; i < e->n_headers; i++)
        if (text_equal(e->headers[i].name, name) && index-- == 0)
            return e->headers[i].value;
    return (struct weir_text){ NULL, 0 };
}

void
event_add_header(struct weir_event *e, struct weir_text name, struct weir_text value, bool add)
{
    struct reply_header *h = arena_take(e->arena, sizeof *h + name.len + value.len);
    if (h == NULL)
        return; /* the event's memory is used up: a header is lost, the reply is not */
    char *bytes = (char *)(h + 1);
    memcpy(bytes, name.bytes, name.len);
    memcpy(bytes + name.len, value.bytes, value.len);
    h->header.name = (struct weir_text){ bytes, name.len };
    h->header.value = (struct weir_text){ bytes + name.len, value.len };
    h->add = add;
    h->next = e->reply_headers;
    e->reply_headers = h;
}

bool
event_answer(struct weir_event *e, const struct event_reply *r)
{
    if (e->replied)
        return false;
    e->replied = true;
    if (e->job)
        job_answer_note(e, r);
    if (e->once)
        once_answered(e, r);
    e->ops->reply(e, r);
    return true;
}

/* Retry-After in whole seconds, rounded up (RFC 9110 10.2.3). */
static void
add_retry_after(struct weir_event *e, uint32_t ms)
{
    char seconds[16];
    int len = snprintf(seconds, sizeof seconds, "%u", (unsigned)((ms + 999ull) / 1000));
    event_add_header(e, TEXT("Retry-After"), (struct weir_text){ seconds, (size_t)len }, false);
}

bool
event_answer_error(struct weir_event *e, const struct weir_error *err)
{
    if (e->replied)
        return false;
    if (err->retry_after_ms)
        add_retry_after(e, err->retry_after_ms);
    struct buf b;
    buf_init(&b, PROBLEM_MAX);
    (void)problem_write(&b, err, e->id);
    const struct weir_value *body = value_string(b.bytes, b.len);
    buf_fini(&b);
    struct event_reply r = { .status = problem_status(err),
                             .content_type = TEXT(PROBLEM_TYPE),
                             .body = body,
                             .error = err };
    bool sent = event_answer(e, &r);
    value_unref(&body);
    return sent;
}
