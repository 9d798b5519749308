/* engine/job_status.c - GET /_weir/jobs/ID on the edge: how a job is, for who sent its event.
 *
 * The id is the caller's secret (74 bits of it are random), and no more than the state is told:
 * events, outputs and errors are the operators'.
 *
 * Callbacks of waits are below /_weir/ as well: job_callback.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "engine/job.h"
#include "engine/outcome.h"

#define BELOW "/_weir/jobs/"

/* A question on its way. */
struct asking {
    struct store_ask ask;
    struct weir_event *event;
};

static void
answer_error(struct weir_event *e, enum weir_code code, const char *text)
{
    struct weir_error err = { 0 };
    err_set(&err, code, "%s", text);
    event_answer_error(e, &err);
    e->ops->release(e);
}

static void
answer(struct weir_event *e, const struct weir_value *v)
{
    struct weir_error err = { 0 };
    const struct weir_value *json = outcome_json(v, &err);
    struct weir_header fresh = { TEXT("Cache-Control"), TEXT("no-store") };
    struct event_reply reply = { .status = 200,
                                 .content_type = TEXT("application/json"),
                                 .headers = &fresh,
                                 .n_headers = 1,
                                 .body = json };
    event_answer(e, &reply);
    value_unref(&json);
    e->ops->release(e);
}

static void
told(struct store_op *op, const struct weir_error *err)
{
    struct asking *a = (struct asking *)(void *)op;
    (void)job_op_told(op);
    if (err)
        answer_error(a->event, (enum weir_code)err->code, err->code == WEIR_NOT_FOUND ? "there is no such job" : err->text);
    else
        answer(a->event, a->ask.answer);
    value_unref(&a->ask.answer);
    value_unref(&a->ask.with);
    free(a);
}

static void
ask(struct weir_event *e, struct weir_text id)
{
    struct weir_error err = { 0 };
    struct asking *a = calloc(1, sizeof *a);
    if (a == NULL)
        abort();
    struct weir_builder *b = builder_map();
    const struct weir_value *v = value_string(id.bytes, id.len);
    builder_set(b, "id", 2, &v);
    a->event = e;
    a->ask.op = (struct store_op){ .shard = e->shard, .done = told, .kind = STORE_ASK };
    a->ask.what = "jobs.state";
    a->ask.with = builder_end(&b);
    if (job_submit(engine_of(e->shard), &a->ask.op, &err) == WEIR_OK)
        return;
    answer_error(e, (enum weir_code)err.code, err.text);
    value_unref(&a->ask.with);
    free(a);
}

void
engine_own(struct weir_event *e)
{
    struct weir_text path = e->path;
    size_t below = sizeof BELOW - 1;
    e->decided = true;
    static const char waits[] = "/_weir/wait/";
    size_t waits_len = sizeof waits - 1;
    if (path.len > waits_len && memcmp(path.bytes, waits, waits_len) == 0 && engine_of(e->shard)->jobs) {
        job_callback(e, (struct weir_text){ path.bytes + waits_len, path.len - waits_len });
        return;
    }
    bool job = path.len == below + ID_UUID - 1 && memcmp(path.bytes, BELOW, below) == 0;
    if (!job || engine_of(e->shard)->jobs == NULL)
        answer_error(e, WEIR_NOT_FOUND, "nothing is served at this path");
    else if (!text_is(e->method, "GET") && !text_is(e->method, "HEAD"))
        answer_error(e, WEIR_INVALID, "a job can only be looked at: GET");
    else
        ask(e, (struct weir_text){ path.bytes + below, ID_UUID - 1 });
}
