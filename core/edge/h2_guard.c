/* edge/h2_guard.c - what a caller may make a session hold and do for nothing; see h2.h.
 *
 * Frames that ask for nothing (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, unknown
 * ones) and those that undo what was begun (RST_STREAM, malformed requests) use up patience, which comes back with time and with work that is done. Such floods
 * are CVE-2019-9511 to 9518 and, of resets, CVE-2023-44487. Whoever has none left is told to
 * calm down (ENHANCE_YOUR_CALM) and loses the connection.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "edge/h2_parts.h"

#define PATIENCE 1000.0
#define PATIENCE_RATE 50.0 /* a second */

/* -- memory -- */

/* Not a byte in front of a block: there are dozens of small ones in a session. */
static void
on_free(void *block, void *session)
{
    struct h2_session *h = session;
    if (block == NULL || h2_still_free(h, block))
        return;
    h->memory -= malloc_usable_size(block);
    free(block);
}

/* BLOCK of the heap, or none, of BEFORE bytes, with room for SIZE. */
static void *
resize(struct h2_session *h, void *block, size_t before, size_t size)
{
    if (size > H2_MEMORY_MAX || h->memory - before > H2_MEMORY_MAX - size)
        return NULL;
    void *fresh = realloc(block, size > 0 ? size : 1);
    if (fresh == NULL)
        abort();
    h->memory += malloc_usable_size(fresh) - before;
    return fresh;
}

static void *
on_realloc(void *block, size_t size, void *session)
{
    struct h2_session *h = session;
    void *room = block == NULL ? h2_still_new(h, size) : NULL;
    if (room != NULL)
        return room;
    if (block == NULL)
        return resize(h, NULL, 0, size);
    size_t still = h2_still_size(h, block);
    if (still == 0)
        return resize(h, block, malloc_usable_size(block), size);
    void *fresh = resize(h, NULL, 0, size);
    if (fresh == NULL)
        return NULL;
    memcpy(fresh, block, still < size ? still : size);
    (void)h2_still_free(h, block);
    return fresh;
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
    if (block != NULL && h2_still_size(session, block) == 0) /* H's pages are zero */
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
