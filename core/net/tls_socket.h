/* net/tls_socket.h - TLS on a connection that a listener has accepted.
 *
 * OpenSSL reads and writes the socket itself, which must not block; it keeps no buffer while a
 * connection rests. A single call never reads the socket more than a few times, and who sends
 * messages of TLS without any bytes of its own is cut off, so that nobody can hold a shard.
 * The shard's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_TLS_SOCKET_H
#define NET_TLS_SOCKET_H

#include "net/tls_server.h"
#include "value/value.h"

#define TLS_RECORD 16384u /* plain bytes that one record holds */

struct tls_socket;

/* How a step went. */
enum tls_step {
    TLS_DONE,
    TLS_WANT_READ,  /* again once the socket is readable */
    TLS_WANT_WRITE, /* again once it is writable, with the same bytes in front */
    TLS_ENDED,      /* the caller sends no more */
    TLS_FAILED
};

/* TLS for the accepted FD, which stays the caller's; H2: HTTP/2 is offered. Never NULL. */
struct tls_socket *tls_socket_new(struct tls_server *s, int fd, bool h2);
/* Frees, and says nothing to the caller; NULL is accepted and left. */
void tls_socket_free(struct tls_socket **t);

/* Goes on with the handshake; TLS_DONE: it is over. TLS_FAILED with ERR's text for a log. */
enum tls_step tls_socket_shake(struct tls_socket *t, struct weir_error *err);

/* Reads 1 to ROOM plain bytes. TLS_FAILED: errno says why; EOVERFLOW: the caller sends messages of
 * TLS and nothing else. */
enum tls_step tls_socket_read(struct tls_socket *t, void *ret, size_t room, size_t *ret_len);

/* Whether input is here already that the socket does not tell of. */
bool tls_socket_pending(struct tls_socket *t);

/* Writes one record at most, of at least one byte. TLS_FAILED: errno says why. */
enum tls_step tls_socket_write(struct tls_socket *t, const void *bytes, size_t len,
                               size_t *ret_len);

/* Tells the caller that nothing more comes (close_notify), if it can be told at once. */
void tls_socket_end(struct tls_socket *t);

/* Whether HTTP/2 was agreed on (ALPN). */
bool tls_socket_h2(const struct tls_socket *t);

/* After a failed handshake: the caller began to speak HTTP without TLS. */
bool tls_socket_plain(const struct tls_socket *t);

/* Whether anything came at all. */
bool tls_socket_heard(const struct tls_socket *t);

/* "1.2" or "1.3", and whether a session was resumed, once the handshake is over. */
const char *tls_socket_version(struct tls_socket *t);
bool tls_socket_resumed(struct tls_socket *t);

/* Who the caller is by its verified certificate: { subject, dns, uris, emails, fingerprint },
 * owned by the caller of this; NULL: it showed none. */
const struct weir_value *tls_socket_peer(struct tls_socket *t);

/* Nothing is expected of T for a while: makes it as small as can be. Whatever is called next undoes that. */
void tls_socket_fold(struct tls_socket *t);

#endif
