/* lua/call.c - see script.h: calls and their strands.
 *
 * A strand is resumed from here alone and never inside another one. What ends while it runs is
 * noted and worked out when Lua has been left: the last thing that is done to a call is to tell
 * its world, which may free it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

/* What beginning or going on with a strand costs, in instructions: more than the hook's stride,
 * so that many short ones come to their end like one long one. */
#define RESUME_WORK 300u
/* Who comes back after so short a time, with an answer that was there at once, is still in the
 * same slice. */
#define BREATH_NS 200000u

/* -- the function of a call -- */

static int
take_output(lua_State *L, const struct weir_value *v, const struct weir_error *err)
{
    struct call *c = vm_of(L)->strand->call;
    if (v == NULL)
        refuse(&c->error, err->code == WEIR_INVALID ? WEIR_SCRIPT : err->code,
               "the output: %.400s", err->text);
    c->output = v;
    return 0;
}

/* The results of run are on the stack: a value, or nil and an error. */
static int
finish(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    struct call *c = vm_of(L)->strand->call;
    if (lua_isnil(L, 1) && !lua_isnil(L, 2)) {
        fault_read(L, 2, &c->error);
        return 0;
    }
    return value_make_then(L, 1, take_output);
}

static int
start(lua_State *L)
{
    struct call *c = vm_of(L)->strand->call;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_run_key);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_ctx_key);
    value_push(L, c->input, 0);
    if (c->config != NULL)
        value_push_frozen(L, c->config);
    else
        lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_config_key);
    lua_callk(L, 3, 2, 0, finish);
    return finish(L, LUA_OK, 0);
}

/* -- the ends of strands -- */

/* Which limit of memory it was. */
static void
describe_memory(const struct vm *vm, char *ret, size_t room)
{
    const struct limits *l = &vm->script->limits;
    switch (vm->heap.over) {
    case HEAP_MEMORY:
        snprintf(ret, room, "%s (max_memory: %llu)", abort_text(ABORT_MEMORY),
                 (unsigned long long)l->memory);
        break;
    case HEAP_KEYS:
        snprintf(ret, room, "a table of it has more keys than it may have (max_keys: %llu)",
                 (unsigned long long)l->keys);
        break;
    case HEAP_STACK:
        snprintf(ret, room, "its calls are nested too deep for a sixteenth of its memory (max_memory: %llu)",
                 (unsigned long long)l->memory);
        break;
    case HEAP_ITEMS:
        snprintf(ret, room, "a list of it has more items than it may have (max_items: %llu)",
                 (unsigned long long)l->items);
        break;
    }
}

/* The limit that a reason is about, and its setting. */
static void
describe_limit(const struct vm *vm, enum abort_reason reason, char *ret, size_t room)
{
    const struct limits *l = &vm->script->limits;
    unsigned long long n = 0;
    const char *name = "";
    switch (reason) {
    case ABORT_INSTRUCTIONS:
        name = "max_instructions", n = l->instructions;
        break;
    case ABORT_MEMORY:
        describe_memory(vm, ret, room);
        return;
    case ABORT_TIME:
        name = "max_time", n = l->time_ms;
        break;
    case ABORT_STEPS:
        name = "max_steps", n = l->steps;
        break;
    default:
        break;
    }
    snprintf(ret, room, "%s (%s: %llu%s)", abort_text(reason), name, n,
             reason == ABORT_TIME ? " ms" : "");
}

/* A limit was reached: the call fails, whatever its script would make of that. */
static void
abort_call(struct call *c, struct strand *s)
{
    char place[100], limit[120];
    enum abort_reason reason = c->budget.reason;
    place_here(s->co, place, sizeof place);
    describe_limit(c->vm, reason, limit, sizeof limit);
    host->unref(&c->output);
    host->unref(&c->error.detail);
    c->error = (struct weir_error){ 0 };
    refuse(&c->error, WEIR_SCRIPT, "%s%s", place, limit);
    c->error.detail = fault_traceback(s->co);
    if (reason == ABORT_MEMORY)
        c->vm->spoilt = true;
    c->vm->heap.over = HEAP_MEMORY; /* a state that takes long to load stays, and may come to another limit */
    c->world->aborted(c, reason);
    s->failed = true;
    c->over = true;
}

/* The error on the top of the strand's stack is that of its function. */
static void
read_error(struct strand *s, struct weir_error *ret)
{
    fault_read(s->co, -1, ret);
    place_error(s->co, ret);
    if (ret->code == WEIR_SCRIPT && strstr(ret->text, "stack overflow") != NULL)
        s->call->world->aborted(s->call, ABORT_DEPTH);
    if (ret->detail == NULL)
        ret->detail = fault_traceback(s->co);
}

static void
end_child(struct strand *s)
{
    struct strand *p = s->parent;
    bool error =
        s->failed || (lua_gettop(s->co) >= 2 && lua_isnil(s->co, 1) && !lua_isnil(s->co, 2));
    s->state = STRAND_OVER;
    p->n_left--;
    if (p->joins && p->state == STRAND_WAITING && (error || p->n_left == 0))
        strand_ready(p);
}

static void
end_strand(struct strand *s, int status)
{
    struct call *c = s->call;
    s->failed = status != LUA_OK;
    if (s->parent != NULL) {
        if (s->failed)
            read_error(s, &s->error);
        end_child(s);
        return;
    }
    if (s->failed)
        read_error(s, &c->error);
    s->state = STRAND_OVER;
    c->over = true;
}

