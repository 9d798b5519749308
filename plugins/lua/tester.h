/* lua/tester.h - tests of scripts, for weir test: files _test.lua.
 *
 * A test is a script itself, in a state of its own. A node that it tests runs in the same
 * sandbox as in the engine, in another state; what is lent to it are functions of the test, and
 * its clock stands still until everything waits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LUA_TESTER_H
#define LUA_TESTER_H

#include "types.h"

/* See struct weir_tester. */
uint32_t tester_run(const char *path, weir_tested_fn *fn, void *arg, struct weir_error *err);

/* run (file, config, input, options, lend, steps): output or nil, error; then the lines that
 * were logged. One run of a node for a test: stage.c. Throws. */
int stage_run(lua_State *L);

/* load (file): nil, or why that file is no script, with its line: stage.c. */
int stage_load(lua_State *L);

/* Pushes the error TEXT of the file PATH, and below it the line that it names, with a caret under the token at
 * which it does not go on: show.c. */
void fault_show(lua_State *L, const char *path, const char *text);

/* What stands for an answer that never comes. */
extern const char never_key;

#endif
