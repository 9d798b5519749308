/* engine/job_breaker.c - a breaker that opens pauses the batches of replays that would ask its peer.
 *
 * Breakers belong to a plugin: all that is known here is what it publishes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/log.h"
#include "engine/job.h"

static void
told(struct store_op *op, const struct weir_error *err)
{
    struct store_ask *ask = (struct store_ask *)(void *)op;
    (void)job_op_told(op);
    if (err)
        log_say(WEIR_WARN, "batches could not be paused while a breaker is open: %s", err->text);
    value_unref(&ask->answer);
    value_unref(&ask->with);
    free(ask);
}

static void
on_open(void *arg, struct weir_text topic, const struct weir_value *event)
{
    (void)topic;
    struct engine *e = arg;
    const struct weir_value *pipelines = value_field(event, "pipelines"),
                            *name = value_field(event, "breaker");
    if (e->jobs->stopped || name == NULL || pipelines == NULL || value_type(pipelines) != WEIR_LIST)
        return;
    struct weir_builder *b = builder_map();
    builder_put(b, "breaker", name);
    builder_put(b, "pipelines", pipelines);
    struct store_ask *ask = calloc(1, sizeof *ask);
    if (ask == NULL)
        abort();
    ask->op = (struct store_op){ .shard = e->shard, .done = told, .kind = STORE_ASK };
    ask->what = "batches.trip";
    ask->with = builder_end(&b);
    struct weir_error err;
    if (job_submit(e, &ask->op, &err) == WEIR_OK)
        return;
    log_say(WEIR_WARN, "batches could not be paused while a breaker is open: %s", err.text);
    value_unref(&ask->with);
    free(ask);
}

void
job_breaker_begin(struct engine *e)
{
    e->jobs->breakers = topic_subscribe(&e->topics, TEXT("breaker.open"), on_open, e);
}

void
job_breaker_end(struct engine *e)
{
    topic_unsubscribe(&e->jobs->breakers);
}
