/* author/n8n_read.c - the graph of a workflow, and its nodes' parameters.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "author/n8n_impl.h"

static void *
take(struct n8n *w, size_t size)
{
    void *p = arena_alloc(&w->arena, size);
    if (p == NULL)
        abort();
    return p;
}

static struct weir_text
member(const struct weir_value *v, const char *key)
{
    const struct weir_value *m = value_field(v, key);
    return m != NULL ? value_as_text(m) : TEXT("");
}

const struct weir_value *
param(const struct n8n_node *n, const char *path)
{
    const struct weir_value *v = n->params;
    while (v != NULL) {
        size_t len = strcspn(path, "/");
        v = value_get(v, path, len);
        if (path[len] == '\0')
            return v;
        path += len + 1;
    }
    return NULL;
}

struct weir_text
param_text(const struct n8n_node *n, const char *path)
{
    const struct weir_value *v = param(n, path);
    return v != NULL ? value_as_text(v) : TEXT("");
}

bool
param_true(const struct n8n_node *n, const char *path)
{
    const struct weir_value *v = param(n, path);
    return v != NULL && v->type == WEIR_BOOL && v->boolean;
}

bool
param_is(const struct n8n_node *n, const char *path, const char *value, const char *fallback)
{
    struct weir_text text = param_text(n, path);
    return text_is(text.len > 0 ? text : text_of(fallback), value);
}

struct n8n_node *
n8n_find(const struct n8n *w, struct weir_text name)
{
    struct n8n_node *n = map_get(&w->by_name, name.bytes, name.len);
    return n != NULL ? n : map_get(&w->by_id, name.bytes, name.len);
}

struct weir_text
n8n_name(struct n8n *w, struct map *taken, struct weir_text text, const char *fallback)
{
    char name[48];
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < 40; i++) {
        char c = (char)tolower((unsigned char)text.bytes[i]);
        if (isalnum((unsigned char)c) && (unsigned char)c < 0x80 &&
            (len > 0 || isalpha((unsigned char)c)))
            name[len++] = c;
        else if (len > 0 && name[len - 1] != '_')
            name[len++] = '_';
    }
    while (len > 0 && name[len - 1] == '_')
        len--;
    if (len == 0)
        len = (size_t)snprintf(name, sizeof name, "%s", fallback);
    name[len] = '\0';
    char whole[64];
    size_t n = (size_t)snprintf(whole, sizeof whole, "%s", name);
    for (unsigned i = 2; map_get(taken, whole, n) != NULL; i++)
        n = (size_t)snprintf(whole, sizeof whole, "%s_%u", name, i);
    (void)map_set(taken, whole, n, w);
    char *copy = take(w, n + 1);
    memcpy(copy, whole, n);
    return (struct weir_text){ copy, n };
}

static bool
ends_with(struct weir_text text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && strncasecmp(text.bytes + text.len - len, end, len) == 0;
}

/* What starts a workflow: webhooks, clocks, and whatever is called a trigger. */
static bool
is_trigger(struct weir_text type)
{
    static const char *const names[] = { "webhook", "cron", "interval", "start",
                                         "emailReadImap" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(type, names[i]))
            return true;
    return ends_with(type, "trigger");
}

static void
read_node(struct n8n *w, const struct weir_value *v)
{
    struct n8n_node *n = take(w, sizeof *n);
    n->value = v;
    n->name = member(v, "name");
    n->full_type = n->type = member(v, "type");
    static const char base[] = "n8n-nodes-base.";
    if (n->type.len > sizeof base - 1 && memcmp(n->type.bytes, base, sizeof base - 1) == 0)
        n->type = (struct weir_text){ n->type.bytes + sizeof base - 1,
                                      n->type.len - (sizeof base - 1) };
    const struct weir_value *params = value_field(v, "parameters");
    bool map = params != NULL && params->type == WEIR_MAP;
    n->params = map ? params : &value_empty_map;
    const struct weir_value *version = value_field(v, "typeVersion");
    if (version != NULL)
        n->version = version->type == WEIR_INT      ? (double)version->integer
                     : version->type == WEIR_DOUBLE ? version->number
                                                    : 1;
    n->trigger = is_trigger(n->type);
    n->number = w->n_nodes++;
    struct n8n_node **end = &w->first;
    while (*end != NULL)
        end = &(*end)->next;
    *end = n;
    if (n->name.len > 0)
        (void)map_set(&w->by_name, n->name.bytes, n->name.len, n);
    struct weir_text id = member(v, "id");
    if (id.len > 0)
        (void)map_set(&w->by_id, id.bytes, id.len, n);
}

