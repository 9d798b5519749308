/* base/arena.c - see arena.h.
 *
 * The list has the newest block first, so its last one is the first block, which a reset
 * keeps. A piece that is large against the blocks gets a block of its own; then next and end
 * stay where they were, in an older block.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is not handed out yet must not be touched: the sanitizer then finds who does. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(SANITIZED)
#include <sanitizer/asan_interface.h>
#define CLOSE(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define OPEN(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define CLOSE(p, n) ((void)(p), (void)(n))
#define OPEN(p, n) ((void)(p), (void)(n))
#endif

#define FIRST 4096u
#define LARGEST (256u * 1024u)
#define ALIGN alignof(max_align_t)

struct arena_block {
    struct arena_block *older;
    size_t size;
    alignas(max_align_t) char bytes[];
};

void
arena_init(struct arena *a, size_t first, size_t max)
{
    *a = (struct arena){ .max = max, .first = first > 0 ? first : FIRST };
}

/* Frees all blocks but the last of the list, which is returned. */
static struct arena_block *
free_younger(struct arena *a)
{
    struct arena_block *block = a->blocks;
    while (block != NULL && block->older != NULL) {
        struct arena_block *older = block->older;
        free(block);
        block = older;
    }
    return block;
}

void
arena_fini(struct arena *a)
{
    free(free_younger(a));
    arena_init(a, a->first, a->max);
}

void
arena_reset(struct arena *a)
{
    struct arena_block *block = free_younger(a);
    a->blocks = block;
    a->used = 0;
    if (block == NULL)
        return;
    a->next = block->bytes;
    a->end = block->bytes + block->size;
    CLOSE(block->bytes, block->size);
}

const void *
arena_newest(const struct arena *a, size_t *ret_len)
{
    const struct arena_block *b = a->blocks;
    *ret_len = 0;
    if (b == NULL)
        return NULL;
    bool begun = a->next >= b->bytes && a->next <= b->bytes + b->size;
    *ret_len = begun ? (size_t)(a->next - b->bytes) : b->size;
    return b->bytes;
}

static struct arena_block *
add_block(struct arena *a, size_t size)
{
    struct arena_block *block = malloc(sizeof(*block) + size);
    if (block == NULL)
        abort();
    block->older = a->blocks;
    block->size = size;
    a->blocks = block;
    CLOSE(block->bytes, size);
    return block;
}

/* The size of the next block: all that was used so far, so that their number stays
 * logarithmic. */
static size_t
next_size(const struct arena *a)
{
    size_t size = a->used > LARGEST ? LARGEST : a->used;
    return size > a->first ? size : a->first;
}

/* SIZE bytes out of a new block. */
static char *
take_block(struct arena *a, size_t size)
{
    size_t next = next_size(a);
    if (a->blocks != NULL && size > next / 4)
        return add_block(a, size)->bytes;

    struct arena_block *block = add_block(a, next);
    a->next = block->bytes;
    a->end = block->bytes + block->size;
    if (size > next)
        return add_block(a, size)->bytes;
    a->next += size;
    return block->bytes;
}

/* SIZE bytes that do not fit into the block at hand, or no more under the maximum. */
static __attribute__((noinline)) char *
take_more(struct arena *a, bool fits, size_t size)
{
    if (fits || size > a->max - a->used)
        return NULL;
    char *at = take_block(a, size);
    a->used += size;
    OPEN(at, size);
    return at;
}

/* SIZE bytes, of which the first lies PAD bytes behind a->next if they fit there. */
static inline char *
take(struct arena *a, size_t pad, size_t size)
{
    size_t room = (size_t)((uintptr_t)a->end - (uintptr_t)a->next);
    bool fits = pad <= room && size <= room - pad;
    if (!fits || pad + size > a->max - a->used)
        return take_more(a, fits, size);
    char *at = a->next + pad;
    a->next = at + size;
    a->used += pad + size;
    OPEN(at, size);
    return at;
}

void *
arena_take(struct arena *a, size_t size)
{
    size_t over = (uintptr_t)a->next % ALIGN;
    return take(a, over > 0 ? ALIGN - over : 0, size > 0 ? size : 1);
}

void *
arena_alloc(struct arena *a, size_t size)
{
    void *p = arena_take(a, size);
    if (p != NULL)
        memset(p, 0, size);
    return p;
}

char *
arena_copy(struct arena *a, const void *bytes, size_t len)
{
    if (len == SIZE_MAX)
        return NULL;
    char *copy = take(a, 0, len + 1); /* a text needs no alignment */
    if (copy == NULL)
        return NULL;
    if (len > 0)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
    char small[256];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(small, sizeof(small), fmt, args);
    va_end(args);
    if (n < 0)
        return NULL;
    if ((size_t)n < sizeof(small))
        return arena_copy(a, small, (size_t)n);

    char *text = take(a, 0, (size_t)n + 1);
    if (text == NULL)
        return NULL;
    va_start(args, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, args);
    va_end(args);
    return text;
}
