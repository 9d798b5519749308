/* net/client_request.c - the head of a request, as it goes to the socket.
 *
 * What a caller gives is checked, since it may be made of what strangers sent: nothing in it
 * can begin a line of its own. What belongs to the connection is ours and dropped if it is
 * given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <strings.h>

#include "net/client_parts.h"

#define SHORT_BODY 4096u /* sent behind the head, in one piece */
#define LENGTH_ROOM 64u  /* of the line that tells the length of the body */

/* Header fields that belong to the connection, or that are written here. */
static const struct weir_text dropped[] = {
    { "connection", 10 }, { "content-length", 14 },    { "expect", 6 },
    { "keep-alive", 10 }, { "proxy-connection", 16 },  { "te", 2 },
    { "trailer", 7 },     { "transfer-encoding", 17 }, { "upgrade", 7 },
};

/* What the caller has given himself. */
struct given {
    bool host;
    bool user_agent;
    bool accept_encoding;
};

/* Whether a header's name, which is not empty, is LOWER in any case. */
static bool
is(struct weir_text name, struct weir_text lower)
{
    return name.len == lower.len && (name.bytes[0] | 0x20) == lower.bytes[0] &&
           strncasecmp(name.bytes, lower.bytes, name.len) == 0;
}

static bool
is_dropped(struct weir_text name)
{
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
        if (is(name, dropped[i]))
            return true;
    return false;
}

