/* engine/gate_pace.c - see gate_pace.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/gate_pace.h"

#define ROUND_MAX 4096u /* what counts as a round of more */
#define MEAN_MIN 64u    /* the mean is over so many at least, as far as there were */
#define ROUNDS 8u       /* that may wait: an unknown run takes an eighth of what one may wait */

static unsigned
round_of(unsigned limit)
{
    return limit < ROUND_MAX ? limit : ROUND_MAX;
}

void
gate_pace_begin(struct gate_pace *p, uint64_t now_ms)
{
    p->last_ms = now_ms;
}

void
gate_pace_let_in(struct gate_pace *p, unsigned limit, uint64_t now_ms)
{
    unsigned most = round_of(limit) > MEAN_MIN ? round_of(limit) : MEAN_MIN;
    unsigned over = p->n < most ? p->n + 1 : most; /* a mean that forgets */
    p->each_ms += ((double)(now_ms - p->last_ms) - p->each_ms) / over;
    p->last_ms = now_ms;
    if (p->n < UINT32_MAX)
        p->n++;
}

void
gate_pace_guess(struct gate_pace *p, double each_ms)
{
    p->each_ms = each_ms;
    p->n = 0;
}

bool
gate_pace_is_known(const struct gate_pace *p, unsigned limit)
{
    return p->n > round_of(limit);
}

bool
gate_pace_is_too_slow(const struct gate_pace *p, unsigned ahead, unsigned limit, uint64_t first_ms, uint64_t max_ms)
{
    bool round = p->n >= round_of(limit), guess = p->n == 0 && p->each_ms > 0;
    if ((round || guess) && ahead * p->each_ms >= (double)max_ms)
        return true;
    return !gate_pace_is_known(p, limit) && first_ms >= GATE_LOOK_MS && ahead >= (uint64_t)ROUNDS * limit;
}
