/* expr/accesses.h - inside the room: what a term reads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPR_ACCESSES_H
#define EXPR_ACCESSES_H

#include "expr/term.h"

/* Whom to tell. */
struct listener {
    void (*fn)(void *arg, const struct expr_access *);
    void *arg;
};

/* What becomes of the value of a term. */
struct use {
    bool washed; /* it ends in a digest, a size or the answer to a comparison  */
    bool result; /* it may be what the expression gives                        */
    bool whole;  /* nothing is done to it where it stands                      */
};

/* What becomes of the value of a whole expression. */
#define USE_RESULT ((struct use){ .result = true, .whole = true })

/* Tells every access of T, of which USE is made, as expr_each_access does. */
void term_each_access(const struct term *t, struct use use, const struct listener *l);

#endif
