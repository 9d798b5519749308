/* engine/job_answer.c - what the first event of an idempotency key was answered, for the others.
 *
 * MessagePack of { v: 1, status, type, body, headers: [name, value ...] }: body is a string or bytes.
 * Headers are those of the reply itself: what nodes added (limits, request ids) belongs to one
 * request, and is not kept.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "engine/job.h"
#include "value/msgpack.h"

#define ANSWER_MAX (1u << 20)
#define HEADERS_MAX 64u

static void
put_headers(struct weir_builder *b, const struct event_reply *r)
{
    if (r->n_headers == 0)
        return;
    struct weir_builder *list = builder_list();
    for (unsigned i = 0; i < r->n_headers; i++) {
        const struct weir_value *v = value_bytes(r->headers[i].name.bytes, r->headers[i].name.len);
        builder_add(list, &v);
        v = value_bytes(r->headers[i].value.bytes, r->headers[i].value.len);
        builder_add(list, &v);
    }
    const struct weir_value *v = builder_end(&list);
    builder_set(b, "headers", 7, &v);
}

char *
job_answer_pack(const struct event_reply *r, size_t *ret_len)
{
    if (r->body && value_type(r->body) == WEIR_STREAM)
        return NULL;
    struct weir_builder *b = builder_map();
    const struct weir_value *v = value_int(1);
    builder_set(b, "v", 1, &v);
    v = value_int(r->status);
    builder_set(b, "status", 6, &v);
    v = value_string(r->content_type.bytes, r->content_type.len);
    builder_set(b, "type", 4, &v);
    if (r->body)
        builder_put(b, "body", r->body);
    put_headers(b, r);
    v = builder_end(&b);
    struct buf out;
    struct weir_error err;
    buf_init(&out, ANSWER_MAX);
    char *bytes = msgpack_write(&out, v, &err) == WEIR_OK ? buf_give(&out, ret_len) : NULL;
    buf_fini(&out);
    value_unref(&v);
    return bytes;
}

void
job_answer_note(struct weir_event *e, const struct event_reply *r)
{
    struct job *j = e->job;
    if (j->once && j->answer == NULL && r->status != 202)
        j->answer = job_answer_pack(r, &j->answer_len);
}

/* The kept headers and one more in AGAIN; how many. */
static unsigned
take_headers(const struct weir_value *kept, struct weir_header again[HEADERS_MAX])
{
    unsigned n = 0;
    again[n++] = (struct weir_header){ TEXT("Idempotency-Replayed"), TEXT("true") };
    for (size_t i = 0; kept && n < HEADERS_MAX && value_at(kept, i + 1); i += 2)
        again[n++] = (struct weir_header){ value_as_text(value_at(kept, i)),
                                           value_as_text(value_at(kept, i + 1)) };
    return n;
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
    struct weir_header again[HEADERS_MAX];
    unsigned n = take_headers(value_field(v, "headers"), again);
    struct event_reply reply = { .status = status ? (unsigned)status->integer : 200,
                                 .content_type = type ? value_as_text(type) : TEXT(""),
                                 .headers = again,
                                 .n_headers = n,
                                 .body = value_field(v, "body") };
    event_answer(e, &reply);
    value_unref(&v);
    return true;
}
