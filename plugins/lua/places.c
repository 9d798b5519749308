/* lua/places.c - see script.h: where in a script an error is.
 *
 * Lua puts a place in front of what it says only if the function that is wrong was called by a
 * function in Lua, and then that one's: which may be a part of the library that is written in Lua,
 * and is no place of the author's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "script.h"

#define ARGUMENT "bad argument #"
/* Frames that are looked at. */
#define LEVELS 200

/* The table of libraries, which Lua's own has under LUA_LOADED_TABLE: to look there makes a string. */
static const char libraries_key;

/* What is part of the library: of scripts, or of their tests. */
static bool
is_library(const lua_Debug *ar)
{
    return strcmp(ar->short_src, PARTS_NAME) == 0 || strcmp(ar->short_src, PARTS_NAME ".test") == 0;
}

/* The innermost frame of the script, from LEVEL on; -1: there is none. */
static int
script_level(lua_State *L, int level, lua_Debug *ar)
{
    for (int end = level + LEVELS; level < end && lua_getstack(L, level, ar); level++)
        if (lua_getinfo(L, "Sl", ar) && ar->currentline > 0 && !is_library(ar))
            return level;
    return -1;
}

void
place_here(lua_State *L, char *ret, size_t room)
{
    lua_Debug ar;
    ret[0] = '\0';
    if (script_level(L, 0, &ar) >= 0)
        snprintf(ret, room, "%s:%d: ", ar.short_src, ar.currentline);
}

/* Behind "NAME:LINE: " at the front of TEXT; NULL: there is no such thing. */
static const char *
behind_place(const char *text)
{
    const char *at = strchr(text, ':');
    if (at == NULL || at == text || !isdigit((unsigned char)at[1]) ||
        memchr(text, '\'', (size_t)(at - text)) != NULL)
        return NULL;
    at += 1 + strspn(at + 1, "0123456789");
    return strncmp(at, ": ", 2) == 0 ? at + 2 : NULL;
}

static lua_CFunction
function_at(lua_State *L, int level)
{
    lua_Debug ar;
    if (!lua_checkstack(L, 1) || !lua_getstack(L, level, &ar) || !lua_getinfo(L, "f", &ar))
        return NULL;
    lua_CFunction f = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    return f;
}

/* The name of the function on the top, which stays, in a library of scripts; NULL: none. Makes no
 * string. */
static const char *
library_name(lua_State *L)
{
    const char *name = NULL;
    int top = lua_gettop(L);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &libraries_key) == LUA_TTABLE)
        for (lua_pushnil(L); name == NULL && lua_next(L, top + 1); lua_settop(L, top + 2))
            for (lua_pushnil(L); name == NULL && lua_next(L, top + 3); lua_pop(L, 1))
                if (lua_rawequal(L, -1, top) && lua_type(L, -2) == LUA_TSTRING)
                    name = lua_tostring(L, -2); /* the library keeps it */
    lua_settop(L, top);
    return name;
}

/* What the script called the function at LEVEL, which it called; and whether as a method. */
static const char *
called_name(lua_State *L, int level, bool *ret_method)
{
    lua_Debug ar;
    *ret_method = false;
    if (!lua_checkstack(L, 10) || !lua_getstack(L, level, &ar) || !lua_getinfo(L, "nf", &ar))
        return NULL;
    const char *name = ar.name ? ar.name : library_name(L);
    lua_pop(L, 1);
    *ret_method = strcmp(ar.namewhat, "method") == 0;
    return name;
}

/* "bad argument #2 to 'own' (" becomes what is wrong with the function that the script called, at
 * LEVEL: the arguments of what that calls are its own, in their order. Gives what follows. */
static const char *
rename_argument(lua_State *L, int level, const char *text, char *ret, size_t room)
{
    bool method;
    int n = 0, len = 0;
    if (sscanf(text, ARGUMENT "%d to '%*[^']'%n", &n, &len) != 1 || len == 0)
        return text;
    const char *name = called_name(L, level, &method);
    if (name == NULL)
        return text;
    snprintf(ret, room, ARGUMENT "%d to '%.40s'", method && n > 1 ? n - 1 : n, name);
    return text + len;
}

const char *
place_find(lua_State *L, int base, const char *text, char *head, size_t room)
{
    lua_Debug ar;
    const char *behind = behind_place(text);
    bool library = strncmp(text, PARTS_NAME ":", sizeof PARTS_NAME) == 0 ||
                   strncmp(text, PARTS_NAME ".test:", sizeof PARTS_NAME ".test") == 0;
    lua_CFunction thrower = function_at(L, base);
    head[0] = '\0';
    if ((behind != NULL && !library) || thrower == base_error || (base > 0 && thrower == base_assert))
        return text; /* it says where, or the script does not want it to */
    int level = script_level(L, base, &ar);
    if (library && behind != NULL)
        text = behind;
    if (level < 0)
        return text;
    int len = snprintf(head, room, "%s:%d: ", ar.short_src, ar.currentline);
    int called = level - 1;
    while (called > base && (function_at(L, called) == base_pcall || function_at(L, called) == base_xpcall))
        called--;
    if (called > base && len > 0 && (size_t)len < room)
        text = rename_argument(L, called, text, head + len, room - (size_t)len);
    return text;
}

