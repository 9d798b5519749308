/* engine/crash.c - which call was under way when the process dies; see base/crash.h.
 *
 * crash_at is the call whose plugin's function was entered last on this thread (call_enter), or
 * that a worker carries out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/crash.h"
#include "engine/engine.h"
#include "engine/run.h"

/* Async-signal-safe: it copies what stands in memory. */
static void
describe(const void *at, struct crash_report *ret)
{
    const struct weir_call *c = at;
    crash_copy(ret->pipeline, sizeof(ret->pipeline), c->run->flow->pipeline->name);
    crash_copy(ret->node, sizeof(ret->node), c->unit->node->id);
    crash_copy(ret->type, sizeof(ret->type), c->unit->type->name);
}

void
engine_describe_crashes(void)
{
    crash_describe(describe);
}
