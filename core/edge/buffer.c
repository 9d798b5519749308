/* edge/buffer.c - see buffer.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/buffer.h"

#include <assert.h>
#include <stdlib.h>

#define SMALL_TOTAL 4096u

/* Room behind a head, so that a full buffer always ends one. No more: who stops in the middle of a large head has
 * all of it held. */
#define LARGE_SPARE 512u

/* How many wait at most. */
static const unsigned keep[BUFFER_SIZES] = { [BUFFER_SMALL] = 256, [BUFFER_LARGE] = 8 };

void
buffer_pool_init(struct buffer_pool *pool, size_t head)
{
    uint32_t large = head > SMALL_TOTAL ? (uint32_t)head : SMALL_TOTAL;
    *pool = (struct buffer_pool){
        .total = { [BUFFER_SMALL] = SMALL_TOTAL, [BUFFER_LARGE] = large + LARGE_SPARE },
    };
}

struct buffer *
buffer_new(struct buffer_pool *pool, enum buffer_size size)
{
    struct buffer *b = pool->free[size];
    if (b != NULL) {
        pool->free[size] = b->next;
        pool->n_free[size]--;
        b->refs = 1;
        return b;
    }
    b = malloc(pool->total[size]);
    if (b == NULL)
        abort();
    b->refs = 1;
    b->size = size;
    b->room = pool->total[size] - (uint32_t)sizeof(*b);
    return b;
}

struct buffer *
buffer_ref(struct buffer *b)
{
    b->refs++;
    return b;
}

void
buffer_unref(struct buffer_pool *pool, struct buffer **buffer)
{
    struct buffer *b = *buffer;
    if (b == NULL)
        return;
    *buffer = NULL;
    assert(b->refs > 0);
    if (--b->refs > 0)
        return;
    if (pool == NULL || pool->n_free[b->size] >= keep[b->size]) {
        free(b);
        return;
    }
    b->next = pool->free[b->size];
    pool->free[b->size] = b;
    pool->n_free[b->size]++;
}

void
buffer_pool_trim(struct buffer_pool *pool)
{
    for (unsigned size = 0; size < BUFFER_SIZES; size++) {
        while (pool->free[size] != NULL) {
            struct buffer *b = pool->free[size];
            pool->free[size] = b->next;
            free(b);
        }
        pool->n_free[size] = 0;
    }
}
