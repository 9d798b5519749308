/* edge/ws_read.c - what comes in on a WebSocket: frames, and messages made of them; see ws.h.
 *
 * A fault ends the connection at the first byte that shows it (RFC 6455 7.1.7): text is checked as
 * it comes, and a length is refused before its bytes are waited for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/ws.h"

/* Pieces, messages and reads in one go; then other connections have their turn. */
#define PIECES_MAX 256
#define MESSAGES_MAX 32
#define READS_MAX 16

/* A message may have so many frames in any case, and more only if they hold so much on average:
 * frames cost time even if there is nothing in them. */
#define FRAGMENTS_FREE 1000u
#define FRAGMENT_BYTES 16u

#define FIRST_ROOM 1024u

/* What a message may hold even when there is no memory, as a body may. */
#define KEPT_ROOM (16u * 1024u)

/* -- heads of frames: wslay tells of one only with the first byte behind it -- */

/* How many bytes the head has of which the first two are here. */
static size_t
head_size(const uint8_t *head)
{
    unsigned length = head[1] & 0x7fu;
    return 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + (head[1] & 0x80u ? 4u : 0u);
}

/* The length that a whole head says. */
static uint64_t
head_length(const uint8_t *head)
{
    unsigned length = head[1] & 0x7fu;
    unsigned n = length == 126 ? 2u : length == 127 ? 8u : 0u;
    uint64_t all = n == 0 ? length : 0;
    for (unsigned i = 0; i < n; i++)
        all = all << 8 | head[2 + i];
    return all;
}

static bool
head_is_whole(const struct ws *w)
{
    return w->head_len >= 2 && w->head_len == head_size(w->head);
}

/* Notes the head of the last frame of which something is in N bytes that have come. */
static void
note_heads(struct ws *w, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        size_t used = 1;
        if (w->ahead > 0) {
            used = w->ahead < n ? (size_t)w->ahead : n;
            w->ahead -= used;
        } else {
            w->head[w->head_len++] = *bytes;
            w->ahead = head_is_whole(w) ? head_length(w->head) : 0;
        }
        if (w->ahead == 0 && head_is_whole(w))
            w->head_len = 0;
        bytes += used;
        n -= used;
    }
}

/* What wslay reads with. */
static ssize_t
receive(uint8_t *buf, size_t len, int flags, void *arg)
{
    (void)flags;
    struct ws *w = arg;
    struct connection *c = w->connection;
    if (c->start < c->end) { /* came together with the request */
        size_t here = c->end - c->start;
        size_t n = here < len ? here : len;
        memcpy(buf, c->in->bytes + c->start, n);
        c->start += (uint32_t)n;
        note_heads(w, buf, n);
        w->got = true;
        w->heard_ms = shard_now(w->edge->shard);
        return (ssize_t)n;
    }
    buffer_unref(&w->edge->buffers, &c->in);
    c->start = c->end = 0;
    if (w->reads >= READS_MAX)
        return -1;
    w->reads++;
    ssize_t n = connection_receive(c, buf, len);
    if (n > 0) {
        note_heads(w, buf, (size_t)n);
        w->got = true;
        w->heard_ms = shard_now(w->edge->shard);
        w->pinged_ms = 0;
        return n;
    }
    if (n == 0)
        w->eof = true;
    else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        w->broken = true;
    return -1;
}

static void
fail(struct ws *w, enum ws_code code, const char *reason)
{
    ws_close(w, code, reason, true);
}

/* -- messages -- */

static void
forget(struct ws *w)
{
    free(w->bytes);
    w->bytes = NULL;
    w->len = w->room = 0;
    w->kind = 0;
    w->fragments = 0;
    w->begun_ms = 0;
    w->moved = (struct coming){ 0 };
    w->text = (struct utf8_check){ 0 };
}

static void
grow(struct ws *w, size_t need)
{
    if (w->room - w->len >= need)
        return;
    size_t room = w->room > 0 ? w->room * 2 : FIRST_ROOM;
    while (room < w->len + need)
        room *= 2;
    char *bytes = realloc(w->bytes, room);
    if (bytes == NULL)
        abort();
    w->bytes = bytes;
    w->room = room;
}

