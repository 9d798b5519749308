/* base/sip.h - SipHash (Aumasson and Bernstein, 2012): a short digest under a key.
 *
 * Who does not know the key can neither foresee it nor find two texts that have the same one. It takes
 * a tenth of what a digest without a key takes, so it is for what nobody outside has to reckon: keys of
 * tables in memory. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_SIP_H
#define BASE_SIP_H

#include <string.h>

#include "base/err.h"

#define SIP_LEN 16

struct sip {
    uint64_t a, b, c, d;
};

/* SipHash-2-4 of 128 bits of TEXT under KEY. */
void sip_128(const uint8_t key[SIP_LEN], struct weir_text text, uint8_t ret[SIP_LEN]);

/* The same under a key of chance that this process has made: good as long as it lives. */
void sip_local(struct weir_text text, uint8_t ret[SIP_LEN]);

/* -- what variants are made of -- */

/* The state before the first word, under the key of two words. */
static inline struct sip
sip_begin(uint64_t first, uint64_t second)
{
    return (struct sip){ first ^ 0x736f6d6570736575u, second ^ 0x646f72616e646f6du,
                         first ^ 0x6c7967656e657261u, second ^ 0x7465646279746573u };
}

static inline uint64_t
sip_rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static inline void
sip_round(struct sip *s)
{
    s->a += s->b;
    s->c += s->d;
    s->b = sip_rotate(s->b, 13) ^ s->a;
    s->d = sip_rotate(s->d, 16) ^ s->c;
    s->a = sip_rotate(s->a, 32);
    s->c += s->b;
    s->a += s->d;
    s->b = sip_rotate(s->b, 17) ^ s->c;
    s->d = sip_rotate(s->d, 21) ^ s->a;
    s->c = sip_rotate(s->c, 32);
}

static inline void
sip_rounds(struct sip *s, unsigned n)
{
    while (n-- > 0)
        sip_round(s);
}

/* Takes in LEN bytes, and their number, with N rounds for each eight of them. */
static inline void
sip_text(struct sip *s, unsigned n, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint64_t word;
    uint32_t four;
    uint16_t two;
    for (size_t left = len; left >= 8; left -= 8, at += 8) {
        memcpy(&word, at, sizeof word);
        s->d ^= word;
        sip_rounds(s, n);
        s->a ^= word;
    }
    word = 0; /* the rest, its first byte the lowest */
    if (len & 1)
        word = at[len % 8 - 1];
    if (len & 2) {
        memcpy(&two, at + (len & 4), sizeof two);
        word = word << 16 | two;
    }
    if (len & 4) {
        memcpy(&four, at, sizeof four);
        word = word << 32 | four;
    }
    word |= (uint64_t)len << 56;
    s->d ^= word;
    sip_rounds(s, n);
    s->a ^= word;
}

#endif
