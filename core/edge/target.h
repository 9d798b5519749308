/* edge/target.h - targets of requests: checked and brought into one form, once. Any thread.
 *
 * So that a path can't be read in two ways, what could change its route is refused: segments
 * "." and "..", also with a ";" behind them or percent-encoded, encoded slashes, backslashes
 * and control characters, and what is not UTF-8. Nothing is merged or removed: // stays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_TARGET_H
#define EDGE_TARGET_H

#include "base/arena.h"

struct target {
    struct weir_text path;    /* percent-encoded: where need be, in upper case */
    struct weir_text decoded; /* the path decoded, for the routes */
    struct weir_text query;   /* without ?, as sent */
    bool asterisk;            /* OPTIONS *: no path */
};

/* Reads a target of origin form, absolute form (http or https) or "*". BYTES are changed in
 * place, and the texts point into them or to memory of A. WEIR_INVALID with status 400. */
enum weir_code target_read(char *bytes, size_t len, struct arena *a, struct target *ret,
                           struct weir_error *err) MUST_USE;

/* The same, but %2F stays as it is: for who splits the path at / before decoding. */
enum weir_code target_read_slashes(char *bytes, size_t len, struct arena *a, struct target *ret,
                                   struct weir_error *err) MUST_USE;

#endif
