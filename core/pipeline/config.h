/* pipeline/config.h - from the YAML under a type's key to checked parts and a value.
 *
 * In this order: the shorthand is written out, what the node shares by name is added
 * (resources.h, named.h), keys and formats are checked, the schema is
 * checked (expressions satisfy it), defaults are filled in, texts are compiled. Main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_CONFIG_H
#define PIPELINE_CONFIG_H

#include "pipeline/format.h"
#include "pipeline/loading.h"
#include "pipeline/spec.h"

/* What says how a configuration has to look: a node type or a trigger type. */
struct config_type {
    const char *name;
    const struct weir_value *doc;
    const struct schema *schema;
    const char *shorthand;
    const struct node_type *node; /* NULL: a trigger */
};

/* Loads the configuration N that stands under KEY. *ret_part and *ret_value are made also if
 * there are errors, which are in l->d. */
void config_load(struct loading *l, const struct config_type *t, const struct yaml_node *key,
                 const struct yaml_node *n, struct part **ret_part,
                 const struct weir_value **ret_value);

/* The steps of it. */
const struct yaml_node *config_written_out(struct loading *l, const struct config_type *t,
                                           const struct yaml_node *key,
                                           const struct yaml_node *n);
void config_check(struct loading *l, const struct config_type *t, const struct yaml_node *key,
                  const struct yaml_node *n);
const struct yaml_node *config_filled(struct loading *l, const struct yaml_node *n,
                                      struct spec spec);
struct part *config_compile(struct loading *l, const struct yaml_node *n, struct spec spec,
                            const struct weir_value **ret_value);

/* A map or list with room for N items, a text, and any value, as if the author had written them
 * at AT. */
struct yaml_node *config_made(struct loading *l, enum yaml_kind kind, const struct yaml_node *at,
                              unsigned n);
struct yaml_node *config_made_text(struct loading *l, struct weir_text text,
                                   const struct yaml_node *at);
struct yaml_node *config_made_value(struct loading *l, const struct weir_value *v,
                                    const struct yaml_node *at);

/* A place within a configuration: a chain up to its root. */
struct config_spot {
    const struct config_spot *up; /* NULL: the root */
    struct weir_text key;         /* of a map */
    unsigned index;               /* of a list */
    bool list;
};

/* Writes the JSON pointer of a spot, cut to whole segments that fit. */
void config_pointer(const struct config_spot *spot, char *ret, size_t room);

/* What a text is to the loader. */
enum config_text { TEXT_PLAIN, TEXT_ESCAPED, TEXT_DYNAMIC };

/* TEXT_ESCAPED: it holds $${ but no expression. */
enum config_text config_text(struct weir_text text);

/* N with $${ written as ${ if it is TEXT_ESCAPED; else the value as it stands. Owned. */
const struct weir_value *config_constant(const struct yaml_node *n);

#endif
