/* author/n8n_walk.c - the tree of blocks in the graph of a workflow.
 *
 * Where ways part (an if, a switch, several nodes behind one output), each way becomes a block
 * that ends where all of them meet again. Ways that never meet go to their ends in their own
 * blocks; a node that is on several of them is written several times.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "author/n8n_impl.h"

static struct js_base walk(const struct way *way, const struct n8n_edge *edges,
                           struct out *list, struct js_base in);

static bool
is_body(struct js_base b)
{
    size_t len = b.text != NULL ? strlen(b.text) : 0;
    return len > 5 && strcmp(b.text + len - 5, ".body") == 0 && b.shape == JS_VALUE;
}

static void
lane_ends(struct lanes *l, struct js_base end)
{
    l->n++;
    l->bodies += is_body(end);
}

struct js_base
n8n_behind(const struct lanes *l)
{
    return (struct js_base){ .text = l->n > 0 && l->bodies == l->n ? "input.body" : "input" };
}

void
n8n_lane(const struct way *way, const struct n8n_edge *edges, const struct n8n_node *join,
         struct out *list, struct js_base in, struct lanes *lanes)
{
    struct way inner = { .w = way->w, .outer = way, .stop = join, .depth = way->depth + 1 };
    struct n8n *w = way->w;
    unsigned from = w->n_steps;
    struct js_base here = w->js.json; /* what comes behind the lane still reads what stood before it */
    lane_ends(lanes, walk(&inner, edges, list, in));
    w->js.json = here;
    n8n_hide(w, from, SEEN_MAYBE);
}

const struct n8n_edge *
n8n_edge_to(struct n8n *w, struct n8n_node *join)
{
    if (join == NULL)
        return NULL;
    struct n8n_edge *e = arena_alloc(&w->arena, sizeof *e);
    if (e == NULL)
        abort();
    e->to = join;
    return e;
}

/* -- several nodes behind one output -- */

/* The edges that do not lead to JOIN. */
static const struct n8n_edge *
without(struct n8n *w, const struct n8n_edge *edges, const struct n8n_node *join)
{
    struct n8n_edge *all = NULL, **end = &all;
    for (; edges != NULL; edges = edges->next) {
        if (edges->to == join)
            continue;
        struct n8n_edge *copy = arena_alloc(&w->arena, sizeof *copy);
        if (copy == NULL)
            abort();
        *copy = *edges;
        copy->next = NULL;
        *end = copy;
        end = &copy->next;
    }
    return all;
}

/* Writes the ways of EDGES side by side; they don't see each other's steps, and all are seen
 * behind them. */
static void
write_parallel(const struct way *way, const struct n8n_edge *edges, const struct n8n_node *join,
               struct out *list, struct js_base in)
{
    struct n8n *w = way->w;
    struct map taken;
    enum sight_kind *sights = NULL;
    unsigned first = w->n_steps;
    struct out *step = out_add(list, out_map(&w->arena));
    out_set(&w->arena, step, TEXT("parallel"), out_plain(&w->arena, ""));
    struct out *branches = out_set(&w->arena, step, TEXT("branches"), out_map(&w->arena));
    map_init(&taken);
    sights = calloc(N8N_STEPS, sizeof *sights);
    if (sights == NULL)
        abort();
    for (; edges != NULL; edges = edges->next) {
        struct way inner = { .w = w, .outer = way, .stop = join, .depth = way->depth + 1 };
        struct n8n_edge one = { .to = edges->to };
        unsigned from = w->n_steps;
        struct weir_text name = n8n_name(w, &taken, edges->to->name, "branch");
        (void)walk(&inner, &one, out_set(&w->arena, branches, name, out_list(&w->arena)), in);
        for (unsigned i = from; i < w->n_steps; i++)
            sights[i] = w->steps[i]->sight;
        n8n_hide(w, from, SEEN_NOT);
    }
    for (unsigned i = first; i < w->n_steps; i++)
        w->steps[i]->sight = sights[i];
    free(sights);
    map_fini(&taken);
}

/* -- merge -- */

/* The data that comes into input INPUT of a merge; NULL if it is not seen here. */
static const char *
merge_input(struct n8n *w, const struct n8n_node *merge, unsigned input, bool *ret_sure)
{
    *ret_sure = false;
    for (struct n8n_node *n = w->first; n != NULL; n = n->next)
        for (unsigned i = 0; i < n->n_outs; i++)
            for (const struct n8n_edge *e = n->outs[i]; e != NULL; e = e->next) {
                struct js_base base;
                if (e->to != merge || e->input != input || !n8n_data(w, n->name, &base) ||
                    base.text == NULL || strncmp(base.text, "item", 4) == 0)
                    continue;
                *ret_sure = n->made->sight == SEEN;
                return base.maybe ? n8n_printf(w, "%s ?? null", base.text) : base.text;
            }
    return NULL;
}

/* A merge puts together what its inputs gave, if all of them ran; behind an if only one did,
 * and that flows on. */
