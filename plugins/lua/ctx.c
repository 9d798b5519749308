/* lua/ctx.c - see script.h: what ctx offers. All that waits yields the strand.
 *
 * There is one ctx a state; whose call it is about follows from the strand that runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "script.h"

#define ALL_MAX 64
#define SLEEP_MAX_MS 86400000

const char *const ctx_names[] = { "sleep", "now", "deadline", "log", "all", "run", "steps", NULL };

static struct strand *
strand_here(lua_State *L)
{
    struct strand *s = vm_of(L)->strand;
    if (s == NULL)
        luaL_error(L, "ctx is for the time of a call, not for loading");
    return s;
}

static int
wait_here(lua_State *L, lua_KContext context, lua_KFunction then)
{
    struct strand *s = strand_here(L);
    if (!lua_isyieldable(L))
        return luaL_error(L, "nothing can wait inside a metamethod that the library calls");
    s->state = STRAND_WAITING;
    return lua_yieldk(L, 0, context, then);
}

/* -- lent nodes -- */

static int
answered(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    struct strand *s = strand_here(L);
    lua_settop(L, 0);
    if (s->answer == NULL) {
        lua_pushnil(L);
        fault_push(L, &s->error);
        host->unref(&s->error.detail);
        s->error.code = WEIR_OK;
        return 2;
    }
    uint64_t weight = value_weight(s->answer, vm_of(L)->heap.max);
    charge(L, weight / 256);
    value_push(L, s->answer, weight);
    host->unref(&s->answer);
    return 1;
}

static int
ask(lua_State *L, const struct weir_value *input, const struct weir_error *err)
{
    if (input == NULL)
        return luaL_error(L, "the argument: %s", err->text);
    struct strand *s = strand_here(L);
    host->unref(&s->answer);
    s->error = (struct weir_error){ 0 };
    s->asked = true;
    s->state = STRAND_WAITING;
    s->call->world->ask(s, (unsigned)lua_tointeger(L, lua_upvalueindex(1)), input);
    host->unref(&input);
    return lua_yieldk(L, 0, 0, answered);
}

/* upvalue 1: the index of the lent node. */
static int
lent(lua_State *L)
{
    (void)strand_here(L);
    lua_settop(L, 1);
    if (!lua_isyieldable(L))
        return wait_here(L, 0, answered);
    return value_make_then(L, 1, ask);
}

/* -- time -- */

static int
slept(lua_State *L, int status, lua_KContext context)
{
    (void)L;
    (void)status;
    (void)context;
    return 0;
}

static int
ctx_sleep(lua_State *L)
{
    struct strand *s = strand_here(L);
    lua_Number ms = luaL_checknumber(L, 1);
    luaL_argcheck(L, ms >= 0 && ms <= SLEEP_MAX_MS, 1, "0 to 86400000 ms");
    if (!lua_isyieldable(L))
        return wait_here(L, 0, slept);
    s->state = STRAND_WAITING;
    s->call->world->sleep(s, (uint64_t)ms);
    return lua_yieldk(L, 0, 0, slept);
}

static int
ctx_now(lua_State *L)
{
    struct call *c = strand_here(L)->call;
    lua_pushinteger(L, (lua_Integer)c->world->wall_ms(c));
    return 1;
}

static int
ctx_deadline(lua_State *L)
{
    struct call *c = strand_here(L)->call;
    uint64_t left = c->world->left_ms(c);
    if (left == UINT64_MAX)
        lua_pushnil(L);
    else
        lua_pushinteger(L, (lua_Integer)left);
    return 1;
}

/* -- log -- */

/* A line, with level and text at 1 and 2. */
static void
write_line(lua_State *L, uint32_t level, const struct weir_value *fields)
{
    struct call *c = strand_here(L)->call;
    struct weir_text text;
    uint64_t max = c->vm->script->limits.log_lines;
    text.bytes = lua_tolstring(L, 2, &text.len);
    if (c->log_lines < max) {
        c->world->log(c, level, text, fields);
    } else if (c->log_lines == max) {
        c->world->aborted(c, ABORT_LOG);
        c->world->log(
            c, WEIR_WARN,
            WEIR_TEXT("the script logs more lines than it may; the others are dropped"), NULL);
    }
    c->log_lines++;
}

static const char *const levels[] = { "debug", "info", "warn", "error", NULL };

static int
log_fields(lua_State *L, const struct weir_value *fields, const struct weir_error *err)
{
    if (fields == NULL)
        return luaL_error(L, "the fields: %s", err->text);
    bool map = host->type(fields) == WEIR_MAP;
    if (map)
        write_line(L, (uint32_t)luaL_checkoption(L, 1, NULL, levels), fields);
    host->unref(&fields);
    return map ? 0 : luaL_error(L, "the fields must be a map");
}

static int
ctx_log(lua_State *L)
{
    (void)strand_here(L);
    int level = luaL_checkoption(L, 1, NULL, levels);
    (void)luaL_checkstring(L, 2);
    lua_settop(L, 3);
    if (!lua_isnil(L, 3))
        return value_make_then(L, 3, log_fields);
    write_line(L, (uint32_t)level, NULL);
    return 0;
}

