/* lua/make.c - see script.h: the engine's value of what a script hands out.
 *
 * A proxy that was not touched is its original, at no cost. Tables become maps, or lists if
 * their keys are 1 to n. What is half built belongs to the host: so nothing here throws, but what
 * is made in pieces, between which others have their turn, and hangs on a userdata then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "making.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* So many values take a small part of a slice. */
#define PAUSE_STEPS 64u

/* Makings that hang on a userdata have this metatable. */
static const char making_key;

/* Puts the name of the part that is at fault in front of those inside it. */
static void
inside(struct making *m, const struct weir_text *key, size_t number)
{
    char part[64];
    int len = key ? snprintf(part, sizeof part, ".%.*s", (int)(key->len < 40 ? key->len : 40),
                             key->bytes)
                  : snprintf(part, sizeof part, "[%zu]", number);
    if (len > 0 && (size_t)len < m->place_at) {
        m->place_at -= (size_t)len;
        memcpy(m->place + m->place_at, part, (size_t)len);
    }
}

/* Puts the names of the parts that lead to what is wrong together. */
static void
find_place(struct making *m)
{
    for (unsigned i = m->depth; i > 0; i--) {
        const struct frame *f = &m->frames[i - 1];
        const struct entries *e = &f->entries;
        if (f->kind == FRAME_CHECK)
            continue;
        if (f->kind != FRAME_KEYS) {
            inside(m, NULL, f->i + 1);
        } else if (f->keyed) {
            const struct entry *at = &e->all[e->n];
            inside(m, &(struct weir_text){ e->text + at->at, at->key.len }, 0);
        }
    }
}

/* Goes on until all is made or something is wrong; or, if it MAY_PAUSE, until the slice is over:
 * then it is false. */
static bool
go_on(struct making *m, bool may_pause)
{
    for (unsigned n = 1; m->depth > 0; n++) {
        if (!making_step(m)) {
            find_place(m);
            making_fini(m);
            return true;
        }
        if (may_pause && n % PAUSE_STEPS == 0 && slice_is_over(m->vm))
            return false;
    }
    return true;
}

/* Begins with the value on the top. */
static void
begin(struct making *m, lua_State *L, uint64_t max)
{
    /* The frames are filled when they are needed. */
    memset(m, 0, offsetof(struct making, frames));
    m->L = L;
    m->vm = vm_of(L);
    m->place_at = PLACE_MAX;
    m->left = m->max = max;
    bool whole = max >= m->vm->script->limits.memory && value_is_proxy(L, -1);
    if (whole && !making_is_changed(L, -1, 0)) { /* what was not touched costs nothing */
        m->result = host->ref(value_look(L, -1).v);
        lua_pop(L, 2);
    } else if (!making_enter(m)) {
        find_place(m);
        making_fini(m);
    }
}

/* The end of it: the value, or NULL and ERR. */
static const struct weir_value *
end(struct making *m, struct weir_error *err)
{
    int len = (int)(PLACE_MAX - m->place_at);
    if (m->code != WEIR_OK)
        refuse(err, m->code, "%.*s%s%s", len, m->place + m->place_at, len ? ": " : "", m->why);
    const struct weir_value *v = m->result;
    m->result = NULL;
    return v;
}

uint32_t
value_make_within(lua_State *L, int index, uint64_t max, const struct weir_value **ret,
                  struct weir_error *err)
{
    struct making m;
    int top = lua_gettop(L);
    lua_pushvalue(L, index);
    begin(&m, L, max);
    (void)go_on(&m, false);
    lua_settop(L, top);
    const struct weir_value *v = end(&m, err);
    if (v == NULL)
        return err->code;
    *ret = v;
    return WEIR_OK;
}

uint32_t
value_make(lua_State *L, int index, const struct weir_value **ret, struct weir_error *err)
{
    return value_make_within(L, index, vm_of(L)->script->limits.memory, ret, err);
}

/* -- in pieces -- */

static int
making_gc(lua_State *L)
{
    making_fini(lua_touserdata(L, 1));
    return 0;
}

void
value_make_open(lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, making_gc);
    lua_setfield(L, -2, "__gc");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &making_key);
}

/* Puts what was made so far on a userdata above TOP. */
static struct making *
keep(lua_State *L, const struct making *m)
{
    size_t size = offsetof(struct making, frames) + m->depth * sizeof *m->frames;
    struct making *kept = lua_newuserdatauv(L, sizeof *m, 0);
    memcpy(kept, m, size);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &making_key);
    lua_setmetatable(L, -2);
    lua_insert(L, m->top + 1);
    return kept;
}

static int
finish(lua_State *L, struct making *m)
{
    struct weir_error err = { 0 };
    value_made_fn *then = m->then;
    const struct weir_value *v = end(m, &err);
    lua_settop(L, m->top);
    return then(L, v, &err);
}

static int
resume(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    struct making *m = (struct making *)context;
    if (go_on(m, true))
        return finish(L, m);
    vm_of(L)->preempted = true;
    return lua_yieldk(L, 0, context, resume);
}

int
value_make_then(lua_State *L, int index, value_made_fn *then)
{
    struct making m;
    struct vm *vm = vm_of(L);
    int top = lua_gettop(L);
    luaL_checkstack(L, 8, NULL);
    lua_pushvalue(L, index);
    begin(&m, L, vm->script->limits.memory);
    m.then = then;
    m.top = top;
    /* To be kept needs memory, which must not be refused now. */
    if (go_on(&m, lua_isyieldable(L) && !heap_is_over(&vm->heap)))
        return finish(L, &m);
    struct making *kept = keep(L, &m);
    vm->preempted = true;
    return lua_yieldk(L, 0, (lua_KContext)kept, resume);
}
