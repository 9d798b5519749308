/* value/patch.h - a document with parts of it changed, and what differs between two.
 *
 * Places are JSON pointers (RFC 6901). Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_PATCH_H
#define VALUE_PATCH_H

#include "value/value.h"

/* V with NEW at POINTER, in place of what is there or added: as a member of a map, or behind the
 * last item of a list (its length, or "-"). NEW is NULL: without what is there. The empty pointer
 * is the whole: NEW, which has to be there. Nothing above the last part is made. WEIR_INVALID
 * names the place that is not there. *ret is owned. */
enum weir_code patch_set(const struct weir_value *v, struct weir_text pointer,
                         const struct weir_value *new, const struct weir_value **ret,
                         struct weir_error *err) MUST_USE;

/* One difference: BEFORE is NULL where something was added, AFTER where it was removed. */
typedef void patch_fn(void *arg, struct weir_text pointer, const struct weir_value *before,
                      const struct weir_value *after);

/* Calls FN for what differs between A and B, as deep in them as can be: what patch_set makes of A
 * with each AFTER, in that order, equals B. Lists are compared item by item. */
void patch_diff(const struct weir_value *a, const struct weir_value *b, patch_fn *fn, void *arg);

#endif
