/* lua/make.c - see script.h: the engine's value of what a script hands out.
 *
 * A proxy that was not touched is its original, at no cost. Tables become maps, or lists if
 * their keys are 1 to n; the keys of a table have no order of their own and are sorted, so that
 * the same script gives the same text every time. Nothing here throws, since what is half built
 * belongs to the host.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

#define PLACE_MAX 160u
/* What one value costs, beside its text. */
#define VALUE_COST 48u
/* What one list or map costs, beside what is in it. */
#define TABLE_COST 160u
/* Originals that are handed out without a look at their size. */
#define FREE_ORIGINALS 16u

struct making {
    lua_State *L;
    struct vm *vm;
    uint64_t max;       /* bytes that it may take */
    uint64_t left;      /* of them */
    unsigned originals; /* handed out so far */
    uint32_t code;
    char why[200];
    char place[PLACE_MAX]; /* ".items[2].f", filled from its end while it unwinds */
    size_t place_at;
};

struct entry {
    struct weir_text key; /* in memory of Lua's: its table holds it */
    const struct weir_value *value;
};

static bool make(struct making *m, int index, unsigned depth, const struct weir_value **ret);

static bool __attribute__((format(printf, 3, 4)))
wrong(struct making *m, uint32_t code, const char *fmt, ...)
{
    va_list args;
    m->code = code;
    va_start(args, fmt);
    vsnprintf(m->why, sizeof m->why, fmt, args);
    va_end(args);
    return false;
}

/* Puts the name of the part that is at fault in front of those inside it. */
static bool
inside(struct making *m, const struct weir_text *key, size_t number)
{
    char part[64];
    int len = key ? snprintf(part, sizeof part, ".%.*s", (int)(key->len < 40 ? key->len : 40),
                             key->bytes)
                  : snprintf(part, sizeof part, "[%zu]", number);
    if (len > 0 && (size_t)len < m->place_at) {
        m->place_at -= (size_t)len;
        memcpy(m->place + m->place_at, part, (size_t)len);
    }
    return false;
}

static bool
take(struct making *m, uint64_t bytes)
{
    if (bytes > m->left)
        return wrong(m, WEIR_TOO_LARGE, "it is larger than %llu bytes (max_memory)",
                     (unsigned long long)m->max);
    m->left -= bytes;
    if (charge_gently(m->vm, 1 + bytes / 64))
        return true;
    return wrong(m, WEIR_SCRIPT, "%s", abort_text(m->vm->budget->reason));
}

static bool
make_text(struct making *m, int index, const struct weir_value **ret)
{
    struct weir_text t;
    t.bytes = lua_tolstring(m->L, index, &t.len); /* a string it is: nothing is converted */
    if (!take(m, VALUE_COST + t.len))
        return false;
    *ret = host->string(t);
    if (*ret == NULL)
        *ret = host->bytes(t);
    return true;
}

static bool
make_number(struct making *m, int index, const struct weir_value **ret)
{
    if (!take(m, VALUE_COST))
        return false;
    if (lua_isinteger(m->L, index)) {
        *ret = host->integer(lua_tointeger(m->L, index));
        return true;
    }
    double d = lua_tonumber(m->L, index);
    if (!isfinite(d))
        return wrong(m, WEIR_INVALID, "%s is no number that JSON has",
                     isnan(d) ? "not-a-number" : "infinity");
    *ret = host->number(d);
    return true;
}

/* An original as it is. One that is handed out again and again is counted each time: it is
 * written out as often. */
static bool
make_original(struct making *m, const struct weir_value *v, const struct weir_value **ret)
{
    if (++m->originals > FREE_ORIGINALS && !take(m, value_weight(v, m->left + 1)))
        return false;
    if (!take(m, 1))
        return false;
    *ret = host->ref(v);
    return true;
}

/* -- tables -- */

/* The items 1 to N of the table on the top. */
static bool
make_items(struct making *m, size_t n, unsigned depth, const struct weir_value **ret)
{
    struct weir_builder *b = host->list_new();
    for (size_t i = 1; i <= n; i++) {
        const struct weir_value *item = NULL;
        lua_rawgeti(m->L, -1, (lua_Integer)i);
        bool good = make(m, -1, depth + 1, &item) || inside(m, NULL, i);
        lua_pop(m->L, 1);
        if (!good) {
            host->builder_free(&b);
            return false;
        }
        host->list_add(b, &item);
    }
    *ret = host->build(&b);
    return true;
}

static int
by_key(const void *a, const void *b)
{
    const struct weir_text *x = &((const struct entry *)a)->key;
    const struct weir_text *y = &((const struct entry *)b)->key;
    int order = memcmp(x->bytes, y->bytes, x->len < y->len ? x->len : y->len);
    return order != 0 ? order : x->len < y->len ? -1 : x->len > y->len;
}

struct entries {
    struct entry *all;
    size_t n;
    size_t room;
};

static void
entries_free(struct entries *e)
{
    for (size_t i = 0; i < e->n; i++)
        host->unref(&e->all[i].value);
    free(e->all);
}

