/* value/constants.h - inside the room: values that have no block, beside those of value.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_CONSTANTS_H
#define VALUE_CONSTANTS_H

#include "value/value.h"

enum { CONSTANTS_FROM = -16, CONSTANTS_TO = 1024 };

/* The integers from CONSTANTS_FROM up to, and without, CONSTANTS_TO. */
extern const struct weir_value constants_int[CONSTANTS_TO - CONSTANTS_FROM];

extern const struct weir_value value_empty_bytes;

#endif
