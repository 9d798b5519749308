/* auth_basic_work.c - passwords that are dear to check: by workers, and not every time.
 *
 * What was good is known again for a while by an HMAC under a key that this process made up. How much
 * may be under way at once is bounded: each takes some 32 MiB and a worker.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth_parts.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SEEN 256
#define SEEN_MS (5u * 60 * 1000)
#define WORKS_MAX 16

struct seen_one {
    uint8_t mac[32];
    uint64_t until_ms; /* 0: free */
    uint32_t user;
};

struct basic_seen {
    uint8_t key[32];
    struct seen_one places[SEEN];
};

struct basic_work {
    struct guard *guard; /* counted in its works */
    uint8_t mac[32];
    uint32_t user; /* UINT32_MAX: there is none of that name */
    bool good;
    char *hash;     /* owned */
    char *password; /* owned */
    size_t len;
};

/* All that is under way in the process. */
static atomic_uint works;

struct basic_seen *
basic_seen_new(void)
{
    struct basic_seen *s = zeroed(1, sizeof *s);
    host->random(s->key, sizeof s->key);
    return s;
}

void
basic_seen_free(struct basic_seen **s)
{
    free(*s);
    *s = NULL;
}

static void
mac_of(const struct basic_seen *s, struct weir_text user_pass, uint8_t ret[32])
{
    uint8_t all[64];
    (void)host->hmac(WEIR_SHA256, (struct weir_text){ (const char *)s->key, sizeof s->key },
                     user_pass, all);
    memcpy(ret, all, 32);
}

uint32_t
basic_seen_find(const struct basic_seen *s, struct weir_text user_pass, uint64_t now_ms)
{
    uint8_t mac[32];
    mac_of(s, user_pass, mac);
    const struct seen_one *one = &s->places[mac[0]];
    return same_digest(one->mac, mac) && now_ms < one->until_ms ? one->user : UINT32_MAX;
}

static void
work(void *arg)
{
    struct basic_work *w = arg;
    w->good = host->password_check((struct weir_text){ w->hash, strlen(w->hash) },
                                   (struct weir_text){ w->password, w->len });
}

static void
free_work(struct basic_work *w)
{
    atomic_fetch_sub(&works, 1);
    explicit_bzero(w->password, w->len);
    free(w->password);
    free(w->hash);
    free(w);
}

static void
worked(void *arg, bool dropped)
{
    struct basic_work *w = arg;
    struct guard *g = w->guard;
    w->good = w->good && !dropped && w->user != UINT32_MAX;
    if (w->good && !g->left) {
        struct seen_one *one = &g->seen->places[w->mac[0]];
        memcpy(one->mac, w->mac, sizeof one->mac);
        one->user = w->user;
        one->until_ms = host->now_ms(g->shard) + SEEN_MS;
    }
    guard_resume(g, w, w);
    g->works--;
    if (g->left)
        guard_free(&g);
    free_work(w);
}

enum verdict
basic_work_begin(struct inspection *i, struct weir_text user_pass, uint32_t user,
                 struct weir_text hash)
{
    struct weir_error err = { 0 };
    const char *colon = memchr(user_pass.bytes, ':', user_pass.len);
    size_t name_len = (size_t)(colon - user_pass.bytes) + 1;
    if (atomic_fetch_add(&works, 1) >= WORKS_MAX) {
        atomic_fetch_sub(&works, 1);
        return judge(i, VERDICT_AWAY, "too many passwords are to be checked at once");
    }
    struct basic_work *w = zeroed(1, sizeof *w);
    w->guard = i->guard;
    w->user = user;
    w->len = user_pass.len - name_len;
    w->password = text_copied((struct weir_text){ user_pass.bytes + name_len, w->len });
    w->hash = text_copied(hash);
    mac_of(i->guard->seen, user_pass, w->mac);
    if (host->work(i->guard->shard, work, worked, w, &err) == WEIR_OK) {
        i->waits_for = w;
        i->guard->works++;
        return VERDICT_WAIT;
    }
    free_work(w);
    return judge(i, VERDICT_AWAY, "too many passwords are to be checked at once");
}

bool
basic_work_good(const struct basic_work *w, uint32_t *ret_user)
{
    *ret_user = w->user;
    return w->good;
}
