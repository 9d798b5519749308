/* engine/retry.c - see retry.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/retry.h"

#include "base/random.h"

static bool
is_asked_for(const struct retry_policy *p, const struct weir_error *err)
{
    unsigned status = err->status ? err->status : code_status(err->code); /* as error.status */
    for (unsigned i = 0; i < p->n_statuses; i++)
        if (status == p->statuses[i])
            return true;
    if (p->codes == 0 && p->n_statuses == 0)
        return code_is_later(err->code);
    return p->codes & 1u << err->code;
}

/* Constant or doubling from the initial pause, cut at the maximum; full jitter draws from the
 * whole of it (Brooker 2015, "Exponential Backoff And Jitter"). */
static uint64_t
pause_of(const struct retry_policy *p, uint32_t done)
{
    uint64_t pause = p->initial_ms;
    for (uint32_t i = 1; p->exponential && i < done && pause < p->max_ms; i++)
        pause *= 2;
    if (p->max_ms && pause > p->max_ms)
        pause = p->max_ms;
    return p->jitter ? random_below(pause + 1) : pause;
}

static uint64_t
at_least(uint64_t wait, const struct weir_error *err)
{
    return err->retry_after_ms > wait ? err->retry_after_ms : wait;
}

bool
retry_wanted(const struct unit *u, uint32_t done, const struct weir_error *err, uint64_t *ret_wait_ms)
{
    const struct retry_policy *p = &u->node->retry;
    if (done >= p->attempts || !is_asked_for(p, err))
        return false;
    /* What a block's error says is of one step: others in it may have been sent before. */
    if ((err->sent || u->node->n_children > 0) && node_effect(u->node) == WEIR_EFFECT_UNSAFE)
        return false;
    *ret_wait_ms = at_least(pause_of(p, done), err);
    return true;
}

bool
retry_job_wanted(const struct pipeline *p, uint32_t done, const struct weir_error *err,
                 uint64_t *ret_wait_ms)
{
    const struct job_retry *j = p->job_retry;
    if (j == NULL || done >= j->policy.attempts || !is_asked_for(&j->policy, err))
        return false;
    uint32_t last = done > 0 ? done - 1 : 0; /* none counts yet, if nothing was tried */
    uint64_t pause = j->n_schedule == 0 ? pause_of(&j->policy, done)
                                        : j->schedule_ms[last < j->n_schedule ? last : j->n_schedule - 1];
    *ret_wait_ms = at_least(pause, err);
    return true;
}
