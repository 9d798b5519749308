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

#include "blocks.h"
#include "types.h"

#define SLICE_NS 100000u
/* What Lua has for which collecting takes as long as one instruction, in bytes. */
#define COLLECTED 64u
/* Lua keeps the names and constants of what it compiles in a table: so many there may be. */
#define LOAD_KEYS 4096u

const char vm_run_key, vm_node_key, vm_ctx_key, vm_config_key, vm_meta_key;
const char vm_modules_key;
static const char helper_keys[N_HELPERS];
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

void
vm_push_helper(lua_State *L, enum helper h)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &helper_keys[h]);
}

static int
helped(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    return lua_gettop(L);
}

int
vm_help(lua_State *L, enum helper h)
{
    int n = lua_gettop(L);
    vm_push_helper(L, h);
    lua_insert(L, 1);
    lua_callk(L, n, LUA_MULTRET, 0, helped);
    return helped(L, LUA_OK, 0);
}

/* Puts the library that OPEN pushes, closed to changes, into the table at 1. */
static void
add_library(lua_State *L, const char *name)
{
    place_library(L, name);
    freeze(L, name);
    lua_setfield(L, 1, name);
}

/* Runs a part that is written in Lua: it takes string, table and weir from 2 to 4, others from
 * the table at 1, and gives so many results. */
static void
run_part(lua_State *L, const char *source, int n_results)
{
    static const char *const names[] = { "type", "error", "tostring", "next" };
    if (luaL_loadbufferx(L, source, strlen(source), "=" PARTS_NAME, "t") != LUA_OK)
        lua_error(L);
    for (int i = 2; i <= 4; i++)
        lua_pushvalue(L, i);
    for (unsigned i = 0; i < 4; i++)
        lua_getfield(L, 1, names[i]);
    math_open(L);
    lua_call(L, 8, n_results);
}

static void
run_parts(lua_State *L)
{
    run_part(L, helpers, N_HELPERS);
    for (unsigned i = N_HELPERS; i-- > 0;)
        lua_rawsetp(L, LUA_REGISTRYINDEX, &helper_keys[i]);
    run_part(L, prelude, 0);
    place_wrap(L, 2, "gsub");
    place_wrap(L, 3, "sort");
    place_wrap(L, 4, "get");
}

static int
open_libraries(lua_State *L)
{
    lua_settop(L, 0);
    lua_newtable(L); /* 1: all names */
    base_open(L);
    place_library(L, LUA_GNAME);
    value_open(L);
    fault_open(L);
    lua_pushcfunction(L, module_require);
    lua_setfield(L, 1, "require");
    string_open(L);
    table_open(L);
    weir_open_library(L); /* 2, 3, 4 */
    run_parts(L);
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

/* Pushes the chunk, or an error that names it: never bytecode. */
static int
compile(lua_State *L, const char *source, size_t len, const char *name)
{
    bool marked = len >= 3 && memcmp(source, "\xef\xbb\xbf", 3) == 0; /* some editors do */
    size_t skipped = marked ? 3 : 0;
    bool binary = len > skipped && source[skipped] == LUA_SIGNATURE[0];
    int status = binary ? LUA_ERRSYNTAX
                        : luaL_loadbufferx(L, source + skipped, len - skipped, name, "t");
    if (binary)
        lua_pushfstring(L, "%s: bytecode is not to be had: the source is needed", name + 1);
    else if (status == LUA_ERRSYNTAX && strstr(lua_tostring(L, -1), ": ") == NULL)
        lua_pushfstring(L, "%s: %s", name + 1, lua_tostring(L, -1)); /* nested too deep */
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
        struct module *m = zeroed(1, sizeof *m);
        if (i > 0) /* one of std, wherever that is */
            snprintf(path, sizeof path, "@lua/std/%s.lua", name);
        *m = (struct module){ strdup(name), i > 0 ? strdup(path) : shown_path(path), source, len,
                              s->modules };
        s->modules = m;
        return m;
    }
    return NULL;
}

