/* value/out.c - see out.h. SPDX-License-Identifier: Apache-2.0 */
#include "value/out.h"

enum { STEP = 512 }; /* bytes that are reserved at once, where so many still fit */

void
out_sync(struct out *o)
{
    buf_seal(o->buf, (size_t)(o->at - (o->buf->bytes + o->buf->len)));
    o->end = o->at;
}

bool
out_grow(struct out *o, size_t need)
{
    out_sync(o);
    size_t most = o->buf->max - o->buf->len;
    size_t step = need < STEP && most >= STEP ? STEP : need;
    char *at = buf_reserve(o->buf, step);
    if (at == NULL)
        return false;
    o->at = at;
    o->end = at + step;
    return true;
}
