/* edge/h2_still.c - what a session that rests holds no pages for; see h2.h.
 *
 * nghttp2 has two large blocks as long as its session lives: the table of the streams, of 4 KiB, and room for the
 * frame that is being sent, of 16 KiB. They are more than half of what an idle connection would hold, and while
 * there is no stream and no frame there is nothing in them. So they have pages of their own, which go back to the
 * system when the session has rested for a while, and come again, zero, when they are touched.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "edge/h2_parts.h"

/* A block of at least so many bytes is the room for a frame, whose bytes count only while it is sent. */
#define FRAME 16384u

#define REST_MS 1000

void *
h2_still_new(struct h2_session *h, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (h->started || size < page || size > H2_MEMORY_MAX - h->memory || h->n_still == H2_STILL)
        return NULL;
    size_t whole = (size + page - 1) / page * page;
    void *start = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return NULL; /* the heap may still have room */
    h->still[h->n_still++] = (struct h2_still){ start, whole };
    h->memory += whole;
    return start;
}

/* The place of BLOCK in H's list, or NULL. */
static struct h2_still *
find(struct h2_session *h, const void *block)
{
    for (unsigned i = 0; block != NULL && i < h->n_still; i++)
        if (h->still[i].start == block)
            return &h->still[i];
    return NULL;
}

size_t
h2_still_size(struct h2_session *h, const void *block)
{
    const struct h2_still *still = find(h, block);
    return still != NULL ? still->size : 0;
}

bool
h2_still_free(struct h2_session *h, void *block)
{
    struct h2_still *still = find(h, block);
    if (still == NULL)
        return false;
    (void)munmap(still->start, still->size);
    h->memory -= still->size;
    *still = h->still[--h->n_still];
    return true;
}

static bool
is_zero(const struct h2_still *still)
{
    const uint64_t *at = still->start, *end = at + still->size / sizeof(*at);
    while (at < end && *at == 0)
        at++;
    return at == end;
}

void
h2_rest_later(struct h2_session *h, uint64_t now_ms)
{
    h->rest_ms = now_ms + REST_MS;
    h2_look_at(h, h->rest_ms);
}

void
h2_rest(struct h2_session *h)
{
    assert(h->n_streams == 0);
    h->rest_ms = UINT64_MAX;
    if (nghttp2_session_want_write(h->ng))
        return;
    for (unsigned i = 0; i < h->n_still; i++)
        if (h->still[i].size >= FRAME || is_zero(&h->still[i]))
            (void)madvise(h->still[i].start, h->still[i].size, MADV_DONTNEED);
}
