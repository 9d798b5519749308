/* cli/type_about.h - what there is to say of one type of node or trigger, as a value and as text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_TYPE_ABOUT_H
#define CLI_TYPE_ABOUT_H

#include "plugin/registry.h"

/* Nodes and triggers in one form. Borrows from the registry. */
struct type_about {
    bool node; /* else a trigger */
    const char *name;
    const char *summary;
    const char *example;   /* may be NULL */
    const char *output;    /* may be NULL */
    const char *shorthand; /* may be NULL */
    const char *effect;    /* "none", "idempotent", "unsafe", "depends"; NULL for a trigger */
    bool tap;
    const struct weir_block_type *blocks;
    unsigned n_blocks;
    const struct weir_value *schema;
    const struct plugin *plugin;
};

/* Triggers first, then nodes, each in order of name; false past the end. */
bool type_about_at(const struct registry *r, unsigned index, struct type_about *ret);

/* All of it as a map { kind, name, summary, short_form, output, effect, tap, blocks, example,
 * plugin, schema }; what a type lacks is left out. Owned by the caller. */
const struct weir_value *type_about_value(const struct type_about *t);

/* Prints it for people to standard output. */
void type_about_print(const struct type_about *t);

#endif
