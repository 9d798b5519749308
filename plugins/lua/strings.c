/* lua/strings.c - see script.h: the string, utf8 and math libraries, as far as scripts have
 * them.
 *
 * What loops in C over something that the script chose is paid for before it begins, by the
 * lengths of what it is given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <lualib.h>
#include <math.h>
#include <string.h>

#include "script.h"

/* At most so many results or arguments of one call: the stack is not for data. */
#define MANY 8000
#define QUOTED_MAX 12288
/* Bytes that are gone over at once, if it takes some time for each. */
#define PIECE 49152
/* What is longer is no number. */
#define NUMERAL_MAX 1000
/* What one conversion of string.format counts for: a large number with many digits takes
 * microseconds, however short its argument is. */
#define CONVERSION_WORK 100
/* What the conversions of floats may cost, each at least one: at most some ms. */
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

/* A function of Lua's own (upvalue 1, without upvalues of its own) whose work is that of going over
 * its strings once or twice. It calls nothing of the script. It runs as this call, so that its errors
 * have the name and the place that the script knows. */
static int
paid(lua_State *L)
{
    charge(L, lengths(L) / 8 + (uint64_t)lua_gettop(L) / 4);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* The same for what builds its result in a buffer: that may have any size, also one that looks
 * like the keys of a table. If it throws, whoever catches takes any_size back. */
static int
paid_buffer(lua_State *L)
{
    struct heap *h = &vm_of(L)->heap;
    charge(L, lengths(L) / 8 + (uint64_t)lua_gettop(L) / 4);
    h->any_size = true;
    int n = lua_tocfunction(L, lua_upvalueindex(1))(L);
    h->any_size = false;
    return n;
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

/* string.byte and utf8.codepoint: each has so many results. */
static int
range_paid(lua_State *L)
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

/* What it costs to convert the number at INDEX, whose format is SPEC, up to END: the more digits
 * are asked for, the more. */
static size_t
float_cost(lua_State *L, int index, const char *spec, const char *end)
{
    int exponent = 0;
    unsigned digits = 0;
    (void)frexp(lua_tonumber(L, index), &exponent); /* 0 for what is no number */
    while (spec < end && *spec != '.')
        spec++;
    for (spec++; spec < end && *spec >= '0' && *spec <= '9' && digits < 100; spec++)
        digits = digits * 10 + (unsigned)(*spec - '0');
    return 1 + (exponent < 0 ? -exponent : exponent) / 60u + digits / 20;
}

/* What the conversions of the format at 1 have to be paid for; throws for one that is not to be
 * had. A format may have zeros in it: what is behind them counts, too. */
static void
check_conversions(lua_State *L)
{
    size_t len, floats = 0;
    int n = 0;
    bool quotes = false;
    const char *f = luaL_checklstring(L, 1, &len);
    const char *end = f + len;
    charge(L, len / 8);
    while ((f = memchr(f, '%', (size_t)(end - f))) != NULL) {
        const char *spec = f;
        f += 1 + strspn(f + 1, "-+ #0123456789."); /* stops at the zero behind a string */
        if (*f == 'p')
            luaL_error(L, "'%%p' is not to be had: addresses are nobody's business");
        quotes |= *f == 'q';
        n += *f != '%';
        if (*f != '\0' && strchr("eEfFgGaA", *f) != NULL)
            floats += float_cost(L, n + 1, spec, f);
        f += f < end;
    }
    if (quotes && lengths(L) > QUOTED_MAX) /* which takes far longer a byte than all else */
        luaL_error(L, "'%%q' takes texts of at most %d bytes in all", QUOTED_MAX);
    if (floats > FLOATS_MAX)
        luaL_error(L, "'format' takes at most %d of '%%f', '%%e' and '%%g', and less of large "
                      "numbers with many digits",
                   FLOATS_MAX);
    charge(L, (uint64_t)n * CONVERSION_WORK + (quotes ? lengths(L) * 8 : 0));
}

static int
string_format(lua_State *L)
{
    if (lua_gettop(L) > MANY + 1)
        return luaL_error(L, "'format' takes at most %d arguments", MANY);
    check_conversions(L);
    return format_texts(L, 2);
}

/* -- arithmetic -- */

/* Pushes the number that stands at INDEX, maybe as text; false, with nothing pushed. */
static bool
push_number(lua_State *L, int index)
{
    size_t len = 0;
    const char *s = NULL;
    if (lua_type(L, index) == LUA_TNUMBER) {
        lua_pushvalue(L, index);
        return true;
    }
    if (lua_type(L, index) == LUA_TSTRING)
        s = lua_tolstring(L, index, &len);
    if (s == NULL || len > NUMERAL_MAX)
        return false;
    size_t size = lua_stringtonumber(L, s);
    if (size > 0 && size != len + 1)
        lua_pop(L, 1); /* there is a zero in it */
    return size == len + 1;
}

static int
arith_end(lua_State *L, int status, lua_KContext context)
{
    (void)L;
    (void)status;
    (void)context;
    return 1;
}

/* What strings do in arithmetic, as Lua's own: but what the other operand has for it is called so
 * that it may be left in the middle. Upvalue 1: the operation, 2: its name. */
static int
arith(lua_State *L)
{
    lua_settop(L, 2);
    bool first = push_number(L, 1);
    bool both = first && push_number(L, 2);
    if (both) {
        int op = (int)lua_tointeger(L, lua_upvalueindex(1));
        if (op == LUA_OPUNM) /* the operand came twice */
            lua_pop(L, 1);
        lua_arith(L, op);
        return 1;
    }
    lua_settop(L, 2);
    if (lua_type(L, 2) == LUA_TSTRING ||
        luaL_getmetafield(L, 2, lua_tostring(L, lua_upvalueindex(2))) == LUA_TNIL)
        return luaL_error(L, "attempt to perform arithmetic on a %s value",
                          luaL_typename(L, first ? 2 : 1));
    lua_insert(L, 1);
    lua_callk(L, 2, 1, 0, arith_end);
    return 1;
}

/* Into the metatable on the top. */
static void
set_arithmetic(lua_State *L)
{
    static const struct {
        const char *name;
        int op;
    } all[] = {
        { "__add", LUA_OPADD }, { "__sub", LUA_OPSUB }, { "__mul", LUA_OPMUL },
        { "__mod", LUA_OPMOD }, { "__pow", LUA_OPPOW }, { "__div", LUA_OPDIV },
        { "__unm", LUA_OPUNM }, { "__idiv", LUA_OPIDIV },
    };
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        lua_pushinteger(L, all[i].op);
        lua_pushstring(L, all[i].name);
        lua_pushcclosure(L, arith, 2);
        lua_setfield(L, -2, all[i].name);
    }
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
        { "byte", range_paid },  { "char", paid_buffer },  { "len", NULL },
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
    set_arithmetic(L);
    lua_pop(L, 2);
}

/* -- utf8 -- */

/* len (s, i, j, lax): in pieces, if it is long. */
static int
utf8_count(lua_State *L)
{
    size_t len;
    (void)luaL_checklstring(L, 1, &len);
    if (len <= PIECE)
        return paid(L);
    lua_Integer n = (lua_Integer)len;
    lua_Integer from = luaL_optinteger(L, 2, 1), to = luaL_optinteger(L, 3, -1);
    from = from >= 0 ? from : -from > n ? 0 : n + from + 1;
    to = to >= 0 ? to : -to > n ? 0 : n + to + 1;
    luaL_argcheck(L, 1 <= from && from - 1 <= n, 2, "initial position out of bounds");
    luaL_argcheck(L, to <= n, 3, "final position out of bounds");
    charge(L, len / 8);
    lua_settop(L, 4);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_pushinteger(L, from);
    lua_replace(L, 3);
    lua_pushinteger(L, to);
    lua_replace(L, 4);
    lua_pushinteger(L, PIECE);
    return vm_help(L, HELP_COUNT);
}

static int
math_randomseed(lua_State *L)
{
    luaL_checkany(L, 1); /* without one it would tell an address */
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1)); /* it has upvalues */
    lua_insert(L, 1);
    lua_call(L, 2, 0);
    return 0;
}

void
utf8_open(lua_State *L)
{
    static const struct wrap wanted[] = {
        { "char", paid }, { "charpattern", NULL }, { "codepoint", range_paid },
        { "len", utf8_count }, { "offset", paid }, { "codes", NULL },
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
