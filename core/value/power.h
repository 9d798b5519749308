/* value/power.h - inside the room: powers of ten to 128 bits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_POWER_H
#define VALUE_POWER_H

#include <stdbool.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 wide;

enum {
    POWER_MIN = -342, /* digits of 64 bits times a lower one are below half of any double */
    POWER_MAX = 324,  /* 10^324 scales the smallest double to a whole number              */
    POWER_EXACT = 55, /* 5^55 has less than 128 bits                                      */
};

/* The first 128 bits of 10^Q, the rest cut off: the power is at least
 * HIGH * 2^64 + LOW times 2^(power_log2(Q) - 127), and less than that with LOW + 1. */
struct power {
    uint64_t high; /* its top bit is set */
    uint64_t low;
};

/* A power from POWER_MIN to POWER_MAX, borrowed for ever. Any thread. */
const struct power *power_of_10(int q);

/* Whether nothing of 10^Q is cut off. */
static inline bool
power_is_exact(int q)
{
    return q >= 0 && q <= POWER_EXACT;
}

/* The whole part of log2(10^Q), for the Q of the table. */
static inline int
power_log2(int q)
{
    return q * 217706 >> 16;
}

/* The whole part of log10(2^E), for |E| of at most 1500. */
static inline int
power_log10(int e)
{
    return e * 1262611 >> 22;
}

#endif
