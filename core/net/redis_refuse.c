/* net/redis_refuse.c - which commands may go over a connection that others use as well.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <strings.h>

#include "net/redis_parts.h"

static const char subscribes[] = "subscriptions take the whole connection, which all nodes of a shard share";
static const char blocks[] = "it would make every other command of this connection wait";
static const char changes[] = "it would change the connection for all others that use it";
static const char watches[] = "other commands of this connection come between; use a script";
static const char ends[] = "it is a matter of the server's operator";

/* A command, or one with this first argument (SUB). */
static const struct {
    const char *name;
    const char *sub; /* NULL: all of them */
    const char *why;
} refused[] = {
    { "subscribe", NULL, subscribes },
    { "psubscribe", NULL, subscribes },
    { "ssubscribe", NULL, subscribes },
    { "unsubscribe", NULL, subscribes },
    { "punsubscribe", NULL, subscribes },
    { "sunsubscribe", NULL, subscribes },
    { "monitor", NULL, subscribes },
    { "blpop", NULL, blocks },
    { "brpop", NULL, blocks },
    { "blmove", NULL, blocks },
    { "brpoplpush", NULL, blocks },
    { "bzpopmin", NULL, blocks },
    { "bzpopmax", NULL, blocks },
    { "bzmpop", NULL, blocks },
    { "blmpop", NULL, blocks },
    { "wait", NULL, blocks },
    { "waitaof", NULL, blocks },
    { "quit", NULL, changes },
    { "reset", NULL, changes },
    { "select", NULL, "the database is chosen in the URL" },
    { "auth", NULL, "user and password stand in the URL" },
    { "hello", NULL, changes },
    { "client", "reply", changes },
    { "client", "tracking", changes },
    { "client", "caching", changes },
    { "script", "debug", changes },
    { "watch", NULL, watches },
    { "sync", NULL, ends },
    { "psync", NULL, ends },
    { "replconf", NULL, ends },
    { "replicaof", NULL, ends },
    { "slaveof", NULL, ends },
    { "failover", NULL, ends },
    { "shutdown", NULL, ends },
    { "debug", NULL, ends },
};

/* Whether TEXT is NAME, in either case. All of the table is gone through for
 * each command: the first letter tells most of them apart. */
static bool
is(struct weir_text text, const char *name)
{
    return text.len > 0 && (text.bytes[0] | 0x20) == name[0] && strncasecmp(text.bytes, name, text.len) == 0 && name[text.len] == '\0';
}

static const char *
why_refused(const struct weir_redis_request *r)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (is(r->args[0], refused[i].name) &&
            (refused[i].sub == NULL || (r->n_args > 1 && is(r->args[1], refused[i].sub))))
            return refused[i].why;
    return NULL;
}

/* Whether a command that reads a stream has BLOCK before its keys. */
static bool
waits_for_stream(const struct weir_redis_request *r)
{
    for (uint32_t i = 1; i < r->n_args && !is(r->args[i], "streams"); i++)
        if (is(r->args[i], "block"))
            return true;
    return false;
}

enum redis_kind
redis_kind_of(const struct weir_redis_request *r, const char **ret_why)
{
    if (r->script.len > 0) {
        *ret_why = "there are fewer arguments than keys";
        return r->n_keys > r->n_args ? REDIS_REFUSED : REDIS_PLAIN;
    }
    *ret_why = "there is no command";
    if (r->n_args == 0 || r->args[0].len == 0)
        return REDIS_REFUSED;
    struct weir_text name = r->args[0];
    if (name.len > 16)
        return REDIS_PLAIN;
    if (is(name, "multi"))
        return REDIS_MULTI;
    if (is(name, "exec"))
        return REDIS_EXEC;
    if (is(name, "discard"))
        return REDIS_DISCARD;
    *ret_why = blocks;
    if ((is(name, "xread") || is(name, "xreadgroup")) && waits_for_stream(r))
        return REDIS_REFUSED;
    *ret_why = why_refused(r);
    return *ret_why != NULL ? REDIS_REFUSED : REDIS_PLAIN;
}
