/* net/tls_reason.h - why OpenSSL said no, in words for the one who has to mend it.
 *
 * Private to net/tls*.c. Both look at the calling thread's error queue and empty it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_TLS_REASON_H
#define NET_TLS_REASON_H

#include <openssl/ssl.h>

#include "base/err.h"

/* WEIR_UPSTREAM with the reason why a connection to the server of that NAME failed. */
enum weir_code tls_reason(const SSL *ssl, const char *name, struct weir_error *err);

/* WEIR_INVALID with the reason why the option WHAT ("ca") could not be used. */
enum weir_code tls_option_reason(const char *what, struct weir_error *err);

#endif
