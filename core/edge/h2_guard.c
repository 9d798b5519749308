/* edge/h2_guard.c - what a caller may make a session hold and do for nothing; see h2.h.
 *
 * Frames that ask for nothing (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, unknown
 * ones) and those that undo what was begun (RST_STREAM, malformed requests) use up patience, which comes back with time and with work that is done. Such floods
 * are CVE-2019-9511 to 9518 and, of resets, CVE-2023-44487. Whoever has none left is told to
 * calm down (ENHANCE_YOUR_CALM) and loses the connection.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "edge/h2_parts.h"

#define PATIENCE 1000.0
#define PATIENCE_RATE 50.0 /* a second */

/* -- memory -- */

/* The size of a block stands in front of it. */
#define FRONT sizeof(max_align_t)

/* A block of that size has pages of its own, which are there once they are written to. A session keeps one for
 * the frame that it sends, of 16 KiB, and as long as it is idle it needs a few bytes of it; the heap would give it
 * what the handshake of TLS has just used and given back. */
#define LARGE 16384u

static char *
block_new(size_t size)
{
    void *start;
    if (size < LARGE) {
        start = malloc(FRONT + size);
    } else {
        start = mmap(NULL, FRONT + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        start = start == MAP_FAILED ? NULL : start;
    }
    if (start == NULL)
        abort();
    return start;
}

static void
block_free(char *start, size_t size)
{
    if (size < LARGE)
        free(start);
    else
        (void)munmap(start, FRONT + size);
}

/* START, of BEFORE bytes, with room for SIZE. */
static char *
block_resize(char *start, size_t before, size_t size)
{
    if (before < LARGE && size < LARGE) {
        start = realloc(start, FRONT + size);
        if (start == NULL)
            abort();
        return start;
    }
    char *fresh = block_new(size);
    memcpy(fresh, start, FRONT + (before < size ? before : size));
    block_free(start, before);
    return fresh;
}

static void
on_free(void *block, void *session)
{
    struct h2_session *h = session;
    if (block == NULL)
        return;
    char *start = (char *)block - FRONT;
    size_t size;
    memcpy(&size, start, sizeof(size));
    h->memory -= size;
    block_free(start, size);
}

static void *
on_realloc(void *block, size_t size, void *session)
{
    struct h2_session *h = session;
    char *start = block != NULL ? (char *)block - FRONT : NULL;
    size_t before = 0;
    if (start != NULL)
        memcpy(&before, start, sizeof(before));
    if (size > H2_MEMORY_MAX || h->memory - before > H2_MEMORY_MAX - size)
        return NULL;
    start = start != NULL ? block_resize(start, before, size) : block_new(size);
    memcpy(start, &size, sizeof(size));
    h->memory += size - before;
    return start + FRONT;
}

static void *
on_malloc(size_t size, void *session)
{
    return on_realloc(NULL, size, session);
}

static void *
on_calloc(size_t n, size_t size, void *session)
{
    if (size > 0 && n > H2_MEMORY_MAX / size)
        return NULL;
    void *block = on_realloc(NULL, n * size, session);
    if (block != NULL)
        memset(block, 0, n * size);
    return block;
}

nghttp2_mem
h2_memory(struct h2_session *h)
{
    return (nghttp2_mem){ h, on_malloc, on_free, on_calloc, on_realloc };
}

/* -- patience -- */

void
h2_guard_earn(struct h2_session *h, double amount)
{
    h->patience += amount;
    if (h->patience > PATIENCE)
        h->patience = PATIENCE;
}

bool
h2_guard_frame(struct h2_session *h, double cost)
{
    uint64_t now_ms = shard_now(h->connection->edge->shard);
    if (h->patience_ms == 0)
        h->patience = PATIENCE;
    else
        h2_guard_earn(h, (double)(now_ms - h->patience_ms) * PATIENCE_RATE / 1000);
    h->patience_ms = now_ms;
    h->patience -= cost;
    if (h->patience >= 0)
        return true;
    h2_give_up(h, NGHTTP2_ENHANCE_YOUR_CALM, REFUSAL_FLOOD);
    return false;
}
