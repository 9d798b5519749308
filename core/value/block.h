/* value/block.h - inside the room: where values live.
 *
 * A block is one allocation with a counter, a first node and, behind it, whatever else belongs
 * to that node: items, members, strings. A document that outgrows its block goes on in chunks.
 * Of each other block that its nodes point into a block holds one reference.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_BLOCK_H
#define VALUE_BLOCK_H

#include <stdatomic.h>

#include "value/value.h"

enum block_kind {
    BLOCK_PLAIN,
    BLOCK_TAKEN,  /* the root's bytes came from malloc: freed with the block */
    BLOCK_STREAM, /* the root's stream is dropped with the block             */
};

struct value_chunk {
    struct value_chunk *next;
    size_t size; /* this header included */
};

struct value_block {
    union {
        atomic_size_t refs;
        struct value_block *after; /* once dead: the next one to be freed */
    };
    size_t size;                /* of this allocation           */
    struct value_chunk *chunks; /* owned; NULL: none            */
    struct value_block **deps;  /* N_DEPS counted blocks        */
    uint32_t n_deps;
    uint32_t kind; /* enum block_kind */
    struct weir_value root;
};

struct block_stream {
    struct value_block block;
    void (*drop)(void *stream);
};

/* Strings of up to so many bytes are copied into what refers to them: that is cheaper than a
 * reference, and keeps no large document alive for a word of it. */
enum { BLOCK_COPIED = 64 };

/* malloc and realloc that abort instead of failing. */
void *block_malloc(size_t size);
void *block_realloc(void *old, size_t size);

/* A block with one reference, ROOM bytes behind it, and a zeroed root that is at home there. */
struct value_block *block_new(size_t room);

/* Adds a chunk with ROOM bytes to B and returns where they begin, aligned for nodes. */
char *block_grow(struct value_block *b, size_t room);

/* Takes one more reference to B, which may be NULL. */
static inline void
block_ref(struct value_block *b)
{
    if (b != NULL)
        atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
}

/* Frees B, which nobody refers to, and whatever dies with it; without recursion. */
void block_free(struct value_block *b);

/* Gives a reference back; true: it was the last one, the caller has to free B. */
static inline bool
block_left(struct value_block *b)
{
    /* Nobody can add a reference to what only the caller refers to. */
    if (atomic_load_explicit(&b->refs, memory_order_acquire) == 1)
        return true;
    return atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1;
}

/* Gives a reference back. NULL is accepted. */
static inline void
block_unref(struct value_block *b)
{
    if (b != NULL && block_left(b))
        block_free(b);
}

/* Whether the node V lies in the memory of B. */
bool block_holds(const struct value_block *b, const struct weir_value *v);

/* Bytes of memory that B takes. */
size_t block_weight(const struct value_block *b);

/* Whether a node of this type points at nothing. */
static inline bool
type_is_flat(uint8_t type)
{
    return type <= WEIR_DOUBLE;
}

/* Whether a node of this type points at bytes. */
static inline bool
type_is_text(uint8_t type)
{
    return type == WEIR_STRING || type == WEIR_BYTES;
}

#endif
