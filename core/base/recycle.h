/* base/recycle.h - small pieces of memory, which each thread keeps some of to use them again.
 *
 * A request makes and frees dozens of values of much the same sizes; malloc keeps seven of a size
 * at hand for a thread, and looks for the others. Any thread may give back what another has taken.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_RECYCLE_H
#define BASE_RECYCLE_H

#include <stddef.h>

/* Pieces of more bytes than this are malloc's. */
#define RECYCLE_MAX 1024

/* At least SIZE bytes, not set to anything; never NULL. To be given back by recycle_give, not free. */
void *recycle_take(size_t size);

/* Gives back what was taken with the same SIZE. */
void recycle_give(void *piece, size_t size);

#endif
