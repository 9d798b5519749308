/* lua/fault.c - see script.h: errors, between the engine's and a script's.
 *
 * To a script an error is a table { code, message, status, retry_after_ms, detail } whose text
 * is "code: message". A text that was thrown counts as { code = "script" }.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "script.h"

#define TRACE_LEVELS 12
/* Bytes of an error's detail. */
#define DETAIL_MAX (256u * 1024)

uint32_t
err_before(struct weir_error *err, const char *where)
{
    char text[sizeof err->text];
    memcpy(text, err->text, sizeof text);
    return refuse(err, err->code, "%s: %.400s", where, text);
}

void
fault_at(struct weir_error *err, const char *pointer, int64_t line)
{
    struct weir_builder *b = host->map_new();
    const struct weir_value *v = host->string((struct weir_text){ pointer, strlen(pointer) });
    host->unref(&err->detail);
    if (v != NULL)
        host->map_set(b, WEIR_TEXT("at"), &v);
    v = host->integer(line);
    if (line > 0)
        host->map_set(b, WEIR_TEXT("line"), &v);
    host->unref(&v);
    err->detail = host->build(&b);
}

static const char *const names[] = { "",
#define X(name, number, retry, http, text) [number] = #name,
                                     WEIR_CODES(X)
#undef X
};

#define N_NAMES (sizeof names / sizeof *names)

const char *
fault_code_name(uint32_t code, char room[32])
{
    const char *name = code > 0 && code < N_NAMES ? names[code] : "INTERNAL";
    size_t i = 0;
    for (; name[i] != '\0'; i++)
        room[i] = (char)tolower((unsigned char)name[i]);
    room[i] = '\0';
    return room;
}

uint32_t
fault_code(const char *name, size_t len)
{
    char room[32];
    for (uint32_t code = 1; code < N_NAMES; code++)
        if (strlen(names[code]) == len && memcmp(fault_code_name(code, room), name, len) == 0)
            return code;
    return 0;
}

static int
fault_tostring(lua_State *L)
{
    lua_settop(L, 1);
    if (!lua_istable(L, 1))
        return luaL_error(L, "an error was expected");
    lua_pushliteral(L, "code");
    lua_rawget(L, 1);
    lua_pushliteral(L, ": ");
    lua_pushliteral(L, "message");
    lua_rawget(L, 1);
    for (int i = 2; i <= 4; i++)
        if (!lua_isstring(L, i)) {
            lua_pushliteral(L, "?");
            lua_replace(L, i);
        }
    lua_concat(L, 3);
    return 1;
}

void
fault_open(lua_State *L)
{
    struct vm *vm = vm_of(L);
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, fault_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "error");
    lua_setfield(L, -2, "__metatable");
    vm->error_meta = lua_topointer(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &vm->error_meta);
}

/* Gives the table on the top the metatable of errors. */
static void
mark(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_of(L)->error_meta);
    lua_setmetatable(L, -2);
}

void
fault_push(lua_State *L, const struct weir_error *err)
{
    char room[32];
    luaL_checkstack(L, 6, NULL);
    lua_createtable(L, 0, 5);
    lua_pushstring(L, fault_code_name(err->code, room));
    lua_setfield(L, -2, "code");
    lua_pushlstring(L, err->text, strnlen(err->text, sizeof err->text));
    lua_setfield(L, -2, "message");
    if (err->status != 0) {
        lua_pushinteger(L, err->status);
        lua_setfield(L, -2, "status");
    }
    if (err->retry_after_ms != 0) {
        lua_pushinteger(L, err->retry_after_ms);
        lua_setfield(L, -2, "retry_after_ms");
    }
    if (err->detail != NULL) {
        value_push(L, err->detail, 0);
        lua_setfield(L, -2, "detail");
    }
    mark(L);
}

/* The text under KEY of the table at INDEX: found by going through, since to look it up would
 * make a string. */
static bool
find_field(lua_State *L, int index, const char *key)
{
    size_t len;
    unsigned seen = 0;
    lua_pushnil(L);
    while (seen++ < 64 && lua_next(L, index)) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            const char *at = lua_tolstring(L, -2, &len);
            if (len == strlen(key) && memcmp(at, key, len) == 0) {
                lua_remove(L, -2);
                return true;
            }
        }
        lua_pop(L, 1);
    }
    if (seen > 64)
        lua_pop(L, 1);
    return false;
}

static uint32_t
number_field(lua_State *L, int index, const char *key)
{
    if (!find_field(L, index, key))
        return 0;
    lua_Integer i = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
    lua_pop(L, 1);
    return i > 0 && i < UINT32_MAX ? (uint32_t)i : 0;
}

/* As much of TEXT as there is room for, without a look at the rest. */
static void
set_text(struct weir_error *err, const char *text)
{
    snprintf(err->text, sizeof err->text, "%.*s", (int)sizeof err->text - 1, text);
}

/* The code of that name; if there is none it is that of scripts, and said behind the text. */
static uint32_t
read_code(const char *name, size_t len, char *ret_unknown, size_t room)
{
    uint32_t code = fault_code(name, len);
    if (code == 0)
        snprintf(ret_unknown, room, " (there is no error code '%.*s')", (int)(len < 40 ? len : 40), name);
    return code ? code : WEIR_SCRIPT;
}

static void
add_text(struct weir_error *err, const char *more)
{
    size_t len = strlen(err->text), room = sizeof err->text - strlen(more) - 1;
    snprintf(err->text + (len < room ? len : room), strlen(more) + 1, "%s", more);
}

