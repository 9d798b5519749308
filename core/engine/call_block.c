/* engine/call_block.c - child blocks of a call: host->block. See run.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/run.h"

#include <assert.h>
#include <stdint.h>

#include "base/digest.h"

#include "engine/job.h"
#include "value/json.h"

/* A child frame has ended: its answer goes to the plugin when nothing of it is on the stack. */
static void
child_ended(struct frame *f)
{
    struct weir_call *c = f->owner;
    list_remove(&f->link);
    if (c->state == CALL_ANSWERED) {
        call_forget_frame(c, f);
        call_enter(c);
        call_leave(c);
        return;
    }
    if (f->failure == NULL && f->result == NULL) { /* the flow is the body, not yet asked for */
        struct weir_error err = { 0 };
        const struct weir_value *body;
        if (scope_input(f->run, f, &body, &err) == WEIR_OK)
            f->result = value_ref(body);
        else
            f->failure = run_failure(f->run, &err, c->unit->node->id, c->attempt);
    }
    list_push(&c->ready, &f->link);
    call_enter(c);
    call_leave(c);
}

/* A child frame that can't be had is answered all the same, later. */
static uint32_t
refuse_block(struct weir_call *c, weir_answer_fn *fn, void *arg)
{
    struct weir_error err = { 0 };
    if (c->frame && c->run->cancelled)
        err_set(&err, WEIR_CANCELLED, "the run is being cancelled");
    else if (c->frame)
        err_set(&err, WEIR_TOO_LARGE, "the run needs more memory than it may have");
    else
        err_set(&err, WEIR_CANCELLED, "the node was cancelled");
    call_enter(c);
    call_tell(c, fn, arg, NULL, &err);
    call_leave_quietly(c);
    return 0;
}

static bool
take_vars(struct weir_call *c, struct frame *f, const struct weir_value *const *vars)
{
    f->vars = arena_alloc(c->arena, f->block->n_names * sizeof *f->vars);
    for (unsigned i = 0; f->vars && i < f->block->n_names; i++)
        f->vars[i] = value_ref(vars[i]);
    return f->vars != NULL;
}

/* How often a lent node was asked the same. In the call's memory. */
struct lent_turn {
    struct lent_turn *next;
    uint64_t asked;
    uint32_t n;
};

#define OFTEN 20 /* bits for how often */

/* Lent nodes are asked in an order that depends on when answers come; what they are asked does not. */
static uint64_t
lent_turn(struct weir_call *c, uint32_t block, const struct weir_value *input)
{
    struct buf b;
    struct weir_error err;
    uint8_t sum[DIGEST_MAX];
    uint64_t asked = 0;
    buf_init(&b, SIZE_MAX);
    (void)buf_printf(&b, "%u ", block);
    if (input && json_write(&b, input, &err) != WEIR_OK)
        (void)buf_puts(&b, "?");
    digest(WEIR_SHA256, buf_content(&b), sum);
    buf_fini(&b);
    for (unsigned i = 0; i < 5; i++)
        asked = asked << 8 | sum[i];
    struct lent_turn *t = c->lent;
    while (t && t->asked != asked)
        t = t->next;
    if (t == NULL) {
        t = arena_alloc(c->arena, sizeof *t);
        if (t == NULL)
            return asked << OFTEN; /* the run ends soon for want of memory */
        *t = (struct lent_turn){ .next = c->lent, .asked = asked };
        c->lent = t;
    }
    return asked << OFTEN | (t->n++ & ((1u << OFTEN) - 1));
}

uint32_t
call_block(struct weir_call *c, uint32_t block, const struct weir_value *input,
           const struct weir_value *const *vars, uint64_t deadline_ms, weir_answer_fn *fn, void *arg)
{
    assert(block < c->unit->node->n_children && c->state != CALL_ANSWERED);
    const struct block *b = c->unit->node->children[block].block;
    uint64_t deadline = deadline_ms < c->deadline_ms ? deadline_ms : c->deadline_ms;
    struct frame *f = c->frame ? frame_new(c->run, b, c->frame, input, deadline, child_ended) : NULL;
    if (f == NULL)
        return refuse_block(c, fn, arg);
    if (b->n_names && vars && !take_vars(c, f, vars)) {
        frame_free(f);
        return refuse_block(c, fn, arg);
    }
    f->owner = c;
    f->turn = c->blocks++;
    if (b->type == NULL && c->run->event->job)
        f->turn = lent_turn(c, block, input);
    if (c->run->event->job && b->type && !job_choose_block(c, (uint32_t)f->turn, block)) {
        frame_free(f);
        return refuse_block(c, fn, arg);
    }
    f->fn = fn;
    f->arg = arg;
    list_push(&c->frames, &f->link);
    uint32_t number = f->number;
    call_enter(c); /* an answer at once waits until the plugin's function has returned */
    frame_walk(f);
    call_leave_quietly(c);
    return number;
}

void
call_block_cancel(struct weir_call *c, uint32_t number)
{
    list_each(link, next, &c->frames)
    {
        struct frame *f = list_entry(link, struct frame, link);
        if (f->number != number)
            continue;
        struct weir_error err = { 0 };
        err_set(&err, WEIR_CANCELLED, "its node has asked for an early end");
        call_enter(c);
        frame_cancel(f, run_failure(c->run, &err, NULL, 0));
        call_leave_quietly(c);
        return;
    }
}
