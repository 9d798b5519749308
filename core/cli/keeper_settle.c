/* cli/keeper_settle.c - after a start or a reload: giving back what only that needed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/resident.h"
#include "cli/serve.h"

/* So long after it: who starts weir to ask it at once gets its answers first, and reloads that
 * come one after another are one. */
#define SETTLE_MS 500

static void
settle(void *arg)
{
    (void)arg;
    resident_release();
}

void
settle_soon(struct server *s)
{
    timer_set(s->keeper, &s->settle, shard_now(s->keeper) + SETTLE_MS);
}

void
settle_start(struct server *s)
{
    timer_init(&s->settle, settle, s);
    settle_soon(s);
}

void
settle_stop(struct server *s)
{
    timer_unset(s->keeper, &s->settle);
}
