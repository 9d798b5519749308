/* engine/host_mark.c - the host table for marks: numbers under names, in the store or, where
 * there is none, in the process. See host.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "engine/job.h"
#include "store/asks.h"

#define NAME_MAX_BYTES 512u
#define NAMES_MAX 10000u /* in the process: what a name leaves behind stays */

/* -- without a store -- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct mark_entry {
    struct mark_entry *next;
    uint64_t n;
    size_t len;
    char name[];
};

static struct mark_entry *entries;
static unsigned n_entries;

/* The entry of NAME, made if there is room; the lock is held. Asked some times a minute. */
static struct mark_entry *
entry_of(struct weir_text name)
{
    for (struct mark_entry *m = entries; m; m = m->next)
        if (text_equal((struct weir_text){ m->name, m->len }, name))
            return m;
    if (n_entries >= NAMES_MAX)
        return NULL;
    struct mark_entry *m = calloc(1, sizeof *m + name.len);
    if (m == NULL)
        abort();
    memcpy(m->name, name.bytes, name.len);
    m->len = name.len;
    m->next = entries;
    entries = m;
    n_entries++;
    return m;
}

static void
advance_here(struct weir_text name, uint64_t from, uint64_t to, weir_advanced_fn *fn, void *arg)
{
    struct weir_error err = { 0 };
    pthread_mutex_lock(&lock);
    struct mark_entry *m = entry_of(name);
    bool did = m && m->n == from;
    if (did)
        m->n = to;
    uint64_t now = m ? m->n : 0;
    pthread_mutex_unlock(&lock);
    if (m == NULL)
        err_set(&err, WEIR_TOO_LARGE, "there are more than %u marks", NAMES_MAX);
    fn(arg, did, now, m ? NULL : &err);
}

/* -- with one -- */

struct advancing {
    struct store_ask ask;
    weir_advanced_fn *fn;
    void *arg;
};

static void
advancing_free(struct advancing *a)
{
    value_unref(&a->ask.with);
    value_unref(&a->ask.answer);
    free(a);
}

static void
advanced(struct store_op *op, const struct weir_error *err)
{
    struct advancing *a = (struct advancing *)(void *)op;
    (void)job_op_told(op);
    const struct weir_value *did = err ? NULL : value_field(a->ask.answer, "did");
    const struct weir_value *now = err ? NULL : value_field(a->ask.answer, "now");
    a->fn(a->arg, did && did->boolean, now ? (uint64_t)now->integer : 0, err);
    advancing_free(a);
}

static const struct weir_value *
parameters(struct weir_text name, uint64_t from, uint64_t to)
{
    struct weir_builder *b = builder_map();
    const struct weir_value *v = value_string(name.bytes, name.len);
    builder_set(b, "name", 4, &v);
    v = value_int((int64_t)from);
    builder_set(b, "from", 4, &v);
    v = value_int((int64_t)to);
    builder_set(b, "to", 2, &v);
    return builder_end(&b);
}

static void
advance_in_store(struct engine *e, const struct weir_value *with, weir_advanced_fn *fn,
                 void *arg)
{
    struct weir_error err = { 0 };
    struct advancing *a = calloc(1, sizeof *a);
    if (a == NULL)
        abort();
    a->ask.op = (struct store_op){ .shard = e->shard, .done = advanced, .kind = STORE_ASK };
    a->ask.what = "marks.advance";
    a->ask.with = with;
    a->fn = fn;
    a->arg = arg;
    if (job_submit(e, &a->ask.op, &err) == WEIR_OK)
        return;
    fn(arg, false, 0, &err);
    advancing_free(a);
}

static void
advance(struct weir_shard *s, struct weir_text name, uint64_t from, uint64_t to,
        weir_advanced_fn *fn, void *arg)
{
    struct engine *e = engine_of(s);
    struct weir_error err = { 0 };
    bool stores = e->limits.store != NULL;
    if (name.len == 0 || name.len > NAME_MAX_BYTES || !utf8_valid(name))
        err_set(&err, WEIR_INVALID, "a mark's name must be text of 1 to %u bytes",
                NAME_MAX_BYTES);
    else if (to == 0 || from > INT64_MAX || to > INT64_MAX)
        err_set(&err, WEIR_INVALID, "a mark's number must be from 1 to 2^63 - 1");
    else if ((e->draining && to > from) || (stores && e->jobs == NULL))
        err_set(&err, WEIR_UNAVAILABLE, "this server is shutting down");
    if (err.code != WEIR_OK)
        fn(arg, false, 0, &err);
    else if (stores)
        advance_in_store(e, parameters(name, from, to), fn, arg);
    else
        advance_here(name, from, to, fn, arg);
}

void
host_fill_mark(struct weir_host *h)
{
    h->advance = advance;
}
