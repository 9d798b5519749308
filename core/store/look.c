/* store/look.c - see look.h.
 *
 * What is known of keys is kept for pipelines with many refused jobs only, and as long as they have them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/look.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"

enum {
    REFUSED_MAX = 512,  /* jobs by due, then it goes from key to key */
    REFUSED_AGAIN = 64, /* the same where it has come to that the last time */
    KEYS_MAX = 256,     /* of one look */
    FREED_MAX = 256,    /* that are remembered: the others are come upon from key to key */
    CLOSED_MS = 1000,
    REST = 20,          /* times what a look from key to key took that found nothing */
};

/* What is known of the keys of a pipeline. */
struct keyed {
    struct list freed; /* of struct freed_key, first come first; under the lock of KEYS */
    unsigned n_freed;
    struct look_key at; /* where the last look stopped; the writer's, as what follows */
    uint64_t next_ms;   /* mono; the next one comes not before that */
};

struct freed_key {
    struct list link;
    size_t len;
    char bytes[];
};

struct keys {
    pthread_mutex_t lock;
    struct map of; /* by pipeline: struct keyed */
};

struct keys *
keys_new(void)
{
    struct keys *k = calloc(1, sizeof(*k));
    if (k == NULL)
        abort();
    pthread_mutex_init(&k->lock, NULL);
    map_init(&k->of);
    return k;
}

static void
keyed_free(struct keyed *k)
{
    struct list *link;
    while (k != NULL && (link = list_shift(&k->freed)) != NULL)
        free(list_entry(link, struct freed_key, link));
    free(k);
}

void
keys_free(struct keys **ptr)
{
    struct keys *k = *ptr;
    if (k == NULL)
        return;
    *ptr = NULL;
    uint32_t at = 0;
    const struct map_entry *entry;
    while ((entry = map_next(&k->of, &at)) != NULL)
        keyed_free(entry->value);
    map_fini(&k->of);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

void
keys_freed(struct keys *keys, struct weir_text pipeline, struct weir_text key)
{
    if (key.len == 0 || key.len > LOOK_KEY_MAX)
        return;
    pthread_mutex_lock(&keys->lock);
    struct keyed *k = keys->of.count > 0 ? map_get(&keys->of, pipeline.bytes, pipeline.len) : NULL;
    if (k != NULL && k->n_freed < FREED_MAX) {
        struct freed_key *f = malloc(sizeof(*f) + key.len);
        if (f == NULL)
            abort();
        f->len = key.len;
        memcpy(f->bytes, key.bytes, key.len);
        list_push(&k->freed, &f->link);
        k->n_freed++;
    }
    pthread_mutex_unlock(&keys->lock);
}

static struct keyed *
keyed_of(struct keys *keys, struct weir_text pipeline, bool make)
{
    pthread_mutex_lock(&keys->lock);
    struct keyed *k = keys->of.count > 0 ? map_get(&keys->of, pipeline.bytes, pipeline.len) : NULL;
    if (k == NULL && make) {
        k = calloc(1, sizeof(*k));
        if (k == NULL)
            abort();
        list_init(&k->freed);
        (void)map_set(&keys->of, pipeline.bytes, pipeline.len, k);
    }
    pthread_mutex_unlock(&keys->lock);
    return k;
}

/* PIPELINE's jobs can be seen by due. */
static void
forget(struct keys *keys, struct weir_text pipeline)
{
    pthread_mutex_lock(&keys->lock);
    struct keyed *k = map_remove(&keys->of, pipeline.bytes, pipeline.len);
    pthread_mutex_unlock(&keys->lock);
    keyed_free(k);
}

static unsigned
count_freed(struct look *l)
{
    struct keys *keys = l->w->store->keys;
    pthread_mutex_lock(&keys->lock);
    unsigned n = l->keyed->n_freed;
    pthread_mutex_unlock(&keys->lock);
    return n;
}

/* The key that has had a place for the longest time. */
static bool
take_freed(struct look *l)
{
    struct keys *keys = l->w->store->keys;
    pthread_mutex_lock(&keys->lock);
    struct list *link = list_shift(&l->keyed->freed);
    l->keyed->n_freed -= link != NULL;
    pthread_mutex_unlock(&keys->lock);
    if (link == NULL)
        return false;
    struct freed_key *f = list_entry(link, struct freed_key, link);
    memcpy(l->key.bytes, f->bytes, f->len);
    l->key.len = f->len;
    free(f);
    return true;
}

static struct weir_text
text_of_key(const struct look_key *k)
{
    return (struct weir_text){ k->bytes, k->len };
}

/* Whether A comes behind B, as the index has them. */
static bool
is_behind(struct weir_text a, struct weir_text b)
{
    size_t both = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.bytes, b.bytes, both);
    return order > 0 || (order == 0 && a.len > b.len);
}

