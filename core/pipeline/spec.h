/* pipeline/spec.h - walking down a JSON Schema beside the value that it describes.
 *
 * For what the loader takes from a schema besides checking: properties for hints, defaults,
 * formats, and the words x-weir-literal and writeOnly. Follows local $ref, and looks into
 * allOf, anyOf and oneOf for the first branch that knows a property. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_SPEC_H
#define PIPELINE_SPEC_H

#include "value/schema.h"

struct spec {
    const struct weir_value *root; /* the whole document */
    const struct weir_value *at;   /* the subschema; NULL: nothing is known */
};

/* The spec of a whole document. */
struct spec spec_of(const struct weir_value *doc);

/* What is said of a member of a map, or of an item of a list. */
struct spec spec_member(struct spec s, struct weir_text key);
struct spec spec_item(struct spec s, unsigned index);

/* A word of the subschema, in it or behind its $ref or in one of its branches; NULL: none. */
const struct weir_value *spec_word(struct spec s, const char *word);

/* The text of such a word; empty if it is none. */
struct weir_text spec_text(struct spec s, const char *word);
/* Whether such a word is true. */
bool spec_flag(struct spec s, const char *word);

/* The properties: map of the subschema or of what its $ref leads to; NULL: none. */
const struct weir_value *spec_properties(struct spec s);

/* Whether a map can have no other keys than those of spec_properties. */
bool spec_is_closed(struct spec s);

/* V, which S describes, with *** in place of what may be a secret (writeOnly), but for expressions:
 * for showing. Owned by the caller. */
const struct weir_value *spec_masked(struct spec s, const struct weir_value *v);

/* Compiles the subschema for a value that is known only when it is evaluated. NULL if it says
 * nothing: of any value, or (TEXT) of a string. Owned by the caller. */
struct schema *spec_compile(struct spec s, bool text);

#endif
