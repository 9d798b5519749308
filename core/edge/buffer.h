/* edge/buffer.h - counted buffers for input, recycled on each shard.
 *
 * A connection reads into a buffer; the heads of requests stay where they were read, and each
 * request keeps the buffer that its head stands in. So several pipelined requests share one,
 * and a connection that waits for its next request has none. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_BUFFER_H
#define EDGE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

/* Two sizes: what most requests fit in, and what the largest head and some more fits in. */
enum buffer_size { BUFFER_SMALL, BUFFER_LARGE, BUFFER_SIZES };

struct buffer {
    struct buffer *next; /* in the pool */
    uint32_t refs;
    uint32_t room; /* in BYTES */
    enum buffer_size size;
    char bytes[];
};

/* Buffers that wait to be used again. */
struct buffer_pool {
    uint32_t total[BUFFER_SIZES]; /* bytes of one, with its header */
    struct buffer *free[BUFFER_SIZES];
    unsigned n_free[BUFFER_SIZES];
};

/* An empty pool for heads of at most HEAD bytes. */
void buffer_pool_init(struct buffer_pool *pool, size_t head);

/* A buffer with one reference. */
struct buffer *buffer_new(struct buffer_pool *pool, enum buffer_size size);

/* One more reference; returns B. */
struct buffer *buffer_ref(struct buffer *b);

/* Gives a reference back and leaves NULL; the last one gives the buffer to POOL, or to malloc
 * if POOL is NULL or has enough. NULL is accepted. */
void buffer_unref(struct buffer_pool *pool, struct buffer **b);

/* Frees what waits. */
void buffer_pool_trim(struct buffer_pool *pool);

#endif
