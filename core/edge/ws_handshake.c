/* edge/ws_handshake.c - the opening handshake (RFC 6455 4.2); see ws.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/encode.h"
#include "edge/ws.h"

/* What is appended to the caller's key (RFC 6455 1.3). */
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

#define KEY_BYTES 16u
#define VERSION "13"

static struct weir_text
trim(struct weir_text t)
{
    while (t.len > 0 && (t.bytes[0] == ' ' || t.bytes[0] == '\t'))
        t = (struct weir_text){ t.bytes + 1, t.len - 1 };
    while (t.len > 0 && (t.bytes[t.len - 1] == ' ' || t.bytes[t.len - 1] == '\t'))
        t.len--;
    return t;
}

/* Whether one of the items of LIST, which has commas between them, is TOKEN in any case. */
static bool
lists(struct weir_text list, struct weir_text token)
{
    while (list.len > 0) {
        const char *comma = memchr(list.bytes, ',', list.len);
        size_t len = comma != NULL ? (size_t)(comma - list.bytes) : list.len;
        struct weir_text item = trim((struct weir_text){ list.bytes, len });
        if (item.len == token.len && strncasecmp(item.bytes, token.bytes, token.len) == 0)
            return true;
        if (comma != NULL)
            len++;
        list = (struct weir_text){ list.bytes + len, list.len - len };
    }
    return false;
}

/* Whether a header NAME of E has TOKEN in its list. */
static bool
has_token(const struct weir_event *e, struct weir_text name, struct weir_text token)
{
    for (unsigned i = 0; i < e->n_headers; i++)
        if (text_equal(e->headers[i].name, name) && lists(e->headers[i].value, token))
            return true;
    return false;
}

static bool
is_key(struct weir_text key)
{
    struct weir_error err;
    struct buf b;
    buf_init(&b, 64);
    bool good = key.len == 24 && base64_decode(&b, key, &err) == WEIR_OK && b.len == KEY_BYTES;
    buf_fini(&b);
    return good;
}

static enum weir_code
refuse(struct weir_error *err, unsigned status, const char *text)
{
    err_set(err, WEIR_INVALID, "%s", text);
    err->status = status;
    return WEIR_INVALID;
}

static enum weir_code
check(struct request *r, struct weir_error *err)
{
    struct weir_event *e = &r->event;
    if (r->connection == NULL || r->connection->protocol != &protocol_http1)
        return refuse(err, 400, "a WebSocket is opened over HTTP/1.1 here, on a connection of its own");
    if (r->method != METHOD_GET)
        return refuse(err, 405, "a WebSocket begins with GET");
    if (r->old || !has_token(e, TEXT("upgrade"), TEXT("websocket")))
        return refuse(err, 426, "this is a WebSocket: the request has to ask for 'Upgrade: websocket' over HTTP/1.1");
    if (!has_token(e, TEXT("connection"), TEXT("upgrade")))
        return refuse(err, 400, "the request has to say 'Connection: Upgrade'");
    if (!text_is(trim(event_header(e, TEXT("sec-websocket-version"))), VERSION)) {
        event_add_header(e, TEXT("Sec-WebSocket-Version"), TEXT(VERSION), false);
        return refuse(err, 426, "only version 13 of the WebSocket protocol is spoken here");
    }
    if (!is_key(trim(event_header(e, TEXT("sec-websocket-key")))))
        return refuse(err, 400, "Sec-WebSocket-Key has to be 16 bytes as base64");
    if (e->raw != NULL && e->raw->len > 0)
        return refuse(err, 400, "a request for a WebSocket has no body");
    return WEIR_OK;
}

static void
set_accept(struct ws *w, struct weir_text key)
{
    uint8_t hash[DIGEST_MAX];
    char text[24 + sizeof(GUID)];
    memcpy(text, key.bytes, key.len);
    memcpy(text + key.len, GUID, sizeof(GUID) - 1);
    struct weir_text both = { text, key.len + sizeof(GUID) - 1 };
    size_t len = digest(WEIR_SHA1, both, hash);
    struct buf b;
    buf_init(&b, sizeof(w->accept));
    bool fits = base64_encode(&b, (struct weir_text){ (const char *)hash, len }, false);
    assert(fits && b.len < sizeof(w->accept));
    memcpy(w->accept, b.bytes, b.len + 1);
    buf_fini(&b);
    (void)fits;
}

struct weir_socket *
ws_offer(struct weir_event *e, const struct weir_socket_config *config, const struct weir_socket_owner *owner,
         void *arg, struct weir_error *err)
{
    struct request *r = (struct request *)(void *)e;
    assert(r->ws == NULL);
    if (check(r, err) != WEIR_OK)
        return NULL;
    r->ws = ws_new(r->edge, config, owner, arg);
    set_accept(r->ws, trim(event_header(e, TEXT("sec-websocket-key"))));
    return &r->ws->socket;
}

bool
ws_answer_head(struct request *r, const struct event_reply *reply)
{
    struct buf *out = &r->edge->out;
    const struct ws *w = r->ws;
    buf_reset(out);
    bool fits = buf_puts(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n") &&
                buf_printf(out, "Sec-WebSocket-Accept: %s\r\n", w->accept);
    if (fits && w->protocol != NULL)
        fits = buf_printf(out, "Sec-WebSocket-Protocol: %s\r\n", w->protocol);
    return fits && reply_head_rest(r, reply);
}