static bool
is_out_of_memory(struct strand *s, int status)
{
    if (status == LUA_ERRMEM)
        return true;
    return status != LUA_OK && status != LUA_YIELD && lua_type(s->co, -1) == LUA_TSTRING &&
           strcmp(lua_tostring(s->co, -1), "not enough memory") == 0;
}

/* Resumes a strand until it ends, waits, or has had its slice. */
static void
run_strand(struct strand *s)
{
    struct call *c = s->call;
    struct vm *vm = c->vm;
    int n_results;
    bool first = s->parent == NULL && lua_status(s->co) == LUA_OK;
    if (first)
        lua_pushcfunction(s->co, start);
    vm->strand = s;
    vm->running = s->co;
    vm->budget = &c->budget;
    vm->preempted = false;
    vm->heap.any_size = false;
    budget_watch(vm, s->co);
    /* What is used up is so before the first instruction, too. */
    int status = LUA_YIELD;
    if (charge_gently(vm, RESUME_WORK))
        status = lua_resume(s->co, NULL, 0, &n_results);
    vm->strand = NULL;
    vm->running = NULL;
    vm->budget = NULL;
    if (is_out_of_memory(s, status) && c->budget.reason == ABORT_NONE)
        c->budget.reason = ABORT_MEMORY;
    if (c->budget.reason != ABORT_NONE)
        abort_call(c, s);
    else if (status == LUA_YIELD && vm->preempted)
        strand_ready(s);
    else if (status != LUA_YIELD)
        end_strand(s, status);
}

/* -- calls -- */

void
call_fini(struct call *c)
{
    c->first = NULL;
    for (struct strand *s = c->strands, *next; s != NULL; s = next) {
        next = s->next;
        if (s->state == STRAND_READY)
            s->state = STRAND_OVER, s->failed = true; /* it stands in the middle */
        strand_drop(s);
    }
    for (struct strand *s = c->strands, *next; s != NULL; s = next) {
        next = s->next;
        free(s->children);
        free(s);
    }
    c->strands = NULL;
    value_end_call(c);
    host->unref(&c->input);
    host->unref(&c->config);
    host->unref(&c->output);
    host->unref(&c->error.detail);
    c->vm->calls--;
}

void
call_drop(struct call *c)
{
    c->over = true;
    call_fini(c);
}

/* Tells the world how the call has ended; then it may be gone. */
static void
end_call(struct call *c)
{
    const struct weir_value *output = c->output;
    struct weir_error err = c->error;
    c->output = NULL;
    c->error.detail = NULL;
    call_fini(c);
    c->world->end(c, err.code == WEIR_OK ? output : NULL, &err);
    host->unref(&output);
    host->unref(&err.detail);
}

static void
wait_turn(struct call *c)
{
    c->waits_turn = true;
    c->world->turn(c);
}

void
call_turn(struct call *c)
{
    c->waits_turn = false;
    c->left_ns = 0;
    call_go_on(c);
}

/* Collects garbage if that was asked for, as long as the slice lasts: whether it is done. The
 * call whose turn it is ends if that leaves too much. */
static bool
collect(struct call *c)
{
    struct vm *vm = c->vm;
    if (!vm->heap.asked)
        return true;
    bool done = vm_collect(vm, vm->slice_ns + vm->slice_max_ns);
    if (done && heap_is_over(&vm->heap))
        c->budget.reason = ABORT_MEMORY;
    else if (!done && budget_time_is_up(&c->budget))
        c->budget.reason = ABORT_TIME;
    if (c->budget.reason != ABORT_NONE)
        abort_call(c, c->first);
    return done;
}

void
call_go_on(struct call *c)
{
    struct vm *vm = c->vm;
    if (c->running || c->over || c->first == NULL || c->waits_turn)
        return;
    if (vm->strand != NULL) { /* a run that one of its own lent nodes has started */
        wait_turn(c);
        return;
    }
    uint64_t now = clock_ns();
    if (now - c->left_ns > BREATH_NS)
        c->slice_ns = now;
    vm->slice_ns = c->slice_ns;
    if (c->budget.since_ns == 0)
        c->budget.since_ns = now;
    if (slice_is_over(vm)) {
        wait_turn(c);
        return;
    }
    c->running = true;
    bool turn = false;
    while (!c->over && !turn && c->first != NULL) {
        if (!collect(c)) {
            turn = true;
            break;
        }
        if (c->over)
            break;
        struct strand *s = c->first;
        c->first = s->queued;
        run_strand(s);
        turn = c->first != NULL && (vm->preempted || slice_is_over(vm));
    }
    c->running = false;
    c->left_ns = clock_ns();
    if (c->over) {
        end_call(c);
    } else if (turn) {
        wait_turn(c);
    } else { /* it waits for others, which is not its time */
        uint64_t spent = c->left_ns - c->budget.since_ns;
        c->budget.time_ns -= spent < c->budget.time_ns ? spent : c->budget.time_ns;
        c->budget.since_ns = 0;
        c->budget.half_cpu_ns = 0;
    }
}

void
call_begin(struct call *c)
{
    c->vm->calls++;
    budget_fill(&c->budget, &c->vm->script->limits);
    struct strand *s = strand_make(c, NULL);
    if (s == NULL) {
        c->over = true;
        c->vm->spoilt = true;
        refuse(&c->error, WEIR_SCRIPT, "%s", abort_text(ABORT_MEMORY));
        c->world->aborted(c, ABORT_MEMORY);
        end_call(c);
        return;
    }
    strand_ready(s);
    call_go_on(c);
}
