/* lua/strings.c - see script.h: the string, utf8 and math libraries, as far as scripts have
 * them.
 *
 * What loops in C over something that the script chose is paid for before it begins, by the
 * lengths of what it is given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <lualib.h>
#include <string.h>

#include "script.h"

/* At most so many results or arguments of one call: the stack is not for data. */
#define MANY 8000
#define QUOTED_MAX 65536
/* What one conversion of string.format counts for: a large number with many digits takes
 * microseconds, however short its argument is. */
#define CONVERSION_WORK 100
/* So many conversions of floats are at most some 10 ms, in which nobody else has a turn. */
#define FLOATS_MAX 1000

/* Bytes of all strings among the arguments. */
static uint64_t
lengths(lua_State *L)
{
    uint64_t sum = 0;
    for (int i = lua_gettop(L); i > 0; i--)
        if (lua_type(L, i) == LUA_TSTRING)
            sum += lua_rawlen(L, i);
    return sum;
}

/* A function of Lua's own (upvalue 1) whose work is that of going over its strings once or
 * twice. It calls nothing of the script. */
static int
paid(lua_State *L)
{
    charge(L, lengths(L) / 8 + (uint64_t)lua_gettop(L) / 4);
    int n = lua_gettop(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, n, LUA_MULTRET);
    return lua_gettop(L);
}

/* The same for what builds its result in a buffer: that may have any size, also one that looks
 * like the keys of a table. */
