/* lua/encode.c - see script.h: weir.json.encode.
 *
 * What is small is written by the engine as it is. What is not is taken apart into what is, so
 * that others have their turn between the pieces; no more of it is made than fits into a string.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

/* What weighs no more (value_weight) is written at once. */
#define SMALL 8192u
/* Bytes of a long text that are written at once; whole groups of base64. */
#define PIECE (3u * 8192)
/* Levels that are taken apart; what is deeper is written at once. */
#define LEVELS (VALUE_DEPTH + 1)

/* A list, map or text of which a part is written. */
struct level {
    const struct weir_value *v; /* of ROOT */
    size_t i;                   /* members or bytes */
};

struct encoding {
    const struct weir_value *root; /* owned */
    char *text;
    size_t len;
    size_t room;
    unsigned depth;
    struct level *levels; /* LEVELS of them, if any is needed */
};

/* Metatable of encodings. */
static const char encoding_key;

static int
encoding_gc(lua_State *L)
{
    struct encoding *e = lua_touserdata(L, 1);
    host->unref(&e->root);
    free(e->text);
    free(e->levels);
    *e = (struct encoding){ 0 };
    return 0;
}

/* Adds a piece; throws nothing. */
static void
add(struct encoding *e, const char *bytes, size_t len)
{
    if (e->len + len > e->room) {
        e->room = e->len + len + e->room + SMALL;
        e->text = realloc(e->text, e->room);
        if (e->text == NULL)
            abort();
    }
    memcpy(e->text + e->len, bytes, len);
    e->len += len;
}

/* Pays for LEN bytes that were added; ends the script if there are more than a string may have. */
static void
pay(lua_State *L, const struct encoding *e, size_t len)
{
    struct vm *vm = vm_of(L);
    charge(L, 1 + len / 8);
    if (e->len <= vm->heap.max_string)
        return;
    budget_end(vm, ABORT_MEMORY);
    throw_abort(L);
}

/* Adds V as the engine writes it. */
static void
add_whole(lua_State *L, struct encoding *e, const struct weir_value *v)
{
    char line[32];
    int64_t i;
    struct weir_text t;
    struct weir_error err = { 0 };
    const struct weir_value *text = NULL;
    size_t before = e->len;
    if (host->type(v) == WEIR_INT && host->get_int(v, &i)) {
        add(e, line, (size_t)snprintf(line, sizeof line, "%lld", (long long)i));
    } else {
        if (host->json_write(v, &text, &err) != WEIR_OK)
            luaL_error(L, "%s", err.text);
        (void)host->get_text(text, &t);
        add(e, t.bytes, t.len);
        host->unref(&text);
    }
    pay(L, e, e->len - before);
}

/* How many of the bytes of the text T, from AT on, are written at once: no character is cut. */
static size_t
piece_of(struct weir_text t, size_t at, bool utf8)
{
    size_t len = t.len - at < PIECE ? t.len - at : PIECE;
    while (utf8 && at + len < t.len && ((unsigned char)t.bytes[at + len] & 0xc0) == 0x80)
        len--;
    return len;
}

/* The next piece of a long text. */
static void
add_piece(lua_State *L, struct encoding *e, struct level *l)
{
    struct weir_text t;
    struct weir_error err = { 0 };
    const struct weir_value *text = NULL;
    (void)host->get_text(l->v, &t);
    bool string = host->type(l->v) == WEIR_STRING;
    struct weir_text piece = { t.bytes + l->i, piece_of(t, l->i, string) };
    const struct weir_value *v = string ? host->string(piece) : host->bytes(piece);
    uint32_t code = host->json_write(v, &text, &err);
    host->unref(&v);
    if (code != WEIR_OK)
        luaL_error(L, "%s", err.text);
    bool first = l->i == 0;
    l->i += piece.len;
    bool last = l->i == t.len;
    (void)host->get_text(text, &t);
    add(e, t.bytes + !first, t.len - !first - !last); /* without the quotes in the middle */
    size_t len = t.len;
    host->unref(&text);
    if (last)
        e->depth--;
    pay(L, e, len);
}

