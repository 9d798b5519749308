/* lua/weirlib.c - see script.h: the library weir, pure functions that all scripts need.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

static struct weir_text
check_text(lua_State *L, int index)
{
    struct weir_text t;
    t.bytes = luaL_checklstring(L, index, &t.len);
    return t;
}

/* -- encodings -- */

/* Bytes that are converted at once: whole groups of each encoding. */
#define PIECE 49152u

/* The first LEN bytes of the text at 1, piece by piece by F. */
static int
in_pieces(lua_State *L, lua_CFunction f, size_t len)
{
    size_t all;
    const char *text = lua_tolstring(L, 1, &all);
    lua_settop(L, 1);
    if (len < all)
        lua_pushlstring(L, text, len);
    lua_pushcfunction(L, f);
    lua_insert(L, 1);
    if (len < all)
        lua_remove(L, 2);
    lua_pushinteger(L, PIECE);
    return vm_help(L, HELP_PIECES);
}

static int
hex_encode(lua_State *L)
{
    static const char digits[] = "0123456789abcdef";
    struct weir_text t = check_text(L, 1);
    luaL_Buffer b;
    if (t.len > PIECE)
        return in_pieces(L, hex_encode, t.len);
    charge(L, t.len / 8);
    luaL_buffinit(L, &b);
    for (size_t i = 0; i < t.len; i++) {
        luaL_addchar(&b, digits[(unsigned char)t.bytes[i] >> 4]);
        luaL_addchar(&b, digits[(unsigned char)t.bytes[i] & 15]);
    }
    luaL_pushresult(&b);
    return 1;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* nil and an error, for what a script got from outside. */
static int
give_invalid(lua_State *L, const char *text)
{
    struct weir_error err = { .code = WEIR_INVALID };
    snprintf(err.text, sizeof err.text, "%s", text);
    lua_pushnil(L);
    fault_push(L, &err);
    return 2;
}

static int
hex_decode(lua_State *L)
{
    struct weir_text t = check_text(L, 1);
    luaL_Buffer b;
    if (t.len > PIECE && t.len % 2 == 0)
        return in_pieces(L, hex_decode, t.len);
    charge(L, t.len / 8);
    for (size_t i = 0; i < t.len && t.len <= PIECE; i++)
        if (hex_digit(t.bytes[i]) < 0)
            return give_invalid(L, "it is not hexadecimal");
    if (t.len % 2 != 0)
        return give_invalid(L, "hexadecimal text has an even length");
    luaL_buffinit(L, &b);
    for (size_t i = 0; i < t.len; i += 2)
        luaL_addchar(&b, (char)(hex_digit(t.bytes[i]) << 4 | hex_digit(t.bytes[i + 1])));
    luaL_pushresult(&b);
    return 1;
}

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int
base64_encode(lua_State *L)
{
    struct weir_text t = check_text(L, 1);
    const unsigned char *s = (const unsigned char *)t.bytes;
    luaL_Buffer b;
    if (t.len > PIECE)
        return in_pieces(L, base64_encode, t.len);
    charge(L, t.len / 8);
    luaL_buffinit(L, &b);
    for (size_t i = 0; i < t.len; i += 3) {
        size_t n = t.len - i;
        uint32_t bits = (uint32_t)s[i] << 16 | (n > 1 ? (uint32_t)s[i + 1] << 8 : 0) |
                        (n > 2 ? s[i + 2] : 0);
        luaL_addchar(&b, letters[bits >> 18]);
        luaL_addchar(&b, letters[bits >> 12 & 63]);
        luaL_addchar(&b, n > 1 ? letters[bits >> 6 & 63] : '=');
        luaL_addchar(&b, n > 2 ? letters[bits & 63] : '=');
    }
    luaL_pushresult(&b);
    return 1;
}

/* Of each byte, its value and one; 0: it is none. */
static const uint8_t *
base64_values(void)
{
    static _Thread_local uint8_t values[256];
    if (values['A'] == 0) {
        for (uint8_t i = 0; i < 64; i++)
            values[(unsigned char)letters[i]] = (uint8_t)(i + 1);
        values['-'] = values['+']; /* the alphabet of URLs, too */
        values['_'] = values['/'];
    }
    return values;
}

static int
base64_decode(lua_State *L)
{
    struct weir_text t = check_text(L, 1);
    const unsigned char *s = (const unsigned char *)t.bytes;
    const uint8_t *values = base64_values();
    luaL_Buffer b;
    while (t.len > 0 && s[t.len - 1] == '=')
        t.len--;
    if (t.len % 4 == 1)
        return give_invalid(L, "it is not base64: its length is wrong");
    if (t.len > PIECE && memchr(t.bytes, '=', t.len) == NULL)
        return in_pieces(L, base64_decode, t.len);
    charge(L, t.len / 4);
    for (size_t i = 0; i < t.len; i++)
        if (values[s[i]] == 0)
            return give_invalid(L, "it is not base64");
    luaL_buffinit(L, &b);
    uint32_t bits = 0;
    for (size_t i = 0; i < t.len; i++) {
        bits = bits << 6 | (values[s[i]] - 1u);
        if (i % 4 != 0)
            luaL_addchar(&b, (char)(bits >> (6 - 2 * (i % 4))));
    }
    luaL_pushresult(&b);
    return 1;
}

/* -- digests -- */

static int
weir_sha256(lua_State *L)
{
    uint8_t hash[64];
    struct weir_text t = check_text(L, 1);
    charge(L, t.len / 8);
    if (work_is_large(L, t.len))
        return work_digest(L, WEIR_SHA256, NULL, t);
    size_t len = host->digest(WEIR_SHA256, t, hash);
    lua_pushlstring(L, (const char *)hash, len);
    return 1;
}

static int
weir_hmac(lua_State *L)
{
    static const char *const names[] = { "sha1", "sha256", "sha512", NULL };
    static const uint32_t algorithms[] = { WEIR_SHA1, WEIR_SHA256, WEIR_SHA512 };
    uint8_t hash[64];
    uint32_t algorithm = algorithms[luaL_checkoption(L, 1, NULL, names)];
    struct weir_text key = check_text(L, 2);
    struct weir_text text = check_text(L, 3);
    charge(L, (key.len + text.len) / 8);
    if (work_is_large(L, key.len + text.len))
        return work_digest(L, algorithm, &key, text);
    size_t len = host->hmac(algorithm, key, text, hash);
    lua_pushlstring(L, (const char *)hash, len);
    return 1;
}

void
uuid_random(char ret[37])
{
    uint8_t r[16];
    host->random(r, sizeof r);
    r[6] = (uint8_t)((r[6] & 0x0f) | 0x40); /* RFC 9562, version 4 */
    r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
    for (unsigned i = 0; i < 16; i++) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        ret += sprintf(ret, "%s%02x", dash ? "-" : "", r[i]);
    }
}