/* The message at hand is whole. */
static void
deliver(struct ws *w)
{
    enum weir_type type = w->kind == WSLAY_TEXT_FRAME ? WEIR_STRING : WEIR_BYTES;
    grow(w, 1);
    char *bytes = realloc(w->bytes, w->len + 1);
    if (bytes == NULL)
        abort();
    bytes[w->len] = '\0';
    w->bytes = NULL;
    const struct weir_value *v = value_take(type, bytes, w->len);
    forget(w);
    w->active_ms = shard_now(w->edge->shard);
    w->taken++;
    stats_messages(w->edge->shard->index, true);
    w->owner.message(w->arg, v);
    value_unref(&v);
}

/* A message is work, as a request is: at the last step of memory none begins, and none grows. */
static bool
has_memory(struct ws *w)
{
    if (w->edge->memory.step != MEMORY_REFUSE_ALL)
        return true;
    edge_refused(w->edge, REFUSAL_MEMORY);
    edge_warn_memory(w->edge);
    forget(w);
    fail(w, WS_TRY_LATER, "this server is short of memory");
    return false;
}

static void
take_message(struct ws *w)
{
    if (has_memory(w))
        deliver(w);
}

/* The caller closes: an answer to ours, or to be answered with the same code (RFC 6455 5.5.1). */
static void
take_close(struct ws *w)
{
    unsigned code = w->control_len >= 2 ? (unsigned)w->control[0] << 8 | w->control[1] : WS_NO_STATUS;
    bool known = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
    if (w->control_len == 1 || (w->control_len >= 2 && !known)) {
        fail(w, WS_PROTOCOL, "the code of the close frame is none that may be sent");
        return;
    }
    size_t len = w->control_len > 2 ? w->control_len - 2 : 0;
    struct utf8_check check = { 0 };
    const char *text = (const char *)w->control + 2;
    if (!utf8_go_on(&check, (struct weir_text){ text, len }) || !utf8_whole(&check)) {
        fail(w, WS_BAD_TEXT, "the reason of the close frame is not UTF-8");
        return;
    }
    bool ours = w->state != WS_OPEN;
    ws_close(w, (enum ws_code)code, "", true);
    if (!ours) /* what the caller has said, for the owner */
        snprintf(w->reason, sizeof(w->reason), "%.*s", (int)len, text);
}

static void
take_control(struct ws *w)
{
    switch (w->opcode) {
    case WSLAY_CONNECTION_CLOSE:
        take_close(w);
        return;
    case WSLAY_PING:
        if (w->state == WS_OPEN)
            ws_control(w, WSLAY_PONG, w->control, w->control_len);
        return;
    default:
        return; /* a pong: that it was heard is all */
    }
}

/* -- frames -- */

static bool
is_control(uint8_t opcode)
{
    return (opcode & 8u) != 0;
}

/* Why a frame with that head can't be; NULL: it can. */
static const char *
wrong_head(const struct ws *w, const struct wslay_frame_iocb *f)
{
    if (f->rsv != 0)
        return "a reserved bit is set";
    if (!f->mask)
        return "frames of a client have to be masked";
    switch (f->opcode) {
    case WSLAY_CONTINUATION_FRAME:
        return w->kind == 0 ? "there is no message that goes on" : NULL;
    case WSLAY_TEXT_FRAME:
    case WSLAY_BINARY_FRAME:
        return w->kind != 0 ? "a message begins inside of another one" : NULL;
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
        return NULL;
    default:
        return "the opcode is reserved";
    }
}

/* The head of a frame is here. False: the connection fails. */
static bool
begin_frame(struct ws *w, const struct wslay_frame_iocb *f)
{
    const char *wrong = wrong_head(w, f);
    if (wrong != NULL) {
        fail(w, WS_PROTOCOL, wrong);
        return false;
    }
    w->in_frame = true;
    w->opcode = f->opcode;
    w->fin = f->fin;
    w->frame_left = f->payload_length;
    w->control_len = 0;
    if (is_control(f->opcode))
        return true;
    if (w->kind == 0) {
        w->kind = f->opcode;
        w->begun_ms = shard_now(w->edge->shard);
    }
    if (f->payload_length > w->max_message - w->len) {
        fail(w, WS_TOO_BIG, "the message is larger than is taken here");
        return false;
    }
    w->fragments++;
    if (w->fragments > FRAGMENTS_FREE && w->len / FRAGMENT_BYTES < w->fragments - FRAGMENTS_FREE) {
        fail(w, WS_POLICY, "the message has too many small fragments");
        return false;
    }
    return true;
}

