/* author/graph_flow.c - the drawing as a flow chart for Mermaid and for Graphviz.
 *
 * Both are written by one walk. An end is a step from which the flow goes on: to the next step
 * of its block, or behind the step whose block it ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "author/picture.h"
#include "base/encode.h"

#define SHOWN 60u /* characters of a line */

/* A step from which an edge to what comes next is still to be drawn. */
struct end {
    unsigned number;
    struct weir_text label;
    bool dashed;
};

struct ends {
    struct end *items; /* owned */
    unsigned n;
    unsigned room;
};

/* A chart while it is written. Edges come last, so that each step is in its block's frame. */
struct chart {
    struct buf *out;
    struct buf edges;
    bool dot;
    bool marked;
    unsigned frames;
};

static void
ends_add(struct ends *e, struct end one)
{
    if (e->n == e->room) {
        e->room = e->room ? 2 * e->room : 8;
        e->items = realloc(e->items, e->room * sizeof *e->items);
        if (e->items == NULL)
            abort();
    }
    e->items[e->n++] = one;
}

/* Moves all of FROM behind TO. */
static void
ends_move(struct ends *to, struct ends *from)
{
    for (unsigned i = 0; i < from->n; i++)
        ends_add(to, from->items[i]);
    free(from->items);
    *from = (struct ends){ 0 };
}

/* A text between double quotes, cut to what a box of a chart can show. */
static void
put_quoted(struct chart *c, struct buf *out, struct weir_text text)
{
    size_t whole = text.len;
    if (text.len > SHOWN)
        text.len = utf8_prefix(text, SHOWN);
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.bytes[i];
        bool special = strchr(c->dot ? "\"\\" : "\"#<>&`\\", byte) != NULL;
        if (special && c->dot)
            (void)buf_printf(out, "\\%c", byte);
        else if (special)
            (void)buf_printf(out, "#%d;", byte);
        else
            (void)buf_putc(out, byte);
    }
    if (text.len < whole)
        (void)buf_puts(out, "...");
}

static void
put_line(struct chart *c, const char *before, struct weir_text text)
{
    if (text.len == 0)
        return;
    (void)buf_puts(c->out, c->dot ? "\\n" : "<br>");
    (void)buf_puts(c->out, before);
    put_quoted(c, c->out, text);
}

static void
put_label(struct chart *c, const struct box *b)
{
    put_quoted(c, c->out, b->id.len > 0 ? b->id : b->type);
    if (b->id.len > 0)
        put_line(c, "", b->type);
    put_line(c, "", b->detail);
    put_line(c, "if ", b->condition);
    put_line(c, "", b->limits);
}

static void
put_box(struct chart *c, const struct box *b, bool trigger)
{
    static const char *const classes[] = { "none", "done", "failed", "inside", "begun", "waits" };
    static const char *const fills[] = { "#f4f4f5", "#bbf7d0", "#fecaca", "#fde68a",
                                         "#fed7aa", "#a5f3fc" };
    (void)buf_printf(c->out, "  n%u", b->number);
    if (c->dot) {
        (void)buf_puts(c->out, " [label=\"");
        put_label(c, b);
        (void)buf_printf(c->out, "\"%s", trigger ? ", shape=oval" : "");
        if (c->marked && !trigger)
            (void)buf_printf(c->out, ", fillcolor=\"%s\"", fills[b->mark]);
        (void)buf_puts(c->out, "];\n");
        return;
    }
    (void)buf_puts(c->out, trigger ? "([\"" : "[\"");
    put_label(c, b);
    (void)buf_puts(c->out, trigger ? "\"])" : "\"]");
    if (c->marked && !trigger)
        (void)buf_printf(c->out, ":::%s", classes[b->mark]);
    (void)buf_putc(c->out, '\n');
}

static void
put_edge(struct chart *c, const struct end *from, unsigned to)
{
    struct buf *out = &c->edges;
    if (c->dot) {
        (void)buf_printf(out, "  n%u -> n%u [label=\"", from->number, to);
        put_quoted(c, out, from->label);
        (void)buf_printf(out, "\"%s];\n", from->dashed ? ", style=dashed" : "");
        return;
    }
    (void)buf_printf(out, "  n%u %s", from->number, from->dashed ? "-.->" : "-->");
    if (from->label.len > 0) {
        (void)buf_puts(out, "|\"");
        put_quoted(c, out, from->label);
        (void)buf_puts(out, "\"|");
    }
    (void)buf_printf(out, " n%u\n", to);
}