/* The module's chunk has ended: what it gave, or its error, is on the top, the table of modules at
 * 2. */
static int
required(lua_State *L, int status, lua_KContext context)
{
    (void)context;
    bool good = status == LUA_OK || status == LUA_YIELD;
    vm_of(L)->heap.any_size = false;
    lua_pushvalue(L, 1);
    if (!good)
        lua_pushnil(L); /* it may be tried again */
    else if (lua_isnil(L, -2))
        lua_pushboolean(L, 1);
    else
        lua_pushvalue(L, -2);
    lua_rawset(L, 2);
    if (!good)
        return lua_error(L);
    lua_pushvalue(L, 1);
    lua_rawget(L, 2);
    return 1;
}

int
module_require(lua_State *L)
{
    struct vm *vm = vm_of(L);
    size_t len;
    const char *name = luaL_checklstring(L, 1, &len);
    lua_settop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_modules_key);
    lua_pushvalue(L, 1);
    if (lua_rawget(L, -2) != LUA_TNIL) {
        if (lua_touserdata(L, -1) == &vm_modules_key)
            return luaL_error(L, "module '%s' is not loaded yet: it requires itself, maybe through others",
                              name);
        return 1;
    }
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
    lua_settop(L, 2); /* the name, and the table of modules */
    lua_pushcfunction(L, place_handler);
    if (compile(L, m->source, m->len, m->shown) != LUA_OK)
        return lua_error(L);
    lua_pushvalue(L, 1);
    lua_pushlightuserdata(L, (void *)(uintptr_t)&vm_modules_key);
    lua_rawset(L, 2);
    int status = lua_pcallk(L, 0, 1, 3, 0, required);
    return required(L, status, 0);
}

