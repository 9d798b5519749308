/* pipeline/schema_build.h - small steps in building schema documents. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_SCHEMA_BUILD_H
#define PIPELINE_SCHEMA_BUILD_H

#include "value/value.h"

/* Set a member of a map that is being built; put_value takes the reference. */
void put_value(struct weir_builder *b, const char *key, const struct weir_value *take_v);
void put_text(struct weir_builder *b, const char *key, const char *text);
void put_int(struct weir_builder *b, const char *key, int64_t number);

/* [A, B] without B if that is NULL; { KEY: TEXT }; { "$ref": ... }. Owned by the caller. */
const struct weir_value *list_of(const char *a, const char *b);
const struct weir_value *map_of(const char *key, const char *text);

#endif