static bool
take_data(struct ws *w, struct weir_text piece)
{
    if (w->kind == WSLAY_TEXT_FRAME && !utf8_go_on(&w->text, piece)) {
        fail(w, WS_BAD_TEXT, "the text is not UTF-8");
        return false;
    }
    if (piece.len == 0)
        return true;
    if (w->len + piece.len > KEPT_ROOM && !has_memory(w))
        return false;
    grow(w, piece.len);
    memcpy(w->bytes + w->len, piece.bytes, piece.len);
    w->len += piece.len;
    edge_came(w->edge, &w->moved, piece.len, w->len);
    return true;
}

static void
end_frame(struct ws *w)
{
    w->in_frame = false;
    if (is_control(w->opcode)) {
        take_control(w);
        return;
    }
    if (!w->fin)
        return;
    if (w->kind == WSLAY_TEXT_FRAME && !utf8_whole(&w->text))
        fail(w, WS_BAD_TEXT, "the text is not UTF-8");
    else if (w->state == WS_OPEN)
        take_message(w);
    else
        forget(w); /* nobody listens any more */
}

static void
take_piece(struct ws *w, const struct wslay_frame_iocb *f)
{
    if (!w->in_frame && !begin_frame(w, f))
        return;
    struct weir_text piece = { (const char *)f->data, f->data_length };
    if (is_control(w->opcode)) { /* wslay lets no more than 125 bytes through */
        for (size_t i = 0; i < piece.len; i++)
            w->control[w->control_len++] = (uint8_t)piece.bytes[i];
    } else if (!take_data(w, piece)) {
        return;
    }
    w->frame_left -= piece.len;
    if (w->frame_left == 0)
        end_frame(w);
}

void
ws_read_begin(struct ws *w)
{
    static const struct wslay_frame_callbacks callbacks = { .recv_callback = receive };
    if (wslay_frame_context_init(&w->frames, &callbacks, w) != 0)
        abort(); /* there is no memory */
}

bool
ws_reads(const struct ws *w)
{
    if (w->eof || w->broken)
        return false;
    /* Messages that come behind our close frame are nobody's: the caller's own is looked for. */
    return w->state == WS_CLOSING || (w->state == WS_OPEN && !w->held);
}

/* All that has come is taken. If it ends in the head of a frame, that is looked at now. False: the connection
 * fails. */
static bool
look_at_head(struct ws *w)
{
    if (w->in_frame || !head_is_whole(w) || w->ahead < head_length(w->head))
        return true;
    struct wslay_frame_iocb f = { .fin = w->head[0] >> 7,
                                  .rsv = w->head[0] >> 4 & 7u,
                                  .opcode = w->head[0] & 15u,
                                  .mask = w->head[1] >> 7,
                                  .payload_length = w->ahead };
    return begin_frame(w, &f);
}

/* Nothing more comes now: why? */
static void
look_why(struct ws *w)
{
    if (w->broken || w->eof) {
        if (w->state != WS_CLOSING && w->state != WS_ENDING)
            w->code = WS_ABNORMAL;
        connection_close(w->connection, false);
    } else if (w->reads >= READS_MAX) {
        soon_add(w->edge->shard, &w->work);
    }
}

void
ws_read(struct ws *w)
{
    w->reads = w->taken = 0;
    for (unsigned n = 0; ws_reads(w); n++) {
        if (n == PIECES_MAX || w->taken == MESSAGES_MAX) {
            soon_add(w->edge->shard, &w->work);
            return;
        }
        struct wslay_frame_iocb f = { 0 };
        w->got = false;
        ssize_t len = wslay_frame_recv(w->frames, &f);
        if (len == WSLAY_ERR_WANT_READ && w->got)
            continue; /* a part of a head has come, and more may be here */
        if (len == WSLAY_ERR_WANT_READ) {
            if (look_at_head(w))
                look_why(w);
            return;
        }
        if (len < 0)
            fail(w, WS_PROTOCOL, "the length of a frame is not as it has to be");
        else
            take_piece(w, &f);
    }
}