static struct js_base
write_merge(struct step *s)
{
    struct n8n *w = s->w;
    const char *inputs[8];
    unsigned n = 0, sure = 0;
    for (unsigned i = 0; i < 8; i++) {
        bool is_sure;
        const char *text = merge_input(w, s->node, i, &is_sure);
        if (text == NULL)
            continue;
        inputs[n++] = text;
        sure += is_sure;
    }
    n8n_fate(s->node, FATE_MAPPED);
    if (n < 2 || sure < 2)
        return s->in;
    struct out *step = step_begin(s);
    if (param_is(s->node, "mode", "chooseBranch", "append") ||
        param_is(s->node, "mode", "passThrough", "append") ||
        param_is(s->node, "mode", "wait", "append")) {
        bool second = param_is(s->node, "output", "input2", "input1");
        out_set(&w->arena, step, TEXT("set"), step_expression(s, inputs[second ? 1 : 0]));
        return s->data;
    }
    const char *all = "";
    for (unsigned i = 0; i < n; i++)
        all = n8n_printf(w, "%s%s%s", all, i > 0 ? ", " : "", inputs[i]);
    out_set(&w->arena, step, TEXT("set"), step_expression(s, n8n_printf(w, "[%s]", all)));
    n8n_note(w, s->node,
             param_is(s->node, "mode", "append", "append")
                 ? "n8n appends the items of its inputs; here they are a list of two"
                 : "n8n makes one map of its inputs; here they are a list of two");
    n8n_fate(s->node, FATE_PARTLY);
    return s->data;
}

/* -- one node -- */

static bool
is_stop(const struct way *way, const struct n8n_node *n)
{
    for (; way != NULL; way = way->outer)
        if (way->stop == n)
            return true;
    return false;
}

/* Whether a node leaves errors by its last output. */
static bool
parts_errors(const struct n8n_node *n)
{
    const struct weir_value *on = value_field(n->value, "onError");
    return on != NULL && text_is(value_as_text(on), "continueErrorOutput") && n->n_outs > 1 &&
           n->outs[n->n_outs - 1] != NULL;
}

/* Writes one node; *EDGES: where the flow goes on. Returns what $json of the next one is. */
static struct js_base
write_node(const struct way *way, struct step *s, const struct n8n_edge **edges)
{
    struct n8n_node *n = s->node;
    const struct weir_value *off = value_field(n->value, "disabled");
    *edges = n->n_outs > 0 ? n->outs[0] : NULL;
    if (off != NULL && off->type == WEIR_BOOL && off->boolean) {
        n8n_note(s->w, n, "it is disabled, and was left out");
        n8n_fate(n, FATE_DROPPED);
        return s->in;
    }
    if (text_is(n->type, "if") || text_is(n->type, "filter"))
        return n8n_if(way, s, edges);
    if (text_is(n->type, "switch"))
        return n8n_switch(way, s, edges);
    if (n8n_is_loop(n))
        return n8n_loop(way, s, edges);
    if (text_is(n->type, "splitOut") && param_text(n, "fieldToSplitOut").len > 0)
        return n8n_split(way, s, edges);
    if (text_is(n->type, "merge"))
        return write_merge(s);
    n8n_node_step(s);
    if (parts_errors(n) && s->map != NULL && !s->skipped && s->id.len > 0)
        return n8n_with_errors(way, s, edges);
    return s->skipped ? s->in : s->data;
}

/* Whether the walk ends before N; says why where that is a loss. */
static bool
ends_before(const struct way *way, struct n8n_node *n, struct out *list)
{
    if (is_stop(way, n))
        return true;
    if (n->open > 0)
        step_jump(way->w, list, n,
                  "the way goes back to a step before; weir has foreach, and no jumps");
    else if (way->depth > N8N_DEPTH)
        step_jump(way->w, list, n, "the blocks are nested too deeply to go on");
    else if (way->w->n_steps >= N8N_STEPS - 1)
        step_jump(way->w, list, n, "the steps are too many to go on");
    else
        return false;
    return true;
}

static struct js_base
walk(const struct way *way, const struct n8n_edge *edges, struct out *list, struct js_base in)
{
    struct n8n *w = way->w;
    struct n8n_node **opened = calloc(N8N_NODES, sizeof *opened);
    unsigned n_opened = 0;
    if (opened == NULL)
        abort();
    while (edges != NULL) {
        if (edges->next != NULL) {
            struct n8n_node *join = n8n_join(edges);
            edges = without(w, edges, join);
            if (edges != NULL && edges->next != NULL)
                write_parallel(way, edges, join, list, in);
            else if (edges != NULL) {
                struct way inner = { .w = w, .outer = way, .stop = join, .depth = way->depth };
                in = walk(&inner, edges, list, in);
            }
            edges = n8n_edge_to(w, join);
            continue;
        }
        struct n8n_node *n = edges->to;
        if (ends_before(way, n, list) || n_opened == N8N_NODES)
            break;
        struct step s = { .w = w, .node = n, .list = list, .in = in };
        w->js.json = in;
        w->at = n;
        n->open++;
        opened[n_opened++] = n;
        in = write_node(way, &s, &edges);
        n8n_remember(w, n, in);
    }
    while (n_opened > 0)
        opened[--n_opened]->open--;
    free(opened);
    return in;
}

struct js_base
n8n_walk(const struct way *way, const struct n8n_edge *edges, struct out *list,
         struct js_base in)
{
    return walk(way, edges, list, in);
}
