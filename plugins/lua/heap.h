/* lua/heap.h - the memory of one Lua state: an allocator that counts, asks for collections, and
 * says when a script has too much.
 *
 * Lua's answer to a block that is refused is to collect all garbage at once, during which
 * nobody else has a turn. So next to nothing is refused: what goes beyond a limit is granted,
 * once, and the script ended at its next instruction. What would be slow to fill or to move is
 * known beforehand: one string, the keys of one table (making room for one more is one
 * instruction), its items (the collector goes over all of them in one step) and any block (a
 * stack) have a limit each. The heap also knows its largest block, from which follows how long
 * one instruction can take. Garbage is collected by whoever owns the heap, when it asks for
 * that. A heap belongs to one thread.
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
/* Large strings whose bytes nobody has looked at yet. */
#define HEAP_FRESH 8u

/* Which of its limits a heap has come to. */
enum heap_limit { HEAP_MEMORY, HEAP_KEYS, HEAP_ITEMS, HEAP_STACK };

struct heap {
    uint64_t used;    /* bytes of Lua's own */
    uint64_t outside; /* bytes of the host that values of the script keep alive */
    uint64_t kept;    /* of OUTSIDE: what was there after garbage was collected */
    uint64_t waiting; /* the same of calls that have ended, garbage for the most part */
    uint64_t max;     /* of the first two together */
    uint64_t due;     /* how much of them asks for a collection */
    size_t max_string;
    size_t max_block;
    size_t max_stack; /* the calls on it are freed in one step */
    size_t max_list;      /* bytes of the items of one table */
    uint32_t max_keys;    /* of one table, those of its sequence apart */
    enum heap_limit over; /* what on_limit was called for */
    const void *names;    /* Lua's table of short strings, which is no table of the script */
    uint32_t counts[HEAP_CLASSES]; /* live blocks of each class */
    unsigned top;                  /* the highest class in use; 0: none */
    bool any_size;                 /* a new block is no table's, whatever its size */
    bool asked;                    /* garbage has to be collected */
    bool resizes;                  /* the latest call was for the keys of a table */
    struct heap_text {
        const char *block;
        size_t size;
    } fresh[HEAP_FRESH]; /* large strings since the latest heap_zeros */
    unsigned n_fresh;
    bool zeros;                    /* one of those before has too many zeros */
    void (*on_top)(void *arg);     /* TOP has changed */
    void (*on_asked)(void *arg);   /* ASKED has become true, or there is a large string */
    void (*on_limit)(void *arg);   /* a limit was passed */
    void (*on_refused)(void *arg); /* and is not granted; may be left by an error of Lua */
    void *arg;
};

/* Gives the heap its limit, MAX bytes, before its state is made; no table has one yet. */
void heap_init(struct heap *h, uint64_t max);

/* The limits of one table: its keys, and the items of its sequence. */
void heap_limit_tables(struct heap *h, uint32_t max_keys, uint32_t max_items);

/* The lua_Alloc of a heap. The keys of a table are known by their size, so a buffer must not
 * have it by chance: its size is odd, or any_size is set meanwhile. May leave by an error where
 * Lua would throw if it got nothing. */
void *heap_alloc(void *heap, void *block, size_t old_size, size_t new_size);

/* Has L collect by heap_collect alone. */
void heap_take_over(lua_State *L);

/* Asks for a collection if there is as much as is due, or a quarter of the memory may be
 * garbage of the host. */
void heap_check(struct heap *h);

/* Asks for one in any case. */
void heap_ask(struct heap *h);

/* Collects as L for about as long as until UNTIL_NS of clock_ns, if it is asked for. True:
 * there is nothing more to do. Finalizers run; does not throw. */
bool heap_collect(struct heap *h, lua_State *L, uint64_t until_ns);

/* Notes that all garbage was collected. */
void heap_collected(struct heap *h);

/* Whether there is more than there may be, garbage apart. */
bool heap_is_over(const struct heap *h);

/* Whether a large string that has come since the last time has more zeros than it may: to
 * compare two of those takes ten times as long as others of that length. */
bool heap_zeros(struct heap *h);

/* An upper bound for the largest live block, in bytes. */
size_t heap_largest(const struct heap *h);

/* luaL_addlstring, for a buffer whose size has to stay odd when it is made larger. Throws. */
void buffer_add(luaL_Buffer *b, const char *text, size_t len);

#endif
