/* base/seal.h - bytes that only a key opens, and that nobody changes unseen.
 *
 * AES-256-GCM (NIST SP 800-38D) under a key that scrypt (RFC 7914) makes of a passphrase. Each
 * seal has a salt of its own, so a key with its nonce is never used twice. The layout, numbers
 * big-endian:
 *
 *    0   8  "WEIRSEAL"          16   4  length of the ciphertext
 *    8   1  version: 1          20  16  salt
 *    9   1  log2 of scrypt's N  36  12  nonce
 *   10   2  scrypt's r          48   n  ciphertext
 *   12   2  scrypt's p        48+n  16  tag
 *   14   2  zero
 *
 * The 48 bytes of the header are authenticated as additional data. What the header asks for is
 * bounded before anything is computed: a stranger's file can't take memory or hours. Any thread;
 * it computes for some tenths of a second.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H

#include "base/buf.h"

#define SEAL_HEADER 48u
#define SEAL_TAG 16u
#define SEAL_SALT 16u
#define SEAL_NONCE 12u
#define SEAL_TEXT_MAX (16u << 20) /* bytes that are sealed */

/* What scrypt costs: 128 * r * N bytes of memory, and p times as much work. */
struct seal_cost {
    uint8_t log_n; /* 10..20 */
    uint16_t r;    /* 1..32; r * N at most 2^21 (256 MiB) */
    uint16_t p;    /* 1..16; r * N * p at most 2^23 */
};

/* What a header says. */
struct seal_header {
    struct seal_cost cost;
    uint32_t len; /* of the ciphertext */
    uint8_t salt[SEAL_SALT];
    uint8_t nonce[SEAL_NONCE];
};

/* 32 MiB, three times: what OWASP's cheat sheet on storing passwords asks for at that memory. */
extern const struct seal_cost seal_cost_usual;

/* Appends TEXT, sealed with PASSPHRASE, to OUT. WEIR_INVALID: a cost out of its bounds;
 * WEIR_TOO_LARGE. */
enum weir_code seal_close(struct weir_text passphrase, const struct seal_cost *cost, struct weir_text text,
                          struct buf *out, struct weir_error *err) MUST_USE;

/* Appends to OUT what is in SEALED. WEIR_INVALID: it is no seal, of a newer version, cut off, or
 * asks for too much; WEIR_FORBIDDEN: the passphrase is another one, or a byte was changed (which of
 * the two can't be told). Nothing is appended then. */
enum weir_code seal_open(struct weir_text passphrase, struct weir_text sealed, struct buf *out,
                         struct weir_error *err) MUST_USE;

/* Reads and checks the header of SEALED and its length, as seal_open does first. */
enum weir_code seal_read_header(struct weir_text sealed, struct seal_header *ret, struct weir_error *err) MUST_USE;

#endif
