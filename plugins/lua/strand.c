/* lua/strand.c - see script.h: the strands of a call, from their making to their end. What runs
 * them is call.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "script.h"

#define STRANDS_MAX 256u

static int
make_thread(lua_State *L)
{
    (void)lua_newthread(L);
    lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
    return 1;
}

/* The reference of a coroutine that is free; LUA_NOREF: there is no memory. */
static int
take_reference(struct vm *vm)
{
    if (vm->n_idle > 0)
        return vm->idle[--vm->n_idle];
    int reference = LUA_NOREF;
    lua_State *running = vm->running;
    vm->running = NULL; /* an error is one of the state's own */
    lua_pushcfunction(vm->L, make_thread);
    if (lua_pcall(vm->L, 0, 1, 0) == LUA_OK)
        reference = (int)lua_tointeger(vm->L, -1);
    lua_pop(vm->L, 1);
    vm->running = running;
    budget_on_asked(vm);
    return reference;
}

struct strand *
strand_make(struct call *c, struct strand *parent)
{
    int reference = take_reference(c->vm);
    if (reference == LUA_NOREF)
        return NULL;
    struct strand *s = zeroed(1, sizeof *s);
    s->call = c;
    s->parent = parent;
    s->reference = reference;
    lua_rawgeti(c->vm->L, LUA_REGISTRYINDEX, reference);
    s->co = lua_tothread(c->vm->L, -1);
    lua_pop(c->vm->L, 1);
    s->next = c->strands;
    c->strands = s;
    c->n_strands++;
    return s;
}

void
strand_ready(struct strand *s)
{
    struct call *c = s->call;
    s->state = STRAND_READY;
    s->queued = NULL;
    if (c->first == NULL)
        c->first = s;
    else
        c->last->queued = s;
    c->last = s;
}

static void
unqueue(struct strand *s)
{
    struct call *c = s->call;
    struct strand *before = NULL;
    for (struct strand *at = c->first; at != NULL; before = at, at = at->queued) {
        if (at != s)
            continue;
        if (before == NULL)
            c->first = at->queued;
        else
            before->queued = at->queued;
        if (c->last == s)
            c->last = before;
        return;
    }
}

bool
strands_fit(const struct call *c, size_t n)
{
    return c->n_strands + n <= STRANDS_MAX;
}

struct strand *
strand_new(lua_State *from, struct strand *parent)
{
    struct call *c = parent->call;
    if (parent->children == NULL || parent->n_children % 64 == 0) {
        parent->children =
            realloc(parent->children, (parent->n_children + 64) * sizeof(struct strand *));
        if (parent->children == NULL)
            abort();
    }
    struct strand *s = strand_make(c, parent);
    if (s == NULL) {
        budget_end(c->vm, ABORT_MEMORY);
        throw_abort(from);
    }
    lua_xmove(from, s->co, 1);
    s->index = parent->n_children;
    parent->children[parent->n_children++] = s;
    parent->n_left++;
    strand_ready(s);
    return s;
}

/* Lets go of the coroutine: one that has ended well can be used again. */
static void
give_back(struct strand *s, bool reusable)
{
    struct vm *vm = s->call->vm;
    if (s->co == NULL)
        return;
    if (reusable && vm->n_idle < IDLE_MAX) {
        lua_settop(s->co, 0);
        vm->idle[vm->n_idle++] = s->reference;
    } else {
        luaL_unref(vm->L, LUA_REGISTRYINDEX, s->reference);
    }
    s->co = NULL;
}

/* Takes an ended strand out of its call, and frees it. */
static void
strand_free(struct strand *s)
{
    struct strand **at = &s->call->strands;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    free(s->children);
    free(s);
}

void
strand_drop_children(struct strand *s)
{
    for (unsigned i = 0; i < s->n_children; i++)
        strand_drop(s->children[i]);
    s->n_children = 0;
    s->n_left = 0;
}

void
strand_drop(struct strand *s)
{
    if (s->co == NULL)
        return;
    strand_drop_children(s);
    if (s->state == STRAND_READY)
        unqueue(s);
    if (s->state == STRAND_WAITING)
        s->call->world->stop(s);
    bool ended = s->state == STRAND_OVER && !s->failed;
    s->state = STRAND_OVER;
    host->unref(&s->answer);
    host->unref(&s->error.detail);
    give_back(s, ended);
    s->call->n_strands--;
    if (!s->asked && !s->call->over) /* else the answer, or the call, ends it */
        strand_free(s);
}

void
strand_wake(struct strand *s)
{
    if (s->state != STRAND_WAITING)
        return;
    strand_ready(s);
    call_go_on(s->call);
}

void
strand_answer(struct strand *s, const struct weir_value *output, const struct weir_error *err)
{
    s->asked = false;
    if (s->co == NULL) { /* nobody needs it any more */
        strand_free(s);
        return;
    }
    if (s->state != STRAND_WAITING)
        return;
    if (output != NULL) {
        s->answer = host->ref(output);
    } else {
        s->error = *err;
        s->error.detail = err->detail ? host->ref(err->detail) : NULL;
    }
    strand_wake(s);
}
