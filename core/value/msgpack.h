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

/* Pieces of MessagePack, for what is no value yet: each appends one, and is false if OUT is full. A text is a
 * string if it is UTF-8, else bytes; N items follow a list. */
bool msgpack_put_text(struct buf *out, struct weir_text text) MUST_USE;
bool msgpack_put_int(struct buf *out, int64_t i) MUST_USE;
bool msgpack_put_list(struct buf *out, uint32_t n) MUST_USE;

/* A map whose number of members is not known before they are written: *ret_at is for msgpack_end_map, which
 * says it: at most 65,535. */
bool msgpack_begin_map(struct buf *out, size_t *ret_at) MUST_USE;
void msgpack_end_map(struct buf *out, size_t at, uint16_t n);

/* Reads one value that takes up all of BYTES: depth VALUE_DEPTH, keys must be strings, strings
 * UTF-8, doubles finite, no extension types; integers above 2^63-1 become doubles; of duplicate
 * keys the last wins. *ret is owned. */
enum weir_code msgpack_read(struct weir_text bytes, const struct weir_value **ret,
                            struct weir_error *err) MUST_USE;

#endif
