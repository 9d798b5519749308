/* lua/engine.c - see script.h: calls in the engine.
 *
 * Scripts that compute for long get their slices in turn, one slice a turn of the loop, however
 * many there are of them: whoever else is on the shard waits for one slice at most.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "script.h"

#define SLICE_NS 100000u
/* The first slice of a call, while others wait for theirs. */
#define SHORT_SLICE_NS 30000u
/* A state whose memory has run out is not replaced if its script takes longer to load. */
#define RENEW_MS 20u
/* Between two looks at large blocks that are kept. */
#define AGE_MS 100u /* blocks.h counts on it */

/* One configured node on one shard. */
struct place {
    const struct script *script;
    struct vm *vm;
    struct weir_shard *shard;
    struct vm *fresh;   /* that is loaded to take the place of one that is spoilt; or NULL */
    struct vm *old;     /* that is collected when its last call has ended; or NULL */
    struct place *next; /* that are tidied up */
    bool tidied;        /* it is among them */
};

/* Calls of this thread that wait for their next slice. */
static _Thread_local struct {
    struct call *first;
    struct call *last;
    struct weir_timer *timer;
    struct weir_shard *shard;
} turns;

static void on_turn(void *arg);

static void
wait_for_turn(struct call *c)
{
    c->next = NULL;
    if (turns.first == NULL)
        turns.first = c;
    else
        turns.last->next = c;
    turns.last = c;
    turns.shard = c->shard;
    if (turns.timer == NULL)
        turns.timer = host->timer_start(turns.shard, 0, on_turn, NULL);
}

static void
on_turn(void *arg)
{
    (void)arg;
    struct call *c = turns.first;
    host->timer_stop(&turns.timer);
    turns.first = c->next;
    if (turns.first != NULL)
        turns.timer = host->timer_start(turns.shard, 0, on_turn, NULL);
    (void)sched_yield(); /* whoever wants this core comes first: it computes already for long */
    c->vm->slice_max_ns = SLICE_NS;
    call_turn(c);
}

static void
leave_turns(const struct call *c)
{
    struct call *before = NULL;
    for (struct call *at = turns.first; at != NULL; before = at, at = at->next) {
        if (at != c)
            continue;
        if (before == NULL)
            turns.first = at->next;
        else
            before->next = at->next;
        if (turns.last == c)
            turns.last = before;
        break;
    }
    if (turns.first == NULL)
        host->timer_stop(&turns.timer);
}

/* -- what a call asks for -- */

static void
on_answer(void *arg, const struct weir_value *output, const struct weir_error *err)
{
    strand_answer(arg, output, err);
}

static void
ask(struct strand *s, unsigned lend, const struct weir_value *input)
{
    const struct script *script = s->call->vm->script;
    s->block = host->block(s->call->host, script->lends[lend].block, input, NULL, UINT64_MAX,
                           on_answer, s);
}

static void
on_wake(void *arg)
{
    struct strand *s = arg;
    host->timer_stop(&s->timer);
    strand_wake(s);
}

static void
sleep_for(struct strand *s, uint64_t ms)
{
    s->timer = host->timer_start(s->call->shard, ms, on_wake, s);
}

static bool
work(struct strand *s, weir_work_fn *run, weir_worked_fn *done, void *arg)
{
    struct weir_error err = { 0 };
    uint32_t code = host->work(s->call->shard, run, done, arg, &err);
    host->unref(&err.detail);
    return code == WEIR_OK;
}

static void
stop(struct strand *s)
{
    work_forget(s);
    host->timer_stop(&s->timer);
    if (s->asked && !s->call->over)
        host->block_cancel(s->call->host, s->block);
}

static uint64_t
wall_ms(struct call *c)
{
    return host->wall_ms(c->shard);
}

static uint64_t
left_ms(struct call *c)
{
    uint64_t deadline = host->deadline_ms(c->host);
    uint64_t now = host->now_ms(c->shard);
    if (deadline == UINT64_MAX)
        return UINT64_MAX;
    return deadline > now ? deadline - now : 0;
}

static void
uuid(struct call *c, char ret[37])
{
    host->uuid(c->host, ret);
}

static void
log_line(struct call *c, uint32_t level, struct weir_text text, const struct weir_value *fields)
{
    host->log_fields(c->host, level, text, fields);
}

static uint32_t
lookup(struct call *c, const struct weir_text *path, uint32_t n, const struct weir_value **ret,
       struct weir_error *err)
{
    return host->lookup(c->host, path, n, ret, err);
}

static void
aborted(struct call *c, enum abort_reason reason)
{
    struct weir_text label = { abort_label(reason), strlen(abort_label(reason)) };
    host->shard_measure(c->shard, c->vm->script->metric, &label, 1);
}

/* -- large blocks that are kept -- */

static _Thread_local struct weir_timer
    *aging; /* NULL: nothing was kept when it was last looked at */

static void
on_age(void *shard)
{
    host->timer_stop(&aging);
    if (blocks_age())
        aging = host->timer_start(shard, AGE_MS, on_age, shard);
}

/* Something may have been given back. */
static void
begin_aging(struct weir_shard *shard)
{
    if (aging == NULL && blocks_kept() > 0)
        aging = host->timer_start(shard, AGE_MS, on_age, shard);
}

/* -- states whose memory has run out -- */

/* Places of this thread where a state is to be replaced or collected: a slice of one of them a
 * turn. */
static _Thread_local struct {
    struct place *first;
    struct weir_timer *timer;
} tidying;