/* Appends to memory that was reserved before. */
static inline char *
put(char *at, const char *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

#define PUT(at, literal) put((at), "" literal, sizeof(literal) - 1)

static enum weir_code
check_header(const struct weir_header *h, struct weir_error *err)
{
    if (!http_is_token(h->name))
        return err_set(err, WEIR_INVALID, "the name of a request header is not a token");
    if (!http_is_field_value(h->value))
        return err_set(err, WEIR_INVALID,
                       "the value of request header %.*s has a line break or a NUL",
                       (int)(h->name.len < 100 ? h->name.len : 100), h->name.bytes);
    return WEIR_OK;
}

static void
note(struct given *given, struct weir_text name)
{
    if (is(name, TEXT("host")))
        given->host = true;
    else if (is(name, TEXT("user-agent")))
        given->user_agent = true;
    else if (is(name, TEXT("accept-encoding")))
        given->accept_encoding = true;
}

/* Writes the headers of the caller at AT, which has room. NULL: one is bad. */
static char *
put_headers(char *at, const struct weir_http_request *http, struct given *given,
            struct weir_error *err)
{
    for (uint32_t i = 0; i < http->n_headers; i++) {
        const struct weir_header *h = &http->headers[i];
        if (check_header(h, err) != WEIR_OK)
            return NULL;
        if (is_dropped(h->name) || (given->host && is(h->name, TEXT("host"))))
            continue;
        note(given, h->name);
        at = put(at, h->name.bytes, h->name.len);
        at = PUT(at, ": ");
        if (h->value.len > 0)
            at = put(at, h->value.bytes, h->value.len);
        at = PUT(at, "\r\n");
    }
    return at;
}

static char *
put_number(char *at, uint64_t n)
{
    char digits[20];
    size_t len = 0;
    do
        digits[sizeof digits - ++len] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    return put(at, digits + sizeof digits - len, len);
}

static char *
put_host(char *at, const struct url *url)
{
    bool v6 = memchr(url->host.bytes, ':', url->host.len) != NULL;
    at = PUT(at, "host: ");
    at = v6 ? PUT(at, "[") : at;
    at = put(at, url->host.bytes, url->host.len);
    at = v6 ? PUT(at, "]") : at;
    if (url->port != (url->tls ? 443 : 80)) {
        at = PUT(at, ":");
        at = put_number(at, url->port);
    }
    return PUT(at, "\r\n");
}

/* How the body is told: by its length, as chunks, or not at all. */
static char *
put_length(char *at, const struct client_call *call)
{
    static const char *const with_body[] = { "POST", "PUT", "PATCH" };
    const struct weir_value *body = call->body;
    bool needed = body != NULL;
    for (size_t i = 0; !needed && i < sizeof with_body / sizeof *with_body; i++)
        needed = strcmp(call->method, with_body[i]) == 0;
    if (!needed)
        return at;
    if (body != NULL && body->type == WEIR_STREAM && call->upload_left == UINT64_MAX)
        return PUT(at, "transfer-encoding: chunked\r\n");
    at = PUT(at, "content-length: ");
    if (body == NULL)
        at = put_number(at, 0);
    else
        at = put_number(at, body->type == WEIR_STREAM ? call->upload_left : body->len);
    return PUT(at, "\r\n");
}

static char *
put_target(char *at, const struct url *url)
{
    if (url->path.len == 0)
        at = PUT(at, "/");
    else
        at = put(at, url->path.bytes, url->path.len);
    if (url->query.bytes == NULL)
        return at;
    at = PUT(at, "?");
    return put(at, url->query.bytes, url->query.len);
}

/* Bytes that the head can take at most. */
static size_t
room_for(const struct url *url, const struct weir_http_request *http)
{
    size_t room =
        256 + LENGTH_ROOM + http->method.len + url->path.len + url->query.len + url->host.len;
    for (uint32_t i = 0; i < http->n_headers && room <= CLIENT_HEAD_MAX; i++)
        room += http->headers[i].name.len + http->headers[i].value.len + 4;
    return room;
}

static enum weir_code
set_method(struct client_call *call, struct weir_text method, struct weir_error *err)
{
    static const char *const repeatable[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS" };
    if (method.len == 0 || method.len > CLIENT_METHOD_MAX || !http_is_token(method) ||
        text_is(method, "CONNECT"))
        return err_set(err, WEIR_INVALID, "this is no method for a request: %.*s",
                       (int)(method.len < 40 ? method.len : 40), method.bytes);
    memcpy(call->method, method.bytes, method.len);
    call->method[method.len] = '\0';
    call->method_len = method.len;
    for (size_t i = 0; i < sizeof repeatable / sizeof *repeatable; i++)
        call->repeatable |= strcmp(call->method, repeatable[i]) == 0;
    return WEIR_OK;
}

static enum weir_code
set_body(struct client_call *call, const struct weir_value *body, struct weir_error *err)
{
    call->body_text = (struct weir_text){ NULL, 0 };
    call->head_sent = call->body_sent = call->frame_sent = 0;
    buf_reset(&call->frame);
    if (body == NULL || body->type == WEIR_NULL)
        return WEIR_OK;
    if (body->type != WEIR_STRING && body->type != WEIR_BYTES && body->type != WEIR_STREAM)
        return err_set(err, WEIR_INVALID,
                       "the body of a request must be a string, bytes or a stream, not a %s",
                       value_type_name((enum weir_type)body->type));
    call->body = value_ref(body);
    return body->type == WEIR_STREAM ? client_upload_open(call, err) : WEIR_OK;
}

/* Puts a short body behind the head, so that one buffer is sent; a long one is not copied. */
static void
join_body(struct client_call *call)
{
    if (call->body == NULL || call->body->type == WEIR_STREAM)
        return;
    struct weir_text body = value_as_text(call->body);
    if (body.len > SHORT_BODY || !buf_text(&call->head, body))
        call->body_text = body;
}

enum weir_code
client_request_write(struct client_call *call, const struct url *url,
                     const struct weir_http_request *http, struct weir_error *err)
{
    if (set_method(call, http->method, err) != WEIR_OK ||
        set_body(call, http->body, err) != WEIR_OK)
        return (enum weir_code)err->code;

    size_t room = room_for(url, http);
    buf_reset(&call->head);
    char *begin = room <= CLIENT_HEAD_MAX ? buf_reserve(&call->head, room) : NULL;
    if (begin == NULL)
        return err_set(err, WEIR_TOO_LARGE,
                       "url and headers of a request are more than %u bytes", CLIENT_HEAD_MAX);
    struct given given = { false, false, false };
    char *at = put(begin, call->method, call->method_len);
    at = PUT(at, " ");
    at = put_target(at, url);
    at = PUT(at, " HTTP/1.1\r\n");
    at = put_headers(at, http, &given, err);
    if (at == NULL)
        return (enum weir_code)err->code;
    if (!given.host)
        at = put_host(at, url);
    if (!given.user_agent)
        at = PUT(at, "user-agent: weir\r\n");
    at = put_length(at, call);
    at = PUT(at, "\r\n");
    buf_seal(&call->head, (size_t)(at - begin));
    call->own_decoding = given.accept_encoding;
    join_body(call);
    return WEIR_OK;
}

bool
client_has_bytes(const struct client_call *call)
{
    return call->head_sent < call->head.len || call->body_sent < call->body_text.len ||
           call->frame_sent < call->frame.len;
}

bool
client_unsent(const struct client_call *call)
{
    return call->upload != NULL || client_has_bytes(call);
}