/* -- side by side -- */

/* Pushes nil and the error of a child that failed, or returned nil and one; 0: it did neither.
 */
static int
child_error(lua_State *L, struct strand *child)
{
    if (child->failed) {
        lua_pushnil(L);
        fault_push(L, &child->error);
        return 2;
    }
    if (lua_gettop(child->co) >= 2 && lua_isnil(child->co, 1) && !lua_isnil(child->co, 2)) {
        lua_pushnil(L);
        lua_pushvalue(child->co, 2);
        lua_xmove(child->co, L, 1);
        return 2;
    }
    return 0;
}

static int
all_ended(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    struct strand *s = strand_here(L);
    s->joins = false;
    lua_settop(L, 0);
    for (unsigned i = 0; i < s->n_children; i++)
        if (s->children[i]->state == STRAND_OVER && child_error(L, s->children[i])) {
            strand_drop_children(s);
            return 2;
        }
    lua_createtable(L, (int)s->n_children, 0);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_of(L)->array_meta);
    lua_setmetatable(L, -2);
    for (unsigned i = 0; i < s->n_children; i++) {
        lua_State *co = s->children[i]->co;
        if (lua_gettop(co) > 0 && !lua_isnil(co, 1)) {
            lua_pushvalue(co, 1);
            lua_xmove(co, L, 1);
        } else {
            lua_pushlightuserdata(L, (void *)(uintptr_t)&null_key);
        }
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    strand_drop_children(s);
    return 1;
}

/* all { f, g }: a list of what they return; nil and the first error, and then the others are
 * ended. */
static int
ctx_all(lua_State *L)
{
    struct strand *s = strand_here(L);
    lua_settop(L, 1);
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t n = lua_rawlen(L, 1);
    luaL_argcheck(L, n <= ALL_MAX, 1, "at most 64 functions");
    for (size_t i = 1; i <= n; i++) {
        luaL_argcheck(L, lua_rawgeti(L, 1, (lua_Integer)i) == LUA_TFUNCTION, 1,
                      "a list of functions is needed");
        lua_pop(L, 1);
    }
    if (n == 0) {
        lua_settop(L, 1);
        return 1;
    }
    if (!lua_isyieldable(L))
        return wait_here(L, 0, all_ended);
    strand_drop_children(s); /* of one that threw */
    if (!strands_fit(s->call, n))
        return luaL_error(L, "more than 256 functions side by side");
    for (size_t i = 1; i <= n; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i);
        (void)strand_new(L, s);
    }
    s->joins = true;
    return wait_here(L, 0, all_ended);
}

/* -- run and steps -- */

/* Pushes what the engine has under ROOT and NAME; NAME empty: under ROOT. */
static int
push_lookup(lua_State *L, struct weir_text root, struct weir_text name)
{
    struct call *c = strand_here(L)->call;
    const struct weir_text path[] = { root, name };
    const struct weir_value *v = NULL;
    struct weir_error err = { 0 };
    uint32_t code = c->world->lookup(c, path, name.len > 0 ? 2 : 1, &v, &err);
    host->unref(&err.detail);
    if (code == WEIR_NOT_FOUND) {
        lua_pushnil(L);
        return 1;
    }
    if (code != WEIR_OK)
        return luaL_error(L, "%s", err.text);
    /* The strand keeps it, so that it is given back if pushing throws. */
    struct strand *s = strand_here(L);
    host->unref(&s->answer);
    s->answer = v;
    value_push(L, v, 0);
    host->unref(&s->answer);
    return 1;
}

static int
steps_index(lua_State *L)
{
    struct weir_text name = { "", 0 };
    if (lua_type(L, 2) == LUA_TSTRING)
        name.bytes = lua_tolstring(L, 2, &name.len);
    if (name.len == 0) {
        lua_pushnil(L);
        return 1;
    }
    return push_lookup(L, WEIR_TEXT("steps"), name);
}

/* A name that is no function: run, steps, or a node that nobody lent. Upvalue 1: steps. */
static int
ctx_index(lua_State *L)
{
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (strcmp(name, "run") == 0)
        return push_lookup(L, WEIR_TEXT("run"), (struct weir_text){ "", 0 });
    if (strcmp(name, "steps") == 0) {
        lua_pushvalue(L, lua_upvalueindex(1));
        return 1;
    }
    return luaL_error(L, "ctx has no '%s': no node of that name is lent under 'uses'", name);
}

void
ctx_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "sleep", ctx_sleep }, { "now", ctx_now }, { "deadline", ctx_deadline },
        { "log", ctx_log },     { "all", ctx_all }, { NULL, NULL },
    };
    const struct script *s = vm_of(L)->script;
    lua_newtable(L);
    for (unsigned i = 0; i < s->n_lends; i++) {
        lua_pushinteger(L, i);
        lua_pushcclosure(L, lent, 1);
        lua_setfield(L, -2, s->lends[i].name);
    }
    luaL_setfuncs(L, functions, 0);
    /* What is not among them is looked for by ctx_index. */
    lua_createtable(L, 0, 1);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, steps_index);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    freeze(L, "ctx.steps");
    lua_pushcclosure(L, ctx_index, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    freeze(L, "ctx");
}
