/* value/constants.c - values that have no block and live for ever.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "value/constants.h"

#define HOME(type_) .type = (type_), .flags = VALUE_HOME

const struct weir_value value_null = { HOME(WEIR_NULL) };
const struct weir_value value_true = { HOME(WEIR_BOOL), .boolean = true };
const struct weir_value value_false = { HOME(WEIR_BOOL), .boolean = false };
const struct weir_value value_empty_string = { HOME(WEIR_STRING), .bytes = "" };
const struct weir_value value_empty_bytes = { HOME(WEIR_BYTES), .bytes = "" };
const struct weir_value value_empty_list = { HOME(WEIR_LIST) };
const struct weir_value value_empty_map = { HOME(WEIR_MAP) };

/* clang-format off */
#define INT_1(i) { HOME(WEIR_INT), .integer = (i) }
#define INT_4(i) INT_1(i), INT_1((i) + 1), INT_1((i) + 2), INT_1((i) + 3)
#define INT_16(i) INT_4(i), INT_4((i) + 4), INT_4((i) + 8), INT_4((i) + 12)
#define INT_64(i) INT_16(i), INT_16((i) + 16), INT_16((i) + 32), INT_16((i) + 48)
#define INT_256(i) INT_64(i), INT_64((i) + 64), INT_64((i) + 128), INT_64((i) + 192)
/* clang-format on */

const struct weir_value constants_int[CONSTANTS_TO - CONSTANTS_FROM] = {
    INT_16(CONSTANTS_FROM), INT_256(0), INT_256(256), INT_256(512), INT_256(768),
};