/* Writes V, or begins with what is in it. */
static void
enter(lua_State *L, struct encoding *e, const struct weir_value *v)
{
    uint32_t type = host->type(v);
    bool text = type == WEIR_STRING || type == WEIR_BYTES;
    bool parts = text || type == WEIR_LIST || type == WEIR_MAP;
    if (!parts || e->depth == LEVELS || value_weight(v, SMALL) < SMALL) {
        add_whole(L, e, v);
        return;
    }
    if (e->levels == NULL && (e->levels = calloc(LEVELS, sizeof *e->levels)) == NULL)
        abort();
    e->levels[e->depth++] = (struct level){ .v = v };
    if (!text)
        add(e, type == WEIR_LIST ? "[" : "{", 1);
}

/* Adds the key of a member. */
static void
add_key(lua_State *L, struct encoding *e, struct weir_text key)
{
    struct weir_error err = { 0 };
    struct weir_text t;
    const struct weir_value *text = NULL;
    const struct weir_value *name = host->string(key);
    uint32_t code = host->json_write(name, &text, &err);
    host->unref(&name);
    if (code != WEIR_OK)
        luaL_error(L, "%s", err.text);
    (void)host->get_text(text, &t);
    add(e, t.bytes, t.len);
    add(e, ":", 1);
    size_t len = t.len;
    host->unref(&text);
    pay(L, e, len);
}

/* The next member, or the end of the innermost level. */
static void
step(lua_State *L, struct encoding *e)
{
    struct level *l = &e->levels[e->depth - 1];
    uint32_t type = host->type(l->v);
    const struct weir_value *item = NULL;
    struct weir_text key;
    if (type == WEIR_STRING || type == WEIR_BYTES) {
        add_piece(L, e, l);
        return;
    }
    size_t i = l->i++;
    if (i == host->len(l->v)) {
        e->depth--;
        add(e, type == WEIR_LIST ? "]" : "}", 1);
        return;
    }
    if (i > 0)
        add(e, ",", 1);
    if (type == WEIR_LIST) {
        item = host->at(l->v, i);
    } else {
        (void)host->member(l->v, i, &key, &item);
        add_key(L, e, key);
    }
    enter(L, e, item);
}

static int
go_on(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    struct encoding *e = (struct encoding *)context;
    struct vm *vm = vm_of(L);
    for (unsigned n = 1; e->depth > 0; n++) {
        step(L, e);
        if (n % 4 == 0 && slice_is_over(vm) && lua_isyieldable(L)) {
            vm->preempted = true;
            return lua_yieldk(L, 0, context, go_on);
        }
    }
    lua_pushlstring(L, e->text, e->len);
    (void)encoding_gc(L);
    return 1;
}

/* The value V, which the encoding at 1 owns. */
static int
encode(lua_State *L, const struct weir_value *v, const struct weir_error *err)
{
    struct encoding *e = lua_touserdata(L, 1);
    e->root = v;
    if (v != NULL) {
        enter(L, e, v);
        return go_on(L, LUA_OK, (lua_KContext)e);
    }
    if (vm_of(L)->budget && vm_of(L)->budget->reason != ABORT_NONE)
        return throw_abort(L);
    return luaL_error(L, "%s", err->text);
}

int
json_encode(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    struct encoding *e = lua_newuserdatauv(L, sizeof *e, 0);
    *e = (struct encoding){ 0 };
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &encoding_key) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 1);
        lua_pushcfunction(L, encoding_gc);
        lua_setfield(L, -2, "__gc");
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &encoding_key);
    }
    lua_setmetatable(L, -2);
    lua_insert(L, 1);
    return value_make_then(L, 2, encode);
}
