/* edge/connection_write.c - output of a connection, and its last moments; see connection.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <errno.h>

#include "base/fault.h"
#include "edge/request.h"

/* While lingering: without a byte, in all, and how much is taken. */
#define LINGER_IDLE_MS 2000
#define LINGER_MS 10000
#define LINGER_BYTES (16u * 1024u * 1024u)

/* Reads in one go; then other connections have their turn. */
#define DISCARD_READS 8

ssize_t
connection_receive(struct connection *c, void *ret, size_t room)
{
    return recv(c->fd, ret, fault(READ_ONE_BYTE) ? 1 : room, 0);
}

size_t
connection_write(struct connection *c, const struct iovec *parts, unsigned n, bool *ret_gone)
{
    struct iovec one = { parts[0].iov_base, 1 };
    struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = n };
    if (fault(WRITE_ONE_BYTE) && parts[0].iov_len > 0) {
        message.msg_iov = &one;
        message.msg_iovlen = 1;
    }
    *ret_gone = false;
    ssize_t put;
    do
        put = sendmsg(c->fd, &message, MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    if (put >= 0)
        return (size_t)put;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return 0;
    *ret_gone = true;
    connection_close(c, false);
    return 0;
}

bool
connection_continue(struct request *r)
{
    struct connection *c = r->connection;
    if (c->start != c->end)
        return true;
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec part = { (void *)(uintptr_t)text, sizeof(text) - 1 };
    while (part.iov_len > 0) {
        bool gone;
        size_t put = connection_write(c, &part, 1, &gone);
        if (gone)
            return false;
        if (put == 0) {
            connection_close(c, false); /* a caller who does not read what came before */
            return false;
        }
        part.iov_base = (char *)part.iov_base + put;
        part.iov_len -= put;
    }
    return true;
}

void
connection_linger(struct connection *c)
{
    uint64_t now_ms = shard_now(c->edge->shard);
    buffer_unref(&c->edge->buffers, &c->in);
    c->start = c->end = 0;
    if (shutdown(c->fd, SHUT_WR) != 0) {
        connection_close(c, false);
        return;
    }
    connection_go(c, CONNECTION_LINGER);
    c->linger_ms = now_ms + LINGER_MS;
    connection_deadline(c, now_ms + LINGER_IDLE_MS);
    connection_want(c, WEIR_READ);
}

void
connection_discard(struct connection *c)
{
    struct buffer *trash = buffer_new(&c->edge->buffers, BUFFER_LARGE);
    ssize_t n = 1;
    for (unsigned i = 0; i < DISCARD_READS && n > 0 && c->thrown <= LINGER_BYTES; i++) {
        n = connection_receive(c, trash->bytes, trash->room);
        if (n > 0)
            c->thrown += (uint64_t)n;
    }
    bool later = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    buffer_unref(&c->edge->buffers, &trash);
    if ((n <= 0 && !later) || c->thrown > LINGER_BYTES) {
        connection_close(c, n > 0);
        return;
    }
    uint64_t at_ms = shard_now(c->edge->shard) + LINGER_IDLE_MS;
    connection_deadline(c, at_ms < c->linger_ms ? at_ms : c->linger_ms);
}
