/* value/regex_ecma.h - inside the room: patterns of ECMA-262 as PCRE2 reads them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_REGEX_ECMA_H
#define VALUE_REGEX_ECMA_H

#include "base/buf.h"

/* Appends PATTERN, of ECMA-262 with flag u, to OUT as PCRE2 reads it. WEIR_INVALID with the
 * offset and reason. A stray { or }, and \ before punctuation, are taken as they stand. */
enum weir_code regex_ecma(struct weir_text pattern, struct buf *out,
                          struct weir_error *err) MUST_USE;

/* The offset in PATTERN of what regex_ecma wrote at the offset WRITTEN. */
size_t regex_ecma_offset(struct weir_text pattern, size_t written);

#endif
