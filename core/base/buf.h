/* base/buf.h - a string of bytes that grows, up to a maximum.
 *
 * The maximum is obligatory: whatever a stranger can make grow, the engine must be able to
 * refuse. A buf belongs to one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

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

/* Makes an empty buffer that never holds more than MAX bytes. */
void buf_init(struct buf *b, size_t max);

/* The same, which takes no memory of its own as long as ROOM bytes at FIRST are enough, the NUL
 * included. They are the caller's, who keeps them until buf_fini. */
void buf_init_in(struct buf *b, size_t max, char *first, size_t room);

/* Frees the bytes. The buffer may be initialised again; a second fini does no harm. */
void buf_fini(struct buf *b);

/* Forgets the content, keeps the memory. */
void buf_reset(struct buf *b);

/* Appends LEN bytes. WEIR_TOO_LARGE if they do not fit; then B is unchanged. ERR may be NULL. */
enum weir_code buf_add(struct buf *b, const void *bytes, size_t len, struct weir_error *err);

/* The same for a text, a C string, one byte, or printf. False if it does not fit. */
bool buf_text(struct buf *b, struct weir_text text);
bool buf_puts(struct buf *b, const char *s);
bool buf_putc(struct buf *b, char c);
bool buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);

/* Makes sure that NEED more bytes fit, for writing at b->bytes + b->len; NULL if they may not.
 * The caller adds what it wrote to b->len, and the NUL is its duty (buf_seal). */
char *buf_reserve(struct buf *b, size_t need);
void buf_seal(struct buf *b, size_t written);

/* Drops the first LEN bytes. */
void buf_shift(struct buf *b, size_t len);

/* The content, borrowed until B changes. */
struct weir_text buf_content(const struct buf *b);

/* Gives the bytes away: the caller frees them, B is empty again. */
char *buf_give(struct buf *b, size_t *ret_len);

#endif
