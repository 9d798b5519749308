/* lua/tables.c - see script.h: the table library, for tables and for proxies.
 *
 * All of it looks at what is there, not at what metamethods say: a length that a script made up
 * would be a loop that nobody counts. table.sort is written in Lua (prelude.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "script.h"

#define MANY 8000
/* So many items are concatenated at once. */
#define JOINED 1000

/* The table at INDEX, or that of the proxy there, in place of it. */
static void
take_table(lua_State *L, int index)
{
    if (!value_is_proxy(L, index)) {
        luaL_checktype(L, index, LUA_TTABLE);
        return;
    }
    value_own(L, index);
    lua_replace(L, index);
}

/* Pushes item I of the table or proxy at INDEX. */
static void
item(lua_State *L, int index, lua_Integer i)
{
    if (value_is_proxy(L, index)) {
        lua_pushinteger(L, i);
        value_field(L, index, lua_gettop(L));
        lua_remove(L, -2);
    } else {
        luaL_checktype(L, index, LUA_TTABLE);
        lua_rawgeti(L, index, i);
    }
}

static lua_Integer
length(lua_State *L, int index)
{
    if (value_is_proxy(L, index))
        return (lua_Integer)value_length(L, index);
    luaL_checktype(L, index, LUA_TTABLE);
    return (lua_Integer)lua_rawlen(L, index);
}

static int
table_insert(lua_State *L)
{
    int n_args = lua_gettop(L);
    if (n_args != 2 && n_args != 3)
        return luaL_error(L, "wrong number of arguments to 'insert'");
    if (!value_is_own(L, 1))
        return value_own_first(L, table_insert);
    take_table(L, 1);
    lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
    if (n_args == 2) {
        lua_rawseti(L, 1, n + 1);
        return 0;
    }
    lua_Integer at = luaL_checkinteger(L, 2);
    luaL_argcheck(L, at >= 1 && at <= n + 1, 2, "position out of bounds");
    charge(L, (uint64_t)(n + 1 - at) / 4);
    for (lua_Integer i = n; i >= at; i--) {
        lua_rawgeti(L, 1, i);
        lua_rawseti(L, 1, i + 1);
    }
    lua_rawseti(L, 1, at);
    return 0;
}

static int
table_remove(lua_State *L)
{
    bool last = lua_isnoneornil(L, 2);
    if (!value_is_own(L, 1))
        return value_own_first(L, table_remove);
    take_table(L, 1);
    lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
    lua_Integer at = luaL_optinteger(L, 2, n);
    luaL_argcheck(L, last || n + 1 == at || (at >= 1 && at <= n) || (n == 0 && at == 0), 2,
                  "position out of bounds");
    lua_rawgeti(L, 1, at);
    charge(L, at >= 1 && at <= n ? (uint64_t)(n - at) / 4 : 0);
    for (lua_Integer i = at; i >= 1 && i < n; i++) {
        lua_rawgeti(L, 1, i + 1);
        lua_rawseti(L, 1, i);
    }
    lua_pushnil(L);
    if (n > 0 || at == n + 1)
        lua_rawseti(L, 1, at > n ? at : n);
    else
        lua_pop(L, 1);
    if (lua_touserdata(L, -1) == &null_key)
        lua_pushnil(L);
    return 1;
}

/* Moves items 2 to 3 of the table at 1 to 4 of the one at 5 or 1, as long as the slice lasts; AT
 * of them are moved. */
static int
move_some(lua_State *L, int status, lua_KContext at)
{
    (void)status;
    lua_Integer from = lua_tointeger(L, 2), last = lua_tointeger(L, 3);
    lua_Integer to = lua_tointeger(L, 4);
    int target = lua_gettop(L);
    target = target == 5 ? 5 : 1;
    bool up = to > from && to <= last && lua_rawequal(L, 1, target);
    for (lua_Integer i = (lua_Integer)at; i <= last - from; i++) {
        lua_Integer k = up ? last - from - i : i;
        if (i % 512 == 511) {
            charge(L, 512);
            if (i > at && slice_is_over(vm_of(L)) && lua_isyieldable(L)) {
                vm_of(L)->preempted = true;
                return lua_yieldk(L, 0, (lua_KContext)i, move_some);
            }
        }
        lua_rawgeti(L, 1, from + k);
        lua_rawseti(L, target, to + k);
    }
    lua_pushvalue(L, target);
    return 1;
}

