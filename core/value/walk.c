/* value/walk.c - see walk.h. SPDX-License-Identifier: Apache-2.0 */
#include "value/walk.h"

#include <assert.h>
#include <stdlib.h>

#include "value/block.h"

void
walk_stop(struct walk *w)
{
    if (w->frames != w->first)
        free(w->frames);
    w->frames = w->first;
}

void
walk_grow(struct walk *w)
{
    assert(w->room <= UINT32_MAX / 2);
    bool inside = w->frames == w->first;
    w->room *= 2;
    w->frames = block_realloc(inside ? NULL : w->frames, w->room * sizeof *w->frames);
    if (inside)
        memcpy(w->frames, w->first, sizeof w->first);
}
