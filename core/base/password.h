/* base/password.h - passwords as they are kept: scrypt (RFC 7914), which makes guessing them dear.
 *
 * Written as others write it, too: $scrypt$ln=15,r=8,p=1$SALT$HASH, both in base64 without padding; ln is the
 * logarithm of the cost N. A check takes some hundredths of a second and some MiB: not on a shard's
 * thread. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_PASSWORD_H
#define BASE_PASSWORD_H

#include "base/buf.h"

/* Whether HASH is such a text, whose cost (at most 64 MiB, and four times that of ln=15,r=8) can be
 * afforded. WEIR_INVALID says why not. */
enum weir_code password_hash_check(struct weir_text hash, struct weir_error *err);

/* Whether PASSWORD is the one of HASH; in constant time. False for a hash that is none. */
bool password_check(struct weir_text hash, struct weir_text password);

/* Appends a hash of PASSWORD with a new salt. */
void password_hash(struct buf *out, struct weir_text password);

#endif
