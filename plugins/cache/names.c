/* cache/names.c - the names in use: see cache.h.
 *
 * Only nodes that come and go ask here, on the main thread and on those of shards; what runs
 * has a pointer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"

#define BUCKETS 1024u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct named *names[BUCKETS];

/* FNV-1a (Fowler, Noll, Vo): names are the authors' own, nobody chooses them to collide. */
static struct named **
bucket_of(struct weir_text name)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.bytes[i]) * 16777619u;
    return &names[hash % BUCKETS];
}

struct named *
named_open(struct weir_text name)
{
    pthread_mutex_lock(&lock);
    struct named **bucket = bucket_of(name), *n = *bucket;
    while (n && (strlen(n->name) != name.len || memcmp(n->name, name.bytes, name.len) != 0))
        n = n->next;
    if (n == NULL) {
        n = zeroed(1, sizeof *n);
        memcpy(n->name, name.bytes, name.len < NAME_MAX_LEN ? name.len : NAME_MAX_LEN);
        n->next = *bucket;
        *bucket = n;
    }
    n->refs++;
    pthread_mutex_unlock(&lock);
    return n;
}

void
named_close(struct named *n)
{
    pthread_mutex_lock(&lock);
    if (--n->refs == 0) {
        struct named **at = bucket_of((struct weir_text){ n->name, strlen(n->name) });
        while (*at != n)
            at = &(*at)->next;
        *at = n->next;
        free(n);
    }
    pthread_mutex_unlock(&lock);
}
