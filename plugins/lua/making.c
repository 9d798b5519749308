/* lua/making.c - see making.h: what can stand in a value, one frame for each list or map.
 * SPDX-License-Identifier: Apache-2.0 */
#include "making.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* What one value costs, beside its text. */
#define VALUE_COST 48u
/* What one list or map costs, beside what is in it. */
#define TABLE_COST 160u
/* Originals that are handed out without a look at their size. */
#define FREE_ORIGINALS 16u

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
make_text(struct making *m)
{
    struct weir_text t;
    t.bytes = lua_tolstring(m->L, -1, &t.len); /* a string it is: nothing is converted */
    if (!take(m, VALUE_COST + t.len))
        return false;
    m->result = host->string(t);
    if (m->result == NULL)
        m->result = host->bytes(t);
    return true;
}

static bool
make_number(struct making *m)
{
    if (!take(m, VALUE_COST))
        return false;
    if (lua_isinteger(m->L, -1)) {
        m->result = host->integer(lua_tointeger(m->L, -1));
        return true;
    }
    double d = lua_tonumber(m->L, -1);
    if (!isfinite(d))
        return wrong(m, WEIR_INVALID, "%s is no number that JSON has",
                     isnan(d) ? "not-a-number" : "infinity");
    m->result = host->number(d);
    return true;
}

/* The original of the proxy on the top, as it is. One that is handed out again and again is
 * counted each time: it is written out as often. */
static bool
make_original(struct making *m)
{
    const struct weir_value *v = value_look(m->L, -1).v;
    lua_pop(m->L, 1);
    if (++m->originals > FREE_ORIGINALS && !take(m, value_weight(v, m->left + 1)))
        return false;
    if (!take(m, 1))
        return false;
    m->result = host->ref(v);
    return true;
}

/* -- frames -- */

/* Takes the innermost frame away; its table and key stay on the stack. */
static void
leave(struct making *m)
{
    struct frame *f = &m->frames[--m->depth];
    host->builder_free(&f->list);
    entries_fini(&f->entries);
    host->unref(&f->look.v);
}

/* A frame for the table on the top of the stack. */
static struct frame *
push_frame(struct making *m)
{
    struct frame *f = &m->frames[m->depth++];
    *f = (struct frame){ 0 };
    return f;
}

/* Gives the finished value to the frame that it is for. */
static void
deliver(struct making *m)
{
    if (m->depth == 0)
        return;
    struct frame *f = &m->frames[m->depth - 1];
    f->i++;
    f->keyed = false;
    if (f->kind == FRAME_KEYS)
        f->entries.all[f->entries.n++].value = m->result;
    else
        host->list_add(f->list, &m->result);
    m->result = NULL;
}

/* The value of the innermost frame is there. */
static bool
end_frame(struct making *m, const struct weir_value *v)
{
    leave(m);
    lua_pop(m->L, 1);
    m->result = v;
    deliver(m);
    return true;
}

/* JSON and everything else that shows a map has its keys as text. */
static bool
is_utf8(struct weir_text key)
{
    size_t i = 0;
    while (i < key.len && (unsigned char)key.bytes[i] < 0x80)
        i++;
    if (i == key.len)
        return true;
    const struct weir_value *text = host->string(key);
    bool is = text != NULL;
    host->unref(&text);
    return is;
}

static bool
refuse_key(struct making *m, struct weir_text key)
{
    char shown[60];
    size_t len = 0;
    for (size_t i = 0; i < key.len && len + 5 < sizeof shown; i++) {
        unsigned char c = (unsigned char)key.bytes[i];
        len += (size_t)snprintf(shown + len, sizeof shown - len, c < ' ' || c > '~' ? "\\x%02x" : "%c", c);
    }
    return wrong(m, WEIR_INVALID, "a map can't have the key '%s', which is not UTF-8; weir.hex.encode makes "
                                  "a text of bytes", shown);
}

/* The key and value after the key on the top of the stack. */
static bool
step_keys(struct making *m, struct frame *f)
{
    struct weir_text key;
    if (!lua_next(m->L, -2)) {
        return end_frame(m, entries_build(&f->entries, &f->look));
    }
    if (lua_type(m->L, -2) != LUA_TSTRING)
        return wrong(m, WEIR_INVALID,
                     "a table with keys of type %s among others is neither a list nor a map",
                     lua_typename(m->L, lua_type(m->L, -2)));
    key.bytes = lua_tolstring(m->L, -2, &key.len);
    if (!is_utf8(key))
        return refuse_key(m, key);
    entries_add(&f->entries, key);
    f->keyed = true;
    return take(m, key.len) && making_enter(m);
}

/* -- lists -- */

/* Whether one more key of the table is one of its N items. */
static bool
step_check(struct making *m, struct frame *f)
{
    if (lua_next(m->L, -2)) {
        lua_pop(m->L, 1);
        f->i++;
        return lua_isinteger(m->L, -1) ||
               wrong(m, WEIR_INVALID,
                     "a table with keys 1 to n and others is neither a list nor a map");
    }
    if (f->i != f->n)
        return wrong(m, WEIR_INVALID, "a list has no holes: put weir.null where nothing is");
    f->i = 0;
    f->kind = FRAME_ITEMS;
    f->list = host->list_new();
    return true;
}

