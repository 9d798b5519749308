/* ws_fuzz.c - a WebSocket of the edge: whatever frames come in, in whatever pieces.
 * room: edge
 *
 * The first bytes choose in which pieces the rest comes, and what is done with each message. What
 * comes back has to be frames that a server may send; a text message has to be UTF-8.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/encode.h"
#include "edge_stand.h"
#include "engine/socket.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define CONTROL 4
#define BACK_MAX (4u << 20)

enum manner { ECHO, HOLD, CLOSE, TWICE, SILENCE, MANNERS };

static uint8_t control[CONTROL];
static unsigned messages;
static struct weir_socket *held; /* reads no more until the next turn */
static struct weir_socket *here; /* NULL: it is closed */
static uint8_t *back;            /* what has come back */
static size_t back_len;

static const char handshake[] = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

static void
on_opened(void *arg, const struct weir_value *body)
{
    (void)arg;
    check(body == NULL && here != NULL);
}

static void
on_message(void *arg, const struct weir_value *message)
{
    (void)arg;
    check(here != NULL && held == NULL);
    check(message->len <= 1000);
    if (value_type(message) == WEIR_STRING)
        check(utf8_valid(value_as_text(message)));
    switch ((enum manner)(control[messages++ % CONTROL] % MANNERS)) {
    case HOLD:
        held = here;
        here->ops->hold(here, true);
        break;
    case CLOSE:
        here->ops->close(here, 1000, TEXT("enough"));
        break;
    case TWICE:
        (void)here->ops->send(here, message);
        break;
    case ECHO:
        break;
    case SILENCE:
    case MANNERS:
        return;
    }
    (void)here->ops->send(here, message);
}

static void
on_closed(void *arg, uint32_t code, struct weir_text reason)
{
    (void)arg;
    check(here != NULL && code >= 1000 && code < 5000 && utf8_valid(reason));
    here = held = NULL;
}

static void
on_drained(void *arg)
{
    (void)arg;
    check(here != NULL);
}

static void
on_offer(struct weir_event *e, struct trigger_unit *t)
{
    (void)t;
    static const struct weir_socket_owner owner = { .size = sizeof(owner),
                                                    .opened = on_opened,
                                                    .message = on_message,
                                                    .closed = on_closed,
                                                    .drained = on_drained };
    struct weir_socket_config config = {
        .size = sizeof(config), .ping_ms = 30000, .max_message = 1000, .max_queue = 100000
    };
    struct weir_error err;
    here = e->ops->offer_socket(e, &config, &owner, NULL, &err);
    check(here != NULL);
    struct event_reply r = { .status = 204 };
    check(event_answer(e, &r));
    e->ops->release(e);
}

static void
on_gone(struct weir_event *e)
{
    (void)e;
    abort();
}

static void
on_sent(struct weir_event *e, const struct weir_error *err)
{
    (void)e;
    (void)err;
    abort();
}

static void
start(void)
{
    static const struct edge_port port = { stand_routes, on_offer, on_gone, on_sent };
    const struct engine_route routes[] = { { .path = "/" } };
    back = malloc(BACK_MAX);
    check(back != NULL);
    stand_start(routes, 1, &port, false);
}

/* One turn; whoever is held may go on then. */
static void
turn_once(void)
{
    (void)shard_turn(stand.shard, 0);
    struct weir_socket *s = held;
    held = NULL;
    if (s != NULL)
        s->ops->hold(s, false);
}

/* The same, and all that comes back is kept. */
static void
turn(int fd)
{
    turn_once();
    (void)shard_turn(stand.shard, 0);
    ssize_t n;
    while ((n = recv(fd, back + back_len, BACK_MAX - back_len, MSG_DONTWAIT)) > 0)
        back_len += (size_t)n;
}

/* The head of a frame is one that a server may send. Returns its bytes, head included; 0: not all of
 * the head is here. */
static size_t
frame_size(const uint8_t *at, size_t len)
{
    if (len < 2)
        return 0;
    check((at[0] & 0xf0) == 0x80 && (at[1] & 0x80) == 0);
    uint8_t opcode = at[0] & 15;
    check(opcode == 1 || opcode == 2 || (opcode >= 8 && opcode <= 10));
    check(opcode < 8 || at[1] <= 125);
    size_t n = at[1];
    if (n == 126) {
        n = len >= 4 ? (size_t)at[2] << 8 | at[3] : 0;
        check(len < 4 || n >= 126);
        return len >= 4 ? n + 4 : 0;
    }
    check(n < 126); /* no message of 64 KiB was sent */
    return n + 2;
}

static void
check_back(void)
{
    size_t at = sizeof(handshake);
    const uint8_t *end = memmem(back, back_len, "\r\n\r\n", 4);
    check(end != NULL && memcmp(back, "HTTP/1.1 101 ", 13) == 0);
    at = (size_t)(end - back) + 4;
    for (bool closed = false; at < back_len;) {
        size_t n = frame_size(back + at, back_len - at);
        if (n == 0 || n > back_len - at)
            break;
        check(!closed); /* nothing comes behind a close frame */
        closed = (back[at] & 15) == 8;
        if ((back[at] & 15) == 1)
            check(utf8_valid((struct weir_text){ (char *)back + at + (n > 127 ? 4 : 2), n - (n > 127 ? 4 : 2) }));
        at += n;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (stand.shard == NULL)
        start();
    if (len < CONTROL + 1 || len > 20000)
        return 0;
    memcpy(control, bytes, CONTROL);
    size_t piece = 1u + bytes[CONTROL] * bytes[CONTROL];
    bytes += CONTROL + 1;
    len -= CONTROL + 1;
    messages = 0;
    back_len = 0;
    int fd = stand_connect();
    check(send(fd, handshake, sizeof(handshake) - 1, MSG_NOSIGNAL) == sizeof(handshake) - 1);
    stand_put(fd, bytes, len, piece, turn);
    for (unsigned i = 0; i < 4; i++)
        turn(fd);
    close(fd);
    for (unsigned i = 0; i < 100 && edge_connections(stand.edge) > 0; i++)
        turn_once();
    check(edge_connections(stand.edge) == 0 && here == NULL);
    check_back();
    return 0;
}
