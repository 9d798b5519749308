/* lua/types.h - node types that are files: nodes/NAME.lua of the Lua folder is the type NAME.
 *
 * They are looked for once, when the plugin is loaded; their code is read anew for each
 * generation, so that a reload takes changes into force.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LUA_TYPES_H
#define LUA_TYPES_H

#include "names.h"
#include "script.h"

/* The Lua folder; empty if there is none. Valid for the process. */
const char *lua_folder(void);

/* Makes the array of node types: FIRST, then one for each file of the folder. It lives as long
 * as the process. Returns how many; main thread, once. */
uint32_t types_make(const struct weir_node_type *first, const struct weir_node_type **ret);

/* Whether the type NAME was registered with these options (NULL: none). */
bool types_has_options(const char *name, const struct weir_value *options);

/* weir_plugin.missing: of files that have come since the types were made. */
bool types_missing(struct weir_text name, char *ret, size_t room);

/* A script from the file at PATH, with the folders that it may require from. NULL and ERR if it
 * can't be read. */
struct script *script_from_file(const char *path, struct weir_error *err);

/* What errors call the file at PATH: "@lua/nodes/x.lua" in the Lua folder, else "@x.lua". Owned by the
 * caller. */
char *shown_path(const char *path);

/* -- what a file says of its node: describe.c -- */

/* Whether the value on the top, which a file has returned, is no node at all: the file is a module.
 */
bool node_is_module(lua_State *L);

/* Pushes what the script's node has under KEY; false, with nothing pushed: nothing. Does not
 * throw. */
bool node_field(lua_State *L, const char *key);

/* Whether the fields of the node are those that there are, and of their types. */
uint32_t node_check(lua_State *L, struct weir_error *err);

/* The schema of its options, whose defaults fit it; NULL if it has none. Owned by the caller. */
uint32_t node_schema(lua_State *L, const struct weir_value **ret, struct weir_error *err);

/* Fills in summary, output, example and effect, which were checked. */
void node_describe(lua_State *L, struct weir_node_type *type);

#endif
