/* lua/heap.c - see heap.h. SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <string.h>

#include "blocks.h"

#define SMALL 1024u
/* Bytes that one key of a table takes in Lua 5.4; a test sees to it that it is so. */
#define KEY_SIZE 24u
/* Bytes of a string's block beside its text in Lua 5.4. */
#define STRING_SIZE 25u
/* A block of this size is made and moved in no time, however little memory there is. */
#define BLOCK_MIN (1024u * 1024u)
/* Bytes of one item of a sequence, and what Lua's table of short strings has at first; a test
 * sees to it. */
#define ITEM_SIZE 16u
#define NAMES_SIZE 1024u
/* A string with so many zeros is compared as fast as other large ones. */
#define ZEROS_MAX 65536u
/* At least so much comes between two collections. */
#define BETWEEN_MIN (512u * 1024u)
/* The size of a collector's step, as a power of two: some 10 us. */
#define STEP_LOG2 9

void
heap_init(struct heap *h, uint64_t max)
{
    h->max = max;
    h->due = max < BETWEEN_MIN ? max : BETWEEN_MIN;
    h->max_string = max / 8;
    h->max_block = max / 8 > BLOCK_MIN ? max / 8 : BLOCK_MIN;
    h->max_stack = max / 16 > BLOCK_MIN ? max / 16 : BLOCK_MIN;
    h->max_list = h->max_block;
    h->max_keys = UINT32_MAX;
}

void
heap_limit_tables(struct heap *h, uint32_t max_keys, uint32_t max_items)
{
    h->max_keys = max_keys;
    size_t list = ITEM_SIZE; /* the items of a table are doubled */
    while (list / ITEM_SIZE < max_items)
        list *= 2;
    h->max_list = list < h->max_block ? list : h->max_block;
}

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

/* Whether a new block, for which OLD_SIZE is the type of what it is for, is of a kind that is
 * never granted beyond its limit. */
static bool
is_refused(struct heap *h, size_t old_size, size_t new_size)
{
    if (old_size == LUA_TSTRING)
        return new_size > h->max_string + STRING_SIZE;
    if (old_size != 0 || h->any_size || new_size / KEY_SIZE <= h->max_keys ||
        !is_keys(new_size))
        return false;
    h->over = HEAP_KEYS;
    return true;
}

/* Whether a text has more zeros than a large one may. */
static bool
has_zeros(const struct heap_text *t)
{
    unsigned n = 0;
    const char *end = t->block + t->size;
    for (const char *at = t->block; (at = memchr(at, 0, (size_t)(end - at))) != NULL; at++)
        if (++n > ZEROS_MAX)
            return true;
    return false;
}

static void
look_at_fresh(struct heap *h)
{
    for (unsigned i = 0; i < h->n_fresh; i++)
        h->zeros = h->zeros || (h->fresh[i].size > 0 && has_zeros(&h->fresh[i]));
    h->n_fresh = 0;
}

/* Notes a string that is large enough to have too many zeros; it has no bytes yet. */
static void
note_fresh(struct heap *h, const char *block, size_t size)
{
    if (h->n_fresh == HEAP_FRESH)
        look_at_fresh(h);
    h->fresh[h->n_fresh++] = (struct heap_text){ block, size };
    h->on_asked(h->arg);
}

static void
forget_fresh(struct heap *h, const char *block)
{
    for (unsigned i = 0; i < h->n_fresh; i++)
        if (h->fresh[i].block == block)
            h->fresh[i].size = 0;
}

static void
give_back(struct heap *h, void *block, size_t old_size)
{
    if (block == NULL)
        return;
    if (h->n_fresh > 0)
        forget_fresh(h, block);
    count_block(h, old_size, 0);
    block_free(block, old_size);
}

/* Whether a new block can only be the stack of a coroutine: buffers have odd sizes, keys their own, and
 * the items of a table and Lua's own tables are doubled. */
static bool
is_stack(const struct heap *h, size_t old_size, size_t size)
{
    return old_size == 0 && size % ITEM_SIZE == 0 && (size & (size - 1)) != 0 && !is_keys(size) && !h->any_size;
}

