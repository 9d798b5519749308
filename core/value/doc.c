/* value/doc.c - see doc.h. SPDX-License-Identifier: Apache-2.0 */
#include "value/doc.h"

#include <assert.h>
#include <stdlib.h>

#include "value/node.h"

enum {
    FIRST_CHUNK_MAX = 16 * 1024,
    CHUNK_MAX = 1024 * 1024,
};

char *
doc_start(struct doc *d, size_t len, size_t extra)
{
    /* Most documents have a value in a dozen characters; a node has 24 bytes, a member 40. */
    size_t room = 96 + len * 3;
    if (room > FIRST_CHUNK_MAX)
        room = FIRST_CHUNK_MAX;
    d->block = block_new(room + extra);
    d->low = (char *)(d->block + 1);
    d->high = d->low + room;
    d->next_chunk = 2 * room;
    d->flags = VALUE_HOME;
    d->stack = d->first;
    d->top = d->first;
    d->end = d->first + sizeof d->first;
    return d->high;
}

void
doc_borrow(struct doc *d, const struct weir_value *owner)
{
    if (owner->block == NULL)
        return;
    if ((size_t)(d->high - d->low) < sizeof owner->block)
        doc_chunk(d, sizeof owner->block);
    block_ref(owner->block);
    d->block->deps = (struct value_block **)(void *)d->low;
    d->block->deps[0] = owner->block;
    d->block->n_deps = 1;
    d->low += sizeof owner->block;
}

static void
free_stack(struct doc *d)
{
    if (d->stack != d->first)
        free(d->stack);
}

void
doc_drop(struct doc *d)
{
    free_stack(d);
    block_unref(d->block);
    d->block = NULL;
}

const struct weir_value *
doc_end(struct doc *d)
{
    assert(doc_height(d) == sizeof(struct weir_value));
    const struct weir_value *same = NULL;
    if (d->flags == VALUE_HOME)
        same = node_constant(doc_slot(d));
    if (same != NULL) {
        doc_drop(d);
        return same;
    }
    d->block->root = *doc_slot(d);
    free_stack(d);
    return &d->block->root;
}

void
doc_stack_grow(struct doc *d)
{
    size_t used = doc_height(d);
    size_t size = 2 * (size_t)(d->end - d->stack);
    bool inside = d->stack == d->first;
    d->stack = block_realloc(inside ? NULL : d->stack, size);
    if (inside)
        memcpy(d->stack, d->first, used);
    d->top = d->stack + used;
    d->end = d->stack + size;
}

void
doc_chunk(struct doc *d, size_t size)
{
    size_t room = d->next_chunk;
    if (room < CHUNK_MAX)
        d->next_chunk *= 2;
    if (room < size)
        room = (size + 7) / 8 * 8;
    d->low = block_grow(d->block, room);
    d->high = d->low + room;
}

/* SIZE bytes for nodes. */
static char *
take_low(struct doc *d, size_t size)
{
    size = (size + 7) / 8 * 8;
    if ((size_t)(d->high - d->low) < size)
        doc_chunk(d, size);
    char *room = d->low;
    d->low += size;
    return room;
}

void
doc_close_list(struct doc *d, size_t height)
{
    char *from = d->stack + height;
    size_t size = (size_t)(d->top - from);
    assert(size / sizeof(struct weir_value) <= UINT32_MAX);
    d->top = from;
    char *items = size > 0 ? take_low(d, size) : NULL;
    if (size > 0)
        memcpy(items, from, size);
    struct weir_value *v = doc_set(d, WEIR_LIST, (uint32_t)(size / sizeof *v));
    v->items = (const struct weir_value *)(void *)items;
}

const struct value_member *
doc_close_map(struct doc *d, size_t height)
{
    struct value_member *from = (struct value_member *)(void *)(d->stack + height);
    uint32_t n = (uint32_t)((size_t)(d->top - (char *)from) / sizeof *from);
    d->top = (char *)from;
    struct weir_value *v = doc_set(d, WEIR_MAP, n);
    v->members = NULL;
    if (n == 0)
        return NULL;

    const struct value_member *twice = NULL;
    struct value_members *members =
        (struct value_members *)(void *)take_low(d, members_size(n));
    v->members = members;
    v->len = members_fill(members, from, n, &twice);
    return twice;
}
