/* engine/job_callback.c - POST /_weir/wait/JOB/TOKEN on the edge: what a run waits for has come.
 *
 * The token is the caller's secret: 128 random bits, which work once. It is looked up before the body
 * is looked at, since anybody may send one. The body becomes the output of the wait, parsed by its
 * content type as that of an event.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "engine/job.h"
#include "net/body.h"

/* A callback on its way: first its token is looked up, then it goes into the store. */
struct calling {
    struct store_ask ask;
    struct weir_event *event;
    char id[ID_UUID];
    char token[JOB_TOKEN];
};

static void
refuse(struct weir_event *e, struct weir_error *err)
{
    event_answer_error(e, err);
    value_unref(&err->detail);
    e->ops->release(e);
}

static void
calling_free(struct calling *c)
{
    value_unref(&c->ask.answer);
    value_unref(&c->ask.with);
    free(c);
}

/* Refuses C's event with ERR of the store. */
static void
refused(struct calling *c, const struct weir_error *err)
{
    struct weir_error copy = *err;
    copy.detail = NULL;
    copy.retry_after_ms = err->code == WEIR_UNAVAILABLE ? 1000 : 0;
    refuse(c->event, &copy);
    calling_free(c);
}

static void
put_text(struct weir_builder *b, const char *key, const char *text)
{
    const struct weir_value *v = value_text(text);
    builder_set(b, key, strlen(key), &v);
}

/* Asks WHAT of C's job and token, with OUTPUT, which is taken, or NULL. C is DONE's, or freed. */
static void
ask(struct calling *c, const char *what, const struct weir_value **output, store_done_fn *done)
{
    struct weir_error err = { 0 };
    struct weir_event *e = c->event;
    struct weir_builder *b = builder_map();
    put_text(b, "id", c->id);
    put_text(b, "token", c->token);
    if (output)
        builder_set(b, "output", 6, output);
    c->ask.op = (struct store_op){ .shard = e->shard, .done = done, .kind = STORE_ASK };
    c->ask.what = what;
    c->ask.with = builder_end(&b);
    if (job_submit(engine_of(e->shard), &c->ask.op, &err) != WEIR_OK)
        refused(c, &err);
}

/* The output is in the store. */
static void
stored(struct store_op *op, const struct weir_error *err)
{
    struct calling *c = (struct calling *)(void *)op;
    struct weir_event *e = c->event;
    (void)job_op_told(op);
    if (err) {
        refused(c, err);
        return;
    }
    struct event_reply reply = { .status = 204 };
    event_answer(e, &reply);
    e->ops->release(e);
    calling_free(c);
}

/* Whether something waits for that token is known. */
static void
looked_up(struct store_op *op, const struct weir_error *err)
{
    struct calling *c = (struct calling *)(void *)op;
    struct weir_event *e = c->event;
    struct weir_error bad = { 0 };
    (void)job_op_told(op);
    if (err) {
        refused(c, err);
        return;
    }
    value_unref(&c->ask.with);
    value_unref(&c->ask.answer);
    const struct weir_value *output = NULL;
    if (e->raw == NULL || e->raw->len == 0)
        output = value_ref(&value_null);
    else if (body_parse(event_header(e, TEXT("content-type")), e->raw, &output, &bad) != WEIR_OK) {
        refuse(e, &bad);
        calling_free(c);
        return;
    }
    ask(c, "jobs.callback", &output, stored);
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
    struct calling *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->event = e;
    memcpy(c->id, below.bytes, id_len);
    memcpy(c->token, below.bytes + id_len + 1, JOB_TOKEN - 1);
    ask(c, "jobs.callback.check", NULL, looked_up);
}
