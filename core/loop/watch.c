/* loop/watch.c - descriptors in the loop; see shard.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "loop/impl.h"

struct watch {
    struct weir_shard *shard;
    watch_fn *fn;
    void *arg;
    unsigned want; /* enum weir_ready bits */
    struct event event;
};

/* FN may free the watch: nothing is touched behind it. */
static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg;
    unsigned ready = 0;
    if (what & EV_READ)
        ready |= WEIR_READ;
    if (what & EV_WRITE)
        ready |= WEIR_WRITE;
    (void)shard_now(w->shard); /* the first callback of a turn makes the clock fresh */
    w->fn(w->arg, fd, ready);
}

/* Adds the event for what W wants. A descriptor that the loop cannot take (a file) or has no
 * memory for is a fault of ours: what is watched is a socket, a pipe or an eventfd. */
static void
start(struct watch *w, int fd)
{
    short what = EV_PERSIST;
    if (w->want & WEIR_READ)
        what |= EV_READ;
    if (w->want & WEIR_WRITE)
        what |= EV_WRITE;
    event_assign(&w->event, w->shard->base, fd, what, on_ready, w);
    if (w->want == 0)
        return;
    int added = event_add(&w->event, NULL);
    assert(added == 0);
}

struct watch *
watch_new(struct weir_shard *s, int fd, unsigned want, watch_fn *fn, void *arg)
{
    assert(fd >= 0);
    struct watch *w = malloc(sizeof(*w));
    if (w == NULL)
        abort();
    w->shard = s;
    w->fn = fn;
    w->arg = arg;
    w->want = want & (WEIR_READ | WEIR_WRITE);
    shard_impl(s)->n_watches++;
    start(w, fd);
    return w;
}

void
watch_want(struct watch *w, unsigned want)
{
    want &= WEIR_READ | WEIR_WRITE;
    if (want == w->want)
        return;
    int fd = event_get_fd(&w->event);
    if (w->want != 0)
        event_del(&w->event);
    w->want = want;
    start(w, fd);
}

void
watch_free(struct watch **w)
{
    if (*w == NULL)
        return;
    if ((*w)->want != 0)
        event_del(&(*w)->event);
    shard_impl((*w)->shard)->n_watches--;
    free(*w);
    *w = NULL;
}
