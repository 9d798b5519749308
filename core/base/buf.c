/* base/buf.c - see buf.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char buf_empty[1];

void
buf_reset(struct buf *b)
{
    b->len = 0;
    if (b->room > 0)
        b->bytes[0] = '\0';
}

void
buf_grow(struct buf *b, size_t len)
{
    size_t room = b->room > 0 ? b->room : 64;
    while (room <= len && room < SIZE_MAX)
        room = room <= SIZE_MAX / 2 ? room * 2 : SIZE_MAX;
    if (room - 1 > b->max)
        room = b->max + 1;

    bool own = b->room > 0 && !b->lent;
    char *bytes = realloc(own ? b->bytes : NULL, room);
    if (bytes == NULL)
        abort();
    if (!own)
        memcpy(bytes, b->bytes, b->len + 1);
    b->bytes = bytes;
    b->room = room;
    b->lent = false;
}

/* Appends LEN bytes if they fit. */
static inline bool
append(struct buf *b, const void *bytes, size_t len)
{
    if (len == 0)
        return true;
    char *at = buf_reserve(b, len);
    if (at == NULL)
        return false;
    memcpy(at, bytes, len);
    at[len] = '\0';
    b->len += len;
    return true;
}

enum weir_code
buf_add(struct buf *b, const void *bytes, size_t len, struct weir_error *err)
{
    if (!append(b, bytes, len))
        return err_set(err, WEIR_TOO_LARGE, "more than %zu bytes", b->max);
    return WEIR_OK;
}

bool
buf_text(struct buf *b, struct weir_text text)
{
    return append(b, text.bytes, text.len);
}

bool
buf_puts(struct buf *b, const char *s)
{
    return append(b, s, strlen(s));
}

bool
buf_putc(struct buf *b, char c)
{
    return append(b, &c, 1);
}

bool
buf_printf(struct buf *b, const char *fmt, ...)
{
    size_t room = b->room > 0 ? b->room - b->len : 0;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(room > 0 ? b->bytes + b->len : NULL, room, fmt, args);
    va_end(args);
    if (n >= 0 && (size_t)n < room && (size_t)n <= b->max - b->len) {
        b->len += (size_t)n;
        return true;
    }

    if (room > 0)
        b->bytes[b->len] = '\0';
    if (n <= 0)
        return n == 0;
    char *at = buf_reserve(b, (size_t)n);
    if (at == NULL)
        return false;
    va_start(args, fmt);
    vsnprintf(at, (size_t)n + 1, fmt, args);
    va_end(args);
    b->len += (size_t)n;
    return true;
}

void
buf_shift(struct buf *b, size_t len)
{
    assert(len <= b->len);
    if (len == 0)
        return;
    memmove(b->bytes, b->bytes + len, b->len - len);
    b->len -= len;
    b->bytes[b->len] = '\0';
}

struct weir_text
buf_content(const struct buf *b)
{
    return (struct weir_text){ b->bytes, b->len };
}

char *
buf_give(struct buf *b, size_t *ret_len)
{
    if (b->room == 0 || b->lent)
        buf_grow(b, b->len);
    char *bytes = b->bytes;
    if (ret_len != NULL)
        *ret_len = b->len;
    buf_init(b, b->max);
    return bytes;
}
