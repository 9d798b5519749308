/* base/log_line.h - how one line of the log looks. Only log.c uses it. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H

#include "base/log.h"

#define LOG_LINE_MAX 16384 /* bytes of a line, its newline included */

struct log_style {
    enum log_format format;
    bool colour;
};

struct log_entry {
    enum weir_level level;
    uint64_t wall_ms;
    struct weir_text message;
    const struct log_field *fields;
    size_t n_fields;
};

/* Writes the line of an entry with its newline and returns its length. What does not fit is
 * left out, and a last field "cut" says so. */
size_t log_line_write(char ret[LOG_LINE_MAX], struct log_style style,
                      const struct log_entry *entry);

#endif
