/* value/members.h - inside the room: the members of a map, in order, found by key.
 *
 * Few members are searched one after another by a print of the key, four bytes that tell most
 * keys apart. Many have an index with a keyed hash, so that a stranger who chooses the keys
 * cannot make a look-up slow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_MEMBERS_H
#define VALUE_MEMBERS_H

#include <string.h>

#include "value/value.h"

enum { MEMBERS_FEW = 16 };

struct value_member {
    const char *key;
    uint32_t key_len;
    uint32_t hash; /* the print; with an index: the keyed hash */
    struct weir_value value;
};

struct value_members {
    const uint32_t *slots; /* place + 1; 0: free; NULL: no index */
    uint32_t mask;         /* slots - 1                          */
    uint32_t pad;
    struct value_member at[];
};

/* A print of some bytes: cheap, and no defence against anybody. */
static inline uint32_t
members_print(const char *key, size_t len)
{
    uint32_t first = 0;
    uint32_t last = 0;
    if (len >= 4) {
        memcpy(&first, key, 4);
        memcpy(&last, key + len - 4, 4);
    } else if (len > 0) {
        first = (uint8_t)key[0];
        last = (uint32_t)(uint8_t)key[len / 2] << 8 | (uint8_t)key[len - 1];
    }
    return (first * 0x9e3779b1u ^ (last << 7 | last >> 25) ^ (uint32_t)len) * 0x85ebca6bu;
}

static inline bool
member_is(const struct value_member *m, uint32_t hash, const char *key, size_t len)
{
    return m->hash == hash && m->key_len == len && (len == 0 || memcmp(m->key, key, len) == 0);
}

/* How many slots an index of N members has; 0: they are too few for one. */
uint32_t members_slots(uint32_t n);

/* Bytes that N members take, with their index. */
size_t members_size(uint32_t n);

/* Fills DST, which has members_size(N) bytes, with the N members at SRC, whose keys may repeat:
 * then the last value wins and the first place is kept. Returns how many there are. With
 * ret_twice, *ret_twice becomes the member of SRC whose key is the first that was there before,
 * or NULL. The hashes of SRC are not read. */
uint32_t members_fill(struct value_members *dst, const struct value_member *src, uint32_t n,
                      const struct value_member **ret_twice);

/* The member with that key, among N; NULL if there is none. */
const struct value_member *members_find(const struct value_members *m, uint32_t n,
                                        const char *key, size_t len);

#endif
