/* ws/names.c - see names.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws.h"

#include <stdlib.h>
#include <string.h>

#define CHAINS_FIRST 16u

struct name {
    struct name *next;
    void *thing;
    uint64_t hash;
    size_t len;
    char text[];
};

static uint64_t key[2];

void
names_begin(void)
{
    host->random(key, sizeof key);
}

/* Multiplies and folds the words of the name with a key that nobody outside knows. */
static uint64_t
hash_of(struct weir_text name)
{
    uint64_t h = key[0] ^ name.len;
    for (size_t i = 0; i < name.len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, name.bytes + i, name.len - i < 8 ? name.len - i : 8);
        __extension__ unsigned __int128 product = (unsigned __int128)(h ^ word) * (key[1] | 1);
        h = (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    return h ^ h >> 29;
}

static struct name **
find(const struct names *t, struct weir_text name, uint64_t hash)
{
    struct name **at = &t->chains[hash & (t->n_chains - 1)];
    while (*at != NULL && ((*at)->hash != hash || (*at)->len != name.len ||
                           memcmp((*at)->text, name.bytes, name.len) != 0))
        at = &(*at)->next;
    return at;
}

static void
grow(struct names *t)
{
    struct names wide = { .n_chains = t->n_chains > 0 ? t->n_chains * 2 : CHAINS_FIRST, .n = t->n };
    wide.chains = zeroed(wide.n_chains, sizeof *wide.chains);
    for (uint32_t i = 0; i < t->n_chains; i++)
        for (struct name *n; (n = t->chains[i]) != NULL;) {
            t->chains[i] = n->next;
            struct name **at = &wide.chains[n->hash & (wide.n_chains - 1)];
            n->next = *at;
            *at = n;
        }
    free(t->chains);
    *t = wide;
}

void *
names_get(const struct names *t, struct weir_text name)
{
    if (t->n == 0)
        return NULL;
    const struct name *n = *find(t, name, hash_of(name));
    return n != NULL ? n->thing : NULL;
}

void
names_add(struct names *t, struct weir_text name, void *thing)
{
    if (t->n >= t->n_chains)
        grow(t);
    struct name *n = malloc(sizeof *n + name.len);
    if (n == NULL)
        abort();
    n->thing = thing;
    n->hash = hash_of(name);
    n->len = name.len;
    memcpy(n->text, name.bytes, name.len);
    struct name **at = &t->chains[n->hash & (t->n_chains - 1)];
    n->next = *at;
    *at = n;
    t->n++;
}

void
names_remove(struct names *t, struct weir_text name)
{
    if (t->n == 0)
        return;
    struct name **at = find(t, name, hash_of(name));
    struct name *n = *at;
    if (n == NULL)
        return;
    *at = n->next;
    free(n);
    t->n--;
}

void
names_each(struct names *t, void (*fn)(void *thing, void *arg), void *arg)
{
    for (uint32_t i = 0; i < t->n_chains; i++)
        for (struct name *n = t->chains[i], *next; n != NULL; n = next) {
            next = n->next;
            fn(n->thing, arg);
        }
}

void
names_fini(struct names *t)
{
    for (uint32_t i = 0; i < t->n_chains; i++)
        for (struct name *n; (n = t->chains[i]) != NULL;) {
            t->chains[i] = n->next;
            free(n);
        }
    free(t->chains);
    *t = (struct names){ 0 };
}
