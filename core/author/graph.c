/* author/graph.c - see graph.h; the drawing for a terminal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "author/graph.h"

#include <string.h>

#include "author/picture.h"

#define DEPTH_MAX 80u /* of the model's blocks, twice and some more */

static const struct {
    char sign;
    const char *paint;
    const char *word;
} marks[] = {
    [STEP_NOT_REACHED] = { '.', "2", "not reached" },
    [STEP_DONE] = { '+', "32", "done" },
    [STEP_FAILED] = { 'x', "31", "failed" },
    [STEP_INSIDE] = { '>', "33", "went inside" },
    [STEP_BEGUN] = { '?', "33", "begun, its end is not known" },
    [STEP_WAITS] = { '~', "36", "waiting" },
};
#define MARKS (sizeof marks / sizeof *marks)

const char *
mark_word(enum step_mark mark)
{
    return marks[mark].word;
}

char
mark_sign(enum step_mark mark)
{
    return marks[mark].sign;
}

const char *
mark_paint(enum step_mark mark)
{
    return marks[mark].paint;
}

/* A drawing as text. */
struct drawing {
    struct buf *out;
    bool colour;
    bool marked;
    bool used[MARKS];
    bool more[DEPTH_MAX]; /* on each level: something follows */
    unsigned depth;
};

static void
put(struct drawing *d, const char *word)
{
    (void)buf_puts(d->out, word);
}

static void
put_paint(struct drawing *d, const char *paint)
{
    if (d->colour)
        (void)buf_printf(d->out, "\033[%sm", paint);
}

/* The lines that lead to an entry; SIGN is its own. */
static void
put_lead(struct drawing *d, bool last, const char *sign)
{
    put(d, "  ");
    put_paint(d, "2");
    for (unsigned i = 0; i < d->depth; i++)
        put(d, d->more[i] ? "|  " : "   ");
    put(d, last ? "`" : "|");
    put(d, sign);
    put_paint(d, "0");
}

static void
put_field(struct drawing *d, const char *before, struct weir_text text)
{
    if (text.len == 0)
        return;
    put(d, before);
    (void)buf_text(d->out, text);
}

static void
put_name(struct drawing *d, const struct box *b)
{
    if (d->marked) {
        d->used[b->mark] = true;
        put_paint(d, marks[b->mark].paint);
        (void)buf_printf(d->out, "%c ", marks[b->mark].sign);
    } else {
        put_paint(d, "1");
    }
    (void)buf_text(d->out, b->id.len > 0 ? b->id : b->type);
    put_paint(d, "0");
    if (b->id.len > 0)
        put_field(d, ": ", b->type);
    put_field(d, " ", b->detail);
    put_field(d, ", if ", b->condition);
    put_field(d, ", ", b->limits);
    put(d, "\n");
}

static void put_boxes(struct drawing *d, const struct box *first);

static void
put_lanes(struct drawing *d, const struct lane *first)
{
    for (const struct lane *l = first; l != NULL; l = l->next) {
        put_lead(d, l->next == NULL, "= ");
        put_paint(d, "36");
        (void)buf_text(d->out, l->label);
        put_paint(d, "0");
        put(d, l->many ? " (many times)\n" : l->first == NULL ? " (nothing)\n" : "\n");
        if (d->depth == DEPTH_MAX)
            continue;
        d->more[d->depth++] = l->next != NULL;
        put_boxes(d, l->first);
        d->depth--;
    }
}

static void
put_boxes(struct drawing *d, const struct box *first)
{
    for (const struct box *b = first; b != NULL; b = b->next) {
        put_lead(d, b->next == NULL, "- ");
        put_name(d, b);
        if (d->depth == DEPTH_MAX)
            continue;
        d->more[d->depth++] = b->next != NULL;
        put_lanes(d, b->lanes);
        d->depth--;
    }
}

static void
put_top(struct drawing *d, const struct lane *l)
{
    if (l == NULL)
        return;
    put(d, "\n");
    put_paint(d, "36");
    (void)buf_text(d->out, l->label);
    put_paint(d, "0");
    put(d, l->first == NULL ? " (nothing)\n" : "\n");
    put_boxes(d, l->first);
}

void
graph_text(const struct picture *p, bool colour, struct buf *out)
{
    struct drawing d = { .out = out, .colour = colour, .marked = p->marked };
    put_paint(&d, "1");
    put(&d, p->pipeline->name);
    put_paint(&d, "0");
    if (p->pipeline->description != NULL && *p->pipeline->description)
        put_field(&d, ": ", text_of(p->pipeline->description));
    put(&d, "\n");
    for (const struct box *b = p->triggers; b != NULL; b = b->next) {
        put(&d, "  ");
        (void)buf_text(out, b->type);
        put_field(&d, " ", b->detail);
        put(&d, "\n");
    }
    put_top(&d, p->steps);
    put_top(&d, p->catch);
    put_top(&d, p->finally);
    const char *between = "\n(";
    for (size_t m = 0; m < MARKS; m++)
        if (d.used[m]) {
            (void)buf_printf(out, "%s%c %s", between, marks[m].sign, marks[m].word);
            between = ", ";
        }
    if (d.marked && *between == ',')
        put(&d, ")\n");
}

void
graph_draw(const struct pipeline *p, enum graph_format format, const struct graph_marks *way,
           bool colour, struct buf *out)
{
    struct picture *picture = picture_new(p, way);
    switch (format) {
    case GRAPH_TEXT:
        graph_text(picture, colour, out);
        break;
    case GRAPH_MERMAID:
        graph_mermaid(picture, out);
        break;
    case GRAPH_DOT:
        graph_dot(picture, out);
        break;
    case GRAPH_SVG:
        graph_svg(picture, out);
        break;
    }
    picture_free(&picture);
}

int
graph_format_find(const char *name)
{
    static const char *const names[] = { "text", "mermaid", "dot", "svg" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    return -1;
}
