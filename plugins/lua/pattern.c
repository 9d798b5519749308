/* lua/pattern.c - see pattern.h: matching. SPDX-License-Identifier: Apache-2.0 */
#include "pattern.h"

#include <string.h>

struct matcher {
    const struct pattern *p;
    struct pattern_match *m;
    bool closed[PATTERN_CAPTURES];
    bool spent;
};

static bool
spend(struct matcher *x, uint64_t steps)
{
    if (x->m->steps < steps) {
        x->m->steps = 0;
        x->spent = true;
        return false;
    }
    x->m->steps -= steps;
    return true;
}

static bool
in_set(const struct pattern *p, unsigned set, unsigned char byte)
{
    return p->sets[set][byte / 64] >> (byte % 64) & 1;
}

static bool
fits(const struct matcher *x, const struct pattern_item *item, const char *s)
{
    if (s >= x->m->end)
        return false;
    switch (item->kind) {
    case PATTERN_ANY:
        return true;
    case PATTERN_BYTE:
        return (unsigned char)*s == item->a;
    default:
        return in_set(x->p, item->set, (unsigned char)*s);
    }
}

static const char *walk(struct matcher *x, unsigned i, const char *s);

/* As many as there are, then fewer and fewer. */
static const char *
walk_greedy(struct matcher *x, unsigned i, const char *s)
{
    const struct pattern_item *item = &x->p->items[i];
    size_t least = item->repeat == '+';
    size_t n = 0;
    while (fits(x, item, s + n) && (item->repeat != '?' || n == 0))
        n++;
    if (!spend(x, n + 1))
        return NULL;
    if (n < least)
        return NULL;
    for (;; n--) {
        const char *end = walk(x, i + 1, s + n);
        if (end != NULL || n == least || x->spent)
            return end;
    }
}

/* None, then more and more. */
static const char *
walk_lazy(struct matcher *x, unsigned i, const char *s)
{
    const struct pattern_item *item = &x->p->items[i];
    for (;; s++) {
        const char *end = walk(x, i + 1, s);
        if (end != NULL || x->spent)
            return end;
        if (!spend(x, 1) || !fits(x, item, s))
            return NULL;
    }
}

/* The end of a balanced text at S; NULL if there is none. */
static const char *
balanced(struct matcher *x, const struct pattern_item *item, const char *s)
{
    if (s >= x->m->end || (unsigned char)*s != item->a)
        return NULL;
    size_t depth = 1;
    const char *at = s + 1;
    for (; at < x->m->end && depth > 0; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == item->b)
            depth--;
        else if (byte == item->a)
            depth++;
    }
    if (!spend(x, (uint64_t)(at - s)))
        return NULL;
    return depth == 0 ? at : NULL;
}

static bool
at_frontier(const struct matcher *x, const struct pattern_item *item, const char *s)
{
    unsigned char before = s > x->m->subject ? (unsigned char)s[-1] : 0;
    unsigned char here = s < x->m->end ? (unsigned char)*s : 0;
    return !in_set(x->p, item->set, before) && in_set(x->p, item->set, here);
}

/* The end of what the capture holds, once more at S; NULL if it is not there. */
static const char *
again(struct matcher *x, const struct pattern_item *item, const char *s)
{
    const struct pattern_capture *c = &x->m->captures[item->a];
    if (!x->closed[item->a] || c->position || (size_t)(x->m->end - s) < c->len)
        return NULL;
    if (!spend(x, c->len / 16 + 1) || memcmp(s, c->at, c->len) != 0)
        return NULL;
    return s + c->len;
}

/* What opens or closes a capture, which is undone if the rest does not match. */
static const char *
walk_capture(struct matcher *x, unsigned i, const char *s)
{
    const struct pattern_item *item = &x->p->items[i];
    struct pattern_capture *c = &x->m->captures[item->a];
    struct pattern_capture before = *c;
    bool closed = x->closed[item->a];
    if (item->kind == PATTERN_CLOSE) {
        c->len = (size_t)(s - c->at);
        x->closed[item->a] = true;
    } else {
        *c = (struct pattern_capture){ .at = s, .position = item->kind == PATTERN_POSITION };
        x->closed[item->a] = c->position;
    }
    const char *end = walk(x, i + 1, s);
    if (end == NULL) {
        *c = before;
        x->closed[item->a] = closed;
    }
    return end;
}

/* One item that is not repeated: where the next begins, or NULL. */
static const char *
step(struct matcher *x, const struct pattern_item *item, const char *s)
{
    switch (item->kind) {
    case PATTERN_BALANCE:
        return balanced(x, item, s);
    case PATTERN_FRONTIER:
        return at_frontier(x, item, s) ? s : NULL;
    case PATTERN_BACK:
        return again(x, item, s);
    case PATTERN_TAIL:
        return s == x->m->end ? s : NULL;
    default:
        return fits(x, item, s) ? s + 1 : NULL;
    }
}

/* The end of a match of the items from I on at S; NULL if there is none. It calls itself for
 * each item with a choice only, so never deeper than the pattern is long. */
static const char *
walk(struct matcher *x, unsigned i, const char *s)
{
    for (; i < x->p->n_items && s != NULL; i++) {
        const struct pattern_item *item = &x->p->items[i];
        if (!spend(x, 1))
            return NULL;
        if (item->repeat == '-')
            return walk_lazy(x, i, s);
        if (item->repeat != 0)
            return walk_greedy(x, i, s);
        if (item->kind == PATTERN_OPEN || item->kind == PATTERN_CLOSE ||
            item->kind == PATTERN_POSITION)
            return walk_capture(x, i, s);
        s = step(x, item, s);
    }
    return s;
}

enum pattern_result
pattern_find(const struct pattern *p, struct pattern_match *m, const char *start)
{
    struct matcher x = { .p = p, .m = m };
    bool byte = p->n_items > 0 && p->items[0].kind == PATTERN_BYTE && p->items[0].repeat == 0;
    for (const char *s = start; s <= m->end; s++) {
        if (byte && !p->anchored) { /* nothing begins before the first such byte */
            const char *next =
                s < m->end ? memchr(s, p->items[0].a, (size_t)(m->end - s)) : NULL;
            if (!spend(&x, (uint64_t)((next ? next : m->end) - s) / 16))
                return PATTERN_SPENT;
            if (next == NULL)
                return PATTERN_NO;
            s = next;
        }
        const char *to = walk(&x, 0, s);
        if (x.spent || !spend(&x, 1))
            return PATTERN_SPENT;
        if (to != NULL) {
            m->from = s;
            m->to = to;
            return PATTERN_YES;
        }
        if (p->anchored)
            return PATTERN_NO;
    }
    return PATTERN_NO;
}
