/* lua/places.h - where in a script an error is; part of script.h, which says what "throws" means.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LUA_PLACES_H
#define LUA_PLACES_H

#include <lua.h>
#include <weir.h>

/* What chunks of the library that are written in Lua are called. */
#define PARTS_NAME "weir"

/* "lua/nodes/x.lua:3: " of the innermost function of the script; empty: there is none. */
void place_here(lua_State *L, char *ret, size_t room);

/* HEAD is what has to stand in front of the rest of TEXT, which is what this gives, for the error
 * that the function at level BASE has thrown: the place of the script, and what it called. */
const char *place_find(lua_State *L, int base, const char *text, char *head, size_t room);

/* The same for the text on the top of a strand that has ended in it, which is in ERR already. */
void place_error(lua_State *co, struct weir_error *err);

/* ... and as a message handler. */
int place_handler(lua_State *L);

/* The functions in the table on the top, which stays, have their names for errors. Throws. */
void place_library(lua_State *L, const char *name);

/* The function NAME of the library at an index of the stack, which is one in Lua, is called by one in
 * C: a tail call of it leaves the script's frame, and so its place. Throws. */
void place_wrap(lua_State *L, int library, const char *name);

/* error, assert, pcall and xpcall, as Lua's own but for the places. */
int base_error(lua_State *L);
int base_assert(lua_State *L);
int base_pcall(lua_State *L);
int base_xpcall(lua_State *L);

#endif
