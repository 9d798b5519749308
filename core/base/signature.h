/* base/signature.h - whether a signature belongs to a text: the algorithms of JSON Web Signatures
 * (RFC 7518 section 3, RFC 8037), by libcrypto. Any thread.
 *
 * A key is made once and used often: reading one costs libcrypto more than a check does. It
 * knows the algorithms that it may be used with, so no caller can take a public key for a secret
 * (RFC 8725 section 2.1).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_SIGNATURE_H
#define BASE_SIGNATURE_H

#include "base/err.h"

#define SIGNATURE_MAX 1024 /* bytes of one: RSA of 8192 bits */

struct signature_key;

/* The algorithm of a name ("RS256"); 0 if there is none. */
uint32_t signature_find(struct weir_text name);

/* Each makes a key, owned by the caller, or returns NULL and fills ERR: what is no key, or one that is
 * too weak to be relied on: a secret below 256 bits, RSA below 2048. */

/* A secret of HMAC; it is good for the algorithms whose digest is not longer than it (RFC 7518 3.2). */
struct signature_key *signature_key_secret(struct weir_text secret, struct weir_error *err);
/* A public key or a certificate as PEM (RFC 7468): RSA, P-256, P-384, P-521, Ed25519. A private key is refused. */
struct signature_key *signature_key_pem(struct weir_text pem, struct weir_error *err);
/* RSA by modulus and exponent, as big-endian bytes. */
struct signature_key *signature_key_rsa(struct weir_text n, struct weir_text e, struct weir_error *err);
/* A point of the curve "P-256", "P-384" or "P-521"; coordinates as long as the field (RFC 7518 6.2.1). */
struct signature_key *signature_key_point(struct weir_text curve, struct weir_text x, struct weir_text y,
                                          struct weir_error *err);
/* Ed25519 (RFC 8032), 32 bytes. */
struct signature_key *signature_key_ed25519(struct weir_text x, struct weir_error *err);

/* Frees it; NULL is accepted and left. */
void signature_key_free(struct signature_key **k);

/* A bit (1 << algorithm) for each algorithm that the key may be used with. */
uint32_t signature_algorithms(const struct signature_key *k);

/* Whether SIGNATURE is one of TEXT by that algorithm (enum weir_signature). False for any that does not
 * fit the key. MACs are compared in constant time. */
bool signature_check(const struct signature_key *k, uint32_t algorithm, struct weir_text text,
                     struct weir_text signature);

#endif
