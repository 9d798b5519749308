/* base/random.c - see random.h.
 *
 * A child process must not repeat what its parent draws: both generators of the thread that
 * forks are emptied in the child, where it is the only thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/random.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static __thread struct {
    unsigned char bytes[512];
    size_t left; /* unused ones, at the end of bytes */
} pool;

static __thread struct {
    uint64_t s[4];
    bool seeded;
} quick;

static void
forget(void)
{
    pool.left = 0;
    quick.seeded = false;
}

__attribute__((constructor)) static void
watch_forks(void)
{
    if (pthread_atfork(NULL, NULL, forget) != 0)
        abort();
}

/* Fills RET from the kernel, which does not fail once the machine is up. */
static void
draw(unsigned char *ret, size_t len)
{
    while (len > 0) {
        ssize_t n = getrandom(ret, len, 0);
        if (n < 0 && errno != EINTR)
            abort();
        if (n > 0) {
            ret += n;
            len -= (size_t)n;
        }
    }
}

void
random_bytes(void *ret, size_t len)
{
    if (len > sizeof(pool.bytes) / 4) {
        draw(ret, len);
        return;
    }
    if (len == 0)
        return;
    if (len > pool.left) {
        draw(pool.bytes, sizeof(pool.bytes));
        pool.left = sizeof(pool.bytes);
    }
    unsigned char *at = pool.bytes + sizeof(pool.bytes) - pool.left;
    memcpy(ret, at, len);
    explicit_bzero(at, len); /* what was handed out is not to be found here later */
    pool.left -= len;
}

static inline uint64_t
rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

/* One step of xoshiro256**. */
static uint64_t
step(uint64_t s[4])
{
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t
random_below(uint64_t below)
{
    if (below <= 1)
        return 0;
    if (!quick.seeded) {
        random_bytes(quick.s, sizeof(quick.s));
        quick.s[0] |= 1; /* all zeros would stay all zeros */
        quick.seeded = true;
    }

    /* Numbers of just enough bits, until one is small enough: no bias, two tries at most on
     * average. */
    uint64_t mask = UINT64_MAX >> __builtin_clzll(below - 1);
    uint64_t x;
    do
        x = step(quick.s) & mask;
    while (x >= below);
    return x;
}

void
random_seed(uint64_t seed)
{
    for (int i = 0; i < 4; i++) { /* splitmix64, as the authors of xoshiro advise */
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        quick.s[i] = z ^ z >> 31;
    }
    quick.seeded = true;
}
