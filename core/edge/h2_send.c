/* edge/h2_send.c - answers on streams; see h2.h.
 *
 * nghttp2 asks for the bytes of a body when its windows let them go. A body that is whole waits
 * by reference; of a stream at most one piece waits, and its source is asked for the next one
 * when that is gone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "edge/h2_parts.h"

/* Fields of an answer: a field has at least five bytes, but nobody writes so many. */
#define FIELDS_MAX 256

/* Bytes of an answer by which its reader is not one that stands still. */
#define MOVED_MIN 4096u

bool
h2_frame(struct request *r, struct buf *out, unsigned status, uint64_t length)
{
    (void)r;
    return reply_length(out, status, length);
}

static nghttp2_nv
field(const char *name, size_t name_len, const char *value, size_t value_len)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, name_len,
                         value_len, NGHTTP2_NV_FLAG_NONE };
}

/* Whether a field is another one in each answer, or nobody else's to guess: not to be kept in
 * the table (RFC 7541 7.1.3). */
static bool
is_passing(const nghttp2_nv *f)
{
    return (f->namelen == 12 && memcmp(f->name, "x-request-id", 12) == 0) ||
           (f->namelen == 10 && memcmp(f->name, "set-cookie", 10) == 0);
}

/* Takes the lines of the head in OUT apart. Returns the number of fields, 0 if there are too
 * many. */
static size_t
take_apart(struct buf *out, nghttp2_nv *fields)
{
    char *at = out->bytes, *end = out->bytes + out->len - 2; /* the empty line */
    size_t n = 0;
    fields[n++] = field(":status", 7, at + sizeof("HTTP/1.1"), 3);
    for (at = (char *)memchr(at, '\n', out->len) + 1; at < end;) {
        if (n == FIELDS_MAX)
            return 0;
        char *stop = memchr(at, '\r', (size_t)(end - at) + 1);
        char *colon = memchr(at, ':', (size_t)(stop - at));
        for (char *c = at; c < colon; c++)
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
        char *from = colon + 2, *to = stop;
        while (from < to && (*from == ' ' || *from == '\t'))
            from++;
        while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
            to--;
        fields[n] = field(at, (size_t)(colon - at), from, (size_t)(to - from));
        if (is_passing(&fields[n]))
            fields[n].flags |= NGHTTP2_NV_FLAG_NO_INDEX;
        n++;
        at = stop + 2;
    }
    return n;
}

/* Copies what comes first, if anything is left of it. */
static size_t
copy_rest(struct outgoing *out, uint8_t *to, size_t room)
{
    if (out->rest == NULL)
        return 0;
    size_t n = out->rest_len - out->rest_at;
    n = n < room ? n : room;
    memcpy(to, out->rest + out->rest_at, n);
    out->rest_at += n;
    if (out->rest_at == out->rest_len) {
        outgoing_drop_rest(out);
    }
    return n;
}

static size_t
copy_body(struct outgoing *out, uint8_t *to, size_t room)
{
    if (out->body == NULL)
        return 0;
    struct weir_text text = value_as_text(out->body);
    size_t n = text.len - out->body_at;
    n = n < room ? n : room;
    memcpy(to, text.bytes + out->body_at, n);
    out->body_at += n;
    if (out->body_at == text.len)
        value_unref(&out->body);
    return n;
}

/* A window that is opened by a few bytes is as good as shut. */
static void
note_moved(struct h2_stream *s, size_t n)
{
    s->moved += n;
    if (s->moved < MOVED_MIN)
        return;
    s->moved = 0;
    s->moved_ms = s->session->moved_ms;
}

