/* pipeline/sight.c - see sight.h.
 *
 * Both nodes hang in one tree of blocks: the way from each up to the block where they meet
 * says it all. On the step's side it counts how often the blocks run; on the reader's side,
 * whether a catch lies between, behind which nothing is sure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/sight.h"

#include <stddef.h>

/* The node of block B in which N lies, or N itself; NULL if N is not below B. */
static const struct node *
ancestor_in(const struct node *n, const struct block *b)
{
    while (n != NULL && n->in != b)
        n = n->in->owner;
    return n;
}

/* The block in which the ways of both meet; NULL if they have different top blocks. */
static const struct block *
meeting(const struct node *a, const struct node *b)
{
    const struct block *at = a->in;
    while (at != NULL && ancestor_in(b, at) == NULL)
        at = at->outer;
    return at;
}

static bool
is_catch(const struct block *b)
{
    return b->owner != NULL && b->owner->catch == b;
}

static bool
is_lent(const struct block *b)
{
    return b->owner != NULL && b->type == NULL && !is_catch(b);
}

/* The worse of two. */
static enum sight
worse(enum sight a, enum sight b)
{
    return a > b ? a : b;
}

/* What the blocks from STEP up to, not including, block TOP say of how often it runs. */
static enum sight
frequency(const struct node *step, const struct block *top)
{
    enum sight s = step->condition != NULL ? SIGHT_MAYBE : SIGHT_ALWAYS;
    for (const struct block *b = step->in; b != top && b != NULL && b->owner != NULL;
         b = b->outer) {
        if (b->owner->condition != NULL || is_catch(b))
            s = worse(s, SIGHT_MAYBE);
        if (is_lent(b))
            return SIGHT_LENT;
        if (b->type != NULL && b->type->runs == WEIR_MANY)
            s = worse(s, SIGHT_MANY);
        if (b->type != NULL && b->type->runs == WEIR_MAYBE)
            s = worse(s, SIGHT_MAYBE);
    }
    return s;
}

/* Whether the way from NODE up to block TOP leaves a catch. */
static bool
leaves_catch(const struct node *node, const struct block *top)
{
    for (const struct block *b = node->in; b != top && b != NULL; b = b->outer)
        if (is_catch(b))
            return true;
    return false;
}

/* The child block of OWNER in which N lies. */
static const struct block *
child_of(const struct node *owner, const struct node *n)
{
    const struct block *b = n->in;
    while (b->owner != owner)
        b = b->outer;
    return b;
}

/* Both lie in child blocks of one node. */
static enum sight
between_children(const struct node *node, const struct node *step, const struct node *owner)
{
    const struct block *mine = child_of(owner, node);
    const struct block *its = child_of(owner, step);
    enum sight often = frequency(step, owner->in);
    if (is_catch(its) && !is_catch(mine))
        return SIGHT_LATER;
    if (its->type != NULL && its->type->apart && !is_catch(mine))
        return SIGHT_APART;
    return worse(often, SIGHT_MAYBE);
}

/* The top blocks differ: steps come before catch, catch before finally. */
static enum sight
over_tops(const struct node *node, const struct node *step)
{
    const struct pipeline *p = node->pipeline;
    const struct block *mine = node->in;
    const struct block *its = step->in;
    while (mine->outer != NULL)
        mine = mine->outer;
    while (its->outer != NULL)
        its = its->outer;
    bool before = its == p->steps || (its == p->catch && mine == p->finally);
    if (!before)
        return SIGHT_LATER;
    return worse(frequency(step, its), SIGHT_MAYBE);
}

enum sight
sight_of(const struct node *node, const struct node *step)
{
    if (node == step)
        return SIGHT_OWN;
    const struct block *top = meeting(node, step);
    if (top == NULL)
        return over_tops(node, step);
    const struct node *mine = ancestor_in(node, top);
    const struct node *its = ancestor_in(step, top);
    if (mine == its) {
        if (its == step)
            return SIGHT_AROUND;
        return mine == node ? SIGHT_INSIDE : between_children(node, step, mine);
    }
    if (its->index > mine->index)
        return SIGHT_LATER;
    enum sight s = frequency(step, top);
    return leaves_catch(node, top) ? worse(s, SIGHT_MAYBE) : s;
}

bool
in_catch(const struct pipeline *p, const struct block *b)
{
    for (; b != NULL; b = b->outer)
        if (is_catch(b) || b == p->catch)
            return true;
    return false;
}

bool
in_finally(const struct pipeline *p, const struct block *b)
{
    for (; b != NULL; b = b->outer)
        if (b == p->finally)
            return true;
    return false;
}
