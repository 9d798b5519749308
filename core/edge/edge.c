/* edge/edge.c - an edge from start to end; see edge.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/edge.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/resident.h"
#include "edge/listener.h"
#include "edge/live.h"
#include "edge/port.h"
#include "edge/request.h"
#include "edge/ws.h"

/* How old the text of the Date field may be: it has whole seconds. */
#define DATE_MS 200

#define WARN_MS 1000
#define MEMORY_TICK_MS 500
#define MEMORY_NEAR_MS 50 /* the same from half of the limit on: it may go fast */

/* How often, and from how much more than was left the last time, what a rush of large bodies has
 * left in the heap is given back. */
#define GIVE_BACK_MS 3000
#define LOOK_MAX_MS 24000
#define GIVE_BACK_MIN (64u * 1024u * 1024u)

/* What a fresh connection is given to come with its request when the edge drains. */
#define DRAIN_MS 1000

/* Of the head of one answer. */
#define OUT_MAX (64u * 1024u)

/* How much a setting may allow. */
#define HEAD_MAX (1024u * 1024u)

const struct edge_config edge_defaults = {
    .max_connections = 10000,
    .max_requests = 10000,
    .head = { .head = 32768, .line = 8192, .target = 8192, .fields = 100 },
    .max_body = 1024 * 1024,
    .handshake_ms = 10000,
    .head_ms = 10000,
    .body_ms = 60000,
    .body_grace_ms = 10000,
    .body_rate = 500,
    .idle_ms = 60000,
    .age_ms = 3600000,
    .write_ms = 30000,
    .access_log = true,
    .metrics = true,
};

/* -- what the files of this room share -- */

void
edge_refused(struct edge *e, enum refusal why)
{
    if (e->config.metrics)
        stats_refused(e->shard->index, why);
}

void
edge_warn(const char *text)
{
    static _Atomic uint64_t logged_ms; /* of all edges of the process */
    uint64_t now_ms = clock_mono_ms();
    uint64_t before_ms = atomic_load(&logged_ms);
    if (before_ms != 0 && now_ms - before_ms < WARN_MS)
        return;
    if (atomic_compare_exchange_strong(&logged_ms, &before_ms, now_ms))
        log_say(WEIR_WARN, "edge: %s", text);
}

void
edge_warn_memory(const struct edge *e)
{
    edge_warn(e->memory.step == MEMORY_CLOSE_IDLE
                  ? "memory runs short: connections that are idle or stand still are closed"
                  : "memory runs short: requests are refused");
}

struct weir_text
edge_date(struct edge *e)
{
    uint64_t now_ms = shard_now(e->shard);
    if (e->date_ms == 0 || now_ms - e->date_ms >= DATE_MS) {
        e->date_ms = now_ms;
        memcpy(e->date, "Date: ", 6);
        clock_http(clock_wall_ms(), e->date + 6);
        memcpy(e->date + 6 + CLOCK_HTTP - 1, "\r\n", 2);
    }
    return (struct weir_text){ e->date, 6 + CLOCK_HTTP - 1 + 2 };
}

/* -- memory -- */

static void
close_idle(struct edge *e)
{
    list_each(link, next, &e->idle)
    {
        struct connection *c = list_entry(link, struct connection, link);
        if (c->served > 0)
            connection_close(c, false);
    }
}

/* Gives free memory back to the system: it takes its time. */
static void
give_back(struct edge *e, uint64_t now_ms)
{
    e->trimmed_ms = now_ms;
    buffer_pool_trim(&e->buffers);
    request_pool_trim(e);
    resident_trim();
    memory_watch_look(&e->memory);
    e->kept = e->memory.used;
    e->look_ms = GIVE_BACK_MS;
}

/* A rush is over: the heap has grown, and most of it is free. To look takes its time, too, so that is
 * done more and more seldom while nothing grows; but it goes on: what was still held when memory was
 * last given back may be free since. */
static bool
has_calmed(struct edge *e, uint64_t now_ms)
{
    if (e->kept == 0 || e->memory.used < e->kept)
        e->kept = e->memory.used;
    if (e->memory.used >= e->kept + GIVE_BACK_MIN)
        e->look_ms = GIVE_BACK_MS;
    if (now_ms < e->trimmed_ms + e->look_ms || e->memory.used < GIVE_BACK_MIN)
        return false;
    e->trimmed_ms = now_ms;
    if (resident_free_heap() > e->memory.used / 2)
        return true;
    e->look_ms = e->look_ms < LOOK_MAX_MS / 2 ? 2 * e->look_ms : LOOK_MAX_MS;
    return false;
}

static void
on_memory(void *arg)
{
    struct edge *e = arg;
    uint64_t now_ms = shard_now(e->shard);
    memory_watch_look(&e->memory);
    bool near = e->memory.used > e->memory.limit / 2;
    timer_set(e->shard, &e->memory_tick, now_ms + (near ? MEMORY_NEAR_MS : MEMORY_TICK_MS));
    if (e->memory.step == MEMORY_GOOD) {
        if (has_calmed(e, now_ms))
            give_back(e, now_ms);
        return;
    }
    edge_warn_memory(e);
    close_idle(e);
    edge_make_memory(e); /* half heads and bodies, and unread answers, hold what others could use */
    /* Again and again: what was freed and not given back would keep the process refusing for ever. */
    if (now_ms >= e->trimmed_ms + MEMORY_TICK_MS)
        give_back(e, now_ms);
}

