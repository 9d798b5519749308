/* value/builder.c - one list or map in the making.
 *
 * Children are collected in the builder; the end copies them into a block of just the right
 * size. Short strings and keys go to a buffer of their own on the way, which may move, so that
 * nodes hold places in it (NODE_LOOSE) until the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/recycle.h"
#include "value/block.h"
#include "value/members.h"
#include "value/node.h"
#include "value/out.h"

enum {
    NODE_LOOSE = 1u << 7, /* a flag of a node: its bytes are a place in the builder's text */
    FIRST_ITEMS = 10,     /* these three keep a builder below RECYCLE_MAX                  */
    FIRST_DEPS = 8,
    FIRST_TEXT = 320,
};

struct weir_builder {
    bool map;
    uint8_t taints; /* of the result */
    uint32_t n;
    uint32_t room;
    uint32_t n_deps;
    uint32_t room_deps;
    size_t len_text;
    size_t room_text;
    struct value_member *at; /* of a list, only the values are used */
    struct value_block **deps;
    char *text;
    struct value_member first_at[FIRST_ITEMS];
    struct value_block *first_deps[FIRST_DEPS];
    char first_text[FIRST_TEXT];
};

_Static_assert(sizeof(struct weir_builder) <= RECYCLE_MAX, "a builder is kept to be used again");

static struct weir_builder *
builder_new(bool map)
{
    struct weir_builder *b = recycle_take(sizeof *b);
    b->map = map;
    b->taints = 0;
    b->n = 0;
    b->room = FIRST_ITEMS;
    b->n_deps = 0;
    b->room_deps = FIRST_DEPS;
    b->len_text = 0;
    b->room_text = FIRST_TEXT;
    b->at = b->first_at;
    b->deps = b->first_deps;
    b->text = b->first_text;
    return b;
}

struct weir_builder *
builder_list(void)
{
    return builder_new(false);
}

struct weir_builder *
builder_map(void)
{
    return builder_new(true);
}

/* A larger array with the USED bytes of OLD, which is freed unless it is FIRST. */
static void *
moved(void *old, const void *first, size_t used, size_t size)
{
    if (old != first)
        return block_realloc(old, size);
    void *larger = block_malloc(size);
    memcpy(larger, old, used);
    return larger;
}

/* Makes room for LEN more bytes of text. */
static void
widen(struct weir_builder *b, size_t len)
{
    while (len > b->room_text - b->len_text)
        b->room_text *= 2;
    b->text = moved(b->text, b->first_text, b->len_text, b->room_text);
}

/* Keeps a copy of some bytes, followed by nothing; returns its place. */
static inline size_t
keep_text(struct weir_builder *b, const char *bytes, size_t len)
{
    size_t place = b->len_text;
    assert(len <= UINT32_MAX);
    if (len > b->room_text - place)
        widen(b, len);
    out_copy(b->text + place, bytes, len);
    b->len_text = place + len;
    return place;
}

/* Keeps a reference to DEP, which the caller gives. */
static void
keep_dep(struct weir_builder *b, struct value_block *dep)
{
    uint32_t look_back = b->n_deps < 4 ? b->n_deps : 4;
    for (uint32_t i = 1; i <= look_back; i++) {
        if (b->deps[b->n_deps - i] == dep) {
            block_unref(dep);
            return;
        }
    }
    if (b->n_deps == b->room_deps) {
        assert(b->room_deps <= UINT32_MAX / 2);
        b->room_deps *= 2;
        b->deps =
            moved(b->deps, b->first_deps, sizeof b->first_deps, b->room_deps * sizeof *b->deps);
    }
    b->deps[b->n_deps++] = dep;
}

/* A further member, not set to anything. */
static inline struct value_member *
next_member(struct weir_builder *b)
{
    if (b->n == b->room) {
        assert(b->room <= UINT32_MAX / 4);
        b->room *= 2;
        b->at = moved(b->at, b->first_at, sizeof b->first_at, b->room * sizeof *b->at);
    }
    return &b->at[b->n++];
}

/* The node of the list's next item. */
static struct weir_value *
next_item(struct weir_builder *b)
{
    assert(!b->map);
    return &next_member(b)->value;
}

/* The node of the map's next member, which gets its key. */
static struct weir_value *
next_node(struct weir_builder *b, const char *key, size_t len)
{
    assert(b->map);
    struct value_member *m = next_member(b);
    m->key_len = (uint32_t)len;
    m->key = (const char *)keep_text(b, key, len);
    return &m->value;
}

/* Sets NODE to the content of V. True: NODE points into V's block, which has to be kept. */
static bool
set_node(struct weir_builder *b, struct weir_value *node, const struct weir_value *v)
{
    b->taints |= v->flags & VALUE_SECRET;
    *node = *v;
    node->flags &= NODE_TAINTS;
    if (v->block == NULL && v->flags & VALUE_HOME)
        return false;
    if (type_is_flat(v->type))
        return false;
    if (!type_is_text(v->type) || (v->len > BLOCK_COPIED && v->block != NULL))
        return true;
    node->flags |= NODE_LOOSE;
    node->bytes = (const char *)keep_text(b, v->bytes, v->len);
    return false;
}

