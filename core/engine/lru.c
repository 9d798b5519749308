/* engine/lru.c - see lru.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/lru.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "value/value.h"

#define PARTS 16u
#define PART_MIN (1u << 20) /* a cache that is cut has parts of at least so many bytes */
#define OVERHEAD 160u       /* the entry, its place in the map, and what malloc takes, about */

struct entry {
    struct list link; /* in the order of use, the latest first */
    const struct weir_value *value;
    uint64_t mark;
    uint64_t cost;
    size_t key_len;
    char key[];
};

struct part {
    pthread_mutex_t lock;
    struct map entries;
    struct list used;
    uint64_t bytes;
};

struct weir_lru {
    struct weir_lru *next;
    char *name;
    atomic_uint_fast64_t max_bytes; /* of a part */
    unsigned n_parts;               /* a power of two */
    struct part parts[PARTS];
};

static pthread_mutex_t lrus_lock = PTHREAD_MUTEX_INITIALIZER;
static struct weir_lru *lrus;

static struct weir_lru *
lru_new(const char *name, uint64_t max_bytes)
{
    struct weir_lru *l = calloc(1, sizeof *l);
    if (l == NULL || (l->name = strdup(name)) == NULL)
        abort();
    l->n_parts = max_bytes / PARTS >= PART_MIN ? PARTS : 1;
    for (unsigned i = 0; i < l->n_parts; i++) {
        pthread_mutex_init(&l->parts[i].lock, NULL);
        map_init(&l->parts[i].entries);
        list_init(&l->parts[i].used);
    }
    l->next = lrus;
    lrus = l;
    return l;
}

struct weir_lru *
lru_open(const char *name, uint64_t max_bytes)
{
    pthread_mutex_lock(&lrus_lock);
    struct weir_lru *l = lrus;
    while (l && strcmp(l->name, name) != 0)
        l = l->next;
    if (l == NULL)
        l = lru_new(name, max_bytes);
    atomic_store(&l->max_bytes, max_bytes / l->n_parts);
    pthread_mutex_unlock(&lrus_lock);
    return l;
}

static struct part *
part_of(struct weir_lru *l, struct weir_text key)
{
    return &l->parts[map_hash(key.bytes, key.len) >> 40 & (l->n_parts - 1)];
}

/* Takes E out of what its part counts. */
static void
unlink_entry(struct part *p, struct entry *e)
{
    list_remove(&e->link);
    p->bytes -= e->cost;
}

/* Takes E out of its part. The value is freed by the caller, when the lock is let go of: that
 * may take a while. */
static void
take_out(struct part *p, struct entry *e)
{
    map_remove(&p->entries, e->key, e->key_len);
    unlink_entry(p, e);
}

static void
free_entry(struct entry *e)
{
    value_unref(&e->value);
    free(e);
}

bool
lru_get(struct weir_lru *l, struct weir_text key, const struct weir_value **ret, uint64_t *ret_mark)
{
    struct part *p = part_of(l, key);
    pthread_mutex_lock(&p->lock);
    struct entry *e = map_get(&p->entries, key.bytes, key.len);
    if (e) {
        list_remove(&e->link);
        list_unshift(&p->used, &e->link);
        *ret = value_ref(e->value);
        *ret_mark = e->mark;
    }
    pthread_mutex_unlock(&p->lock);
    return e != NULL;
}

static struct entry *
entry_new(struct weir_text key, const struct weir_value *value, uint64_t mark)
{
    struct entry *e = malloc(sizeof *e + key.len);
    if (e == NULL)
        abort();
    *e = (struct entry){ .mark = mark, .key_len = key.len };
    size_t weight = value_weight_all(value);
    e->cost = weight == SIZE_MAX ? UINT64_MAX : OVERHEAD + 2 * key.len + weight;
    e->value = value_ref(value);
    memcpy(e->key, key.bytes, key.len);
    return e;
}

/* Takes out what was used longest ago until COST fits; *ret_old is a chain of what went. */
static void
make_room(struct part *p, uint64_t max_bytes, uint64_t cost, struct list *ret_old)
{
    while (p->bytes + cost > max_bytes && !list_empty(&p->used)) {
        struct entry *last = list_entry(p->used.prev, struct entry, link);
        take_out(p, last);
        list_push(ret_old, &last->link);
    }
}

bool
lru_set(struct weir_lru *l, struct weir_text key, const struct weir_value *value, uint64_t mark)
{
    struct part *p = part_of(l, key);
    struct entry *e = entry_new(key, value, mark);
    uint64_t max_bytes = atomic_load(&l->max_bytes);
    bool fits = e->cost <= max_bytes;
    struct list old;
    list_init(&old);
    pthread_mutex_lock(&p->lock);
    struct entry *former = fits ? map_set(&p->entries, key.bytes, key.len, e)
                                : map_remove(&p->entries, key.bytes, key.len);
    if (former) {
        unlink_entry(p, former);
        list_push(&old, &former->link);
    }
    if (fits) {
        make_room(p, max_bytes, e->cost, &old);
        list_unshift(&p->used, &e->link);
        p->bytes += e->cost;
    }
    pthread_mutex_unlock(&p->lock);
    if (!fits)
        free_entry(e);
    list_each(link, next, &old)
        free_entry(list_entry(link, struct entry, link));
    return fits;
}

bool
lru_drop(struct weir_lru *l, struct weir_text key)
{
    struct part *p = part_of(l, key);
    pthread_mutex_lock(&p->lock);
    struct entry *e = map_get(&p->entries, key.bytes, key.len);
    if (e)
        take_out(p, e);
    pthread_mutex_unlock(&p->lock);
    if (e)
        free_entry(e);
    return e != NULL;
}

void
lru_usage(struct weir_lru *l, uint64_t *ret_entries, uint64_t *ret_bytes)
{
    *ret_entries = *ret_bytes = 0;
    for (unsigned i = 0; i < l->n_parts; i++) {
        pthread_mutex_lock(&l->parts[i].lock);
        *ret_entries += l->parts[i].entries.count;
        *ret_bytes += l->parts[i].bytes;
        pthread_mutex_unlock(&l->parts[i].lock);
    }
}

static void
lru_free(struct weir_lru *l)
{
    for (unsigned i = 0; i < l->n_parts; i++) {
        struct part *p = &l->parts[i];
        list_each(link, next, &p->used)
            free_entry(list_entry(link, struct entry, link));
        map_fini(&p->entries);
        pthread_mutex_destroy(&p->lock);
    }
    free(l->name);
    free(l);
}

void
lrus_free(void)
{
    while (lrus) {
        struct weir_lru *l = lrus;
        lrus = l->next;
        lru_free(l);
    }
}
