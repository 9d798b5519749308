/* net/client_answer.c - an answer as its bytes come: heads, bodies, the end.
 *
 * A body that is here whole with its head is copied once, into its value. A longer one of known
 * length is read into the memory that becomes its value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/scarce.h"
#include "net/client_parts.h"

#define REDIRECT_BODY (64u << 10) /* of a redirect; a longer one is not waited for */
#define SMALL_BODY (64u << 10)    /* is taken even if memory is all but gone */
#define NO_MEMORY "this process is short of memory for the body of the answer"

void
client_answer_reset(struct client_call *call)
{
    free(call->bytes);
    call->bytes = NULL;
    value_unref(&call->headers);
    buf_fini(&call->grown);
    buf_reset(&call->location);
    call->begun = call->has_head = call->keep = false;
    call->pulled = call->giving = false;
    call->interim = call->n_codings = 0;
    call->status = 0;
    call->head_seen = 0;
    call->filled = call->length = 0;
    call->out = NULL;
}

/* Prefixes the server. */
static bool
fail(struct client_call *call, const struct weir_error *err)
{
    client_fail_with(call, (enum weir_code)err->code, "%s", err->text);
    return false;
}

void
client_answer_give(struct client_call *call, const struct weir_value **take_body)
{
    struct weir_http_answer answer = {
        .size = sizeof answer,
        .status = call->status,
        .headers = call->headers,
        .body = *take_body,
    };
    weir_http_fn *fn = call->fn;
    void *arg = call->arg;
    *take_body = NULL;
    call->headers = NULL;
    if (call->state != CALL_STREAMING)
        client_release(call, WEIR_OK);
    fn(arg, &answer, NULL);
    value_unref(&answer.headers);
    value_unref(&answer.body);
}

/* The value of a body that stays as it is. What has memory of its own gives it away. */
static const struct weir_value *
plain_body(struct client_call *call, struct weir_text here)
{
    char *bytes = call->bytes;
    size_t len = here.len;
    if (bytes != NULL)
        call->bytes = NULL;
    else if (call->grown.len > 0)
        bytes = buf_give(&call->grown, &len);
    else
        return value_bytes(here.bytes, here.len);
    return value_take(WEIR_BYTES, bytes, len);
}

/* Makes the value of the body that is at HERE, in CALL.bytes or in CALL.grown. */
static enum weir_code
make_body(struct client_call *call, struct weir_text here, const struct weir_value **ret,
          struct weir_error *err)
{
    if (call->bytes != NULL)
        here = (struct weir_text){ call->bytes, call->length };
    else if (call->grown.len > 0)
        here = buf_content(&call->grown);
    if (call->n_codings == 0 || here.len == 0) {
        *ret = plain_body(call, here);
        return WEIR_OK;
    }
    struct buf decoded;
    if (client_decode(call->codings, call->n_codings, here, call->max_body, &decoded, err) !=
        WEIR_OK)
        return (enum weir_code)err->code;
    if (scarce_took(decoded.len) && decoded.len > SMALL_BODY) {
        buf_fini(&decoded);
        return err_set(err, WEIR_UNAVAILABLE, NO_MEMORY);
    }
    size_t len;
    char *bytes = buf_give(&decoded, &len);
    *ret = value_take(WEIR_BYTES, bytes, len);
    return WEIR_OK;
}

/* The answer is here; HERE is its body, if it is nowhere else. MORE: bytes follow that belong
 * to no answer. The channel is free before the caller hears of it. */
static bool
complete(struct channel *ch, struct weir_text here, bool more)
{
    struct client_call *call = ch->call;
    bool keep = call->keep && !more && !client_unsent(call);
    if (call->location.len > 0) {
        channel_release(ch, keep);
        client_redirect(call);
        return false;
    }
    const struct weir_value *body = NULL;
    struct weir_error err;
    if (make_body(call, here, &body, &err) != WEIR_OK) {
        channel_release(ch, false);
        return fail(call, &err);
    }
    channel_release(ch, keep);
    client_answer_give(call, &body);
    return false;
}

