/* edge/h2_head.c - from the fields of a HEADERS frame to a head; see h2.h.
 *
 * The head is written out as one of HTTP/1.1, so that one parser judges both. What could make
 * another message of it when written out does not come so far: nghttp2 has held names and
 * values to RFC 9113 8.2, and no value has a control byte (checked again).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <strings.h>

#include "edge/h2_parts.h"

enum h2_pseudo { METHOD, PATH, SCHEME, AUTHORITY };

static struct weir_text
text_of_rcbuf(nghttp2_rcbuf *b)
{
    if (b == NULL)
        return (struct weir_text){ "", 0 };
    nghttp2_vec v = nghttp2_rcbuf_get_buf(b);
    return (struct weir_text){ (const char *)v.base, v.len };
}

void
h2_head_drop(struct h2_session *h)
{
    struct h2_head *head = &h->head;
    buffer_unref(&h->connection->edge->buffers, &head->buffer);
    for (unsigned i = 0; i < 4; i++) {
        if (head->pseudo[i] != NULL)
            nghttp2_rcbuf_decref(head->pseudo[i]);
        head->pseudo[i] = NULL;
    }
    buf_reset(&head->cookie);
    h->head_ms = UINT64_MAX;
    head->len = 0;
    head->begun = head->large = head->starved = false;
}

void
h2_head_begin(struct h2_session *h)
{
    h2_head_drop(h);
    struct edge *e = h->connection->edge;
    h->head.buffer = buffer_new(&e->buffers, BUFFER_SMALL);
    h->head_ms = shard_now(e->shard) + e->config.head_ms;
    h2_look_at(h, h->head_ms);
}

/* Makes room for NEED bytes; false: the head is too large, or there is no memory. */
static bool
reserve(struct h2_session *h, size_t need)
{
    struct h2_head *head = &h->head;
    struct buffer_pool *pool = &h->connection->edge->buffers;
    if (need <= head->buffer->room - head->len)
        return true;
    head->starved = h->connection->edge->memory.step == MEMORY_REFUSE_ALL;
    if (head->buffer->size == BUFFER_SMALL && !head->starved) {
        struct buffer *large = buffer_new(pool, BUFFER_LARGE);
        memcpy(large->bytes, head->buffer->bytes, head->len);
        buffer_unref(pool, &head->buffer);
        head->buffer = large;
    }
    head->large = need > head->buffer->room - head->len;
    return !head->large;
}

static void
put(struct h2_head *head, struct weir_text text)
{
    memcpy(head->buffer->bytes + head->len, text.bytes, text.len);
    head->len += text.len;
}

/* Appends A, BETWEEN, B and the end of the line. */
static void
put_line(struct h2_session *h, struct weir_text a, struct weir_text between, struct weir_text b)
{
    struct h2_head *head = &h->head;
    if (head->large || !reserve(h, a.len + between.len + b.len + 2))
        return;
    put(head, a);
    put(head, between);
    put(head, b);
    put(head, TEXT("\r\n"));
}

/* Writes the request line and Host. */
static void
put_first(struct h2_session *h)
{
    struct h2_head *head = &h->head;
    struct weir_text method = text_of_rcbuf(head->pseudo[METHOD]);
    struct weir_text authority = text_of_rcbuf(head->pseudo[AUTHORITY]);
    struct weir_text target = text_of_rcbuf(head->pseudo[PATH]);
    if (head->pseudo[PATH] == NULL)
        target = authority; /* CONNECT, which is refused by that name */
    head->begun = true;
    if (!reserve(h, method.len + target.len + 1))
        return;
    put(head, method);
    put(head, TEXT(" "));
    put_line(h, target, TEXT(" "), TEXT("HTTP/1.1"));
    if (head->pseudo[AUTHORITY] != NULL)
        put_line(h, TEXT("host"), TEXT(":"), authority);
}

static int
pseudo_of(struct weir_text name)
{
    if (text_is(name, ":method"))
        return METHOD;
    if (text_is(name, ":path"))
        return PATH;
    if (text_is(name, ":scheme"))
        return SCHEME;
    return text_is(name, ":authority") ? AUTHORITY : -1;
}

