/* plugin/types.h - from a plugin's descriptor to the types that the core uses: checked and copied.
 *
 * Only for registry.c and its tests. Main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PLUGIN_TYPES_H
#define PLUGIN_TYPES_H

#include "plugin/registry.h"

/* Whether a descriptor is one that this build can read: ABI, size, names, counts. */
enum weir_code plugin_check(const struct weir_plugin *p, struct weir_error *err) MUST_USE;

/* Makes the type number INDEX of an array whose elements may be shorter than ours. The errors
 * name the type. *ret is owned by the caller. */
enum weir_code node_type_new(const struct weir_node_type *array, unsigned index, const struct plugin *plugin,
                             struct node_type **ret, struct weir_error *err) MUST_USE;
enum weir_code trigger_type_new(const struct weir_trigger_type *array, unsigned index,
                                const struct plugin *plugin, struct trigger_type **ret,
                                struct weir_error *err) MUST_USE;

/* Free a type with its schema; NULL is accepted. */
void node_type_free(struct node_type *t);
void trigger_type_free(struct trigger_type *t);

#endif
