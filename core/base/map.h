/* base/map.h - from strings to pointers.
 *
 * Open addressing, keys copied, order of insertion kept for walking. The hash is keyed with a
 * random seed of the process, so that a stranger who chooses keys cannot make it slow
 * (SipHash-1-3, Aumasson and Bernstein 2012). One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/err.h"

struct map_entry {
    char *key; /* owned; has a NUL behind it */
    size_t len;
    uint64_t hash;
    void *value; /* the user's; NULL marks a removed entry */
};

struct map {
    struct map_entry *entries; /* in order of insertion */
    uint32_t *slots;           /* index + 1 into entries; 0: free */
    uint32_t n_entries;        /* removed ones included */
    uint32_t n_slots;
    uint32_t count; /* living entries */
    uint32_t room;
};

/* The keyed hash of some bytes, the same within one process. Any thread. */
uint64_t map_hash(const void *bytes, size_t len);

/* Makes an empty map; takes no memory. */
void map_init(struct map *m);

/* Frees the map and its keys. The values are the user's. */
void map_fini(struct map *m);

/* The value of a key, borrowed; NULL if absent. */
void *map_get(const struct map *m, const void *key, size_t len);

/* Sets a key to VALUE (not NULL); returns the value that it had, or NULL. */
void *map_set(struct map *m, const void *key, size_t len, void *value);

/* Removes a key; returns the value that it had, or NULL. */
void *map_remove(struct map *m, const void *key, size_t len);

/* Walks in order of insertion: *at starts at 0; NULL at the end. The entry at hand may be
 * removed while walking. */
const struct map_entry *map_next(const struct map *m, uint32_t *at);

#endif
