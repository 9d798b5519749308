/* net/body.h - bodies of requests as values, by their content type. Any thread.
 *
 * Parsed only when somebody reads them. What is text in the body is borrowed from it, not
 * copied. Everything that a stranger can repeat is bounded: BODY_FIELDS fields or parts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_BODY_H
#define NET_BODY_H

#include "value/value.h"

#define BODY_FIELDS 1000

/* The value of a body. RAW: its bytes, a counted value, or NULL for none.
 *
 *   none, or empty                      null
 *   application/json, *+json, text/json the document
 *   application/x-www-form-urlencoded   a map of strings; a field that is repeated: a list
 *   multipart/form-data                 the same; a file is a map { filename, content_type,
 * data } text/...                            a string, from UTF-8 (US-ASCII) or ISO-8859-1
 *   other types, or no type             the bytes
 *
 * WEIR_INVALID with status 400 and the reason. *ret is owned by the caller. */
enum weir_code body_parse(struct weir_text content_type, const struct weir_value *raw,
                          const struct weir_value **ret, struct weir_error *err) MUST_USE;

/* The query of a target (without its ?), percent-encoded, as two maps: *ret_last from names to
 * the last value of each, *ret_all from names to the lists of all values. Both are owned by
 * the caller. WEIR_INVALID with status 400 for a bad escape or what is not UTF-8. */
enum weir_code query_parse(struct weir_text query, const struct weir_value **ret_last,
                           const struct weir_value **ret_all, struct weir_error *err) MUST_USE;

#endif
