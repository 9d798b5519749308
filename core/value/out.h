/* value/out.h - inside the room: writing to a buffer by a pointer, in many small pieces.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_OUT_H
#define VALUE_OUT_H

#include <string.h>

#include "base/buf.h"

/* While this is in use the buffer is written by nothing else; its length is right again after
 * out_sync. */
struct out {
    struct buf *buf;
    char *at;
    char *end; /* of what is reserved */
};

static inline void
out_start(struct out *o, struct buf *buf)
{
    o->buf = buf;
    o->at = o->end = buf->bytes + buf->len;
}

/* Gives the buffer its length and what was reserved back. */
void out_sync(struct out *o);

/* Makes NEED bytes fit, from anew; false if they may not. */
bool out_grow(struct out *o, size_t need);

/* Makes NEED bytes fit. */
static inline bool
out_fits(struct out *o, size_t need)
{
    return (size_t)(o->end - o->at) >= need || out_grow(o, need);
}

/* memcpy, without a call for what is short. */
static inline void
out_copy(char *to, const char *bytes, size_t len)
{
    if (len > 16) {
        memcpy(to, bytes, len);
    } else if (len >= 8) {
        memcpy(to, bytes, 8);
        memcpy(to + len - 8, bytes + len - 8, 8);
    } else if (len >= 4) {
        memcpy(to, bytes, 4);
        memcpy(to + len - 4, bytes + len - 4, 4);
    } else {
        for (size_t i = 0; i < len; i++)
            to[i] = bytes[i];
    }
}

static inline bool
out_add(struct out *o, const char *bytes, size_t len)
{
    if (!out_fits(o, len))
        return false;
    out_copy(o->at, bytes, len);
    o->at += len;
    return true;
}

static inline bool
out_char(struct out *o, char c)
{
    if (!out_fits(o, 1))
        return false;
    *o->at++ = c;
    return true;
}

#endif
