/* lua/making.h - the inside of make.c: a value that is half made.
 *
 * What is inside what is known by frames, not by calls: so it can be left between any two values, and
 * gone on with later.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LUA_MAKING_H
#define LUA_MAKING_H

#include "script.h"

#define PLACE_MAX 160u

struct entry {
    struct weir_text key; /* its bytes: NULL as long as the entries may still be moved */
    size_t at;            /* of its bytes in the text of all keys */
    const struct weir_value *value;
};

/* The members of a map, in the order in which they were found. */
struct entries {
    struct entry *all;
    size_t n;
    size_t room;
    char *text;
    size_t len;
    size_t text_room;
};

/* A list or map that is half made. On the stack of Lua stands its table; and the latest key,
 * while its keys are gone through. */
struct frame {
    enum { FRAME_KEYS, FRAME_CHECK, FRAME_ITEMS, FRAME_TOUCHED } kind;
    size_t i; /* how many keys or items were seen */
    size_t n; /* of items */
    struct weir_builder *list;
    struct entries entries;
    struct proxy_look look; /* of what the script has changed; V is owned, NULL: it is a table */
    bool keyed;             /* the key of what is made is behind the entries */
};

struct making {
    lua_State *L;
    struct vm *vm;
    value_made_fn *then; /* made in pieces: what goes on with the value */
    int top;             /* and where the stack stood before */
    uint64_t max;       /* bytes that it may take */
    uint64_t left;      /* of them */
    unsigned originals; /* handed out so far */
    const struct weir_value *result; /* owned */
    uint32_t code;
    char why[200];
    char place[PLACE_MAX]; /* ".items[2].f", filled from its end while it unwinds */
    size_t place_at;
    unsigned depth; /* frames in use */
    struct frame frames[VALUE_DEPTH + 1];
};

/* Adds a key whose value is to come, a copy: until the map is finished, its string may have been
 * collected. */
void entries_add(struct entries *e, struct weir_text key);

/* The map of all entries: the members of an original in its order, as far as there is one, then what
 * the script has added. The entries stay. */
const struct weir_value *entries_build(struct entries *e, const struct proxy_look *original);

/* Frees what the entries hold. */
void entries_fini(struct entries *e);

/* Takes the value on the top of the stack: as a whole, or as a frame for what is in it. False, with CODE
 * and WHY, if it is none. */
bool making_enter(struct making *m);

/* One value more of the innermost frame, or its end; as making_enter. */
bool making_step(struct making *m);

/* Frees what is half made. */
void making_fini(struct making *m);

/* Whether anything was written to the proxy at INDEX, which is DEPTH levels down, or below it. */
bool making_is_changed(lua_State *L, int index, unsigned depth);

#endif
