/* lua/base.c - see script.h: the basic functions, as far as scripts have them.
 *
 * setmetatable takes a copy of the metatable that the script can't reach: so no __gc, __close
 * or
 * __mode gets into it, now or later.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <lualib.h>
#include <string.h>

#include "script.h"

/* Copies of metatables are found again by the table that they were made from, up to so many. */
#define COPIES_MAX 256
/* What is longer is no number. */
#define NUMERAL_MAX 1000

static const char copies_key, n_copies_key, origin_key;

static const char *
type_name(lua_State *L, int index)
{
    if (lua_type(L, index) == LUA_TUSERDATA)
        return "table"; /* proxies and libraries */
    if (lua_touserdata(L, index) == &null_key)
        return "null";
    return luaL_typename(L, index);
}

static int
base_type(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushstring(L, type_name(L, 1));
    return 1;
}

static int
tostring_end(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    if (!lua_isstring(L, -1))
        return luaL_error(L, "'__tostring' must return a string");
    return 1;
}

/* No addresses: they would tell where things are in the process. */
static int
base_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    if (luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_callk(L, 1, 1, 0, tostring_end);
        return tostring_end(L, LUA_OK, 0);
    }
    switch (lua_type(L, 1)) {
    case LUA_TNUMBER:
    case LUA_TSTRING:
    case LUA_TNIL:
    case LUA_TBOOLEAN:
        luaL_tolstring(L, 1, NULL);
        return 1;
    default:
        lua_pushstring(L, type_name(L, 1));
        return 1;
    }
}

static int
base_tonumber(lua_State *L)
{
    size_t len = 0;
    if (lua_type(L, 1) == LUA_TSTRING)
        (void)lua_tolstring(L, 1, &len);
    if (len > NUMERAL_MAX) {
        lua_pushnil(L);
        return 1;
    }
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

static int
base_next(lua_State *L)
{
    lua_settop(L, 2);
    if (value_is_proxy(L, 1))
        return value_next(L, 1, 2);
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_next(L, 1))
        return 2;
    lua_pushnil(L);
    return 1;
}

static int
pairs_end(lua_State *L, int status, lua_KContext context)
{
    (void)L;
    (void)status;
    (void)context;
    return 3;
}

static int
base_pairs(lua_State *L)
{
    luaL_checkany(L, 1);
    if (value_is_proxy(L, 1))
        return value_pairs(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_callk(L, 1, 3, 0, pairs_end);
        return 3;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushcfunction(L, base_next);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/* A list of the engine may have nulls: all of its items come, those as nil. */
static int
items_step(lua_State *L)
{
    if (!value_is_proxy(L, 1)) /* a script may call it with whatever it likes */
        return luaL_typeerror(L, 1, "map or list of the engine");
    lua_Unsigned i = (lua_Unsigned)luaL_checkinteger(L, 2) + 1;
    if (i > value_length(L, 1))
        return 0;
    lua_settop(L, 1);
    lua_pushinteger(L, (lua_Integer)i);
    value_field(L, 1, 2);
    return 2;
}

static int
ipairs_step(lua_State *L)
{
    lua_Integer i = (lua_Integer)((lua_Unsigned)luaL_checkinteger(L, 2) + 1);
    lua_pushinteger(L, i);
    int type = lua_istable(L, 1) ? lua_rawgeti(L, 1, i) : lua_geti(L, 1, i);
    return type == LUA_TNIL ? 1 : 2;
}

static int
base_ipairs(lua_State *L)
{
    luaL_checkany(L, 1);
    if (value_is_proxy(L, 1))
        lua_pushcfunction(L, items_step);
    else if (lua_istable(L, 1) && luaL_getmetafield(L, 1, "__index") != LUA_TNIL)
        vm_push_helper(L, HELP_STEP); /* may wait and be left in __index */
    else if (lua_istable(L, 1) || luaL_getmetafield(L, 1, "__index") != LUA_TNIL)
        lua_pushcfunction(L, ipairs_step);
    else
        return luaL_typeerror(L, 1, "table");
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

static int
base_rawget(lua_State *L)
{
    lua_settop(L, 2);
    if (value_is_proxy(L, 1)) {
        value_field(L, 1, 2);
        return 1;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_rawget(L, 1);
    return 1;
}

static int
base_rawset(lua_State *L)
{
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    if (value_is_proxy(L, 1)) {
        value_set(L, 1, 2);
    } else {
        luaL_checktype(L, 1, LUA_TTABLE);
        lua_rawset(L, 1);
    }
    lua_settop(L, 1);
    return 1;
}

static int
base_rawlen(lua_State *L)
{
    if (value_is_proxy(L, 1)) {
        lua_pushinteger(L, (lua_Integer)value_length(L, 1));
        return 1;
    }
    luaL_argexpected(L, lua_istable(L, 1) || lua_type(L, 1) == LUA_TSTRING, 1,
                     "table or string");
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, 1));
    return 1;
}

/* -- metatables -- */

static const char *const allowed[] = {
    "__index", "__newindex", "__call", "__tostring", "__name",      "__eq",  "__lt",
    "__le",    "__concat",   "__len",  "__unm",      "__add",       "__sub", "__mul",
    "__div",   "__mod",      "__pow",  "__idiv",     "__band",      "__bor", "__bxor",
    "__bnot",  "__shl",      "__shr",  "__pairs",    "__metatable", NULL,
};

static void
refuse_forbidden(lua_State *L)
{
    static const char *const forbidden[] = { "__gc", "__close", "__mode", NULL };
    for (unsigned i = 0; forbidden[i] != NULL; i++) {
        lua_pushstring(L, forbidden[i]);
        if (lua_rawget(L, 2) != LUA_TNIL)
            luaL_error(L, "a metatable of a script can't have '%s'", forbidden[i]);
        lua_pop(L, 1);
    }
    /* One that names its own table would have Lua look for what to call without end. */
    lua_pushliteral(L, "__call");
    int type = lua_rawget(L, 2);
    if (type != LUA_TNIL && type != LUA_TFUNCTION)
        luaL_error(L, "'__call' must be a function");
    lua_pop(L, 1);
}

/* Whether the copy on the top still says what the metatable at 2 does. */
static bool
is_up_to_date(lua_State *L)
{
    bool same = true;
    for (unsigned i = 0; same && allowed[i] != NULL; i++) {
        lua_pushstring(L, allowed[i]);
        lua_pushvalue(L, -1);
        (void)lua_rawget(L, 2);
        lua_insert(L, -2);
        (void)lua_rawget(L, -3);
        same = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
    }
    return same;
}

/* Pushes a fresh copy of the metatable at 2. */
static void
copy_meta(lua_State *L)
{
    lua_createtable(L, 0, 8);
    for (unsigned i = 0; allowed[i] != NULL; i++) {
        lua_pushstring(L, allowed[i]);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, 2) == LUA_TNIL)
            lua_pop(L, 2);
        else
            lua_rawset(L, -3);
    }
    lua_pushvalue(L, 2);
    lua_rawsetp(L, -2, &origin_key);
}

