/* ratelimit/script.h - the decision as Redis makes it: one script, one key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RATELIMIT_SCRIPT_H
#define RATELIMIT_SCRIPT_H

/* KEYS: the bucket. ARGV: algorithm (log, windows, bucket), limit, window in ms, capacity, step
 * in ms, cost, a text that no other request has. Answers { allowed, used, remaining, reset,
 * retry, now }: milliseconds, the first two from now, as in struct verdict. */
extern const char limit_script[];

#endif
