/* value/value.c - counting, and making single values; see value.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "value/value.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "value/block.h"
#include "value/constants.h"
#include "value/node.h"

const struct weir_value *
value_ref(const struct weir_value *v)
{
    assert(v->flags & VALUE_HOME); /* a value on the stack cannot be counted: value_box it */
    block_ref(v->block);
    return v;
}

void
value_unref(const struct weir_value **v)
{
    const struct weir_value *old = *v;
    if (old == NULL)
        return;
    assert(old->flags & VALUE_HOME);
    *v = NULL;
    block_unref(old->block);
}

const struct weir_value *
node_pointing(struct weir_value v, struct value_block *dep)
{
    struct value_block *b = block_new(sizeof dep);
    v.flags |= VALUE_HOME;
    v.block = b;
    b->root = v;
    b->deps = (struct value_block **)(void *)(b + 1);
    b->deps[0] = dep;
    b->n_deps = dep != NULL;
    block_ref(dep);
    return &b->root;
}

const struct weir_value *
value_int(int64_t i)
{
    if (i >= CONSTANTS_FROM && i < CONSTANTS_TO)
        return &constants_int[i - CONSTANTS_FROM];
    return node_pointing((struct weir_value){ .type = WEIR_INT, .integer = i }, NULL);
}

const struct weir_value *
value_double(double d)
{
    if (!isfinite(d))
        return &value_null;
    return node_pointing((struct weir_value){ .type = WEIR_DOUBLE, .number = d }, NULL);
}

/* A string or bytes in a block of its own, with a copy of BYTES. */
static const struct weir_value *
copied(enum weir_type type, const char *bytes, size_t len, unsigned flags)
{
    assert(len <= UINT32_MAX);
    struct value_block *b = block_new(len);
    char *own = (char *)(b + 1);
    if (len > 0)
        memcpy(own, bytes, len);
    b->root.type = (uint8_t)type;
    b->root.flags |= (uint8_t)flags;
    b->root.len = (uint32_t)len;
    b->root.bytes = own;
    return &b->root;
}

const struct weir_value *
value_string(const char *bytes, size_t len)
{
    return len == 0 ? &value_empty_string : copied(WEIR_STRING, bytes, len, 0);
}

const struct weir_value *
value_text(const char *s)
{
    return value_string(s, strlen(s));
}

const struct weir_value *
value_bytes(const void *bytes, size_t len)
{
    return len == 0 ? &value_empty_bytes : copied(WEIR_BYTES, bytes, len, 0);
}

const struct weir_value *
value_take(enum weir_type type, char *bytes, size_t len)
{
    assert(type_is_text((uint8_t)type) && len <= UINT32_MAX);
    struct value_block *b = block_new(0);
    b->kind = BLOCK_TAKEN;
    b->root.type = (uint8_t)type;
    b->root.len = (uint32_t)len;
    b->root.bytes = bytes;
    return &b->root;
}

const struct weir_value *
value_take_buf(enum weir_type type, struct buf *b)
{
    assert(type_is_text((uint8_t)type));
    const struct weir_value *v;
    if (b->len == 0) {
        v = type == WEIR_STRING ? &value_empty_string : &value_empty_bytes;
    } else if (b->lent) {
        v = copied(type, b->bytes, b->len, 0);
    } else {
        size_t len;
        char *bytes = buf_give(b, &len);
        v = value_take(type, bytes, len);
    }
    buf_fini(b);
    return v;
}

const struct weir_value *
value_slice(const struct weir_value *owner, enum weir_type type, const char *bytes, size_t len)
{
    assert(type_is_text((uint8_t)type) && len <= UINT32_MAX);
    struct weir_value v = { .type = (uint8_t)type, .len = (uint32_t)len, .bytes = bytes };
    if (type_is_text(owner->type))
        v.flags = owner->flags & VALUE_SECRET;
    if (len > BLOCK_COPIED && owner->block != NULL)
        return node_pointing(v, owner->block);
    return value_box(&v);
}

const struct weir_value *
value_stream(void *stream, void (*drop)(void *stream))
{
    struct value_block *b = block_new(sizeof(struct block_stream) - sizeof *b);
    ((struct block_stream *)(void *)b)->drop = drop;
    b->kind = BLOCK_STREAM;
    b->root.type = WEIR_STREAM;
    b->root.stream = stream;
    return &b->root;
}

const struct weir_value *
node_constant(const struct weir_value *v)
{
    bool empty = v->len == 0;
    switch (value_type(v)) {
    case WEIR_NULL:
        return &value_null;
    case WEIR_BOOL:
        return v->boolean ? &value_true : &value_false;
    case WEIR_INT:
        if (v->integer >= CONSTANTS_FROM && v->integer < CONSTANTS_TO)
            return &constants_int[v->integer - CONSTANTS_FROM];
        return NULL;
    case WEIR_STRING:
        return empty ? &value_empty_string : NULL;
    case WEIR_BYTES:
        return empty ? &value_empty_bytes : NULL;
    case WEIR_LIST:
        return empty ? &value_empty_list : NULL;
    case WEIR_MAP:
        return empty ? &value_empty_map : NULL;
    default:
        return NULL;
    }
}

const struct weir_value *
value_box(const struct weir_value *v)
{
    struct value_block *home = v->block;
    if (v->flags & VALUE_HOME && home != NULL && block_holds(home, v))
        return value_ref(v);

    assert(v->type != WEIR_STREAM || home != NULL);
    struct weir_value n = *v;
    n.flags &= NODE_TAINTS;
    const struct weir_value *constant = n.flags == 0 ? node_constant(v) : NULL;
    if (constant != NULL)
        return constant;
    if (type_is_text(v->type) && (home == NULL || v->len <= BLOCK_COPIED))
        return copied(value_type(v), v->bytes, v->len, n.flags);
    if (home != NULL || type_is_flat(v->type) || v->len == 0)
        return node_pointing(n, type_is_flat(v->type) ? NULL : home);

    assert(v->type == WEIR_LIST);
    struct weir_builder *b = builder_list();
    for (uint32_t i = 0; i < v->len; i++)
        builder_add_lent(b, &v->items[i]); /* boxes lists within: few levels, as in an expression */
    const struct weir_value *list = builder_end(&b);
    bool marked = (n.flags & ~list->flags) == 0; /* by what it holds */
    return marked ? list : value_flagged(&list, n.flags);
}
