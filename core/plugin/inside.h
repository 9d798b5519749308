/* plugin/inside.h - the inside of a registry. Only for registry.c and files.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PLUGIN_INSIDE_H
#define PLUGIN_INSIDE_H

#include "plugin/registry.h"

struct registry {
    const struct weir_host *host;
    struct map nodes;    /* name to struct node_type, owned */
    struct map triggers; /* name to struct trigger_type, owned */
    struct map collections; /* name to struct collection, owned */
    const struct node_type **sorted_nodes;
    const struct trigger_type **sorted_triggers;
    const struct collection **sorted_collections;
    const struct plugin **plugins;
    unsigned n_plugins;
    const struct tester **testers; /* each owned */
    unsigned n_testers;
    const struct weir_text *reserved;
    size_t n_reserved;
    const struct weir_plugin **descriptors; /* of the plugins, in their order */
    unsigned n_settled;                     /* plugins whose files were looked at */
    struct left_out *left_out;              /* owns its why */
    unsigned n_left_out;
};

/* Takes T in, whose name is free. The registry owns it. */
void registry_take_node(struct registry *r, struct node_type *t);

/* Makes the arrays that registry_nodes and its like give out. */
void registry_sort(struct registry *r);

/* Looks at the files of all plugins that have come since the last time: whatever is part of a plugin
 * has its name already. */
void registry_settle(struct registry *r);

/* Frees the list of what was left out. */
void registry_free_left_out(struct registry *r);

#endif