static bool
step_items(struct making *m, struct frame *f)
{
    if (f->i == f->n)
        return end_frame(m, host->build(&f->list));
    lua_rawgeti(m->L, -1, (lua_Integer)f->i + 1);
    return making_enter(m);
}

/* A list of which items were changed, but that has the items that it had. */
static bool
step_touched(struct making *m, struct frame *f)
{
    if (f->i == host->len(f->look.v))
        return end_frame(m, host->build(&f->list));
    if (lua_rawgeti(m->L, -1, (lua_Integer)f->i + 1) != LUA_TNIL)
        return making_enter(m);
    lua_pop(m->L, 1);
    if (!take(m, VALUE_COST / 2))
        return false;
    m->result = host->ref(host->at(f->look.v, f->i));
    deliver(m);
    return true;
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

static void
begin_items(struct making *m)
{
    struct frame *f = push_frame(m);
    f->kind = FRAME_CHECK;
    f->n = lua_rawlen(m->L, -1);
    lua_pushnil(m->L);
}

/* The table on the top. */
static bool
enter_table(struct making *m)
{
    if (!take(m, TABLE_COST))
        return false;
    lua_pushnil(m->L);
    bool empty = !lua_next(m->L, -2);
    bool list = !empty && lua_isinteger(m->L, -2);
    lua_pop(m->L, empty ? 0 : 2);
    if (is_marked_list(m) || list) {
        begin_items(m);
        return true;
    }
    push_frame(m)->kind = FRAME_KEYS;
    lua_pushnil(m->L);
    return true;
}

/* -- proxies -- */

bool
making_is_changed(lua_State *L, int index, unsigned depth)
{
    index = lua_absindex(L, index);
    struct proxy_look p = value_look(L, index);
    bool changed = p.own;
    if (!changed && lua_istable(L, -1) && depth < VALUE_DEPTH && lua_checkstack(L, 8)) {
        lua_pushnil(L);
        while (!changed && lua_next(L, -2)) {
            changed = value_is_proxy(L, -1) && making_is_changed(L, -1, depth + 1);
            lua_pop(L, changed ? 2 : 1);
        }
    }
    lua_pop(L, 1);
    return changed;
}

/* The changed proxy on the top: a map, whose table has what was touched or, if it is its own, all;
 * or a list. */
static bool
enter_changed(struct making *m)
{
    struct proxy_look p = value_look(m->L, -1);
    p.v = host->ref(p.v);
    lua_remove(m->L, -2);
    if (host->type(p.v) == WEIR_MAP) {
        struct frame *f = push_frame(m);
        f->kind = FRAME_KEYS;
        f->look = p;
        lua_pushnil(m->L);
        return take(m, host->len(p.v) * (VALUE_COST / 2));
    }
    if (p.own) {
        begin_items(m);
    } else {
        struct frame *f = push_frame(m);
        f->kind = FRAME_TOUCHED;
        f->list = host->list_new();
    }
    m->frames[m->depth - 1].look = p;
    return true;
}

static bool
enter_other(struct making *m)
{
    bool null = lua_touserdata(m->L, -1) == &null_key;
    if (!null && !value_is_proxy(m->L, -1))
        return wrong(m, WEIR_INVALID, "a %s is no value",
                     lua_type(m->L, -1) == LUA_TUSERDATA
                         ? "library"
                         : lua_typename(m->L, lua_type(m->L, -1)));
    if (!null && making_is_changed(m->L, -1, m->depth))
        return enter_changed(m);
    bool good = null ? take(m, VALUE_COST) : make_original(m);
    if (null)
        m->result = host->null();
    lua_pop(m->L, 1);
    if (good)
        deliver(m);
    return good;
}

/* -- all of it -- */

/* Makes a value of the scalar on the top. */
static bool
make_scalar(struct making *m, int type)
{
    switch (type) {
    case LUA_TNIL:
        m->result = host->null();
        return true;
    case LUA_TBOOLEAN:
        m->result = host->boolean(lua_toboolean(m->L, -1));
        return take(m, VALUE_COST);
    case LUA_TNUMBER:
        return make_number(m);
    default:
        return make_text(m);
    }
}

bool
making_enter(struct making *m)
{
    int type = lua_type(m->L, -1);
    if (m->depth > VALUE_DEPTH || !lua_checkstack(m->L, 10)) {
        budget_note(m->vm, ABORT_DEPTH);
        return wrong(m, WEIR_TOO_LARGE,
                     "it is more than %u levels deep: does it contain itself?", VALUE_DEPTH);
    }
    if (type == LUA_TTABLE)
        return enter_table(m);
    if (type == LUA_TLIGHTUSERDATA || type > LUA_TTABLE)
        return enter_other(m);
    bool good = make_scalar(m, type);
    lua_pop(m->L, 1);
    if (good)
        deliver(m);
    return good;
}

bool
making_step(struct making *m)
{
    struct frame *f = &m->frames[m->depth - 1];
    switch (f->kind) {
    case FRAME_KEYS:
        return step_keys(m, f);
    case FRAME_CHECK:
        return step_check(m, f);
    case FRAME_ITEMS:
        return step_items(m, f);
    default:
        return step_touched(m, f);
    }
}

void
making_fini(struct making *m)
{
    while (m->depth > 0)
        leave(m);
    host->unref(&m->result);
}
