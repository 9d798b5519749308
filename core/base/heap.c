/* base/heap.c - see heap.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/heap.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

void
heap_init(struct heap *h)
{
    *h = (struct heap){ 0 };
}

void
heap_fini(struct heap *h)
{
    free(h->links);
    heap_init(h);
}

static inline void
put(struct heap *h, uint32_t i, struct heap_link *link)
{
    h->links[i] = link;
    link->place = i + 1;
}

/* Lets LINK, which belongs at I or above it, rise to its place. */
static void
rise(struct heap *h, uint32_t i, struct heap_link *link)
{
    while (i > 0) {
        uint32_t up = (i - 1) / 2;
        if (h->links[up]->key <= link->key)
            break;
        put(h, i, h->links[up]);
        i = up;
    }
    put(h, i, link);
}

/* Lets LINK, which belongs at I or below it, sink to its place. */
static void
sink(struct heap *h, uint32_t i, struct heap_link *link)
{
    while (i < h->count / 2) {
        uint32_t down = 2 * i + 1;
        if (down + 1 < h->count && h->links[down + 1]->key < h->links[down]->key)
            down++;
        if (h->links[down]->key >= link->key)
            break;
        put(h, i, h->links[down]);
        i = down;
    }
    put(h, i, link);
}

static void
settle(struct heap *h, uint32_t i, struct heap_link *link)
{
    if (i > 0 && h->links[(i - 1) / 2]->key > link->key)
        rise(h, i, link);
    else
        sink(h, i, link);
}

void
heap_set(struct heap *h, struct heap_link *link, uint64_t key)
{
    link->key = key;
    if (link->place != 0) {
        assert(link->place <= h->count && h->links[link->place - 1] == link);
        settle(h, link->place - 1, link);
        return;
    }

    if (h->count == h->room) {
        assert(h->room <= UINT32_MAX / 4);
        h->room = h->room > 0 ? h->room * 2 : 16;
        h->links = reallocarray(h->links, h->room, sizeof(struct heap_link *));
        if (h->links == NULL)
            abort();
    }
    h->count++;
    rise(h, h->count - 1, link);
}

void
heap_remove(struct heap *h, struct heap_link *link)
{
    if (link->place == 0)
        return;
    uint32_t i = link->place - 1;
    assert(i < h->count && h->links[i] == link);
    link->place = 0;
    struct heap_link *last = h->links[--h->count];
    if (last != link)
        settle(h, i, last);
}

struct heap_link *
heap_first(const struct heap *h)
{
    return h->count > 0 ? h->links[0] : NULL;
}
