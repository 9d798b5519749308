/* value/json.h - JSON (RFC 8259) to values and back. Any thread.
 *
 * Integers of 64 bits are exact, other numbers are doubles and are printed in the shortest
 * form that reads back the same (1.0 stays 1.0); a number out of a double's range is refused.
 * Of duplicate keys the last wins. Invalid UTF-8 and lone surrogates are refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_JSON_H
#define VALUE_JSON_H

#include "base/buf.h"
#include "value/value.h"

struct json_limits {
    unsigned depth;   /* levels of lists and maps; 0: 64; at most VALUE_DEPTH */
    bool unique_keys; /* refuse duplicate keys */
};

/* Reads one document. OWNER, if not NULL, is a counted value in which TEXT lies: strings
 * without escapes then borrow from it, and if it is secret, all of the result is. LIMITS may be
 * NULL. WEIR_INVALID with line and column (in characters) and the fault in the text:
 * "line 1, column 17: expected ',' or '}'". *ret is owned. */
enum weir_code json_read(struct weir_text text, const struct weir_value *owner,
                         const struct json_limits *limits, const struct weir_value **ret,
                         struct weir_error *err) MUST_USE;

/* Appends V as JSON without blanks; bytes become base64 strings. WEIR_TOO_LARGE if OUT is
 * full, WEIR_INVALID for a stream and for what is deeper than VALUE_DEPTH; then OUT holds a
 * part. */
enum weir_code json_write(struct buf *out, const struct weir_value *v, struct weir_error *err) MUST_USE;

/* The same with line breaks and two blanks a level, for people. */
enum weir_code json_write_pretty(struct buf *out, const struct weir_value *v,
                                 struct weir_error *err) MUST_USE;

/* Appends TEXT as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
bool json_write_string(struct buf *out, struct weir_text text);

/* Appends a double in the shortest form that reads back the same, with ".0" if it is whole. */
bool json_write_double(struct buf *out, double d);

#endif
