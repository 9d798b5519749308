/* base/heap.h - the smallest first: a binary heap of links that stand inside the members.
 *
 * Used for timers: adding, removing and moving are O(log n), looking at the smallest is O(1).
 * One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdint.h>

struct heap_link {
    uint64_t key;
    uint32_t place; /* index + 1; 0: in no heap */
};

struct heap {
    struct heap_link **links; /* owned array */
    uint32_t count;
    uint32_t room;
};

/* Makes an empty heap; takes no memory. */
void heap_init(struct heap *h);

/* Frees the array. The members are the user's. */
void heap_fini(struct heap *h);

/* Adds LINK under KEY, or moves it there if it is in H already. */
void heap_set(struct heap *h, struct heap_link *link, uint64_t key);

/* Takes LINK out, if it is in. */
void heap_remove(struct heap *h, struct heap_link *link);

/* The link with the smallest key, still in; NULL if H is empty. */
struct heap_link *heap_first(const struct heap *h);

#endif
