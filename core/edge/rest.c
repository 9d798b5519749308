/* edge/rest.c - what is large of connections that rest is folded; see connection.h.
 *
 * Only of those that have something large: OpenSSL's or nghttp2's part. One that is folded costs a few microseconds
 * when it wakes, so it has to have rested for a while.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/connection.h"
#include "edge/h2.h"
#include "net/tls_socket.h"

#define REST_MS 1000u

/* Connections that are looked at in one go; then others have their turn. */
#define LOOKS_MAX 64u

static void
look_later(struct connection *c)
{
    struct edge *e = c->edge;
    c->stirred = false;
    c->look_ms = shard_now(e->shard) + REST_MS;
    list_push(&e->awake, &c->awake);
    if (!timer_armed(&e->rest_tick))
        timer_set(e->shard, &e->rest_tick, c->look_ms);
}

static void
fold(struct connection *c)
{
    c->rests = true;
    if (c->tls != NULL)
        tls_socket_fold(c->tls);
    if (c->h2 != NULL)
        h2_fold(c->h2);
}

static void
on_tick(void *arg)
{
    struct edge *e = arg;
    uint64_t now_ms = shard_now(e->shard);
    for (unsigned i = 0; i < LOOKS_MAX && !list_empty(&e->awake); i++) {
        struct connection *c = list_entry(e->awake.next, struct connection, awake);
        if (c->look_ms > now_ms) {
            timer_set(e->shard, &e->rest_tick, c->look_ms);
            return;
        }
        list_remove(&c->awake);
        if (c->stirred)
            look_later(c);
        else
            fold(c);
    }
    if (!list_empty(&e->awake))
        timer_set(e->shard, &e->rest_tick, now_ms + 1);
}

void
rest_begin(struct edge *e)
{
    list_init(&e->awake);
    timer_init(&e->rest_tick, on_tick, e);
}

void
rest_end(struct edge *e)
{
    timer_unset(e->shard, &e->rest_tick);
}

void
connection_may_rest(struct connection *c)
{
    if (list_empty(&c->awake))
        look_later(c);
}

void
connection_wake(struct connection *c)
{
    c->rests = false;
    look_later(c);
}
