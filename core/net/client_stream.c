/* net/client_stream.c - an answer whose body is a stream: it is read as fast as it is pulled.
 *
 * While nobody pulls, the socket is not read, so that the kernel's buffers fill and the other
 * side waits. What came with the head waits in the channel. Pieces are never given from inside
 * a pull, so that stacks stay flat.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <string.h>

#include "net/client_parts.h"

/* The consumer has gone, and nothing of this stream is on the stack. */
static void
finish(struct client_call *call)
{
    if (call->channel != NULL)
        channel_close(call->channel);
    client_release(call, call->over ? call->err.code : WEIR_CANCELLED);
}

static void
on_close(void *source)
{
    struct client_call *call = source;
    call->closed = true;
    if (!call->giving)
        finish(call);
}

/* Hands on a piece, or the end. False: the consumer has gone, and so has CALL. */
static bool
give(struct client_call *call, const char *bytes, size_t len, const struct weir_error *err)
{
    call->pulled = false;
    call->phase_ms = UINT64_MAX;
    call->giving = true;
    stream_give(call->out, bytes, len, err);
    call->giving = false;
    if (!call->closed)
        return true;
    finish(call);
    return false;
}

void
client_stream_end(struct client_call *call, const struct weir_error *err)
{
    struct weir_error end = { .code = WEIR_OK };
    if (err != NULL) {
        end = *err;
        end.sent = 1;
    }
    soon_remove(&call->soon);
    client_upload_close(call);
    if (call->channel != NULL)
        channel_release(call->channel, err == NULL && call->keep);
    call->over = true;
    call->err.code = end.code;
    (void)give(call, "", 0, err != NULL ? &end : NULL);
}

/* Decodes LEN bytes; the pieces are moved together, so that one is given. */
static enum http_progress
decode(struct client_call *call, char *bytes, size_t len, struct weir_text *ret,
       size_t *ret_used, struct weir_error *err)
{
    enum http_progress p = HTTP_MORE;
    size_t at = 0;
    size_t out = 0;
    while (at < len && p == HTTP_MORE) {
        size_t used = 0;
        struct weir_text piece = { NULL, 0 };
        p = http_body_read(&call->incoming, bytes + at, len - at, &used, &piece, err);
        if (piece.len > 0 && p != HTTP_BAD) {
            memmove(bytes + out, piece.bytes, piece.len);
            out += piece.len;
        }
        at += used;
    }
    *ret = (struct weir_text){ bytes, out };
    *ret_used = at;
    return p;
}

bool
client_stream_read(struct channel *ch, char *bytes, size_t len)
{
    struct client_call *call = ch->call;
    if (!call->pulled) {
        (void)buf_add(&ch->in, bytes, len, NULL);
        return true;
    }
    struct weir_error err;
    struct weir_text piece;
    size_t used;
    enum http_progress p = decode(call, bytes, len, &piece, &used, &err);
    if (piece.len > 0 && !give(call, piece.bytes, piece.len, NULL))
        return false;
    if (p == HTTP_BAD) {
        client_fail_with(call, WEIR_UPSTREAM, "the body of the answer: %s", err.text);
        return false;
    }
    if (p == HTTP_DONE) {
        call->keep = call->keep && used == len && !client_unsent(call);
        client_stream_end(call, NULL);
        return false;
    }
    channel_want(ch);
    return true;
}

/* Gives what was here before it was pulled. */
static void
on_soon(void *arg)
{
    struct client_call *call = arg;
    struct channel *ch = call->channel;
    struct buf in = ch->in;
    buf_init(&ch->in, in.max);
    bool on = in.len > 0 ? client_stream_read(ch, in.bytes, in.len) : true;
    buf_fini(&in);
    if (on && call->pulled && ch->ending)
        client_answer_end(ch, ch->clean, "closed the connection");
}

static void
on_pull(void *source)
{
    struct client_call *call = source;
    struct channel *ch = call->channel;
    if (call->over || ch == NULL)
        return;
    call->pulled = true;
    call->phase_ms = shard_now(call->client->shard) + call->first_byte_ms;
    client_arm(call);
    if (ch->in.len > 0 || ch->ending)
        soon_add(call->client->shard, &call->soon);
    else
        channel_want(ch);
}

void
client_stream_begin(struct channel *ch, char *bytes, size_t len)
{
    static const struct stream_source how = { .pull = on_pull, .close = on_close };
    struct client_call *call = ch->call;
    if (ch->in.len > 0)
        buf_shift(&ch->in, ch->in.len - len); /* BYTES stand at its end */
    else
        (void)buf_add(&ch->in, bytes, len, NULL);
    client_enter(call, CALL_STREAMING);
    call->limit_ms = call->stream_ms;
    call->phase_ms = UINT64_MAX;
    client_arm(call);
    soon_init(&call->soon, on_soon, call);
    channel_want(ch);

    bool known = call->incoming.kind == HTTP_BODY_LENGTH;
    const struct weir_value *body =
        stream_new(&how, call, known ? call->incoming.left : UINT64_MAX, &call->out);
    client_answer_give(call, &body);
}
