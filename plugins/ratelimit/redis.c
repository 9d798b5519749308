/* ratelimit/redis.c - see redis.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "redis.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "ratelimit.h"
#include "script.h"

#define KEY_ROOM (sizeof "weir:limit:::" + NAME_MAX_LEN + LIMIT_NAME_MAX + 2 * ID_LEN)

static uint64_t process; /* random */
static _Atomic uint64_t counter;

void
redis_prepare(void)
{
    host->random(&process, sizeof process);
    process &= (UINT64_C(1) << 48) - 1;
}

/* "weir:limit:POLICY:LIMIT:HEX" */
static struct weir_text
bucket_key(const struct bucket *b, char ret[KEY_ROOM])
{
    static const char hex[] = "0123456789abcdef";
    int len = snprintf(ret, KEY_ROOM, "weir:limit:%s:%s:", b->policy->name, b->limit->name);
    for (unsigned i = 0; i < ID_LEN; i++) {
        ret[len++] = hex[b->id[i] >> 4];
        ret[len++] = hex[b->id[i] & 15];
    }
    return (struct weir_text){ ret, (size_t)len };
}

static struct weir_text
number(uint64_t n, char ret[24])
{
    int len = snprintf(ret, 24, "%llu", (unsigned long long)n);
    return (struct weir_text){ ret, (size_t)len };
}

struct weir_command *
redis_decide(struct weir_shard *s, const struct bucket *b, const struct ask *ask,
             uint32_t timeout_ms, weir_redis_fn *fn, void *arg)
{
    static const char *const kinds[] = { "log", "windows", "bucket" };
    char key[KEY_ROOM], figures[5][24], unique[40];
    const struct rate *r = &ask->rate;
    const char *kind = kinds[ask->algorithm];
    int len = snprintf(unique, sizeof unique, "%012llx-%llx", (unsigned long long)process,
                       (unsigned long long)atomic_fetch_add(&counter, 1));
    const struct weir_text args[] = {
        bucket_key(b, key),
        { kind, strlen(kind) },
        number(r->limit, figures[0]),
        number(r->window_ms, figures[1]),
        number(r->capacity, figures[2]),
        number(r->step_ms, figures[3]),
        number(ask->cost, figures[4]),
        { unique, (size_t)len },
    };
    const struct weir_redis_request request = {
        .size = sizeof request,
        .timeout_ms = timeout_ms,
        .args = args,
        .n_args = sizeof args / sizeof *args,
        .n_keys = 1,
        .script = { limit_script, strlen(limit_script) },
    };
    return host->redis_send(s, b->policy->redis, &request, fn, arg);
}

struct weir_command *
redis_reset(struct weir_shard *s, const struct bucket *b, uint32_t timeout_ms,
            weir_redis_fn *fn, void *arg)
{
    char key[KEY_ROOM];
    const struct weir_text args[] = { WEIR_TEXT("DEL"), bucket_key(b, key) };
    const struct weir_redis_request request = {
        .size = sizeof request,
        .timeout_ms = timeout_ms,
        .args = args,
        .n_args = 2,
    };
    return host->redis_send(s, b->policy->redis, &request, fn, arg);
}

bool
redis_verdict(const struct weir_value *reply, struct verdict *ret, uint64_t *ret_wall_ms)
{
    int64_t n[6];
    for (size_t i = 0; i < 6; i++)
        if (!host->get_int(host->at(reply, i), &n[i]) || n[i] < 0)
            return false;
    *ret = (struct verdict){ .allowed = n[0] == 1,
                             .used = (uint64_t)n[1],
                             .remaining = (uint64_t)n[2],
                             .reset_ms = (uint64_t)n[3],
                             .retry_ms = (uint64_t)n[4] };
    *ret_wall_ms = (uint64_t)n[5];
    return true;
}
