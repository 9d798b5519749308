/* lua/tester.c - see tester.h. SPDX-License-Identifier: Apache-2.0 */
#include "tester.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1024u * 1024u)

static const char tests_key, test_key, path_key;

/* clang-format off */
static const char library[] =
    "local run, tests, folder, equal, show, never, load = ...\n"
    "local t = { never = never }\n"
    "\n"
    "function t.test(name, f)\n"
    "  if type(name) ~= 'string' or type(f) ~= 'function' then\n"
    "    error('t.test takes a name, which is a text, and a function', 2)\n"
    "  end\n"
    "  tests[#tests + 1] = { name = name, f = f }\n"
    "end\n"
    "\n"
    "function t.eq(is, expected)\n"
    "  if not equal(is, expected) then\n"
    "    error('is       ' .. show(is) .. '\\nexpected ' .. show(expected), 2)\n"
    "  end\n"
    "end\n"
    "\n"
    "function t.ok(value, why)\n"
    "  if not value then error(why or 'it is not so', 2) end\n"
    "end\n"
    "\n"
    "function t.throws(f, part)\n"
    "  local ok, e = pcall(f)\n"
    "  if ok then error('nothing was thrown', 2) end\n"
    "  e = tostring(e)\n"
    "  if part and not string.find(e, part, 1, true) then\n"
    "    error('thrown   ' .. e .. '\\nexpected ' .. part, 2)\n"
    "  end\n"
    "end\n"
    "\n"
    "function t.advance(ms) return ms end\n"
    "\n"
    "function t.node(file, config)\n"
    "  if type(file) ~= 'string' then error('t.node takes the name of a file', 2) end\n"
    "  local why = load(folder .. '/' .. file)\n"
    "  if why then error(why, 2) end\n"
    "  local node = { lend = {}, steps = {}, log = {}, asked = {} }\n"
    "  function node.run(input, options)\n"
    "    local lend = {}\n"
    "    node.asked = {}\n"
    "    for name, answer in pairs(node.lend) do\n"
    "      node.asked[name] = {}\n"
    "      if answer == never then lend[name] = never\n"
    "      else lend[name] = function(x)\n"
    "        table.insert(node.asked[name], x == nil and weir.null or x)\n"
    "        if type(answer) == 'function' then return answer(x) end\n"
    "        return answer\n"
    "      end end\n"
    "    end\n"
    "    local output, err\n"
    "    output, err, node.log = run(folder .. '/' .. file, config or {}, input, options, lend, node.steps)\n"
    "    if err then return nil, err end\n"
    "    return output\n"
    "  end\n"
    "  return node\n"
    "end\n"
    "\n"
    "return t\n";
/* clang-format on */

/* equal (a, b): as values of the engine; what is none has to be the same. */
static int
test_equal(lua_State *L)
{
    const struct weir_value *a = NULL, *b = NULL;
    struct weir_error err = { 0 };
    bool same = false;
    if (value_make(L, 1, &a, &err) == WEIR_OK && value_make(L, 2, &b, &err) == WEIR_OK)
        same = host->equal(a, b);
    else
        same = lua_rawequal(L, 1, 2);
    host->unref(&a);
    host->unref(&b);
    lua_pushboolean(L, same);
    return 1;
}

/* show (v): its JSON, or what it is. */
static int
test_show(lua_State *L)
{
    const struct weir_value *v = NULL, *text = NULL;
    struct weir_error err = { 0 };
    struct weir_text t = { "", 0 };
    if (value_make(L, 1, &v, &err) == WEIR_OK && host->json_write(v, &text, &err) == WEIR_OK) {
        (void)host->get_text(text, &t);
        lua_pushlstring(L, t.bytes, t.len);
    } else {
        lua_pushfstring(L, "(%s)", luaL_typename(L, 1));
    }
    host->unref(&v);
    host->unref(&text);
    return 1;
}

