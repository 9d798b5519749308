/* value/node.h - inside the room: single nodes in blocks of their own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_NODE_H
#define VALUE_NODE_H

#include "value/block.h"

/* The flags that say something about the content, and go with it. */
enum { NODE_TAINTS = VALUE_SECRET | VALUE_DYNAMIC };

/* A new block whose root is V; what V points at lies in DEP, of which a reference is taken
 * (NULL: V points at nothing that is counted). The caller owns the result. */
const struct weir_value *node_pointing(struct weir_value v, struct value_block *dep);

/* The constant that is the same as V; NULL if there is none. */
const struct weir_value *node_constant(const struct weir_value *v);

#endif
