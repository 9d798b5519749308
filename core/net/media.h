/* net/media.h - media types as Content-Type and Content-Disposition write them. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_MEDIA_H
#define NET_MEDIA_H

#include "base/buf.h"

/* What stands before the first semicolon, trimmed; case as sent. */
struct weir_text media_type(struct weir_text field);

/* Whether TYPE is WANT, or ends with it (begins with it), in any case. */
bool media_is(struct weir_text type, const char *want);
bool media_ends(struct weir_text type, const char *want);
bool media_begins(struct weir_text type, const char *want);

/* Sets OUT to the parameter NAME (lower case) of a field, unquoted. False if there is none;
 * *ret_bad if the parameters of the field can't be read, or name it twice. */
bool media_parameter(struct weir_text field, const char *name, struct buf *out, bool *ret_bad);

#endif
