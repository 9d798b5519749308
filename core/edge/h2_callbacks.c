/* edge/h2_callbacks.c - what nghttp2 tells of a session; see h2.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "edge/h2_parts.h"

/* How many times more than the largest head a section of fields may unfold to and still get its 431. */
#define UNFOLD_MAX 4u

static struct weir_text
text_of_rcbuf(nghttp2_rcbuf *b)
{
    nghttp2_vec v = nghttp2_rcbuf_get_buf(b);
    return (struct weir_text){ (const char *)v.base, v.len };
}

static int
on_begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *session)
{
    (void)ng;
    struct h2_session *h = session;
    h->unfolded = hd->type == NGHTTP2_HEADERS ? 0 : h->unfolded;
    if (hd->type == NGHTTP2_HEADERS && !h->broken)
        h2_head_begin(h);
    return 0;
}

static int
on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *session)
{
    struct h2_session *h = session;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct h2_stream *s = calloc(1, sizeof(*s));
    if (s == NULL)
        abort();
    s->session = h;
    s->id = frame->hd.stream_id;
    s->deadline_ms = UINT64_MAX;
    list_push(&h->streams, &s->link);
    list_init(&s->hungry);
    h->n_streams++;
    h->last_id = s->id;
    h->active = true;
    (void)nghttp2_session_set_stream_user_data(ng, s->id, s);
    return 0;
}

/* A byte can name 4 KiB of the table (HPACK bomb), of which nghttp2 looks at each: the stream is reset, and what
 * is still to come of the section is read without a look. */
static int
on_bomb(struct h2_session *h, const nghttp2_frame *frame)
{
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) /* of trailers it is said already */
        edge_refused(h->connection->edge, REFUSAL_HEAD_SIZE);
    (void)h2_guard_frame(h, H2_COST_MALFORMED);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int
on_header(nghttp2_session *ng, const nghttp2_frame *frame, nghttp2_rcbuf *name,
          nghttp2_rcbuf *value, uint8_t flags, void *session)
{
    (void)ng;
    (void)flags;
    struct h2_session *h = session;
    if (h->broken)
        return 0;
    h->unfolded += text_of_rcbuf(name).len + text_of_rcbuf(value).len;
    if (h->unfolded > UNFOLD_MAX * h->connection->edge->config.head.head)
        return on_bomb(h, frame);
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        h2_head_field(h, name, value);
        return 0;
    }
    struct h2_stream *s = h2_stream_get(h, frame->hd.stream_id);
    if (s != NULL)
        h2_body_trailer(s, text_of_rcbuf(name), text_of_rcbuf(value));
    return 0;
}

/* nghttp2 would only leave such a field out; the request is malformed (RFC 9113 8.1.1). */
static int
on_invalid_header(nghttp2_session *ng, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                  nghttp2_rcbuf *value, uint8_t flags, void *session)
{
    (void)ng;
    (void)frame;
    (void)name;
    (void)value;
    (void)flags;
    (void)session;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int
on_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
        void *session)
{
    (void)flags;
    struct h2_session *h = session;
    struct h2_stream *s = h2_stream_get(h, id);
    if (h->broken || s == NULL)
        (void)nghttp2_session_consume_connection(ng, len);
    else
        h2_body_piece(s, bytes, len);
    return 0;
}

static void
on_headers_whole(struct h2_session *h, struct h2_stream *s, const nghttp2_frame *frame)
{
    bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        h2_head_drop(h);
        if (ended)
            h2_body_end(s);
        return;
    }
    s->ended = ended;
    h2_head_end(s);
}

static int
on_frame(nghttp2_session *ng, const nghttp2_frame *frame, void *session)
{
    (void)ng;
    struct h2_session *h = session;
    struct h2_stream *s =
        frame->hd.stream_id != 0 ? h2_stream_get(h, frame->hd.stream_id) : NULL;
    if (h->broken || s == NULL)
        return 0;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        on_headers_whole(h, s, frame);
        break;
    case NGHTTP2_DATA:
        if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
            h2_body_end(s);
        else if (frame->hd.length == frame->data.padlen)
            (void)h2_guard_frame(h, H2_COST_FRAME);
        break;
    default:
        break;
    }
    return 0;
}

/* A frame was refused; the stream of a HEADERS may have never been opened. */
static int
on_invalid_frame(nghttp2_session *ng, const nghttp2_frame *frame, int error, void *session)
{
    (void)ng;
    (void)error;
    struct h2_session *h = session;
    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    h2_head_drop(h);
    if (h2_stream_get(h, frame->hd.stream_id) == NULL)
        h2_closed_add(h, frame->hd.stream_id, true);
    return 0;
}

/* A stream is reset by us. */
static void
on_reset_sent(struct h2_session *h, int32_t id, uint32_t code)
{
    struct edge *e = h->connection->edge;
    struct h2_stream *s = h2_stream_get(h, id);
    if (s != NULL)
        s->reset = true;
    if (code == NGHTTP2_REFUSED_STREAM) {
        edge_refused(e, REFUSAL_STREAMS);
        if (!h->broken)
            (void)h2_guard_frame(h, H2_COST_FRAME);
    } else if (code == NGHTTP2_PROTOCOL_ERROR || code == NGHTTP2_FLOW_CONTROL_ERROR ||
               code == NGHTTP2_STREAM_CLOSED || code == NGHTTP2_FRAME_SIZE_ERROR) {
        edge_refused(e, REFUSAL_MALFORMED);
        if (!h->broken)
            (void)h2_guard_frame(h, H2_COST_MALFORMED);
    }
}

static int
on_sent(nghttp2_session *ng, const nghttp2_frame *frame, void *session)
{
    (void)ng;
    struct h2_session *h = session;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        if (frame->goaway.error_code != NGHTTP2_NO_ERROR && !h->broken) {
            h->broken = true; /* it was nghttp2 that found the fault */
            edge_refused(h->connection->edge, REFUSAL_MALFORMED);
        }
        return 0;
    }
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        on_reset_sent(h, frame->hd.stream_id, frame->rst_stream.error_code);
        return 0;
    }
    struct h2_stream *s = h2_stream_get(h, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_HEADERS && s != NULL && s->interim > 0)
        s->interim--;
    else if (frame->hd.type == NGHTTP2_HEADERS)
        h2_guard_earn(h, H2_PAY_ANSWER); /* not before: one that was reset meanwhile is none */
    bool ends = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!ends || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    if (s != NULL)
        h2_answered(s);
    return 0;
}

static int
on_close(nghttp2_session *ng, int32_t id, uint32_t code, void *session)
{
    (void)ng;
    (void)code;
    struct h2_stream *s = h2_stream_get(session, id);
    if (s != NULL)
        h2_stream_free(s);
    return 0;
}

static nghttp2_session_callbacks *callbacks;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
make(void)
{
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        abort();
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
}

const nghttp2_session_callbacks *
h2_callbacks(void)
{
    pthread_once(&once, make);
    return callbacks;
}
