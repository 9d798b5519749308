/* lua/value.c - see script.h: values of the engine as a script sees them.
 *
 * A map or list is a userdata that reads its fields from the engine's value when they are
 * touched. What it gave out as a proxy is kept in a table beside it, so that a change further
 * down is found again. The first write copies its own level into that table; from then on the
 * table is what it shows, and the original says the order of the keys. A null is nil to the
 * script and a sentinel in the table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "proxy.h"

const char null_key;

/* How many of a call's latest originals are searched for one that is pushed once more. */
#define SEARCHED 8u

/* Memory of the host that proxies of one value keep alive together. What a call lends its
 * script costs nothing as long as the call goes on: the engine holds it. When it has ended, it
 * waits for garbage to be collected; what is still there then costs like anything else. */
struct origin {
    unsigned users;
    uint64_t cost;
    uint64_t *sum;              /* that COST is part of; NULL: it costs nothing yet */
    const struct weir_value *v; /* to be weighed; that of a proxy that lives; NULL: it was */
    struct origin *next;        /* of the call, or of those that wait */
    struct origin **at;         /* what points to it there; NULL: it is in no list */
};

static void
origin_link(struct origin *o, struct origin **list)
{
    o->next = *list;
    o->at = list;
    if (o->next != NULL)
        o->next->at = &o->next;
    *list = o;
}

static void
origin_unlink(struct origin *o)
{
    if (o->at == NULL)
        return;
    *o->at = o->next;
    if (o->next != NULL)
        o->next->at = o->at;
    o->at = NULL;
}

static void
origin_leave(struct origin *o)
{
    if (o == NULL || --o->users > 0)
        return;
    if (o->sum != NULL)
        *o->sum -= o->cost;
    origin_unlink(o);
    free(o);
}

/* Notes what its value weighs, while it is there. */
static void
origin_weigh(struct origin *o, const struct vm *vm)
{
    if (o->v == NULL)
        return;
    o->cost = value_weight(o->v, vm->heap.max + 1);
    o->v = NULL;
}

static void
origin_count(struct origin *o, uint64_t *sum)
{
    o->sum = sum;
    *sum += o->cost;
}

static struct origin *
origin_new(void)
{
    struct origin *o = zeroed(1, sizeof *o);
    o->users = 1;
    return o;
}

/* The proxy P was made of something that its call lends. */
static void
lend(struct vm *vm, struct proxy *p)
{
    if (vm->strand == NULL)
        return;
    struct call *c = vm->strand->call;
    unsigned n = 0;
    for (struct origin *o = c->origins; o != NULL && n < SEARCHED; o = o->next, n++)
        if (o->v == p->v) {
            o->users++;
            p->origin = o;
            return;
        }
    p->origin = origin_new();
    p->origin->v = p->v;
    origin_link(p->origin, &c->origins);
}

void
value_settle(struct vm *vm)
{
    for (struct origin *o; (o = vm->ended) != NULL;) {
        origin_unlink(o);
        *o->sum -= o->cost;
        origin_count(o, &vm->heap.outside);
    }
}

void
value_end_call(struct call *c)
{
    struct vm *vm = c->vm;
    for (struct origin *o; (o = c->origins) != NULL;) {
        origin_weigh(o, vm);
        origin_unlink(o);
        origin_link(o, &vm->ended);
        origin_count(o, &vm->heap.waiting);
        if (vm->heap.waiting > vm->heap.max / 4)
            heap_ask(&vm->heap);
    }
}

static int
proxy_gc(lua_State *L)
{
    struct proxy *p = lua_touserdata(L, 1);
    if (p->origin != NULL && p->origin->v == p->v && p->origin->users > 1)
        origin_weigh(p->origin, vm_of(L)); /* parts of it live on, and keep all of it */
    host->unref(&p->v);
    origin_leave(p->origin);
    p->origin = NULL;
    return 0;
}

/* Pushes a proxy of V that shares in ORIGIN. Throws. */
static struct proxy *
proxy_push(lua_State *L, const struct weir_value *v, struct origin *origin)
{
    struct proxy *p = lua_newuserdatauv(L, sizeof *p, 1);
    memset(p, 0, sizeof *p);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_meta_key);
    lua_setmetatable(L, -2);
    p->v = host->ref(v);
    p->origin = origin;
    if (origin != NULL)
        origin->users++;
    return p;
}

static void
push_scalar_or(lua_State *L, const struct weir_value *v, struct origin *origin, bool frozen)
{
    bool b = false;
    int64_t i = 0;
    double d = 0;
    struct weir_text t;
    switch (v == NULL ? WEIR_NULL : host->type(v)) {
    case WEIR_NULL:
        lua_pushnil(L);
        return;
    case WEIR_BOOL:
        (void)host->get_bool(v, &b);
        lua_pushboolean(L, b);
        return;
    case WEIR_INT:
        (void)host->get_int(v, &i);
        lua_pushinteger(L, i);
        return;
    case WEIR_DOUBLE:
        (void)host->get_double(v, &d);
        lua_pushnumber(L, d);
        return;
    case WEIR_STRING:
    case WEIR_BYTES:
        (void)host->get_text(v, &t);
        charge(L, t.len / 64);
        lua_pushlstring(L, t.bytes, t.len);
        return;
    default:
        proxy_push(L, v, origin)->frozen = frozen;
    }
}

int
value_collect(lua_State *L, lua_KFunction then)
{
    struct vm *vm = vm_of(L);
    heap_ask(&vm->heap);
    if (!lua_isyieldable(L)) { /* nothing of a script's is, so nobody is kept waiting */
        (void)vm_collect(vm, UINT64_MAX);
        return then(L, LUA_OK, 0);
    }
    vm->preempted = true;
    return lua_yieldk(L, 0, 0, then);
}

