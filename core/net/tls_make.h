/* net/tls_make.h - certificates for development, and what stands in those of a file. Any
 * thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_TLS_MAKE_H
#define NET_TLS_MAKE_H

#include "base/buf.h"

#define TLS_MAKE_NAMES 32

/* Appends a certificate for those N names (DNS names, also *.example.org, and addresses) that
 * is signed by itself and ends in DAYS, and its key (EC, P-256), in PEM. WEIR_INVALID for a
 * name that is none. */
enum weir_code tls_make(const char *const *names, unsigned n, unsigned days, struct buf *cert,
                        struct buf *key, struct weir_error *err) MUST_USE;

/* One certificate of a file. */
struct tls_shown {
    char subject[512]; /* as RFC 2253 writes it; cut */
    char issuer[512];
    char names[1024];     /* alternative names, separated by blanks; cut */
    char fingerprint[65]; /* SHA-256 in hex */
    int64_t from_s;       /* seconds since 1970 */
    int64_t until_s;
};

/* Calls FN with each certificate in the file PATH, in PEM. WEIR_INVALID if there is none. */
enum weir_code tls_show(const char *path, void (*fn)(void *arg, const struct tls_shown *shown),
                        void *arg, struct weir_error *err) MUST_USE;

#endif
