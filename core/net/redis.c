/* net/redis.c - the Redis client of a shard: what its users call; see redis.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/redis.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "net/redis_parts.h"

#define PLAIN_MAX (1u << 20) /* of what one read brings */

struct redis_shard *
redis_shard_of(struct weir_shard *s)
{
    struct redis_shard *own = s->slots[SHARD_NET];
    if (own != NULL)
        return own;
    own = calloc(1, sizeof *own);
    if (own == NULL)
        abort();
    own->shard = s;
    list_init(&own->conns);
    list_init(&own->listening);
    buf_init(&own->plain, PLAIN_MAX);
    s->slots[SHARD_NET] = own;
    return own;
}

/* The connection to SERVER, idle if it is new. */
static struct redis_conn *
conn_of(struct redis_shard *own, struct weir_redis *server)
{
    struct redis_conn *c;
    list_each(link, next, &own->conns)
    {
        c = list_entry(link, struct redis_conn, link);
        if (c->server != server)
            continue;
        if (link != own->conns.next) {
            list_remove(link);
            list_unshift(&own->conns, link);
        }
        return c;
    }
    c = redis_conn_new(own, server);
    list_unshift(&own->conns, &c->link);
    return c;
}

static atomic_bool offline;

bool
redis_is_offline(void)
{
    return atomic_load_explicit(&offline, memory_order_relaxed);
}

void
redis_go_offline(void)
{
    atomic_store(&offline, true);
}

/* What speaks against sending SIZE bytes of KIND now; WEIR_OK if nothing does. */
static enum weir_code
check(const struct redis_conn *c, enum redis_kind kind, size_t size, struct weir_error *err)
{
    const char *name = c->server->place->name;
    if (size > REDIS_BYTES_MAX)
        return err_set(err, WEIR_TOO_LARGE, "a Redis command may have at most %u MiB",
                       REDIS_BYTES_MAX >> 20);
    if (atomic_load_explicit(&offline, memory_order_relaxed))
        return err_set(err, WEIR_UNAVAILABLE, "a test reaches nothing outside: Redis at %s is not asked", name);
    if (c->owner->stopped)
        return err_set(err, WEIR_UNAVAILABLE, "this server ends");
    if (kind == REDIS_EXEC && c->broken)
        return err_set(err, WEIR_UNAVAILABLE,
                       "a command of this transaction was refused, so none is carried out");
    if (c->stalled)
        return err_set(err, WEIR_UNAVAILABLE, "Redis at %s does not answer", name);
    if (c->away)
        return err_set(err, WEIR_UNAVAILABLE, "Redis at %s %s", name, c->reason);
    if (c->n >= REDIS_COMMANDS_MAX || size > REDIS_BYTES_MAX - c->bytes)
        return err_set(err, WEIR_UNAVAILABLE, "too many commands wait for Redis at %s", name);
    return WEIR_OK;
}

struct weir_command *
redis_send(struct weir_shard *s, struct weir_redis *server, const struct weir_redis_request *r,
           weir_redis_fn *fn, void *arg)
{
    struct redis_conn *c = conn_of(redis_shard_of(s), server);
    const char *why;
    struct weir_error err;
    enum redis_kind kind = redis_kind_of(r, &why);
    c->used_ms = shard_now(s);
    if (kind == REDIS_REFUSED)
        return redis_command_refuse(
            c, fn, arg, WEIR_INVALID, "the Redis command %.*s is refused: %s",
            r->n_args > 0 && r->args[0].len < 32 ? (int)r->args[0].len : 0,
            r->n_args > 0 ? r->args[0].bytes : "", why);
    enum weir_code code = check(c, kind, redis_encode_size(r), &err);
    if (code != WEIR_OK && (kind == REDIS_EXEC || kind == REDIS_DISCARD))
        redis_discard(c); /* or the next commands of this turn would be queued behind it */
    if (code != WEIR_OK)
        return redis_command_refuse(c, fn, arg, code, "%s", err.text);
    if (kind == REDIS_MULTI)
        c->multi = true;
    struct weir_command *cmd = redis_command_add(c, r, fn, arg);
    if (kind == REDIS_EXEC || kind == REDIS_DISCARD)
        c->multi = c->broken = false;
    soon_add(s, &c->flush); /* also of one that waits: a transaction ends with the turn */
    if (c->state == REDIS_IDLE)
        redis_dial(c);
    redis_arm(c);
    return cmd;
}

void
redis_forget(struct weir_command **cmd)
{
    if (*cmd == NULL)
        return;
    redis_command_forget(*cmd);
    *cmd = NULL;
}

static void
stop(struct redis_conn *c)
{
    redis_close(c, "is not asked any more: this server ends");
    redis_commands_fail(c, true, "is not asked any more: this server ends");
    if (c->state != REDIS_IDLE)
        redis_enter(c, REDIS_IDLE);
    timer_unset(c->owner->shard, &c->timer);
    soon_remove(&c->tell);
    redis_commands_tell(c);
}

void
redis_stop(struct weir_shard *s)
{
    struct redis_shard *own = s->slots[SHARD_NET];
    if (own == NULL)
        return;
    own->stopped = true;
    list_each(link, next, &own->conns) stop(list_entry(link, struct redis_conn, link));
    list_each(link, next, &own->listening) stop(list_entry(link, struct redis_conn, link));
}

void
redis_free(struct weir_shard *s)
{
    struct redis_shard *own = s->slots[SHARD_NET];
    if (own == NULL)
        return;
    while (!list_empty(&own->conns))
        redis_conn_free(list_entry(own->conns.next, struct redis_conn, link));
    dns_free(&own->dns);
    buf_fini(&own->plain);
    free(own);
    s->slots[SHARD_NET] = NULL;
}