void
value_push(lua_State *L, const struct weir_value *v, uint64_t cost)
{
    push_scalar_or(L, v, NULL, false);
    if (lua_type(L, -1) != LUA_TUSERDATA)
        return;
    struct vm *vm = vm_of(L);
    struct proxy *p = lua_touserdata(L, -1);
    if (cost == 0) {
        lend(vm, p);
        return;
    }
    p->origin = origin_new();
    p->origin->cost = cost;
    origin_count(p->origin, &vm->heap.outside);
    heap_check(&vm->heap);
}

void
value_push_original(lua_State *L, int index)
{
    const struct proxy *p = lua_touserdata(L, index);
    proxy_push(L, p->v, p->origin);
}

void
value_push_frozen(lua_State *L, const struct weir_value *v)
{
    push_scalar_or(L, v, NULL, true);
    if (lua_type(L, -1) == LUA_TUSERDATA)
        lend(vm_of(L), lua_touserdata(L, -1));
}

bool
value_is_proxy(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index))
        return false;
    bool same = lua_topointer(L, -1) == vm_of(L)->value_meta;
    lua_pop(L, 1);
    return same;
}

struct proxy_look
value_look(lua_State *L, int index)
{
    const struct proxy *p = lua_touserdata(L, index);
    lua_getiuservalue(L, index, 1);
    return (struct proxy_look){ p->v, p->own, p->frozen };
}

const struct weir_value *
proxy_original(lua_State *L, const struct proxy *p, int key)
{
    if (lua_type(L, key) == LUA_TSTRING) {
        struct weir_text name;
        name.bytes = lua_tolstring(L, key, &name.len);
        return host->get(p->v, name);
    }
    int whole = 0;
    lua_Integer i = lua_type(L, key) == LUA_TNUMBER ? lua_tointegerx(L, key, &whole) : 0;
    return whole && i >= 1 ? host->at(p->v, (size_t)i - 1) : NULL;
}

void
proxy_push_table(lua_State *L, int index)
{
    if (lua_getiuservalue(L, index, 1) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, index, 1);
}

void
proxy_without_null(lua_State *L)
{
    if (lua_touserdata(L, -1) == &null_key) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
}

void
proxy_push_field(lua_State *L, int index, int key, const struct weir_value *v)
{
    const struct proxy *p = lua_touserdata(L, index);
    uint32_t type = v == NULL ? WEIR_NULL : host->type(v);
    if (type < WEIR_LIST) {
        push_scalar_or(L, v, NULL, false);
        return;
    }
    if (lua_getiuservalue(L, index, 1) == LUA_TTABLE) {
        lua_pushvalue(L, key);
        if (lua_rawget(L, -2) != LUA_TNIL) {
            lua_remove(L, -2);
            return;
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    proxy_push(L, v, p->origin)->frozen = p->frozen;
    proxy_push_table(L, index);
    lua_pushvalue(L, key);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

void
value_field(lua_State *L, int index, int key)
{
    index = lua_absindex(L, index);
    key = lua_absindex(L, key);
    const struct proxy *p = lua_touserdata(L, index);
    if (!p->own) {
        proxy_push_field(L, index, key, proxy_original(L, p, key));
        return;
    }
    lua_getiuservalue(L, index, 1);
    lua_pushvalue(L, key);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    proxy_without_null(L);
}

static int
proxy_index(lua_State *L)
{
    value_field(L, 1, 2);
    return 1;
}

void
value_set(lua_State *L, int index, int key)
{
    index = lua_absindex(L, index);
    key = lua_absindex(L, key);
    const struct proxy *p = lua_touserdata(L, index);
    bool list = host->type(p->v) == WEIR_LIST;
    int whole = 0; /* 2.0 is the key 2, as in a table */
    if (list && lua_type(L, key) == LUA_TNUMBER)
        (void)lua_tointegerx(L, key, &whole);
    if (list ? !whole : lua_type(L, key) != LUA_TSTRING)
        luaL_error(L, "a %s has no field of type %s", list ? "list" : "map",
                   luaL_typename(L, key));
    value_own(L, index);
    lua_pushvalue(L, key);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 2);
}

static int
proxy_newindex(lua_State *L)
{
    lua_settop(L, 3);
    if (!value_is_own(L, 1))
        return value_own_first(L, proxy_newindex);
    value_set(L, 1, 2);
    return 0;
}

size_t
value_length(lua_State *L, int index)
{
    const struct proxy *p = lua_touserdata(L, index);
    if (host->type(p->v) != WEIR_LIST)
        return 0;
    if (!p->own)
        return host->len(p->v);
    lua_getiuservalue(L, index, 1);
    size_t n = lua_rawlen(L, -1);
    lua_pop(L, 1);
    return n;
}

static int
proxy_len(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)value_length(L, 1));
    return 1;
}

static int
proxy_eq(lua_State *L)
{
    if (!value_is_proxy(L, 1) || !value_is_proxy(L, 2))
        return 0;
    const struct proxy *a = lua_touserdata(L, 1);
    const struct proxy *b = lua_touserdata(L, 2);
    lua_pushboolean(L, a->v == b->v && !a->own && !b->own);
    return 1;
}

void
value_open(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "__index", proxy_index }, { "__newindex", proxy_newindex },
        { "__len", proxy_len },     { "__eq", proxy_eq },
        { "__gc", proxy_gc },       { NULL, NULL },
    };
    struct vm *vm = vm_of(L);
    luaL_newlib(L, methods);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "table");
    lua_setfield(L, -2, "__name");
    vm->value_meta = lua_topointer(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &vm_meta_key);
    lua_createtable(L, 0, 1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    vm->array_meta = lua_topointer(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &vm->array_meta);
    value_make_open(L);
}