static void
drop_rows(struct look *l)
{
    if (l->rows != NULL)
        sqlite3_reset(l->rows);
    l->rows = NULL;
}

/* The next row, if there is one. */
static bool
step(struct look *l)
{
    if (db_row(l->w->db, l->rows))
        return true;
    l->rows = NULL;
    return false;
}

/* Whether the job at hand was seen by due. */
static bool
was_seen(const struct look *l)
{
    uint64_t due_ms = column_number(l->rows, 0);
    return due_ms < l->due_ms || (due_ms == l->due_ms && (int64_t)column_number(l->rows, 1) <= l->seq);
}

static bool
next_by_due(struct look *l)
{
    struct keys *keys = l->w->store->keys;
    bool over = l->unwanted || l->full;
    if (over || l->n < (l->keyed != NULL ? REFUSED_AGAIN : REFUSED_MAX)) {
        if (!over && step(l)) {
            l->due_ms = column_number(l->rows, 0);
            l->seq = (int64_t)column_number(l->rows, 1);
            return true;
        }
        l->by = LOOK_OVER;
        if (!l->unwanted && l->keyed != NULL) {
            forget(keys, l->pipeline);
            l->keyed = NULL;
        }
        return false;
    }
    drop_rows(l);
    l->keyed = keyed_of(keys, l->pipeline, true);
    l->n_freed = count_freed(l); /* more may come meanwhile: for the next look */
    l->n = 0;
    l->by = LOOK_BY_FREED;
    return false;
}

static bool
next_freed(struct look *l)
{
    for (;;) {
        if (l->jump)
            drop_rows(l);
        l->jump = false;
        if (l->rows == NULL) {
            if (l->n_freed == 0 || !take_freed(l))
                break;
            l->n_freed--;
            l->rows = db_use(l->w->db, SQL_DUE_OF_KEY);
            bind_text(l->rows, 1, l->pipeline);
            bind_text(l->rows, 2, text_of_key(&l->key));
            bind_number(l->rows, 3, l->w->now_ms);
        }
        if (step(l) && !was_seen(l))
            return true;
    }
    l->by = LOOK_BY_KEY;
    return false;
}

/* From the key behind KEY on. */
static void
go(struct look *l, const struct look_key *key)
{
    drop_rows(l);
    l->rows = db_use(l->w->db, SQL_DUE_BY_KEY);
    bind_text(l->rows, 1, l->pipeline);
    sqlite3_bind_text(l->rows, 2, key->bytes, (int)key->len, SQLITE_STATIC);
    l->jump = false;
}

/* Whether the key of the row at hand is still to be looked at. */
static bool
take_key(struct look *l)
{
    struct weir_text key = column_text(l->rows, 2);
    if (text_equal(key, text_of_key(&l->key)))
        return true;
    l->whole = l->wrapped && is_behind(key, text_of_key(&l->from));
    bool fits = key.len <= sizeof(l->key.bytes); /* else it came by another way than ours */
    l->key.len = fits ? l->key.len : 0;
    if (l->whole || l->n == KEYS_MAX || !fits)
        return false;
    l->n++;
    memcpy(l->key.bytes, key.bytes, key.len);
    l->key.len = key.len;
    return true;
}

