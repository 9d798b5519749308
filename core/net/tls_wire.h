/* net/tls_wire.h - the BIO between OpenSSL and the bytes of one call of net/tls.h.
 *
 * It reads from a text and writes to a buffer, both lent for the time of one call: nothing is
 * copied twice, and an idle connection keeps no buffers. Private to net/tls*.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_TLS_WIRE_H
#define NET_TLS_WIRE_H

#include <openssl/bio.h>

#include "base/buf.h"

struct tls_wire {
    struct weir_text in; /* what came from the socket and was not read yet */
    struct buf *out;     /* what is for the socket; lent */
};

/* A BIO over W, which must outlive it; owned by the caller. NULL only without memory. */
BIO *tls_wire_bio(struct tls_wire *w);

#endif
