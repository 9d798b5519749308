/* base/buf.h - a string of bytes that grows, up to a maximum.
 *
 * The maximum is obligatory: whatever a stranger can make grow, the engine must be able to
 * refuse. A buf belongs to one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/err.h"

/* Room on a stack for what is seldom longer; see buf_init_in. */
#define BUF_USUAL 512

struct buf {
    char *bytes; /* owned, unless it is lent; has a NUL after the last byte; never NULL */
    size_t len;  /* without the NUL */
    size_t room;
    size_t max;
    bool lent;   /* bytes are the caller's: buf_init_in */
};

/* What a buffer without memory points to; shared by all threads, so never written. */
extern char buf_empty[1];

/* Makes an empty buffer that never holds more than MAX bytes. */
static inline void
buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){ .bytes = buf_empty, .max = max };
}

/* The same, which takes no memory of its own as long as ROOM bytes at FIRST are enough, the NUL
 * included. They are the caller's, who keeps them until buf_fini. */
static inline void
buf_init_in(struct buf *b, size_t max, char *first, size_t room)
{
    assert(room > 0);
    *b = (struct buf){ .bytes = first, .room = room - 1 > max ? max + 1 : room, .max = max, .lent = true };
    first[0] = '\0';
}

/* Frees the bytes. The buffer may be initialised again; a second fini does no harm. */
static inline void
buf_fini(struct buf *b)
{
    if (b->room > 0 && !b->lent)
        free(b->bytes);
    buf_init(b, b->max);
}

/* Forgets the content, keeps the memory. */
void buf_reset(struct buf *b);

/* Appends LEN bytes. WEIR_TOO_LARGE if they do not fit; then B is unchanged. ERR may be NULL. */
enum weir_code buf_add(struct buf *b, const void *bytes, size_t len, struct weir_error *err);

/* The same for a text, a C string, one byte, or printf. False if it does not fit. */
bool buf_text(struct buf *b, struct weir_text text);
bool buf_puts(struct buf *b, const char *s);
bool buf_putc(struct buf *b, char c);
bool buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);

/* Makes room for LEN bytes in all, which must not be more than the maximum; doubling keeps appending linear. */
void buf_grow(struct buf *b, size_t len);

/* Makes sure that NEED more bytes fit, for writing at b->bytes + b->len; NULL if they may not.
 * The caller adds what it wrote to b->len, and the NUL is its duty (buf_seal). */
static inline char *
buf_reserve(struct buf *b, size_t need)
{
    assert(b->len <= b->max);
    if (need > b->max - b->len)
        return NULL;
    if (need > 0 && b->len + need >= b->room)
        buf_grow(b, b->len + need);
    return b->bytes + b->len;
}

static inline void
buf_seal(struct buf *b, size_t written)
{
    if (b->room == 0) {
        assert(written == 0);
        return;
    }
    assert(written < b->room - b->len);
    b->len += written;
    b->bytes[b->len] = '\0';
}

/* Drops the first LEN bytes. */
void buf_shift(struct buf *b, size_t len);

/* The content, borrowed until B changes. */
struct weir_text buf_content(const struct buf *b);

/* Gives the bytes away: the caller frees them, B is empty again. */
char *buf_give(struct buf *b, size_t *ret_len);

#endif
