/* base/ed25519.h - signatures with a pair of keys (Ed25519, RFC 8032), by libcrypto. Any thread.
 *
 * A message is N texts, one behind the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_ED25519_H
#define BASE_ED25519_H

#include "base/err.h"

#define ED25519_KEY 32
#define ED25519_SIGNATURE 64

/* Whether SIGNATURE of the message was made with the private key that belongs to the public KEY.
 * False also for a key or signature of another length. */
bool ed25519_verify(struct weir_text key, const struct weir_text *parts, size_t n, struct weir_text signature);

/* Signs the message with the private KEY: 32 bytes (RFC 8032's secret key, a seed), or 64 of which
 * the others are the public key. False if it is none. */
bool ed25519_sign(struct weir_text key, const struct weir_text *parts, size_t n, uint8_t ret[ED25519_SIGNATURE]);

#endif
