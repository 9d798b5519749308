/* ratelimit/decide_bucket.c - the token bucket.
 *
 * Kept is how much is used, in 65536ths of a token, and when that was; what flows back since
 * then is worked out when it is asked, and rounded down once for each request that is counted.
 * Figures are doubles, in the order of script.c, so that both say the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>

#include "parts.h"

/* How much has flowed back after MS. */
static double
refilled(const struct rate *r, double ms)
{
    return floor((double)r->limit * UNIT * ms / (double)r->window_ms);
}

/* The first whole millisecond after which AMOUNT has flowed back. */
static double
refills_at(const struct rate *r, double amount)
{
    if (amount <= 0 || r->limit == 0)
        return 0;
    double ms = ceil(amount * (double)r->window_ms / ((double)r->limit * UNIT));
    while (ms > 0 && refilled(r, ms - 1) >= amount)
        ms--;
    while (refilled(r, ms) < amount)
        ms++;
    return ms;
}

/* From now, SINCE after USED, until NEED tokens more fit. */
static uint64_t
until_fits(const struct rate *r, double used, double since, double need)
{
    double ms = refills_at(r, used + (need - r->capacity) * UNIT) - since;
    return ms > 0 ? (uint64_t)ms : 0;
}

void
decide_bucket(struct entry *e, const struct ask *a, struct verdict *ret)
{
    const struct rate *r = &a->rate;
    double full = (double)r->capacity * UNIT;
    double cost = (double)a->cost;
    double used = 0;
    double since = 0;
    uint64_t now = a->now_ms;
    if (e->kind == BUCKET) {
        uint64_t at = whole_ms(e->u.bucket.at, now);
        now = at > now ? at : now;
        since = (double)(now - at);
        used = (double)((uint64_t)e->more << 32 | e->u.bucket.used);
    }
    double left = used - refilled(r, since);
    if (left < 0)
        left = 0;
    ret->allowed = left + cost * UNIT <= full;
    if (ret->allowed && a->cost > 0) {
        used = left = left + cost * UNIT;
        since = 0;
        e->kind = BUCKET;
        e->more = (uint16_t)((uint64_t)used >> 32);
        e->u.bucket.used = (uint32_t)(uint64_t)used;
        e->u.bucket.at = (uint32_t)now;
        expire_at(e, now + (uint64_t)refills_at(r, used));
    }
    ret->used = (uint64_t)ceil(left / UNIT);
    ret->remaining = left < full ? (uint64_t)floor((full - left) / UNIT) : 0;
    if (left > 0)
        ret->reset_ms = until_fits(r, used, since, (double)ret->remaining + 1);
    if (!ret->allowed && cost <= r->capacity)
        ret->retry_ms = until_fits(r, used, since, cost);
}
