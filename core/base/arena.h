/* base/arena.h - memory with one end of life.
 *
 * What belongs to a run, a file being loaded or a generation is taken from its arena and goes
 * with it. Blocks come from malloc and are kept over a reset up to KEEP bytes, so that a
 * recycled arena asks malloc for nothing. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first; owned */
    char *next;
    char *end;
    size_t used;  /* bytes asked for since the last reset */
    size_t max;
    size_t first; /* size of the first block */
};

/* An arena of at most MAX bytes whose first block has FIRST bytes (0: 4096). Takes no memory. */
void arena_init(struct arena *a, size_t first, size_t max);

/* Frees all. */
void arena_fini(struct arena *a);

/* Forgets all that was allocated; keeps the first block. */
void arena_reset(struct arena *a);

/* The newest block as far as it is handed out; NULL and 0 if there is none. */
const void *arena_newest(const struct arena *a, size_t *ret_len);

/* SIZE zeroed bytes, aligned for any type. NULL if MAX would be passed. */
void *arena_alloc(struct arena *a, size_t size);

/* The same without zeroing. */
void *arena_take(struct arena *a, size_t size);

/* A copy with a NUL behind it; NULL if MAX would be passed. */
char *arena_copy(struct arena *a, const void *bytes, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);

#endif
