/* value/schema_uri.h - inside the room: references resolved against a base (RFC 3986, section
 * 5).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_SCHEMA_URI_H
#define VALUE_SCHEMA_URI_H

#include "base/buf.h"

/* Appends REF, resolved against BASE (which may be empty), to OUT without its fragment.
 * *ret_fragment lies in REF, still encoded; empty if there is none. False if OUT is full. */
bool uri_resolve(struct buf *out, struct weir_text base, struct weir_text ref,
                 struct weir_text *ret_fragment);

/* Whether URI begins with a scheme. */
bool uri_is_absolute(struct weir_text uri);

#endif
