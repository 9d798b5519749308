/* engine/stand_in.c - see stand_in.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/stand_in.h"

#include <stdlib.h>
#include <string.h>

#include "engine/job.h"
#include "engine/stand_in_call.h"
#include "net/redis.h"

/* An answer on its way. In the memory of its call. */
struct standing {
    struct weir_call *call;
    struct stand_in_answer answer;
    struct timer timer;
    weir_http_fn *fn; /* NULL: it is that of the step as a whole */
    void *arg;
};

void
engine_stand_in(struct weir_shard *s, const struct stand_in *in)
{
    engine_of(s)->stand_in = in;
    redis_go_offline();
}

struct trigger_unit *
engine_trigger_of_events(struct weir_shard *s, const char *name)
{
    const struct generation *g = engine_of(s)->current->generation;
    const struct flow *f = map_get(&g->by_name, name, strlen(name));
    for (unsigned i = 0; f && i < f->pipeline->n_triggers; i++)
        if (f->triggers[i].type->accept == NULL)
            return &f->triggers[i];
    return NULL;
}

bool
engine_waits(struct weir_shard *s)
{
    const struct engine *e = engine_of(s);
    return e->jobs && (e->jobs->n_ops > 0 || e->jobs->claiming || timer_armed(&e->jobs->turn));
}

static struct stand_in_step
step_of(const struct weir_call *c)
{
    const struct node *n = c->unit->node;
    return (struct stand_in_step){ c->run->flow->pipeline->name, n->id, n->id_given, c->attempt, c->unit->type->name, false };
}

static void
forget(struct stand_in_answer *a)
{
    value_unref(&a->output);
    value_unref(&a->headers);
    value_unref(&a->body);
    value_unref(&a->error.detail);
}

void
stand_in_drop(struct standing *s)
{
    timer_unset(s->call->run->engine->shard, &s->timer);
    forget(&s->answer);
}

static void
answer_step(struct standing *s)
{
    struct weir_call *c = s->call;
    if (s->answer.error.code != WEIR_OK) {
        struct weir_error err = s->answer.error;
        err.detail = NULL;
        call_answer(c, NULL, run_failure(c->run, &err, c->unit->node->id, c->attempt));
    } else {
        const struct weir_value *output = s->answer.output;
        s->answer.output = NULL; /* what is left is dropped when C is answered */
        call_answer(c, &output, NULL);
    }
}

static void
answer(void *arg)
{
    struct standing *s = arg;
    struct stand_in_answer a = s->answer;
    if (s->fn == NULL) {
        answer_step(s);
        return;
    }
    struct weir_http_answer http = { .size = sizeof http, .status = a.status, .headers = a.headers, .body = a.body };
    s->answer = (struct stand_in_answer){ 0 };
    s->fn(s->arg, a.error.code == WEIR_OK ? &http : NULL, a.error.code == WEIR_OK ? NULL : &a.error);
    forget(&a);
}

static struct standing *
standing_new(struct weir_call *c, weir_http_fn *fn, void *arg)
{
    struct standing *s = arena_take(c->arena, sizeof *s);
    if (s == NULL)
        abort();
    *s = (struct standing){ .call = c, .fn = fn, .arg = arg };
    timer_init(&s->timer, answer, s);
    return s;
}

static void
set_out(struct standing *s)
{
    struct weir_shard *shard = s->call->run->engine->shard;
    if (!s->answer.never)
        timer_set(shard, &s->timer, shard_now(shard) + s->answer.delay_ms);
}

bool
stand_in_answers(struct weir_call *c)
{
    const struct stand_in *in = c->run->engine->stand_in;
    struct stand_in_step step = step_of(c);
    struct stand_in_answer a = { 0 };
    bool blocks = (c->unit->type->flags & WEIR_BLOCKING) != 0;
    if (!in->step(in->arg, &step, &a)) {
        if (!blocks)
            return false;
        err_set(&a.error, WEIR_INTERNAL, "a test reaches nothing outside: the step %s needs a mock", step.id);
    }
    struct standing *s = standing_new(c, NULL, NULL);
    s->answer = a;
    c->standing = s;
    set_out(s);
    return true;
}

struct standing *
stand_in_http(struct weir_call *c, const struct weir_http_request *r, weir_http_fn *fn, void *arg)
{
    const struct stand_in *in = c->run->engine->stand_in;
    struct stand_in_step step = step_of(c);
    struct standing *s = standing_new(c, fn, arg);
    in->http(in->arg, &step, r, &s->answer);
    set_out(s);
    return s;
}

void
stand_in_ended(const struct frame *f, const struct unit *u, const struct weir_value *output,
               const struct failure *failure)
{
    const struct stand_in *in = f->run->engine->stand_in;
    struct stand_in_step step = { f->run->flow->pipeline->name, u->node->id, u->node->id_given, f->attempt,
                                  u->type->name, f->repeated };
    in->ended(in->arg, &step, failure ? NULL : output ? output : &value_null, failure ? &failure->error : NULL);
}
