/* lua/values.h - values of the engine as a script sees them, and what it hands out; part of script.h,
 * which says what "throws" means.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LUA_VALUES_H
#define LUA_VALUES_H

#include <lua.h>
#include <weir.h>

struct call;
struct vm;

/* The metatables of proxies and of arrays; throws. */
void value_open(lua_State *L);

/* Pushes V: scalars as Lua's own, maps and lists as proxies that read on touch. COST: bytes
 * that it adds to the memory of the script; 0 for what the engine holds anyway, as long as the
 * call goes on. Throws. */
void value_push(lua_State *L, const struct weir_value *v, uint64_t cost);

/* The same for what must not be changed: a configuration that all calls share. Throws. */
void value_push_frozen(lua_State *L, const struct weir_value *v);

/* Pushes a proxy of what that at INDEX was made of, not of what was changed in it. Throws. */
void value_push_original(lua_State *L, int index);

/* Has garbage collected, and goes on in THEN: its C function returns what this does. It may be
 * full again at once, so this is work of the script like any other. Throws. */
int value_collect(lua_State *L, lua_KFunction then);

/* What the script has kept of what C has lent it costs memory, now that C ends: from the next
 * collection on, when value_settle is called. */
void value_end_call(struct call *c);
void value_settle(struct vm *vm);

/* Whether the value at INDEX is a proxy. */
bool value_is_proxy(lua_State *L, int index);

/* Pushes a table with the level of the proxy at INDEX, which from now on is what the proxy
 * shows. Throws for a frozen one. */
void value_own(lua_State *L, int index);

/* The same in pieces, of whatever stands at INDEX: false if the slice is over before it is done.
 * Then the C function returns value_own_first of itself, and is called again with its stack as it
 * is. Throws. */
bool value_is_own(lua_State *L, int index);
int value_own_first(lua_State *L, lua_CFunction f);

/* Pushes the field KEY (an index of the stack) of a proxy. Throws. */
void value_field(lua_State *L, int index, int key);

/* Length of a list; 0 for a map. */
size_t value_length(lua_State *L, int index);

/* pairs and next of a proxy: value_pairs pushes three values, value_next one or two. Throws. */
int value_pairs(lua_State *L, int index);
int value_next(lua_State *L, int index, int key);

/* Sets a field of a proxy to the value on the top of the stack, and pops it. Throws. */
void value_set(lua_State *L, int index, int key);

/* The bytes that V takes, elements included, counted up to MAX. */
uint64_t value_weight(const struct weir_value *v, uint64_t max);

/* The host's value of what stands at INDEX; owned by the caller. WEIR_INVALID with ERR for what
 * is none, WEIR_TOO_LARGE for too much. Does not throw; the stack stays as it is. */
uint32_t value_make(lua_State *L, int index, const struct weir_value **ret,
                    struct weir_error *err);

/* The same, of at most MAX bytes. */
uint32_t value_make_within(lua_State *L, int index, uint64_t max, const struct weir_value **ret,
                           struct weir_error *err);

/* The same in pieces: others have their turn between them. THEN gets the value, which it owns, or
 * NULL and ERR, and what it returns is what the C function returns that returns this. Throws. */
typedef int value_made_fn(lua_State *L, const struct weir_value *v,
                          const struct weir_error *err);
int value_make_then(lua_State *L, int index, value_made_fn *then);

/* What that needs; throws. */
void value_make_open(lua_State *L);

/* What a proxy shows, for make.c: its original, and whether anything was changed; with a table
 * pushed (nil: none) that has what was touched or, if OWN, all of it. */
struct proxy_look {
    const struct weir_value *v;
    bool own;
    bool frozen;
};
struct proxy_look value_look(lua_State *L, int index);

/* The sentinel of null. */
extern const char null_key;

#endif
