/* net/client_request.c - the head of a request, as it goes to the socket.
 *
 * What a caller gives is checked, since it may be made of what strangers sent: nothing in it
 * can begin a line of its own. What belongs to the connection is ours and dropped if it is
 * given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "net/client_parts.h"
#include "net/http1_write.h"

#define SHORT_BODY 4096u /* sent behind the head, in one piece */
#define LENGTH_ROOM 64u  /* of the line that tells the length of the body */

/* What the caller has given himself. */
struct given {
    bool host;
    bool user_agent;
    bool accept_encoding;
};

/* Whether a field belongs to the connection, or is written here. */
static bool
is_dropped(struct weir_text name)
{
    return http_is_framing(name) || http_name_is(name, TEXT("expect"));
}

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
    if (http_name_is(name, TEXT("host")))
        given->host = true;
    else if (http_name_is(name, TEXT("user-agent")))
        given->user_agent = true;
    else if (http_name_is(name, TEXT("accept-encoding")))
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
        if (is_dropped(h->name) || (given->host && http_name_is(h->name, TEXT("host"))))
            continue;
        note(given, h->name);
        at = http_put(at, h->name);
        at = HTTP_PUT(at, ": ");
        at = http_put(at, h->value);
        at = HTTP_PUT(at, "\r\n");
    }
    return at;
}

static char *
put_host(char *at, const struct url *url)
{
    bool v6 = memchr(url->host.bytes, ':', url->host.len) != NULL;
    at = HTTP_PUT(at, "host: ");
    at = v6 ? HTTP_PUT(at, "[") : at;
    at = http_put(at, url->host);
    at = v6 ? HTTP_PUT(at, "]") : at;
    if (url->port != (url->tls ? 443 : 80)) {
        at = HTTP_PUT(at, ":");
        at = http_put_number(at, url->port);
    }
    return HTTP_PUT(at, "\r\n");
}

/* How the body is told: by its length, as chunks, or not at all. */
static char *
put_length(char *at, const struct client_call *call)
{
    struct weir_text method = { call->method, call->method_len };
    const struct weir_value *body = call->body;
    if (body == NULL && !text_is(method, "POST") && !text_is(method, "PUT") && !text_is(method, "PATCH"))
        return at;
    if (body != NULL && body->type == WEIR_STREAM && call->upload_left == UINT64_MAX)
        return HTTP_PUT(at, "transfer-encoding: chunked\r\n");
    at = HTTP_PUT(at, "content-length: ");
    if (body == NULL)
        at = http_put_number(at, 0);
    else
        at = http_put_number(at, body->type == WEIR_STREAM ? call->upload_left : body->len);
    return HTTP_PUT(at, "\r\n");
}

static char *
put_target(char *at, const struct url *url)
{
    at = url->path.len == 0 ? HTTP_PUT(at, "/") : http_put(at, url->path);
    if (url->query.bytes == NULL)
        return at;
    at = HTTP_PUT(at, "?");
    return http_put(at, url->query);
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
    if (method.len == 0 || method.len > CLIENT_METHOD_MAX || !http_is_token(method) ||
        text_is(method, "CONNECT"))
        return err_set(err, WEIR_INVALID, "this is no method for a request: %.*s",
                       (int)(method.len < 40 ? method.len : 40), method.bytes);
    memcpy(call->method, method.bytes, method.len);
    call->method[method.len] = '\0';
    call->method_len = method.len;
    call->repeatable |= text_is(method, "GET") || text_is(method, "HEAD") || text_is(method, "PUT") ||
                        text_is(method, "DELETE") || text_is(method, "OPTIONS");
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
    char *at = http_put(begin, (struct weir_text){ call->method, call->method_len });
    at = HTTP_PUT(at, " ");
    at = put_target(at, url);
    at = HTTP_PUT(at, " HTTP/1.1\r\n");
    at = put_headers(at, http, &given, err);
    if (at == NULL)
        return (enum weir_code)err->code;
    if (!given.host)
        at = put_host(at, url);
    if (!given.user_agent)
        at = HTTP_PUT(at, "user-agent: weir\r\n");
    at = put_length(at, call);
    at = HTTP_PUT(at, "\r\n");
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
