/* ratelimit/parts.h - what the files of decide.h share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RATELIMIT_PARTS_H
#define RATELIMIT_PARTS_H

#include "decide.h"

enum kind { NOTHING, LOG_ONE, LOG_RING, WINDOWS, BUCKET };

/* The algorithms. E is empty or of their kind, and not over. They fill all of *ret but what
 * is zero. */
void decide_log(struct entry *e, const struct ask *a, const struct memory *m,
                struct verdict *ret);
void decide_windows(struct entry *e, const struct ask *a, struct verdict *ret);
void decide_bucket(struct entry *e, const struct ask *a, struct verdict *ret);

/* Frees the ring of a log. */
void log_free(struct entry *e, const struct memory *m);

/* Sets when E is over, rounded up. */
void expire_at(struct entry *e, uint64_t ms);

/* The moment whose low half is LOW: at most WINDOW_MAX_MS and some ago, or a little ahead. */
uint64_t whole_ms(uint32_t low, uint64_t now_ms);

#endif
