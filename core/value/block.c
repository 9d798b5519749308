/* value/block.c - see block.h. SPDX-License-Identifier: Apache-2.0 */
#include "value/block.h"

#include <assert.h>
#include <stdlib.h>

#include "base/recycle.h"

void *
block_malloc(size_t size)
{
    void *bytes = malloc(size);
    if (bytes == NULL)
        abort();
    return bytes;
}

void *
block_realloc(void *old, size_t size)
{
    void *bytes = realloc(old, size);
    if (bytes == NULL)
        abort();
    return bytes;
}

struct value_block *
block_new(size_t room)
{
    size_t size = sizeof(struct value_block) + room;
    assert(size >= room);
    struct value_block *b = recycle_take(size);
    atomic_init(&b->refs, 1);
    b->size = size;
    b->chunks = NULL;
    b->deps = NULL;
    b->n_deps = 0;
    b->kind = BLOCK_PLAIN;
    b->root = (struct weir_value){ .flags = VALUE_HOME, .block = b };
    return b;
}

char *
block_grow(struct value_block *b, size_t room)
{
    size_t size = sizeof(struct value_chunk) + room;
    assert(size >= room);
    struct value_chunk *c = block_malloc(size);
    c->size = size;
    c->next = b->chunks;
    b->chunks = c;
    return (char *)(c + 1);
}

static void
drop_content(struct value_block *b)
{
    if (b->kind == BLOCK_TAKEN)
        free((void *)(uintptr_t)b->root.bytes);
    if (b->kind == BLOCK_STREAM)
        ((struct block_stream *)(void *)b)->drop(b->root.stream);

    while (b->chunks != NULL) {
        struct value_chunk *c = b->chunks;
        b->chunks = c->next;
        free(c);
    }
}

void
block_free(struct value_block *b)
{
    bool alone = b->n_deps == 0 && b->chunks == NULL && b->kind == BLOCK_PLAIN;
    if (alone) { /* as most are */
        recycle_give(b, b->size);
        return;
    }
    b->after = NULL;
    while (b != NULL) {
        struct value_block *dead = b;
        b = dead->after;
        for (uint32_t i = 0; i < dead->n_deps; i++) {
            struct value_block *dep = dead->deps[i];
            if (!block_left(dep))
                continue;
            dep->after = b;
            b = dep;
        }
        drop_content(dead); /* the last step: the list of deps may stand in a chunk */
        recycle_give(dead, dead->size);
    }
}

bool
block_holds(const struct value_block *b, const struct weir_value *v)
{
    uintptr_t at = (uintptr_t)v;
    if (at - (uintptr_t)b < b->size)
        return true;
    for (const struct value_chunk *c = b->chunks; c != NULL; c = c->next)
        if (at - (uintptr_t)c < c->size)
            return true;
    return false;
}

size_t
block_weight(const struct value_block *b)
{
    size_t sum = b->size;
    for (const struct value_chunk *c = b->chunks; c != NULL; c = c->next)
        sum += c->size;
    return b->kind == BLOCK_TAKEN ? sum + b->root.len : sum;
}
