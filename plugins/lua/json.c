/* lua/json.c - see script.h: weir.json.
 *
 * Reading and writing take memory of the host, many times what is read or written: what may not
 * fit is refused before any of it is made.
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

/* Ends the script if what the text holds does not fit into its memory, before there is any of
 * it. */
static void
check_fits(lua_State *L, struct weir_text t)
{
    struct vm *vm = vm_of(L);
    uint64_t left = memory_left(&vm->heap);
    uint64_t weight = json_weight(t, vm->heap.max);
    charge(L, t.len / 8 + weight / 16);
    if (weight <= left)
        return;
    value_collect(L);
    if (weight <= memory_left(&vm->heap))
        return;
    budget_end(vm, ABORT_MEMORY);
    throw_abort(L);
}

static int
json_decode(lua_State *L)
{
    struct weir_text t;
    t.bytes = luaL_checklstring(L, 1, &t.len);
    struct weir_error err = { 0 };
    const struct weir_value *v = NULL;
    check_fits(L, t);
    push_box(L);
    if (host->json_read(t, &v, &err) != WEIR_OK) {
        host->unref(&err.detail);
        lua_pushnil(L);
        fault_push(L, &err);
        return 2;
    }
    push_owned(L, v, value_weight(v, UINT64_MAX));
    return 1;
}

/* -- writing -- */

/* Throws ERR, of a value that could not be made. */
static int
throw_made(lua_State *L, struct weir_error *err)
{
    if (vm_of(L)->budget && vm_of(L)->budget->reason != ABORT_NONE)
        return throw_abort(L);
    return luaL_error(L, "%s", err->text);
}

/* Bytes of a text as JSON. */
static uint64_t
text_size(struct weir_text t, uint64_t max)
{
    uint64_t sum = t.len + 2;
    for (size_t i = 0; i < t.len && sum <= max; i++) {
        unsigned char c = (unsigned char)t.bytes[i];
        bool letter = c == '"' || c == '\\' || (c >= '\b' && c <= '\r' && c != '\v');
        sum += letter ? 1 : c < ' ' ? 5 : 0;
    }
    return sum;
}

static uint64_t
scalar_size(const struct weir_value *v, uint64_t max)
{
    char number[24];
    int64_t i = 0;
    bool b = false;
    struct weir_text t = { "", 0 };
    switch (host->type(v)) {
    case WEIR_STRING:
        (void)host->get_text(v, &t);
        return text_size(t, max);
    case WEIR_BYTES:
        return (uint64_t)(host->len(v) + 2) / 3 * 4 + 2;
    case WEIR_INT:
        (void)host->get_int(v, &i);
        return (uint64_t)snprintf(number, sizeof number, "%lld", (long long)i);
    case WEIR_DOUBLE: /* at least; its value weighs twice what its text may have */
        return strlen("0.0");
    case WEIR_BOOL:
        (void)host->get_bool(v, &b);
        return b ? strlen("true") : strlen("false");
    default:
        return strlen("null");
    }
}

/* Bytes that V takes at least as JSON, counted up to MAX: all of it but doubles exactly. Text
 * can be six times its value. */
static uint64_t
json_size(const struct weir_value *v, uint64_t max)
{
    uint32_t type = host->type(v);
    if (type != WEIR_LIST && type != WEIR_MAP)
        return scalar_size(v, max);
    struct weir_text key = { NULL, 0 };
    size_t n = host->len(v);
    uint64_t sum = 2 + (n > 0 ? n - 1 : 0); /* brackets, commas */
    for (size_t i = 0; i < n && sum <= max; i++) {
        const struct weir_value *item = host->at(v, i);
        if (type == WEIR_MAP) {
            (void)host->member(v, i, &key, &item);
            sum += text_size(key, max - sum) + 1;
        }
        sum += sum <= max ? json_size(item, max - sum) : 0;
    }
    return sum;
}

/* Pays for the text of V, and ends the script if it is larger than a string may be. */
static void
check_size(lua_State *L, const struct weir_value *v)
{
    struct vm *vm = vm_of(L);
    uint64_t weight = value_weight(v, vm->heap.max + 1);
    charge(L, weight / 16);
    if (weight <= vm->heap.max) {
        uint64_t size = json_size(v, vm->heap.max_string);
        charge(L, size / 8);
        if (size <= vm->heap.max_string)
            return;
    }
    budget_end(vm, ABORT_MEMORY);
    throw_abort(L);
}

static int
json_encode(lua_State *L)
{
    struct weir_error err = { 0 };
    const struct weir_value *text = NULL;
    struct weir_text t;
    luaL_checkany(L, 1);
    push_box(L);
    const struct weir_value **box = lua_touserdata(L, -1);
    if (value_make(L, 1, box, &err) != WEIR_OK)
        return throw_made(L, &err);
    check_size(L, *box);
    uint32_t code = host->json_write(*box, &text, &err);
    host->unref(box);
    if (code != WEIR_OK)
        return luaL_error(L, "%s", err.text);
    *box = text;
    (void)host->get_text(text, &t);
    lua_pushlstring(L, t.bytes, t.len);
    host->unref(box);
    return 1;
}

void
json_open(lua_State *L)
{
    static const luaL_Reg functions[] = { { "encode", json_encode },
                                          { "decode", json_decode },
                                          { NULL, NULL } };
    luaL_newlib(L, functions);
}
