/* lua/pattern.c - see pattern.h: matching.
 *
 * The ways that were not taken are on a stack of the match's own, at most one for each item: so
 * nothing recurs, and a search can pause.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pattern.h"

#include <string.h>

/* False if there are not so many: then none are left. */
static bool
spend(struct pattern_match *m, uint64_t steps)
{
    bool enough = m->steps >= steps;
    m->steps = enough ? m->steps - steps : 0;
    return enough;
}

static bool
in_set(const struct pattern *p, unsigned set, unsigned char byte)
{
    return p->sets[set][byte / 64] >> (byte % 64) & 1;
}

static bool
fits(const struct pattern *p, const struct pattern_match *m, const struct pattern_item *item,
     const char *s)
{
    if (s >= m->end)
        return false;
    switch (item->kind) {
    case PATTERN_ANY:
        return true;
    case PATTERN_BYTE:
        return (unsigned char)*s == item->a;
    default:
        return in_set(p, item->set, (unsigned char)*s);
    }
}

static struct pattern_choice *
add_choice(struct pattern_match *m, uint32_t item, const char *at, size_t n)
{
    struct pattern_choice *c = &m->choices[m->n_choices++];
    c->item = item;
    c->capture = false;
    c->at = at;
    c->n = n;
    return c;
}

/* Takes a repeated item at S as the sign wants it first, and notes the other ways. NULL: not at
 * all. */
static const char *
take_repeated(const struct pattern *p, struct pattern_match *m, uint32_t i, const char *s)
{
    const struct pattern_item *item = &p->items[i];
    size_t n = 0;
    if (item->repeat == '-') {
        (void)add_choice(m, i, s, 0);
        return s;
    }
    if (item->repeat == '?')
        n = fits(p, m, item, s);
    else
        while (fits(p, m, item, s + n))
            n++;
    (void)spend(m, n);
    size_t least = item->repeat == '+';
    if (n < least)
        return NULL;
    if (n > least)
        (void)add_choice(m, i, s, n);
    return s + n;
}

/* The end of a balanced text at S; NULL if there is none. */
static const char *
balanced(struct pattern_match *m, const struct pattern_item *item, const char *s)
{
    if (s >= m->end || (unsigned char)*s != item->a)
        return NULL;
    size_t depth = 1;
    const char *at = s + 1;
    for (; at < m->end && depth > 0; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == item->b)
            depth--;
        else if (byte == item->a)
            depth++;
    }
    (void)spend(m, (uint64_t)(at - s));
    return depth == 0 ? at : NULL;
}

static bool
at_frontier(const struct pattern *p, const struct pattern_match *m,
            const struct pattern_item *item, const char *s)
{
    unsigned char before = s > m->subject ? (unsigned char)s[-1] : 0;
    unsigned char here = s < m->end ? (unsigned char)*s : 0;
    return !in_set(p, item->set, before) && in_set(p, item->set, here);
}

/* The end of what the capture holds, once more at S; NULL if it is not there. */
static const char *
again(struct pattern_match *m, const struct pattern_item *item, const char *s)
{
    const struct pattern_capture *c = &m->captures[item->a];
    if (!m->closed[item->a] || c->position || (size_t)(m->end - s) < c->len)
        return NULL;
    (void)spend(m, c->len / 16);
    return memcmp(s, c->at, c->len) == 0 ? s + c->len : NULL;
}

/* Opens or closes a capture; how it was before is noted. */
static void
set_capture(const struct pattern *p, struct pattern_match *m, uint32_t i, const char *s)
{
    const struct pattern_item *item = &p->items[i];
    struct pattern_capture *c = &m->captures[item->a];
    struct pattern_choice *before = add_choice(m, i, s, 0);
    before->capture = true;
    before->before = *c;
    before->closed = m->closed[item->a];
    if (item->kind == PATTERN_CLOSE) {
        c->len = (size_t)(s - c->at);
        m->closed[item->a] = true;
        return;
    }
    *c = (struct pattern_capture){ .at = s, .position = item->kind == PATTERN_POSITION };
    m->closed[item->a] = c->position;
}

