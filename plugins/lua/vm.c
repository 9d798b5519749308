/* lua/vm.c - see script.h: states, and what is in them before a script is.
 *
 * A script sees names through _ENV, which is no table but something that is read through it: so
 * no name is set, and one that is not there is an error.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

#define SLICE_NS 100000u
/* Lua keeps the names and constants of what it compiles in a table: so many there may be. */
#define LOAD_KEYS 4096u

const char vm_run_key, vm_node_key, vm_ctx_key, vm_config_key, vm_meta_key;
const char vm_modules_key;
static const char env_key;

/* Lua came to an error outside of everything that catches one: a fault of this plugin. */
static int
on_panic(lua_State *L)
{
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?";
    fprintf(stderr, "lua: an error outside of a call: %s\n", text);
    abort();
}

static int
unknown_name(lua_State *L)
{
    static const char *const absent =
        " os io debug package load loadfile loadstring dofile coroutine "
        "collectgarbage print _G ";
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
    char looked[40];
    snprintf(looked, sizeof looked, " %.30s ", name);
    if (strcmp(name, "print") == 0)
        return luaL_error(L,
                          "scripts have no 'print': ctx.log(\"info\", text) writes to the log");
    if (strstr(absent, looked) != NULL)
        return luaL_error(L, "scripts have no '%s'", name);
    return luaL_error(L, "unknown name '%s'", name);
}

/* Puts the library that OPEN pushes, closed to changes, into the table at 1. */
static void
add_library(lua_State *L, const char *name)
{
    freeze(L, name);
    lua_setfield(L, 1, name);
}

/* Runs the part that is written in Lua: it takes string, table and weir from the table at 1 and
 * the three on the top. */
static void
run_prelude(lua_State *L)
{
    static const char *const names[] = { "type", "error", "tostring" };
    if (luaL_loadbufferx(L, prelude, strlen(prelude), "=weir", "t") != LUA_OK)
        lua_error(L);
    lua_insert(L, -4);
    for (unsigned i = 0; i < 3; i++)
        lua_getfield(L, 1, names[i]);
    math_open(L);
    lua_call(L, 7, 0);
}

static int
open_libraries(lua_State *L)
{
    lua_settop(L, 0);
    lua_newtable(L); /* 1: all names */
    base_open(L);
    value_open(L);
    fault_open(L);
    lua_pushcfunction(L, module_require);
    lua_setfield(L, 1, "require");
    string_open(L);
    table_open(L);
    weir_open_library(L); /* 2, 3, 4 */
    for (int i = 2; i <= 4; i++)
        lua_pushvalue(L, i);
    run_prelude(L);
    add_library(L, "weir");
    add_library(L, "table");
    add_library(L, "string");
    math_open(L);
    add_library(L, "math");
    utf8_open(L);
    add_library(L, "utf8");
    ctx_open(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &vm_ctx_key);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &vm_modules_key);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, unknown_name);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, 1);
    freeze(L, "_ENV");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &env_key);
    const struct script *s = vm_of(L)->script;
    if (s->config_constant != NULL)
        value_push_frozen(L, s->config_constant);
    else
        lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &vm_config_key);
    return 0;
}

/* -- loading -- */

void
vm_set_env(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &env_key);
    if (lua_setupvalue(L, -2, 1) == NULL)
        lua_pop(L, 1);
}

/* Pushes the chunk, or an error: never bytecode. */
static int
compile(lua_State *L, const char *source, size_t len, const char *name)
{
    int status = luaL_loadbufferx(L, source, len, name, "t");
    if (status != LUA_OK)
        return status;
    vm_set_env(L);
    return LUA_OK;
}

static const struct module *
find_module(const struct script *s, const char *name)
{
    for (const struct module *m = s->modules; m != NULL; m = m->next)
        if (strcmp(m->name, name) == 0)
            return m;
    return NULL;
}

static char *
read_source(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    char *text = malloc(SOURCE_MAX + 1);
    if (text == NULL)
        abort();
    *ret_len = fread(text, 1, SOURCE_MAX + 1, f);
    fclose(f);
    if (*ret_len <= SOURCE_MAX)
        return text;
    free(text);
    return NULL;
}

/* Looks for a module in the folders of the script. */
static const struct module *
read_module(struct script *s, const char *name)
{
    char path[4096];
    for (unsigned i = 0; i < 3 && s->folders[i] != NULL; i++) {
        size_t len;
        snprintf(path, sizeof path, "%s/%s.lua", s->folders[i], name);
        char *source = read_source(path, &len);
        if (source == NULL)
            continue;
        struct module *m = calloc(1, sizeof *m);
        if (m == NULL)
            abort();
        *m = (struct module){ strdup(name), source, len, s->modules };
        s->modules = m;
        return m;
    }
    return NULL;
}

static int
required(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_modules_key);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    return 1;
}

