/* value/schema_equal.c - what enum, uniqueItems and properties find by hash. The hash of values
 * is keyed, so that a stranger cannot choose values that meet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <string.h>

#include "base/map.h"
#include "value/members.h"
#include "value/schema_form.h"

enum {
    FEW = 8,         /* values that are compared one by one */
    HASH_DEPTH = 64, /* what lies deeper is not hashed, only compared */
};

struct hashed {
    uint64_t tag; /* type, or number of children */
    uint64_t sum;
};

static uint64_t
hash_pair(uint64_t tag, uint64_t sum)
{
    struct hashed h = { tag, sum };
    return map_hash(&h, sizeof(h));
}

static void
spend(uint64_t *cost, uint64_t n)
{
    *cost = *cost > n ? *cost - n : 0;
}

/* 1 and 1.0 are equal and have one hash. */
static uint64_t
hash_number(const struct weir_value *v)
{
    if (v->type == WEIR_INT)
        return hash_pair(WEIR_INT, (uint64_t)v->integer);
    if (v->number >= -0x1p63 && v->number < 0x1p63 && v->number == (double)(int64_t)v->number)
        return hash_pair(WEIR_INT, (uint64_t)(int64_t)v->number);
    uint64_t bits;
    memcpy(&bits, &v->number, sizeof(bits));
    return hash_pair(WEIR_DOUBLE, bits);
}

static uint64_t
hash_to(const struct weir_value *v, unsigned depth, uint64_t *cost)
{
    spend(cost, 4 + (v->type == WEIR_STRING ? v->len / 16 : 0));
    uint64_t sum = 0;
    switch (value_type(v)) {
    case WEIR_INT:
    case WEIR_DOUBLE:
        return hash_number(v);
    case WEIR_BOOL:
        return hash_pair(WEIR_BOOL, v->boolean);
    case WEIR_STRING:
    case WEIR_BYTES:
        return hash_pair(v->type, map_hash(v->bytes, v->len));
    case WEIR_LIST:
        for (uint32_t i = 0; depth > 0 && *cost > 0 && i < v->len; i++)
            sum = hash_pair(sum, hash_to(&v->items[i], depth - 1, cost));
        return hash_pair((uint64_t)v->len << 8 | WEIR_LIST, sum);
    case WEIR_MAP:
        for (uint32_t i = 0; depth > 0 && *cost > 0 && i < v->len; i++) {
            const struct value_member *m = &v->members->at[i]; /* in any order: a sum */
            sum += hash_pair(map_hash(m->key, m->key_len), hash_to(&m->value, depth - 1, cost));
        }
        return hash_pair((uint64_t)v->len << 8 | WEIR_MAP, sum);
    default:
        return hash_pair(v->type, 0);
    }
}

uint64_t
value_hash(const struct weir_value *v, uint64_t *cost)
{
    return hash_to(v, HASH_DEPTH, cost);
}

static bool
dynamic_to(const struct weir_value *v, unsigned depth, uint64_t *cost)
{
    if (v->flags & VALUE_DYNAMIC)
        return true;
    spend(cost, 1);
    if (depth == 0 || *cost == 0 || (v->type != WEIR_LIST && v->type != WEIR_MAP))
        return false;
    for (uint32_t i = 0; i < v->len; i++) {
        const struct weir_value *child =
            v->type == WEIR_LIST ? &v->items[i] : &v->members->at[i].value;
        if (dynamic_to(child, depth - 1, cost))
            return true;
    }
    return false;
}

bool
value_has_dynamic(const struct weir_value *v, uint64_t *cost)
{
    return dynamic_to(v, HASH_DEPTH, cost);
}

/* A table of at least twice N slots; *ret_mask is one less than their number. */
static uint32_t *
new_slots(struct arena *a, uint32_t n, uint32_t *ret_mask)
{
    assert(n < 1u << 29);
    uint32_t slots = 8;
    while (slots < 2 * n)
        slots *= 2;
    *ret_mask = slots - 1;
    uint32_t *table = arena_alloc(a, slots * sizeof(*table));
    assert(table != NULL); /* no larger than the document */
    return table;
}

void
schema_enum_index(struct schema_enum *e, struct arena *a)
{
    if (e->list->len <= FEW)
        return;
    e->slots = new_slots(a, e->list->len, &e->mask);
    uint64_t cost = UINT64_MAX;
    for (uint32_t i = 0; i < e->list->len; i++) {
        uint32_t slot = (uint32_t)value_hash(&e->list->items[i], &cost) & e->mask;
        while (e->slots[slot] != 0)
            slot = (slot + 1) & e->mask;
        e->slots[slot] = i + 1;
    }
}

bool
schema_enum_has(const struct schema_enum *e, const struct weir_value *v, uint64_t *cost)
{
    const struct weir_value *items = e->list->items;
    if (e->slots == NULL) {
        for (uint32_t i = 0; i < e->list->len; i++)
            if (value_equal(&items[i], v))
                return true;
        return false;
    }

    uint32_t slot = (uint32_t)value_hash(v, cost) & e->mask;
    for (; e->slots[slot] != 0; slot = (slot + 1) & e->mask)
        if (value_equal(&items[e->slots[slot] - 1], v))
            return true;
    return false;
}

/* Prints tell keys apart by their upper bits, too. */
static uint32_t
first_slot(const struct schema_names *n, uint32_t print)
{
    return (print ^ print >> 15) & n->mask;
}

void
schema_names_index(struct schema_names *n, struct arena *a)
{
    uint32_t *slots = new_slots(a, n->n, &n->mask);
    uint32_t *prints = arena_alloc(a, (n->n + 1) * sizeof(*prints));
    assert(prints != NULL);
    for (uint32_t i = 0; i < n->n; i++) {
        prints[i] = members_print(n->texts[i].bytes, n->texts[i].len);
        uint32_t slot = first_slot(n, prints[i]);
        while (slots[slot] != 0)
            slot = (slot + 1) & n->mask;
        slots[slot] = i + 1;
    }
    n->slots = slots;
    n->prints = prints;
}

uint32_t
schema_names_find(const struct schema_names *n, const char *key, size_t len, uint32_t print)
{
    uint32_t slot = first_slot(n, print);
    for (; n->slots[slot] != 0; slot = (slot + 1) & n->mask) {
        uint32_t i = n->slots[slot] - 1;
        if (n->prints[i] == print && n->texts[i].len == len &&
            memcmp(n->texts[i].bytes, key, len) == 0)
            return i;
    }
    return UINT32_MAX;
}
