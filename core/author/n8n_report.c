/* author/n8n_report.c - what came of each node, and what is left to be done by hand.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "author/n8n_impl.h"

#define REPORTED 2000u /* todos, and notes */

static void
add(struct n8n *w, struct todo ***end, struct n8n_node *node, struct weir_text step,
    const char *why)
{
    struct todo *t = arena_alloc(&w->arena, sizeof *t);
    if (t == NULL)
        abort();
    t->pipeline = w->pipeline;
    t->step = step;
    t->node = node != NULL ? node->name : TEXT("");
    t->type = node != NULL ? node->full_type : TEXT("");
    t->why = why;
    **end = t;
    *end = &t->next;
}

void
n8n_todo(struct n8n *w, struct n8n_node *node, struct weir_text step, const char *why)
{
    add(w, &w->todos_end, node, step, why);
}

void
n8n_note(struct n8n *w, struct n8n_node *node, const char *why)
{
    for (const struct todo *t = w->notes; t != NULL; t = t->next)
        if (node != NULL && text_equal(t->node, node->name) && t->why == why)
            return;
    add(w, &w->notes_end, node, TEXT(""), why);
}

void
n8n_differs(void *arg, const char *what)
{
    struct n8n *w = arg;
    if (w->at == NULL)
        return;
    n8n_note(w, w->at, what);
    n8n_fate(w->at, FATE_PARTLY);
}

void
n8n_fate(struct n8n_node *node, enum n8n_fate fate)
{
    if (node->fate < fate)
        node->fate = fate;
}

static void
put_text(struct weir_builder *b, const char *key, struct weir_text text)
{
    if (text.len == 0)
        return;
    const struct weir_value *v = value_string(text.bytes, text.len);
    builder_put(b, key, v);
    value_unref(&v);
}

static void
put_int(struct weir_builder *b, const char *key, unsigned n)
{
    const struct weir_value *v = value_int(n);
    builder_put(b, key, v);
    value_unref(&v);
}

static void
put_list(struct weir_builder *all, const char *key, const struct todo *first)
{
    struct weir_builder *list = builder_list();
    unsigned n = 0;
    for (const struct todo *t = first; t != NULL && n < REPORTED; t = t->next, n++) {
        struct weir_builder *b = builder_map();
        put_text(b, "pipeline", t->pipeline);
        put_text(b, "step", t->step);
        put_text(b, "node", t->node);
        put_text(b, "type", t->type);
        put_text(b, "why", text_of(t->why));
        const struct weir_value *v = builder_end(&b);
        builder_add(list, &v);
    }
    const struct weir_value *v = builder_end(&list);
    builder_put(all, key, v);
    value_unref(&v);
}

static void
put_counts(struct weir_builder *all, const struct n8n *w)
{
    static const char *const names[] = { NULL, "dropped", "mapped", "partly", "todo" };
    unsigned counts[FATE_TODO + 1] = { 0 };
    for (const struct n8n_node *n = w->first; n != NULL; n = n->next)
        counts[n->fate]++;
    struct weir_builder *b = builder_map();
    put_int(b, "total", w->n_nodes);
    for (unsigned i = FATE_MAPPED; i <= FATE_TODO; i++)
        put_int(b, names[i], counts[i]);
    put_int(b, "dropped", counts[FATE_DROPPED]);
    const struct weir_value *v = builder_end(&b);
    builder_put(all, "nodes", v);
    value_unref(&v);
    b = builder_map();
    put_int(b, "total", w->expressions);
    put_int(b, "todo", w->expressions_todo);
    v = builder_end(&b);
    builder_put(all, "expressions", v);
    value_unref(&v);
}

const struct weir_value *
n8n_report(struct n8n *w, const struct weir_value **take_pipelines)
{
    struct weir_builder *all = builder_map();
    put_text(all, "workflow", w->name);
    builder_set(all, "pipelines", 9, take_pipelines);
    put_counts(all, w);
    put_list(all, "todos", w->todos);
    put_list(all, "notes", w->notes);
    return builder_end(&all);
}
