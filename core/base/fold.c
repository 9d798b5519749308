/* base/fold.c - see fold.h. SPDX-License-Identifier: Apache-2.0
 *
 * Folded: for each 64 words of the pages a word that says by its bits which of them are not zero, and those.
 */
#include "base/fold.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BITS 64u

/* Worth it: no more than so many quarters are left. */
#define LEFT_MAX 3u

/* Pages that the system did not take back: neighbours are one mapping, and to make two of it takes one more than there
 * may be. They are used again. */
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fold *kept; /* owned */
static size_t kept_room;
static atomic_size_t n_kept;

static void
keep(const struct fold *f)
{
    (void)madvise(f->start, f->size, MADV_DONTNEED);
    pthread_mutex_lock(&kept_lock);
    if (n_kept == kept_room) {
        kept_room = kept_room * 2 + 64;
        kept = realloc(kept, kept_room * sizeof *kept);
        if (kept == NULL)
            abort();
    }
    kept[n_kept++] = (struct fold){ .start = f->start, .size = f->size };
    pthread_mutex_unlock(&kept_lock);
}

static bool
take_kept(struct fold *ret, size_t size)
{
    if (atomic_load_explicit(&n_kept, memory_order_relaxed) == 0)
        return false;
    pthread_mutex_lock(&kept_lock);
    for (size_t i = n_kept; i > 0 && ret->start == NULL; i--)
        if (kept[i - 1].size == size) {
            *ret = kept[i - 1];
            kept[i - 1] = kept[--n_kept];
        }
    pthread_mutex_unlock(&kept_lock);
    return ret->start != NULL;
}

bool
fold_make(struct fold *f, size_t size)
{
    assert(f->start == NULL);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t whole = (size + page - 1) / page * page;
    if (take_kept(f, whole))
        return true;
    void *start = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return false;
    *f = (struct fold){ .start = start, .size = (uint32_t)whole };
    return true;
}

static void
forget(struct fold *f)
{
    if (f->folded != NULL)
        explicit_bzero(f->folded, f->len); /* there may be keys in it */
    free(f->folded);
    f->folded = NULL;
    f->len = 0;
}

void
fold_free(struct fold *f)
{
    forget(f);
    if (f->start != NULL && munmap(f->start, f->size) != 0)
        keep(f);
    *f = (struct fold){ 0 };
}

static uint64_t
used_of(const uint64_t *words)
{
    uint64_t used = 0;
    for (unsigned i = 0; i < BITS; i++)
        used |= (uint64_t)(words[i] != 0) << i;
    return used;
}

void
fold_away(struct fold *f)
{
    const uint64_t *words = f->start;
    size_t n = f->size / sizeof *words, left = n / BITS;
    if (f->start == NULL || f->folded != NULL)
        return;
    for (size_t i = 0; i < n; i += BITS)
        left += (unsigned)__builtin_popcountll(used_of(words + i));
    uint64_t *out = left <= n / 4 * LEFT_MAX ? malloc(left * sizeof *out) : NULL;
    if (out == NULL)
        return;
    f->folded = out;
    f->len = (uint32_t)(left * sizeof *out);
    for (size_t i = 0; i < n; i += BITS) {
        uint64_t used = used_of(words + i);
        for (*out++ = used; used != 0; used &= used - 1)
            *out++ = words[i + (unsigned)__builtin_ctzll(used)];
    }
    if (madvise(f->start, f->size, MADV_DONTNEED) != 0)
        forget(f);
}

void
fold_unfold(struct fold *f)
{
    uint64_t *words = f->start;
    const uint64_t *in = f->folded;
    for (size_t n = f->size / sizeof *words, i = 0; i < n; i += BITS)
        for (uint64_t used = *in++; used != 0; used &= used - 1)
            words[i + (unsigned)__builtin_ctzll(used)] = *in++;
    forget(f);
}