/* Makes NODE what is given. */
static void
set(struct weir_builder *b, struct weir_value *node, const struct weir_value **take_v)
{
    const struct weir_value *v = *take_v != NULL ? *take_v : &value_null;
    *take_v = NULL;
    assert(v->flags & VALUE_HOME);
    if (set_node(b, node, v))
        keep_dep(b, v->block);
    else
        block_unref(v->block);
}

void
builder_add(struct weir_builder *b, const struct weir_value **take_v)
{
    set(b, next_item(b), take_v);
}

void
builder_set(struct weir_builder *b, const char *key, size_t len,
            const struct weir_value **take_v)
{
    set(b, next_node(b, key, len), take_v);
}

/* Makes NODE what is lent, and may stand on the stack. */
static void
set_lent(struct weir_builder *b, struct weir_value *node, const struct weir_value *v)
{
    if (!set_node(b, node, v != NULL ? v : &value_null))
        return;
    if (v->block != NULL) {
        block_ref(v->block);
        keep_dep(b, v->block);
        return;
    }
    const struct weir_value *kept = value_box(v); /* a list on the stack */
    set(b, node, &kept);
}

void
builder_add_lent(struct weir_builder *b, const struct weir_value *v)
{
    set_lent(b, next_item(b), v);
}

void
builder_set_lent(struct weir_builder *b, const char *key, size_t len, const struct weir_value *v)
{
    set_lent(b, next_node(b, key, len), v);
}

void
builder_put(struct weir_builder *b, const char *key, const struct weir_value *v)
{
    set_lent(b, next_node(b, key, strlen(key)), v);
}

void
builder_put_all(struct weir_builder *b, const struct weir_value *map)
{
    struct weir_text key;
    const struct weir_value *v;
    for (size_t i = 0; value_member(map, i, &key, &v); i++)
        builder_set_lent(b, key.bytes, key.len, v);
}

void
builder_take(struct weir_builder *b, const char *key, const struct weir_value *take_v)
{
    builder_set(b, key, strlen(key), &take_v);
}

void
builder_free(struct weir_builder **b)
{
    struct weir_builder *old = *b;
    if (old == NULL)
        return;
    *b = NULL;
    for (uint32_t i = 0; i < old->n_deps; i++)
        block_unref(old->deps[i]);
    if (old->at != old->first_at)
        free(old->at);
    if (old->deps != old->first_deps)
        free(old->deps);
    if (old->text != old->first_text)
        free(old->text);
    recycle_give(old, sizeof *old);
}

/* Makes a collected node one that is at home in BLOCK, whose text begins at TEXT. */
static void
settle(struct weir_value *node, struct value_block *block, const char *text)
{
    if (node->flags & NODE_LOOSE)
        node->bytes = text + (uintptr_t)node->bytes;
    node->flags = (uint8_t)((node->flags & NODE_TAINTS) | VALUE_HOME);
    node->block = block;
}

static void
settle_items(struct weir_builder *b, struct value_block *block, char *room, const char *text)
{
    struct weir_value *items = (struct weir_value *)(void *)room;
    for (uint32_t i = 0; i < b->n; i++) {
        items[i] = b->at[i].value;
        settle(&items[i], block, text);
    }
    block->root.items = items;
    block->root.len = b->n;
}

static void
settle_members(struct weir_builder *b, struct value_block *block, char *room, const char *text)
{
    struct value_members *members = (struct value_members *)(void *)room;
    for (uint32_t i = 0; i < b->n; i++) {
        b->at[i].key = text + (uintptr_t)b->at[i].key;
        settle(&b->at[i].value, block, text);
    }
    block->root.members = members;
    block->root.len = members_fill(members, b->at, b->n, NULL);
}

const struct weir_value *
builder_end(struct weir_builder **take_b)
{
    struct weir_builder *b = *take_b;
    if (b->n == 0) {
        const struct weir_value *empty = b->map ? &value_empty_map : &value_empty_list;
        builder_free(take_b);
        return empty;
    }

    size_t size_deps = b->n_deps * sizeof *b->deps;
    size_t size = b->map ? members_size(b->n) : b->n * sizeof(struct weir_value);
    size = (size + 7) / 8 * 8;
    struct value_block *block = block_new(size + size_deps + b->len_text);
    char *room = (char *)(block + 1);
    char *text = room + size + size_deps;
    memcpy(text, b->text, b->len_text);
    memcpy(room + size, b->deps, size_deps);
    block->deps = (struct value_block **)(void *)(room + size);
    block->n_deps = b->n_deps;
    block->root.type = b->map ? WEIR_MAP : WEIR_LIST;
    block->root.flags |= b->taints;
    if (b->map)
        settle_members(b, block, room, text);
    else
        settle_items(b, block, room, text);

    b->n_deps = 0; /* the block has them now */
    builder_free(take_b);
    return &block->root;
}
