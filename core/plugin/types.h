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

/* Copies the type number INDEX of such an array; what a shorter one lacks is zero. False: its size
 * is not sane. */
bool node_type_copy(const struct weir_node_type *array, unsigned index, struct weir_node_type *ret);

/* What a descriptor has to say of types that are not there; NULL if nothing. */
bool (*plugin_missing(const struct weir_plugin *p))(struct weir_text name, char *ret, size_t room);

/* Makes the type number INDEX of an array whose elements may be shorter than ours. The errors
 * name the type. *ret is owned by the caller. */
enum weir_code node_type_new(const struct weir_node_type *array, unsigned index, const struct plugin *plugin,
                             struct node_type **ret, struct weir_error *err) MUST_USE;
enum weir_code trigger_type_new(const struct weir_trigger_type *array, unsigned index,
                                const struct plugin *plugin, struct trigger_type **ret,
                                struct weir_error *err) MUST_USE;

/* The collections of a descriptor; none if it is too short to have any. */
const struct weir_collection *plugin_collections(const struct weir_plugin *p, uint32_t *ret_n);

/* Whether the list of them can be read at all. */
enum weir_code plugin_check_collections(const struct weir_plugin *p, struct weir_error *err) MUST_USE;

/* Makes the collection number INDEX of an array, checked. The errors name it. *ret is owned by the
 * caller, who frees it. */
enum weir_code collection_new(const struct weir_collection *array, unsigned index,
                              const struct plugin *plugin, struct collection **ret,
                              struct weir_error *err) MUST_USE;

/* The testers of a descriptor; none if it is too short to have any. */
const struct weir_tester *plugin_testers(const struct weir_plugin *p, uint32_t *ret_n);

/* Free a type with its schema; NULL is accepted. */
void node_type_free(struct node_type *t);
void trigger_type_free(struct trigger_type *t);

#endif
