/* net/client_upload.c - a request's body that is read from a stream while it is sent.
 *
 * A piece is pulled when the one before it went to the socket, so that no more than one is
 * here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <string.h>

#include "net/client_parts.h"

/* The stream ends badly: so does the call. Inside a pull, the one who pulls ends it. */
static void
fail(struct client_call *call, enum weir_code code, const char *text)
{
    struct weir_error err;
    err_set(&err, code, "the body of the request: %s", text);
    client_upload_close(call);
    if (call->pulling)
        call->err = err;
    else
        client_fail(call, &err);
}

/* The stream has come to its end. */
static bool
finish(struct client_call *call)
{
    if (call->upload_left != UINT64_MAX && call->upload_left > 0) {
        fail(call, WEIR_INVALID, "it ended before its length");
        return false;
    }
    if (call->upload_left == UINT64_MAX)
        (void)buf_puts(&call->frame, "0\r\n\r\n");
    client_upload_close(call);
    return true;
}

/* Frames a piece for the socket. */
static bool
add_piece(struct client_call *call, const char *bytes, size_t len)
{
    if (len > call->upload_left) {
        fail(call, WEIR_INVALID, "it is longer than its length");
        return false;
    }
    bool chunked = call->upload_left == UINT64_MAX;
    if (!chunked)
        call->upload_left -= len;
    bool fits = (!chunked || buf_printf(&call->frame, "%zx\r\n", len)) &&
                buf_text(&call->frame, (struct weir_text){ bytes, len }) &&
                (!chunked || buf_puts(&call->frame, "\r\n"));
    if (!fits)
        fail(call, WEIR_TOO_LARGE, "a piece of it is too large");
    return fits;
}

static void
on_piece(void *arg, const char *bytes, size_t len, const struct weir_error *err)
{
    struct client_call *call = arg;
    if (err != NULL) {
        fail(call, (enum weir_code)err->code, err->text);
        return;
    }
    buf_reset(&call->frame);
    call->frame_sent = 0;
    bool good = len == 0 ? finish(call) : add_piece(call, bytes, len);
    if (!good || call->channel == NULL)
        return;
    channel_expect(call->channel);
    if (!call->pulling)
        (void)channel_write(call->channel);
}

enum weir_code
client_upload_open(struct client_call *call, struct weir_error *err)
{
    call->upload_left = stream_length(call->body);
    if (!stream_take(call->body, on_piece, call, &call->upload))
        return err_set(err, WEIR_INVALID,
                       "the stream that is the request's body was read before");
    return WEIR_OK;
}

enum upload_progress
client_upload_pull(struct client_call *call)
{
    call->err.code = WEIR_OK;
    call->upload_begun = true;
    call->pulling = true;
    stream_pull(call->upload);
    call->pulling = false;
    if (call->err.code != WEIR_OK) {
        struct weir_error err = call->err;
        client_fail(call, &err);
        return UPLOAD_OVER;
    }
    return client_has_bytes(call) ? UPLOAD_HERE : UPLOAD_LATER;
}

void
client_upload_close(struct client_call *call)
{
    stream_drop(&call->upload);
}
