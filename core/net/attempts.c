/* net/attempts.c - see attempts.h.
 *
 * A table of sets of 8 places: an address has its set by a hash that nobody outside can work out, so nobody can
 * choose addresses that push a certain one out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/attempts.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

#include "base/random.h"

#define WAYS 8u
#define SETS (ATTEMPTS_PLACES / WAYS)
#define LOCKS 16u

/* An address that has failed. */
struct place {
    uint64_t key;       /* 0: free */
    uint64_t until_ms;  /* the end of its minute; of one that is blocked, of the block */
    uint32_t failures;  /* in that minute */
    bool blocked;
};

/* What happens at one place where somebody asks; each lock has sets, and figures, of its own. */
static struct {
    pthread_mutex_t locks[LOCKS];
    struct attempts_figures figures[LOCKS];
    struct place sets[SETS][WAYS];
} tables[ATTEMPTS_N_AT];

static pthread_once_t begun = PTHREAD_ONCE_INIT;
static uint64_t seed[2];
static unsigned limit = 20;

static void
begin(void)
{
    random_bytes(seed, sizeof seed);
    for (unsigned at = 0; at < ATTEMPTS_N_AT; at++)
        for (unsigned i = 0; i < LOCKS; i++)
            pthread_mutex_init(&tables[at].locks[i], NULL);
}

const char *
attempts_at_name(enum attempts_at at)
{
    static const char *const names[] = {
#define X(name, text) [ATTEMPTS_##name] = text,
        ATTEMPTS_AT(X)
#undef X
    };
    return names[at];
}

void
attempts_configure(unsigned max_failures)
{
    __atomic_store_n(&limit, max_failures, __ATOMIC_RELAXED);
}

/* An IPv6 address is its first 8 bytes, an IPv4 one has 4 before it that none of a host begins with (ff00::/8 are
 * groups). False: it is no address. */
static bool
key_of(struct weir_text address, uint64_t *ret)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t four[4], six[16], key[8] = { 0xff, 0xff, 0xff, 0xff };
    if (address.len == 0 || address.len >= sizeof text)
        return false;
    memcpy(text, address.bytes, address.len);
    text[address.len] = '\0';
    if (inet_pton(AF_INET, text, four) == 1)
        memcpy(key + 4, four, 4);
    else if (inet_pton(AF_INET6, text, six) == 1)
        memcpy(key, six, 8);
    else
        return false;
    memcpy(ret, key, 8);
    *ret += *ret == 0; /* ::/64 is ::1 and the like */
    return true;
}

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t
mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static unsigned
set_of(uint64_t key)
{
    return (unsigned)(mix(mix(key ^ seed[0]) + seed[1]) % SETS);
}

static struct place *
find(struct place *set, uint64_t key, uint64_t now_ms)
{
    for (unsigned i = 0; i < WAYS; i++)
        if (set[i].key == key && set[i].until_ms > now_ms)
            return &set[i];
    return NULL;
}

/* A place for another one: a free one, else that of who has failed least, and of these the one whose minute ends
 * first. */
static struct place *
make_room(struct place *set, uint64_t now_ms, uint64_t *forgotten)
{
    struct place *least = &set[0];
    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].key == 0 || set[i].until_ms <= now_ms)
            return &set[i];
        if (set[i].failures < least->failures ||
            (set[i].failures == least->failures && set[i].until_ms < least->until_ms))
            least = &set[i];
    }
    *forgotten += 1;
    return least;
}

uint64_t
attempts_blocked(enum attempts_at at, struct weir_text address, uint64_t now_ms)
{
    uint64_t key, left_ms = 0;
    if (__atomic_load_n(&limit, __ATOMIC_RELAXED) == 0 || !key_of(address, &key))
        return 0;
    pthread_once(&begun, begin);
    unsigned set = set_of(key);
    pthread_mutex_lock(&tables[at].locks[set % LOCKS]);
    const struct place *p = find(tables[at].sets[set], key, now_ms);
    if (p && p->blocked)
        left_ms = p->until_ms - now_ms;
    pthread_mutex_unlock(&tables[at].locks[set % LOCKS]);
    return left_ms;
}

bool
attempts_failed(enum attempts_at at, struct weir_text address, uint64_t now_ms)
{
    unsigned max = __atomic_load_n(&limit, __ATOMIC_RELAXED);
    uint64_t key;
    if (max == 0 || !key_of(address, &key))
        return false;
    pthread_once(&begun, begin);
    unsigned set = set_of(key);
    pthread_mutex_lock(&tables[at].locks[set % LOCKS]);
    struct attempts_figures *f = &tables[at].figures[set % LOCKS];
    struct place *p = find(tables[at].sets[set], key, now_ms);
    if (p == NULL) {
        p = make_room(tables[at].sets[set], now_ms, &f->forgotten);
        *p = (struct place){ .key = key, .until_ms = now_ms + ATTEMPTS_WINDOW_MS };
    }
    f->failures++;
    p->failures += p->failures < UINT32_MAX;
    bool now = !p->blocked && p->failures >= max;
    if (now) {
        p->blocked = true;
        p->until_ms = now_ms + ATTEMPTS_WINDOW_MS;
        f->blocks++;
    }
    pthread_mutex_unlock(&tables[at].locks[set % LOCKS]);
    return now;
}

void
attempts_figures(enum attempts_at at, struct attempts_figures *ret)
{
    *ret = (struct attempts_figures){ 0 };
    pthread_once(&begun, begin);
    for (unsigned i = 0; i < LOCKS; i++) {
        pthread_mutex_lock(&tables[at].locks[i]);
        ret->failures += tables[at].figures[i].failures;
        ret->blocks += tables[at].figures[i].blocks;
        ret->forgotten += tables[at].figures[i].forgotten;
        pthread_mutex_unlock(&tables[at].locks[i]);
    }
}

void
attempts_reset(void)
{
    pthread_once(&begun, begin);
    for (unsigned at = 0; at < ATTEMPTS_N_AT; at++) {
        for (unsigned i = 0; i < LOCKS; i++)
            pthread_mutex_lock(&tables[at].locks[i]);
        memset(tables[at].sets, 0, sizeof tables[at].sets);
        memset(tables[at].figures, 0, sizeof tables[at].figures);
        for (unsigned i = LOCKS; i > 0; i--)
            pthread_mutex_unlock(&tables[at].locks[i - 1]);
    }
}
