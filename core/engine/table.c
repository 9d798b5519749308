/* engine/table.c - see table.h.
 *
 * A limiter keeps a million keys, so an entry is one allocation: a link, the entry, the key.
 * What malloc and the buckets take besides is counted as well.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/table.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

#define STRIPES 256u
#define BUCKETS_MIN 8u

/* An entry of a stripe: the plugin's bytes, then the key's length, then the key. */
struct record {
    struct record *next; /* of its bucket */
    char entry[];        /* aligned as a pointer is */
};

struct stripe {
    pthread_mutex_t lock;
    struct record **buckets; /* NULL: none yet */
    uint32_t n_buckets;      /* a power of two */
    uint32_t count;
    uint64_t bytes;
};

struct weir_table {
    struct weir_table *next;
    uint32_t entry_size;
    uint64_t max_bytes;  /* of a stripe */
    weir_entry_fn *dropped;
    struct stripe stripes[STRIPES];
};

static pthread_mutex_t tables_lock = PTHREAD_MUTEX_INITIALIZER;
static struct weir_table *tables;
static struct map by_name; /* the same; zeroed is empty */

/* The stripe that this thread has locked, for table_realloc. */
static _Thread_local struct stripe *at_hand;

/* A key's length takes one byte, or five if it is long. */
#define LONG_KEY 255u

static size_t
head_len(size_t key_len)
{
    return key_len < LONG_KEY ? 1 : 1 + sizeof(uint32_t);
}

static void
put_key(const struct weir_table *t, struct record *r, struct weir_text key)
{
    unsigned char *at = (unsigned char *)r->entry + t->entry_size;
    uint32_t len = (uint32_t)key.len;
    *at = (unsigned char)(len < LONG_KEY ? len : LONG_KEY);
    if (len >= LONG_KEY)
        memcpy(at + 1, &len, sizeof len);
    memcpy(at + head_len(len), key.bytes, len);
}

static struct weir_text
key_of(const struct weir_table *t, const struct record *r)
{
    const unsigned char *at = (const unsigned char *)r->entry + t->entry_size;
    uint32_t len = *at;
    if (len == LONG_KEY)
        memcpy(&len, at + 1, sizeof len);
    return (struct weir_text){ (const char *)at + head_len(len), len };
}

/* What malloc takes for SIZE bytes. */
static uint64_t
chunk(uint64_t size)
{
    return size <= 24 ? 32 : (size + 8 + 15) / 16 * 16;
}

static size_t
record_size(const struct weir_table *t, size_t key_len)
{
    return sizeof(struct record) + t->entry_size + head_len(key_len) + key_len;
}

static struct weir_table *
table_new(const char *name, uint32_t entry_size, uint64_t max_bytes)
{
    struct weir_table *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->entry_size = entry_size;
    t->max_bytes = max_bytes / STRIPES;
    for (unsigned i = 0; i < STRIPES; i++)
        pthread_mutex_init(&t->stripes[i].lock, NULL);
    t->next = tables;
    tables = t;
    (void)map_set(&by_name, name, strlen(name), t);
    return t;
}

struct weir_table *
table_open(const char *name, uint32_t entry_size, uint64_t max_bytes)
{
    pthread_mutex_lock(&tables_lock);
    struct weir_table *t = map_get(&by_name, name, strlen(name));
    if (t == NULL)
        t = table_new(name, entry_size, max_bytes);
    else if (t->entry_size != entry_size)
        t = NULL;
    pthread_mutex_unlock(&tables_lock);
    return t;
}

static void
lock(struct stripe *s)
{
    pthread_mutex_lock(&s->lock);
    at_hand = s;
}

static void
unlock(struct stripe *s)
{
    at_hand = NULL;
    pthread_mutex_unlock(&s->lock);
}

/* Gives the stripe N buckets, if there is room; chains grow longer where there is none. */
static void
set_buckets(struct weir_table *t, struct stripe *s, uint32_t n)
{
    uint64_t cost = chunk(n * sizeof *s->buckets);
    uint64_t former = s->buckets ? chunk(s->n_buckets * sizeof *s->buckets) : 0;
    if (s->bytes - former + cost > t->max_bytes)
        return;
    struct record **buckets = calloc(n, sizeof *buckets);
    if (buckets == NULL)
        return;
    for (uint32_t i = 0; s->buckets && i < s->n_buckets; i++)
        for (struct record *r = s->buckets[i], *next; r; r = next) {
            next = r->next;
            struct weir_text key = key_of(t, r);
            struct record **at = &buckets[map_hash(key.bytes, key.len) & (n - 1)];
            r->next = *at;
            *at = r;
        }
    free(s->buckets);
    s->buckets = buckets;
    s->n_buckets = n;
    s->bytes += cost - former;
}

