/* base/digest.h - digests and message authentication, by libcrypto. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/err.h"

#define DIGEST_MAX 64

/* The algorithm of a name ("sha1", "sha256", "sha384", "sha512"); 0 if there is none. */
uint32_t digest_find(struct weir_text name);

/* Writes the digest of TEXT and returns its length; 0 for an unknown algorithm. */
size_t digest(uint32_t algorithm, struct weir_text text, uint8_t ret[DIGEST_MAX]);

/* HMAC (RFC 2104), as digest. */
size_t digest_hmac(uint32_t algorithm, struct weir_text key, struct weir_text text,
                   uint8_t ret[DIGEST_MAX]);

/* The same of N texts, one behind the other. */
size_t digest_hmac_parts(uint32_t algorithm, struct weir_text key, const struct weir_text *parts, size_t n,
                         uint8_t ret[DIGEST_MAX]);

/* Compares in a time that depends on the lengths alone. */
bool digest_equal(struct weir_text a, struct weir_text b);

#endif
