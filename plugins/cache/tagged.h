/* cache/tagged.h - values that hold bytes, in such a form that JSON brings them back: see
 * entry.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CACHE_TAGGED_H
#define CACHE_TAGGED_H

#include <weir.h>

/* How deep a value may be; with its envelope and all tags it stays within what is read as JSON.
 */
#define TAGGED_DEPTH 30u

/* V, at most TAGGED_DEPTH deep, with tags; owned by the caller. */
const struct weir_value *tagged_from(const struct weir_value *v);
/* And back; NULL if the tags are wrong. */
const struct weir_value *tagged_to(const struct weir_value *v);

#endif