/* Whether a Host field only says again what :authority said (RFC 9113 8.3.1). */
static bool
is_same_host(const struct h2_head *head, struct weir_text value)
{
    struct weir_text authority = text_of_rcbuf(head->pseudo[AUTHORITY]);
    return head->pseudo[AUTHORITY] != NULL && authority.len == value.len &&
           strncasecmp(authority.bytes, value.bytes, value.len) == 0;
}

static void
add_crumb(struct h2_head *head, struct weir_text value)
{
    bool fits = (head->cookie.len == 0 || buf_text(&head->cookie, TEXT("; "))) &&
                buf_text(&head->cookie, value);
    head->large |= !fits;
}

void
h2_head_field(struct h2_session *h, nghttp2_rcbuf *name_buf, nghttp2_rcbuf *value_buf)
{
    struct h2_head *head = &h->head;
    struct weir_text name = text_of_rcbuf(name_buf);
    struct weir_text value = text_of_rcbuf(value_buf);
    int pseudo = name.len > 0 && name.bytes[0] == ':' ? pseudo_of(name) : -1;
    if (head->large || head->buffer == NULL)
        return;
    if (pseudo >= 0 && head->pseudo[pseudo] == NULL) {
        nghttp2_rcbuf_incref(value_buf);
        head->pseudo[pseudo] = value_buf;
        return;
    }
    if (!head->begun)
        put_first(h);
    if (text_is(name, "cookie"))
        add_crumb(head, value);
    else if (!text_is(name, "host") || !is_same_host(head, value))
        put_line(h, name, TEXT(":"), value);
}

/* Refuses a head that could not be written out. */
static void
refuse(struct request *r, unsigned status, const char *text)
{
    struct weir_error err;
    err_set(&err, WEIR_INVALID, "%s", text);
    err.status = (uint16_t)status;
    request_refuse_head(r, &err);
}

static bool
is_scheme(const struct h2_head *head)
{
    struct weir_text scheme = text_of_rcbuf(head->pseudo[SCHEME]);
    return head->pseudo[SCHEME] == NULL || text_is(scheme, "https") || text_is(scheme, "http");
}

/* There is no memory, and the caller lets nothing be said on this stream: a refusal would be held as long as a
 * request. */
static bool
is_past_help(const struct h2_stream *s)
{
    struct h2_session *h = s->session;
    return h->connection->edge->memory.step == MEMORY_REFUSE_ALL &&
           (nghttp2_session_get_remote_window_size(h2_ng(h)) <= 0 ||
            nghttp2_session_get_stream_remote_window_size(h2_ng(h), s->id) <= 0);
}

void
h2_head_end(struct h2_stream *s)
{
    struct h2_session *h = s->session;
    struct h2_head *head = &h->head;
    if (is_past_help(s)) {
        h2_head_drop(h);
        edge_refused(h->connection->edge, REFUSAL_MEMORY);
        h2_reset(s, NGHTTP2_ENHANCE_YOUR_CALM);
        return;
    }
    if (!head->begun && !head->large)
        put_first(h);
    if (head->cookie.len > 0)
        put_line(h, TEXT("cookie"), TEXT(":"), buf_content(&head->cookie));
    put_line(h, TEXT(""), TEXT(""), TEXT(""));

    if (request_is_last(h->connection))
        h2_retire(h);
    struct request *r = request_new(h->connection);
    s->request = r;
    r->h2 = s;
    r->buffer = head->buffer;
    head->buffer = NULL;
    size_t len = head->len;
    bool large = head->large, starved = head->starved;
    bool scheme = is_scheme(head);
    h2_head_drop(h);
    /* A few bytes of the caller's can name kilobytes of his table. */
    edge_took(h->connection->edge, r->buffer->room);
    if (large && starved)
        request_refuse_memory(r);
    else if (large)
        refuse(r, 431, "the header section is too large");
    else if (!scheme)
        refuse(r, 400, "the scheme of the request is neither http nor https");
    else
        request_begin(r, r->buffer->bytes, len);
}
