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

#include "script.h"

const char null_key;

/* Memory of the host that proxies of one value keep alive together. */
struct origin {
    unsigned users;
    uint64_t cost;
};

struct proxy {
    const struct weir_value *v; /* owned */
    struct origin *origin;      /* shared; NULL: it costs nothing */
    bool own;                   /* the table has all of it */
    bool frozen;
};

static struct weir_text
text_at(lua_State *L, int index)
{
    struct weir_text t;
    t.bytes = lua_tolstring(L, index, &t.len);
    return t;
}

static void
origin_leave(struct vm *vm, struct origin *o)
{
    if (o == NULL || --o->users > 0)
        return;
    vm->heap.outside -= o->cost;
    free(o);
}

static int
proxy_gc(lua_State *L)
{
    struct proxy *p = lua_touserdata(L, 1);
    host->unref(&p->v);
    origin_leave(vm_of(L), p->origin);
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

/* Collects garbage if the memory is full, and ends the script if that was not enough. */
static void
make_room(lua_State *L, struct vm *vm)
{
    if (vm->heap.used + vm->heap.outside <= vm->heap.max)
        return;
    lua_gc(L, LUA_GCCOLLECT);
    if (vm->heap.used + vm->heap.outside <= vm->heap.max)
        return;
    budget_end(vm, ABORT_MEMORY);
    throw_abort(L);
}

void
value_push(lua_State *L, const struct weir_value *v, uint64_t cost)
{
    push_scalar_or(L, v, NULL, false);
    if (cost == 0 || lua_type(L, -1) != LUA_TUSERDATA)
        return;
    struct vm *vm = vm_of(L);
    struct proxy *p = lua_touserdata(L, -1);
    p->origin = malloc(sizeof *p->origin);
    if (p->origin == NULL)
        abort();
    *p->origin = (struct origin){ 1, cost };
    vm->heap.outside += cost;
    make_room(L, vm);
}

void
value_push_frozen(lua_State *L, const struct weir_value *v)
{
    push_scalar_or(L, v, NULL, true);
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

/* The original's field for the key at KEY; NULL: it has none. */
static const struct weir_value *
original(lua_State *L, const struct proxy *p, int key)
{
    if (lua_type(L, key) == LUA_TSTRING)
        return host->get(p->v, text_at(L, key));
    int whole = 0;
    lua_Integer i = lua_type(L, key) == LUA_TNUMBER ? lua_tointegerx(L, key, &whole) : 0;
    return whole && i >= 1 ? host->at(p->v, (size_t)i - 1) : NULL;
}

/* Pushes the table of the proxy at INDEX, made if there is none. Throws. */
static void
table_of(lua_State *L, int index)
{
    if (lua_getiuservalue(L, index, 1) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, index, 1);
}

/* Replaces a sentinel on the top by nil. */
static void
without_null(lua_State *L)
{
    if (lua_touserdata(L, -1) == &null_key) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
}

/* Pushes the field of the proxy at INDEX whose value is V and whose key is at KEY. */
static void
push_field(lua_State *L, int index, int key, const struct weir_value *v)
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
    table_of(L, index);
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
        push_field(L, index, key, original(L, p, key));
        return;
    }
    lua_getiuservalue(L, index, 1);
    lua_pushvalue(L, key);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    without_null(L);
}

static int
proxy_index(lua_State *L)
{
    value_field(L, 1, 2);
    return 1;
}

/* Fills the table on the top with the level of the proxy at INDEX. */
static void
copy_level(lua_State *L, int index, const struct weir_value *v)
{
    bool list = host->type(v) == WEIR_LIST;
    size_t n = host->len(v);
    charge(L, n);
    for (size_t i = 0; i < n; i++) {
        struct weir_text key;
        const struct weir_value *item = host->at(v, i);
        if (list) {
            lua_pushinteger(L, (lua_Integer)i + 1);
        } else {
            (void)host->member(v, i, &key, &item);
            lua_pushlstring(L, key.bytes, key.len);
        }
        push_field(L, index, lua_gettop(L), item);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            lua_pushlightuserdata(L, (void *)(uintptr_t)&null_key);
        }
        lua_rawset(L, -3);
    }
}

void
value_own(lua_State *L, int index)
{
    index = lua_absindex(L, index);
    struct proxy *p = lua_touserdata(L, index);
    luaL_checkstack(L, 8, NULL);
    if (p->frozen)
        luaL_error(L, "a configuration can't be changed; weir.merge(config, {}) gives a copy");
    if (host->type(p->v) == WEIR_STREAM)
        luaL_error(L, "a stream has no fields");
    table_of(L, index);
    if (p->own)
        return;
    copy_level(L, index, p->v);
    p->own = true;
}

