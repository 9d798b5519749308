/* edge/room.c - who goes when all places are taken and others wait, or memory is short; see
 * listener.h.
 *
 * A caller that holds a place and does nothing with it (no head, a body or a reader that hardly
 * moves, no further request) loses it long before its own deadline: else a few thousand of them
 * keep everybody out for as long as they are allowed to be slow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/connection.h"
#include "edge/h2.h"
#include "edge/listener.h"
#include "edge/request.h"
#include "edge/ws.h"

/* From when on a connection may have to go that sends no head or hardly a body, that does not
 * read, or that asks for nothing more. */
#define SENDER_MS 500
#define READER_MS 1000
#define IDLE_MS 2000

/* The same of readers when memory is all but gone: what they leave unread comes in faster. */
#define READER_LAST_MS 250

/* What has come and does not go on: from when on it has to go, and the same when memory is all but gone. */
#define STALL_MS 1000
#define STALL_LAST_MS 500

/* What moves in so many halves of a second, if it goes on as it has to: what holds much has to bring much. */
#define STALL_SHARE 128

/* Memory is looked at again after so much of its limit has come. */
#define LOOK_SHARE 128

static uint64_t
reader_ms(const struct edge *e)
{
    return e->memory.step == MEMORY_REFUSE_ALL ? READER_LAST_MS : READER_MS;
}

static uint64_t
stall_ms(const struct edge *e)
{
    return e->memory.step >= MEMORY_REFUSE_NEW ? STALL_LAST_MS : STALL_MS;
}

void
edge_came(struct edge *e, struct coming *p, size_t len, size_t now)
{
    size_t enough = e->config.body_rate * STALL_LAST_MS / 1000;
    if (enough < now / STALL_SHARE)
        enough = now / STALL_SHARE;
    if (now - p->len >= enough)
        *p = (struct coming){ now, shard_now(e->shard) };
    edge_took(e, len);
}

void
edge_took(struct edge *e, size_t len)
{
    e->taken += len;
    if (e->memory.limit == 0 || e->taken < e->memory.limit / LOOK_SHARE)
        return;
    e->taken = 0;
    memory_watch_look(&e->memory);
    if (e->memory.step != MEMORY_GOOD)
        timer_set(e->shard, &e->memory_tick, shard_now(e->shard));
}

/* Whether LEN bytes are hardly anything for the time since BEGAN_MS, or, while memory is short, hardly anything has
 * come since P. */
static bool
hardly_sends(const struct edge *e, const struct coming *p, size_t len, uint64_t began_ms)
{
    uint64_t now_ms = shard_now(e->shard);
    uint64_t moved_ms = p->ms > began_ms ? p->ms : began_ms;
    if (now_ms >= began_ms + SENDER_MS && len * 1000 < e->config.body_rate * (now_ms - began_ms))
        return true;
    return e->memory.step != MEMORY_GOOD && now_ms >= moved_ms + stall_ms(e);
}

bool
edge_hardly_sends(const struct request *r)
{
    return hardly_sends(r->edge, &r->moved, r->len, r->body_ms);
}

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
        return edge_hardly_sends(r);
    case CONNECTION_SENDING:
        return c->deadline_ms != UINT64_MAX &&
               now_ms + config->write_ms >= c->deadline_ms + reader_ms(c->edge);
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

/* Whether a WebSocket does not take what waits for it, or hardly sends the message at hand. */
static bool
is_slow_socket(const struct edge *e, const struct ws *w)
{
    if (w->stuck && shard_now(e->shard) >= w->moved_ms + reader_ms(e))
        return true;
    return w->begun_ms > 0 && !w->held && hardly_sends(e, &w->moved, w->len, w->begun_ms);
}

void
edge_make_memory(struct edge *e)
{
    list_each(link, next, &e->active)
    {
        struct connection *c = list_entry(link, struct connection, link);
        if (c->depth > 0)
            continue;
        connection_enter(c);
        if (c->state == CONNECTION_STREAMS) {
            h2_drop_slow(c->h2, reader_ms(e));
        } else if (c->state == CONNECTION_SOCKET && is_slow_socket(e, c->ws)) {
            edge_refused(e, REFUSAL_SLOW_READER);
            connection_close(c, true);
        } else if (c->state == CONNECTION_BODY && edge_hardly_sends(c->request)) {
            edge_refused(e, REFUSAL_BODY_DEADLINE); /* all of them: a few may hold it all */
            connection_close(c, true);
        }
        connection_leave(c);
    }
    edge_make_room(e);
}
