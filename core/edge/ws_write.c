/* edge/ws_write.c - what goes out on a WebSocket; see ws.h.
 *
 * Messages wait by reference, so that one that goes to many takes no more memory than one that
 * goes to one. A stream stands in the queue as itself: while it is the first, it is asked for one
 * piece after the other, each when the one before is with the kernel. Control frames never wait
 * behind a stream.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "edge/ws.h"

#define FIN 0x80u
#define PARTS 32

/* Writes, and pieces of a stream, in one go; then other connections have their turn. */
#define TURNS_MAX 64

/* Streams that may wait, each with a run and an upstream behind it. */
#define STREAMS_MAX 16u

/* Pongs that may wait; then the last one is the answer to all pings that come (RFC 6455 5.5.3). */
#define PONGS_MAX 128u

static bool
is_stream(const struct ws_out *o)
{
    return o->body != NULL && value_type(o->body) == WEIR_STREAM;
}

static size_t
size_of(const struct ws_out *o)
{
    return o->head_len + (o->body != NULL && !is_stream(o) ? o->body->len : 0);
}

/* Also a message without a byte takes room. */
static uint64_t
weight_of(const struct ws_out *o)
{
    return sizeof(*o) + size_of(o);
}

static struct ws_out *
out_new(uint8_t opcode, size_t room)
{
    struct ws_out *o = malloc(sizeof(*o) + room);
    if (o == NULL)
        abort();
    *o = (struct ws_out){ .opcode = opcode };
    return o;
}

/* Writes the head of a frame with LEN bytes (RFC 6455 5.2). */
static size_t
write_head(uint8_t *at, uint8_t opcode, uint64_t len)
{
    at[0] = (uint8_t)(FIN | opcode);
    unsigned wide = 0;
    if (len < 126) {
        at[1] = (uint8_t)len;
        return 2;
    }
    at[1] = len <= UINT16_MAX ? 126 : 127;
    wide = len <= UINT16_MAX ? 2 : 8;
    for (unsigned i = 0; i < wide; i++)
        at[2 + i] = (uint8_t)(len >> (8 * (wide - 1 - i)));
    return 2 + wide;
}

/* Puts O where AT points. */
static void
insert(struct ws *w, struct ws_out **at, struct ws_out *o)
{
    o->next = *at;
    *at = o;
    if (w->end == at)
        w->end = &o->next;
    w->queued += weight_of(o);
    w->streams += is_stream(o);
}

/* Frees what is not in the queue any more. */
static void
out_free(struct ws *w, struct ws_out *o)
{
    if (w->pong == o)
        w->pong = NULL;
    w->pongs -= o->opcode == WSLAY_PONG;
    w->streams -= is_stream(o);
    w->queued -= weight_of(o);
    value_unref(&o->body);
    free(o);
}

/* Takes the first one out. */
static void
shift(struct ws *w)
{
    struct ws_out *o = w->first;
    w->first = o->next;
    if (w->end == &o->next)
        w->end = &w->first;
    out_free(w, o);
}

/* Drops all from *AT on. */
static void
drop_from(struct ws *w, struct ws_out **at)
{
    struct ws_out *o = *at;
    *at = NULL;
    w->end = at;
    while (o != NULL) {
        struct ws_out *next = o->next;
        out_free(w, o);
        o = next;
    }
}

void
ws_drop(struct ws *w)
{
    stream_drop(&w->stream);
    drop_from(w, &w->first);
}

/* -- queueing -- */

/* The place of a control frame: behind all, but in front of a stream. */
static struct ws_out **
control_place(struct ws *w)
{
    struct ws_out **at = &w->first;
    while (*at != NULL && !is_stream(*at))
        at = &(*at)->next;
    return at;
}

void
ws_control(struct ws *w, uint8_t opcode, const void *bytes, size_t len)
{
    assert(len <= WS_CONTROL);
    soon_add(w->edge->shard, &w->work);
    bool crowded = opcode == WSLAY_PONG && w->pongs >= PONGS_MAX && w->pong != NULL;
    struct ws_out *o = crowded ? w->pong : out_new(opcode, 2 + WS_CONTROL);
    if (crowded)
        w->queued -= weight_of(o);
    o->head_len = write_head(o->head, opcode, len) + len;
    if (len > 0)
        memcpy(o->head + 2, bytes, len);
    if (crowded) {
        w->queued += weight_of(o);
        return;
    }
    insert(w, control_place(w), o);
    if (opcode == WSLAY_PONG) {
        w->pongs++;
        w->pong = o;
    } else if (opcode == WSLAY_CONNECTION_CLOSE) { /* the last that may be said */
        stream_drop(&w->stream);
        drop_from(w, &o->next);
    }
}

bool
ws_message(struct ws *w, const struct weir_value *message)
{
    if (w->queued > w->max_queue || (value_type(message) == WEIR_STREAM && w->streams >= STREAMS_MAX))
        return false;
    bool text = value_type(message) == WEIR_STRING;
    struct ws_out *o = out_new(text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, 10);
    o->body = value_type(message) == WEIR_STREAM ? value_ref(message) : value_box(message);
    if (!is_stream(o))
        o->head_len = write_head(o->head, o->opcode, message->len);
    insert(w, w->end, o);
    return true;
}

