/* lua/proxy.h - what value.c and walk.c share: the inside of a proxy.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LUA_PROXY_H
#define LUA_PROXY_H

#include "script.h"

struct origin;

struct proxy {
    const struct weir_value *v; /* owned */
    struct origin *origin;      /* shared; NULL: it costs nothing */
    size_t copied;              /* members that were copied into the table beside it */
    bool own;                   /* it has all of them, and is what is shown */
    bool frozen;
};

/* The original's field for the key at KEY, borrowed; NULL: it has none. */
const struct weir_value *proxy_original(lua_State *L, const struct proxy *p, int key);

/* Pushes the field of the proxy at INDEX whose value is V and whose key is at KEY. Throws. */
void proxy_push_field(lua_State *L, int index, int key, const struct weir_value *v);

/* Pushes the table of the proxy at INDEX, made if there is none. Throws. */
void proxy_push_table(lua_State *L, int index);

/* Replaces a sentinel of null on the top by nil. */
void proxy_without_null(lua_State *L);

#endif