/* Goes from key to key, beginning behind that at which the last look stopped, once around at most. */
static bool
next_by_key(struct look *l)
{
    if (l->began_ns == 0) {
        if (clock_mono_ms() < l->keyed->next_ms) {
            l->by = LOOK_OVER;
            return false;
        }
        l->began_ns = clock_mono_ns();
        l->from = l->key = l->keyed->at;
        go(l, &l->key);
    }
    for (;;) {
        if (l->jump)
            go(l, &l->key);
        if (!step(l)) {
            l->whole = l->wrapped || l->from.len == 0;
            if (l->whole || l->w->db->rc != SQLITE_OK)
                break;
            l->wrapped = true;
            l->key.len = 0;
            l->jump = true;
        } else if (!take_key(l)) {
            break;
        } else if (column_number(l->rows, 0) > l->w->now_ms) {
            l->jump = true;
        } else if (!was_seen(l)) {
            return true;
        }
    }
    l->by = LOOK_OVER;
    return false;
}

void
look_begin(struct look *l, struct writing *w, struct weir_text pipeline)
{
    memset(l, 0, offsetof(struct look, key)); /* keys are large */
    l->w = w;
    l->pipeline = pipeline;
    l->keyed = keyed_of(w->store->keys, pipeline, false);
    l->rows = db_use(w->db, SQL_DUE);
    bind_text(l->rows, 1, pipeline);
    bind_number(l->rows, 2, w->now_ms);
}

sqlite3_stmt *
look_next(struct look *l)
{
    while (l->by != LOOK_OVER && l->w->db->rc == SQLITE_OK) {
        bool some = l->by == LOOK_BY_DUE     ? next_by_due(l)
                    : l->by == LOOK_BY_FREED ? next_freed(l)
                                             : next_by_key(l);
        if (some)
            return l->rows;
    }
    return NULL;
}

void
look_unwanted(struct look *l)
{
    l->unwanted = true;
    l->jump = true;
    if (l->by == LOOK_BY_FREED) /* it still has its place */
        keys_freed(l->w->store->keys, l->pipeline, text_of_key(&l->key));
}

void
look_answered(struct look *l, enum enter_answer answer)
{
    if (answer < ENTER_CLOSED) {
        l->found |= l->by != LOOK_BY_DUE;
        return;
    }
    l->refused = true;
    l->jump = true;
    l->n += l->by == LOOK_BY_DUE;
    l->full |= answer == ENTER_FULL;
    if (l->full && l->by != LOOK_BY_DUE)
        l->by = LOOK_OVER;
}

/* Notes where a look from key to key stopped; returns in how many milliseconds it goes on. */
static uint64_t
rest(struct look *l)
{
    struct keyed *k = l->keyed;
    uint64_t now_ms = clock_mono_ms();
    if (l->began_ns > 0) {
        uint64_t ms = (clock_mono_ns() - l->began_ns) / 1000000 * REST + REST / 2;
        k->at = l->key;
        k->next_ms = l->found || l->unwanted ? 0 : now_ms + (ms < CLOSED_MS ? ms : CLOSED_MS);
    }
    if (l->began_ns > 0 && l->whole) /* else there may be a key that has come since */
        return CLOSED_MS;
    return k->next_ms > now_ms ? k->next_ms - now_ms : 0;
}

uint64_t
look_end(struct look *l)
{
    drop_rows(l);
    uint64_t again_ms = l->keyed != NULL ? rest(l) : CLOSED_MS;
    if (l->full)
        return CLOSED_MS;
    return l->refused && !l->unwanted ? again_ms : 0;
}