/* The chunk of a file has returned its node. */
static int
loaded(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    vm_of(L)->module = node_is_module(L);
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

/* One slice of CO, of which garbage that it asks to be collected is part. False: it is to go on
 * after UNTIL_NS; else *RET_STATUS is that of lua_resume. */
static bool
run_slice(struct vm *vm, lua_State *co, int n_args, struct budget *b, uint64_t until_ns,
          int *ret_status)
{
    int n_results;
    if (vm->heap.asked && !vm_collect(vm, until_ns))
        return false;
    vm->budget = b;
    vm->running = co;
    vm->preempted = false;
    vm->slice_ns = clock_ns();
    if (heap_is_over(&vm->heap))
        budget_end(vm, ABORT_MEMORY);
    budget_watch(vm, co);
    *ret_status = lua_resume(co, NULL, n_args, &n_results);
    vm->budget = NULL;
    vm->running = NULL;
    return *ret_status != LUA_YIELD || !vm->preempted || b->reason != ABORT_NONE;
}

int
vm_run_here(struct vm *vm, lua_State *co, int n_args, struct budget *b)
{
    int status;
    b->since_ns = clock_ns();
    while (!run_slice(vm, co, n_args, b, UINT64_MAX, &status))
        n_args = 0;
    return status;
}

/* An error of loading names the file, whatever else it says. */
static void
name_script(const struct script *s, struct weir_error *err)
{
    const char *slash = strrchr(s->name, '/');
    if (err->code != WEIR_OK && !s->body && strstr(err->text, slash ? slash + 1 : s->name + 1) == NULL)
        (void)err_before(err, s->name + 1);
}

enum loading
vm_load(struct vm *vm, uint64_t until_ns, struct weir_error *err)
{
    int status;
    struct budget *b = &vm->loading;
    lua_State *co = vm->loader;
    do {
        if (run_slice(vm, co, 0, b, until_ns, &status)) {
            if (b->reason != ABORT_NONE)
                refuse(err, WEIR_SCRIPT, "while it was loaded: %s", abort_text(b->reason));
            else if (status == LUA_YIELD)
                refuse(err, WEIR_SCRIPT, "nothing can wait while a script is loaded");
            else if (status != LUA_OK)
                fault_read(co, -1, err), place_error(co, err);
            else
                err->code = WEIR_OK;
            name_script(vm->script, err);
            lua_settop(vm->L, 0); /* the loader */
            vm->loader = NULL;
            heap_limit_tables(&vm->heap, (uint32_t)vm->script->limits.keys,
                              (uint32_t)vm->script->limits.items);
            return err->code == WEIR_OK ? LOADED : LOAD_FAILED;
        }
    } while (clock_ns() < until_ns);
    return LOADING;
}

/* A budget for loading that lasts MAX_MS milliseconds, or as many as a call may take. */
static void
begin_load(struct vm *vm, uint64_t max_ms)
{
    struct limits limits = vm->script->limits;
    limits.time_ms = limits.time_ms > max_ms ? limits.time_ms : max_ms;
    budget_fill(&vm->loading, &limits);
    vm->loading.since_ns = clock_ns();
    vm->loader = lua_newthread(vm->L); /* a new state has the memory for it */
    lua_pushcfunction(vm->loader, load_script);
}

struct vm *
vm_begin(const struct script *s, uint64_t max_ms, struct weir_error *err)
{
    struct vm *vm = zeroed(1, sizeof *vm);
    vm->script = s;
    vm->slice_max_ns = SLICE_NS;
    vm->heap = (struct heap){ .on_top = budget_on_top,
                              .on_asked = budget_on_asked,
                              .on_limit = budget_on_limit,
                              .on_refused = budget_on_refused,
                              .arg = vm };
    heap_init(&vm->heap, s->limits.memory);
    heap_limit_tables(&vm->heap,
                      s->limits.keys > LOAD_KEYS ? (uint32_t)s->limits.keys : LOAD_KEYS,
                      UINT32_MAX / 2);
    vm->stride = 1;
    blocks_enter();
    vm->L = lua_newstate(heap_alloc, vm);
    if (vm->L == NULL) {
        blocks_leave();
        refuse(err, WEIR_SCRIPT, "%s", abort_text(ABORT_MEMORY));
        free(vm);
        return NULL;
    }
    *(struct vm **)lua_getextraspace(vm->L) = vm;
    lua_atpanic(vm->L, on_panic);
    heap_take_over(vm->L);
    lua_pushcfunction(vm->L, open_libraries);
    if (lua_pcall(vm->L, 0, 0, 0) == LUA_OK) {
        begin_load(vm, max_ms);
        return vm;
    }
    fault_read(vm->L, -1, err);
    vm_free(&vm);
    return NULL;
}

struct vm *
vm_new(const struct script *s, uint64_t max_ms, struct weir_error *err)
{
    struct vm *vm = vm_begin(s, max_ms, err);
    if (vm != NULL && vm_load(vm, UINT64_MAX, err) != LOADED)
        vm_free(&vm);
    return vm;
}

void
vm_free(struct vm **vm)
{
    if (*vm == NULL)
        return;
    lua_close((*vm)->L);
    blocks_leave();
    free(*vm);
    *vm = NULL;
}

void
vm_strip(struct vm *vm)
{
    lua_State *L = vm->L;
    if (vm->passes > 0)
        return;
    vm->passes = 2; /* what the first one has begun with may have seen what is gone now */
    lua_settop(L, 0);
    lua_pushnil(L);
    while (lua_next(L, LUA_REGISTRYINDEX)) {
        lua_pop(L, 1);
        if (lua_isinteger(L, -1) && lua_tointeger(L, -1) <= LUA_RIDX_LAST)
            continue; /* Lua's own */
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, LUA_REGISTRYINDEX);
    }
    heap_ask(&vm->heap);
}

bool
vm_collect(struct vm *vm, uint64_t until_ns)
{
    if (!heap_collect(&vm->heap, vm->L, until_ns))
        return false;
    vm->debt += vm->heap.used / COLLECTED;
    value_settle(vm);
    heap_collected(&vm->heap);
    if (vm->passes > 1) {
        vm->passes--;
        heap_ask(&vm->heap);
        return false;
    }
    return true;
}
