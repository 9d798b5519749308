/* lua/heap.h - the memory of one Lua state: an allocator that counts, and that refuses.
 *
 * What a script can make grow is bounded here: all its memory, one string (comparing two of
 * them is one instruction) and the keys of one table (making room for one more is one
 * instruction). The heap also knows its largest block, from which follows how long one
 * instruction can take. A heap belongs to one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LUA_HEAP_H
#define LUA_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lauxlib.h>

/* Blocks are counted by the power of two that they reach, from 1 KiB on. */
#define HEAP_CLASSES 32

/* Why a block was refused. */
enum heap_refusal { HEAP_FITS, HEAP_FULL, HEAP_STRING, HEAP_KEYS };

struct heap {
    uint64_t used;    /* bytes of Lua's own */
    uint64_t outside; /* bytes of the host that values of the script keep alive */
    uint64_t kept;    /* of OUTSIDE: what was there after garbage was collected */
    uint64_t waiting; /* the same of calls that have ended, garbage for the most part */
    uint64_t max;     /* of the first two together */
    size_t max_string;
    uint32_t max_keys;             /* of one table, those of its sequence apart */
    uint32_t counts[HEAP_CLASSES]; /* live blocks of each class */
    unsigned top;                  /* the highest class in use; 0: none */
    bool any_size;                 /* a new block is no table's, whatever its size */
    bool collecting;               /* garbage is collected: nothing is refused meanwhile */
    lua_State *L;                  /* the state; NULL: it is being made */
    enum heap_refusal refused;     /* the latest refusal */
    size_t refused_size;           /* its size; 0: something was granted since */
    bool again;                    /* the latest refusal was the second of the same block */
    void (*on_top)(void *arg);     /* TOP has changed */
    void (*on_refused)(void *arg);
    void *arg;
};

/* The lua_Alloc of a heap. A block that is too large is refused like one for which there is no
 * memory, after on_refused was told. The keys of a table are known by their size, so a buffer
 * must not have it by chance: its size is odd, or any_size is set meanwhile. */
void *heap_alloc(void *heap, void *block, size_t old_size, size_t new_size);

/* Collects all garbage, as L. Does not throw. */
void heap_collect(struct heap *h, lua_State *L);

/* An upper bound for the largest live block, in bytes. */
size_t heap_largest(const struct heap *h);

/* luaL_addlstring, for a buffer whose size has to stay odd when it is made larger. Throws. */
void buffer_add(luaL_Buffer *b, const char *text, size_t len);

#endif
