/* edge/h2_stream.c - the life of a stream, and its deadline; see h2.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "edge/h2_parts.h"

#define DROP_MS 1000u /* how long the rest of a body that nobody wants may come */

struct h2_stream *
h2_stream_get(struct h2_session *h, int32_t id)
{
    return nghttp2_session_get_stream_user_data(h2_ng(h), id);
}

/* The request of S, which does not belong to it any more; or NULL. */
static struct request *
take_request(struct h2_stream *s)
{
    struct request *r = s->request;
    s->request = NULL;
    s->deadline_ms = UINT64_MAX;
    list_remove(&s->hungry);
    if (r != NULL)
        r->h2 = NULL;
    return r;
}

void
h2_answered(struct h2_stream *s)
{
    struct h2_session *h = s->session;
    struct request *r = take_request(s);
    if (r == NULL)
        return;
    h->connection->served++;
    h2_let_go(s);
    request_done(r);
    /* What is still to come of the body is not wanted (RFC 9113 8.1). As much as the window lets come is thrown away
     * before that is said: some clients take no answer from a stream that is reset (curl 7.88). */
    if (!s->ended)
        h2_deadline(s, shard_now(h->connection->edge->shard) + DROP_MS);
}

void
h2_reset(struct h2_stream *s, uint32_t code)
{
    struct h2_session *h = s->session;
    struct request *r = take_request(s);
    /* Without the memory to say so the connection ends. */
    h->broken |= nghttp2_submit_rst_stream(h2_ng(h), NGHTTP2_FLAG_NONE, s->id, code) != 0;
    h2_let_go(s);
    h2_wake(h);
    if (r != NULL)
        request_abandon(r);
}

void
h2_stream_free(struct h2_stream *s)
{
    struct h2_session *h = s->session;
    struct request *r = take_request(s);
    (void)nghttp2_session_set_stream_user_data(h2_ng(h), s->id, NULL);
    h2_let_go(s);
    h2_closed_add(h, s->id, s->reset);
    list_remove(&s->link);
    h->n_streams--;
    free(s);
    if (r != NULL)
        request_abandon(r);
}

void
h2_closed_add(struct h2_session *h, int32_t id, bool by_us)
{
    h->closed[h->n_closed++ % H2_CLOSED] = (uint32_t)id * 2 + by_us;
}

uint32_t
h2_closed_look(const struct h2_session *h, int32_t id)
{
    bool all = h->n_closed <= H2_CLOSED;
    unsigned n = all ? h->n_closed : H2_CLOSED;
    for (unsigned i = 0; i < n; i++)
        if (h->closed[i] / 2 == (uint32_t)id)
            return h->closed[i] % 2 == 1 ? NGHTTP2_NO_ERROR : NGHTTP2_STREAM_CLOSED;
    return all ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_NO_ERROR;
}

void
h2_abandon(struct h2_session *h)
{
    list_each(link, next, &h->streams)
    {
        struct request *r = take_request(list_entry(link, struct h2_stream, link));
        if (r != NULL)
            request_abandon(r);
    }
}

void
h2_look_at(struct h2_session *h, uint64_t at_ms)
{
    if (at_ms < h->connection->deadline_ms)
        connection_deadline(h->connection, at_ms);
}

void
h2_deadline(struct h2_stream *s, uint64_t at_ms)
{
    s->deadline_ms = at_ms;
    h2_look_at(s->session, at_ms);
}

/* Whether bytes of an answer wait for nothing but room, and have for READER_MS. */
static bool
is_unread(const struct h2_stream *s, uint64_t reader_ms)
{
    struct h2_session *h = s->session;
    const struct outgoing *out = &s->request->out;
    if ((out->body == NULL && out->rest == NULL) ||
        shard_now(h->connection->edge->shard) < s->moved_ms + reader_ms)
        return false;
    return h->rest != NULL || nghttp2_session_get_remote_window_size(h2_ng(h)) <= 0 ||
           nghttp2_session_get_stream_remote_window_size(h2_ng(h), s->id) <= 0;
}

void
h2_drop_slow(struct h2_session *h, uint64_t reader_ms)
{
    list_each(link, next, &h->streams)
    {
        struct h2_stream *s = list_entry(link, struct h2_stream, link);
        if (s->request == NULL ||
            !(s->takes ? s->owed == 0 && edge_hardly_sends(s->request) : is_unread(s, reader_ms)))
            continue;
        edge_refused(h->connection->edge, s->takes ? REFUSAL_BODY_DEADLINE : REFUSAL_SLOW_READER);
        h2_reset(s, NGHTTP2_CANCEL);
    }
}

void
h2_stream_expire(struct h2_stream *s, uint64_t now_ms)
{
    struct edge *e = s->session->connection->edge;
    struct weir_error err;
    if (s->request == NULL) {
        s->deadline_ms = UINT64_MAX;
        (void)nghttp2_submit_rst_stream(h2_ng(s->session), NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
        h2_wake(s->session);
        return;
    }
    if (!s->takes) {
        /* It may be that others have had all the room that there was. */
        int32_t window = nghttp2_session_get_stream_remote_window_size(h2_ng(s->session), s->id);
        s->deadline_ms = s->session->moved_ms + e->config.write_ms;
        if (window > 0 && s->deadline_ms > now_ms)
            return;
        edge_refused(e, REFUSAL_SLOW_READER);
        h2_reset(s, NGHTTP2_CANCEL);
        return;
    }
    s->deadline_ms = request_body_deadline(s->request);
    if (s->deadline_ms > now_ms)
        return;
    err_set(&err, WEIR_TIMEOUT, "the body of the request took too long");
    err.status = 408;
    h2_body_over(s);
    request_refuse(s->request, &err, REFUSAL_BODY_DEADLINE);
}