/* Runs the library's chunk, and makes it the module weir.test. */
static int
open_test_library(lua_State *L)
{
    lua_settop(L, 0);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_modules_key);
    if (luaL_loadbufferx(L, library, strlen(library), "=weir.test", "t") != LUA_OK)
        return lua_error(L);
    vm_set_env(L);
    lua_pushcfunction(L, stage_run);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &tests_key);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &path_key);
    lua_pushcfunction(L, test_equal);
    lua_pushcfunction(L, test_show);
    lua_pushlightuserdata(L, (void *)(uintptr_t)&never_key);
    lua_pushcfunction(L, stage_load);
    lua_call(L, 7, 1);
    lua_setfield(L, 1, "weir.test");
    return 0;
}

/* Pushes the folder of the file for that. */
static int
set_folder(lua_State *L)
{
    const struct script *s = vm_of(L)->script;
    lua_pushstring(L, s->folders[0]);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &path_key);
    return 0;
}

/* Runs the function on the top of CO in a budget of its own. What went wrong is in ERR. */
static bool
run_function(struct vm *vm, lua_State *co, struct weir_error *err)
{
    struct budget b;
    budget_fill(&b, &vm->script->limits);
    int status = vm_run_here(vm, co, 0, &b);
    if (b.reason != ABORT_NONE)
        refuse(err, WEIR_SCRIPT, "%s", abort_text(b.reason));
    else if (status == LUA_YIELD)
        refuse(err, WEIR_SCRIPT, "a test can't wait: only a node that it runs");
    else if (status != LUA_OK)
        fault_read(co, -1, err), place_error(co, err);
    host->unref(&err->detail);
    return err->code == WEIR_OK;
}

/* Pushes the function of test number I to CO, and gives its name in NAME; false at the end. */
static bool
take_test(lua_State *L, lua_State *co, lua_Integer i, char *name, size_t room)
{
    lua_settop(L, 0);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tests_key);
    if (lua_rawgeti(L, -1, i) != LUA_TTABLE)
        return false;
    lua_getfield(L, -1, "name");
    snprintf(name, room, "%s", lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?");
    lua_getfield(L, -2, "f");
    lua_xmove(L, co, 1);
    return true;
}

static void
run_tests(struct vm *vm, weir_tested_fn *fn, void *arg)
{
    char name[200];
    for (lua_Integer i = 1;; i++) {
        struct weir_error err = { 0 };
        lua_State *co = lua_newthread(vm->L);
        lua_rawsetp(vm->L, LUA_REGISTRYINDEX, &test_key);
        if (!take_test(vm->L, co, i, name, sizeof name))
            return;
        bool good = run_function(vm, co, &err);
        fn(arg, name, good ? NULL : err.text);
    }
}

uint32_t
tester_run(const char *path, weir_tested_fn *fn, void *arg, struct weir_error *err)
{
    struct script *s = script_from_file(path, err);
    if (s == NULL)
        return err->code;
    s->body = true; /* loading it only compiles it */
    s->limits = (struct limits){ .instructions = 2000000000u,
                                 .memory = 256 * MIB,
                                 .time_ms = 10000,
                                 .steps = 1000000000u,
                                 .keys = 1u << 20,
                                 .items = 1u << 24,
                                 .log_lines = 1 };
    struct vm *vm = vm_new(s, LOAD_MS, err);
    if (vm != NULL) {
        lua_State *co = lua_newthread(vm->L);
        lua_pushcfunction(vm->L, set_folder);
        lua_pushcfunction(co, open_test_library);
        (void)lua_pcall(vm->L, 0, 0, 0);
        if (run_function(vm, co, err)) {
            lua_settop(co, 0);
            lua_rawgetp(co, LUA_REGISTRYINDEX, &vm_run_key);
            if (run_function(vm, co, err))
                run_tests(vm, fn, arg);
        }
        vm_free(&vm);
    }
    script_free(s);
    return err->code;
}
