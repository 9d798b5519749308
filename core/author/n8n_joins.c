/* author/n8n_joins.c - where ways of a workflow meet again, and which steps an expression sees.
 *
 * The join of some ways is the node that is the nearest on each of them on its way to the end:
 * their immediate post-dominator. Edges back to a node on the path don't count.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "author/n8n_impl.h"

static struct n8n_node *
common(struct n8n_node *a, struct n8n_node *b)
{
    while (a != b) {
        unsigned da = a != NULL ? a->depth : 0, db = b != NULL ? b->depth : 0;
        if (da >= db && a != NULL)
            a = a->after;
        else
            b = b->after;
    }
    return a;
}

bool
n8n_is_loop(const struct n8n_node *n)
{
    return text_is(n->type, "splitInBatches");
}

unsigned
n8n_done_output(const struct n8n_node *n)
{
    return n->version >= 3 ? 0 : 1;
}

bool
n8n_may_end(const struct n8n_node *n)
{
    if (text_is(n->type, "filter"))
        return true;
    return text_is(n->type, "if") && (n->outs[0] == NULL || n->outs[1] == NULL);
}

static void
find_join(struct n8n_node *n)
{
    bool first = true;
    n->color = 1;
    for (unsigned i = 0; i < n->n_outs; i++) {
        bool counts = !n8n_is_loop(n) || i == n8n_done_output(n);
        for (struct n8n_edge *e = n->outs[i]; e != NULL; e = e->next) {
            if (e->to->color == 0)
                find_join(e->to);
            if (e->to->color != 2 || !counts)
                continue; /* an edge back to a node on the path */
            n->after = first ? e->to : common(n->after, e->to);
            first = false;
        }
    }
    if (n8n_may_end(n))
        n->after = NULL;
    n->depth = (n->after != NULL ? n->after->depth : 0) + 1;
    n->color = 2;
}

void
n8n_joins(struct n8n *w)
{
    for (struct n8n_node *n = w->first; n != NULL; n = n->next)
        if (n->color == 0)
            find_join(n);
}

struct n8n_node *
n8n_join(const struct n8n_edge *edges)
{
    struct n8n_node *n = edges != NULL ? edges->to : NULL;
    for (const struct n8n_edge *e = edges; e != NULL; e = e->next)
        n = common(n, e->to);
    return n;
}

void
n8n_hide(struct n8n *w, unsigned from, enum sight_kind sight)
{
    for (unsigned i = from; i < w->n_steps; i++)
        if (w->steps[i]->sight < sight)
            w->steps[i]->sight = sight;
}

static bool
of_event(const char *text)
{
    return text != NULL && strncmp(text, "request", 7) == 0;
}

void
n8n_remember(struct n8n *w, struct n8n_node *n, struct js_base data)
{
    if (w->n_steps == N8N_STEPS)
        return;
    struct made *m = arena_alloc(&w->arena, sizeof *m);
    if (m == NULL)
        abort();
    *m = (struct made){ .before = n->made, .node = n, .base = data };
    if (data.text != NULL && strncmp(data.text, "input", 5) == 0)
        m->base.text = NULL; /* it is something else a step later */
    n->made = m;
    w->steps[w->n_steps++] = m;
}

static const struct made *
seen(const struct n8n_node *n)
{
    for (const struct made *m = n->made; m != NULL; m = m->before)
        if (m->base.text != NULL && (m->sight != SEEN_NOT || of_event(m->base.text)))
            return m;
    return NULL;
}

bool
n8n_data(void *arg, struct weir_text name, struct js_base *ret)
{
    struct n8n *w = arg;
    const struct n8n_node *n = n8n_find(w, name);
    const struct made *m = n != NULL ? seen(n) : NULL;
    if (m == NULL)
        return false;
    *ret = m->base;
    if (m->sight != SEEN_MAYBE || of_event(m->base.text))
        return true;
    const char *part =
        strncmp(m->base.text, "steps.", 6) == 0 ? strchr(m->base.text + 6, '.') : NULL;
    if (part == NULL)
        ret->maybe = true;
    else
        ret->text = n8n_printf(w, "%.*s?%s", (int)(part - m->base.text), m->base.text, part);
    return true;
}