int
module_require(lua_State *L)
{
    char chunk[100];
    struct vm *vm = vm_of(L);
    size_t len;
    const char *name = luaL_checklstring(L, 1, &len);
    lua_settop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_modules_key);
    lua_pushvalue(L, 1);
    if (lua_rawget(L, -2) != LUA_TNIL)
        return 1;
    if (len == 0 || len > 64 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != len)
        return luaL_error(L, "a module's name is of lower-case letters, digits and _");
    if (vm->strand != NULL)
        return luaL_error(L, "modules are required at the top of a script, not while it runs");
    const struct module *m = find_module(vm->script, name);
    if (m == NULL && !vm->script->sealed)
        m = read_module((struct script *)(uintptr_t)vm->script, name);
    if (m == NULL)
        return luaL_error(
            L, "there is no module '%s': neither in lua/std nor beside the script", name);
    snprintf(chunk, sizeof chunk, "=%s.lua", name);
    if (compile(L, m->source, m->len, chunk) != LUA_OK)
        return lua_error(L);
    lua_callk(L, 0, 1, 0, required);
    return required(L, LUA_OK, 0);
}

/* The chunk of a file has returned its node. */
static int
loaded(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    if (!lua_istable(L, -1))
        return luaL_error(
            L, "the file must return a table { run = function(ctx, input, config) ... end }");
    lua_pushliteral(L, "run");
    if (lua_rawget(L, -2) != LUA_TFUNCTION)
        return luaL_error(L, "the node has no function 'run'");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &vm_run_key);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &vm_node_key);
    return 0;
}

static int
load_script(lua_State *L)
{
    const struct script *s = vm_of(L)->script;
    lua_settop(L, 0);
    if (compile(L, s->source, s->len, s->name) != LUA_OK)
        return lua_error(L);
    if (s->body) {
        lua_rawsetp(L, LUA_REGISTRYINDEX, &vm_run_key);
        return 0;
    }
    lua_callk(L, 0, 1, 0, loaded);
    return loaded(L, LUA_OK, 0);
}

int
vm_run_here(struct vm *vm, lua_State *co, int n_args, struct budget *b)
{
    int n_results;
    int status;
    b->since_ns = clock_ns();
    vm->budget = b;
    vm->running = co;
    do {
        vm->preempted = false;
        vm->slice_ns = clock_ns();
        budget_watch(vm, co);
        status = lua_resume(co, NULL, n_args, &n_results);
        n_args = 0;
    } while (status == LUA_YIELD && vm->preempted && b->reason == ABORT_NONE);
    vm->budget = NULL;
    vm->running = NULL;
    return status;
}

static uint32_t
load(struct vm *vm, uint64_t max_ms, struct weir_error *err)
{
    struct budget b;
    struct limits limits = vm->script->limits;
    limits.time_ms = limits.time_ms > max_ms ? limits.time_ms : max_ms;
    budget_fill(&b, &limits);
    lua_State *co = lua_newthread(vm->L); /* a new state has the memory for it */
    lua_pushcfunction(co, load_script);
    int status = vm_run_here(vm, co, 0, &b);
    if (b.reason != ABORT_NONE)
        refuse(err, WEIR_SCRIPT, "while it was loaded: %s", abort_text(b.reason));
    else if (status == LUA_YIELD)
        refuse(err, WEIR_SCRIPT, "nothing can wait while a script is loaded");
    else if (status != LUA_OK)
        fault_read(co, -1, err);
    else
        err->code = WEIR_OK;
    lua_pop(vm->L, 1);
    return err->code;
}

struct vm *
vm_new(const struct script *s, uint64_t max_ms, struct weir_error *err)
{
    struct vm *vm = calloc(1, sizeof *vm);
    if (vm == NULL)
        abort();
    vm->script = s;
    vm->slice_max_ns = SLICE_NS;
    vm->heap = (struct heap){ .max = s->limits.memory,
                              .max_string = s->limits.memory / 8,
                              .max_keys = s->limits.keys > LOAD_KEYS ? (uint32_t)s->limits.keys
                                                                     : LOAD_KEYS,
                              .on_top = budget_on_top,
                              .on_refused = budget_on_refused,
                              .arg = vm };
    vm->stride = 1;
    vm->L = lua_newstate(heap_alloc, vm);
    if (vm->L == NULL) {
        refuse(err, WEIR_SCRIPT, "%s", abort_text(ABORT_MEMORY));
        free(vm);
        return NULL;
    }
    vm->heap.L = vm->L;
    *(struct vm **)lua_getextraspace(vm->L) = vm;
    lua_atpanic(vm->L, on_panic);
    lua_pushcfunction(vm->L, open_libraries);
    if (lua_pcall(vm->L, 0, 0, 0) != LUA_OK) {
        fault_read(vm->L, -1, err);
        vm_free(&vm);
        return NULL;
    }
    if (load(vm, max_ms, err) != WEIR_OK)
        vm_free(&vm);
    else
        vm->heap.max_keys = (uint32_t)s->limits.keys;
    return vm;
}

void
vm_free(struct vm **vm)
{
    if (*vm == NULL)
        return;
    (*vm)->heap.collecting = true; /* also if the memory is full, all is given back */
    lua_close((*vm)->L);
    free(*vm);
    *vm = NULL;
}
