/* engine/host_fetch.c - the host table for what a shard asks of others outside of any call: a request to an
 * upstream, and work for a worker. See host.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include <stdlib.h>

#include "engine/blocking.h"
#include "engine/run.h"

/* What a plugin sees as struct weir_fetch. */
struct weir_fetch {
    struct client_call *running;
    weir_http_fn *fn;
    void *arg;
    struct list link; /* in engine.fetches */
};

static void
answered(void *arg, const struct weir_http_answer *answer, const struct weir_error *err)
{
    struct weir_fetch *f = arg;
    weir_http_fn *fn = f->fn;
    void *of = f->arg;
    list_remove(&f->link);
    free(f);
    fn(of, answer, err);
}

static struct weir_fetch *
fetch(struct weir_shard *s, const struct weir_http_request *request, weir_http_fn *fn, void *arg)
{
    struct engine *e = engine_of(s);
    if (e->stand_in || e->ending)
        return NULL;
    struct weir_fetch *f = calloc(1, sizeof *f);
    if (f == NULL)
        abort();
    *f = (struct weir_fetch){ .fn = fn, .arg = arg };
    list_push(&e->fetches, &f->link);
    struct client_request r = { .http = request, .deadline_ms = UINT64_MAX, .attempt = 1 };
    f->running = client_send(e->client, &r, answered, f);
    return f;
}

static void
fetch_cancel(struct weir_fetch **f)
{
    if (*f == NULL)
        return;
    client_cancel(&(*f)->running);
    list_remove(&(*f)->link);
    free(*f);
    *f = NULL;
}

void
host_fetches_end(struct engine *e)
{
    struct weir_error err = { 0 };
    err_set(&err, WEIR_CANCELLED, "the server ends");
    for (struct list *link; (link = list_shift(&e->fetches)) != NULL;) {
        struct weir_fetch *f = list_entry(link, struct weir_fetch, link);
        client_cancel(&f->running);
        list_init(&f->link);
        answered(f, NULL, &err);
    }
}

void
host_fill_fetch(struct weir_host *h)
{
    h->fetch = fetch;
    h->fetch_cancel = fetch_cancel;
    h->work = blocking_work;
}