/* -- streams -- */

/* Puts a piece of the stream in front of it. */
static void
put_piece(struct ws *w, struct weir_text text)
{
    struct ws_out *o = out_new(w->binary ? WSLAY_BINARY_FRAME : WSLAY_TEXT_FRAME, 10);
    o->body = w->binary ? value_bytes(text.bytes, text.len) : value_string(text.bytes, text.len);
    o->head_len = write_head(o->head, o->opcode, text.len);
    insert(w, control_place(w), o);
}

/* The bytes at the end of TEXT that begin a character and do not end it. */
static size_t
unfinished(struct weir_text text)
{
    struct utf8_check check = { 0 };
    if (!utf8_go_on(&check, text) || utf8_whole(&check))
        return 0;
    size_t n = 1;
    while ((text.bytes[text.len - n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* Text goes as text, with whole characters in each message, until it turns out to be none. */
static void
take_piece(struct ws *w, struct weir_text piece)
{
    struct buf b;
    buf_init(&b, piece.len + sizeof(w->carry));
    (void)buf_add(&b, w->carry, w->carry_len, NULL); /* there is room for both */
    (void)buf_text(&b, piece);
    struct weir_text all = buf_content(&b);
    w->carry_len = w->binary ? 0 : unfinished(all);
    struct utf8_check check = { 0 };
    w->binary |= !utf8_go_on(&check, all);
    memcpy(w->carry, all.bytes + all.len - w->carry_len, w->carry_len);
    all.len -= w->carry_len;
    if (all.len > 0)
        put_piece(w, all);
    buf_fini(&b);
}

static void
end_stream(struct ws *w, const struct weir_error *err)
{
    struct ws_out **at = control_place(w);
    struct ws_out *o = *at;
    stream_drop(&w->stream);
    if (w->carry_len > 0) {
        w->binary = true;
        put_piece(w, (struct weir_text){ w->carry, w->carry_len });
        at = control_place(w);
    }
    *at = o->next;
    if (w->end == &o->next)
        w->end = at;
    out_free(w, o);
    w->carry_len = 0;
    w->binary = false;
    if (err != NULL)
        ws_close(w, WS_INTERNAL, "the answer broke off", false);
}

static void
on_piece(void *arg, const char *bytes, size_t len, const struct weir_error *err)
{
    struct ws *w = arg;
    w->pulled = false;
    if (len > 0)
        take_piece(w, (struct weir_text){ bytes, len });
    else
        end_stream(w, err);
    soon_add(w->edge->shard, &w->work);
}

/* The first one is a stream: asks it for more. */
static void
pull(struct ws *w)
{
    if (w->pulled)
        return;
    if (w->stream == NULL && !stream_take(w->first->body, on_piece, w, &w->stream)) {
        shift(w); /* somebody else has read it */
        return;
    }
    w->pulled = true;
    stream_pull(w->stream);
}

/* -- writing -- */

static unsigned
collect(const struct ws *w, struct iovec parts[PARTS], size_t *ret_total)
{
    unsigned n = 0;
    *ret_total = 0;
    for (struct ws_out *o = w->first; o != NULL && n + 2 <= PARTS && !is_stream(o); o = o->next) {
        size_t at = o->at;
        if (at < o->head_len) {
            parts[n++] = (struct iovec){ o->head + at, o->head_len - at };
            *ret_total += o->head_len - at;
            at = o->head_len;
        }
        if (o->body == NULL || at == size_of(o))
            continue;
        struct weir_text text = value_as_text(o->body);
        at -= o->head_len;
        parts[n++] = (struct iovec){ (void *)(uintptr_t)(text.bytes + at), text.len - at };
        *ret_total += text.len - at;
    }
    return n;
}

/* PUT bytes are with the kernel. */
static void
advance(struct ws *w, size_t put)
{
    while (w->first != NULL && !is_stream(w->first)) {
        struct ws_out *o = w->first;
        size_t left = size_of(o) - o->at;
        if (put < left) {
            o->at += put;
            return;
        }
        put -= left;
        if (o->opcode == WSLAY_TEXT_FRAME || o->opcode == WSLAY_BINARY_FRAME)
            stats_messages(w->edge->shard->index, false);
        shift(w);
    }
}

void
ws_flush(struct ws *w)
{
    for (unsigned n = 0; w->first != NULL && !w->stuck; n++) {
        if (n == TURNS_MAX) {
            soon_add(w->edge->shard, &w->work);
            return;
        }
        if (is_stream(w->first)) {
            pull(w);
            if (w->first != NULL && is_stream(w->first) && w->pulled)
                return;
            continue;
        }
        struct iovec parts[PARTS];
        size_t total;
        bool gone;
        unsigned n_parts = collect(w, parts, &total);
        size_t put = connection_write(w->connection, parts, n_parts, &gone);
        if (gone)
            return;
        if (put > 0 || !w->stuck)
            w->moved_ms = shard_now(w->edge->shard);
        advance(w, put);
        w->stuck = put < total;
        if (w->stuck)
            w->pong = NULL; /* TLS may have sealed it */
    }
}
