/* cache/lately.h - what a cache_set has written to Redis a moment ago, so that it need not write it
 * again. One for each node and shard, on the shard's thread; of a fixed size.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CACHE_LATELY_H
#define CACHE_LATELY_H

#include "cache.h"
#include "entry.h"

struct lately;

/* Not NULL; freed by lately_free, which accepts NULL. */
struct lately *lately_new(void);
void lately_free(struct lately **l);

/* A number that stands for the key ID, E's value and how long it is kept; 0: there is none. HEARD: what the value was read
 * from, or NULL bytes; it has another mark by that. */
uint64_t lately_mark(const struct lately *l, const uint8_t id[ID_LEN], const struct entry *e, struct weir_text heard);

/* Whether what MARK (0: nothing; then L may be NULL) stands for was written less than REFRESH_MS before NOW_MS, and no other node of
 * this process has set or dropped its key since: EPOCH is what it was then. */
bool lately_written(const struct lately *l, uint64_t mark, unsigned epoch, uint64_t now_ms, uint64_t refresh_ms);

/* It was written at NOW_MS, when the key's epoch was EPOCH. */
void lately_note(struct lately *l, uint64_t mark, unsigned epoch, uint64_t now_ms);

#endif
