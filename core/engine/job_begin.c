/* engine/job_begin.c - a job that waited in memory has its place. See job.h.
 *
 * Until then the store knows that it has not begun: a crash is not its fault, and a pause holds it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "engine/admission.h"
#include "engine/job.h"
#include "engine/once.h"

struct beginning {
    struct job_begin begin;
    struct weir_event *event;
    struct gate *gate;
    struct weir_text key; /* in the event's memory */
};

/* E does not run here. */
static void
let_go(struct weir_event *e)
{
    struct generation_part *part = e->part;
    e->ops->release(e);
    part_unpin(part);
}

/* Its pipeline was paused while it waited: nobody can wait for that. */
static void
hold(const struct beginning *b)
{
    struct weir_event *e = b->event;
    admission_leave(engine_of(e->shard), b->gate, b->key);
    e->job = NULL;
    job_reply_accepted(e, b->begin.id);
    once_end(e, true);
    let_go(e);
}

static void
give_back(const struct beginning *b, const struct weir_error *why)
{
    struct weir_event *e = b->event;
    struct weir_error err = *why;
    admission_leave(engine_of(e->shard), b->gate, b->key);
    job_give_back(e);
    once_end(e, false);
    event_answer_error(e, &err);
    let_go(e);
}

static void
begun(struct store_op *op, const struct weir_error *err)
{
    struct beginning *b = (struct beginning *)(void *)op;
    (void)job_op_told(op);
    if (err) {
        give_back(b, err);
    } else if (b->begin.held) {
        hold(b);
    } else {
        b->event->job->attempt = 1;
        admission_go(b->event, b->gate, b->key, true);
    }
    free(b);
}

void
job_begin(struct weir_event *e, struct gate *gate, struct weir_text key)
{
    struct weir_error err = { 0 };
    struct beginning *b = calloc(1, sizeof *b);
    if (b == NULL)
        abort();
    *b = (struct beginning){ .event = e, .gate = gate, .key = key };
    b->begin.op = (struct store_op){ .shard = e->shard, .done = begun, .kind = STORE_BEGIN };
    memcpy(b->begin.id, e->job->id, sizeof b->begin.id);
    if (job_submit(engine_of(e->shard), &b->begin.op, &err) == WEIR_OK)
        return;
    give_back(b, &err);
    free(b);
}
