/* engine/blocking.c - see blocking.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/blocking.h"

#include <stdlib.h>

#include "base/crash.h"

static struct workers *workers;

void
blocking_use(struct workers *w)
{
    workers = w;
}

/* An answer on its way from another thread to the call's shard. */
struct answer {
    struct weir_call *call;
    const struct weir_value *output;
    struct weir_error error;
};

static void
arrive(void *arg)
{
    struct answer *a = arg;
    struct failure *failure = NULL;
    if (a->error.code != WEIR_OK)
        failure = run_failure(a->call->run, &a->error, a->call->unit->node->id, a->call->attempt);
    call_answer(a->call, &a->output, failure);
    free(a);
}

void
blocking_answer(struct weir_call *c, const struct weir_value **output, const struct weir_error *err)
{
    struct answer *a = calloc(1, sizeof *a);
    if (a == NULL)
        abort();
    a->call = c;
    if (err) {
        a->error = *err;
        a->error.detail = err->detail ? value_ref(err->detail) : NULL;
    } else if (output && *output) {
        a->output = *output;
        *output = NULL;
    }
    shard_post(c->run->engine->shard, arrive, a);
}

static void
work(void *arg)
{
    struct weir_call *c = arg;
    crash_at = c;
    c->unit->type->run(c, unit_state(c->run->part, c->unit));
    crash_at = NULL;
}

static void
worked(void *arg, bool dropped)
{
    struct weir_call *c = arg;
    if (!dropped)
        return; /* its answer comes, or has come, by itself */
    struct weir_error err = { 0 };
    err_set(&err, WEIR_CANCELLED, "the workers have ended");
    call_answer(c, NULL, run_failure(c->run, &err, c->unit->node->id, c->attempt));
}

/* Evaluates what the node may ask for, since a worker may not touch the run. */
static enum weir_code
prepare(struct weir_call *c, struct weir_error *err)
{
    const struct slots *slots = &c->unit->slots;
    const struct weir_value *input;
    struct scope s;
    scope_init(&s, c->run, c->frame);
    if (scope_input(c->run, c->frame, &input, err) != WEIR_OK)
        return (enum weir_code)err->code;
    (void)run_hidden(c->run); /* for what it logs */
    c->prepared_input = value_ref(input);
    c->prepared = calloc(slots->n + 1, sizeof *c->prepared);
    if (c->prepared == NULL)
        abort();
    for (unsigned i = 0; i < slots->n; i++) {
        enum weir_code code = part_eval(slots->parts[i], &s.env, &c->prepared[i], err);
        if (code == WEIR_NOT_FOUND)
            c->prepared[i] = value_ref(&value_null);
        else if (code != WEIR_OK)
            return code;
    }
    return WEIR_OK;
}

void
blocking_forget(struct weir_call *c)
{
    for (unsigned i = 0; c->prepared && i < c->unit->slots.n; i++)
        value_unref(&c->prepared[i]);
    free(c->prepared);
    c->prepared = NULL;
    value_unref(&c->prepared_input);
}

void
blocking_start(struct weir_call *c)
{
    struct weir_error err = { 0 };
    if (prepare(c, &err) != WEIR_OK)
        ;
    else if (workers == NULL)
        err_set(&err, WEIR_UNAVAILABLE, "there are no workers for nodes that block");
    else if (workers_do(workers, c->run->engine->shard, work, worked, c, &err) == WEIR_OK)
        return;
    call_answer(c, NULL, run_failure(c->run, &err, c->unit->node->id, c->attempt));
}

/* Work where there are no workers. */
struct chore {
    void (*work)(void *arg);
    void (*done)(void *arg, bool dropped);
    void *arg;
};

static void
do_chore(void *arg)
{
    struct chore c = *(struct chore *)arg;
    free(arg);
    c.work(c.arg);
    c.done(c.arg, false);
}

uint32_t
blocking_work(struct weir_shard *s, void (*fn)(void *arg), void (*done)(void *arg, bool dropped), void *arg,
              struct weir_error *err)
{
    if (workers)
        return workers_do(workers, s, fn, done, arg, err);
    struct chore *c = malloc(sizeof *c);
    if (c == NULL)
        abort();
    *c = (struct chore){ fn, done, arg };
    shard_post(s, do_chore, c);
    return WEIR_OK;
}
