/* engine/gate_pace.h - how fast a line before a gate moves, and whether it is too long to join.
 *
 * Runs that began together end together, so a pace is a mean over a round at least, which is as many as may run at once.
 * The first of a line is let in sooner than that takes, as the runs before it began before the line did: such a pace is
 * believed when it says that a line is too slow, and not when it says that it is not. Until it is known, a line is
 * too long at eight rounds, once its first has waited for GATE_LOOK_MS. Private to engine/gate.c,
 * admission_line.c, and tests.
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
    double each_ms;   /* how long that takes, about; 0: nobody was yet */
    uint32_t n;       /* how many were */
};

/* A line begins. */
void gate_pace_begin(struct gate_pace *p, uint64_t now_ms);

/* Its first is let in; LIMIT may run at once. */
void gate_pace_let_in(struct gate_pace *p, unsigned limit, uint64_t now_ms);

/* Takes EACH_MS, of a line like this one, until there is anything better. */
void gate_pace_guess(struct gate_pace *p, double each_ms);

/* Whether it is known how fast the line moves. */
bool gate_pace_is_known(const struct gate_pace *p, unsigned limit);

/* Whether somebody with AHEAD others before him would wait for MAX_MS, as it looks; the first in line has waited for
 * FIRST_MS. */
bool gate_pace_is_too_slow(const struct gate_pace *p, unsigned ahead, unsigned limit, uint64_t first_ms, uint64_t max_ms);

#endif
