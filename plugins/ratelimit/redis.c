/* ratelimit/redis.c - see redis.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "redis.h"

#include <stdatomic.h>
#include <string.h>

#include "line.h"
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
    struct line l = { .bytes = ret, .room = KEY_ROOM };
    line_text(&l, "weir:limit:");
    line_text(&l, b->policy->name);
    line_text(&l, ":");
    line_text(&l, b->limit->name);
    line_text(&l, ":");
    line_hex(&l, b->id, ID_LEN);
    return line_done(&l);
}

static struct weir_text
number(uint64_t n, char ret[20])
{
    struct line l = { .bytes = ret, .room = 20 };
    line_number(&l, n, 1);
    return line_done(&l);
}

/* A member of a log that no other one is: which process, and a count. */
static struct weir_text
unique_text(char ret[40])
{
    struct line l = { .bytes = ret, .room = 40 };
    line_number(&l, process, 1);
    line_text(&l, "-");
    line_number(&l, atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed), 1);
    return line_done(&l);
}

struct weir_command *
redis_decide(struct weir_shard *s, const struct bucket *b, const struct ask *ask,
             uint32_t timeout_ms, weir_redis_fn *fn, void *arg)
{
    static const char *const kinds[] = { "log", "windows", "bucket" };
    char key[KEY_ROOM], figures[5][20], unique[40];
    const struct rate *r = &ask->rate;
    const char *kind = kinds[ask->algorithm];
    const struct weir_text args[] = {
        bucket_key(b, key),
        { kind, strlen(kind) },
        number(r->limit, figures[0]),
        number(r->window_ms, figures[1]),
        number(r->capacity, figures[2]),
        number(r->step_ms, figures[3]),
        number(ask->cost, figures[4]),
        unique_text(unique),
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
