/* net/client_budget.c - how many of the requests to an upstream may be retries.
 *
 * A share of the requests of the last ten seconds, and ten in any case: an upstream that is
 * down gets at most that much more than its ordinary traffic.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "net/client_parts.h"

#define BUCKETS 10u
#define RETRIES_ALWAYS 10u

/* Moves to the second of NOW_MS and empties the buckets between. */
static void
move(struct upstream_budget *b, uint64_t second)
{
    if (second - b->second >= BUCKETS) {
        memset(b->sent, 0, sizeof b->sent);
        memset(b->retried, 0, sizeof b->retried);
        b->second = second;
    }
    while (b->second < second) {
        b->second++;
        b->sent[b->second % BUCKETS] = 0;
        b->retried[b->second % BUCKETS] = 0;
    }
}

static uint64_t
sum(const uint32_t buckets[BUCKETS])
{
    uint64_t total = 0;
    for (unsigned i = 0; i < BUCKETS; i++)
        total += buckets[i];
    return total;
}

bool
upstream_budget_draw(struct upstream_budget *b, uint64_t now_ms, double share, bool retry)
{
    uint64_t second = now_ms / 1000;
    if (second != b->second)
        move(b, second);
    if (!retry) {
        b->sent[second % BUCKETS]++;
        return true;
    }
    uint64_t allowed = (uint64_t)((double)sum(b->sent) * share);
    if (allowed < RETRIES_ALWAYS)
        allowed = RETRIES_ALWAYS;
    if (sum(b->retried) >= allowed)
        return false;
    b->retried[second % BUCKETS]++;
    return true;
}