/* Buffers, which are only copied, may have twice as much as other blocks. */
static bool
is_large(struct heap *h, const void *block, size_t old_size, size_t size)
{
    bool doubled = (size & (size - 1)) == 0;
    bool list = doubled && block != h->names && !h->any_size && h->max_list < h->max_block;
    if (list && size > h->max_list) {
        h->over = HEAP_ITEMS;
        return true;
    }
    if (block == NULL && is_stack(h, old_size, size) && size > h->max_stack) {
        h->over = HEAP_STACK;
        return true;
    }
    return size > (doubled ? h->max_block : 2 * h->max_block);
}

/* Whether a block that would be of NEW_SIZE and GROWS by so much may be. RESIZES: the keys of
 * its table were made just before, and only Lua itself gives them back. */
static bool
is_granted(struct heap *h, const void *block, size_t old_size, size_t new_size, size_t grows,
           bool resizes)
{
    if (block == NULL && is_refused(h, old_size, new_size)) {
        h->on_limit(h->arg);
        if (!resizes)
            h->on_refused(h->arg);
        return false;
    }
    if (grows > 0 && is_large(h, block, old_size, new_size)) {
        h->on_limit(h->arg);
        if (h->any_size)
            return false; /* a buffer: Lua throws and collects nothing */
    }
    if (h->used + grows > 2 * h->max) { /* within one function of the library */
        h->on_limit(h->arg);
        return false;
    }
    return true;
}

void *
heap_alloc(void *heap, void *block, size_t old_size, size_t new_size)
{
    struct heap *h = heap;
    if (new_size == 0) {
        h->resizes = false;
        give_back(h, block, old_size);
        return NULL;
    }
    size_t old = block == NULL ? 0 : old_size;
    size_t grows = new_size > old ? new_size - old : 0;
    bool resizes = h->resizes;
    h->resizes = block == NULL && old_size == 0 && is_keys(new_size);
    if (!is_granted(h, block, old_size, new_size, grows, resizes))
        return NULL;
    void *fresh = block_resize(block, old, new_size);
    if (h->names == NULL ? new_size == NAMES_SIZE : block == h->names)
        h->names = fresh;
    count_block(h, old, new_size);
    if (block == NULL && old_size == LUA_TSTRING && new_size > ZEROS_MAX)
        note_fresh(h, fresh, new_size);
    if (h->used + h->outside > h->due && !h->asked)
        heap_ask(h);
    return fresh;
}

/* -- collecting -- */

/* Lua's own count of what it owes the collector is set back so far that it never comes. */
static void
put_off(lua_State *L)
{
    (void)lua_gc(L, LUA_GCSTEP, -(1 << 30));
}

void
heap_take_over(lua_State *L)
{
    (void)lua_gc(L, LUA_GCINC, 0, 0, STEP_LOG2);
    (void)lua_gc(L, LUA_GCSTOP);
    put_off(L);
}

void
heap_ask(struct heap *h)
{
    h->asked = true;
    h->on_asked(h->arg);
}

void
heap_check(struct heap *h)
{
    if (h->kept > h->outside)
        h->kept = h->outside;
    if (!h->asked && (h->used + h->outside > h->due || h->outside - h->kept > h->max / 4))
        heap_ask(h);
}

bool
heap_collect(struct heap *h, lua_State *L, uint64_t until_ns)
{
    while (h->asked) {
        bool done = lua_gc(L, LUA_GCSTEP, 0) == 1;
        put_off(L);
        if (done || clock_ns() > until_ns)
            return done;
    }
    return true;
}

void
heap_collected(struct heap *h)
{
    uint64_t lives = h->used + h->outside;
    uint64_t more = lives > BETWEEN_MIN ? lives : BETWEEN_MIN;
    h->due = lives + more < h->max ? lives + more : h->max;
    h->kept = h->outside;
    h->asked = false;
}

bool
heap_is_over(const struct heap *h)
{
    return h->used + h->outside > h->max;
}

bool
heap_zeros(struct heap *h)
{
    look_at_fresh(h);
    bool zeros = h->zeros;
    h->zeros = false;
    return zeros;
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