/* Adds the key and value on the top of the stack. */
static bool
add_entry(struct making *m, struct entries *e, unsigned depth)
{
    struct weir_text key;
    if (lua_type(m->L, -2) != LUA_TSTRING)
        return wrong(m, WEIR_INVALID,
                     "a table with keys of type %s among others is neither a list nor a map",
                     lua_typename(m->L, lua_type(m->L, -2)));
    key.bytes = lua_tolstring(m->L, -2, &key.len);
    if (e->n == e->room) {
        e->room = e->room ? e->room * 2 : 8;
        e->all = realloc(e->all, e->room * sizeof *e->all);
        if (e->all == NULL)
            abort();
    }
    e->all[e->n] = (struct entry){ .key = key };
    if (!take(m, key.len) || !make(m, -1, depth + 1, &e->all[e->n].value))
        return inside(m, &key, 0);
    e->n++;
    return true;
}

/* Whether every key of the table on the top, of N items, is one of them. */
static bool
is_sequence(struct making *m, size_t n, const char **ret_why)
{
    size_t count = 0;
    *ret_why = NULL;
    lua_pushnil(m->L);
    while (lua_next(m->L, -2)) {
        lua_pop(m->L, 1);
        if (!lua_isinteger(m->L, -1)) {
            lua_pop(m->L, 1);
            *ret_why = "a table with keys 1 to n and others is neither a list nor a map";
            return false;
        }
        count++;
    }
    if (count != n)
        *ret_why = "a list has no holes: put weir.null where nothing is";
    return count == n;
}

static void
set_entries(struct weir_builder *b, struct entries *e)
{
    if (e->n > 1)
        qsort(e->all, e->n, sizeof *e->all, by_key);
    for (size_t i = 0; i < e->n; i++)
        host->map_set(b, e->all[i].key, &e->all[i].value);
}

static bool
make_map(struct making *m, unsigned depth, const struct weir_value **ret)
{
    struct entries e = { 0 };
    bool good = true;
    lua_pushnil(m->L);
    while (good && lua_next(m->L, -2)) {
        good = add_entry(m, &e, depth);
        lua_pop(m->L, good ? 1 : 2);
    }
    if (good) {
        struct weir_builder *b = host->map_new();
        set_entries(b, &e);
        *ret = host->build(&b);
    }
    entries_free(&e);
    return good;
}

static bool
is_marked_list(struct making *m)
{
    if (!lua_getmetatable(m->L, -1))
        return false;
    bool is = lua_topointer(m->L, -1) == m->vm->array_meta;
    lua_pop(m->L, 1);
    return is;
}

/* The table on the top. */
static bool
make_table(struct making *m, unsigned depth, const struct weir_value **ret)
{
    const char *why;
    size_t n = lua_rawlen(m->L, -1);
    if (!take(m, TABLE_COST))
        return false;
    lua_pushnil(m->L);
    bool empty = !lua_next(m->L, -2);
    bool list = !empty && lua_isinteger(m->L, -2);
    lua_pop(m->L, empty ? 0 : 2);
    if (!is_marked_list(m) && !list)
        return make_map(m, depth, ret);
    if (!is_sequence(m, n, &why))
        return wrong(m, WEIR_INVALID, "%s", why);
    return make_items(m, n, depth, ret);
}

/* -- proxies -- */

/* Whether anything was written to the proxy at INDEX or below it. */
static bool
is_changed(struct making *m, int index, unsigned depth)
{
    index = lua_absindex(m->L, index);
    struct proxy_look p = value_look(m->L, index);
    bool changed = p.own;
    if (!changed && lua_istable(m->L, -1) && depth < VALUE_DEPTH && lua_checkstack(m->L, 8)) {
        lua_pushnil(m->L);
        while (!changed && lua_next(m->L, -2)) {
            changed = value_is_proxy(m->L, -1) && is_changed(m, -1, depth + 1);
            lua_pop(m->L, changed ? 2 : 1);
        }
    }
    lua_pop(m->L, 1);
    return changed;
}

static const struct weir_value **
find_entry(const struct entries *e, struct weir_text key)
{
    struct entry wanted = { .key = key };
    struct entry *found = e->n ? bsearch(&wanted, e->all, e->n, sizeof *e->all, by_key) : NULL;
    return found ? &found->value : NULL;
}

/* The members in the order of the original, then what the script has added. */
static const struct weir_value *
merge_entries(const struct proxy_look *p, struct entries *e)
{
    struct weir_builder *b = host->map_new();
    if (e->n > 1)
        qsort(e->all, e->n, sizeof *e->all, by_key);
    for (size_t i = 0; i < host->len(p->v); i++) {
        struct weir_text key;
        const struct weir_value *item;
        (void)host->member(p->v, i, &key, &item);
        const struct weir_value **changed = find_entry(e, key);
        const struct weir_value *same = host->ref(item);
        if (changed != NULL)
            host->map_set(b, key, changed);
        else if (!p->own)
            host->map_set(b, key, &same);
        host->unref(&same);
    }
    for (size_t i = 0; i < e->n; i++)
        if (e->all[i].value != NULL)
            host->map_set(b, e->all[i].key, &e->all[i].value);
    return host->build(&b);
}