static void put_boxes(struct chart *c, const struct box *first, struct ends *ends);

/* A block in a frame. ENDS: from where the flow comes into it; then, where it leaves it. */
static void
put_frame(struct chart *c, const struct lane *l, struct ends *ends)
{
    if (l->first == NULL)
        return;
    (void)buf_printf(c->out,
                     c->dot ? "  subgraph cluster%u {\n  label=\"" : "  subgraph f%u[\"",
                     c->frames++);
    put_quoted(c, c->out, l->label);
    (void)buf_puts(c->out, c->dot ? "\";\n" : "\"]\n");
    put_boxes(c, l->first, ends);
    (void)buf_puts(c->out, c->dot ? "  }\n" : "  end\n");
}

static void
put_boxes(struct chart *c, const struct box *first, struct ends *ends)
{
    for (const struct box *b = first; b != NULL; b = b->next) {
        put_box(c, b, false);
        for (unsigned i = 0; i < ends->n; i++)
            put_edge(c, &ends->items[i], b->number);
        ends->n = 0;
        bool inside = false;
        for (const struct lane *l = b->lanes; l != NULL; l = l->next) {
            struct ends lane = { 0 };
            ends_add(&lane, (struct end){ b->number, l->label, l->handler });
            put_frame(c, l, &lane);
            ends_move(ends, &lane);
            inside |= !l->handler;
        }
        if (!inside || b->skippable)
            ends_add(ends, (struct end){ .number = b->number });
    }
}

static void
put_chart(struct chart *c, const struct picture *p)
{
    struct ends ends = { 0 };
    for (const struct box *b = p->triggers; b != NULL; b = b->next) {
        put_box(c, b, true);
        ends_add(&ends, (struct end){ .number = b->number });
    }
    put_boxes(c, p->steps->first, &ends);
    if (p->catch != NULL && p->steps->first != NULL) {
        struct ends failed = { 0 };
        ends_add(&failed,
                 (struct end){ p->steps->first->number, TEXT("error in any step"), true });
        put_frame(c, p->catch, &failed);
        ends_move(&ends, &failed);
    }
    if (p->finally != NULL)
        put_frame(c, p->finally, &ends);
    free(ends.items);
    (void)buf_text(c->out, buf_content(&c->edges));
}

void
graph_mermaid(const struct picture *p, struct buf *out)
{
    struct chart c = { .out = out, .marked = p->marked };
    buf_init(&c.edges, GRAPH_ROOM);
    (void)buf_printf(out, "flowchart TD\n");
    put_chart(&c, p);
    if (p->marked)
        (void)buf_puts(out, "  classDef none fill:#f4f4f5,stroke:#a1a1aa,color:#71717a\n"
                            "  classDef done fill:#bbf7d0,stroke:#16a34a,color:#052e16\n"
                            "  classDef failed fill:#fecaca,stroke:#dc2626,color:#450a0a\n"
                            "  classDef inside fill:#fde68a,stroke:#ca8a04,color:#422006\n"
                            "  classDef begun fill:#fed7aa,stroke:#ea580c,color:#431407\n"
                            "  classDef waits fill:#a5f3fc,stroke:#0891b2,color:#083344\n");
    buf_fini(&c.edges);
}

void
graph_dot(const struct picture *p, struct buf *out)
{
    struct chart c = { .out = out, .dot = true, .marked = p->marked };
    buf_init(&c.edges, GRAPH_ROOM);
    (void)buf_puts(out, "digraph \"");
    put_quoted(&c, out, text_of(p->pipeline->name));
    (void)buf_puts(out,
                   "\" {\n  node [shape=box, style=\"rounded,filled\", fillcolor=\"#ffffff\", "
                   "fontname=\"sans-serif\", fontsize=11];\n"
                   "  edge [fontname=\"sans-serif\", fontsize=10, color=\"#71717a\"];\n"
                   "  graph [fontname=\"sans-serif\", fontsize=10, style=\"rounded\", "
                   "color=\"#a1a1aa\"];\n");
    put_chart(&c, p);
    (void)buf_puts(out, "}\n");
    buf_fini(&c.edges);
}
