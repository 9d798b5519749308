/* net/tls_memory.h - where OpenSSL keeps what it knows of a connection.
 *
 * The SSL of a connection is one block of more than 7 KiB, built for 32 records at once, and nearly all zero. It gets
 * pages of its own, so that it can be folded (base/fold.h) while the connection rests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_TLS_MEMORY_H
#define NET_TLS_MEMORY_H

#include <openssl/ssl.h>

#include "base/fold.h"

/* Makes that possible; else they are in the heap, and nothing is folded. Once, before anything of OpenSSL is used. */
void tls_memory_begin(void);

/* SSL_new, with the SSL in F, which is zero; F stays so if that is not to be had. NULL: there is no memory. */
SSL *tls_memory_ssl_new(SSL_CTX *context, struct fold *f) MUST_USE;

/* SSL_free of such a one, and F's end. Nobody else may hold it. */
void tls_memory_ssl_free(SSL **ssl, struct fold *f);

#endif
