/* pipeline/format.h - texts of a configuration that become numbers. Any thread.
 *
 * duration: milliseconds, an int. bytes: an int. rate: a map { count, per_ms }. percent: a
 * fraction of 1, a double.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_FORMAT_H
#define PIPELINE_FORMAT_H

#include "value/value.h"

/* The name of a format that converts, as a C string that lives for ever; NULL for others. */
const char *format_find(struct weir_text name);

/* What TEXT stands for in a FORMAT of format_find, owned by the caller; NULL and ERR if it
 * can't be read. */
const struct weir_value *format_value(const char *format, struct weir_text text,
                                      struct weir_error *err);

/* "a duration such as 5s" */
const char *format_example(const char *format);

#endif
