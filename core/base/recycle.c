/* base/recycle.c - see recycle.h. SPDX-License-Identifier: Apache-2.0 */
#include "base/recycle.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define STEP 128
#define N_SIZES (RECYCLE_MAX / STEP)
#define KEPT 32 /* of a size: 144 KiB for a thread at most */

/* A use after the free must not look like a use. */
#if defined(__SANITIZE_ADDRESS__)
#define KEEPS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define KEEPS 0
#endif
#endif
#ifndef KEEPS
#define KEEPS 1
#endif

struct kept {
    void *first; /* each one begins with the next */
    unsigned n;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t end_of_thread;
static __thread struct kept kept[N_SIZES];
static __thread enum { NOT_YET, OPEN, OVER } state;

static void
drop_all(void *arg)
{
    (void)arg;
    state = OVER; /* other destructors of this thread may still give something back */
    for (unsigned i = 0; i < N_SIZES; i++) {
        while (kept[i].first != NULL) {
            void *piece = kept[i].first;
            memcpy(&kept[i].first, piece, sizeof(void *));
            free(piece);
        }
        kept[i].n = 0;
    }
}

static void
make_key(void)
{
    if (pthread_key_create(&end_of_thread, drop_all) != 0)
        abort();
}

/* Sees to it that the end of this thread is told, from which on it keeps things. */
static __attribute__((noinline)) void
begin(void)
{
    pthread_once(&once, make_key);
    state = pthread_setspecific(end_of_thread, kept) == 0 ? OPEN : OVER;
}

static inline size_t
size_class(size_t size)
{
    return (size - (size > 0)) / STEP;
}

static __attribute__((noinline)) void *
take_new(size_t size)
{
    if (KEEPS && size <= RECYCLE_MAX)
        size = (size_class(size) + 1) * STEP;
    void *piece = malloc(size);
    if (piece == NULL)
        abort();
    return piece;
}

void *
recycle_take(size_t size)
{
    if (!KEEPS || size > RECYCLE_MAX)
        return take_new(size);
    struct kept *k = &kept[size_class(size)];
    void *piece = k->first;
    if (piece == NULL)
        return take_new(size);
    memcpy(&k->first, piece, sizeof(void *));
    k->n--;
    return piece;
}

void
recycle_give(void *piece, size_t size)
{
    if (!KEEPS || size > RECYCLE_MAX) {
        free(piece);
        return;
    }
    if (state == NOT_YET)
        begin();
    struct kept *k = &kept[size_class(size)];
    if (state == OVER || k->n == KEPT) {
        free(piece);
        return;
    }
    memcpy(piece, &k->first, sizeof(void *));
    k->first = piece;
    k->n++;
}
