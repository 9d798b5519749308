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

#define DIGITS_MAX 18u /* of a number that is less than 2^63 */

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
    static const uint32_t n_args[] = { [SLIDING_LOG] = 6, [SLIDING_WINDOW] = 4, [TOKEN_BUCKET] = 5 };
    char key[KEY_ROOM], figures[4][20], unique[40];
    const struct rate *r = &ask->rate;
    bool log = ask->algorithm == SLIDING_LOG;
    const struct weir_text args[] = {
        bucket_key(b, key),
        number(r->limit, figures[0]),
        number(r->window_ms, figures[1]),
        number(ask->cost, figures[2]),
        number(log ? r->step_ms : r->capacity, figures[3]),
        log ? unique_text(unique) : WEIR_TEXT(""),
    };
    const struct weir_redis_request request = {
        .size = sizeof request,
        .timeout_ms = timeout_ms,
        .args = args,
        .n_args = n_args[ask->algorithm],
        .n_keys = 1,
        .script = limit_scripts[ask->algorithm],
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

/* Takes a whole number, and what has to stand behind it, off TEXT. */
static bool
take_number(struct weir_text *text, const char *behind, uint64_t *ret)
{
    size_t most = text->len < DIGITS_MAX ? text->len : DIGITS_MAX, len = 0;
    uint64_t n = 0;
    for (unsigned digit; len < most && (digit = (unsigned)text->bytes[len] - '0') <= 9; len++)
        n = n * 10 + digit;
    size_t end = len + strlen(behind);
    if (len == 0 || end > text->len || memcmp(text->bytes + len, behind, end - len) != 0)
        return false;
    *text = (struct weir_text){ text->bytes + end, text->len - end };
    *ret = n;
    return true;
}

bool
redis_verdict(const struct weir_value *reply, struct verdict *ret, uint64_t *ret_wall_ms)
{
    struct weir_text text;
    uint64_t n[6];
    if (host->type(reply) != WEIR_STRING || !host->get_text(reply, &text))
        return false;
    for (size_t i = 0; i < 6; i++)
        if (!take_number(&text, i < 5 ? " " : "", &n[i]))
            return false;
    *ret = (struct verdict){ .allowed = n[0] == 1,
                             .used = n[1],
                             .remaining = n[2],
                             .reset_ms = n[3],
                             .retry_ms = n[4] };
    *ret_wall_ms = n[5];
    return text.len == 0;
}
