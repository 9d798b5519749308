/* base/map.c - see map.h.
 *
 * A slot is never freed by a removal: it goes on pointing to the entry, whose value is NULL,
 * so that probing goes on behind it. Making a larger table, or one of the same size when
 * many were removed, drops them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/sip.h"

#define FIRST_ROOM 8u
#define MAX_ROOM (1u << 30)

static uint64_t seed[2];

__attribute__((constructor)) static void
seed_once(void)
{
    random_bytes(seed, sizeof(seed));
}

uint64_t
map_hash(const void *bytes, size_t len)
{
    struct sip s = sip_begin(seed[0], seed[1]);
    sip_text(&s, 1, bytes, len);
    s.c ^= 0xff;
    sip_rounds(&s, 3);
    return s.a ^ s.b ^ s.c ^ s.d;
}

void
map_init(struct map *m)
{
    *m = (struct map){ 0 };
}

void
map_fini(struct map *m)
{
    for (uint32_t i = 0; i < m->n_entries; i++)
        free(m->entries[i].key);
    free(m->entries);
    free(m->slots);
    map_init(m);
}

/* The living entry of a key, or NULL. */
static struct map_entry *
find(const struct map *m, uint64_t hash, const void *key, size_t len)
{
    if (m->count == 0)
        return NULL;
    uint32_t mask = m->n_slots - 1;
    for (uint32_t i = (uint32_t)hash & mask; m->slots[i] != 0; i = (i + 1) & mask) {
        struct map_entry *e = &m->entries[m->slots[i] - 1];
        if (e->hash == hash && e->value != NULL && e->len == len &&
            (len == 0 || memcmp(e->key, key, len) == 0))
            return e;
    }
    return NULL;
}

void *
map_get(const struct map *m, const void *key, size_t len)
{
    if (m->count == 0)
        return NULL;
    struct map_entry *e = find(m, map_hash(key, len), key, len);
    return e != NULL ? e->value : NULL;
}

/* Points a free slot to entry number PLACE. */
static void
occupy(struct map *m, uint32_t place)
{
    uint32_t mask = m->n_slots - 1;
    uint32_t i = (uint32_t)m->entries[place].hash & mask;
    while (m->slots[i] != 0)
        i = (i + 1) & mask;
    m->slots[i] = place + 1;
}

/* Drops removed entries and makes the table fit the living ones. */
static void
rebuild(struct map *m)
{
    uint32_t room = m->room > 0 ? m->room : FIRST_ROOM;
    if (m->count > room / 2)
        room *= 2;
    else if (m->count < room / 8 && room > FIRST_ROOM)
        room /= 2;
    assert(room <= MAX_ROOM);

    struct map_entry *entries = malloc(room * sizeof(*entries));
    uint32_t *slots = calloc((size_t)room * 2, sizeof(*slots));
    if (entries == NULL || slots == NULL)
        abort();
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n_entries; i++)
        if (m->entries[i].value != NULL)
            entries[n++] = m->entries[i];
    free(m->entries);
    free(m->slots);
    *m = (struct map){
        .entries = entries,
        .slots = slots,
        .n_entries = n,
        .n_slots = room * 2,
        .count = n,
        .room = room,
    };
    for (uint32_t i = 0; i < n; i++)
        occupy(m, i);
}

void *
map_set(struct map *m, const void *key, size_t len, void *value)
{
    assert(value != NULL);
    uint64_t hash = map_hash(key, len);
    struct map_entry *e = find(m, hash, key, len);
    if (e != NULL) {
        void *old = e->value;
        e->value = value;
        return old;
    }

    char *copy = malloc(len + 1);
    if (copy == NULL)
        abort();
    if (len > 0)
        memcpy(copy, key, len);
    copy[len] = '\0';
    if (m->n_entries == m->room)
        rebuild(m);
    m->entries[m->n_entries] = (struct map_entry){ copy, len, hash, value };
    occupy(m, m->n_entries);
    m->n_entries++;
    m->count++;
    return NULL;
}

void *
map_remove(struct map *m, const void *key, size_t len)
{
    if (m->count == 0)
        return NULL;
    struct map_entry *e = find(m, map_hash(key, len), key, len);
    if (e == NULL)
        return NULL;
    void *old = e->value;
    free(e->key);
    e->key = NULL;
    e->len = 0;
    e->value = NULL;
    m->count--;
    return old;
}

const struct map_entry *
map_next(const struct map *m, uint32_t *at)
{
    while (*at < m->n_entries) {
        const struct map_entry *e = &m->entries[(*at)++];
        if (e->value != NULL)
            return e;
    }
    return NULL;
}
