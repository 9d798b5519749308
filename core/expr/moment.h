/* expr/moment.h - moments as text, in UTC, from year 0 to 9999. Any thread.
 *
 * A layout is "rfc3339" (2026-01-02T03:04:05.678Z; read with any offset and fraction, or as a
 * date alone), "http" (Fri, 02 Jan 2026 03:04:05 GMT), "date" (2026-01-02), or text with
 * directives: %Y %m %d %H %M %S %L (milliseconds) %a %A %b %B (English names) %z (+0000) %s
 * (seconds since 1970) %F (%Y-%m-%d) %T (%H:%M:%S) %%.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPR_MOMENT_H
#define EXPR_MOMENT_H

#include "base/buf.h"

/* WEIR_INVALID if LAYOUT is none. */
enum weir_code moment_check(struct weir_text layout, struct weir_error *err) MUST_USE;

/* Appends the moment MS, milliseconds since 1970. WEIR_INVALID if it is out of range or LAYOUT
 * is none, WEIR_TOO_LARGE if OUT is full. */
enum weir_code moment_format(struct buf *out, int64_t ms, struct weir_text layout,
                             struct weir_error *err) MUST_USE;

/* Reads TEXT, all of it. WEIR_INVALID if it does not follow LAYOUT or there is no such day. */
enum weir_code moment_parse(struct weir_text text, struct weir_text layout, int64_t *ret_ms,
                            struct weir_error *err) MUST_USE;

#endif