/* Pushes an empty table of copies in place of the one there. */
static void
renew_copies(lua_State *L)
{
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &copies_key);
    lua_pushinteger(L, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &n_copies_key);
}

/* Pushes the copy of the metatable at 2. */
static void
push_copy(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &copies_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        renew_copies(L);
    }
    refuse_forbidden(L);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL && is_up_to_date(L))
        return;
    lua_pop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &n_copies_key);
    lua_Integer n = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (n >= COPIES_MAX) {
        lua_pop(L, 1);
        renew_copies(L);
        n = 0;
    }
    copy_meta(L);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);
    lua_pushinteger(L, n + 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &n_copies_key);
}

static int
base_setmetatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    int type = lua_type(L, 2);
    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    lua_settop(L, 2);
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    if (type == LUA_TTABLE)
        push_copy(L);
    lua_setmetatable(L, 1);
    lua_settop(L, 1);
    return 1;
}

static int
base_getmetatable(lua_State *L)
{
    luaL_checkany(L, 1);
    if (lua_type(L, 1) != LUA_TTABLE || !lua_getmetatable(L, 1)) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushliteral(L, "__metatable");
    if (lua_rawget(L, -2) != LUA_TNIL)
        return 1;
    lua_pop(L, 1);
    lua_rawgetp(L, -1, &origin_key);
    return 1;
}

/* Only the functions of Lua's own that are the same for scripts. */
static void
take_own(lua_State *L, int from, const char *const *wanted)
{
    for (unsigned i = 0; wanted[i] != NULL; i++) {
        lua_getfield(L, from, wanted[i]);
        lua_setfield(L, -2, wanted[i]);
    }
}

void
table_drain(lua_State *L)
{
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, -4);
    }
    lua_pop(L, 1);
}

void
base_open(lua_State *L)
{
    static const char *const same[] = {
        "rawequal", "select", NULL
    };
    static const luaL_Reg own[] = {
        { "type", base_type },
        { "tostring", base_tostring },
        { "next", base_next },
        { "pairs", base_pairs },
        { "ipairs", base_ipairs },
        { "rawget", base_rawget },
        { "rawset", base_rawset },
        { "rawlen", base_rawlen },
        { "setmetatable", base_setmetatable },
        { "getmetatable", base_getmetatable },
        { "assert", base_assert },
        { "error", base_error },
        { "pcall", base_pcall },
        { "xpcall", base_xpcall },
        { NULL, NULL },
    };
    luaL_setfuncs(L, own, 0);
    luaL_requiref(L, LUA_GNAME, luaopen_base, 0);
    lua_insert(L, -2); /* Lua's own below ours */
    take_own(L, lua_gettop(L) - 1, same);
    lua_getfield(L, -2, "tonumber");
    lua_pushcclosure(L, base_tonumber, 1);
    lua_setfield(L, -2, "tonumber");
    lua_remove(L, -2);
    /* Nothing of it is left where a script could come to it. */
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushglobaltable(L);
    table_drain(L);
}

/* -- what must not change -- */

static int
frozen_newindex(lua_State *L)
{
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
    const char *name = lua_tostring(L, lua_upvalueindex(1));
    if (strcmp(name, "_ENV") == 0)
        return luaL_error(L, "'%s' is assigned but is no local variable: write 'local %s'", key,
                          key);
    return luaL_error(L, "'%s' can't be changed", name);
}

/* upvalue 1: the table, which the script must not get: the step hides it. */
static int
frozen_next(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_next(L, lua_upvalueindex(1)))
        return 2;
    lua_pushnil(L);
    return 1;
}

static int
frozen_begin(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, frozen_next, 1);
    lua_pushnil(L);
    lua_pushnil(L);
    return 3;
}

void
freeze(lua_State *L, const char *name)
{
    lua_newuserdatauv(L, 0, 0);
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, name);
    lua_pushcclosure(L, frozen_newindex, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, frozen_begin, 1);
    lua_setfield(L, -2, "__pairs");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}
