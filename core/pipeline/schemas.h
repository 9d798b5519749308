/* pipeline/schemas.h - the JSON Schema of pipeline files, made from the node types at hand.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_SCHEMAS_H
#define PIPELINE_SCHEMAS_H

#include "plugin/registry.h"

/* The schema for editors (2020-12): every key with its description, every node type with its
 * options; an expression is allowed wherever another type is asked for. Owned by the caller. */
const struct weir_value *pipeline_schema(const struct registry *r);

/* The schema of what stands under a name in resources:, for a type that has a kind of resource: a
 * $ref to what is added to DEFS. Owned by the caller. */
const struct weir_value *resource_schema(const struct node_type *t, struct weir_builder *defs);

/* The same for a kind of parts that may stand under a name. */
struct named_kind;
const struct weir_value *named_schema(const struct named_kind *k, struct weir_builder *defs);

#endif
