/* lua/blocks.c - see blocks.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "blocks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What is kept, and what a block has beyond its size, belongs to nobody: a sanitizer finds who
 * touches it. */
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

#define KEPT_MAX 32u
#define KEPT_LOOKS 10u

/* A block that is kept. */
struct kept {
    void *block;
    size_t room;
    unsigned since; /* the look before */
};

static _Thread_local struct {
    struct kept of[KEPT_MAX]; /* the oldest first */
    unsigned n;
    unsigned looks;
    size_t bytes;
    unsigned users;
} blocks;

/* The bytes that a block of SIZE has: for large ones the next of eight sizes from each power of
 * two to the next, so that a block fits what comes later, and it follows from the size alone.
 */
static size_t
room_of(size_t size)
{
    if (size < BLOCK_LARGE)
        return size;
    size_t step = (size_t)1 << (60u - (unsigned)__builtin_clzll(size));
    return (size + step - 1) & ~(step - 1);
}

static struct kept
leave(unsigned i)
{
    struct kept k = blocks.of[i];
    OPEN(k.block, k.room);
    blocks.bytes -= k.room;
    blocks.n--;
    memmove(&blocks.of[i], &blocks.of[i + 1], (blocks.n - i) * sizeof k);
    return k;
}

static void
free_oldest(void)
{
    free(leave(0).block);
}

/* One that is kept and has just this room; NULL: there is none. The newest: its bytes are the
 * likeliest to be in a cache of the processor. */
static void *
take(size_t room)
{
    for (unsigned i = blocks.n; i-- > 0;)
        if (blocks.of[i].room == room)
            return leave(i).block;
    return NULL;
}

static void
keep(void *block, size_t room)
{
    while (blocks.n == KEPT_MAX || (blocks.n > 0 && blocks.bytes + room > BLOCKS_KEPT_MAX))
        free_oldest();
    CLOSE(block, room);
    blocks.of[blocks.n++] = (struct kept){ block, room, blocks.looks };
    blocks.bytes += room;
}

/* Has the kernel give all pages of a block that is about to be filled, in one call: page faults
 * are dear on some virtual machines, and a text of 2 MB, which one instruction may make, has
 * 512 pages. */
static void
populate(char *from, size_t len)
{
#ifdef MADV_POPULATE_WRITE
    uintptr_t page = (uintptr_t)getpagesize();
    uintptr_t first = ((uintptr_t)from + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)from + len) & ~(page - 1);
    if (end > first)
        (void)madvise((void *)first, end - first,
                      MADV_POPULATE_WRITE); /* before Linux 5.14 they come one by one */
#else
    (void)from;
    (void)len;
#endif
}

void
blocks_enter(void)
{
    blocks.users++;
}

void
blocks_leave(void)
{
    if (--blocks.users == 0)
        while (blocks.n > 0)
            free_oldest();
}

void *
block_resize(void *block, size_t old, size_t size)
{
    size_t had = room_of(old);
    size_t room = room_of(size);
    void *fresh = block != NULL && room == had ? block : NULL;
    if (fresh == NULL && size >= BLOCK_LARGE && (fresh = take(room)) != NULL && block != NULL) {
        memcpy(fresh, block, old < size ? old : size);
        block_free(block, old);
    }
    if (fresh == NULL) {
        OPEN(block, had);
        fresh = realloc(block, room);
        if (fresh == NULL)
            abort();
        if (size > old && size - old >= BLOCK_LARGE)
            populate((char *)fresh + old, size - old);
    }
    OPEN(fresh, room);
    CLOSE((char *)fresh + size, room - size);
    return fresh;
}

void
block_free(void *block, size_t size)
{
    size_t room = room_of(size);
    OPEN(block, room);
    if (size < BLOCK_LARGE || room > BLOCKS_KEPT_MAX / 2 || blocks.users == 0)
        free(block);
    else
        keep(block, room);
}

bool
blocks_age(void)
{
    blocks.looks++;
    if (blocks.n > 0 && blocks.looks - blocks.of[0].since > KEPT_LOOKS)
        free_oldest();
    return blocks.n > 0;
}

size_t
blocks_kept(void)
{
    return blocks.bytes;
}
