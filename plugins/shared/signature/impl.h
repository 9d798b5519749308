/* impl.h - what the files of signature share among themselves.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIGNATURE_IMPL_H
#define SIGNATURE_IMPL_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "signature.h"

static inline struct weir_text
text(const char *s)
{
    return (struct weir_text){ s, strlen(s) };
}

static inline bool
same(struct weir_text a, const char *b)
{
    return a.len == strlen(b) && memcmp(a.bytes, b, a.len) == 0;
}

/* Fills ERR with OPTION and what is wrong with it, and returns WEIR_INVALID. */
static inline uint32_t __attribute__((format(printf, 3, 4)))
wrong(struct weir_error *err, const char *option, const char *fmt, ...)
{
    va_list args;
    int len = snprintf(err->text, sizeof err->text, "%s: ", option);
    va_start(args, fmt);
    vsnprintf(err->text + len, sizeof err->text - (size_t)len, fmt, args);
    va_end(args);
    return err->code = WEIR_INVALID;
}

#endif
