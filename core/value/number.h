/* value/number.h - inside the room: numbers as text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_NUMBER_H
#define VALUE_NUMBER_H

#include "value/value.h"

/* Reads the JSON number that begins at P, with a minus or a digit, and sets type and content
 * of V: an int if it is whole and has 64 bits, else the nearest double. Returns what is behind
 * it. NULL and the reason if it is malformed or out of range; *ret_at is where. */
const char *number_read(const char *p, const char *end, struct weir_value *v,
                        const char **ret_at, const char **ret_why);

/* Characters of any int or double. */
enum { NUMBER_TEXT = 32 };

/* Writes I, without a NUL, and returns its length. */
size_t number_write_int(char ret[NUMBER_TEXT], int64_t i);

/* Writes the finite D in the shortest form that reads back the same, and ".0" behind a whole
 * one; without a NUL. Returns its length. */
size_t number_write_double(char ret[NUMBER_TEXT], double d);

#endif
