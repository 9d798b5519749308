/* engine/gate_pace.c - see gate_pace.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/gate_pace.h"

#define EACH_MS 1024u
#define N_MAX 64u  /* a mean that forgets: so many times what was known, to one of what is new */
#define ROUNDS 8u  /* an unknown run takes an eighth of what one may wait */

void
gate_pace_begin(struct gate_pace *p, uint64_t now_ms)
{
    p->last_ms = now_ms;
}

void
gate_pace_let_in(struct gate_pace *p, uint64_t now_ms)
{
    uint64_t took = (now_ms - p->last_ms) * EACH_MS;
    p->last_ms = now_ms;
    p->each = (p->each * p->n + took) / (p->n + 1);
    if (p->n < N_MAX - 1)
        p->n++;
}

void
gate_pace_guess(struct gate_pace *p, uint64_t each)
{
    p->each = each;
    p->n = each > 0 ? N_MAX - 1 : 0;
}

bool
gate_pace_is_known(const struct gate_pace *p, unsigned limit)
{
    return p->n >= N_MAX - 1 || p->n >= limit;
}

bool
gate_pace_is_too_slow(const struct gate_pace *p, unsigned ahead, unsigned limit, uint64_t first_ms, uint64_t max_ms)
{
    if (gate_pace_is_known(p, limit))
        return ahead * p->each >= max_ms * EACH_MS;
    return first_ms >= GATE_LOOK_MS && ahead >= (uint64_t)ROUNDS * limit;
}
