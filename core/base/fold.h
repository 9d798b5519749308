/* base/fold.h - pages that are folded while nobody needs what is in them.
 *
 * Objects that libraries keep for each connection are mostly zero: folded, the words that are not are kept in the
 * heap, and the pages go back to the system. Whoever is about to touch the pages opens them first. One owner, one
 * thread at a time; the zero value has no pages.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_FOLD_H
#define BASE_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct fold {
    void *start;   /* owned; of whole pages */
    uint32_t size; /* bytes */
    uint32_t len;  /* of FOLDED */
    void *folded;  /* owned; NULL: open */
};

/* Gives F, which is zero, pages for SIZE bytes, all zero. False: the system has none. */
bool fold_make(struct fold *f, size_t size) MUST_USE;

/* Frees the pages, folded or not, and what is in them; F is zero then. */
void fold_free(struct fold *f);

/* Folds F if it is open, and that makes it much smaller. */
void fold_away(struct fold *f);

/* What fold_open does if F is folded. */
void fold_unfold(struct fold *f);

/* F is as it was before it was folded. */
static inline void
fold_open(struct fold *f)
{
    if (f->folded != NULL)
        fold_unfold(f);
}

#endif
