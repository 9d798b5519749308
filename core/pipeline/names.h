/* pipeline/names.h - the scope checker's own: where an expression stands, and what it may not
 * name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_NAMES_H
#define PIPELINE_NAMES_H

#include "pipeline/loading.h"
#include "pipeline/secrets.h"
#include "pipeline/sight.h"

enum names_place {
    PLACE_TRIGGER, /* vars, env, secrets */
    PLACE_RUN,     /* the event besides */
    PLACE_NODE     /* everything that is in scope there */
};

/* The expression at hand. */
struct reading {
    struct loading *l;
    enum names_place place;
    const struct node *node; /* of PLACE_NODE */
    const struct site *site;
    struct map said; /* what is said once per file: "env.REGION" */
};

/* Where part number PART of an access stands. */
struct mark names_mark(const struct reading *r, const struct expr_access *a, unsigned part);

/* Whether the author said that part number PART of an access may be absent, by ??, has or ?. */
bool names_opted(const struct expr_access *a, unsigned part);

/* Says that the name is not known, or not known here. */
void names_unknown(struct reading *r, const struct expr_access *a);

/* Checks steps.ID. */
void names_step(struct reading *r, const struct expr_access *a);

#endif
