/* edge/route_pack.c - a tree of routes as shards read it; see route_parts.h.
 *
 * With ten thousand routes nothing of a route is in the processor's caches when it is asked for,
 * and each line of memory that a look-up touches is waited for. So a place, its text, the first
 * bytes of what follows and the routes that end there lie in a row, and no sibling is looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "edge/route_parts.h"

static bool
pack_text(struct arena *arena, struct weir_text from, struct weir_text *ret)
{
    *ret = (struct weir_text){ arena_copy(arena, from.bytes, from.len), from.len };
    return ret->bytes != NULL;
}

/* A list of N texts, with their bytes behind it. */
static struct weir_text *
pack_texts(struct arena *arena, const struct weir_text *from, unsigned n)
{
    struct weir_text *all = arena_alloc(arena, (n + 1) * sizeof(*all));
    for (unsigned i = 0; all != NULL && i < n; i++)
        if (!pack_text(arena, from[i], &all[i]))
            return NULL;
    return all;
}

static bool
pack_leaves(struct arena *arena, const struct leaf *from, struct leaf **at)
{
    for (; from != NULL; from = from->next) {
        struct leaf *leaf = arena_alloc(arena, sizeof(*leaf));
        if (leaf == NULL)
            return false;
        *leaf = *from;
        leaf->next = NULL;
        leaf->from = NULL;
        leaf->param_names = pack_texts(arena, from->param_names, from->n_params);
        leaf->others = pack_texts(arena, from->others, from->n_others);
        if (leaf->param_names == NULL || leaf->others == NULL)
            return false;
        *at = leaf;
        at = &leaf->next;
    }
    return true;
}

/* What is below FROM, whose copy AT has all else. Patterns are short, so the depth is bounded. */
static bool
pack_below(struct arena *arena, const struct place *from, struct place *at)
{
    char *firsts = arena_alloc(arena, from->n + 1);
    at->children = arena_alloc(arena, (from->n + 1) * sizeof(*at->children));
    if (firsts == NULL || at->children == NULL)
        return false;
    at->firsts = firsts;
    if (!pack_leaves(arena, from->leaf, &at->leaf) || !pack_leaves(arena, from->rest, &at->rest))
        return false;
    if (from->param != NULL && (at->param = place_pack(arena, from->param)) == NULL)
        return false;
    for (unsigned i = 0; i < from->n; i++) {
        firsts[i] = from->children[i]->text.bytes[0];
        at->children[i] = place_pack(arena, from->children[i]);
        if (at->children[i] == NULL)
            return false;
    }
    return true;
}

struct place *
place_pack(struct arena *arena, const struct place *from)
{
    struct place *at = arena_alloc(arena, sizeof(*at));
    if (at == NULL)
        return NULL;
    at->n = from->n;
    if (!pack_text(arena, from->text, &at->text) || !pack_below(arena, from, at))
        return NULL;
    return at;
}
