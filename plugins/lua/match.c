/* lua/match.c - see script.h: find, match, gmatch and gsub on patterns with a bound
 * (pattern.h). SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "pattern.h"
#include "script.h"

static void
compile(lua_State *L, int index, struct pattern *p)
{
    size_t len;
    const char *why = "";
    const char *text = luaL_checklstring(L, index, &len);
    charge(L, len / 8);
    if (!pattern_compile(p, text, len, &why))
        luaL_error(L, "%s", why);
}

static void
subject(lua_State *L, int index, struct pattern_match *m)
{
    size_t len;
    m->subject = luaL_checklstring(L, index, &len);
    m->end = m->subject + len;
}

/* Looks from START on; throws if the steps are used up. */
static bool
look(lua_State *L, const struct pattern *p, struct pattern_match *m, const char *start)
{
    struct vm *vm = vm_of(L);
    m->steps = vm->budget ? vm->budget->steps : UINT64_MAX;
    enum pattern_result r = pattern_find(p, m, start);
    if (vm->budget != NULL)
        charge_steps(L, r == PATTERN_SPENT ? 0 : m->steps);
    return r == PATTERN_YES;
}

static void
push_capture(lua_State *L, const struct pattern_match *m, unsigned i)
{
    const struct pattern_capture *c = &m->captures[i];
    if (c->position)
        lua_pushinteger(L, c->at - m->subject + 1);
    else
        lua_pushlstring(L, c->at, c->len);
}

/* Pushes the captures, or the whole match if there are none and WHOLE. */
static int
push_captures(lua_State *L, const struct pattern *p, const struct pattern_match *m, bool whole)
{
    luaL_checkstack(L, (int)p->n_captures + 4, "too many captures");
    if (p->n_captures == 0 && whole) {
        lua_pushlstring(L, m->from, (size_t)(m->to - m->from));
        return 1;
    }
    for (unsigned i = 0; i < p->n_captures; i++)
        push_capture(L, m, i);
    return (int)p->n_captures;
}

/* Where the search begins: the third argument, counted from the end if it is negative. NULL:
 * behind the end. */
static const char *
start_of(lua_State *L, const struct pattern_match *m)
{
    lua_Integer len = m->end - m->subject;
    lua_Integer init = luaL_optinteger(L, 3, 1);
    if (init < 0)
        init = init < -len ? 1 : len + init + 1;
    if (init == 0)
        init = 1;
    return init > len + 1 ? NULL : m->subject + init - 1;
}

static int
find_plain(lua_State *L, const struct pattern_match *m, const char *start)
{
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);
    size_t left = (size_t)(m->end - start);
    const char *at = len == 0 ? start : memmem(start, left, text, len);
    charge(L, (len + (at ? (size_t)(at - start) : left)) / 16);
    if (at == NULL) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, at - m->subject + 1);
    lua_pushinteger(L, at - m->subject + (lua_Integer)len);
    return 2;
}

/* Whether the text at INDEX means itself as a pattern. */
static bool
is_plain(lua_State *L, int index)
{
    size_t len;
    const char *text = luaL_checklstring(L, index, &len);
    for (size_t i = 0; i < len; i++)
        if (text[i] != '\0' && strchr("^$*+?.([%-", text[i]))
            return false;
    return true;
}

static int
find_or_match(lua_State *L, bool find)
{
    struct pattern p;
    struct pattern_match m;
    subject(L, 1, &m);
    const char *start = start_of(L, &m);
    if (start != NULL && find && (lua_toboolean(L, 4) || is_plain(L, 2)))
        return find_plain(L, &m, start);
    compile(L, 2, &p);
    if (start == NULL || !look(L, &p, &m, start)) {
        lua_pushnil(L);
        return 1;
    }
    if (!find)
        return push_captures(L, &p, &m, true);
    lua_pushinteger(L, m.from - m.subject + 1);
    lua_pushinteger(L, m.to - m.subject);
    return 2 + push_captures(L, &p, &m, false);
}

static int
string_find(lua_State *L)
{
    return find_or_match(L, true);
}

static int
string_match(lua_State *L)
{
    return find_or_match(L, false);
}

/* The next match of what gmatch was called with: upvalues are the subject, the pattern, where
 * to go on, and where the latest match ended. An empty match is none where that one ended. */
static bool
next_match(lua_State *L, const struct pattern *p, struct pattern_match *m, lua_Integer *at,
           lua_Integer last)
{
    while (*at <= m->end - m->subject) {
        if (!look(L, p, m, m->subject + *at))
            return false;
        if (m->to - m->subject != last || m->to != m->from)
            return true;
        *at = m->from - m->subject + 1;
        if (p->anchored)
            return false;
    }
    return false;
}