static void
read_edge(struct n8n *w, struct n8n_node *from, unsigned output, const struct weir_value *v)
{
    struct n8n_node *to = n8n_find(w, member(v, "node"));
    const struct weir_value *index = value_field(v, "index");
    if (to == NULL || output >= N8N_OUTPUTS || w->n_edges == N8N_EDGES)
        return;
    struct n8n_edge **end = &from->outs[output];
    for (; *end != NULL; end = &(*end)->next)
        if ((*end)->to == to)
            return;
    struct n8n_edge *e = take(w, sizeof *e);
    e->to = to;
    if (index != NULL && index->type == WEIR_INT && index->integer >= 0 &&
        index->integer < 1000)
        e->input = (unsigned)index->integer;
    *end = e;
    w->n_edges++;
    to->n_ins++;
    if (from->n_outs <= output)
        from->n_outs = output + 1;
}

/* The connections from one node: { main: [[{ node, type, index }]], ai_tool: ... }. */
static void
read_connections(struct n8n *w, struct weir_text name, const struct weir_value *v)
{
    struct n8n_node *from = n8n_find(w, name);
    const struct weir_value *outputs = value_field(v, "main"), *output, *one;
    if (from == NULL)
        return;
    for (unsigned i = 0; (output = value_at(outputs, i)) != NULL; i++)
        for (unsigned k = 0; (one = value_at(output, k)) != NULL; k++)
            read_edge(w, from, i, one);
    struct weir_text kind;
    for (size_t i = 0; value_member(v, i, &kind, &one); i++)
        from->sub |= kind.len > 3 && memcmp(kind.bytes, "ai_", 3) == 0;
}

/* How far right a node stands; false if it is not told. */
static bool
place_of(const struct n8n_node *n, double *ret)
{
    const struct weir_value *x = value_at(value_field(n->value, "position"), 0);
    if (x == NULL || (x->type != WEIR_INT && x->type != WEIR_DOUBLE))
        return false;
    *ret = x->type == WEIR_INT ? (double)x->integer : x->number;
    return true;
}

static bool
is_step(const struct n8n_node *n)
{
    return !n->trigger && !n->sub && !text_is(n->type, "stickyNote");
}

/* The step that stands next to LAST (NULL: the first) on the right; PLACED: by position, else
 * by order of the file. */
static struct n8n_node *
next_step(const struct n8n *w, const struct n8n_node *last, bool placed)
{
    struct n8n_node *best = NULL;
    double from = 0, at = 0, nearest = 0; /* all 0 without places */
    if (last != NULL && placed)
        (void)place_of(last, &from);
    for (struct n8n_node *n = w->first; n != NULL; n = n->next) {
        if (!is_step(n))
            continue;
        if (placed)
            (void)place_of(n, &at);
        bool behind = last == NULL || at > from || (at == from && n->number > last->number);
        if (behind && (best == NULL || at < nearest)) {
            best = n;
            nearest = at;
        }
    }
    return best;
}

static void
connect(struct n8n *w, struct n8n_node *from, struct n8n_node *to)
{
    struct n8n_edge *e = take(w, sizeof *e);
    e->to = to;
    from->outs[0] = e;
    from->n_outs = 1;
    to->n_ins++;
}

/* Without any connection the steps are taken from left to right, or else in order of the file;
 * every trigger leads to the first. */
static void
connect_in_order(struct n8n *w)
{
    bool placed = true;
    double at;
    for (const struct n8n_node *n = w->first; n != NULL; n = n->next)
        placed &= !is_step(n) || place_of(n, &at);
    struct n8n_node *first = next_step(w, NULL, placed), *last = first;
    for (unsigned i = 0; last != NULL && i < N8N_NODES; i++) {
        struct n8n_node *next = next_step(w, last, placed);
        if (next == NULL)
            break;
        connect(w, last, next);
        last = next;
    }
    for (struct n8n_node *n = w->first; n != NULL && first != NULL; n = n->next)
        if (n->trigger)
            connect(w, n, first);
    if (w->n_nodes > 1)
        n8n_note(
            w, NULL,
            placed ? "the workflow has no connections: its nodes were taken from left to right"
                   : "the workflow has no connections: its nodes were taken in order");
}

bool
n8n_read(struct n8n *w, struct weir_error *err)
{
    const struct weir_value *nodes = value_field(w->workflow, "nodes"), *v;
    if (nodes == NULL || nodes->type != WEIR_LIST) {
        err_set(err, WEIR_INVALID, "it is no workflow of n8n: it has no list \"nodes\"");
        return false;
    }
    if (nodes->len > N8N_NODES) {
        err_set(err, WEIR_INVALID, "more than %u nodes", N8N_NODES);
        return false;
    }
    for (size_t i = 0; (v = value_at(nodes, i)) != NULL; i++)
        if (v->type == WEIR_MAP)
            read_node(w, v);
    const struct weir_value *connections = value_field(w->workflow, "connections");
    struct weir_text name;
    for (size_t i = 0; value_member(connections, i, &name, &v); i++)
        read_connections(w, name, v);
    if (w->n_edges == 0)
        connect_in_order(w);
    return true;
}