int
place_handler(lua_State *L)
{
    char head[200];
    size_t len;
    if (lua_type(L, 1) != LUA_TSTRING)
        return 1;
    const char *text = lua_tolstring(L, 1, &len);
    const char *rest = place_find(L, 1, text, head, sizeof head);
    if (rest == text && head[0] == '\0')
        return 1;
    lua_pushstring(L, head);
    lua_pushlstring(L, rest, len - (size_t)(rest - text));
    lua_concat(L, 2);
    return 1;
}

void
place_error(lua_State *co, struct weir_error *err)
{
    char head[200], text[sizeof err->text];
    if (lua_type(co, -1) != LUA_TSTRING)
        return;
    memcpy(text, err->text, sizeof text);
    const char *rest = place_find(co, 0, text, head, sizeof head);
    snprintf(err->text, sizeof err->text, "%s%.*s", head, (int)(sizeof text - sizeof head), rest);
}

void
place_library(lua_State *L, const char *name)
{
    lua_pushvalue(L, -1);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &libraries_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 8);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &libraries_key);
        lua_pushvalue(L, -1);
        lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    }
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

static int
went_through(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    return lua_gettop(L);
}

/* upvalue 1: the function. */
static int
through(lua_State *L)
{
    int n = lua_gettop(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_callk(L, n, LUA_MULTRET, 0, went_through);
    return lua_gettop(L);
}

void
place_wrap(lua_State *L, int library, const char *name)
{
    lua_getfield(L, library, name);
    lua_pushcclosure(L, through, 1);
    lua_setfield(L, library, name);
}

/* -- what throws, and what catches -- */

/* As Lua's own, but that a level in the library is the one of the script that called it. */
int
base_error(lua_State *L)
{
    lua_Debug ar;
    int level = (int)luaL_optinteger(L, 2, 1);
    lua_settop(L, 1);
    if (lua_type(L, 1) != LUA_TSTRING || level <= 0)
        return lua_error(L);
    while (lua_getstack(L, level, &ar) && lua_getinfo(L, "S", &ar) &&
           (is_library(&ar) || function_at(L, level) == through))
        level++;
    luaL_where(L, level);
    lua_pushvalue(L, 1);
    lua_concat(L, 2);
    return lua_error(L);
}

int
base_assert(lua_State *L)
{
    if (lua_toboolean(L, 1))
        return lua_gettop(L);
    luaL_checkany(L, 1);
    lua_remove(L, 1);
    if (lua_gettop(L) == 0)
        return luaL_error(L, "assertion failed!");
    lua_settop(L, 1);
    return lua_error(L);
}

static int
pcall_end(lua_State *L, int status, lua_KContext context)
{
    (void)context;
    vm_of(L)->heap.any_size = false; /* whatever was interrupted */
    if (status == LUA_OK || status == LUA_YIELD)
        return lua_gettop(L) - 1;
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

/* pcall (f, ...): the handler at 1, true at 2. */
int
base_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    lua_pushcfunction(L, place_handler);
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 1, 0, pcall_end);
    return pcall_end(L, status, 0);
}

static int
xpcall_handled(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    return lua_gettop(L) - 1;
}

static int
xpcall_end(lua_State *L, int status, lua_KContext context)
{
    (void)context;
    vm_of(L)->heap.any_size = false;
    if (status == LUA_OK || status == LUA_YIELD) {
        lua_pushboolean(L, 1);
        lua_replace(L, 2);
        return lua_gettop(L) - 1;
    }
    lua_pushvalue(L, 2); /* the handler, with the error */
    lua_insert(L, -2);
    lua_pushboolean(L, 0);
    lua_replace(L, 2);
    lua_callk(L, 1, LUA_MULTRET, 0, xpcall_handled);
    return xpcall_handled(L, LUA_OK, 0);
}

/* xpcall (f, handler, ...): the handler is called when the stack is unwound already, as an
 * ordinary function that may wait. */
int
base_xpcall(lua_State *L)
{
    luaL_checktype(L, 2, LUA_TFUNCTION);
    int n = lua_gettop(L) - 2;
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_replace(L, 1);
    lua_replace(L, 2); /* handler, f, arguments */
    lua_pushcfunction(L, place_handler);
    lua_insert(L, 1);
    int status = lua_pcallk(L, n, LUA_MULTRET, 1, 0, xpcall_end);
    return xpcall_end(L, status, 0);
}
