/* net/tls.h - TLS to upstreams (OpenSSL 3): 1.2 and 1.3, certificates and host names verified.
 *
 * The bytes go through memory BIOs, so that one read or write of a socket carries many records. One context a set of options; contexts are shared by threads, connections are not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/buf.h"
#include "value/value.h"

struct tls_context;
struct tls; /* one connection */

/* Reads the authorities of the system and readies OpenSSL, which takes up to a tenth of a second and
 * some MiB: at load, on the main thread, so that no shard has to at its first https request. Once
 * per process. */
void tls_prepare(void);

/* A context for clients. OPTIONS: { ca, cert, key, server_name } (paths or PEM texts) or NULL. */
enum weir_code tls_client_context(const struct weir_value *options, struct tls_context **ret,
                                  struct weir_error *err) MUST_USE;
void tls_context_free(struct tls_context **c);

/* Connections from now on take any certificate: for a person who has said so. Before the first one. */
void tls_context_trust_all(struct tls_context *c);

/* A connection to the server of that NAME, which its certificate must bear. */
enum weir_code tls_client_new(struct tls_context *c, struct weir_text name, struct tls **ret, struct weir_error *err) MUST_USE;
void tls_free(struct tls **t);

/* Feeds bytes from the socket; plain bytes are appended to PLAIN, and bytes for the socket to
 * WIRE. WEIR_UPSTREAM with the reason ("the certificate has expired") when it failed. *ret_ended:
 * a proper close_notify came. */
enum weir_code tls_read(struct tls *t, struct weir_text wire_in, struct buf *plain, struct buf *wire,
                        bool *ret_ended, struct weir_error *err) MUST_USE;

/* Encrypts plain bytes to WIRE; before the handshake is done they are kept. Also starts the
 * handshake (with an empty text). */
enum weir_code tls_write(struct tls *t, struct weir_text plain, struct buf *wire, struct weir_error *err) MUST_USE;

/* Whether the handshake is done. */
bool tls_ready(const struct tls *t);

#endif
