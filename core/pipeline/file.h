/* pipeline/file.h - reading whole files that have a largest size. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_FILE_H
#define PIPELINE_FILE_H

#include "base/buf.h"

/* Appends the content of a regular file to OUT. WEIR_NOT_FOUND if it can't be opened or read,
 * or is no file; WEIR_TOO_LARGE if it does not fit. */
enum weir_code file_read(const char *path, struct buf *out, struct weir_error *err) MUST_USE;

#endif