void
value_set(lua_State *L, int index, int key)
{
    index = lua_absindex(L, index);
    key = lua_absindex(L, key);
    const struct proxy *p = lua_touserdata(L, index);
    bool list = host->type(p->v) == WEIR_LIST;
    if (list ? !lua_isinteger(L, key) : lua_type(L, key) != LUA_TSTRING)
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

/* Pushes key and value of the original's member I as the proxy at INDEX shows it. False, with
 * nothing pushed, if the script has removed it. */
static bool
push_member(lua_State *L, int index, size_t i)
{
    const struct proxy *p = lua_touserdata(L, index);
    struct weir_text key;
    const struct weir_value *item = host->at(p->v, i);
    if (host->type(p->v) == WEIR_LIST) {
        lua_pushinteger(L, (lua_Integer)i + 1);
    } else {
        (void)host->member(p->v, i, &key, &item);
        lua_pushlstring(L, key.bytes, key.len);
    }
    if (!p->own) {
        push_field(L, index, lua_gettop(L), item);
        return true;
    }
    lua_getiuservalue(L, index, 1);
    lua_pushvalue(L, -2);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 2);
        return false;
    }
    without_null(L);
    return true;
}

/* Pushes the next key that the script has added after the key at KEY (0: the first), and its
 * value; 0 if there is none. */
static int
push_added(lua_State *L, int index, int key)
{
    const struct proxy *p = lua_touserdata(L, index);
    if (!p->own)
        return 0;
    lua_getiuservalue(L, index, 1);
    int table = lua_gettop(L);
    if (key == 0)
        lua_pushnil(L);
    else
        lua_pushvalue(L, key);
    while (lua_next(L, table)) {
        lua_pushvalue(L, -2);
        bool old = original(L, p, lua_gettop(L)) != NULL;
        lua_pop(L, 1);
        charge(L, 1);
        if (!old) {
            without_null(L);
            return 2;
        }
        lua_pop(L, 1);
    }
    return 0;
}

/* The step of pairs: upvalue 1 counts the members of the original that were seen. */
static int
pairs_step(lua_State *L)
{
    lua_settop(L, 2);
    const struct proxy *p = lua_touserdata(L, 1);
    size_t n = host->len(p->v);
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(1));
    bool there = false;
    while (!there && (size_t)i < n)
        there = push_member(L, 1, (size_t)i++);
    if (there) {
        lua_pushinteger(L, i);
        lua_replace(L, lua_upvalueindex(1));
        return 2;
    }
    bool first = (size_t)i == n;
    lua_pushinteger(L, (lua_Integer)n + 1);
    lua_replace(L, lua_upvalueindex(1));
    int pushed = push_added(L, 1, first ? 0 : 2);
    if (pushed == 0)
        lua_pushnil(L);
    return pushed == 0 ? 1 : 2;
}

int
value_pairs(lua_State *L, int index)
{
    index = lua_absindex(L, index);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, pairs_step, 1);
    lua_pushvalue(L, index);
    lua_pushnil(L);
    return 3;
}

/* The place of the key at KEY in the original, from 1; 0: it is not there. */
static size_t
place_of(lua_State *L, const struct proxy *p, int key)
{
    if (original(L, p, key) == NULL)
        return 0;
    if (lua_type(L, key) == LUA_TNUMBER)
        return (size_t)lua_tointeger(L, key);
    struct weir_text name = text_at(L, key);
    size_t n = host->len(p->v);
    charge(L, n / 4);
    for (size_t i = 0; i < n; i++) {
        struct weir_text at;
        const struct weir_value *v;
        (void)host->member(p->v, i, &at, &v);
        if (at.len == name.len && memcmp(at.bytes, name.bytes, at.len) == 0)
            return i + 1;
    }
    return 0;
}

int
value_next(lua_State *L, int index, int key)
{
    index = lua_absindex(L, index);
    const struct proxy *p = lua_touserdata(L, index);
    bool first = lua_isnoneornil(L, key);
    size_t place = first ? 0 : place_of(L, p, key);
    if (first || place > 0)
        for (size_t i = place; i < host->len(p->v); i++)
            if (push_member(L, index, i))
                return 2;
    int pushed = push_added(L, index, first || place > 0 ? 0 : key);
    if (pushed == 0)
        lua_pushnil(L);
    return pushed == 0 ? 1 : 2;
}

uint64_t
value_weight(const struct weir_value *v, uint64_t max)
{
    uint64_t sum = 48;
    uint32_t type = host->type(v);
    if (type < WEIR_LIST)
        return sum + (type >= WEIR_STRING ? host->len(v) : 0);
    struct weir_text key = { NULL, 0 };
    for (size_t i = 0, n = type == WEIR_STREAM ? 0 : host->len(v); i < n && sum < max; i++) {
        const struct weir_value *item = host->at(v, i);
        if (type == WEIR_MAP)
            (void)host->member(v, i, &key, &item);
        sum += key.len + value_weight(item, max - sum);
    }
    return sum;
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
}
