/* edge/connection_write.c - output of a connection, and its last moments; see connection.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "edge/request.h"
#include "net/tls_socket.h"

/* While lingering: without a byte, in all, and how much is taken. */
#define LINGER_IDLE_MS 2000
#define LINGER_MS 10000
#define LINGER_BYTES (16u * 1024u * 1024u)

/* Reads in one go; then other connections have their turn. So with records of TLS. */
#define DISCARD_READS 8
#define RECORDS_MAX 16

/* Bytes that are copied to be one part: what has more costs more to copy than to list. */
#define TOGETHER_MAX 2048

/* Reads what came over TLS. What OpenSSL has taken from the descriptor already wakes nobody,
 * nor does an end that it has seen: it is looked for again soon. */
static ssize_t
receive_sealed(struct connection *c, char *ret, size_t room)
{
    size_t got = 0;
    size_t n = 0;
    enum tls_step step;
    c->more = false;
    do {
        step = tls_socket_read(c->tls, ret + got, room - got, &n);
        if (step == TLS_DONE)
            got += n;
    } while (step == TLS_DONE && got < room && tls_socket_pending(c->tls));
    if (step == TLS_WANT_WRITE) {
        c->turned = true;
        connection_want(c, c->want | WEIR_WRITE);
    }
    if (got > 0) {
        bool waits = step == TLS_WANT_READ || step == TLS_WANT_WRITE;
        c->more = !waits && (step != TLS_DONE || tls_socket_pending(c->tls));
        if (c->more && (c->want & WEIR_READ))
            soon_add(c->edge->shard, &c->soon);
        return (ssize_t)got;
    }
    if (step == TLS_ENDED)
        return 0;
    if (step != TLS_FAILED)
        errno = EAGAIN;
    else if (errno == EOVERFLOW)
        edge_refused(c->edge, REFUSAL_FLOOD);
    return -1;
}

ssize_t
connection_receive(struct connection *c, void *ret, size_t room)
{
    if (c->tls != NULL)
        return receive_sealed(c, ret, fault(READ_ONE_BYTE) ? 1 : room);
    return recv(c->fd, ret, fault(READ_ONE_BYTE) ? 1 : room, 0);
}

/* The bytes of the next record, of those behind the first AT: where they are if a part has
 * enough of them or is the last one, else gathered, so that many small parts are one record. */
static struct weir_text
next_record(struct edge *e, const struct iovec *parts, unsigned n, size_t at)
{
    unsigned i = 0;
    for (; i < n && at >= parts[i].iov_len; i++)
        at -= parts[i].iov_len;
    struct weir_text text = { NULL, 0 };
    if (i == n)
        return text;
    text = (struct weir_text){ (const char *)parts[i].iov_base + at, parts[i].iov_len - at };
    if (i + 1 == n || text.len >= TLS_RECORD) {
        text.len = text.len < TLS_RECORD ? text.len : TLS_RECORD;
        return text;
    }
    if (e->record == NULL && (e->record = malloc(TLS_RECORD)) == NULL)
        abort();
    size_t len = 0;
    for (; i < n && len < TLS_RECORD; i++, at = 0) {
        size_t more = parts[i].iov_len - at;
        more = more < TLS_RECORD - len ? more : TLS_RECORD - len;
        memcpy(e->record + len, (const char *)parts[i].iov_base + at, more);
        len += more;
    }
    return (struct weir_text){ e->record, len };
}

/* Writes records until the kernel takes no more, or others have to have their turn. */
static size_t
write_sealed(struct connection *c, const struct iovec *parts, unsigned n, bool *ret_gone)
{
    size_t put = 0;
    *ret_gone = false;
    for (unsigned i = 0; i < RECORDS_MAX; i++) {
        struct weir_text record = next_record(c->edge, parts, n, put);
        size_t taken = 0;
        if (record.len == 0)
            return put;
        enum tls_step step = tls_socket_write(c->tls, record.bytes, record.len, &taken);
        put += taken;
        if (step == TLS_DONE)
            continue;
        if (step == TLS_WANT_READ) {
            c->turned = true;
            connection_want(c, c->want | WEIR_READ);
        }
        if (step == TLS_WANT_READ || step == TLS_WANT_WRITE)
            return put;
        *ret_gone = true;
        connection_close(c, false);
        return 0;
    }
    return put;
}

/* Hands the parts to the kernel. A usual answer is copied together: that takes less than the kernel's way
 * to look at a list of parts. */
static ssize_t
hand_over(int fd, const struct iovec *parts, unsigned n)
{
    char together[TOGETHER_MAX];
    size_t len = 0;
    if (n == 1)
        return send(fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
    for (unsigned i = 0; i < n; i++) {
        if (parts[i].iov_len == 0)
            continue;
        if (parts[i].iov_len > sizeof together - len) {
            struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = n };
            return sendmsg(fd, &message, MSG_NOSIGNAL);
        }
        memcpy(together + len, parts[i].iov_base, parts[i].iov_len);
        len += parts[i].iov_len;
    }
    return send(fd, together, len, MSG_NOSIGNAL);
}

size_t
connection_write(struct connection *c, const struct iovec *parts, unsigned n, bool *ret_gone)
{
    if (c->tls != NULL)
        return write_sealed(c, parts, n, ret_gone);
    struct iovec one = { parts[0].iov_base, 1 };
    if (fault(WRITE_ONE_BYTE) && parts[0].iov_len > 0) {
        parts = &one;
        n = 1;
    }
    *ret_gone = false;
    ssize_t put;
    do
        put = hand_over(c->fd, parts, n);
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
    if (c->tls != NULL) {
        /* What still comes is not worth being opened. */
        tls_socket_end(c->tls);
        tls_socket_free(&c->tls);
        c->more = false;
    }
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
