/* edge/h2_watch.c - a look at each frame before nghttp2 has it; see h2.h.
 *
 * nghttp2 lets pass without a word what it has no use for: frames of closed streams,
 * priorities, unknown types. Here they are counted, and where RFC 9113 wants an error for one
 * it gets it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/h2_parts.h"

/* A frame's header, and what a PRIORITY says first: the stream that it depends on. */
#define HEADER 9u
#define DEPENDENCY 4u

/* A number of four bytes, without its first bit. */
static uint32_t
number(const uint8_t *at)
{
    return (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
           at[3];
}

/* A frame that needs an open stream comes on one that is answered, closed (RFC 9113 5.1), or that
 * was passed over (5.1.1). */
static void
look_at_stream(struct h2_session *h, int32_t id)
{
    if (id > h->last_id || id % 2 == 0)
        return;
    const struct h2_stream *s = h2_stream_get(h, id);
    if (s != NULL && s->request == NULL)
        (void)h2_guard_frame(h, H2_COST_FRAME);
    if (s != NULL)
        return;
    uint32_t error = h2_closed_look(h, id);
    if (error != NGHTTP2_NO_ERROR)
        h2_give_up(h, error, REFUSAL_MALFORMED);
    else
        (void)h2_guard_frame(h, H2_COST_FRAME);
}

static void
look(struct h2_session *h, const uint8_t *frame)
{
    int32_t id = (int32_t)number(frame + 5);
    switch (frame[3]) {
    case NGHTTP2_DATA:
    case NGHTTP2_HEADERS:
        look_at_stream(h, id);
        break;
    case NGHTTP2_CONTINUATION: /* nghttp2 counts them */
        break;
    case NGHTTP2_RST_STREAM:
        (void)h2_guard_frame(h, H2_COST_RESET);
        break;
    case NGHTTP2_PRIORITY:
        if (id == 0 || (h->payload == 5 && number(frame + HEADER) == (uint32_t)id))
            h2_give_up(h, NGHTTP2_PROTOCOL_ERROR, REFUSAL_MALFORMED);
        else
            (void)h2_guard_frame(h, H2_COST_FRAME);
        break;
    default:
        (void)h2_guard_frame(h, H2_COST_FRAME);
        break;
    }
}

static size_t
payload(const uint8_t *frame)
{
    return (size_t)frame[0] << 16 | (size_t)frame[1] << 8 | frame[2];
}

/* How much of the frame at hand has to be here. */
static size_t
needed(const struct h2_session *h)
{
    bool priority =
        h->n_frame >= HEADER && h->frame[3] == NGHTTP2_PRIORITY && payload(h->frame) == 5;
    return priority ? HEADER + DEPENDENCY : HEADER;
}

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What the caller did that made nghttp2 stop for good. */
static void
fail(struct h2_session *h, ssize_t error)
{
    switch (error) {
    case NGHTTP2_ERR_FLOODED:
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
    case NGHTTP2_ERR_NOMEM:
        h2_give_up(h, NGHTTP2_ENHANCE_YOUR_CALM, REFUSAL_FLOOD);
        break;
    default:
        h2_give_up(h, NGHTTP2_PROTOCOL_ERROR, REFUSAL_MALFORMED);
        break;
    }
}

/* Gives nghttp2 LEN bytes. */
static void
feed(struct h2_session *h, const void *bytes, size_t len)
{
    if (len == 0 || h->broken)
        return;
    h->inside = true;
    ssize_t used = nghttp2_session_mem_recv(h2_ng(h), bytes, len);
    h->inside = false;
    if (used < 0)
        fail(h, used);
}

/* Takes what there is of one frame; returns how many bytes. Its header is given on in one
 * piece, since nghttp2 counts a CONTINUATION once for each. */
static size_t
take_frame(struct h2_session *h, const char *bytes, size_t len)
{
    size_t used = 0;
    unsigned kept = h->n_frame;
    while (h->n_frame < needed(h)) {
        if (used == len)
            return used;
        h->frame[h->n_frame++] = (uint8_t)bytes[used++];
    }
    h->payload = payload(h->frame);
    look(h, h->frame);
    h->payload -= h->n_frame - HEADER;
    size_t more = least(h->payload, len - used);
    h->payload -= more;
    if (kept > 0) {
        feed(h, h->frame, h->n_frame);
        feed(h, bytes + used, more);
    } else {
        feed(h, bytes, used + more);
    }
    h->n_frame = 0;
    return used + more;
}

/* A header block that is over was taken or refused, or passed without a word, as one of a stream that
 * we have reset, or behind our last GOAWAY: nothing of it is waited for. */
static void
end_block(struct h2_session *h)
{
    bool block = h->frame[3] == NGHTTP2_HEADERS || h->frame[3] == NGHTTP2_CONTINUATION;
    if (block && h->n_frame == 0 && h->payload == 0 && (h->frame[4] & NGHTTP2_FLAG_END_HEADERS))
        h2_head_drop(h);
}

void
h2_take_input(struct h2_session *h, const char *bytes, size_t len)
{
    while (len > 0 && !h->broken) {
        size_t n;
        if (h->preface < H2_PREFACE) {
            n = least(H2_PREFACE - h->preface, len);
            h->preface += (unsigned)n;
            feed(h, bytes, n);
        } else if (h->payload > 0) {
            n = least(h->payload, len);
            h->payload -= n;
            feed(h, bytes, n);
        } else {
            n = take_frame(h, bytes, len);
        }
        end_block(h);
        bytes += n;
        len -= n;
    }
}
