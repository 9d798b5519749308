/* lua/blocks.h - the large blocks of this thread's scripts: what one gives back, the next one
 * takes.
 *
 * The pages of a block that comes from the kernel have to be cleared and mapped first, which
 * takes longer than filling them, and as long again when they go back. A script that makes
 * large texts makes them again when it is called again, and so does the state that takes the
 * place of one that was spoilt. So blocks of BLOCK_LARGE and more have one of a few sizes, and
 * those that are given back are kept for about a second. All of it is for the thread that
 * calls.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LUA_BLOCKS_H
#define LUA_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_LARGE ((size_t)128 * 1024)
/* Bytes that are kept at most. */
#define BLOCKS_KEPT_MAX ((size_t)8 * 1024 * 1024)

/* One user more or less; when the last one leaves, nothing is kept any more. */
void blocks_enter(void);
void blocks_leave(void);

/* realloc of what has OLD bytes (BLOCK NULL: 0) to SIZE bytes, which are not 0. Never NULL. */
void *block_resize(void *block, size_t old, size_t size);

/* Gives a block of SIZE bytes back. */
void block_free(void *block, size_t size);

/* A look at what is kept, ten a second: frees one block that has been there for more than ten
 * looks, and no more than one, since that takes a while. True: others are kept. */
bool blocks_age(void);

/* Bytes that are kept. */
size_t blocks_kept(void);

#endif
