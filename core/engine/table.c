/* engine/table.c - see table.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

#define STRIPES 256u
#define OVERHEAD 48u /* bytes that malloc and the map need beside key and entry, about */

struct stripe {
    pthread_mutex_t lock;
    struct map entries; /* to the entry, malloc'ed */
    uint64_t bytes;
};

struct weir_table {
    struct weir_table *next;
    char *name;
    uint32_t entry_size;
    uint64_t max_bytes; /* of a stripe */
    struct stripe stripes[STRIPES];
};

static pthread_mutex_t tables_lock = PTHREAD_MUTEX_INITIALIZER;
static struct weir_table *tables;

static struct weir_table *
table_new(const char *name, uint32_t entry_size, uint64_t max_bytes)
{
    struct weir_table *t = calloc(1, sizeof *t);
    if (t == NULL || (t->name = strdup(name)) == NULL)
        abort();
    t->entry_size = entry_size;
    t->max_bytes = max_bytes / STRIPES;
    for (unsigned i = 0; i < STRIPES; i++) {
        pthread_mutex_init(&t->stripes[i].lock, NULL);
        map_init(&t->stripes[i].entries);
    }
    t->next = tables;
    tables = t;
    return t;
}

struct weir_table *
table_open(const char *name, uint32_t entry_size, uint64_t max_bytes)
{
    pthread_mutex_lock(&tables_lock);
    struct weir_table *t = tables;
    while (t && strcmp(t->name, name) != 0)
        t = t->next;
    if (t == NULL)
        t = table_new(name, entry_size, max_bytes);
    else if (t->entry_size != entry_size)
        t = NULL;
    pthread_mutex_unlock(&tables_lock);
    return t;
}

/* The entry of KEY in a locked stripe, made if CREATE and there is room. */
static void *
find_entry(struct weir_table *t, struct stripe *s, struct weir_text key, bool create, bool *ret_fresh)
{
    void *entry = map_get(&s->entries, key.bytes, key.len);
    *ret_fresh = false;
    if (entry || !create)
        return entry;
    uint64_t cost = t->entry_size + key.len + OVERHEAD;
    if (s->bytes + cost > t->max_bytes)
        return NULL;
    entry = calloc(1, t->entry_size);
    if (entry == NULL)
        return NULL;
    s->bytes += cost;
    map_set(&s->entries, key.bytes, key.len, entry);
    *ret_fresh = true;
    return entry;
}

bool
table_entry(struct weir_table *t, struct weir_text key, bool create, weir_entry_fn *fn, void *arg, uint32_t *ret)
{
    struct stripe *s = &t->stripes[map_hash(key.bytes, key.len) >> 56];
    bool fresh;
    pthread_mutex_lock(&s->lock);
    void *entry = find_entry(t, s, key, create, &fresh);
    if (entry) {
        uint32_t answer = fn(entry, fresh, arg);
        if (ret)
            *ret = answer;
    }
    pthread_mutex_unlock(&s->lock);
    return entry != NULL;
}

static void
drop_entry(struct weir_table *t, struct stripe *s, const struct map_entry *e)
{
    s->bytes -= t->entry_size + e->len + OVERHEAD;
    free(map_remove(&s->entries, e->key, e->len));
}

void
table_sweep(struct weir_table *t, weir_entry_fn *fn, void *arg)
{
    for (unsigned i = 0; i < STRIPES; i++) {
        struct stripe *s = &t->stripes[i];
        uint32_t at = 0;
        pthread_mutex_lock(&s->lock);
        for (const struct map_entry *e; (e = map_next(&s->entries, &at)) != NULL;)
            if (fn(e->value, false, arg) != 0)
                drop_entry(t, s, e);
        pthread_mutex_unlock(&s->lock);
    }
}

void
table_usage(struct weir_table *t, uint64_t *ret_entries, uint64_t *ret_bytes)
{
    *ret_entries = *ret_bytes = 0;
    for (unsigned i = 0; i < STRIPES; i++) {
        struct stripe *s = &t->stripes[i];
        pthread_mutex_lock(&s->lock);
        *ret_entries += s->entries.count;
        *ret_bytes += s->bytes;
        pthread_mutex_unlock(&s->lock);
    }
}

static void
table_free(struct weir_table *t)
{
    for (unsigned i = 0; i < STRIPES; i++) {
        struct stripe *s = &t->stripes[i];
        uint32_t at = 0;
        for (const struct map_entry *e; (e = map_next(&s->entries, &at)) != NULL;)
            free(e->value);
        map_fini(&s->entries);
        pthread_mutex_destroy(&s->lock);
    }
    free(t->name);
    free(t);
}

void
tables_free(void)
{
    while (tables) {
        struct weir_table *t = tables;
        tables = t->next;
        table_free(t);
    }
}
