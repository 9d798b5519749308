/* base/scarce.h - whether the memory of the process is all but gone.
 *
 * The edge refuses requests then; whoever else takes much for a stranger, as an answer of 10 MiB, asks
 * here, since what is asked for in a second can be far more than there is. Of the process; any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_SCARCE_H
#define BASE_SCARCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The process may hold BYTES; of several limits the lowest counts. 0, as at the start: there is none. */
void scarce_limit(uint64_t bytes);

/* Looks at what the process holds (RSS), which takes some microseconds, and returns it; 0: nobody knows. */
uint64_t scarce_look(void);

/* The caller holds LEN bytes more. Looks if that is much since this thread last did: a rush goes faster than
 * a clock. True: less than a twentieth of the limit is left, and what is large should be given up. */
bool scarce_took(size_t len);

#endif
