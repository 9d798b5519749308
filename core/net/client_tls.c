/* net/client_tls.c - the TLS options that requests come with, one context for each content.
 *
 * Options may be evaluated anew for each request, so that they are compared by content. What
 * they name as files may change: such a context is used for TLS_FRESH_MS.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "net/client_parts.h"

#define TLS_FRESH_MS 600000u

static void
free_options(struct client *c, struct client_tls *t)
{
    assert(t->upstreams == 0);
    list_remove(&t->link);
    c->n_tls--;
    tls_context_free(&t->context);
    value_unref(&t->options);
    free(t);
}

static bool
same_options(const struct weir_value *a, const struct weir_value *b)
{
    if (a == b)
        return true;
    return a != NULL && b != NULL && value_equal(a, b);
}

static struct client_tls *
find(struct client *c, const struct weir_value *options)
{
    uint64_t now_ms = shard_now(c->shard);
    list_each(link, next, &c->tls)
    {
        struct client_tls *t = list_entry(link, struct client_tls, link);
        if (!same_options(t->options, options))
            continue;
        if (now_ms >= t->until_ms)
            return NULL;
        list_remove(&t->link);
        list_unshift(&c->tls, &t->link);
        return t;
    }
    return NULL;
}

/* Frees the options that were not used for the longest time, if no upstream has them. */
static bool
make_room(struct client *c)
{
    for (struct list *link = c->tls.prev; link != &c->tls; link = link->prev) {
        struct client_tls *t = list_entry(link, struct client_tls, link);
        if (t->upstreams > 0)
            continue;
        free_options(c, t);
        return true;
    }
    return false;
}

enum weir_code
client_tls_find(struct client *c, const struct weir_value *options, struct client_tls **ret,
                struct weir_error *err)
{
    struct client_tls *t = find(c, options);
    if (t != NULL) {
        *ret = t;
        return WEIR_OK;
    }
    if (c->n_tls >= CLIENT_TLS_MAX && !make_room(c))
        return err_set(err, WEIR_UNAVAILABLE, "more than %u different tls options are in use",
                       CLIENT_TLS_MAX);

    struct tls_context *context;
    if (tls_client_context(options, &context, err) != WEIR_OK)
        return (enum weir_code)err->code;
    t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->options = options != NULL ? value_ref(options) : NULL;
    t->context = context;
    t->id = ++c->last_tls_id;
    t->until_ms = options != NULL ? shard_now(c->shard) + TLS_FRESH_MS : UINT64_MAX;
    list_unshift(&c->tls, &t->link);
    c->n_tls++;
    *ret = t;
    return WEIR_OK;
}

void
client_tls_fini(struct client *c)
{
    while (!list_empty(&c->tls))
        free_options(c, list_entry(c->tls.next, struct client_tls, link));
}
