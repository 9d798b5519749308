/* base/encode.h - bytes as text: hex, base64 (RFC 4648), percent-encoding (RFC 3986), UTF-8. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/buf.h"

/* The two digits of each byte in lower-case hex. */
extern const char hex_pairs[256][2];

/* Writes the two digits of BYTE to AT; returns the end of them. */
static inline char *
hex_put(char *at, uint8_t byte)
{
    memcpy(at, hex_pairs[byte], sizeof hex_pairs[byte]);
    return at + sizeof hex_pairs[byte];
}

/* Appends lower-case hex; false if B is full. */
bool hex_encode(struct buf *b, struct weir_text bytes);
/* Appends the bytes of hex in either case. WEIR_INVALID if it is none. */
enum weir_code hex_decode(struct buf *b, struct weir_text hex, struct weir_error *err);

/* Appends base64 with padding; URL: the alphabet of section 5, without padding. */
bool base64_encode(struct buf *b, struct weir_text bytes, bool url);
/* Appends the bytes of base64 in either alphabet, padding optional; white space is refused. */
enum weir_code base64_decode(struct buf *b, struct weir_text text, struct weir_error *err);

/* Appends TEXT with everything but unreserved characters percent-encoded. */
bool url_encode(struct buf *b, struct weir_text text);
/* Appends TEXT with %XX decoded; PLUS: + is a blank (forms). WEIR_INVALID for a bad escape. */
enum weir_code url_decode(struct buf *b, struct weir_text text, bool plus, struct weir_error *err);

/* Whether TEXT is well-formed UTF-8 (Unicode 15, table 3-7). */
bool utf8_valid(struct weir_text text);
/* Code points of a well-formed TEXT. */
size_t utf8_count(struct weir_text text);
/* Bytes of the first N code points of a well-formed TEXT. */
size_t utf8_prefix(struct weir_text text, size_t n);
/* Reads the code point at *at and moves *at behind it; UINT32_MAX if it is malformed, then
 * *at moves by one byte. */
uint32_t utf8_next(struct weir_text text, size_t *at);
/* Writes a code point (1 to 4 bytes) and returns how many; 0 for what is none. */
size_t utf8_write(char ret[4], uint32_t code_point);

#endif