static int
paid_buffer(lua_State *L)
{
    struct heap *h = &vm_of(L)->heap;
    charge(L, lengths(L) / 8 + (uint64_t)lua_gettop(L) / 4);
    int n = lua_gettop(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    h->any_size = true;
    int status = lua_pcall(L, n, LUA_MULTRET, 0);
    h->any_size = false;
    return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

/* Throws if bytes FROM to TO of the string at 1 are too many to be results. */
static void
check_range(lua_State *L, lua_Integer from, lua_Integer to)
{
    size_t len;
    (void)luaL_checklstring(L, 1, &len);
    lua_Integer n = (lua_Integer)len;
    from = from < 0 ? n + from + 1 : from;
    to = to < 0 ? n + to + 1 : to;
    from = from < 1 ? 1 : from;
    to = to > n ? n : to;
    if (to >= from && to - from >= MANY)
        luaL_error(L, "more than %d results", MANY);
}

static int
string_byte(lua_State *L)
{
    lua_Integer from = luaL_optinteger(L, 2, 1);
    check_range(L, from, luaL_optinteger(L, 3, from));
    return paid(L);
}

static int
string_rep(lua_State *L)
{
    size_t len, between;
    const char *s = luaL_checklstring(L, 1, &len);
    lua_Integer n = luaL_checkinteger(L, 2);
    const char *sep = luaL_optlstring(L, 3, "", &between);
    struct vm *vm = vm_of(L);
    if (n <= 0 || len + between == 0 || (n == 1 && len == 0)) {
        lua_pushliteral(L, "");
        return 1;
    }
    if ((lua_Unsigned)n > vm->heap.max_string / (len + between)) {
        budget_end(vm, ABORT_MEMORY);
        return throw_abort(L);
    }
    size_t unit = len + between;
    size_t total = (size_t)n * unit - between;
    charge(L, total / 64);
    luaL_Buffer b;
    char *to = luaL_buffinitsize(L, &b, (total + between) | 1); /* see heap_alloc */
    memcpy(to, s, len);
    memcpy(to + len, sep, between);
    for (size_t done = unit; done < total;) { /* twice as much each time */
        size_t piece = done < total - done ? done : total - done;
        memcpy(to + done, to, piece);
        done += piece;
    }
    luaL_pushresultsize(&b, total);
    return 1;
}

/* -- format -- */

static int format_rest(lua_State *L, int status, lua_KContext at);

/* Makes texts of the arguments from AT on that have a __tostring, and of what has an address;
 * that may wait. */
static int
format_texts(lua_State *L, lua_KContext at)
{
    for (int i = (int)at; i <= lua_gettop(L); i++) {
        int type = lua_type(L, i);
        if (type == LUA_TSTRING || type == LUA_TNUMBER || type == LUA_TBOOLEAN ||
            type == LUA_TNIL)
            continue;
        lua_pushvalue(L, lua_upvalueindex(2)); /* our tostring */
        lua_pushvalue(L, i);
        lua_callk(L, 1, 1, i, format_rest);
        lua_replace(L, i);
    }
    return paid_buffer(L);
}

static int
format_rest(lua_State *L, int status, lua_KContext at)
{
    (void)status;
    lua_replace(L, (int)at);
    return format_texts(L, at + 1);
}

/* What the conversions of the format at 1 have to be paid for; throws for one that is not to be
 * had. A format may have zeros in it: what is behind them counts, too. */
static void
check_conversions(lua_State *L)
{
    size_t len, n = 0, floats = 0;
    bool quotes = false;
    const char *f = luaL_checklstring(L, 1, &len);
    const char *end = f + len;
    charge(L, len / 8);
    while ((f = memchr(f, '%', (size_t)(end - f))) != NULL) {
        f += 1 + strspn(f + 1, "-+ #0123456789."); /* stops at the zero behind a string */
        if (*f == 'p')
            luaL_error(L, "'%%p' is not to be had: addresses are nobody's business");
        quotes |= *f == 'q';
        n += *f != '%';
        floats += *f != '\0' && strchr("eEfFgG", *f) != NULL;
        f += f < end;
    }
    if (quotes && lengths(L) > QUOTED_MAX) /* which takes far longer a byte than all else */
        luaL_error(L, "'%%q' takes texts of at most %d bytes in all", QUOTED_MAX);
    if (floats > FLOATS_MAX)
        luaL_error(L, "'format' takes at most %d of '%%f', '%%e' and '%%g'", FLOATS_MAX);
    charge(L, n * CONVERSION_WORK + (quotes ? lengths(L) * 8 : 0));
}

static int
string_format(lua_State *L)
{
    if (lua_gettop(L) > MANY + 1)
        return luaL_error(L, "'format' takes at most %d arguments", MANY);
    check_conversions(L);
    return format_texts(L, 2);
}

/* -- tables of functions -- */

struct wrap {
    const char *name;
    lua_CFunction with; /* NULL: as it is */
};

/* Pushes a table with those functions of the library OPEN. */
static void
take(lua_State *L, lua_CFunction open, const struct wrap *wanted)
{
    lua_pushcfunction(L, open);
    lua_call(L, 0, 1);
    lua_newtable(L);
    for (; wanted->name != NULL; wanted++) {
        lua_getfield(L, -2, wanted->name);
        if (wanted->with != NULL)
            lua_pushcclosure(L, wanted->with, 1);
        lua_setfield(L, -2, wanted->name);
    }
    lua_remove(L, -2);
}

void
string_open(lua_State *L)
{
    static const struct wrap wanted[] = {
        { "byte", string_byte },  { "char", paid_buffer },  { "len", NULL },
        { "lower", paid_buffer }, { "upper", paid_buffer }, { "reverse", paid_buffer },
        { "sub", paid },          { "pack", paid_buffer },  { "packsize", paid },
        { "unpack", paid },       { NULL, NULL },
    };
    lua_getfield(L, -1, "tostring");
    take(L, luaopen_string, wanted);
    lua_pushcfunction(L, string_rep);
    lua_setfield(L, -2, "rep");
    lua_pushcfunction(L, luaopen_string);
    lua_call(L, 0, 1);
    lua_getfield(L, -1, "format");
    lua_remove(L, -2);
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, string_format, 2);
    lua_setfield(L, -2, "format");
    match_open(L);
    lua_remove(L, -2);
    /* ("x"):upper() comes here, too. */
    lua_pushliteral(L, "");
    if (!lua_getmetatable(L, -1))
        luaL_error(L, "strings have no metatable");
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

/* -- utf8 -- */

static int
utf8_codepoint(lua_State *L)
{
    lua_Integer from = luaL_optinteger(L, 2, 1);
    check_range(L, from, luaL_optinteger(L, 3, from));
    return paid(L);
}

static int
math_randomseed(lua_State *L)
{
    luaL_checkany(L, 1); /* without one it would tell an address */
    lua_settop(L, 2);
    (void)paid(L);
    return 0;
}

void
utf8_open(lua_State *L)
{
    static const struct wrap wanted[] = {
        { "char", paid }, { "charpattern", NULL }, { "codepoint", utf8_codepoint },
        { "len", paid },  { "offset", paid },      { "codes", NULL },
        { NULL, NULL },
    };
    take(L, luaopen_utf8, wanted);
}

/* Lua's own seed has an address in it, which could be worked out from the first numbers. */
static void
seed(lua_State *L)
{
    lua_Integer numbers[2];
    host->random(numbers, sizeof numbers);
    lua_getfield(L, -1, "randomseed");
    lua_pushinteger(L, numbers[0]);
    lua_pushinteger(L, numbers[1]);
    lua_call(L, 2, 0);
}

void
math_open(lua_State *L)
{
    static const struct wrap wanted[] = {
        { "abs", NULL },        { "acos", NULL },   { "asin", NULL },
        { "atan", NULL },       { "ceil", NULL },   { "cos", NULL },
        { "deg", NULL },        { "exp", NULL },    { "floor", NULL },
        { "fmod", NULL },       { "huge", NULL },   { "log", NULL },
        { "max", paid },        { "min", paid },    { "maxinteger", NULL },
        { "mininteger", NULL }, { "modf", NULL },   { "pi", NULL },
        { "rad", NULL },        { "random", NULL }, { "sin", NULL },
        { "sqrt", NULL },       { "tan", NULL },    { "tointeger", paid },
        { "type", NULL },       { "ult", NULL },    { "randomseed", math_randomseed },
        { NULL, NULL },
    };
    take(L, luaopen_math, wanted);
    seed(L);
}
