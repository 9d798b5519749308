/* engine/event_auth.c - see event.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/event.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/run.h"

#define LINES_MS 1000u /* at most one line in this time: whoever has many addresses must not fill the log */

static _Atomic uint64_t said_ms;

/* A test of a pipeline has no engine of a server, and its senders no address. */
static bool
is_real(const struct weir_event *e)
{
    const struct engine *en = engine_of(e->shard);
    return en == NULL || en->stand_in == NULL;
}

uint64_t
event_auth_blocked(const struct weir_event *e, enum attempts_at at)
{
    return is_real(e) ? attempts_blocked(at, e->client_ip, clock_mono_ms()) : 0;
}

void
event_auth_failed(const struct weir_event *e, enum attempts_at at)
{
    uint64_t now_ms = clock_mono_ms();
    if (!is_real(e) || !attempts_failed(at, e->client_ip, now_ms))
        return;
    uint64_t last_ms = atomic_load_explicit(&said_ms, memory_order_relaxed);
    if (last_ms != 0 && now_ms < last_ms + LINES_MS)
        return;
    if (!atomic_compare_exchange_strong(&said_ms, &last_ms, now_ms))
        return;
    log_say(WEIR_WARN, "%.*s has failed to prove who it is at the %s too often: it is turned away for %u s",
            (int)e->client_ip.len, e->client_ip.bytes, attempts_at_name(at), ATTEMPTS_WINDOW_MS / 1000);
}