static struct record *
add_record(struct weir_table *t, struct stripe *s, struct weir_text key, uint64_t hash)
{
    if (s->buckets == NULL)
        set_buckets(t, s, BUCKETS_MIN);
    else if (s->count >= s->n_buckets)
        set_buckets(t, s, 2 * s->n_buckets);
    uint64_t cost = chunk(record_size(t, key.len));
    if (s->buckets == NULL || s->bytes + cost > t->max_bytes || key.len > UINT32_MAX)
        return NULL;
    struct record *r = calloc(1, record_size(t, key.len));
    if (r == NULL)
        return NULL;
    put_key(t, r, key);
    struct record **at = &s->buckets[hash & (s->n_buckets - 1)];
    r->next = *at;
    *at = r;
    s->count++;
    s->bytes += cost;
    return r;
}

static struct record *
find_record(const struct weir_table *t, const struct stripe *s, struct weir_text key, uint64_t hash)
{
    struct record *r = s->buckets ? s->buckets[hash & (s->n_buckets - 1)] : NULL;
    while (r && !text_equal(key_of(t, r), key))
        r = r->next;
    return r;
}

bool
table_entry(struct weir_table *t, struct weir_text key, bool create, weir_entry_fn *fn, void *arg, uint32_t *ret)
{
    uint64_t hash = map_hash(key.bytes, key.len);
    struct stripe *s = &t->stripes[hash >> 56];
    lock(s);
    struct record *r = find_record(t, s, key, hash);
    bool fresh = r == NULL;
    if (fresh && create)
        r = add_record(t, s, key, hash);
    if (r) {
        uint32_t answer = fn(r->entry, fresh, arg);
        if (ret)
            *ret = answer;
    }
    unlock(s);
    return r != NULL;
}

/* Buckets for what is left, so that a table that was full once gives its memory back. */
static void
shrink(struct weir_table *t, struct stripe *s)
{
    if (s->count == 0 && s->buckets) {
        s->bytes -= chunk(s->n_buckets * sizeof *s->buckets);
        free(s->buckets);
        s->buckets = NULL;
        s->n_buckets = 0;
    } else if (s->n_buckets > BUCKETS_MIN && s->count < s->n_buckets / 4) {
        set_buckets(t, s, s->n_buckets / 2);
    }
}

static void
sweep_stripe(struct weir_table *t, struct stripe *s, weir_entry_fn *fn, void *arg)
{
    for (uint32_t i = 0; i < s->n_buckets; i++)
        for (struct record **at = &s->buckets[i]; *at;) {
            struct record *r = *at;
            if (fn(r->entry, false, arg) == 0) {
                at = &r->next;
                continue;
            }
            *at = r->next;
            s->count--;
            s->bytes -= chunk(record_size(t, key_of(t, r).len));
            free(r);
        }
    shrink(t, s);
}

void
table_sweep_part(struct weir_table *t, uint32_t part, weir_entry_fn *fn, void *arg)
{
    struct stripe *s = &t->stripes[part % STRIPES];
    lock(s);
    sweep_stripe(t, s, fn, arg);
    unlock(s);
}

void
table_sweep(struct weir_table *t, weir_entry_fn *fn, void *arg)
{
    for (unsigned i = 0; i < STRIPES; i++)
        table_sweep_part(t, i, fn, arg);
}

void *
table_realloc(struct weir_table *t, void *memory, size_t old_len, size_t new_len)
{
    struct stripe *s = at_hand;
    assert(s >= t->stripes && s < t->stripes + STRIPES);
    uint64_t former = memory ? chunk(old_len) : 0;
    if (new_len == 0) {
        free(memory);
        s->bytes -= former;
        return NULL;
    }
    if (s->bytes - former + chunk(new_len) > t->max_bytes)
        return NULL;
    void *moved = realloc(memory, new_len);
    if (moved)
        s->bytes += chunk(new_len) - former;
    return moved;
}

void
table_usage(struct weir_table *t, uint64_t *ret_entries, uint64_t *ret_bytes)
{
    *ret_entries = *ret_bytes = 0;
    for (unsigned i = 0; i < STRIPES; i++) {
        struct stripe *s = &t->stripes[i];
        pthread_mutex_lock(&s->lock);
        *ret_entries += s->count;
        *ret_bytes += s->bytes;
        pthread_mutex_unlock(&s->lock);
    }
}

void
table_dropped(struct weir_table *t, weir_entry_fn *fn)
{
    t->dropped = fn;
}

static uint32_t
drop_all(void *entry, bool fresh, void *arg)
{
    const struct weir_table *t = arg;
    if (t->dropped)
        t->dropped(entry, fresh, NULL);
    return 1;
}

static void
table_free(struct weir_table *t)
{
    table_sweep(t, drop_all, t);
    for (unsigned i = 0; i < STRIPES; i++)
        pthread_mutex_destroy(&t->stripes[i].lock);
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
    map_fini(&by_name);
}
