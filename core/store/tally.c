/* store/tally.c - how many jobs of each pipeline are in each state.
 *
 * The file has it in the table counts, because counting a million rows takes a second; a transaction writes what it
 * has changed there, and memory has it when that is committed. Pipelines that had jobs stay in memory, with the
 * numbers of their rows: a commit that moves jobs of one pipeline changes two or three rows, by number.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "store/impl.h"

enum { PIPELINES = 255 }; /* that are told of by name: the first ones */

struct tally_of {
    struct list changed;         /* by the open transaction: of tally.changed; alone: not */
    struct weir_text pipeline;   /* owned */
    int64_t moved[STORE_STATES]; /* by the open transaction */
    int64_t id[STORE_STATES];    /* of the row; 0: there is none */
    bool fresh[STORE_STATES];    /* the open transaction has made it */
    uint64_t n[STORE_STATES];    /* committed; under the lock, as SEEN */
    bool seen[STORE_STATES];     /* there was one */
};

struct tally {
    pthread_mutex_t lock;
    struct map of; /* by pipeline; changed under the lock, by the writer alone */
    struct list changed;
    struct tally_of *last; /* the writer's: whose it was the last time */
    int64_t bytes_id;      /* of the row of payloads */
};

struct tally *
tally_new(void)
{
    struct tally *t = calloc(1, sizeof(*t));
    if (t == NULL)
        abort();
    pthread_mutex_init(&t->lock, NULL);
    map_init(&t->of);
    list_init(&t->changed);
    return t;
}

void
tally_free(struct tally **ptr)
{
    struct tally *t = *ptr;
    if (t == NULL)
        return;
    *ptr = NULL;
    uint32_t at = 0;
    const struct map_entry *entry;
    while ((entry = map_next(&t->of, &at)) != NULL) {
        free((char *)((struct tally_of *)entry->value)->pipeline.bytes);
        free(entry->value);
    }
    map_fini(&t->of);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static struct tally_of *
tally_make(struct tally *t, struct weir_text pipeline)
{
    struct tally_of *of = calloc(1, sizeof(*of));
    char *name = malloc(pipeline.len + 1);
    if (of == NULL || name == NULL)
        abort();
    memcpy(name, pipeline.bytes, pipeline.len);
    of->pipeline = (struct weir_text){ name, pipeline.len };
    list_init(&of->changed);
    pthread_mutex_lock(&t->lock);
    (void)map_set(&t->of, pipeline.bytes, pipeline.len, of);
    pthread_mutex_unlock(&t->lock);
    return of;
}

/* What there is of PIPELINE, made at first sight. */
static struct tally_of *
tally_get(struct tally *t, struct weir_text pipeline)
{
    if (t->last != NULL && text_equal(t->last->pipeline, pipeline))
        return t->last;
    struct tally_of *of = map_get(&t->of, pipeline.bytes, pipeline.len);
    t->last = of != NULL ? of : tally_make(t, pipeline);
    return t->last;
}

void
tally_move(struct tally *t, struct weir_text pipeline, unsigned from, unsigned to, int64_t n)
{
    struct tally_of *of = tally_get(t, pipeline);
    if (list_empty(&of->changed))
        list_push(&t->changed, &of->changed);
    if (from != 0)
        of->moved[from] -= n;
    if (to != 0)
        of->moved[to] += n;
}

void
tally_clear(struct tally *t)
{
    struct list *link;
    while ((link = list_shift(&t->changed)) != NULL) {
        struct tally_of *of = list_entry(link, struct tally_of, changed);
        memset(of->moved, 0, sizeof(of->moved));
        for (unsigned state = 1; state < STORE_STATES; state++)
            of->id[state] = of->fresh[state] ? 0 : of->id[state];
        memset(of->fresh, 0, sizeof(of->fresh));
    }
}

/* Adds N to the row ID. */
static void
add(struct db *db, int64_t id, int64_t n)
{
    sqlite3_stmt *s = db_use(db, SQL_COUNT);
    sqlite3_bind_int64(s, 1, id);
    sqlite3_bind_int64(s, 2, n);
    db_run(db, s);
}

/* Makes the row of OF and STATE. */
static void
add_first(struct db *db, struct tally_of *of, unsigned state)
{
    sqlite3_stmt *s = db_use(db, SQL_COUNT_FIRST);
    bind_text(s, 1, of->pipeline);
    sqlite3_bind_int(s, 2, (int)state);
    sqlite3_bind_int64(s, 3, of->moved[state]);
    db_run(db, s);
    of->id[state] = sqlite3_last_insert_rowid(db->handle);
    of->fresh[state] = true;
}

void
tally_write(struct tally *t, struct db *db, int64_t bytes)
{
    if (bytes != 0)
        add(db, t->bytes_id, bytes);
    for (struct list *at = t->changed.next; at != &t->changed; at = at->next) {
        struct tally_of *of = list_entry(at, struct tally_of, changed);
        for (unsigned state = 1; state < STORE_STATES; state++) {
            if (of->moved[state] != 0 && of->id[state] != 0)
                add(db, of->id[state], of->moved[state]);
            else if (of->moved[state] != 0)
                add_first(db, of, state);
        }
    }
}

void
tally_committed(struct tally *t)
{
    pthread_mutex_lock(&t->lock);
    for (struct list *at = t->changed.next; at != &t->changed; at = at->next) {
        struct tally_of *of = list_entry(at, struct tally_of, changed);
        for (unsigned state = 1; state < STORE_STATES; state++) {
            of->n[state] += (uint64_t)of->moved[state];
            of->seen[state] |= of->moved[state] > 0;
            of->fresh[state] = false;
        }
    }
    pthread_mutex_unlock(&t->lock);
    tally_clear(t);
}

void
tally_load(struct store *s, struct db *db)
{
    sqlite3_stmt *stmt = db_use(db, SQL_COUNTS);
    while (db_row(db, stmt)) {
        int64_t id = (int64_t)column_number(stmt, 0);
        uint64_t state = column_number(stmt, 2), n = column_number(stmt, 3);
        if (state >= STORE_STATES)
            continue;
        s->stats.jobs[state] += n;
        if (state == 0) {
            s->tally->bytes_id = id;
            continue;
        }
        struct tally_of *of = tally_get(s->tally, column_text(stmt, 1));
        of->id[state] = id;
        of->n[state] = n;
        of->seen[state] = true;
    }
}

static void
tell(const struct tally_of *of, struct weir_text pipeline, store_jobs_fn *fn, void *arg)
{
    for (unsigned state = 1; state < STORE_STATES; state++)
        if (of->seen[state])
            fn(arg, pipeline, state, of->n[state]);
}

void
store_jobs(const struct store *s, store_jobs_fn *fn, void *arg)
{
    struct tally *t = s->tally;
    struct tally_of rest = { .n = { 0 } };
    uint32_t at = 0;
    unsigned n = 0;
    const struct map_entry *entry;
    pthread_mutex_lock(&t->lock);
    while ((entry = map_next(&t->of, &at)) != NULL) {
        const struct tally_of *of = entry->value;
        bool named = n < PIPELINES && !text_is(of->pipeline, "other");
        n += named;
        if (named)
            tell(of, of->pipeline, fn, arg);
        for (unsigned state = 1; !named && state < STORE_STATES; state++) {
            rest.n[state] += of->n[state];
            rest.seen[state] |= of->seen[state];
        }
    }
    tell(&rest, TEXT("other"), fn, arg);
    pthread_mutex_unlock(&t->lock);
}
