/* net/redis_listen.c - hearing what is published: a connection that takes no commands; see redis.h.
 *
 * It is dialled as all others are, and never given up. Its only command is SUBSCRIBE, whenever it
 * has come up (https://redis.io/docs/latest/develop/interact/pubsub/).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "net/redis_parts.h"

#define FOR_EVER (UINT64_MAX / 2) /* when it was used last: nobody finds it to be unused */

struct redis_listener {
    struct redis_conn *conn; /* owned */
    weir_heard_fn *fn;
    void *arg;
    size_t len;
    char channel[];
};

struct redis_listener *
redis_listen(struct weir_shard *s, struct weir_redis *server, struct weir_text channel, weir_heard_fn *fn,
             void *arg)
{
    struct redis_shard *own = redis_shard_of(s);
    struct redis_listener *l = malloc(sizeof *l + channel.len);
    if (l == NULL)
        abort();
    struct redis_conn *c = redis_conn_new(own, server);
    *l = (struct redis_listener){ .conn = c, .fn = fn, .arg = arg, .len = channel.len };
    memcpy(l->channel, channel.bytes, channel.len);
    c->listener = l;
    c->used_ms = FOR_EVER;
    list_push(&own->listening, &c->link);
    if (own->stopped || redis_is_offline())
        return l;
    redis_dial(c);
    redis_arm(c);
    return l;
}

void
redis_listen_end(struct redis_listener **l)
{
    if (*l == NULL)
        return;
    redis_conn_free((*l)->conn);
    free(*l);
    *l = NULL;
}

void
redis_listener_up(struct redis_conn *c)
{
    const struct weir_text args[] = { TEXT("SUBSCRIBE"), { c->listener->channel, c->listener->len } };
    const struct weir_redis_request r = { .size = sizeof r, .args = args, .n_args = 2 };
    (void)redis_command_add(c, &r, NULL, NULL);
}

bool
redis_listener_takes(struct redis_conn *c, const struct weir_value *reply)
{
    const struct weir_value *kind = value_at(reply, 0);
    const struct weir_value *message = value_at(reply, 2);
    if (kind == NULL || message == NULL || !text_is(value_as_text(kind), "message"))
        return false;
    c->listener->fn(c->listener->arg, value_as_text(message));
    return true;
}
