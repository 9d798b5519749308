/* value/doc.h - inside the room: a document while it is read.
 *
 * Each value is read into a slot on top of a stack. A list or map leaves its slot open, its
 * children take slots above it, and its end moves them into the document's block, where they
 * stand side by side. The block is filled from both ends: nodes from below, so that they are
 * aligned, strings from above.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_DOC_H
#define VALUE_DOC_H

#include "value/block.h"
#include "value/members.h"

enum { DOC_FIRST = 4096 };

struct doc {
    struct value_block *block; /* owned until doc_end */
    char *low;                 /* what is free of the newest chunk */
    char *high;
    size_t next_chunk; /* bytes */
    uint8_t flags;     /* of each node */
    char *stack;       /* owned if it is not FIRST */
    char *top;
    char *end;
    _Alignas(8) char first[DOC_FIRST];
};

/* Begins a document that is read from LEN bytes of text; EXTRA bytes are wanted at once and
 * are returned: they stay where they are as long as the document. */
char *doc_start(struct doc *d, size_t len, size_t extra);

/* Lets DOC borrow from OWNER, which may be a constant; at most once. */
void doc_borrow(struct doc *d, const struct weir_value *owner);

/* Throws all away. */
void doc_drop(struct doc *d);

/* Ends: the value in the one slot that is left, owned by the caller. */
const struct weir_value *doc_end(struct doc *d);

/* Makes room on the stack for one more slot. */
void doc_stack_grow(struct doc *d);

/* A new chunk with at least SIZE bytes. */
void doc_chunk(struct doc *d, size_t size);

/* Adds the slot of a list's item, or of the root. */
static inline void
doc_push_item(struct doc *d)
{
    if ((size_t)(d->end - d->top) < sizeof(struct value_member))
        doc_stack_grow(d);
    d->top += sizeof(struct weir_value);
}

/* Adds the slot of a map's member; its key is to be set at once. */
static inline struct value_member *
doc_push_member(struct doc *d)
{
    if ((size_t)(d->end - d->top) < sizeof(struct value_member))
        doc_stack_grow(d);
    struct value_member *m = (struct value_member *)(void *)d->top;
    d->top += sizeof *m;
    return m;
}

/* The value in the slot on top. */
static inline struct weir_value *
doc_slot(struct doc *d)
{
    return (struct weir_value *)(void *)(d->top - sizeof(struct weir_value));
}

/* Sets the slot on top to a node of TYPE whose content is still to be set. */
static inline struct weir_value *
doc_set(struct doc *d, enum weir_type type, uint32_t len)
{
    struct weir_value *v = doc_slot(d);
    v->type = (uint8_t)type;
    v->flags = d->flags;
    v->pad = 0;
    v->len = len;
    v->block = d->block;
    return v;
}

/* LEN bytes for a string, to be written at once. */
static inline char *
doc_text(struct doc *d, size_t len)
{
    if ((size_t)(d->high - d->low) < len)
        doc_chunk(d, len);
    d->high -= len;
    return d->high;
}

/* How high the stack is: the place where the children of the slot on top will begin. */
static inline size_t
doc_height(const struct doc *d)
{
    return (size_t)(d->top - d->stack);
}

/* Makes the slot below HEIGHT a list of the items from there up. */
void doc_close_list(struct doc *d, size_t height);

/* The same for a map; of a key that is there twice the last value wins. The result is the
 * first such member, or NULL; it lies above the stack's top and lives until the next push. */
const struct value_member *doc_close_map(struct doc *d, size_t height);

#endif
