/* lua/types.h - node types that are files: nodes/NAME.lua of the Lua folder is the type NAME.
 *
 * They are looked for once, when the plugin is loaded; their code is read anew for each
 * generation, so that a reload takes changes into force.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LUA_TYPES_H
#define LUA_TYPES_H

#include "script.h"

/* The Lua folder; empty if there is none. Valid for the process. */
const char *lua_folder(void);

/* Makes the array of node types: FIRST, then one for each file of the folder. It lives as long
 * as the process. Returns how many; main thread, once. */
uint32_t types_make(const struct weir_node_type *first, const struct weir_node_type **ret);

/* Whether the type of the file NAME ("slugify.lua") was registered with these options (NULL:
 * none). */
bool types_has_options(const char *name, const struct weir_value *options);

/* A script from the file at PATH, which errors call NAME, with the folders that it may require
 * from. NULL and ERR if it can't be read. */
struct script *script_from_file(const char *path, const char *name, struct weir_error *err);

/* Pushes what the script's node has under KEY; false, with nothing pushed: nothing. Does not
 * throw. */
bool node_field(lua_State *L, const char *key);

#endif
