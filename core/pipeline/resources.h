/* pipeline/resources.h - what nodes share by name: resources: of weir.yaml, and x-weir-resource.
 *
 * A type whose schema has x-weir-resource shares something with all nodes that name the same:
 * { kind: the map under resources:, name: the property that names it, own: properties that each
 * use may set, shared, defined }. What stands under resources: is merged into each node that
 * names it. Whether all who name one thing describe it alike is checked over all files of a
 * load. Main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_RESOURCES_H
#define PIPELINE_RESOURCES_H

#include "pipeline/config.h"

struct resource_uses; /* who was seen to name what, in one load */

/* Makes an empty one; frees it, NULL is accepted and left. */
struct resource_uses *resource_uses_new(void);
void resource_uses_free(struct resource_uses **u);

/* N, a configuration that is written out, with what the resource has that it names. A property
 * that both have, and a name that has to be defined and isn't, are errors. */
const struct yaml_node *resource_merged(struct loading *l, const struct config_type *t,
                                        const struct yaml_node *n);

/* Notes that N, whose whole configuration is VALUE, names something; an error if it was
 * described in another way before. */
void resource_note(struct loading *l, const struct config_type *t, const struct yaml_node *n,
                   const struct weir_value *value);

/* The schema of what may stand under a name in resources:, for a type that has such a kind:
 * its properties without the name, none of them required. Owned by the caller. */
const struct weir_value *resource_doc(const struct node_type *t);

/* The first type with that kind of resource; NULL if no type has it. */
const struct node_type *resource_type(const struct registry *r, struct weir_text kind);

/* The kinds that there are, in order of their types' names, each once; returns how many. */
unsigned resource_kinds(const struct registry *r, struct weir_text *ret, unsigned room);

#endif