static ssize_t
on_read(nghttp2_session *ng, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
        nghttp2_data_source *source, void *user)
{
    (void)ng;
    (void)id;
    (void)user;
    struct h2_stream *s = source->ptr;
    struct request *r = s->request;
    if (r == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    struct outgoing *out = &r->out;
    size_t n = copy_rest(out, to, room);
    if (n == 0)
        n = copy_body(out, to, room);
    struct edge *e = s->session->connection->edge;
    s->session->moved_ms = shard_now(e->shard);
    note_moved(s, n);
    h2_deadline(s, s->session->moved_ms + e->config.write_ms);
    /* It may open two windows for each piece, but hardly for a few bytes. */
    h2_guard_earn(s->session, (double)n / 256 + (n >= 64 ? 2 : 0));
    if (out->rest != NULL || out->body != NULL)
        return (ssize_t)n;
    if (out->stream == NULL) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        return (ssize_t)n;
    }
    if (list_empty(&s->hungry))
        list_push(&s->session->hungry, &s->hungry);
    if (n > 0)
        return (ssize_t)n;
    s->deadline_ms = UINT64_MAX; /* its source may take its time */
    return NGHTTP2_ERR_DEFERRED;
}

/* Submits the head in the edge's OUT, and the body if there is one. */
static void
submit(struct request *r, bool body)
{
    struct h2_stream *s = r->h2;
    struct h2_session *h = s->session;
    nghttp2_nv fields[FIELDS_MAX];
    size_t n = take_apart(&r->edge->out, fields);
    nghttp2_data_provider provider = { .source.ptr = s, .read_callback = on_read };
    h2_body_over(s);
    int error = n == 0
                    ? NGHTTP2_ERR_INVALID_ARGUMENT
                    : nghttp2_submit_response(h2_ng(h), s->id, fields, n, body ? &provider : NULL);
    if (error != 0) {
        h2_reset(s, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    struct edge *e = r->edge;
    s->moved_ms = shard_now(e->shard);
    h2_deadline(s, s->moved_ms + e->config.write_ms);
    h2_wake(h);
}

void
h2_send(struct request *r, const struct weir_value *body)
{
    struct weir_text text = body != NULL ? value_as_text(body) : (struct weir_text){ "", 0 };
    edge_took(r->edge, text.len);
    r->sent = text.len;
    if (text.len > 0) {
        r->out.body = value_box(body);
        r->out.body_at = 0;
    }
    submit(r, text.len > 0);
}

void
h2_send_stream(struct request *r)
{
    submit(r, true);
}

/* -- streams -- */

/* The piece waits by copy: its bytes are its source's. */
static void
keep(struct request *r, const char *bytes, size_t len)
{
    struct outgoing *out = &r->out;
    if (out->stream_left != UINT64_MAX) {
        if (len > out->stream_left)
            len = (size_t)out->stream_left;
        out->stream_left -= len;
    }
    r->sent += len;
    out->rest = malloc(len > 0 ? len : 1);
    if (out->rest == NULL)
        abort();
    memcpy(out->rest, bytes, len);
    out->rest_len = len;
    out->rest_at = 0;
    if (out->stream_left == 0)
        stream_drop(&out->stream); /* all that was promised is here */
}

void
h2_on_piece(void *request, const char *bytes, size_t len, const struct weir_error *err)
{
    struct request *r = request;
    struct h2_stream *s = r->h2;
    struct h2_session *h = s->session;
    struct connection *c = h->connection;
    connection_enter(c);
    if (len > 0) {
        keep(r, bytes, len);
    } else {
        stream_drop(&r->out.stream);
        bool short_of = r->out.stream_left != UINT64_MAX && r->out.stream_left > 0;
        if (err != NULL || short_of) {
            request_break_off(r, err);
            connection_leave(c);
            return;
        }
    }
    (void)nghttp2_session_resume_data(h2_ng(h), s->id);
    h2_wake(h);
    connection_leave(c);
}

bool
h2_feed(struct h2_session *h)
{
    struct list now; /* each is asked once */
    list_init(&now);
    while (!list_empty(&h->hungry))
        list_push(&now, list_shift(&h->hungry));
    bool any = !list_empty(&now);
    struct list *link;
    while ((link = list_shift(&now)) != NULL) {
        struct h2_stream *s = list_entry(link, struct h2_stream, hungry);
        if (s->request != NULL && s->request->out.stream != NULL &&
            s->request->out.rest == NULL)
            stream_pull(s->request->out.stream);
    }
    return any;
}

void
h2_cut(struct request *r, bool hard)
{
    (void)hard;
    h2_reset(r->h2, NGHTTP2_INTERNAL_ERROR);
}