/* Takes item I at S: where the next one begins, or NULL. */
static const char *
take(const struct pattern *p, struct pattern_match *m, uint32_t i, const char *s)
{
    const struct pattern_item *item = &p->items[i];
    if (item->repeat != 0)
        return take_repeated(p, m, i, s);
    switch (item->kind) {
    case PATTERN_OPEN:
    case PATTERN_CLOSE:
    case PATTERN_POSITION:
        set_capture(p, m, i, s);
        return s;
    case PATTERN_BALANCE:
        return balanced(m, item, s);
    case PATTERN_FRONTIER:
        return at_frontier(p, m, item, s) ? s : NULL;
    case PATTERN_BACK:
        return again(m, item, s);
    case PATTERN_TAIL:
        return s == m->end ? s : NULL;
    default:
        return fits(p, m, item, s) ? s + 1 : NULL;
    }
}

/* Goes back to the latest way that was not taken: sets item and at of M. False: there is none.
 */
static bool
go_back(const struct pattern *p, struct pattern_match *m)
{
    while (m->n_choices > 0) {
        struct pattern_choice *c = &m->choices[m->n_choices - 1];
        const struct pattern_item *item = &p->items[c->item];
        if (c->capture) {
            m->captures[item->a] = c->before;
            m->closed[item->a] = c->closed;
            m->n_choices--;
            continue;
        }
        m->item = c->item + 1;
        if (item->repeat == '-') { /* one more */
            if (fits(p, m, item, c->at)) {
                m->at = ++c->at;
                return true;
            }
            m->n_choices--;
            continue;
        }
        m->at = c->at + --c->n; /* one fewer */
        if (c->n == (item->repeat == '+'))
            m->n_choices--;
        return true;
    }
    return false;
}

/* Walks over the items from where M is until they match, no way is left, or it has to end. */
static enum pattern_result
walk(const struct pattern *p, struct pattern_match *m, uint64_t until)
{
    for (;;) {
        while (m->item < p->n_items) {
            if (!spend(m, 1))
                return PATTERN_SPENT;
            const char *next = take(p, m, m->item, m->at);
            if (next == NULL)
                break;
            m->at = next;
            m->item++;
        }
        if (m->item == p->n_items)
            return PATTERN_YES;
        if (!go_back(p, m))
            return PATTERN_NO;
        if (m->steps < until)
            return m->steps == 0 ? PATTERN_SPENT : PATTERN_PAUSED;
    }
}

/* Where a match can begin at or behind S; NULL: nowhere. */
static const char *
first_place(const struct pattern *p, struct pattern_match *m, const char *s)
{
    bool byte = p->n_items > 0 && p->items[0].kind == PATTERN_BYTE && p->items[0].repeat == 0;
    if (!byte || p->anchored)
        return s;
    const char *next = s < m->end ? memchr(s, p->items[0].a, (size_t)(m->end - s)) : NULL;
    (void)spend(m, (uint64_t)((next ? next : m->end) - s) / 16);
    return next;
}

static enum pattern_result
find(const struct pattern *p, struct pattern_match *m, bool resumed)
{
    uint64_t until = m->pause > 0 && m->steps > m->pause ? m->steps - m->pause : 0;
    for (const char *s = m->from; s <= m->end; s++) {
        if (!resumed && (s = first_place(p, m, s)) == NULL)
            return PATTERN_NO;
        if (!resumed) {
            m->from = s;
            m->at = s;
            m->item = 0;
            m->n_choices = 0;
        }
        enum pattern_result r = walk(p, m, until);
        resumed = false;
        m->to = m->at;
        if (r != PATTERN_NO)
            return r;
        if (p->anchored)
            return PATTERN_NO;
        if (!spend(m, 1))
            return PATTERN_SPENT;
    }
    return PATTERN_NO;
}

enum pattern_result
pattern_find(const struct pattern *p, struct pattern_match *m, const char *start)
{
    memset(m->closed, 0, sizeof m->closed);
    m->from = start;
    return find(p, m, false);
}

enum pattern_result
pattern_go_on(const struct pattern *p, struct pattern_match *m)
{
    return find(p, m, true);
}
