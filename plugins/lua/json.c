/* lua/json.c - see script.h: weir.json, and its decode; encode is in encode.c.
 *
 * Reading takes memory of the host, many times what is read: what may not fit is refused before
 * any of it is made.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "script.h"

/* Pushes V and gives it back, also if pushing throws: in a box whose finalizer does. */
static void
push_owned(lua_State *L, const struct weir_value *v, uint64_t cost)
{
    const struct weir_value **box = lua_touserdata(L, -1);
    *box = v;
    value_push(L, v, cost);
    host->unref(box);
    lua_remove(L, -2);
}

static int
box_gc(lua_State *L)
{
    const struct weir_value **box = lua_touserdata(L, 1);
    host->unref(box);
    return 0;
}

static void
push_box(lua_State *L)
{
    const struct weir_value **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    if (luaL_newmetatable(L, "weir.box")) {
        lua_pushcfunction(L, box_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
}

/* -- reading -- */

/* Behind the string that begins at P; adds its bytes to *SUM. */
static const char *
skip_string(const char *p, const char *end, uint64_t *sum)
{
    for (p++; p < end && *p != '"'; ++*sum)
        p += *p != '\\' ? 1 : p + 1 < end && p[1] == 'u' ? 6 : 2;
    return p < end ? p + 1 : end;
}

/* What the values of a JSON text weigh at least (value_weight), counted up to MAX: as many as
 * it has commas, and one in each list or map that is not empty. */
static uint64_t
json_weight(struct weir_text t, uint64_t max)
{
    uint64_t sum = VALUE_WEIGHT;
    bool opened = false;
    const char *end = t.bytes + t.len;
    for (const char *p = t.bytes; p < end && sum <= max;) {
        if (*p == ' ' || (*p >= '\t' && *p <= '\r')) {
            p++;
            continue;
        }
        if (*p == ',' || (opened && *p != ']' && *p != '}'))
            sum += VALUE_WEIGHT;
        opened = *p == '[' || *p == '{';
        p = *p == '"' ? skip_string(p, end, &sum) : p + 1;
    }
    return sum;
}

static uint64_t
memory_left(const struct heap *h)
{
    uint64_t taken = h->used + h->outside;
    return taken < h->max ? h->max - taken : 0;
}

static int
give_error(lua_State *L, struct weir_error *err)
{
    host->unref(&err->detail);
    lua_pushnil(L);
    fault_push(L, err);
    return 2;
}

/* A worker has read the text. */
static int
was_read(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    struct strand *s = vm_of(L)->strand;
    if (s->answer == NULL)
        return give_error(L, &s->error);
    value_push(L, s->answer, s->weight);
    host->unref(&s->answer);
    return 1;
}

/* The text at 1, whose values weigh WEIGHT at least: there is room for them. */
static int
decode(lua_State *L, uint64_t weight)
{
    struct weir_text t;
    t.bytes = lua_tolstring(L, 1, &t.len);
    struct weir_error err = { 0 };
    const struct weir_value *v = NULL;
    if (work_is_large(L, t.len))
        return work_json(L, t, weight, was_read);
    push_box(L);
    if (host->json_read(t, &v, &err) != WEIR_OK)
        return give_error(L, &err);
    push_owned(L, v, value_weight(v, UINT64_MAX));
    return 1;
}

/* Garbage was collected: what does not fit now ends the script, before there is any of it. */
static int
decode_or_end(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    struct vm *vm = vm_of(L);
    struct weir_text t;
    t.bytes = lua_tolstring(L, 1, &t.len);
    uint64_t weight = json_weight(t, vm->heap.max);
    if (weight <= memory_left(&vm->heap))
        return decode(L, weight);
    budget_end(vm, ABORT_MEMORY);
    return throw_abort(L);
}

static int
json_decode(lua_State *L)
{
    struct vm *vm = vm_of(L);
    struct weir_text t;
    t.bytes = luaL_checklstring(L, 1, &t.len);
    lua_settop(L, 1);
    uint64_t weight = json_weight(t, vm->heap.max);
    charge(L, t.len / 8 + weight / 16);
    if (weight <= memory_left(&vm->heap))
        return decode(L, weight);
    return value_collect(L, decode_or_end);
}

void
json_open(lua_State *L)
{
    static const luaL_Reg functions[] = { { "encode", json_encode },
                                          { "decode", json_decode },
                                          { NULL, NULL } };
    luaL_newlib(L, functions);
}
