/* net/client_channel.c - connections to upstreams: writing, reading, idling, closing.
 *
 * The read watch is armed as long as a channel lives (but for a stream that nobody pulls), so
 * that an exchange costs one write, one wait and one read, and that an idle channel notices
 * when the other side closes it or says what nobody has asked for. Requests are written together
 * when the turn of the loop ends: see edge/request_send.c for why.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fault.h"
#include "net/client_parts.h"
#include "net/socket_reason.h"

#define PEEK_MS 10u        /* idle for longer: the watch may be late, so it is looked at */
#define IDLE_BUFFER 4096u  /* larger buffers are freed when a channel becomes idle */
#define PIECES_AT_ONCE 16u /* of an upload, before others get their turn */
#define ENCRYPT_AT_ONCE (64u << 10)
#define DIRECT_MAX (256u << 10) /* of an answer, in one read: then it is looked at whether there is memory */

static bool
would_block(int number)
{
    return number == EAGAIN || number == EWOULDBLOCK || number == EINTR;
}

/* Writing has failed. What the other side said before may still be read; that there is no more
 * of it, the read watch will tell. */
static void
become_mute(struct channel *ch)
{
    ch->mute = true;
    shutdown(ch->fd, SHUT_RDWR);
}

static ssize_t
put(struct channel *ch, struct iovec *parts, int n)
{
    if (fault(WRITE_ONE_BYTE)) {
        n = 1;
        parts[0].iov_len = 1;
    }
    if (n == 1)
        return send(ch->fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
    struct msghdr m = { .msg_iov = parts, .msg_iovlen = (size_t)n };
    return sendmsg(ch->fd, &m, MSG_NOSIGNAL);
}

bool
channel_flush(struct channel *ch)
{
    while (ch->wire_sent < ch->wire.len) {
        struct iovec part = { ch->wire.bytes + ch->wire_sent, ch->wire.len - ch->wire_sent };
        ssize_t n = put(ch, &part, 1);
        if (n < 0 && !would_block(errno))
            become_mute(ch);
        if (n < 0)
            return false;
        ch->wire_sent += (size_t)n;
        if (ch->call != NULL && ch->dial == NULL)
            ch->call->sent = true;
    }
    buf_reset(&ch->wire);
    ch->wire_sent = 0;
    return true;
}

/* The parts of the request that are here and not written; returns how many. */
static int
gather(const struct client_call *call, struct iovec ret[3])
{
    int n = 0;
    if (call->head_sent < call->head.len)
        ret[n++] = (struct iovec){ call->head.bytes + call->head_sent,
                                   call->head.len - call->head_sent };
    if (call->body_sent < call->body_text.len)
        ret[n++] = (struct iovec){ (char *)call->body_text.bytes + call->body_sent,
                                   call->body_text.len - call->body_sent };
    if (call->frame_sent < call->frame.len)
        ret[n++] = (struct iovec){ call->frame.bytes + call->frame_sent,
                                   call->frame.len - call->frame_sent };
    return n;
}

static size_t
step(size_t *at, size_t end, size_t left)
{
    size_t n = end - *at < left ? end - *at : left;
    *at += n;
    return left - n;
}

void
channel_expect(struct channel *ch)
{
    struct client_call *call = ch->call;
    if (call->state != CALL_EXCHANGING || call->has_head || ch->in.len > 0)
        return;
    call->phase_ms = shard_now(call->client->shard) + call->first_byte_ms;
    client_arm(call);
}

/* LEN bytes of the request were written: the other side is alive and has its time again. */
static void
advance(struct channel *ch, size_t len)
{
    struct client_call *call = ch->call;
    len = step(&call->head_sent, call->head.len, len);
    len = step(&call->body_sent, call->body_text.len, len);
    (void)step(&call->frame_sent, call->frame.len, len);
    channel_expect(ch);
}

/* Writes what is here. True: all of it. */
static bool
write_plain(struct channel *ch)
{
    struct iovec parts[3];
    int n = gather(ch->call, parts);
    if (n == 0)
        return true;
    ssize_t len = put(ch, parts, n);
    if (len < 0 && !would_block(errno))
        become_mute(ch);
    if (len <= 0)
        return false;
    ch->call->sent = true;
    advance(ch, (size_t)len);
    return !client_has_bytes(ch->call);
}

/* Encrypts a part of the request at a time, so that a long body is not there twice. */
static bool
write_tls(struct channel *ch)
{
    while (channel_flush(ch)) {
        struct iovec parts[3];
        if (gather(ch->call, parts) == 0)
            return true;
        struct weir_text plain = { parts[0].iov_base, parts[0].iov_len };
        if (plain.len > ENCRYPT_AT_ONCE)
            plain.len = ENCRYPT_AT_ONCE;
        if (tls_write(ch->tls, plain, &ch->wire, NULL) != WEIR_OK) {
            become_mute(ch);
            return false;
        }
        advance(ch, plain.len);
    }
    return false;
}

void
channel_want(struct channel *ch)
{
    const struct client_call *call = ch->call;
    unsigned want = WEIR_READ;
    if (call != NULL && call->state == CALL_STREAMING && (!call->pulled || ch->in.len > 0))
        want = 0;
    bool exchange = call != NULL && ch->dial == NULL;
    if (!ch->mute && (ch->wire.len > 0 || (exchange && client_has_bytes(call))))
        want |= WEIR_WRITE;
    watch_want(ch->watch, want);
}

bool
channel_write(struct channel *ch)
{
    struct client_call *call = ch->call;
    for (unsigned i = 0; i < PIECES_AT_ONCE && !ch->mute; i++) {
        bool all = ch->tls != NULL ? write_tls(ch) : write_plain(ch);
        if (!all || call->upload == NULL)
            break;
        enum upload_progress p = client_upload_pull(call);
        if (p == UPLOAD_OVER)
            return false;
        if (p == UPLOAD_LATER) {
            call->phase_ms = UINT64_MAX; /* the source keeps us waiting, not the upstream */
            break;
        }
    }
    channel_want(ch);
    return true;
}

bool
channel_alive(struct channel *ch)
{
    uint64_t idle_ms = shard_now(ch->upstream->client->shard) - ch->idle_since_ms;
    if (idle_ms >= ch->keep_ms)
        return false;
    if (idle_ms < PEEK_MS)
        return true;
    char byte;
    return recv(ch->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && would_block(errno);
}

void
channel_use(struct channel *ch, struct client_call *call)
{
    struct client *c = call->client;
    if (ch->call == NULL) {
        list_remove(&ch->link);
        c->n_idle--;
        c->n_busy++;
    }
    ch->call = call;
    call->channel = ch;
    client_enter(call, CALL_EXCHANGING);
    channel_expect(ch);
    soon_add_late(c->shard, &ch->start);
}

void
channel_on_start(void *arg)
{
    struct channel *ch = arg;
    if (ch->call != NULL)
        (void)channel_write(ch);
}

/* Becomes idle; the latest used is the first to be used again. */
static void
rest(struct channel *ch)
{
    struct client *c = ch->upstream->client;
    ch->used = true;
    ch->idle_since_ms = shard_now(c->shard);
    buf_reset(&ch->in);
    if (ch->in.room > IDLE_BUFFER)
        buf_fini(&ch->in);
    if (ch->wire.room > IDLE_BUFFER && ch->wire.len == 0)
        buf_fini(&ch->wire);
    list_unshift(&ch->upstream->idle, &ch->link);
    c->n_idle++;
    uint64_t at = ch->idle_since_ms + ch->keep_ms;
    if (!timer_armed(&ch->idle) || ch->idle.link.key > at)
        timer_set(c->shard, &ch->idle, at);
    channel_want(ch);
    upstream_wake(ch->upstream);
}

void
channel_on_idle(void *arg)
{
    struct channel *ch = arg;
    if (ch->call != NULL)
        return;
    struct weir_shard *s = ch->upstream->client->shard;
    if (shard_now(s) < ch->idle_since_ms + ch->keep_ms)
        timer_set(s, &ch->idle, ch->idle_since_ms + ch->keep_ms);
    else
        channel_close(ch);
}

void
channel_release(struct channel *ch, bool keep)
{
    if (!keep || ch->ending || ch->mute || ch->keep_ms == 0) {
        channel_close(ch);
        return;
    }
    ch->call->channel = NULL;
    ch->call = NULL;
    ch->upstream->client->n_busy--;
    rest(ch);
}

void
channel_close(struct channel *ch)
{
    struct upstream *u = ch->upstream;
    if (ch->call != NULL) {
        ch->call->channel = NULL;
        u->client->n_busy--;
    } else {
        list_remove(&ch->link);
        u->client->n_idle--;
    }
    dial_free(&ch->dial);
    watch_free(&ch->watch);
    if (ch->fd >= 0)
        close(ch->fd);
    timer_unset(u->client->shard, &ch->idle);
    soon_remove(&ch->start);
    tls_free(&ch->tls);
    buf_fini(&ch->in);
    buf_fini(&ch->wire);
    free(ch);
    u->n_channels--;
    upstream_wake(u);
}

/* The other side has ended; a channel without a call is closed. */
static void
ended(struct channel *ch, bool clean, const char *how)
{
    ch->ending = true;
    ch->clean = clean;
    if (ch->call == NULL)
        channel_close(ch);
    else
        client_answer_end(ch, clean, how);
}

/* Decrypts LEN bytes and gives them on. An idle channel may get session tickets, and nothing
 * else. */
static void
read_tls(struct channel *ch, const char *bytes, size_t len)
{
    struct client *c = ch->upstream->client;
    bool idle = ch->call == NULL;
    struct weir_error err;
    bool closed;
    buf_reset(&c->plain);
    bool good = tls_read(ch->tls, (struct weir_text){ bytes, len }, &c->plain, &ch->wire,
                         &closed, &err) == WEIR_OK;
    ch->ending = closed || !good;
    ch->clean = closed;
    if (ch->wire.len > 0 && !ch->mute && !channel_flush(ch))
        channel_want(ch);
    if (idle && c->plain.len > 0)
        ch->ending = true;
    if (!idle && c->plain.len > 0 && !client_answer_read(ch, c->plain.bytes, c->plain.len))
        return;
    if (ch->ending)
        ended(ch, good, good ? "closed the connection" : err.text);
}

static void
read_some(struct channel *ch)
{
    struct client_call *call = ch->call;
    bool direct = call != NULL && call->bytes != NULL && ch->tls == NULL;
    char *room = direct ? call->bytes + call->filled : ch->upstream->client->scratch;
    size_t len = direct ? call->length - call->filled : CLIENT_READ;
    if (len > DIRECT_MAX)
        len = DIRECT_MAX;
    ssize_t n = recv(ch->fd, room, fault(READ_ONE_BYTE) ? 1 : len, 0);
    if (n < 0 && would_block(errno))
        return;
    if (n < 0)
        ended(ch, false, socket_reason(errno));
    else if (n == 0)
        ended(ch, ch->tls == NULL, "closed the connection");
    else if (direct)
        client_answer_filled(ch, (size_t)n);
    else if (ch->tls != NULL)
        read_tls(ch, room, (size_t)n);
    else if (call != NULL)
        (void)client_answer_read(ch, room, (size_t)n);
    else
        channel_close(ch);
}

void
channel_on_ready(void *arg, int fd, unsigned ready)
{
    (void)fd;
    struct channel *ch = arg;
    if (ch->dial != NULL) {
        dial_on_ready(ch, ready);
        return;
    }
    if (ready & WEIR_WRITE && ch->call == NULL && channel_flush(ch))
        channel_want(ch);
    if (ready & WEIR_WRITE && ch->call != NULL && !channel_write(ch))
        return;
    if (ready & WEIR_READ)
        read_some(ch);
}
