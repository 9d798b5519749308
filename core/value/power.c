/* value/power.c - see power.h. SPDX-License-Identifier: Apache-2.0 */
#include "value/power.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

enum { WORDS = 32 }; /* 1024 bits: 5^324 has 753, 2^1023 / 5^342 has 229 */

/* A large whole number, the lowest word first. */
struct large {
    uint32_t words[WORDS];
};

static struct power table[POWER_MAX - POWER_MIN + 1];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void
times_5(struct large *n)
{
    uint64_t carry = 0;
    for (int i = 0; i < WORDS; i++) {
        carry += (uint64_t)n->words[i] * 5;
        n->words[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

/* Divides by 5 and drops the rest: done twice that is dividing by 25 and dropping the rest. */
static void
by_5(struct large *n)
{
    uint64_t rest = 0;
    for (int i = WORDS - 1; i >= 0; i--) {
        rest = rest << 32 | n->words[i];
        n->words[i] = (uint32_t)(rest / 5);
        rest %= 5;
    }
}

/* The 128 bits of N from the top one that is set. */
static struct power
first_bits(const struct large *n)
{
    int top = WORDS - 1;
    while (n->words[top] == 0)
        top--;
    wide bits = 0;
    for (int i = top; i > top - 4; i--)
        bits = bits << 32 | (i >= 0 ? n->words[i] : 0);
    int shift = __builtin_clz(n->words[top]);
    if (shift > 0)
        bits = bits << shift | (top >= 4 ? n->words[top - 4] >> (32 - shift) : 0);
    return (struct power){ (uint64_t)(bits >> 64), (uint64_t)bits };
}

/* A power of ten has the same bits as one of five. */
static void
fill_table(void)
{
    struct large n = { { 1 } };
    for (int q = 0; q <= POWER_MAX; q++) {
        table[q - POWER_MIN] = first_bits(&n);
        times_5(&n);
    }
    n = (struct large){ { 0 } };
    n.words[WORDS - 1] = 1u << 31;
    for (int q = -1; q >= POWER_MIN; q--) {
        by_5(&n);
        table[q - POWER_MIN] = first_bits(&n);
    }
}

const struct power *
power_of_10(int q)
{
    assert(q >= POWER_MIN && q <= POWER_MAX);
    pthread_once(&table_once, fill_table);
    return &table[q - POWER_MIN];
}