static void
start_memory(struct edge *e)
{
    timer_init(&e->memory_tick, on_memory, e);
    e->look_ms = GIVE_BACK_MS;
    memory_watch_init(&e->memory, e->config.memory);
    if (e->memory.limit != 0)
        timer_set(e->shard, &e->memory_tick, shard_now(e->shard) + MEMORY_TICK_MS);
}

/* -- life -- */

static void
copy_trusted(struct edge *e)
{
    unsigned n = e->config.n_trusted;
    struct address_range *ranges = calloc(n + 1u, sizeof(*ranges));
    if (ranges == NULL)
        abort();
    if (n > 0)
        memcpy(ranges, e->config.trusted, n * sizeof(*ranges));
    e->config.trusted = ranges;
    e->trust = (struct trust){ ranges, n };
}

enum weir_code
edge_new(struct weir_shard *s, const struct edge_config *config, struct edge **ret,
         struct weir_error *err)
{
    if (config->head.head > HEAD_MAX || config->head.fields > HTTP_FIELDS_MAX)
        return err_set(err, WEIR_INVALID,
                       "the header of a request has at most %u bytes and %d fields", HEAD_MAX,
                       HTTP_FIELDS_MAX);
    assert(config->max_connections > 0);
    struct edge *e = calloc(1, sizeof(*e));
    if (e == NULL)
        abort();
    e->shard = s;
    e->config = *config;
    if (e->config.port == NULL)
        e->config.port = &edge_engine_port;
    list_init(&e->idle);
    list_init(&e->active);
    list_init(&e->requests);
    buf_init(&e->out, OUT_MAX);
    buffer_pool_init(&e->buffers, config->head.head);
    copy_trusted(e);
    if (e->config.metrics)
        stats_start();
    start_memory(e);
    rest_begin(e);
    enum weir_code code = listeners_start(e, config->addresses, err);
    if (code != WEIR_OK) {
        edge_free(&e);
        return code;
    }
    e->config.addresses = NULL;
    *ret = e;
    return WEIR_OK;
}

static void
close_connections(struct list *list)
{
    struct list *link;
    while ((link = list_shift(list)) != NULL)
        connection_close(list_entry(link, struct connection, link), false);
}

/* Requests that the engine still holds live on without their edge. */
static void
orphan_requests(struct edge *e)
{
    struct list *link;
    while ((link = list_shift(&e->requests)) != NULL)
        request_orphan(list_entry(link, struct request, link));
}

void
edge_free(struct edge **edge)
{
    struct edge *e = *edge;
    if (e == NULL)
        return;
    *edge = NULL;
    e->draining = true;
    if (e->listeners != NULL)
        listeners_stop(e);
    close_connections(&e->idle);
    close_connections(&e->active);
    timer_unset(e->shard, &e->memory_tick);
    rest_end(e);
    orphan_requests(e);
    request_pool_trim(e);
    buffer_pool_trim(&e->buffers);
    buf_fini(&e->out);
    free(e->wire);
    free(e->record);
    free((void *)(uintptr_t)e->config.trusted);
    free(e);
}

void
edge_stop_listening(struct edge *e)
{
    if (e->listeners != NULL)
        listeners_stop(e);
}

static void
retire(struct list *connections)
{
    list_each(link, next, connections)
    {
        struct connection *c = list_entry(link, struct connection, link);
        connection_enter(c);
        c->protocol->retire(c);
        connection_leave(c);
    }
}

/* Answers that would go on. */
static void
retire_bodies(struct edge *e)
{
    list_each(link, next, &e->requests)
    {
        struct request *r = list_entry(link, struct request, link);
        if (r->live != NULL)
            live_retire(r->live);
    }
}

void
edge_drain(struct edge *e)
{
    edge_stop_listening(e);
    e->draining = true;
    retire(&e->idle);
    retire(&e->active);
    retire_bodies(e);
    uint64_t until_ms = shard_now(e->shard) + DRAIN_MS;
    list_each(link, next, &e->idle)
    {
        struct connection *c = list_entry(link, struct connection, link);
        if (c->deadline_ms > until_ms)
            connection_deadline(c, until_ms);
    }
}

unsigned
edge_answers(const struct edge *e)
{
    unsigned n = 0;
    for (const struct list *link = e->requests.next; link != &e->requests; link = link->next) {
        const struct request *r = list_entry(link, const struct request, link);
        n += r->answered && r->connection != NULL;
    }
    for (const struct list *link = e->active.next; link != &e->active; link = link->next)
        n += list_entry(link, const struct connection, link)->ws != NULL;
    return n;
}

unsigned
edge_connections(const struct edge *e)
{
    return e->n_connections;
}
