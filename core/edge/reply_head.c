/* edge/reply_head.c - the head of an answer: whose headers are sent, and which never are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <strings.h>

#include "edge/request.h"
#include "net/http1_write.h"

/* Headers that nodes have added; the newest ones count. */
#define ADDED_MAX 128

static bool
same_name(struct weir_text a, struct weir_text b)
{
    return a.len == b.len && strncasecmp(a.bytes, b.bytes, a.len) == 0;
}

/* Whether a field is the edge's own matter: it frames the message, or is about the connection.
 */
static bool
is_own(struct weir_text name)
{
    return http_is_framing(name) || http_name_is(name, TEXT("date")) ||
           http_name_is(name, TEXT("x-request-id"));
}

static bool
has_name(const struct event_reply *reply, struct weir_text name)
{
    for (unsigned i = 0; i < reply->n_headers; i++)
        if (same_name(reply->headers[i].name, name))
            return true;
    return false;
}

/* Writes a value; what would end the line, or hide something, becomes a blank. */
static char *
put_value(char *at, struct weir_text value)
{
    if (http_is_field_value(value))
        return http_put(at, value);
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.bytes[i];
        *at++ = (char)((c < ' ' && c != '\t') || c == 0x7f ? ' ' : c);
    }
    return at;
}

static bool
write_field(struct buf *out, struct weir_text name, struct weir_text value)
{
    char *begin = buf_reserve(out, name.len + value.len + 4);
    if (begin == NULL)
        return false;
    char *at = put_value(HTTP_PUT(http_put(begin, name), ": "), value);
    at = HTTP_PUT(at, "\r\n");
    buf_seal(out, (size_t)(at - begin));
    return true;
}

/* Appends a field of a node, a trigger or an upstream, unless its name is none. */
static bool
write_foreign(struct buf *out, const struct weir_header *h)
{
    if (!http_is_token(h->name) || is_own(h->name))
        return true;
    return write_field(out, h->name, h->value);
}

/* Whether a newer header of the list replaces this one. */
static bool
is_replaced(const struct reply_header *h, const struct reply_header *newest)
{
    for (const struct reply_header *n = newest; n != h; n = n->next)
        if (!n->add && same_name(n->header.name, h->header.name))
            return true;
    return false;
}

/* Appends the headers that were added on the way, the oldest first. */
static bool
write_added(struct buf *out, const struct request *r, const struct event_reply *reply)
{
    const struct reply_header *newest = r->event.reply_headers;
    const struct reply_header *kept[ADDED_MAX];
    unsigned n = 0;
    for (const struct reply_header *h = newest; h != NULL && n < ADDED_MAX; h = h->next) {
        bool typed =
            reply->content_type.len > 0 && same_name(h->header.name, TEXT("content-type"));
        if (!typed && !has_name(reply, h->header.name) && !is_replaced(h, newest))
            kept[n++] = h;
    }
    while (n > 0)
        if (!write_foreign(out, &kept[--n]->header))
            return false;
    return true;
}

bool
reply_length(struct buf *out, unsigned status, uint64_t length)
{
    if (status == 204 || status == 304 || length == UINT64_MAX)
        return true;
    char *begin = buf_reserve(out, sizeof "Content-Length: \r\n" + HTTP_NUMBER_MAX);
    if (begin == NULL)
        return false;
    char *at = http_put_number(HTTP_PUT(begin, "Content-Length: "), length);
    at = HTTP_PUT(at, "\r\n");
    buf_seal(out, (size_t)(at - begin));
    return true;
}

/* How the body is framed. */
static bool
write_framing(struct buf *out, struct request *r, unsigned status, uint64_t length)
{
    if (status == 204 || status == 304 || length != UINT64_MAX)
        return reply_length(out, status, length);
    if (r->method == METHOD_HEAD)
        return true;
    if (r->old) {
        r->close = true; /* the end of the connection is the end of the body */
        return true;
    }
    r->out.chunked = true;
    return buf_text(out, TEXT("Transfer-Encoding: chunked\r\n"));
}

static bool
write_connection(struct buf *out, const struct request *r, unsigned status)
{
    if (status == 426) /* the only other protocol that is spoken here */
        return buf_puts(out, r->close ? "Upgrade: websocket\r\nConnection: Upgrade, close\r\n"
                                      : "Upgrade: websocket\r\nConnection: Upgrade\r\n");
    if (r->close)
        return buf_text(out, TEXT("Connection: close\r\n"));
    return !r->old || buf_text(out, TEXT("Connection: keep-alive\r\n"));
}

bool
reply_frame(struct request *r, struct buf *out, unsigned status, uint64_t length)
{
    /* A caller that did not ask for the end may have sent more already. */
    if (!r->close && (!r->keep_alive || request_is_last(r->connection))) {
        r->close = true;
        r->unread |= r->keep_alive;
    }
    return write_framing(out, r, status, length) && write_connection(out, r, status);
}

static bool
write_status(struct buf *out, unsigned status)
{
    struct weir_text reason = text_of(http_reason(status));
    char *begin = buf_reserve(out, sizeof "HTTP/1.1 200 \r\n" + reason.len);
    if (begin == NULL)
        return false;
    char *at = http_put_number(HTTP_PUT(begin, "HTTP/1.1 "), status);
    at = HTTP_PUT(http_put(HTTP_PUT(at, " "), reason), "\r\n");
    buf_seal(out, (size_t)(at - begin));
    return true;
}

/* Who came over TLS comes over TLS for as long as it was told (RFC 6797), unless the pipeline has
 * said something else. */
static bool
write_hsts(struct buf *out, const struct request *r, const struct event_reply *reply)
{
    static const struct weir_text name = { "Strict-Transport-Security", 25 };
    const char *hsts = r->edge->config.hsts;
    if (hsts == NULL || !connection_secure(r->connection) || has_name(reply, name))
        return true;
    for (const struct reply_header *h = r->event.reply_headers; h != NULL; h = h->next)
        if (same_name(h->header.name, name))
            return true;
    return write_field(out, name, text_of(hsts));
}

bool
reply_head(struct request *r, const struct event_reply *reply, uint64_t length)
{
    struct buf *out = &r->edge->out;
    buf_reset(out);
    bool fits = write_status(out, reply->status) && buf_text(out, edge_date(r->edge));
    bool typed = reply->content_type.len > 0 && !has_name(reply, TEXT("content-type"));
    if (fits && typed)
        fits = write_field(out, TEXT("Content-Type"), reply->content_type);
    fits = fits && r->connection->protocol->frame(r, out, reply->status, length);
    return fits && reply_head_rest(r, reply);
}

bool
reply_head_rest(struct request *r, const struct event_reply *reply)
{
    struct buf *out = &r->edge->out;
    bool fits = write_field(out, TEXT("X-Request-ID"), r->event.id) && write_hsts(out, r, reply);
    for (unsigned i = 0; fits && i < reply->n_headers; i++)
        fits = write_foreign(out, &reply->headers[i]);
    if (fits && r->event.reply_headers != NULL)
        fits = write_added(out, r, reply);
    return fits && buf_text(out, TEXT("\r\n"));
}