static int
weir_uuid(lua_State *L)
{
    char text[37];
    struct strand *s = vm_of(L)->strand;
    if (s != NULL)
        s->call->world->uuid(s->call, text);
    else
        uuid_random(text); /* while a script is loaded */
    lua_pushstring(L, text);
    return 1;
}

/* -- values -- */

static int
weir_array(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    lua_settop(L, 1);
    if (value_is_proxy(L, 1))
        return 1;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_of(L)->array_meta);
    lua_setmetatable(L, 1);
    return 1;
}

/* Copies the fields of the table or proxy at FROM into the table or proxy at TO. */
static void
copy_fields(lua_State *L, int from, int to)
{
    bool proxy = value_is_proxy(L, from);
    lua_pushnil(L);
    for (;;) {
        int key = lua_gettop(L);
        charge(L, 1);
        if (proxy) {
            (void)value_next(L, from, key);
            if (lua_isnil(L, key + 1)) {
                lua_settop(L, key - 1);
                return;
            }
            lua_remove(L, key); /* the key before */
        } else if (!lua_next(L, from)) {
            return;
        }
        if (proxy && lua_isnil(L, -1)) { /* a null stays one */
            lua_pop(L, 1);
            lua_pushlightuserdata(L, (void *)(uintptr_t)&null_key);
        }
        lua_pushvalue(L, -1);
        if (value_is_proxy(L, to)) {
            value_set(L, to, key);
        } else {
            lua_pushvalue(L, key);
            lua_insert(L, -2);
            lua_rawset(L, to);
        }
        lua_settop(L, key); /* the key */
    }
}

/* Pushes a proxy of the map at 1 with what the script has changed in it. */
static void
copy_proxy(lua_State *L)
{
    struct proxy_look p = value_look(L, 1);
    bool touched = lua_istable(L, -1) && !p.frozen;
    lua_pop(L, 1);
    if (host->type(p.v) != WEIR_MAP)
        luaL_argerror(L, 1, "a map is needed, not a list");
    value_push_original(L, 1);
    if (!touched)
        return;
    int copy = lua_gettop(L);
    value_own(L, copy);
    table_drain(L);
    copy_fields(L, 1, copy);
}

/* merge (a, b): a new map with the fields of both, those of b winning, in the order of a. */
static int
weir_merge(lua_State *L)
{
    for (int i = 1; i <= 2; i++)
        if (!value_is_proxy(L, i))
            luaL_checktype(L, i, LUA_TTABLE);
    lua_settop(L, 2);
    if (!value_is_proxy(L, 1) && !value_is_proxy(L, 2))
        return vm_help(L, HELP_MERGE);
    if (value_is_proxy(L, 1)) {
        copy_proxy(L);
    } else {
        lua_newtable(L);
        copy_fields(L, 1, 3);
    }
    copy_fields(L, 2, 3);
    lua_settop(L, 3);
    return 1;
}

void
weir_open_library(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "array", weir_array }, { "merge", weir_merge },
        { "fail", fault_throw }, { "sha256", weir_sha256 },
        { "hmac", weir_hmac },   { "uuid", weir_uuid },
        { NULL, NULL },
    };
    static const luaL_Reg base64[] = { { "encode", base64_encode },
                                       { "decode", base64_decode },
                                       { NULL, NULL } };
    static const luaL_Reg hex[] = { { "encode", hex_encode },
                                    { "decode", hex_decode },
                                    { NULL, NULL } };
    luaL_newlib(L, functions);
    json_open(L);
    freeze(L, "weir.json");
    lua_setfield(L, -2, "json");
    luaL_newlib(L, base64);
    freeze(L, "weir.base64");
    lua_setfield(L, -2, "base64");
    luaL_newlib(L, hex);
    freeze(L, "weir.hex");
    lua_setfield(L, -2, "hex");
    lua_pushlightuserdata(L, (void *)(uintptr_t)&null_key);
    lua_setfield(L, -2, "null");
}
