/* store/notice.c - shards that are told of jobs which are to be cancelled: store_listen of store.h.
 *
 * A job runs on one shard, and the store does not know which: all are told. As with waits the lock
 * is the process's, because what was posted may be run when its store is gone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "loop/worker.h"
#include "store/impl.h"
#include "store/job.h"

struct listener {
    struct list link; /* in the store's LISTENERS; alone: the last post frees it, and tells nobody */
    struct weir_shard *shard;
    store_cancel_fn *fn;
    void *arg;
    unsigned posts; /* on their way */
};

/* A notice on its way to one shard. */
struct notice {
    struct listener *to;
    char id[ID_UUID];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void
store_listen(struct store *s, struct weir_shard *shard, store_cancel_fn *fn, void *arg)
{
    struct listener *l = calloc(1, sizeof(*l));
    if (l == NULL)
        abort();
    l->shard = shard;
    l->fn = fn;
    l->arg = arg;
    pthread_mutex_lock(&lock);
    list_push(&s->listeners, &l->link);
    pthread_mutex_unlock(&lock);
}

/* Takes L out; its last post frees it, if there is one. With the lock held. */
static void
forget(struct listener *l)
{
    list_remove(&l->link);
    if (l->posts == 0)
        free(l);
}

void
store_listen_end(struct store *s, struct weir_shard *shard)
{
    pthread_mutex_lock(&lock);
    list_each(at, next, &s->listeners)
    {
        struct listener *l = list_entry(at, struct listener, link);
        if (l->shard == shard)
            forget(l);
    }
    pthread_mutex_unlock(&lock);
}

void
listeners_end(struct store *s)
{
    pthread_mutex_lock(&lock);
    list_each(at, next, &s->listeners) forget(list_entry(at, struct listener, link));
    pthread_mutex_unlock(&lock);
}

/* On the shard. */
static void
give_notice(void *arg)
{
    struct notice *n = arg;
    struct listener *l = n->to;
    pthread_mutex_lock(&lock);
    bool wanted = !list_empty(&l->link);
    bool last = --l->posts == 0 && !wanted;
    pthread_mutex_unlock(&lock);
    if (wanted) /* nobody but this thread takes it out */
        l->fn(l->arg, n->id);
    if (last)
        free(l);
    free(n);
}

/* The listener behind number AT, which a post is counted for; NULL: there is none. */
static struct listener *
take(struct store *s, unsigned at)
{
    struct listener *found = NULL;
    pthread_mutex_lock(&lock);
    list_each(link, next, &s->listeners)
    {
        if (at-- != 0)
            continue;
        found = list_entry(link, struct listener, link);
        found->posts++;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

static void
tell(struct store *s, const uint8_t *id)
{
    struct listener *l;
    /* A post may have to wait for room, and is made without the lock; who leaves meanwhile makes
     * one be told twice or not at all, at the end of the process. */
    for (unsigned i = 0; (l = take(s, i)) != NULL; i++) {
        struct notice *n = malloc(sizeof(*n));
        if (n == NULL)
            abort();
        n->to = l;
        job_id_write((struct weir_text){ (const char *)id, JOB_ID }, n->id);
        shard_post(l->shard, give_notice, n);
    }
}

struct cancels {
    size_t n;
    uint8_t ids[][JOB_ID];
};

struct cancels *
cancels_take(const struct list *batch)
{
    struct cancels *c = NULL;
    for (const struct list *at = batch->next; at != batch; at = at->next) {
        const struct store_op *op = list_entry(at, const struct store_op, link);
        const struct store_ask *ask = (const struct store_ask *)op;
        if (op->kind != STORE_ASK || op->code != WEIR_OK || !ask->cancels)
            continue;
        size_t n = c != NULL ? c->n : 0;
        c = realloc(c, sizeof(*c) + (n + 1) * JOB_ID);
        if (c == NULL)
            abort();
        memcpy(c->ids[n], ask->cancel, JOB_ID);
        c->n = n + 1;
    }
    return c;
}

void
cancels_tell(struct store *s, struct cancels **c)
{
    for (size_t i = 0; *c != NULL && i < (*c)->n; i++)
        tell(s, (*c)->ids[i]);
    free(*c);
    *c = NULL;
}
