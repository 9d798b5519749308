/* edge/h2_still.c - the memory of nghttp2 that is there as long as its session; see h2.h.
 *
 * The blocks that a session begins with are most of what an idle connection would hold, and nearly all zero: its
 * tables of streams and of HPACK, with room for 128 entries each, the session itself. They lie in pages that are folded
 * (base/fold.h) while the connection rests. The room for the frame that is being sent has pages of its own: while no
 * frame is, there is nothing in it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdalign.h>
#include <sys/mman.h>

#include "edge/h2_parts.h"

/* A block of at least so many bytes is the room for a frame. */
#define FRAME 16384u

/* Room for the others; what is not used of it costs nothing. */
#define ROOM 16384u

#define ALIGNMENT alignof(max_align_t)

/* In front of each block in the room. */
struct still {
    alignas(max_align_t) size_t size;
};

static void *
room_new(struct h2_session *h, size_t size)
{
    size = size > 0 ? (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
    if (h->room.start == NULL && !fold_make(&h->room, ROOM))
        return NULL;
    if (h->room_used + sizeof(struct still) + size > h->room.size)
        return NULL;
    struct still *s = (struct still *)((char *)h->room.start + h->room_used);
    h->room_used += sizeof *s + size;
    h->memory += size;
    s->size = size;
    return s + 1;
}

static void *
frame_new(struct h2_session *h, size_t size)
{
    if (h->frame_room.start != NULL || !fold_make(&h->frame_room, size))
        return NULL;
    h->memory += h->frame_room.size;
    return h->frame_room.start;
}

void *
h2_still_new(struct h2_session *h, size_t size)
{
    if (h->started || size > H2_MEMORY_MAX - h->memory)
        return NULL; /* the heap may still have room */
    return size >= FRAME ? frame_new(h, size) : room_new(h, size);
}

static bool
is_within(const struct fold *f, const void *block)
{
    return f->start != NULL && (const char *)block >= (const char *)f->start &&
           (const char *)block < (const char *)f->start + f->size;
}

size_t
h2_still_size(struct h2_session *h, const void *block)
{
    if (is_within(&h->room, block))
        return ((const struct still *)block - 1)->size;
    return is_within(&h->frame_room, block) ? h->frame_room.size : 0;
}

bool
h2_still_free(struct h2_session *h, void *block)
{
    size_t size = h2_still_size(h, block);
    h->memory -= size;
    if (size > 0 && block == h->frame_room.start)
        fold_free(&h->frame_room);
    return size > 0;
}

void
h2_fold(struct h2_session *h)
{
    if (h->room.folded != NULL)
        return;
    bool sends = nghttp2_session_want_write(h2_ng(h)) != 0;
    if (!sends && h->frame_room.start != NULL)
        (void)madvise(h->frame_room.start, h->frame_room.size, MADV_DONTNEED);
    fold_away(&h->room);
}

void
h2_still_end(struct h2_session *h)
{
    fold_free(&h->room);
}
