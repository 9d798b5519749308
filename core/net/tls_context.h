/* net/tls_context.h - what the parts of net/tls.h share. Private to net/tls*.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "net/tls.h"

#define TLS_NAME_MAX 255

struct tls_context {
    SSL_CTX *openssl;                   /* owned */
    char server_name[TLS_NAME_MAX + 1]; /* instead of the URL's host; "" if not given */
};

#endif
