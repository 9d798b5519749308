/* engine/gate_pace.h - how fast a line before a gate moves, and whether it is too long to join.
 *
 * A line without a pace (nobody was let in yet) is judged by its length once its first has waited for GATE_LOOK_MS:
 * then a run is guessed to take an eighth of what one may wait. Private to engine/gate.c, admission_line.c, and tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_GATE_PACE_H
#define ENGINE_GATE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define GATE_LOOK_MS 40u /* a refusal comes within 50 ms */

struct gate_pace {
    uint64_t last_ms; /* when somebody was let in last, or the line began */
    uint64_t each;    /* how long that takes, about, in 1/1024 ms; 0: nobody was yet */
    unsigned n;       /* times it was measured, up to a bound */
};

/* A line begins. */
void gate_pace_begin(struct gate_pace *p, uint64_t now_ms);

/* Its first is let in. */
void gate_pace_let_in(struct gate_pace *p, uint64_t now_ms);

/* Takes EACH, of a line like this one, for the pace until there is a better one. */
void gate_pace_guess(struct gate_pace *p, uint64_t each);

/* Whether there is a pace to judge by, where LIMIT may run at once: a mean over as many as that at least, since runs
 * that began together end together, and the time before the first of them does is not that between two. */
bool gate_pace_is_known(const struct gate_pace *p, unsigned limit);

/* Whether somebody with AHEAD others before him would wait for MAX_MS, as it looks, where LIMIT may run at once; the
 * first in line has waited for FIRST_MS. */
bool gate_pace_is_too_slow(const struct gate_pace *p, unsigned ahead, unsigned limit, uint64_t first_ms, uint64_t max_ms);

#endif
