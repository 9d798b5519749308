/* ratelimit/decide.c - see decide.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "parts.h"

#define AHEAD 3000000000u /* a difference above it is one to a moment that comes */

bool
rate_make(uint64_t limit, uint64_t window_ms, uint64_t capacity, struct rate *ret)
{
    if (limit > LIMIT_MAX || capacity > LIMIT_MAX || window_ms == 0 ||
        window_ms > WINDOW_MAX_MS)
        return false;
    if (capacity > 0 && (limit == 0 || capacity * window_ms / limit > WINDOW_MAX_MS))
        return false;
    *ret = (struct rate){ .limit = (uint32_t)limit,
                          .capacity = (uint32_t)(capacity > 0 ? capacity : limit),
                          .window_ms = window_ms,
                          .step_ms =
                              limit > RUNS_MAX ? (window_ms + RUNS_MAX - 1) / RUNS_MAX : 1 };
    return true;
}

void
expire_at(struct entry *e, uint64_t ms)
{
    e->expires_s = (uint32_t)((ms + 999) / 1000);
}

uint64_t
whole_ms(uint32_t low, uint64_t now_ms)
{
    uint32_t ago = (uint32_t)now_ms - low;
    return ago > AHEAD ? now_ms + (UINT32_MAX - ago) + 1 : now_ms - ago;
}

bool
entry_is_over(const struct entry *e, uint64_t now_ms)
{
    return e->kind == NOTHING || now_ms >= e->expires_s * UINT64_C(1000);
}

void
entry_clear(struct entry *e, const struct memory *m)
{
    if (e->kind == LOG_RING)
        log_free(e, m);
    e->kind = NOTHING;
}

static bool
is_of(const struct entry *e, enum algorithm algorithm)
{
    switch (algorithm) {
    case SLIDING_LOG:
        return e->kind == LOG_ONE || e->kind == LOG_RING;
    case SLIDING_WINDOW:
        return e->kind == WINDOWS;
    case TOKEN_BUCKET:
        break;
    }
    return e->kind == BUCKET;
}

void
decide(struct entry *e, const struct ask *a, const struct memory *m, struct verdict *ret)
{
    *ret = (struct verdict){ 0 };
    if (entry_is_over(e, a->now_ms) || !is_of(e, a->algorithm))
        entry_clear(e, m);
    if (a->algorithm == SLIDING_LOG)
        decide_log(e, a, m, ret);
    else if (a->algorithm == SLIDING_WINDOW)
        decide_windows(e, a, ret);
    else
        decide_bucket(e, a, ret);
}
