/* net/tls_names.h - what stands in a certificate: names, and who its owner is. Any thread.
 * Private to net/tls*.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_TLS_NAMES_H
#define NET_TLS_NAMES_H

#include <openssl/x509.h>

#include "value/value.h"

/* Calls FN with each DNS name that a certificate is for; with the common name of its subject if
 * it has no alternative names at all. */
void tls_names_each(const X509 *x, void (*fn)(void *arg, struct weir_text name), void *arg);

/* The first name that it is for: a DNS name, else an address, else its common name, else "-".
 */
void tls_name_first(const X509 *x, char *ret, size_t room);

/* The addresses that it is for, as a list of texts, owned by the caller. */
const struct weir_value *tls_names_addresses(const X509 *x);

/* { subject, dns, uris, emails, fingerprint }: the subject as RFC 2253 writes it, its
 * alternative names, and the SHA-256 of the certificate in hex. Owned by the caller. */
const struct weir_value *tls_names_value(const X509 *x);

#endif
