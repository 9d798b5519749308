/* lua/walk.c - see script.h: going through values of the engine. First come the members of the
 * original, in its order, as far as the script has not removed them; then what it has added.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proxy.h"

/* Pushes key and value of the original's member I as the proxy at INDEX shows it. False, with
 * nothing pushed, if the script has removed it. */
static bool
push_member(lua_State *L, int index, size_t i)
{
    const struct proxy *p = lua_touserdata(L, index);
    struct weir_text key;
    const struct weir_value *item = host->at(p->v, i);
    if (host->type(p->v) == WEIR_LIST) {
        lua_pushinteger(L, (lua_Integer)i + 1);
    } else {
        (void)host->member(p->v, i, &key, &item);
        lua_pushlstring(L, key.bytes, key.len);
    }
    if (!p->own) {
        proxy_push_field(L, index, lua_gettop(L), item);
        return true;
    }
    lua_getiuservalue(L, index, 1);
    lua_pushvalue(L, -2);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 2);
        charge(L, 1);
        return false;
    }
    proxy_without_null(L);
    return true;
}

/* Pushes the next key that the script has added after the key at KEY (0: the first), and its
 * value; 0 if there is none. */
static int
push_added(lua_State *L, int index, int key)
{
    const struct proxy *p = lua_touserdata(L, index);
    if (!p->own)
        return 0;
    lua_getiuservalue(L, index, 1);
    int table = lua_gettop(L);
    if (key == 0)
        lua_pushnil(L);
    else
        lua_pushvalue(L, key);
    while (lua_next(L, table)) {
        lua_pushvalue(L, -2);
        bool old = proxy_original(L, p, lua_gettop(L)) != NULL;
        lua_pop(L, 1);
        charge(L, 1);
        if (!old) {
            proxy_without_null(L);
            lua_remove(L, table);
            return 2;
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return 0;
}

/* The step of pairs: upvalue 1 counts the members of the original that were seen. */
static int
pairs_step(lua_State *L)
{
    lua_settop(L, 2);
    if (!value_is_proxy(L, 1)) /* a script may call it with whatever it likes */
        return luaL_typeerror(L, 1, "map or list of the engine");
    const struct proxy *p = lua_touserdata(L, 1);
    size_t n = host->len(p->v);
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(1));
    bool there = false;
    while (!there && (size_t)i < n)
        there = push_member(L, 1, (size_t)i++);
    if (there) {
        lua_pushinteger(L, i);
        lua_replace(L, lua_upvalueindex(1));
        return 2;
    }
    bool first = (size_t)i == n;
    lua_pushinteger(L, (lua_Integer)n + 1);
    lua_replace(L, lua_upvalueindex(1));
    int pushed = push_added(L, 1, first ? 0 : 2);
    if (pushed == 0)
        lua_pushnil(L);
    return pushed == 0 ? 1 : 2;
}

int
value_pairs(lua_State *L, int index)
{
    index = lua_absindex(L, index);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, pairs_step, 1);
    lua_pushvalue(L, index);
    lua_pushnil(L);
    return 3;
}

/* The place of the key at KEY in the original, from 1; 0: it is not there. */
static size_t
place_of(lua_State *L, const struct proxy *p, int key)
{
    if (proxy_original(L, p, key) == NULL)
        return 0;
    if (lua_type(L, key) == LUA_TNUMBER)
        return (size_t)lua_tointeger(L, key);
    struct weir_text name;
    name.bytes = lua_tolstring(L, key, &name.len);
    size_t n = host->len(p->v);
    charge(L, n / 4);
    for (size_t i = 0; i < n; i++) {
        struct weir_text at;
        const struct weir_value *v;
        (void)host->member(p->v, i, &at, &v);
        if (at.len == name.len && memcmp(at.bytes, name.bytes, at.len) == 0)
            return i + 1;
    }
    return 0;
}

int
value_next(lua_State *L, int index, int key)
{
    index = lua_absindex(L, index);
    const struct proxy *p = lua_touserdata(L, index);
    bool first = lua_isnoneornil(L, key);
    size_t place = first ? 0 : place_of(L, p, key);
    if (first || place > 0)
        for (size_t i = place; i < host->len(p->v); i++)
            if (push_member(L, index, i))
                return 2;
    int pushed = push_added(L, index, first || place > 0 ? 0 : key);
    if (pushed == 0)
        lua_pushnil(L);
    return pushed == 0 ? 1 : 2;
}

uint64_t
value_weight(const struct weir_value *v, uint64_t max)
{
    uint64_t sum = VALUE_WEIGHT;
    uint32_t type = host->type(v);
    if (type < WEIR_LIST)
        return sum + (type >= WEIR_STRING ? host->len(v) : 0);
    struct weir_text key = { NULL, 0 };
    for (size_t i = 0, n = type == WEIR_STREAM ? 0 : host->len(v); i < n && sum < max; i++) {
        const struct weir_value *item = host->at(v, i);
        if (type == WEIR_MAP)
            (void)host->member(v, i, &key, &item);
        sum += key.len + value_weight(item, max - sum);
    }
    return sum;
}