/* The answer is longer than it may be; of a redirect, that is no matter. */
static bool
too_long(struct channel *ch)
{
    struct client_call *call = ch->call;
    if (call->location.len > 0)
        return complete(ch, TEXT(""), true);
    client_fail_with(call, WEIR_TOO_LARGE, "the body of the answer is larger than %llu bytes",
                     (unsigned long long)call->max_body);
    return false;
}

/* Gives up an answer of which NOW bytes are held, LEN of them new, if memory is all but gone. */
static bool
is_starved(struct client_call *call, size_t now, size_t len)
{
    if (!scarce_took(len) || now <= SMALL_BODY)
        return false;
    client_fail_with(call, WEIR_UNAVAILABLE, NO_MEMORY);
    return true;
}

/* A part of a body of unknown length. */
static bool
read_grown(struct channel *ch, const char *bytes, size_t len)
{
    struct client_call *call = ch->call;
    enum http_progress p = HTTP_MORE;
    size_t at = 0;
    while (at < len && p == HTTP_MORE) {
        size_t used = 0;
        struct weir_text piece;
        struct weir_error err;
        p = http_body_read(&call->incoming, bytes + at, len - at, &used, &piece, &err);
        if (p == HTTP_BAD) {
            client_fail_with(call, WEIR_UPSTREAM, "the body of the answer: %s", err.text);
            return false;
        }
        at += used;
        if (!buf_text(&call->grown, piece) ||
            http_body_ahead(&call->incoming) > call->grown.max - call->grown.len)
            return too_long(ch);
        if (is_starved(call, call->grown.len, piece.len))
            return false;
    }
    return p == HTTP_MORE ? true : complete(ch, TEXT(""), at < len);
}

/* The beginning of a body of known length. */
static bool
begin_length(struct channel *ch, const char *bytes, size_t len, uint64_t max)
{
    struct client_call *call = ch->call;
    uint64_t length = call->incoming.left;
    if (length > max)
        return too_long(ch);
    if (len >= length)
        return complete(ch, (struct weir_text){ bytes, (size_t)length }, len > length);
    if (is_starved(call, (size_t)length, 0))
        return false;
    call->length = (size_t)length;
    call->bytes = malloc(call->length);
    if (call->bytes == NULL) {
        client_fail_with(call, WEIR_UNAVAILABLE, "no memory for an answer of %zu bytes",
                         call->length);
        return false;
    }
    if (len > 0)
        memcpy(call->bytes, bytes, len);
    call->filled = len;
    return true;
}

/* The head is here, and LEN bytes that follow it. */
static bool
begin_body(struct channel *ch, char *bytes, size_t len)
{
    struct client_call *call = ch->call;
    bool follow = call->location.len > 0;
    uint64_t max = follow && call->max_body > REDIRECT_BODY ? REDIRECT_BODY : call->max_body;
    call->phase_ms = UINT64_MAX;
    if (call->incoming.kind == HTTP_BODY_LENGTH && call->incoming.left == 0)
        call->incoming.kind = HTTP_BODY_NONE;
    if (call->incoming.kind == HTTP_BODY_NONE)
        return complete(ch, TEXT(""), len > 0);
    if (call->stream && !follow) {
        client_stream_begin(ch, bytes, len);
        return false;
    }
    if (call->incoming.kind == HTTP_BODY_LENGTH)
        return begin_length(ch, bytes, len, max);
    buf_init(&call->grown, (size_t)max);
    return read_grown(ch, bytes, len);
}

/* Whether BYTES may be the beginning of an answer: what is none is not waited for. */
static bool
looks_right(const char *bytes, size_t len)
{
    static const char begin[] = "HTTP/1.";
    return memcmp(bytes, begin, len < sizeof begin - 1 ? len : sizeof begin - 1) == 0;
}