/* A changed map; the table on the top has what was touched or, if it is its own, all. */
static bool
make_changed_map(struct making *m, const struct proxy_look *p, unsigned depth,
                 const struct weir_value **ret)
{
    struct entries e = { 0 };
    bool good = take(m, host->len(p->v) * (VALUE_COST / 2));
    lua_pushnil(m->L);
    while (good && lua_next(m->L, -2)) {
        good = add_entry(m, &e, depth);
        lua_pop(m->L, good ? 1 : 2);
    }
    if (good)
        *ret = merge_entries(p, &e);
    entries_free(&e);
    return good;
}

/* A list of which items were changed, but that has the items that it had. */
static bool
make_touched_list(struct making *m, const struct proxy_look *p, unsigned depth,
                  const struct weir_value **ret)
{
    struct weir_builder *b = host->list_new();
    bool good = true;
    for (size_t i = 0; good && i < host->len(p->v); i++) {
        const struct weir_value *item = NULL;
        if (lua_rawgeti(m->L, -1, (lua_Integer)i + 1) == LUA_TNIL)
            good = take(m, VALUE_COST / 2) && (item = host->ref(host->at(p->v, i))) != NULL;
        else
            good = make(m, -1, depth + 1, &item) || inside(m, NULL, i + 1);
        lua_pop(m->L, 1);
        if (good)
            host->list_add(b, &item);
    }
    if (good)
        *ret = host->build(&b);
    host->builder_free(&b);
    return good;
}

static bool
make_changed(struct making *m, const struct proxy_look *p, unsigned depth,
             const struct weir_value **ret)
{
    const char *why;
    if (host->type(p->v) == WEIR_MAP)
        return make_changed_map(m, p, depth, ret);
    if (!p->own)
        return make_touched_list(m, p, depth, ret);
    size_t n = lua_rawlen(m->L, -1);
    if (!is_sequence(m, n, &why))
        return wrong(m, WEIR_INVALID, "%s", why);
    return make_items(m, n, depth, ret);
}

static bool
make_proxy(struct making *m, int index, unsigned depth, const struct weir_value **ret)
{
    index = lua_absindex(m->L, index);
    bool changed = is_changed(m, index, depth);
    struct proxy_look p = value_look(m->L, index);
    bool good = changed ? make_changed(m, &p, depth, ret) : make_original(m, p.v, ret);
    lua_pop(m->L, 1);
    return good;
}

static bool
make_other(struct making *m, int index, unsigned depth, const struct weir_value **ret)
{
    if (lua_touserdata(m->L, index) == &null_key) {
        *ret = host->null();
        return take(m, VALUE_COST);
    }
    if (value_is_proxy(m->L, index))
        return make_proxy(m, index, depth, ret);
    return wrong(m, WEIR_INVALID, "a %s is no value",
                 lua_type(m->L, index) == LUA_TUSERDATA
                     ? "library"
                     : lua_typename(m->L, lua_type(m->L, index)));
}

static bool
make(struct making *m, int index, unsigned depth, const struct weir_value **ret)
{
    if (depth > VALUE_DEPTH || !lua_checkstack(m->L, 10)) {
        budget_note(m->vm, ABORT_DEPTH);
        return wrong(m, WEIR_TOO_LARGE,
                     "it is more than %u levels deep: does it contain itself?", VALUE_DEPTH);
    }
    switch (lua_type(m->L, index)) {
    case LUA_TNONE:
    case LUA_TNIL:
        *ret = host->null();
        return true;
    case LUA_TBOOLEAN:
        *ret = host->boolean(lua_toboolean(m->L, index));
        return take(m, VALUE_COST);
    case LUA_TNUMBER:
        return make_number(m, index, ret);
    case LUA_TSTRING:
        return make_text(m, index, ret);
    case LUA_TTABLE:
        break;
    default:
        return make_other(m, index, depth, ret);
    }
    lua_pushvalue(m->L, index);
    bool good = make_table(m, depth, ret);
    lua_pop(m->L, 1);
    return good;
}

/* What was not touched is its original, and costs nothing. */
static bool
is_untouched(struct making *m, int index)
{
    return value_is_proxy(m->L, index) && !is_changed(m, index, 0);
}

uint32_t
value_make_within(lua_State *L, int index, uint64_t max, const struct weir_value **ret,
                  struct weir_error *err)
{
    struct making m = {
        .L = L, .vm = vm_of(L), .place_at = PLACE_MAX, .left = max, .max = max
    };
    index = lua_absindex(L, index);
    if (max >= m.vm->script->limits.memory && is_untouched(&m, index)) {
        *ret = host->ref(value_look(L, index).v);
        lua_pop(L, 1);
        return WEIR_OK;
    }
    if (make(&m, index, 0, ret))
        return WEIR_OK;
    int len = (int)(PLACE_MAX - m.place_at);
    return refuse(err, m.code, "%.*s%s%s", len, m.place + m.place_at, len ? ": " : "", m.why);
}

uint32_t
value_make(lua_State *L, int index, const struct weir_value **ret, struct weir_error *err)
{
    return value_make_within(L, index, vm_of(L)->script->limits.memory, ret, err);
}
