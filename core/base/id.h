/* base/id.h - identities of runs, requests, traces. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/err.h"

#define ID_UUID 37 /* characters of a UUID and the NUL */

/* A UUID of version 7 (RFC 9562): sorts by time, 74 bits random. */
void id_uuid7(uint64_t wall_ms, char ret[ID_UUID]);

/* A UUID of version 4: all random. */
void id_uuid4(char ret[ID_UUID]);

/* A UUID of version 8 (RFC 9562) made of 16 BYTES: whoever has the same ones makes the same. */
void id_uuid8(const uint8_t *bytes, char ret[ID_UUID]);

/* N random bytes as 2 N lower-case hex digits and a NUL. */
void id_hex(char *ret, size_t n);

#endif