/* Keeps what is here of a head until more comes. */
static bool
keep_head(struct channel *ch, const char *bytes, size_t len)
{
    if (ch->in.len > 0)
        buf_shift(&ch->in, ch->in.len - len);
    else
        (void)buf_add(&ch->in, bytes, len, NULL);
    ch->call->head_seen = len;
    ch->call->phase_ms = UINT64_MAX;
    return true;
}

static bool
read_head(struct channel *ch, char *bytes, size_t len)
{
    struct client_call *call = ch->call;
    struct weir_error err;
    if (ch->in.len > 0) {
        (void)buf_add(&ch->in, bytes, len, NULL); /* it has room for a head and a read */
        bytes = ch->in.bytes;
        len = ch->in.len;
    }
    for (size_t at = 0; at < len;) {
        size_t head_len;
        if (!looks_right(bytes + at, len - at)) {
            err_set(&err, WEIR_UPSTREAM, "what it answers is not HTTP/1.1");
            return fail(call, &err);
        }
        enum http_progress p = http_head_find(bytes + at, len - at, call->head_seen,
                                              &http_answer_limits, &head_len, &err);
        if (p == HTTP_MORE)
            return keep_head(ch, bytes + at, len - at);
        call->head_seen = 0;
        if (p == HTTP_BAD)
            err_in(&err, "the head of the answer");
        if (p == HTTP_BAD || client_head_read(call, bytes + at, head_len, &err) != WEIR_OK) {
            err.code = WEIR_UPSTREAM;
            return fail(call, &err);
        }
        at += head_len;
        if (call->has_head)
            return begin_body(ch, bytes + at, len - at);
    }
    buf_reset(&ch->in); /* interim answers, and no more so far */
    return true;
}

bool
client_answer_read(struct channel *ch, char *bytes, size_t len)
{
    struct client_call *call = ch->call;
    call->begun = true;
    if (call->state == CALL_STREAMING)
        return client_stream_read(ch, bytes, len);
    if (!call->has_head)
        return read_head(ch, bytes, len);
    if (call->bytes == NULL)
        return read_grown(ch, bytes, len);

    size_t n = call->length - call->filled < len ? call->length - call->filled : len;
    memcpy(call->bytes + call->filled, bytes, n);
    call->filled += n;
    if (is_starved(call, call->filled, n))
        return false;
    return call->filled < call->length ? true : complete(ch, TEXT(""), n < len);
}

void
client_answer_filled(struct channel *ch, size_t len)
{
    struct client_call *call = ch->call;
    call->filled += len;
    if (is_starved(call, call->filled, len))
        return;
    if (call->filled == call->length)
        (void)complete(ch, TEXT(""), false);
}

/* Whether the other side had given the connection up before the request reached it, so that the
 * request may be sent again. */
static bool
is_stale(const struct channel *ch)
{
    const struct client_call *call = ch->call;
    return ch->used && !call->begun && !call->retried && !call->upload_begun &&
           (call->repeatable || !call->sent);
}

static void
try_again(struct channel *ch)
{
    struct client_call *call = ch->call;
    call->retried = true;
    call->head_sent = call->body_sent = 0;
    channel_close(ch);
    client_enter(call, CALL_NEW);
    upstream_serve(call, true);
}

void
client_answer_end(struct channel *ch, bool clean, const char *how)
{
    struct client_call *call = ch->call;
    struct weir_error err;
    if (is_stale(ch)) {
        try_again(ch);
        return;
    }
    if (call->has_head && clean && call->incoming.kind == HTTP_BODY_UNTIL_CLOSE &&
        http_body_end(&call->incoming, &err) == HTTP_DONE) {
        if (call->state == CALL_STREAMING)
            client_stream_end(call, NULL);
        else
            (void)complete(ch, TEXT(""), true);
        return;
    }
    const char *when = "in the middle of the body of its answer";
    if (!call->begun || (!call->has_head && ch->in.len == 0))
        when = "before it answered";
    else if (!call->has_head)
        when = "in the middle of the head of its answer";
    client_fail_with(call, WEIR_UPSTREAM, "%s %s", how, when);
}
