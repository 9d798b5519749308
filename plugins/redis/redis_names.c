/* redis/redis_names.c - what is known of commands by their names: see redis.h.
 *
 * The engine refuses some of them too. That would be too late for a transaction, whose other
 * commands are on their way by then, so all that it refuses is refused here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <strings.h>

#include "redis.h"

static const char takes[] = "it takes the whole connection, which all steps of a shard share";
static const char blocks[] = "every other step that uses this connection would wait for it";
static const char changes[] = "it would change the connection for all steps that share it";
static const char watches[] = "commands of other steps come between; use 'script'";
static const char wraps[] = "a transaction is 'commands' with 'atomic: true'";
static const char runs[] = "'script' runs Lua, and keeps it apart from keys and arguments";
static const char ends[] = "it is a matter of the server's operator";

/* Commands, or those of them with this first argument (SUB; NULL: all). */
static const struct {
    const char *name;
    const char *sub;
    const char *why;
} refused[] = {
    { "subscribe", NULL, takes },
    { "psubscribe", NULL, takes },
    { "ssubscribe", NULL, takes },
    { "unsubscribe", NULL, takes },
    { "punsubscribe", NULL, takes },
    { "sunsubscribe", NULL, takes },
    { "monitor", NULL, takes },
    { "blpop", NULL, blocks },
    { "brpop", NULL, blocks },
    { "blmove", NULL, blocks },
    { "brpoplpush", NULL, blocks },
    { "blmpop", NULL, blocks },
    { "bzpopmin", NULL, blocks },
    { "bzpopmax", NULL, blocks },
    { "bzmpop", NULL, blocks },
    { "wait", NULL, blocks },
    { "waitaof", NULL, blocks },
    { "client", NULL, changes },
    { "hello", NULL, changes },
    { "quit", NULL, changes },
    { "reset", NULL, changes },
    { "asking", NULL, changes },
    { "readonly", NULL, changes },
    { "readwrite", NULL, changes },
    { "script", "debug", changes },
    { "select", NULL, "the database is chosen in 'url'" },
    { "auth", NULL, "user and password stand in 'url'" },
    { "watch", NULL, watches },
    { "unwatch", NULL, watches },
    { "multi", NULL, wraps },
    { "exec", NULL, wraps },
    { "discard", NULL, wraps },
    { "eval", NULL, runs },
    { "eval_ro", NULL, runs },
    { "sync", NULL, ends },
    { "psync", NULL, ends },
    { "replconf", NULL, ends },
    { "replicaof", NULL, ends },
    { "slaveof", NULL, ends },
    { "failover", NULL, ends },
    { "shutdown", NULL, ends },
    { "debug", NULL, ends },
};

/* Commands that change nothing. */
static const char *const reading[] = {
    "bitcount",      "bitpos",      "dbsize",      "dump",           "echo",
    "exists",        "expiretime",  "geodist",     "geohash",        "geopos",
    "geosearch",     "get",         "getbit",      "getrange",       "hexists",
    "hget",          "hgetall",     "hkeys",       "hlen",           "hmget",
    "hrandfield",    "hscan",       "hstrlen",     "hvals",          "keys",
    "lcs",           "lindex",      "llen",        "lpos",           "lrange",
    "mget",          "pexpiretime", "pfcount",     "ping",           "pttl",
    "randomkey",     "scan",        "scard",       "sdiff",          "sinter",
    "sintercard",    "sismember",   "smembers",    "smismember",     "srandmember",
    "sscan",         "strlen",      "sunion",      "time",           "ttl",
    "type",          "xlen",        "xrange",      "xread",          "xrevrange",
    "zcard",         "zcount",      "zdiff",       "zinter",         "zintercard",
    "zlexcount",     "zmscore",     "zrandmember", "zrange",         "zrangebylex",
    "zrangebyscore", "zrank",       "zrevrange",   "zrevrangebylex", "zrevrangebyscore",
    "zrevrank",      "zscan",       "zscore",      "zunion",
};

/* Commands that leave the same behind when they are run twice, whatever their later words are.
 */
static const char *const repeatable[] = {
    "del",    "hdel", "hmset", "hset", "mset",   "persist", "pfadd",
    "psetex", "sadd", "setex", "srem", "unlink", "zrem",
};

bool
name_is(struct weir_text text, const char *name)
{
    return strlen(name) == text.len && strncasecmp(text.bytes, name, text.len) == 0;
}

static bool
is_one_of(struct weir_text text, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (name_is(text, names[i]))
            return true;
    return false;
}

bool
name_valid(struct weir_text text)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789._-";
    for (size_t i = 0; i < text.len; i++)
        if (memchr(good, text.bytes[i], sizeof good - 1) == NULL)
            return false;
    return text.len > 0 && text.len <= MAX_NAME;
}

/* Whether a command that reads streams has BLOCK before their names. */
static bool
waits_for_stream(const struct weir_text *words, unsigned n)
{
    for (unsigned i = 1; i < n && !name_is(words[i], "streams"); i++)
        if (name_is(words[i], "block"))
            return true;
    return false;
}

const char *
refused_why(const struct weir_text *words, unsigned n)
{
    for (size_t i = 0; n > 0 && i < sizeof refused / sizeof *refused; i++)
        if (name_is(words[0], refused[i].name) &&
            (refused[i].sub == NULL || (n > 1 && name_is(words[1], refused[i].sub))))
            return refused[i].why;
    if (n > 0 && (name_is(words[0], "xread") || name_is(words[0], "xreadgroup")) &&
        waits_for_stream(words, n))
        return blocks;
    return NULL;
}

/* The text of item AT; empty if it is none. */
static struct weir_text
word_at(const struct weir_value *list, size_t at)
{
    struct weir_text text = WEIR_TEXT("");
    (void)host->get_text(host->at(list, at), &text);
    return text;
}

/* SET key value, with an expiry at most: NX, GET and what an expression gives may ask for more.
 */
static bool
is_plain_set(const struct weir_value *list)
{
    static const char *const expiries[] = { "ex", "px", "exat", "pxat" };
    for (size_t i = 3, n = host->len(list); i < n; i++) {
        if (is_one_of(word_at(list, i), expiries, 4))
            i++;
        else if (!name_is(word_at(list, i), "keepttl"))
            return false;
    }
    return true;
}

/* ZADD key [XX | GT | LT | CH] score member ... : NX and INCR ask what was there before. */
static bool
is_plain_zadd(const struct weir_value *list)
{
    static const char *const flags[] = { "nx", "incr" };
    for (size_t i = 2, n = host->len(list); i < n && i < 6; i++)
        if (is_one_of(word_at(list, i), flags, 2))
            return false;
    return true;
}

uint32_t
command_effect(const struct weir_value *list)
{
    static const char *const expiring[] = { "expire", "expireat", "pexpire", "pexpireat" };
    struct weir_text name = word_at(list, 0);
    if (is_one_of(name, reading, sizeof reading / sizeof *reading))
        return WEIR_EFFECT_NONE;
    bool plain = is_one_of(name, repeatable, sizeof repeatable / sizeof *repeatable);
    if (name_is(name, "set"))
        plain = is_plain_set(list);
    else if (name_is(name, "zadd"))
        plain = is_plain_zadd(list);
    else if (is_one_of(name, expiring, sizeof expiring / sizeof *expiring))
        plain = host->len(list) <= 3; /* NX, GT and the like ask what was there before */
    return plain ? WEIR_EFFECT_IDEMPOTENT : WEIR_EFFECT_UNSAFE;
}
