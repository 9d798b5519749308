/* shared/piece/piece.h - a part of a node's configuration that may be an expression.
 *
 * A piece is taken when a node is opened, on the main thread, and evaluated for each call, on its shard's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SHARED_PIECE_PIECE_H
#define SHARED_PIECE_PIECE_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "plugin.h"

/* A constant, or a slot that is evaluated for each call. */
struct piece {
    uint32_t slot;                     /* 0: the constant */
    const struct weir_value *constant; /* owned; NULL: it was left out */
};

/* The part at POINTER, whose value is V; NULL: it was left out. The piece is to be dropped. */
static inline struct piece
piece_at(struct weir_open *open, const char *pointer, const struct weir_value *v)
{
    struct piece p = { .slot = v != NULL ? host->slot(open, pointer) : 0 };
    if (p.slot == 0 || host->slot_flags(open, p.slot) & WEIR_SLOT_CONSTANT)
        p = (struct piece){ .constant = v != NULL ? host->ref(v) : NULL };
    return p;
}

/* The same of what CONFIG, which stands at AT ("": at the top), has under KEY. */
static inline struct piece
piece_under(struct weir_open *open, const char *at, const struct weir_value *config, const char *key)
{
    char pointer[64];
    (void)snprintf(pointer, sizeof pointer, "%s/%s", at, key);
    return piece_at(open, pointer, host->get(config, (struct weir_text){ key, strlen(key) }));
}

/* Whether it was not left out. */
static inline bool
piece_is_there(const struct piece *p)
{
    return p->slot != 0 || p->constant != NULL;
}

/* The constant of P, or its slot evaluated; owned by the caller. *RET is left if P was left out. */
static inline uint32_t
piece_eval(struct weir_call *call, const struct piece *p, const struct weir_value **ret,
           struct weir_error *err)
{
    if (p->slot != 0)
        return host->eval(call, p->slot, ret, err);
    if (p->constant != NULL)
        *ret = host->ref(p->constant);
    return WEIR_OK;
}

/* Lets go of its constant. */
static inline void
piece_drop(struct piece *p)
{
    host->unref(&p->constant);
}

#endif
