/* lua/budget.c - see script.h: what a script may use, and how it is ended.
 *
 * A hook runs each STRIDE instructions. It ends a script by a yield that is never resumed: no
 * pcall sees it, no handler runs. Where Lua can't yield (a metamethod that a C function called)
 * it throws, and does so again at the next instruction, until it can.
 *
 * One instruction takes the longer the larger the largest block is: comparing two strings,
 * making room in a table, copying a stack. So the stride shrinks with that block.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "script.h"

#include <time.h>

#define STRIDE_MAX 250u
/* Stride times bytes of the largest block: so much is at most some milliseconds. */
#define STRIDE_BYTES 1300000u
/* Work of C functions from which on the clock is asked at once. */
#define WORK_MAX 20000u

static uint64_t
read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t
clock_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void
budget_fill(struct budget *b, const struct limits *l)
{
    *b = (struct budget){ .instructions = l->instructions,
                          .steps = l->steps,
                          .time_ns = l->time_ms * 1000000u };
}

const char *
abort_text(enum abort_reason reason)
{
    static const char *const texts[] = { "",
#define X(name, label, text) text,
                                         ABORTS(X)
#undef X
    };
    return texts[reason];
}

const char *
abort_label(enum abort_reason reason)
{
    static const char *const labels[] = { "",
#define X(name, label, text) label,
                                          ABORTS(X)
#undef X
    };
    return labels[reason];
}

/* The clock on the wall alone would end a script because the machine had other work. So the
 * second half of its time must have passed on the thread's own clock, too; that one costs a
 * system call, and is not asked before the first half is over. */
static bool
is_up(struct budget *b, uint64_t now_ns)
{
    uint64_t spent = now_ns - b->since_ns;
    if (spent <= b->time_ns / 2)
        return false;
    if (b->half_cpu_ns == 0) {
        b->half_cpu_ns = read_clock(CLOCK_THREAD_CPUTIME_ID);
        return false;
    }
    return spent > b->time_ns &&
           read_clock(CLOCK_THREAD_CPUTIME_ID) - b->half_cpu_ns >= b->time_ns / 2;
}

bool
budget_time_is_up(struct budget *b)
{
    return is_up(b, clock_ns());
}

bool
slice_is_over(const struct vm *vm)
{
    return clock_ns() - vm->slice_ns > vm->slice_max_ns;
}

static void on_count(lua_State *L, lua_Debug *ar);

static uint32_t
stride_for(const struct vm *vm)
{
    size_t n = STRIDE_BYTES / heap_largest(&vm->heap);
    return n > STRIDE_MAX ? STRIDE_MAX : n < 1 ? 1 : (uint32_t)n;
}

/* Has the hook come at the very next instruction. */
static void
look_now(struct vm *vm)
{
    if (vm->running != NULL)
        lua_sethook(vm->running, on_count, LUA_MASKCOUNT, 1);
}

void
budget_watch(struct vm *vm, lua_State *L)
{
    vm->stride = stride_for(vm);
    if (lua_gethookcount(L) != (int)vm->stride || lua_gethook(L) == NULL)
        lua_sethook(L, on_count, LUA_MASKCOUNT, (int)vm->stride);
}

void
budget_end(struct vm *vm, enum abort_reason reason)
{
    if (vm->budget == NULL)
        return;
    if (vm->budget->reason == ABORT_NONE)
        vm->budget->reason = reason;
    look_now(vm);
}

void
budget_note(struct vm *vm, enum abort_reason reason)
{
    if (vm->strand != NULL)
        vm->strand->call->world->aborted(vm->strand->call, reason);
}

void
budget_on_top(void *arg)
{
    struct vm *vm = arg;
    uint32_t stride = stride_for(vm);
    if (vm->running != NULL && stride < vm->stride) {
        vm->stride = stride;
        lua_sethook(vm->running, on_count, LUA_MASKCOUNT, (int)stride);
    }
}

void
budget_on_asked(void *arg)
{
    look_now(arg);
}

void
budget_on_limit(void *arg)
{
    budget_end(arg, ABORT_MEMORY);
}

/* Leaves by an error, which is what Lua does if it gets nothing, before it has collected all of
 * its garbage in one go. */
void
budget_on_refused(void *arg)
{
    const struct vm *vm = arg;
    if (vm->running == NULL)
        return;
    lua_pushnil(vm->running);
    lua_error(vm->running);
}

int
throw_abort(lua_State *L)
{
    struct vm *vm = vm_of(L);
    look_now(vm);
    return luaL_error(L, "%s", abort_text(vm->budget->reason));
}

/* Takes what was worked off the budget of VM at NOW_NS; false if that is used up. */
static bool
take_off(struct vm *vm, uint64_t now_ns)
{
    struct budget *b = vm->budget;
    uint64_t work = vm->debt;
    vm->debt = 0;
    if (b->reason != ABORT_NONE)
        return false;
    if (b->instructions < work) {
        budget_end(vm, ABORT_INSTRUCTIONS);
        return false;
    }
    b->instructions -= work;
    if (is_up(b, now_ns)) {
        budget_end(vm, ABORT_TIME);
        return false;
    }
    return true;
}

bool
charge_gently(struct vm *vm, uint64_t work)
{
    if (vm->budget == NULL)
        return true;
    uint64_t sum = vm->debt + work;
    vm->debt = sum < work ? UINT64_MAX : sum;
    if (vm->debt < WORK_MAX)
        return vm->budget->reason == ABORT_NONE;
    bool good = take_off(vm, clock_ns());
    look_now(vm);
    return good;
}

void
charge(lua_State *L, uint64_t work)
{
    if (!charge_gently(vm_of(L), work))
        throw_abort(L);
}

void
charge_steps(lua_State *L, uint64_t left)
{
    struct vm *vm = vm_of(L);
    struct budget *b = vm->budget;
    uint64_t taken = b->steps - left;
    b->steps = left;
    if (left == 0) {
        budget_end(vm, ABORT_STEPS);
        throw_abort(L);
    }
    charge(L, taken / 4);
}

/* Ends the script for good, if it can be done here. */
static void
end_here(lua_State *L)
{
    lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
    if (lua_isyieldable(L))
        (void)lua_yield(L, 0);
    else
        luaL_error(L, "%s", abort_text(vm_of(L)->budget->reason));
}

static void
on_count(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    struct vm *vm = vm_of(L);
    struct heap *h = &vm->heap;
    vm->debt += vm->stride;
    if (h->n_fresh > 0 && heap_zeros(h))
        budget_end(vm, ABORT_MEMORY);
    uint64_t now_ns = clock_ns(); /* with large blocks this is called so often that a second
                                     look at the clock shows */
    if (!take_off(vm, now_ns)) {
        end_here(L);
        return;
    }
    budget_watch(vm, L);
    if ((h->asked || now_ns - vm->slice_ns > vm->slice_max_ns) && lua_isyieldable(L)) {
        vm->preempted = true;
        (void)lua_yield(L, 0);
    }
}
