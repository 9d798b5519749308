/* value/msgpack.h - MessagePack to values and back. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_MSGPACK_H
#define VALUE_MSGPACK_H

#include "base/buf.h"
#include "value/value.h"

/* Appends V. Integers and doubles keep their kind, bytes become bin. WEIR_TOO_LARGE if OUT is
 * full (then it holds a part), WEIR_INVALID for a stream and for what is deeper than
 * VALUE_DEPTH. */
enum weir_code msgpack_write(struct buf *out, const struct weir_value *v, struct weir_error *err) MUST_USE;

/* Reads one value that takes up all of BYTES: depth VALUE_DEPTH, keys must be strings, strings
 * UTF-8, doubles finite, no extension types; integers above 2^63-1 become doubles; of duplicate
 * keys the last wins. *ret is owned. */
enum weir_code msgpack_read(struct weir_text bytes, const struct weir_value **ret,
                            struct weir_error *err) MUST_USE;

#endif