static void
read_table(lua_State *L, int index, struct weir_error *err)
{
    size_t len = 0;
    const char *text = "an error without a message";
    char unknown[80] = "";
    err->code = WEIR_SCRIPT;
    if (find_field(L, index, "code")) {
        const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len)
                                                          : luaL_typename(L, -1);
        err->code = read_code(name, len ? len : strlen(name), unknown, sizeof unknown);
        lua_pop(L, 1);
    }
    if (find_field(L, index, "message")) {
        if (lua_type(L, -1) == LUA_TSTRING)
            text = lua_tolstring(L, -1, NULL);
        set_text(err, text);
        lua_pop(L, 1);
    } else {
        set_text(err, text);
    }
    add_text(err, unknown);
    err->status = number_field(L, index, "status");
    err->retry_after_ms = number_field(L, index, "retry_after_ms");
    if (find_field(L, index, "detail")) {
        struct weir_error why;
        (void)value_make_within(L, -1, DETAIL_MAX, &err->detail, &why); /* else it has none */
        lua_pop(L, 1);
    }
}

static uint32_t
number_of(const struct weir_value *v)
{
    int64_t i = 0;
    return v != NULL && host->get_int(v, &i) && i > 0 && i < UINT32_MAX ? (uint32_t)i : 0;
}

/* An error that the engine has made and the script hands on as it is: { code, message } of a map. */
static void
read_value(const struct weir_value *v, struct weir_error *err)
{
    struct weir_text t = { "", 0 };
    char unknown[80] = "";
    const struct weir_value *code = host->get(v, WEIR_TEXT("code"));
    const struct weir_value *detail = host->get(v, WEIR_TEXT("detail"));
    if (code != NULL)
        err->code = host->get_text(code, &t) ? read_code(t.bytes, t.len, unknown, sizeof unknown) : WEIR_SCRIPT;
    t = WEIR_TEXT("an error without a message");
    (void)host->get_text(host->get(v, WEIR_TEXT("message")), &t);
    snprintf(err->text, sizeof err->text, "%.*s", (int)(t.len < sizeof err->text ? t.len : sizeof err->text - 1),
             t.bytes);
    add_text(err, unknown);
    err->status = number_of(host->get(v, WEIR_TEXT("status")));
    err->retry_after_ms = number_of(host->get(v, WEIR_TEXT("retry_after_ms")));
    if (detail != NULL && value_weight(detail, DETAIL_MAX) < DETAIL_MAX)
        err->detail = host->ref(detail);
}

/* The map or list of the engine at INDEX. */
static void
read_proxy(lua_State *L, int index, struct weir_error *err)
{
    struct proxy_look look = value_look(L, index);
    if (look.own)
        read_table(L, lua_gettop(L), err);
    else if (host->type(look.v) == WEIR_MAP)
        read_value(look.v, err);
    else
        snprintf(err->text, sizeof err->text, "an error of type table");
    lua_pop(L, 1);
}

void
fault_read(lua_State *L, int index, struct weir_error *err)
{
    index = lua_absindex(L, index);
    *err = (struct weir_error){ .code = WEIR_SCRIPT };
    if (!lua_checkstack(L, 8))
        snprintf(err->text, sizeof err->text, "a stack overflow");
    else if (lua_istable(L, index))
        read_table(L, index, err);
    else if (value_is_proxy(L, index))
        read_proxy(L, index, err);
    else if (lua_type(L, index) == LUA_TSTRING)
        set_text(err, lua_tostring(L, index));
    else if (lua_type(L, index) == LUA_TNUMBER)
        snprintf(err->text, sizeof err->text, "the error %g", lua_tonumber(L, index));
    else
        snprintf(err->text, sizeof err->text, "an error of type %s", luaL_typename(L, index));
}

const struct weir_value *
fault_traceback(lua_State *L)
{
    char text[2000];
    size_t len = 0;
    lua_Debug ar;
    text[0] = '\0';
    for (int level = 0; level < TRACE_LEVELS && lua_getstack(L, level, &ar); level++) {
        if (!lua_getinfo(L, "Sln", &ar) || *ar.what == 'C')
            continue;
        int n = snprintf(text + len, sizeof text - len, "%s%s:%d%s%.80s%s", len ? "\n" : "",
                         ar.short_src, ar.currentline, ar.name ? " in '" : "",
                         ar.name ? ar.name : "", ar.name ? "'" : "");
        if (n < 0 || (size_t)n >= sizeof text - len)
            break;
        len += (size_t)n;
    }
    if (len == 0)
        return NULL;
    struct weir_builder *b = host->map_new();
    const struct weir_value *v = host->string((struct weir_text){ text, strlen(text) });
    if (v == NULL)
        v = host->bytes((struct weir_text){ text, strlen(text) });
    map_take(b, WEIR_TEXT("traceback"), v);
    return host->build(&b);
}

/* Sets KEY of the table at 4 to the value on the top, and pops it: whatever the script's
 * metatable would do, which could take any time without a turn of others. */
static void
set_raw(lua_State *L, const char *key)
{
    lua_pushstring(L, key);
    lua_insert(L, -2);
    lua_rawset(L, 4);
}

int
fault_throw(lua_State *L)
{
    size_t len;
    const char *name = luaL_checklstring(L, 1, &len);
    if (fault_code(name, len) == 0)
        return luaL_error(L, "there is no error code '%s'", name);
    lua_settop(L, 3);
    if (lua_istable(L, 3))
        lua_pushvalue(L, 3);
    else
        lua_createtable(L, 0, 2);
    lua_pushvalue(L, 1);
    set_raw(L, "code");
    lua_pushstring(L, luaL_optstring(L, 2, "the script has failed"));
    set_raw(L, "message");
    mark(L);
    return lua_error(L);
}
