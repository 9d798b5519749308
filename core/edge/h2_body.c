/* edge/h2_body.c - bodies of requests on streams, and their windows; see h2.h.
 *
 * What has come is taken at once, so the window of the connection is opened at once, too: one
 * stream never holds up the others. The window of a stream is opened only as long as the
 * session holds little. The oldest body that is coming may go on in any case, so that not all
 * of them wait for each other, unless it is the bodies of requests at work that are much: those
 * are let go of, sooner or later.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "edge/h2_parts.h"

void
h2_framed(struct request *r, const struct http_head *head)
{
    r->body.kind = HTTP_BODY_NONE;
    if (r->h2->ended)
        return;
    r->body.kind = head->has_length ? HTTP_BODY_LENGTH : HTTP_BODY_UNTIL_CLOSE;
    r->body.left = head->length;
}

bool
h2_proceed(struct request *r)
{
    static char name[] = ":status", value[] = "100";
    nghttp2_nv field = { (uint8_t *)name, (uint8_t *)value, 7, 3, NGHTTP2_NV_FLAG_NONE };
    struct h2_stream *s = r->h2;
    if (nghttp2_submit_headers(h2_ng(s->session), NGHTTP2_FLAG_NONE, s->id, NULL, &field, 1, NULL) == 0)
        s->interim++;
    h2_wake(s->session);
    return true;
}

void
h2_take_body(struct request *r)
{
    if (r->body.kind == HTTP_BODY_NONE) {
        request_offer(r);
        return;
    }
    request_body_await(r);
    r->h2->takes = true;
    h2_deadline(r->h2, request_body_deadline(r));
}

/* Gives the window back that is owed to a stream. */
static void
open_window(struct h2_stream *s)
{
    if (s->owed == 0)
        return;
    s->session->owed -= s->owed;
    (void)nghttp2_session_consume_stream(h2_ng(s->session), s->id, s->owed);
    s->owed = 0;
    h2_wake(s->session);
}

/* Opens the windows that may be open. Who could not send for want of one, as all but the one that JUST did, begins
 * to stand still from now on. */
static void
open_windows(struct h2_session *h, const struct h2_stream *just)
{
    bool oldest = true;
    list_each(link, next, &h->streams)
    {
        struct h2_stream *s = list_entry(link, struct h2_stream, link);
        if (!s->takes)
            continue;
        if ((oldest ? h->held - h->coming : h->held) > H2_HELD_MAX)
            return;
        if (s != just && s->owed > 0 && s->request != NULL)
            s->request->moved.ms = shard_now(h->connection->edge->shard);
        open_window(s);
        oldest = false;
    }
}

void
h2_body_over(struct h2_stream *s)
{
    if (s->takes)
        s->session->coming -= s->held;
    s->takes = false;
}

void
h2_let_go(struct h2_stream *s)
{
    struct h2_session *h = s->session;
    h2_body_over(s);
    h->held -= s->held;
    s->held = 0;
    h->owed -= s->owed; /* nobody sends on it any more, or it is reset */
    s->owed = 0;
    if (h->owed > 0)
        open_windows(h, NULL);
}

void
h2_body_piece(struct h2_stream *s, const uint8_t *bytes, size_t len)
{
    struct h2_session *h = s->session;
    (void)nghttp2_session_consume_connection(h2_ng(h), len);
    struct request *r = s->request;
    if (!s->takes || r == NULL || r->answered)
        return;
    if (!request_body_add(r, (struct weir_text){ (const char *)bytes, len })) {
        h2_body_over(s);
        return;
    }
    s->held += len;
    h->held += len;
    h->coming += len;
    s->owed += len;
    h->owed += len;
    open_windows(h, s);
}

static void
refuse(struct h2_stream *s, unsigned status, const char *text)
{
    struct weir_error err;
    err_set(&err, WEIR_INVALID, "%s", text);
    err.status = (uint16_t)status;
    h2_body_over(s);
    request_refuse(s->request, &err, status == 431 ? REFUSAL_HEAD_SIZE : REFUSAL_MALFORMED);
}

void
h2_body_trailer(struct h2_stream *s, struct weir_text name, struct weir_text value)
{
    if (!s->takes || s->request == NULL || s->request->answered)
        return;
    const struct http_limits *limits = &s->request->edge->config.head;
    size_t line = name.len + value.len + 4;
    s->trailers += line;
    s->n_trailers++;
    if (s->request->head_len + s->trailers > limits->head)
        refuse(s, 431, "the trailers are too large");
    else if (line > limits->line)
        refuse(s, 431, "the line of a trailer is too long");
    else if (s->request->event.n_headers + s->n_trailers > limits->fields)
        refuse(s, 431, "there are too many trailers");
    else if (!http_may_trail(name))
        refuse(s, 400, "a trailer has a name that may not stand there");
}

void
h2_body_end(struct h2_stream *s)
{
    s->ended = true;
    if (!s->takes || s->request == NULL || s->request->answered)
        return;
    h2_body_over(s);
    request_body_complete(s->request);
    if (s->session->owed > 0)
        open_windows(s->session, NULL);
}