static int
gmatch_step(lua_State *L)
{
    struct pattern p;
    struct pattern_match m;
    subject(L, lua_upvalueindex(1), &m);
    compile(L, lua_upvalueindex(2), &p);
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(3));
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    if (!next_match(L, &p, &m, &at, last)) {
        lua_pushinteger(L, m.end - m.subject + 1);
        lua_replace(L, lua_upvalueindex(3));
        return 0;
    }
    lua_pushinteger(L, m.to - m.subject);
    lua_pushvalue(L, -1);
    lua_replace(L, lua_upvalueindex(3));
    lua_replace(L, lua_upvalueindex(4));
    return push_captures(L, &p, &m, true);
}

static int
string_gmatch(lua_State *L)
{
    struct pattern p;
    struct pattern_match m;
    subject(L, 1, &m);
    compile(L, 2, &p);
    const char *start = start_of(L, &m);
    lua_settop(L, 2);
    lua_pushinteger(L, start ? start - m.subject : m.end - m.subject + 1);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, gmatch_step, 4);
    return 1;
}

/* match_next (subject, pattern, at, last): from, to, captures of the next match as gsub finds
 * it; for what is written in Lua. */
static int
match_next(lua_State *L)
{
    struct pattern p;
    struct pattern_match m;
    subject(L, 1, &m);
    compile(L, 2, &p);
    lua_Integer at = luaL_checkinteger(L, 3);
    lua_Integer last = luaL_checkinteger(L, 4);
    if ((p.anchored && at > 0) || !next_match(L, &p, &m, &at, last))
        return 0;
    lua_pushinteger(L, m.from - m.subject);
    lua_pushinteger(L, m.to - m.subject);
    return 2 + push_captures(L, &p, &m, true);
}

/* -- gsub with a text -- */

/* Adds what %1 and its like in the replacement stand for. */
static void
add_escape(lua_State *L, luaL_Buffer *b, const struct pattern *p, const struct pattern_match *m,
           char c)
{
    if (c == '%') {
        luaL_addchar(b, '%');
    } else if (c == '0' || (c == '1' && p->n_captures == 0)) {
        buffer_add(b, m->from, (size_t)(m->to - m->from));
    } else if (c >= '1' && c <= '9' && (unsigned)(c - '1') < p->n_captures) {
        const struct pattern_capture *k = &m->captures[c - '1'];
        if (k->position) {
            lua_pushinteger(L, k->at - m->subject + 1);
            luaL_addvalue(b);
        } else {
            buffer_add(b, k->at, k->len);
        }
    } else {
        luaL_error(L, "'%%%c' in the replacement is no capture", c);
    }
}

static void
add_replacement(lua_State *L, luaL_Buffer *b, const struct pattern *p,
                const struct pattern_match *m, struct weir_text with)
{
    charge(L, 4 + with.len / 16);
    for (size_t i = 0; i < with.len; i++) {
        if (with.bytes[i] != '%') {
            luaL_addchar(b, with.bytes[i]);
            continue;
        }
        if (++i == with.len)
            luaL_error(L, "the replacement ends in '%%'");
        size_t before = b->n;
        add_escape(L, b, p, m, with.bytes[i]);
        charge(L, (b->n - before) / 16);
    }
}

/* gsub_text (subject, pattern, replacement, max): text and count. */
static int
gsub_text(lua_State *L)
{
    struct pattern p;
    struct pattern_match m;
    struct weir_text with;
    luaL_Buffer b;
    subject(L, 1, &m);
    compile(L, 2, &p);
    with.bytes = luaL_checklstring(L, 3, &with.len);
    lua_Integer max = luaL_optinteger(L, 4, m.end - m.subject + 1);
    lua_Integer n = 0, at = 0, copied = 0, last = -1;
    lua_settop(L, 3);
    luaL_buffinit(L, &b);
    while (n < max && (!p.anchored || n == 0) && next_match(L, &p, &m, &at, last)) {
        buffer_add(&b, m.subject + copied, (size_t)(m.from - m.subject - copied));
        add_replacement(L, &b, &p, &m, with);
        at = copied = last = m.to - m.subject;
        n++;
    }
    buffer_add(&b, m.subject + copied, (size_t)(m.end - m.subject - copied));
    luaL_pushresult(&b);
    lua_pushinteger(L, n);
    return 2;
}

void
match_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "find", string_find }, { "match", string_match }, { "gmatch", string_gmatch },
        { "_next", match_next }, { "_text", gsub_text },    { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
}