/* Loads a state in place of one that is spoilt. */
static void
renew(struct place *p, uint64_t until_ns)
{
    struct weir_error err = { 0 };
    enum loading how = LOAD_FAILED;
    if (p->fresh == NULL)
        p->fresh = vm_begin(p->script, RENEW_MS, &err);
    if (p->fresh != NULL)
        how = vm_load(p->fresh, until_ns, &err);
    if (how == LOADING)
        return;
    if (how == LOADED) {
        p->old = p->vm;
        p->vm = p->fresh;
    } else {
        p->old = p->fresh;
        p->vm->spoilt = false;
        host->unref(&err.detail);
    }
    p->fresh = NULL;
}

/* One slice of what there is to do at a place; false: that was all for now. */
static bool
tidy(struct place *p, uint64_t until_ns)
{
    if (p->old != NULL && p->old->calls == 0) {
        vm_strip(p->old);
        if (vm_collect(p->old, until_ns))
            vm_free(&p->old);
    } else if (p->old == NULL && p->vm->spoilt) {
        renew(p, until_ns);
    }
    return p->old == NULL ? p->vm->spoilt : p->old->calls == 0;
}

static void
leave_tidying(struct place *p)
{
    struct place **at = &tidying.first;
    while (*at != NULL && *at != p)
        at = &(*at)->next;
    if (*at == p)
        *at = p->next;
    p->tidied = false;
    if (tidying.first == NULL)
        host->timer_stop(&tidying.timer);
}

static void
on_tidy(void *arg)
{
    (void)arg;
    struct place *p = tidying.first;
    struct weir_shard *shard = p->shard;
    host->timer_stop(&tidying.timer);
    bool more = tidy(p, clock_ns() + SLICE_NS);
    if (more && p->next != NULL) { /* behind the others */
        struct place **last = &p->next;
        while (*last != NULL)
            last = &(*last)->next;
        tidying.first = p->next;
        p->next = NULL;
        *last = p;
    }
    begin_aging(shard);
    if (!more)
        leave_tidying(p);
    if (tidying.first != NULL)
        tidying.timer = host->timer_start(shard, 0, on_tidy, NULL);
}

/* A call has ended at P: is there a state to be replaced, or one that nobody needs any more? */
static void
begin_tidying(struct place *p)
{
    bool unused = p->old != NULL && p->old->calls == 0;
    begin_aging(p->shard);
    if (p->tidied || (!unused && !p->vm->spoilt))
        return;
    p->tidied = true;
    p->next = tidying.first;
    tidying.first = p;
    if (tidying.timer == NULL)
        tidying.timer = host->timer_start(p->shard, 0, on_tidy, NULL);
}

static void
end(struct call *c, const struct weir_value *output, const struct weir_error *err)
{
    struct weir_call *call = c->host;
    begin_tidying(c->own);
    if (output == NULL) {
        host->fail(call, err);
        return;
    }
    const struct weir_value *given = host->ref(output);
    host->done(call, &given);
}

const struct world engine_world = {
    .ask = ask,
    .sleep = sleep_for,
    .work = work,
    .stop = stop,
    .wall_ms = wall_ms,
    .left_ms = left_ms,
    .uuid = uuid,
    .log = log_line,
    .lookup = lookup,
    .turn = wait_for_turn,
    .end = end,
    .aborted = aborted,
};

/* -- the node -- */

uint32_t
engine_attach(struct weir_shard *shard, void *conf, void **ret_state, struct weir_error *err)
{
    struct place *p = zeroed(1, sizeof *p);
    p->script = conf;
    p->shard = shard;
    p->vm = vm_new(p->script, LOAD_MS, err);
    if (p->vm == NULL) {
        free(p);
        return err->code;
    }
    *ret_state = p;
    return WEIR_OK;
}

void
engine_detach(void *state)
{
    struct place *p = state;
    leave_tidying(p);
    vm_free(&p->fresh);
    vm_free(&p->old);
    vm_free(&p->vm);
    if (blocks_kept() == 0)
        host->timer_stop(&aging);
    free(p);
}

/* The configuration of this call, if there are expressions in it; owned by the caller. */
static uint32_t
take_config(struct weir_call *call, const struct script *s, const struct weir_value **ret,
            struct weir_error *err)
{
    if (s->config_constant != NULL)
        return WEIR_OK;
    const struct weir_value *given = NULL;
    if (host->eval(call, s->config_slot, &given, err) != WEIR_OK)
        return err->code;
    return script_complete(s, &given, ret, err);
}

void
engine_run(struct weir_call *call, void *state)
{
    struct place *p = state;
    struct weir_error err = { 0 };
    const struct weir_value *input = NULL;
    const struct weir_value *config = NULL;
    if (host->input(call, &input, &err) != WEIR_OK ||
        take_config(call, p->script, &config, &err) != WEIR_OK) {
        host->unref(&input);
        fail_with(call, &err);
        return;
    }
    struct call *c = host->alloc(call, sizeof *c);
    host->set_data(call, c);
    *c = (struct call){ .world = &engine_world,
                        .vm = p->vm,
                        .host = call,
                        .shard = p->shard,
                        .input = input,
                        .config = config,
                        .own = p };
    p->vm->slice_max_ns = turns.first != NULL ? SHORT_SLICE_NS : SLICE_NS;
    call_begin(c);
}

void
engine_cancel(struct weir_call *call, void *state)
{
    struct call *c = host->data(call);
    leave_turns(c);
    call_drop(c);
    begin_tidying(state);
    cut_short(call, "the script was cut short");
}
