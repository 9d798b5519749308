/* edge/room.c - who goes when all places are taken and others wait; see listener.h.
 *
 * A caller that holds a place and does nothing with it (no head, a body or a reader that hardly
 * moves, no further request) loses it long before its own deadline: else a few thousand of them
 * keep everybody out for as long as they are allowed to be slow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/connection.h"
#include "edge/listener.h"
#include "edge/request.h"

/* From when on a connection may have to go that sends no head or hardly a body, that does not
 * read, or that asks for nothing more. */
#define SENDER_MS 500
#define READER_MS 1000
#define IDLE_MS 2000

/* What stands still, or nearly. A deadline is so and so long behind what set it. */
static bool
is_slow(const struct connection *c, uint64_t now_ms)
{
    const struct edge_config *config = &c->edge->config;
    const struct request *r = c->request;
    switch (c->state) {
    case CONNECTION_IDLE:
        if (c->served > 0)
            return now_ms + config->idle_ms >= c->deadline_ms + IDLE_MS;
        return now_ms + config->head_ms >= c->deadline_ms + SENDER_MS;
    case CONNECTION_HEAD:
        return now_ms + config->head_ms >= c->deadline_ms + SENDER_MS;
    case CONNECTION_BODY:
        return now_ms >= r->body_ms + SENDER_MS &&
               r->len * 1000 < config->body_rate * (now_ms - r->body_ms);
    case CONNECTION_SENDING:
        return c->deadline_ms != UINT64_MAX &&
               now_ms + config->write_ms >= c->deadline_ms + READER_MS;
    case CONNECTION_OPENING:
        return now_ms >= c->opened_ms + SENDER_MS;
    case CONNECTION_LINGER:
        return true;
    case CONNECTION_STREAMS: /* its requests have deadlines of their own */
    case CONNECTION_SOCKET:  /* pings ask whether somebody is there */
    case CONNECTION_BUSY:
    case CONNECTION_CLOSED:
        break;
    }
    return false;
}

/* Closes at most MOST slow connections of LIST; SERVED: of those that were served before, or of
 * the others. Returns how many more may go. */
static unsigned
close_slow(struct edge *e, struct list *list, bool served, unsigned most)
{
    uint64_t now_ms = shard_now(e->shard);
    list_each(link, next, list)
    {
        struct connection *c = list_entry(link, struct connection, link);
        if (most == 0)
            break;
        if ((c->served > 0) != served || c->depth > 0 || !is_slow(c, now_ms))
            continue;
        edge_refused(e, REFUSAL_CONNECTIONS);
        connection_close(c, true);
        most--;
    }
    return most;
}

void
edge_make_room(struct edge *e)
{
    unsigned most = e->config.max_connections / 8 + 1;
    most = close_slow(e, &e->active, false, most);
    most = close_slow(e, &e->idle, false, most);
    most = close_slow(e, &e->active, true, most);
    (void)close_slow(e, &e->idle, true, most);
}
