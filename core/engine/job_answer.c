/* engine/job_answer.c - what the first event of an idempotency key was answered, for the others.
 *
 * MessagePack of { v: 1, status, type, body }: body is a string or bytes. Headers that nodes added
 * (limits, request ids) belong to one request, and are not kept.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "engine/job.h"
#include "value/msgpack.h"

#define ANSWER_MAX (1u << 20)

void
job_answer_note(struct weir_event *e, const struct event_reply *r)
{
    struct job *j = e->job;
    if (!j->once || j->answer || r->status == 202 || (r->body && value_type(r->body) == WEIR_STREAM))
        return;
    struct weir_builder *b = builder_map();
    const struct weir_value *v = value_int(1);
    builder_set(b, "v", 1, &v);
    v = value_int(r->status);
    builder_set(b, "status", 6, &v);
    v = value_string(r->content_type.bytes, r->content_type.len);
    builder_set(b, "type", 4, &v);
    if (r->body)
        builder_put(b, "body", r->body);
    v = builder_end(&b);
    struct buf out;
    struct weir_error err;
    buf_init(&out, ANSWER_MAX);
    if (msgpack_write(&out, v, &err) == WEIR_OK) /* what is too large is not kept */
        j->answer = buf_give(&out, &j->answer_len);
    buf_fini(&out);
    value_unref(&v);
}

bool
job_answer_again(struct weir_event *e, struct weir_text bytes)
{
    const struct weir_value *v = NULL;
    struct weir_error err;
    if (bytes.len == 0 || msgpack_read(bytes, &v, &err) != WEIR_OK)
        return false;
    const struct weir_value *status = value_field(v, "status");
    const struct weir_value *type = value_field(v, "type");
    struct weir_header again = { TEXT("Idempotency-Replayed"), TEXT("true") };
    struct event_reply reply = { .status = status ? (unsigned)status->integer : 200,
                                 .content_type = type ? value_as_text(type) : TEXT(""),
                                 .headers = &again,
                                 .n_headers = 1,
                                 .body = value_field(v, "body") };
    event_answer(e, &reply);
    value_unref(&v);
    return true;
}
