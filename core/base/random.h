/* base/random.h - random bytes, for identities and for jitter.
 *
 * random_bytes is fit for keys and tokens (getrandom, a buffer a thread); random_below is a
 * quick generator a thread (xoshiro256**, Blackman and Vigna 2018), seeded from it. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills LEN bytes that nobody can guess. */
void random_bytes(void *ret, size_t len);

/* A number from 0 to BELOW - 1 (0 if BELOW is 0), for jitter and sampling only. */
uint64_t random_below(uint64_t below);

/* Makes this thread's random_below repeat a sequence, for tests. */
void random_seed(uint64_t seed);

#endif
