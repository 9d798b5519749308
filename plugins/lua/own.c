/* lua/own.c - see script.h: copying what a proxy shows into the table beside it, before it is changed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

/* Goes on filling the table on the top with the level of the proxy at INDEX; until it is done or,
 * if it MAY_PAUSE, the slice is over: then it is false. Half filled, it changes nothing. */
static bool
copy_level(lua_State *L, int index, struct proxy *p, bool may_pause)
{
    bool list = host->type(p->v) == WEIR_LIST;
    size_t n = host->len(p->v);
    if (p->copied == 0)
        charge(L, n);
    for (size_t i = p->copied; i < n; i++) {
        struct weir_text key;
        const struct weir_value *item = host->at(p->v, i);
        p->copied = i;
        if (may_pause && i % 64 == 63 && slice_is_over(vm_of(L)))
            return false;
        if (list) {
            lua_pushinteger(L, (lua_Integer)i + 1);
        } else {
            (void)host->member(p->v, i, &key, &item);
            lua_pushlstring(L, key.bytes, key.len);
        }
        proxy_push_field(L, index, lua_gettop(L), item);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            lua_pushlightuserdata(L, (void *)(uintptr_t)&null_key);
        }
        lua_rawset(L, -3);
    }
    p->own = true;
    return true;
}

/* Pushes the table of the proxy at INDEX, into which more of it was copied. */
static bool
own_some(lua_State *L, int index, bool may_pause)
{
    struct proxy *p = lua_touserdata(L, index);
    luaL_checkstack(L, 8, NULL);
    if (p->frozen)
        luaL_error(L, "a configuration can't be changed; weir.merge(config, {}) gives a copy");
    if (host->type(p->v) == WEIR_STREAM)
        luaL_error(L, "a stream has no fields");
    proxy_push_table(L, index);
    return p->own || copy_level(L, index, p, may_pause);
}

void
value_own(lua_State *L, int index)
{
    (void)own_some(L, lua_absindex(L, index), false);
}

bool
value_is_own(lua_State *L, int index)
{
    if (!value_is_proxy(L, index))
        return true;
    bool done = own_some(L, lua_absindex(L, index), lua_isyieldable(L));
    lua_pop(L, 1);
    return done;
}

static int
again(lua_State *L, int status, lua_KContext f)
{
    (void)status;
    return ((lua_CFunction)f)(L);
}

int
value_own_first(lua_State *L, lua_CFunction f)
{
    vm_of(L)->preempted = true;
    return lua_yieldk(L, 0, (lua_KContext)f, again);
}