static int
table_move(lua_State *L)
{
    lua_Integer from = luaL_checkinteger(L, 2);
    lua_Integer last = luaL_checkinteger(L, 3);
    lua_Integer to = luaL_checkinteger(L, 4);
    int target = lua_isnoneornil(L, 5) ? 1 : 5;
    lua_settop(L, target == 5 ? 5 : 4);
    if (!value_is_own(L, 1) || !value_is_own(L, target))
        return value_own_first(L, table_move);
    take_table(L, 1);
    if (target == 5)
        take_table(L, 5);
    if (last >= from) {
        luaL_argcheck(L, from > 0 || last < LUA_MAXINTEGER + from, 3,
                      "too many elements to move");
        luaL_argcheck(L, to <= LUA_MAXINTEGER - (last - from), 4, "destination wrap around");
        charge(L, (uint64_t)(last - from) / 2 + 1);
    }
    for (int i = 2; i <= 4; i++) { /* they may be texts */
        lua_pushinteger(L, i == 2 ? from : i == 3 ? last : to);
        lua_replace(L, i);
    }
    return move_some(L, LUA_OK, 0);
}

/* Adds item I of the list at 1 to B. False, with it on the top, if it is no text. */
static bool
add_item(lua_State *L, luaL_Buffer *b, lua_Integer i)
{
    size_t len, before = b->n;
    item(L, 1, i);
    if (!lua_isstring(L, -1))
        return false;
    if (lua_type(L, -1) == LUA_TSTRING && lua_istable(L, 1)) { /* which keeps it */
        const char *text = lua_tolstring(L, -1, &len);
        lua_pop(L, 1);
        buffer_add(b, text, len);
    } else {
        luaL_addvalue(b);
    }
    charge(L, 1 + (b->n > before ? b->n - before : 0) / 32);
    return true;
}

/* _join (list, sep, from, last): the text; or nil and what is wrong. */
static int
table_join(lua_State *L)
{
    size_t between;
    const char *sep = luaL_checklstring(L, 2, &between);
    lua_Integer from = luaL_checkinteger(L, 3), last = luaL_checkinteger(L, 4);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (lua_Integer i = from; i <= last; i++) {
        if (!add_item(L, &b, i)) {
            const char *type = luaL_typename(L, -1);
            lua_pushnil(L);
            lua_pushfstring(L, "the value at index %I of 'concat' is a %s, not text",
                            (LUAI_UACINT)i, type);
            return 2;
        }
        if (i == last)
            break;
        buffer_add(&b, sep, between);
    }
    luaL_pushresult(&b);
    return 1;
}

static int
table_concat(lua_State *L)
{
    (void)luaL_optstring(L, 2, "");
    lua_Integer from = luaL_optinteger(L, 3, 1);
    lua_Integer last = luaL_optinteger(L, 4, length(L, 1));
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_pushliteral(L, "");
        lua_replace(L, 2);
    }
    lua_pushinteger(L, from);
    lua_pushinteger(L, last);
    if (last > from && (lua_Unsigned)last - (lua_Unsigned)from >= JOINED)
        return vm_help(L, HELP_JOIN);
    return table_join(L) == 1 ? 1 : luaL_error(L, "%s", lua_tostring(L, -1));
}

static int
table_unpack(lua_State *L)
{
    lua_Integer from = luaL_optinteger(L, 2, 1);
    lua_Integer last = lua_isnoneornil(L, 3) ? length(L, 1) : luaL_checkinteger(L, 3);
    if (from > last)
        return 0;
    lua_Unsigned n = (lua_Unsigned)last - (lua_Unsigned)from;
    if (n >= MANY || !lua_checkstack(L, (int)n + 10))
        return luaL_error(L, "more than %d results of 'unpack'", MANY);
    charge(L, (uint64_t)n / 2);
    for (lua_Unsigned i = 0; i <= n; i++)
        item(L, 1, from + (lua_Integer)i);
    return (int)n + 1;
}

static int
table_pack(lua_State *L)
{
    int n = lua_gettop(L);
    charge(L, (uint64_t)n / 4);
    lua_createtable(L, n, 1);
    lua_insert(L, 1);
    for (int i = n; i >= 1; i--)
        lua_rawseti(L, 1, i);
    lua_pushinteger(L, n);
    lua_setfield(L, 1, "n");
    return 1;
}

/* _own (t): the table behind a proxy, for what is written in Lua. The script must not get it.
 */
static int
table_own(lua_State *L)
{
    lua_settop(L, 1);
    if (!value_is_own(L, 1))
        return value_own_first(L, table_own);
    take_table(L, 1);
    return 1;
}

void
table_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "insert", table_insert }, { "remove", table_remove },
        { "move", table_move },     { "concat", table_concat },
        { "unpack", table_unpack }, { "pack", table_pack },
        { "_own", table_own },      { "_join", table_join },
        { NULL, NULL },
    };
    luaL_newlib(L, functions);
}
