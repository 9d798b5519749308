/* engine/job_callback.c - POST /_weir/wait/JOB/TOKEN on the edge: what a run waits for has come.
 *
 * The token is the caller's secret: 128 random bits, which work once. The body becomes the output of
 * the wait, parsed by its content type as that of an event.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "engine/job.h"
#include "net/body.h"

/* A callback on its way into the store. */
struct calling {
    struct store_ask ask;
    struct weir_event *event;
};

static void
refuse(struct weir_event *e, struct weir_error *err)
{
    event_answer_error(e, err);
    value_unref(&err->detail);
    e->ops->release(e);
}

static void
told(struct store_op *op, const struct weir_error *err)
{
    struct calling *c = (struct calling *)(void *)op;
    struct weir_event *e = c->event;
    (void)job_op_told(op);
    if (err) {
        struct weir_error copy = *err;
        copy.detail = NULL;
        copy.retry_after_ms = err->code == WEIR_UNAVAILABLE ? 1000 : 0;
        refuse(e, &copy);
    } else {
        struct event_reply reply = { .status = 204 };
        event_answer(e, &reply);
        e->ops->release(e);
    }
    value_unref(&c->ask.answer);
    value_unref(&c->ask.with);
    free(c);
}

static void
put_text(struct weir_builder *b, const char *key, struct weir_text t)
{
    const struct weir_value *v = value_string(t.bytes, t.len);
    builder_set(b, key, strlen(key), &v);
}

static void
hand_in(struct weir_event *e, struct weir_text id, struct weir_text token, const struct weir_value **output)
{
    struct weir_error err = { 0 };
    struct calling *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    struct weir_builder *b = builder_map();
    put_text(b, "id", id);
    put_text(b, "token", token);
    builder_set(b, "output", 6, output);
    c->event = e;
    c->ask.op = (struct store_op){ .shard = e->shard, .done = told, .kind = STORE_ASK };
    c->ask.what = "jobs.callback";
    c->ask.with = builder_end(&b);
    if (job_submit(engine_of(e->shard), &c->ask.op, &err) == WEIR_OK)
        return;
    err.retry_after_ms = 1000;
    refuse(e, &err);
    value_unref(&c->ask.with);
    free(c);
}

void
job_callback(struct weir_event *e, struct weir_text below)
{
    struct weir_error err = { 0 };
    size_t id_len = ID_UUID - 1;
    if (below.len != id_len + JOB_TOKEN || below.bytes[id_len] != '/' || !utf8_valid(below)) {
        err_set(&err, WEIR_NOT_FOUND, "nothing waits for this callback");
        refuse(e, &err);
        return;
    }
    if (!text_is(e->method, "POST")) { /* a mail program that looks at links must not answer */
        err_set(&err, WEIR_INVALID, "a callback is a POST");
        err.status = 405;
        event_add_header(e, TEXT("Allow"), TEXT("POST"), false);
        refuse(e, &err);
        return;
    }
    const struct weir_value *output = NULL;
    if (e->raw == NULL || e->raw->len == 0)
        output = value_ref(&value_null);
    else if (body_parse(event_header(e, TEXT("content-type")), e->raw, &output, &err) != WEIR_OK) {
        refuse(e, &err);
        return;
    }
    hand_in(e, (struct weir_text){ below.bytes, id_len },
            (struct weir_text){ below.bytes + id_len + 1, JOB_TOKEN - 1 }, &output);
}
