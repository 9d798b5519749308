/* lua/heap.c - see heap.h. SPDX-License-Identifier: Apache-2.0 */
#include "heap.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#define SMALL 1024u
/* Bytes that one key of a table takes in Lua 5.4; a test sees to it that it is so. */
#define KEY_SIZE 24u

static unsigned
class_of(size_t size)
{
    return size < SMALL ? 0 : 64u - (unsigned)__builtin_clzll(size) - 10u;
}

static void
find_top(struct heap *h, unsigned from)
{
    unsigned top = from;
    while (top > 0 && h->counts[top] == 0)
        top--;
    if (top == h->top)
        return;
    h->top = top;
    h->on_top(h->arg);
}

static void
count_block(struct heap *h, size_t old_size, size_t new_size)
{
    h->used += new_size - old_size;
    unsigned before = class_of(old_size);
    unsigned after = class_of(new_size);
    if (before == after)
        return;
    if (before > 0)
        h->counts[before]--;
    if (after > 0)
        h->counts[after]++;
    if (after > h->top || before == h->top)
        find_top(h, after > h->top ? after : h->top);
}

/* A new block of this size can only be the keys of a table: a power of two of them. */
static bool
is_keys(size_t size)
{
    size_t n = size / KEY_SIZE;
    return size % KEY_SIZE == 0 && (n & (n - 1)) == 0;
}

/* A finalizer that can't be called is never called again, and what it would have given back is
 * lost. Those of scripts are all of this plugin, and need little. Lua tells that it is in one
 * by having stopped its collector, which nobody else does. */
static bool
gives_back(const struct heap *h)
{
    return h->collecting || (h->L != NULL && lua_gc(h->L, LUA_GCISRUNNING) != 1);
}

/* For a new block OLD_SIZE is the type of what it is for. When one is refused, Lua collects
 * without calling finalizers: what of the host may be garbage is no reason to refuse. It is
 * bounded, since it is collected in time. */
static enum heap_refusal
refuse(const struct heap *h, const void *block, size_t old_size, size_t new_size)
{
    if (block == NULL && old_size == LUA_TSTRING && new_size > h->max_string)
        return HEAP_STRING;
    if (block == NULL && old_size == 0 && !h->any_size && new_size / KEY_SIZE > h->max_keys &&
        is_keys(new_size))
        return HEAP_KEYS;
    size_t old = block == NULL ? 0 : old_size;
    uint64_t kept = h->kept < h->outside ? h->kept : h->outside;
    if (new_size > old && h->used + kept + (new_size - old) > h->max)
        return HEAP_FULL;
    return HEAP_FITS;
}

void
heap_collect(struct heap *h, lua_State *L)
{
    bool before = h->collecting;
    h->collecting = true;
    lua_gc(L, LUA_GCCOLLECT);
    h->collecting = before;
    h->kept = h->outside;
}

void *
heap_alloc(void *heap, void *block, size_t old_size, size_t new_size)
{
    struct heap *h = heap;
    if (new_size == 0) {
        if (block != NULL)
            count_block(h, old_size, 0);
        free(block);
        return NULL;
    }
    enum heap_refusal why = refuse(h, block, old_size, new_size);
    if (why != HEAP_FITS && !gives_back(h)) { /* Lua collects garbage and asks once more */
        h->again = h->refused == why && h->refused_size == new_size;
        h->refused = why;
        h->refused_size = new_size;
        h->on_refused(h->arg);
        return NULL;
    }
    void *fresh = realloc(block, new_size);
    if (fresh == NULL)
        abort();
    if (block == NULL || new_size > old_size)
        h->refused_size = 0;
    count_block(h, block == NULL ? 0 : old_size, new_size);
    return fresh;
}

size_t
heap_largest(const struct heap *h)
{
    return h->top == 0 ? SMALL : (size_t)2048 << (h->top - 1);
}

void
buffer_add(luaL_Buffer *b, const char *text, size_t len)
{
    memcpy(luaL_prepbuffsize(b, len + ((b->n + len) % 2 == 0)), text, len);
    luaL_addsize(b, len);
}
