/* pipeline/sight.h - which steps an expression of a node can see (docs/language.md, Data).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_SIGHT_H
#define PIPELINE_SIGHT_H

#include "pipeline/model.h"

enum sight {
    SIGHT_ALWAYS, /* it has run */
    SIGHT_MAYBE,  /* its block may have been passed over, or it failed, or has an if */
    SIGHT_OWN,    /* it is the node itself */
    SIGHT_INSIDE, /* it runs inside the node */
    SIGHT_AROUND, /* the node runs inside it */
    SIGHT_LATER,
    SIGHT_MANY,  /* its block runs many times */
    SIGHT_APART, /* its block runs beside the node's */
    SIGHT_LENT   /* it is lent to another node */
};

/* How STEP looks from an expression of NODE: its configuration, its if, or a key that stands
 * beside one of its child blocks. Any thread. */
enum sight sight_of(const struct node *node, const struct node *step);

/* Whether B is the catch of a node or of the pipeline, or lies in one; whether it is or lies in
 * finally. Any thread. */
bool in_catch(const struct pipeline *p, const struct block *b);
bool in_finally(const struct pipeline *p, const struct block *b);

#endif
