/* lua/match.c - see script.h: find, match, gmatch and gsub on patterns with a bound
 * (pattern.h).
 *
 * A search that takes longer than the slice of its script yields, and goes on when others have
 * had their turn.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "pattern.h"
#include "script.h"

/* Steps until a search looks at the clock. */
#define PAUSE 4000u
/* Bytes in which a plain text is looked for at once. */
#define WINDOW 65536u

enum kind { FIND, MATCH, STEP, NEXT };

struct search {
    struct pattern p;
    struct pattern_match m;
    enum kind kind;
    bool kept;        /* it is on the stack of Lua */
    lua_Integer last; /* STEP, NEXT: where the match before ended; an empty one is none there */
};

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
    m->pause = PAUSE;
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

/* Finds the text at 2 in the one at 1, from the byte FROM on, a window of it at a time. */
static int
find_plain(lua_State *L, int status, lua_KContext from)
{
    (void)status;
    size_t len, all;
    struct vm *vm = vm_of(L);
    const char *s = luaL_checklstring(L, 1, &all), *text = luaL_checklstring(L, 2, &len);
    size_t window = len < WINDOW / 4 ? WINDOW : 4 * len;
    for (size_t at = (size_t)from;; at += window) {
        size_t left = all - at, room = window + len;
        room = room < left ? room : left;
        const char *found = len == 0 ? s + at : memmem(s + at, room, text, len);
        charge(L, (len + (found ? (size_t)(found - s) - at : room)) / 16);
        if (found != NULL) {
            lua_pushinteger(L, found - s + 1);
            lua_pushinteger(L, found - s + (lua_Integer)len);
            return 2;
        }
        if (room == left) {
            lua_pushnil(L);
            return 1;
        }
        if (slice_is_over(vm) && lua_isyieldable(L)) {
            vm->preempted = true;
            return lua_yieldk(L, 0, (lua_KContext)(at + window), find_plain);
        }
    }
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

/* -- searching -- */

/* Gives the search the steps that are left, and takes those off that it has taken. */
static void
lend_steps(lua_State *L, struct pattern_match *m)
{
    const struct budget *b = vm_of(L)->budget;
    m->steps = b ? b->steps : UINT64_MAX;
}

static void
settle_steps(lua_State *L, const struct pattern_match *m, enum pattern_result r)
{
    if (vm_of(L)->budget != NULL)
        charge_steps(L, r == PATTERN_SPENT ? 0 : m->steps);
}

static int
push_found(lua_State *L, struct search *x)
{
    const struct pattern_match *m = &x->m;
    int n = 0;
    if (x->kind == STEP) {
        lua_pushinteger(L, m->to - m->subject);
        lua_pushvalue(L, -1);
        lua_replace(L, lua_upvalueindex(3));
        lua_replace(L, lua_upvalueindex(4));
    } else if (x->kind != MATCH) {
        lua_pushinteger(L, m->from - m->subject + (x->kind == FIND));
        lua_pushinteger(L, m->to - m->subject);
        n = 2;
    }
    return n + push_captures(L, &x->p, m, x->kind != FIND);
}

static int
push_nothing(lua_State *L, const struct search *x)
{
    if (x->kind == STEP) {
        lua_pushinteger(L, x->m.end - x->m.subject + 1);
        lua_replace(L, lua_upvalueindex(3));
    }
    lua_pushnil(L);
    return 1;
}

static int go_on(lua_State *L, int status, lua_KContext context);

/* Yields until the script has its next slice. */
static int
pause_search(lua_State *L, struct search *x)
{
    if (!x->kept) {
        struct search *copy = lua_newuserdatauv(L, sizeof *copy, 0);
        *copy = *x;
        copy->kept = true;
    }
    vm_of(L)->preempted = true;
    return lua_yieldk(L, 0, 0, go_on);
}

/* Works out what a search has come to, and searches further where it has to. */
static int
follow(lua_State *L, struct search *x, enum pattern_result r)
{
    struct pattern_match *m = &x->m;
    for (;;) {
        settle_steps(L, m, r);
        if (r == PATTERN_PAUSED) {
            if (slice_is_over(vm_of(L)) && lua_isyieldable(L))
                return pause_search(L, x);
            lend_steps(L, m);
            r = pattern_go_on(&x->p, m);
            continue;
        }
        if (r != PATTERN_YES)
            return push_nothing(L, x);
        if (x->kind < STEP || m->to != m->from || m->to - m->subject != x->last)
            return push_found(L, x);
        if (x->p.anchored || m->from == m->end)
            return push_nothing(L, x);
        lend_steps(L, m);
        r = pattern_find(&x->p, m, m->from + 1);
    }
}

static int
go_on(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    struct search *x = lua_touserdata(L, -1);
    lend_steps(L, &x->m);
    return follow(L, x, pattern_go_on(&x->p, &x->m));
}

static int
begin(lua_State *L, struct search *x, const char *start)
{
    x->kept = false;
    lend_steps(L, &x->m);
    return follow(L, x, pattern_find(&x->p, &x->m, start));
}

static int
find_or_match(lua_State *L, enum kind kind)
{
    struct search x;
    x.kind = kind;
    subject(L, 1, &x.m);
    const char *start = start_of(L, &x.m);
    if (start != NULL && kind == FIND && (lua_toboolean(L, 4) || is_plain(L, 2)))
        return find_plain(L, LUA_OK, start - x.m.subject);
    compile(L, 2, &x.p);
    if (start == NULL)
        return push_nothing(L, &x);
    return begin(L, &x, start);
}

static int
string_find(lua_State *L)
{
    return find_or_match(L, FIND);
}

static int
string_match(lua_State *L)
{
    return find_or_match(L, MATCH);
}

/* Upvalues are the subject, the pattern, where to go on, and where the latest match ended. */
static int
gmatch_step(lua_State *L)
{
    struct search x;
    x.kind = STEP;
    subject(L, lua_upvalueindex(1), &x.m);
    compile(L, lua_upvalueindex(2), &x.p);
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(3));
    x.last = lua_tointeger(L, lua_upvalueindex(4));
    if (at > x.m.end - x.m.subject)
        return push_nothing(L, &x);
    return begin(L, &x, x.m.subject + at);
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

/* _next (subject, pattern, at, last): from, to, captures of the next match as gsub finds it,
 * else nil; for what is written in Lua. */
static int
match_next(lua_State *L)
{
    struct search x;
    x.kind = NEXT;
    subject(L, 1, &x.m);
    compile(L, 2, &x.p);
    lua_Integer at = luaL_checkinteger(L, 3);
    x.last = luaL_checkinteger(L, 4);
    if ((x.p.anchored && at > 0) || at < 0 || at > x.m.end - x.m.subject)
        return push_nothing(L, &x);
    return begin(L, &x, x.m.subject + at);
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

/* The next match of gsub behind *AT. PATTERN_PAUSED: it takes longer than the slice. */
static enum pattern_result
next_quickly(lua_State *L, const struct pattern *p, struct pattern_match *m, lua_Integer *at,
             lua_Integer last)
{
    while (*at <= m->end - m->subject) {
        lend_steps(L, m);
        enum pattern_result r = pattern_find(p, m, m->subject + *at);
        settle_steps(L, m, r);
        while (r == PATTERN_PAUSED) {
            if (slice_is_over(vm_of(L)))
                return r;
            lend_steps(L, m);
            r = pattern_go_on(p, m);
            settle_steps(L, m, r);
        }
        if (r != PATTERN_YES || m->to != m->from || m->to - m->subject != last)
            return r;
        *at = m->from - m->subject + 1;
        if (p->anchored)
            break;
    }
    return PATTERN_NO;
}

/* _text (subject, pattern, replacement, max, at, last): replaces behind AT as long as the slice
 * lasts. Gives the text, the count, the new AT and LAST, and what is to be done: "end" nothing,
 * "more" the same again, "slow" the next match by _next. */
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
    lua_Integer max = luaL_optinteger(L, 4, LUA_MAXINTEGER);
    lua_Integer at = luaL_checkinteger(L, 5), last = luaL_checkinteger(L, 6);
    lua_Integer copied = at, n = 0;
    enum pattern_result r = PATTERN_NO;
    lua_settop(L, 3);
    luaL_buffinit(L, &b);
    while (n < max && (!p.anchored || at == 0) &&
           (n == 0 || !slice_is_over(vm_of(L)) || n % 16)) {
        lua_Integer from = at;
        r = next_quickly(L, &p, &m, &from, last);
        if (r != PATTERN_YES)
            break;
        buffer_add(&b, m.subject + copied, (size_t)(m.from - m.subject - copied));
        add_replacement(L, &b, &p, &m, with);
        at = copied = last = m.to - m.subject;
        n++;
        if (p.anchored)
            break;
    }
    bool more = r == PATTERN_YES && n < max && !p.anchored;
    if (!more && r != PATTERN_PAUSED)
        buffer_add(&b, m.subject + copied, (size_t)(m.end - m.subject - copied));
    luaL_pushresult(&b);
    lua_pushinteger(L, n);
    lua_pushinteger(L, copied);
    lua_pushinteger(L, last);
    lua_pushstring(L, r == PATTERN_PAUSED ? "slow" : more ? "more" : "end");
    return 5;
}

/* _expand (replacement, whole, captures ...): what stands for a match. */
static int
expand(lua_State *L)
{
    struct weir_text with;
    luaL_Buffer b;
    with.bytes = luaL_checklstring(L, 1, &with.len);
    int n = lua_gettop(L) - 2;
    luaL_buffinit(L, &b);
    for (size_t i = 0; i < with.len; i++) {
        char c = with.bytes[i];
        if (c == '%') {
            if (++i == with.len)
                return luaL_error(L, "the replacement ends in '%%'");
            c = with.bytes[i];
            if (c >= '0' && c <= '9') {
                int k = c - '0';
                if (k > n)
                    return luaL_error(L, "'%%%c' in the replacement is no capture", c);
                size_t len;
                const char *text = lua_tolstring(L, k + 2, &len);
                buffer_add(&b, text ? text : "", text ? len : 0);
                continue;
            }
            if (c != '%')
                return luaL_error(L, "'%%%c' in the replacement is no capture", c);
        }
        luaL_addchar(&b, c);
    }
    luaL_pushresult(&b);
    return 1;
}

void
match_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "find", string_find }, { "match", string_match }, { "gmatch", string_gmatch },
        { "_next", match_next }, { "_text", gsub_text },    { "_expand", expand },
        { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
}
