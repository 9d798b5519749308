/* value/members.c - see members.h. SPDX-License-Identifier: Apache-2.0 */
#include "value/members.h"

#include <assert.h>

#include "base/map.h"

uint32_t
members_slots(uint32_t n)
{
    if (n <= MEMBERS_FEW)
        return 0;
    assert(n <= 1u << 30);
    uint32_t slots = 4 * MEMBERS_FEW;
    while (slots / 2 < n)
        slots *= 2;
    return slots;
}

size_t
members_size(uint32_t n)
{
    return sizeof(struct value_members) + n * sizeof(struct value_member) +
           members_slots(n) * sizeof(uint32_t);
}

/* The place of the key of WANTED among the first N members at M; N if it is not there. */
static uint32_t
place_of(const struct value_member *m, uint32_t n, uint32_t print,
         const struct value_member *wanted)
{
    uint32_t i = 0;
    while (i < n && !member_is(&m[i], print, wanted->key, wanted->key_len))
        i++;
    return i;
}

/* Adds a member at the end. Its hash is not set where it comes from: a load of more bytes than
 * were just stored would wait for the store. */
static void
append(struct value_members *dst, uint32_t place, const struct value_member *m, uint32_t hash)
{
    dst->at[place] = *m;
    dst->at[place].hash = hash;
}

static uint32_t
fill_few(struct value_members *dst, const struct value_member *src, uint32_t n,
         const struct value_member **ret_twice)
{
    uint64_t seen = 0; /* a bit for each sixth of a print: most keys are new without a search */
    uint32_t count = 0;
    dst->slots = NULL;
    dst->mask = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct value_member *m = &src[i];
        uint32_t print = members_print(m->key, m->key_len);
        uint64_t bit = (uint64_t)1 << (print >> 26);
        uint32_t place = seen & bit ? place_of(dst->at, count, print, m) : count;
        seen |= bit;
        if (place < count) {
            dst->at[place].value = m->value;
            *ret_twice = *ret_twice ? *ret_twice : m;
            continue;
        }
        append(dst, count++, m, print);
    }
    return count;
}

/* The slot of a key: where its place stands, or the free one where it belongs. */
static uint32_t *
slot_of(const struct value_members *m, uint32_t *slots, uint32_t hash, const char *key,
        size_t len)
{
    uint32_t i = hash & m->mask;
    while (slots[i] != 0 && !member_is(&m->at[slots[i] - 1], hash, key, len))
        i = (i + 1) & m->mask;
    return &slots[i];
}

static uint32_t
fill_many(struct value_members *dst, const struct value_member *src, uint32_t n,
          const struct value_member **ret_twice)
{
    uint32_t *slots = (uint32_t *)(void *)(dst->at + n);
    uint32_t count = 0;
    dst->slots = slots;
    dst->mask = members_slots(n) - 1;
    memset(slots, 0, members_slots(n) * sizeof *slots);
    for (uint32_t i = 0; i < n; i++) {
        const struct value_member *m = &src[i];
        uint32_t hash = (uint32_t)map_hash(m->key, m->key_len);
        uint32_t *slot = slot_of(dst, slots, hash, m->key, m->key_len);
        if (*slot != 0) {
            dst->at[*slot - 1].value = m->value;
            *ret_twice = *ret_twice ? *ret_twice : m;
            continue;
        }
        append(dst, count++, m, hash);
        *slot = count;
    }
    return count;
}

uint32_t
members_fill(struct value_members *dst, const struct value_member *src, uint32_t n,
             const struct value_member **ret_twice)
{
    const struct value_member *twice = NULL;
    uint32_t count =
        n <= MEMBERS_FEW ? fill_few(dst, src, n, &twice) : fill_many(dst, src, n, &twice);
    if (ret_twice != NULL)
        *ret_twice = twice;
    return count;
}

const struct value_member *
members_find(const struct value_members *m, uint32_t n, const char *key, size_t len)
{
    if (m->slots == NULL) {
        uint32_t print = members_print(key, len);
        for (uint32_t i = 0; i < n; i++)
            if (member_is(&m->at[i], print, key, len))
                return &m->at[i];
        return NULL;
    }

    uint32_t hash = (uint32_t)map_hash(key, len);
    for (uint32_t i = hash & m->mask; m->slots[i] != 0; i = (i + 1) & m->mask)
        if (member_is(&m->at[m->slots[i] - 1], hash, key, len))
            return &m->at[m->slots[i] - 1];
    return NULL;
}
